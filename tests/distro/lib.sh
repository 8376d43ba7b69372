# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Common functions of the distribution tests: print TAP, make clean root file
# systems, run commands and install packages in them, and boot them.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/lib.sh"

# suite_row NAME: reads the suite's line of tests/distro/suites; sets suites, flavour
# and from ("-": no earlier release).
suite_row() {
	local row

	row=$(awk -v name="$1" '$1 == name { print $2, $3, $4 }' "$top/tests/distro/suites")
	[ -n "$row" ] || die "no suite '$1' in tests/distro/suites; there are:" \
		"$(awk '!/^#/ { printf "%s ", $1 }' "$top/tests/distro/suites")"
	# shellcheck disable=SC2034 # prepare uses flavour and from
	read -r suites flavour from <<< "$row"
}

# --- TAP ---

points=0 failures=0

# result STATUS TEXT: prints a test point, which passes if STATUS is 0. If it fails,
# the end of the log is printed, too.
result() {
	points=$((points + 1))
	if [ "$1" = 0 ]; then
		echo "ok $points - $suite: $2"
	else
		echo "not ok $points - $suite: $2"
		[ ! -s "$log" ] || tail -n 60 "$log" | sed 's/^/# /'
		failures=$((failures + 1))
	fi
}

# check TEXT COMMAND...: passes if COMMAND succeeds; its output goes to the log
check() {
	local text=$1 status=0
	shift

	: > "$log"
	"$@" >> "$log" 2>&1 || status=$?
	result $status "$text"
}

# check_fails TEXT COMMAND...: passes if COMMAND fails; its output goes to the log
check_fails() {
	local text=$1 status=0
	shift

	: > "$log"
	"$@" >> "$log" 2>&1 || status=$?
	[ $status != 0 ] && status=0 || status=1
	result $status "$text"
}

# said TEXT REGEX: passes if the log of the last command matches REGEX, with all
# white space taken for one blank
said() {
	local status=0

	tr '\n' ' ' < "$log" | tr -s ' ' | grep -qE -- "$2" || status=1
	result $status "$1"
}

# not_said TEXT REGEX: passes if that log does not match REGEX
not_said() {
	local status=0

	tr '\n' ' ' < "$log" | tr -s ' ' | grep -qE -- "$2" && status=1
	result $status "$1"
}

# --- root file systems ---

# scenario NAME BASE [EARLIER...]: mounts a new root file system; sets root and log.
# It begins as the directory BASE with the changes of the scenarios EARLIER, the
# latest of them first.
scenario() {
	local name=$1 base=$2 lower='' layer
	shift 2

	# Packages and lists that were downloaded outside of the root. A scenario sets
	# it to "" if apt must download them itself.
	shared_apt=$cache/apt/$suites

	for layer in "$@"; do
		lower+=$work/$layer/upper:
	done
	lower+=$base
	root=$work/$name/root
	log=$work/$name/log
	mkdir -p "$work/$name"/{upper,work,root}
	# Do not wait for the disk: nothing here has to survive a crash of the machine,
	# and dpkg spends most of its time waiting for the disk.
	layer=lowerdir=$lower,upperdir=$work/$name/upper,workdir=$work/$name/work
	mount -t overlay overlay -o "volatile,$layer" "$root" 2> /dev/null ||
		mount -t overlay overlay -o "$layer" "$root"
	mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
	echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/tests"
	: > "$log"
}

# with_mounts COMMAND...: runs COMMAND, outside of the root, while /dev, /proc and
# the shared downloads of apt are mounted in the root.
with_mounts() {
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		root=$1 apt=$2
		shift 2
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		if [ -e "$root/etc/apt" ] && [ -e "$apt" ]; then
			mkdir -p "$root/var/lib/apt/lists" "$root/var/cache/apt/archives"
			mount --bind "$apt/lists" "$root/var/lib/apt/lists"
			mount --bind "$apt/archives" "$root/var/cache/apt/archives"
		fi
		exec "$@"
	' sh "$root" "$shared_apt" "$@" < /dev/null
}

in_environment=(env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
	DEBIAN_FRONTEND=noninteractive)

# run_in COMMAND...: runs COMMAND in the scenario's root
run_in() {
	with_mounts chroot "$root" "${in_environment[@]}" "$@"
}

# rpm_in ARGUMENT...: runs the rpm of this machine on the root. The database is that
# of the root, and scriptlets run inside the root. Dependencies are not checked: they
# are installed as Debian packages, of which RPM does not know.
rpm_in() {
	with_mounts "${in_environment[@]}" rpm --root "$root" --dbpath /var/lib/rpm --nodeps "$@"
}

# apt_in ARGUMENT...: runs apt-get in the root, without questions, and without locks,
# because several roots share the downloads
apt_in() {
	run_in apt-get -qy -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root \
		-o Debug::NoLocking=true "$@"
}

# sound: succeeds if every package is fully installed and apt finds no error
sound() {
	apt_in check && ! run_in dpkg --audit | grep .
}

# space FOLDER SIZE: mounts a file system of that size on FOLDER, with the files that
# are there; if there is one already, changes its size
space() {
	if mountpoint -q "$root$1"; then
		mount -o "remount,size=$2" "$root$1"
	else
		mkdir -p "$root$1"
		mkdir -p "$work/kept" && cp -a "$root$1/." "$work/kept/"
		mount -t tmpfs -o "size=$2" space "$root$1"
		cp -a "$work/kept/." "$root$1/"
		rm -rf "$work/kept"
	fi
}

# put_packages DIRECTORY: copies its .deb files to /packages in the root, in place of
# those that were there
put_packages() {
	mkdir -p "$root/packages"
	rm -f "$root"/packages/*
	cp "$1"/*.deb "$root/packages/"
}

# install_packages [PACKAGE...]: installs the files in /packages, and these packages
# of Debian
install_packages() {
	local packages

	packages=$(cd "$root" && find packages -name '*.deb' -printf '/%p ')
	# shellcheck disable=SC2086 # a list
	apt_in install $packages "$@"
}

# --- repositories ---

# publish DIRECTORY ADDRESS OPTION...: runs repo/build, as make repo does; what is
# published in DIRECTORY already stays there
publish() {
	local dir=$1 url=$2
	shift 2

	"$top/repo/build" --output "$dir" --url "$url" --release "$suite" "$@"
}

# typed FAMILY README: runs, in the root, the command lines that README (of make repo)
# has for this family of distributions. Only options that answer questions are added.
typed() {
	local lines

	lines=$(awk -v family="$1" '/^[^ ]/ { on = index($0, family) == 1 }
		on && /^    / { sub(/^ */, ""); print }' "$2" |
		sed 's/\(apt\|dnf\) install/\1 -y install/; s/^zypper/& -n/')
	echo "$lines"
	[ -n "$lines" ] && run_in sh -ec "$lines"
}

# flipped FILE COMMAND...: runs COMMAND while one bit of FILE is changed: a bit in the
# middle, or, in an XML file, in a time stamp. Elsewhere the change might break the
# XML, and the file would be refused for that reason.
flipped() {
	local file=$1 at byte status=0
	shift

	cp -p "$file" "$work/unflipped"
	at=$(($(stat -c %s "$file") / 2))
	[ "${file%.xml}" = "$file" ] || at=$(grep -abo -m 1 '<timestamp>[0-9]' "$file" | awk -F: '{ print $1 + 11 }')
	byte=$(od -An -tu1 -j $at -N 1 "$file")
	printf '%b' "\\x$(printf %x $((byte ^ 1)))" |
		dd of="$file" bs=1 seek=$at conv=notrunc status=none
	"$@" || status=$?
	cp -p "$work/unflipped" "$file"
	return $status
}

# serve DIRECTORY: starts an HTTP server that only this machine can reach. Sets
# address, and server, the process that the caller has to kill.
serve() {
	local port='' tries=0

	python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$1" > "$work/http" 2>&1 &
	server=$!
	until port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$work/http") && [ -n "$port" ]; do
		[ $((tries += 1)) -lt 300 ] || die "the HTTP server did not start: $(cat "$work/http")"
		sleep 0.1
	done
	address=http://127.0.0.1:$port
}

# --- which module the system would load ---

# would_load KERNEL: prints the file that modprobe would load for sch_plug
would_load() {
	run_in modprobe --set-version "$1" --show-depends sch_plug |
		sed -n 's/^insmod \([^ ]*sch_plug[^ ]*\) *$/\1/p'
}

# ours KERNEL VERSION: succeeds if modprobe would load our module, in that version,
# by its name and by its alias
ours() {
	local file

	file=$(would_load "$1")
	echo "$1: $file"
	case $file in
	*/updates/*|*/extra/*|*/override/*) ;;
	*) return 1 ;;
	esac
	run_in modinfo "$file"
	[ "$(run_in modinfo -F version "$file")" = "$2" ] &&
		[ "$(run_in modinfo -F vermagic "$file" | cut -d' ' -f1)" = "$1" ] &&
		run_in modprobe --set-version "$1" --show-depends net-sch-plug |
			grep -q "$file"
}

# intree KERNEL: succeeds if modprobe would load the kernel's own module, and no file
# of ours is left for that kernel
intree() {
	local file

	file=$(would_load "$1")
	echo "$1: $file"
	case $file in
	*/kernel/net/sched/sch_plug.ko*) ;;
	*) return 1 ;;
	esac
	[ -z "$(run_in modinfo -F version "$file")" ] &&
		! find "$root/lib/modules/$1" -name 'sch_plug*' ! -path '*/kernel/net/sched/*' | grep .
}

# dkms_has VERSION...: succeeds if DKMS has installed exactly these versions, each for
# every kernel in the array kernels
dkms_has() {
	local status line

	status=$(run_in dkms status -m sch-plug)
	echo "$status"
	for line in "$@"; do
		[ "$(grep -c "sch-plug[/, ]*$line.*installed" <<< "$status")" = "${#kernels[@]}" ] || return 1
	done
	[ "$(wc -l <<< "$status")" = $(($# * ${#kernels[@]})) ]
}

# gone: succeeds if no file of ours is left. The address and the key of a repository
# may be left, because the administrator has put them there.
gone() {
	! find "$root"/usr/src "$root"/var/lib/dkms "$root"/usr/share "$root"/etc \
		"$root"/usr/lib/systemd "$root"/usr/lib/kernel "$root"/usr/bin "$root"/usr/sbin \( -name '*sch-plug*' -o -name '*sch_plug*' -o -name 'plugctl*' \) |
		grep -v '^/usr/src/linux-' | grep -v "$root/usr/src/linux-" |
		grep -vE "^$root/etc/(apt|yum\.repos\.d|zypp)/" | grep .
}

# --- booting ---

# boot NAME KERNEL [KERNEL-ARGUMENTS [QEMU-ARGUMENT...]] < SCRIPT
# boots a copy of the root in QEMU, with a kernel that is installed in the root, and
# runs SCRIPT with "sh -ex". Prints what SCRIPT prints. Fails if SCRIPT fails, or if
# the console shows an error of the kernel. Normally nothing but SCRIPT runs. With
# init=systemd the root's systemd is started, and SCRIPT is a service. The VM is
# killed after 600 seconds, or after $limit seconds.
boot() {
	local name=$1 kernel=$2 append=${3:-} dir=$work/vm-$1 image list status=0
	local first=/vm-init
	shift 2
	[ $# = 0 ] || shift

	mkdir -p "$dir/initrd"/{bin,dev,proc,root}
	cat > "$root/vm-script"
	cat > "$root/vm-init" <<- 'EOS'
		#!/bin/sh
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs dev /dev
		ln -s /proc/self/fd /dev/fd
		mount -t tmpfs tmp /run
		mount -t tmpfs tmp /tmp
		stty -F /dev/ttyS1 raw
		sh -ex /vm-script > /dev/ttyS1 2>&1 && echo done > /dev/ttyS1
		sync
		sleep 0.5
		echo o > /proc/sysrq-trigger
		sleep 60
	EOS
	chmod 755 "$root/vm-init"
	if [ "${init:-}" = systemd ]; then
		first=/lib/systemd/systemd
		mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
		ln -sf ../vm-script.service "$root/etc/systemd/system/multi-user.target.wants/"
		cat > "$root/etc/systemd/system/vm-script.service" <<- 'EOS'
			[Unit]
			After=systemd-udevd.service network.target
			[Service]
			Environment=HOME=/root
			ExecStartPre=/bin/stty -F /dev/ttyS1 raw
			ExecStart=/bin/sh -c 'sh -ex /vm-script > /dev/ttyS1 2>&1 && echo done > /dev/ttyS1'
			ExecStopPost=/bin/sh -c 'sync; sleep 0.5; echo o > /proc/sysrq-trigger'
		EOS
	fi

	# The modules that the kernel needs for the disk and its file system.
	list=$(for module in virtio_pci virtio_blk ext4; do
		run_in modprobe --set-version "$kernel" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	cp "$root/bin/busybox" "$dir/initrd/bin/"
	for module in $list; do
		cp "$root$module" "$dir/initrd/"
	done
	find "$dir/initrd" -name '*.xz' -exec xz -d {} +
	{
		echo '#!/bin/busybox sh'
		echo '/bin/busybox mount -t devtmpfs dev /dev'
		for module in $list; do
			module=${module##*/}
			echo "/bin/busybox insmod /${module%.xz}"
		done
		echo '/bin/busybox mount -t ext4 /dev/vda /root'
		echo "exec /bin/busybox switch_root /root $first"
	} > "$dir/initrd/init"
	chmod 755 "$dir/initrd/init"
	(cd "$dir/initrd" && find . | cpio --quiet -o -H newc -R 0:0) > "$dir/initrd.cpio"

	rm -f "$dir/disk"
	mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$root" "$dir/disk" 3G > /dev/null
	image=$root/boot/vmlinuz-$kernel
	[ -e "$image" ] || image=$root/lib/modules/$kernel/vmlinuz
	timeout -k 10 "${limit:-600}" qemu-system-x86_64 -accel tcg,thread=multi -cpu "$processor" -smp 2 -m 1024 \
		-display none -no-reboot -nic none -monitor none \
		-kernel "$image" -initrd "$dir/initrd.cpio" \
		-drive "file=$dir/disk,if=virtio,format=raw,cache=unsafe" \
		-serial "file:$dir/console" -serial "file:$dir/results" \
		-append "console=ttyS0 panic=-1 oops=panic panic_on_warn=1 loglevel=7 $same_addresses $append" \
		"$@" > "$dir/qemu" 2>&1 < /dev/null || status=$?
	rm -f "$dir/disk" "$root/vm-init" "$root/vm-script"
	cat "$dir/results"
	if [ $status != 0 ] || ! tail -n 1 "$dir/results" | tr -d '\r' | grep -qx 'done' ||
	    ! "$top/tests/vm/console-check" "$dir/console"; then
		echo "qemu: $status"
		tail -n 30 "$dir/console"
		return 1
	fi
}
