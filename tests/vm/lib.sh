# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Common functions of the VM scripts: finding Debian's archive, making root file
# systems of its releases, and running commands in them.

# shellcheck source=tests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

# The PATH of an ordinary user may have no sbin.
PATH=$PATH:/usr/sbin:/sbin

# The programs in the VM are of this suite, whatever the kernel is.
userland_suite=bookworm
userland_packages=(gcc libc6-dev make pkg-config libmnl-dev libjson-c-dev
	libnl-route-3-dev busybox-static iproute2 iputils-ping libnl-utils kmod
	python3-minimal python3-pyroute2 procps)

# The packages that all roots have.
base_packages=(gcc libc6-dev make kmod)

# The emulated processor has no cmpxchg16b. With that instruction QEMU 7.2 sometimes
# sets wrong flags, which kills Linux 6.12 in its memory allocator, even while it
# boots: a double fault with RAX in EFLAGS.
# shellcheck disable=SC2034 # for those who start QEMU
processor=max,-cx16

# With this kernel argument a program is at the same addresses in each process. QEMU
# translates a program again for each new address. bin/family is twice as fast with
# the argument.
# shellcheck disable=SC2034
same_addresses=norandmaps

# kernel_row NAME: sets suites, flavour and arguments to those of a kernel, from
# tests/vm/kernels and tests/debug/kernels
kernel_row() {
	local row

	row=$(awk -v name="$1" '$1 == name { $1 = ""; print }' \
		"$top/tests/vm/kernels" "$top/tests/debug/kernels")
	[ -n "$row" ] || die "no kernel '$1' in tests/vm/kernels and tests/debug/kernels; there are:" \
		"$(awk '!/^#/ { printf "%s ", $1 }' \
			"$top/tests/vm/kernels" "$top/tests/debug/kernels")"
	# shellcheck disable=SC2034 # arguments: for run
	read -r suites flavour _ arguments <<< "$row"
}

# suite SET...: prints the tests of these sets in tests/suite, one per line
suite() {
	awk -v sets=" $* " '!/^#/ && index(sets, " " $1 " ") {
		sub(/^[^ \t]+[ \t]+/, ""); print }' "$top/tests/suite"
}

# debian_mirror: prints DEBIAN_MIRROR, or else the archive that this machine uses
debian_mirror() {
	local uri

	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR"
		return
	fi
	command -v apt-get > /dev/null && uri=$(apt-get indextargets \
		--format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(RELEASE)' |
		awk '$2 == "Debian" && $3 == "main" && $4 !~ /-security|-updates/ { print $1; exit }')
	[ -n "${uri:-}" ] || die "this machine's apt knows no Debian archive:" \
		"set DEBIAN_MIRROR to the address of one"
	echo "$uri"
}

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# sources SUITES [deb-src]: prints the lines for sources.list
sources() {
	local suite mirror

	mirror=$(debian_mirror) || exit
	for suite in ${1//,/ }; do
		echo "${2:-deb} [signed-by=$keyring] $mirror $suite main"
	done
}

# private_apt SUITES COMMAND...: runs apt-get with its own lists, configuration and
# packages. apt verifies downloads as usual, and resumes an interrupted one.
private_apt() {
	local suites=$1 dir=$cache/apt/$1${source_kind:+-$source_kind}
	shift

	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	touch "$dir/status"
	sources "$suites" "${source_kind:-}" > "$dir/sources.list"
	apt-get -q -o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$dir" -o Dir::State::lists="$dir/lists" \
		-o Dir::State::status="$dir/status" -o Dir::Cache="$dir" \
		-o Dir::Cache::archives="$dir/archives" \
		-o APT::Default-Release="${suites##*,}" \
		-o APT::Sandbox::User= -o APT::Install-Recommends=false \
		-o APT::Architecture=amd64 -o Debug::NoLocking=true "$@"
}

# megabytes PATH...: prints how many megabytes these paths take in all
megabytes() {
	du -cm "$@" | tail -n 1 | cut -f 1
}

# progress DIRECTORY TOTAL: prints every few seconds how many of TOTAL megabytes have
# been downloaded into the directory
progress() {
	local dir=$1 total=$2 before

	before=$(megabytes "$dir")
	trap 'kill $!; exit' TERM
	while sleep 10 & wait $! && kill -0 $$ 2> /dev/null; do
		say "#   $(($(megabytes "$dir") - before)) of $total MB"
	done
}

# download SUITES PACKAGE...: downloads the packages and all their dependencies
download() {
	local suites=$1 archives=$cache/apt/$1/archives wanted number total watcher status=0
	shift

	private_apt "$suites" update > /dev/null || die "apt-get update of $suites failed"
	wanted=$(private_apt "$suites" -qq --print-uris -y install "$@") ||
		die "could not find $* in $suites"
	read -r number total <<< "$(awk '{ sum += $3 } END { print NR, int(sum / 1e6 + 1) }' <<< "$wanted")"
	[ -n "$wanted" ] || return 0
	say "#   fetching $number packages of $suites: $total MB"
	progress "$archives" "$total" &
	watcher=$!
	private_apt "$suites" --download-only -y install "$@" > /dev/null || status=$?
	kill $watcher
	wait $watcher 2> /dev/null || :
	[ $status = 0 ] || die "could not download $* of $suites"
}

# download_source SUITES PACKAGE=VERSION DIRECTORY: downloads the files of a source
# package into the directory
download_source() {
	local suites=$1 package=$2 dir=$3 source_kind=deb-src

	mkdir -p "$dir"
	private_apt "$suites" update > /dev/null || die "apt-get update of $suites' sources failed"
	(cd "$dir" && private_apt "$suites" --download-only source "$package" > /dev/null) ||
		die "could not download the source $package of $suites"
}

# in_namespace COMMAND...: runs it in new namespaces. Any user's COMMAND may mount,
# chroot and own files there. Its mounts are private and vanish when it ends.
in_namespace() {
	local user=()

	[ "$(id -u)" = 0 ] || user=(--map-root-user --map-auto)
	unshare "${user[@]}" --mount --pid --fork --mount-proc --kill-child "$@"
}

# make_base SUITES: makes the archive of all that the roots of SUITES have in common
make_base() {
	local suites=$1 mode=unshare valid=true apt=$cache/apt/$1

	[ ! -e "$cache/bases/$suites.tar.zst" ] || return 0
	[ "$(id -u)" != 0 ] || mode=root
	# The setting of this machine's apt decides whether an expired archive, for
	# example a frozen one, is accepted. mmdebstrap does not read it by itself.
	eval "$(apt-config shell valid Acquire::Check-Valid-Until/b)"
	download "$suites" '?or(?essential,?priority(required))' apt "${base_packages[@]}"
	say "#   unpacking what all roots of $suites have in common"
	mkdir -p "$cache/bases"
	sources "$suites" |
	mmdebstrap --quiet --mode=$mode --variant=minbase --architectures=amd64 \
		--include="$(IFS=,; echo "${base_packages[*]}")" \
		--aptopt='APT::Default-Release "'"${suites##*,}"'"' \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "'"$valid"'"' \
		--skip=update \
		--setup-hook='mkdir -p "$1"/var/lib/apt/lists "$1"/var/cache/apt/archives' \
		--setup-hook="sync-in $apt/lists /var/lib/apt/lists" \
		--setup-hook="sync-in $apt/archives /var/cache/apt/archives" \
		"${suites%%,*}" "$cache/bases/$suites.new.tar.zst" - || die "could not make a root of $suites"
	mv "$cache/bases/$suites.new.tar.zst" "$cache/bases/$suites.tar.zst"
}

# make_root SUITES DIRECTORY PACKAGE...: makes a root file system with these packages
make_root() {
	local suites=$1 root=$2 part=$2.part
	shift 2

	need zstd=zstd
	mkdir -p "$cache/locks"
	(
		flock 8
		make_base "$suites"
	) 8> "$cache/locks/base-$suites"
	download "$suites" "$@"
	say "#   unpacking and configuring $# packages of $suites, and what they need"
	in_namespace rm -rf --one-file-system "$part"
	rm -rf "$root.new"
	mkdir -p "$part" "$root.new"
	# The root is copied through an archive, which an ordinary user can unpack,
	# except for dev/. INITRD=No: an initial RAM disk would take longer than all the
	# rest, and nothing uses it.
	# shellcheck disable=SC2016
	in_namespace sh -ec '
		part=$1 base=$2 apt=$3
		shift 3
		zstd -qdc "$base" | tar -x -C "$part" --exclude="./dev/*"
		mkdir -p "$part/dev" "$part/proc" "$part/var/lib/apt/lists" "$part/var/cache/apt/archives"
		mount --rbind /dev "$part/dev"
		mount -t proc proc "$part/proc"
		mount --bind "$apt/lists" "$part/var/lib/apt/lists"
		mount --bind "$apt/archives" "$part/var/cache/apt/archives"
		chroot "$part" env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive INITRD=No \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin apt-get -qy --no-download -o Dpkg::Use-Pty=0 \
			-o APT::Sandbox::User=root -o Debug::NoLocking=true \
			-o DPkg::Options::=--force-unsafe-io install "$@" > "$part.log" 2>&1 ||
			{ tail -n 30 "$part.log" >&2; exit 1; }
		umount "$part/proc" "$part/var/lib/apt/lists" "$part/var/cache/apt/archives"
		tar -C "$part" -c --exclude="./dev/*" .
	' sh "$part" "$cache/bases/$suites.tar.zst" "$cache/apt/$suites" "$@" < /dev/null |
		tar -x -C "$root.new" --no-same-owner || die "could not make a root of $suites"
	# The mounts in it have vanished with their namespace.
	in_namespace rm -rf --one-file-system "$part" "$part.log"
	mkdir -p "$root.new/work"
	# From here on the old result is not valid, even if this script is interrupted.
	rm -f "${root%/*}/ready"
	rm -rf "$root"
	mv "$root.new" "$root"
}

# in_root ROOT COMMAND...: runs it in ROOT, with the machine's /dev, and with /proc,
# which objtool needs. Both are unmounted when COMMAND ends.
in_root() {
	local root=$1 user=()
	shift

	[ "$(id -u)" = 0 ] || user=(--map-root-user)
	# shellcheck disable=SC2016
	unshare "${user[@]}" --mount --pid --fork --mount-proc="$root/proc" sh -ec '
			mount --rbind /dev "$1/dev"
			exec chroot "$@"' sh "$root" \
		env -i HOME=/ LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# built_in ROOT KEY 'PATH...' 'FILE...' COMMAND...: copies PATHs of the checkout into
# ROOT, runs COMMAND there and keeps FILEs. Does so only once for the same contents of
# PATHs, even with parallel callers. Prints the directory with the FILEs.
built_in() {
	local root=$1 key=$2 paths=$3 files=$4 out work lock
	shift 4

	# shellcheck disable=SC2086 # both are lists
	out=$cache/built/$key-$(tree_hash $paths)-$(echo "$*" | cksum | cut -d' ' -f1)
	mkdir -p "$cache/locks"
	exec {lock}> "$cache/locks/built-${out##*/}"
	flock "$lock"
	if [ ! -e "$out/done" ]; then
		work=$(mktemp -d "$root/work/XXXXXX")
		# shellcheck disable=SC2086
		checkout_files $paths | tar -C "$top" --null -T - -c | tar -C "$work" -x --no-same-owner
		if ! in_root "$root" sh -c 'cd "$1" && shift && "$@"' sh \
		    "${work#"$root"}" "$@" > "$work/log" 2>&1; then
			cat "$work/log" >&2
			rm -rf "$work"
			die "building $key failed"
		fi
		rm -rf "$out.$$"
		mkdir -p "$out.$$"
		# shellcheck disable=SC2086
		(cd "$work" && cp -r --parents $files log "$out.$$")
		touch "$out.$$/done"
		rm -rf "$work"
		mv -T "$out.$$" "$out" 2> /dev/null || rm -rf "$out.$$"
	fi
	exec {lock}>&-
	echo "$out"
}
