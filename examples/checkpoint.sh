#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loop of a checkpointing controller, with plugctl as a co-process: one process
# and one socket for all epochs, and an answer for each command.
#
#	checkpoint.sh DEV... 		until Ctrl-C
#	EPOCHS=100 PERIOD=0.2 checkpoint.sh DEV...
#
# It ends after a complete epoch, and opens the plugs. If it is killed or fails, the
# plugs stay closed, as they must: the backup has no checkpoint that covers the held
# packets.
#
# Add calls to your hypervisor in take_checkpoint, resume_guest and send_checkpoint.
set -eu

: "${EPOCHS:=0}" "${PERIOD:=0.2}"
[ $# -gt 0 ] || { echo "usage: ${0##*/} DEV..." >&2; exit 1; }

take_checkpoint() {
	: # pause the guest, copy its changed memory
}

resume_guest() {
	: # resume it: packets that it sends from here on are in no checkpoint yet
}

send_checkpoint() {
	: # returns when the backup has it, fails when the backup is lost
}

# Use named pipes: sh has no other way to write to a process and read its answers.
dir=$(mktemp -d)
plugctl=
finish() {
	exec 3>&- 4<&- || :
	[ -z "$plugctl" ] || wait "$plugctl" || :
	rm -rf "$dir"
	[ -z "$closed" ] ||
		echo "${0##*/}: stays closed: when that is right, plugctl open $closed" >&2
}
stop=
closed=
trap finish EXIT
trap 'stop=1' INT TERM HUP
# If plugctl is gone, writing to it fails, and does not kill this script.
trap '' PIPE
mkfifo "$dir/commands" "$dir/answers"
# --force: this script decides what to do after a failure. A signal to the whole
# group must not end plugctl before this script.
(
	trap '' INT TERM HUP
	exec plugctl -j --force batch
) < "$dir/commands" > "$dir/answers" &
plugctl=$!
exec 3> "$dir/commands" 4< "$dir/answers"

# tell COMMAND...: sends COMMAND to plugctl; sets answer. Fails if the command did.
tell() {
	echo "$*" >&3
	# If a signal interrupts the read, the answer still comes.
	IFS= read -r answer <&4 || { [ -n "$stop" ] && IFS= read -r answer <&4; } ||
		answer="no answer: is plugctl gone?"
	case $answer in
	*'"ok":true'*)	return 0 ;;
	esac
	echo "${0##*/}: $*: $answer" >&2
	return 1
}

# closed_epochs: prints "DEV EPOCH" for each device, where EPOCH is the one that the
# last "buffer" has ended. Each plug has its own numbers.
closed_epochs() {
	rest=$answer
	while :; do
		case $rest in
		*'"device":"'*) ;;
		*)	break ;;
		esac
		rest=${rest#*'"device":"'}
		device=${rest%%\"*}
		rest=${rest#*'"ended_epoch":'}
		echo "$device ${rest%%[!0-9]*}"
	done
}

# If a plug is missing, nothing is done to the others: an earlier run may have left
# them closed.
tell show "$@"
case $answer in
*'"epoch":'*)	;;
*)	echo "${0##*/}: this needs the module of sch-plug: see plugctl version" >&2
	exit 1 ;;
esac
# Packets still in the queue of an open plug are stopped here, and leave with the
# first epoch.
closed=$*
tell buffer "$@"
count=0
while [ -z "$stop" ] && { [ "$EPOCHS" = 0 ] || [ $count -lt "$EPOCHS" ]; }; do
	sleep "$PERIOD" || :
	# Packets that the guest has sent so far belong to this checkpoint ...
	take_checkpoint && tell buffer "$@" || { resume_guest; exit 1; }
	ended=$(closed_epochs)
	resume_guest
	# ... and leave when the backup has it. If the backup cannot get it, one
	# side has to give up. Here this side does, and the backup takes over:
	# nobody has seen the held packets. To give up the backup instead, use open.
	if ! send_checkpoint; then
		tell discard "$@"
		echo "${0##*/}: the checkpoint did not arrive: this side gives up" >&2
		exit 1
	fi
	while read -r device epoch; do
		tell release "$device" upto "$epoch"
	done << END
$ended
END
	count=$((count + 1))
done
tell open "$@"
closed=
