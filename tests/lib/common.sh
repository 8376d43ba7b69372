# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Common functions of the scripts that run on the developer's machine.
# Source this file; by itself it only sets shell variables.

# top: the checkout. cache: downloads and results of long builds; it is outside the
# checkout and survives make clean. build: removed by make clean.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sch-plug
build=$top/build
export LC_ALL=C.UTF-8

say() {
	echo "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 1
}

# failed_with LOG NAME: ends the script. Prints the lines of the log that seem
# important, and keeps the whole log in build/NAME
failed_with() {
	mkdir -p "$build"
	cp "$1" "$build/$2"
	{ grep -E '^not ok|[Ee]rror[: ]' "$1" || cat "$1"; } | tail -n 20 >&2
	die "failed; the whole log is build/$2"
}

# usage: prints the script's opening comment and ends the script
usage() {
	sed -n '4,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# need PROGRAM=PACKAGE...: installs the packages of missing programs; if that is not
# possible, says which are missing and ends. PROGRAM may also be the absolute path of a
# file.
need() {
	local pair missing=() names=''

	for pair in "$@"; do
		case $pair in
		/*)	[ ! -e "${pair%%=*}" ] || continue ;;
		*)	! PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" > /dev/null || continue ;;
		esac
		missing+=("${pair#*=}")
		names+=", ${pair%%=*} (in Debian's package ${pair#*=})"
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	command -v apt-get > /dev/null || die "please install${names#,}"
	say "# installing ${missing[*]}"
	[ "$(id -u)" = 0 ] || command -v sudo > /dev/null ||
		die "please have somebody run, as root: apt-get install ${missing[*]}"
	as_root apt-get -q update >&2 || say "# apt-get update failed; trying with the lists there are"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy \
		install --no-install-recommends "${missing[@]}" > /dev/null ||
		die "could not install: ${missing[*]}"
}

# with_lock NAME COMMAND...: runs it while holding the lock NAME of the cache, which
# parallel runs share
with_lock() {
	local name=$1
	shift

	mkdir -p "$cache/locks"
	flock "$cache/locks/$name" "$@"
}

# checkout_files PATH...: prints the files below these paths that belong to the project,
# separated by NUL, without build results
checkout_files() {
	(
		cd "$top"
		if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
			git ls-files -z --cached --others --exclude-standard "$@"
		else
			find "$@" -type f -print0
		fi | sort -zu | while IFS= read -r -d '' file; do
			[ ! -e "$file" ] || printf '%s\0' "$file"
		done
	)
}

# tree_hash PATH...: prints one hash of the contents of all files below these paths
tree_hash() {
	checkout_files "$@" | (cd "$top" && xargs -0 sha256sum) | sha256sum | cut -c1-16
}

project_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$top/dkms.conf"
}
