#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The scripts of tests/upstream, which docs/upstream.md is about: each finds its
# fault in the kernel's own module, and none in ours.
#
# VM layer: python
PATH=$PATH:/usr/bin
n=0 failed=0

# point STATUS TEXT
point() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' /tmp/said
		failed=1
	fi
}

# both SCRIPT COMMAND...: with each module
both() {
	script=$1
	shift

	rmmod sch_plug 2> /dev/null
	insmod "$PLUG_INTREE_KO" || echo "Bail out! the kernel's own module cannot be loaded"
	"$@" > /tmp/said 2>&1
	[ $? = 1 ] && grep -q '^FAULT' /tmp/said
	point $? "$script: the kernel's own module has the fault"
	rmmod sch_plug
	modprobe sch_plug
	"$@" > /tmp/said 2>&1 && grep -q '^right' /tmp/said
	point $? "$script: ours has not"
}

for script in "${0%/*}"/../upstream/*; do
	case $script in
	*/lib.sh)	;;
	*.sh)		both "${script##*/}" sh "$script" ;;
	*.py)		both "${script##*/}" python3 "$script" ;;
	esac
done
rmmod sch_plug
echo "1..$n"
exit $failed
