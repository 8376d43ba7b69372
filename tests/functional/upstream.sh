#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the scripts of tests/upstream, which docs/upstream.md describes. Each must find
# its fault in the in-tree module, and none in ours.
#
# VM layer: python
PATH=$PATH:/usr/bin
# shellcheck source=userspace/tests/functional/plugctl-lib.sh
. "${0%/*}/plugctl-lib.sh"

# said STATUS LINE COMMAND...: whether the command ends with that status, and has
# printed a line that begins with LINE
said() {
	wanted=$1 line=$2 status=0
	shift 2

	"$@" > "$tmp/out" 2> "$tmp/err" || status=$?
	[ "$status" = "$wanted" ] && grep -q "^$line" "$tmp/out"
}

# both SCRIPT COMMAND...: runs the command with each module; checks that only the
# in-tree module has the fault
both() {
	script=$1
	shift

	check "$script: the kernel's own module" insmod "$PLUG_INTREE_KO"
	check "$script: has the fault" said 1 FAULT "$@"
	rmmod sch_plug
	check "$script: ours" modprobe sch_plug
	check "$script: has not" said 0 right "$@"
	rmmod sch_plug
}

for script in "${0%/*}"/../upstream/*; do
	case $script in
	*/lib.sh)	;;
	*.sh)		both "${script##*/}" sh "$script" ;;
	*.py)		both "${script##*/}" python3 "$script" ;;
	esac
done
finish
