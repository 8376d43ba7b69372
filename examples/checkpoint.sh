#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loop of a checkpointing controller, with plugctl as a co-process: one
# process and one socket for all epochs, an answer for each command.
#
#	checkpoint.sh DEV... 		until Ctrl-C
#	EPOCHS=100 PERIOD=0.2 checkpoint.sh DEV...
#
# take_checkpoint and send_checkpoint are where your hypervisor comes in.
set -eu

: "${EPOCHS:=0}" "${PERIOD:=0.2}"
[ $# -gt 0 ] || { echo "usage: ${0##*/} DEV..." >&2; exit 1; }

take_checkpoint() {
	: # pause the guest, copy what changed, let it run on
}

send_checkpoint() {
	: # returns when the backup has it, fails when the backup is lost
}

# Named pipes, because sh has no other way to talk with a process both ways.
dir=$(mktemp -d)
plugctl=
finish() {
	exec 3>&- 4<&- || :
	[ -z "$plugctl" ] || wait "$plugctl" || :
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
mkfifo "$dir/commands" "$dir/answers"
plugctl -j batch < "$dir/commands" > "$dir/answers" &
plugctl=$!
exec 3> "$dir/commands" 4< "$dir/answers"

# tell COMMAND...: sets answer
tell() {
	echo "$*" >&3
	IFS= read -r answer <&4
	case $answer in
	*'"ok":true'*)	return 0 ;;
	esac
	echo "${0##*/}: $*: $answer" >&2
	return 1
}

# closed_epochs: "DEV EPOCH" for each device, where EPOCH is the one that the
# last "buffer" closed. Every plug counts for itself.
closed_epochs() {
	rest=$answer
	while :; do
		case $rest in
		*'"device":"'*) ;;
		*)	break ;;
		esac
		rest=${rest#*'"device":"'}
		device=${rest%%\"*}
		rest=${rest#*'"epoch":'}
		echo "$device $((${rest%%,*} - 1))"
	done
}

tell buffer "$@"
count=0
while [ "$EPOCHS" = 0 ] || [ $count -lt "$EPOCHS" ]; do
	sleep "$PERIOD"
	# What the guest sent until now belongs to this checkpoint ...
	take_checkpoint
	tell buffer "$@"
	closed=$(closed_epochs)
	# ... and leaves when the backup has it. If not: what is held was never
	# seen by anybody, and the backup takes over.
	if ! send_checkpoint; then
		tell discard "$@"
		echo "${0##*/}: the backup is lost" >&2
		exit 1
	fi
	while read -r device epoch; do
		tell release "$device" upto "$epoch"
	done << END
$closed
END
	count=$((count + 1))
done
tell open "$@"
