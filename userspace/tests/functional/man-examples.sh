#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the examples of the man pages, unchanged, on a device eth0.
. "${0%/*}/plugctl-lib.sh"

man=${0%/*}/../../userspace/man

# extract PAGE: writes each of its examples into a file; prints how many there are
extract() {
	rm -f "$tmp"/example.*
	awk -v to="$tmp/example" '
		/^\.Sh/ { inside = /EXAMPLES/ }
		inside && /^\.Bd/ { file = to "." ++n; next }
		/^\.Ed/ { file = "" }
		file { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); print > file }
		END { print n + 0 }' "$man/$1"
}

ip link add eth0 type veth peer name eth0-peer
ip link set eth0-peer up
ip link set eth0 up
for page in plugctl.8 tc-plug.8; do
	n=$(extract $page)
	check "$page has examples" [ "$n" -gt 0 ]
	i=0
	while [ $((i += 1)) -le "$n" ]; do
		run sh -ec "$(cat "$tmp/example.$i")"
		gives "$page, example $i: $(head -n 1 "$tmp/example.$i")" 0 '*' ''
	done
	tc qdisc del dev eth0 root 2> /dev/null
done
finish
