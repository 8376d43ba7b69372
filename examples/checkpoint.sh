#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loop of a checkpointing controller, with plugctl as a co-process: one
# process and one socket for all epochs, an answer for each command.
#
#	checkpoint.sh DEV... 		until Ctrl-C
#	EPOCHS=100 PERIOD=0.2 checkpoint.sh DEV...
#
# It ends after a whole epoch, and opens the plugs. If it is killed or fails they
# stay closed, as they must: what they hold belongs to no checkpoint that the
# backup has.
#
# take_checkpoint, resume_guest and send_checkpoint are where your hypervisor comes in.
set -eu

: "${EPOCHS:=0}" "${PERIOD:=0.2}"
[ $# -gt 0 ] || { echo "usage: ${0##*/} DEV..." >&2; exit 1; }

take_checkpoint() {
	: # pause the guest, copy what changed
}

resume_guest() {
	: # let it run on: what it sends from here on is in no checkpoint yet
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
	[ -z "$closed" ] ||
		echo "${0##*/}: stays closed: when that is right, plugctl open $closed" >&2
}
stop=
closed=
trap finish EXIT
trap 'stop=1' INT TERM HUP
mkfifo "$dir/commands" "$dir/answers"
# --force: what a failure means is for us to decide.
plugctl -j --force batch < "$dir/commands" > "$dir/answers" &
plugctl=$!
exec 3> "$dir/commands" 4< "$dir/answers"

# tell COMMAND...: sets answer
tell() {
	echo "$*" >&3
	# Where a signal comes first, the answer still does.
	IFS= read -r answer <&4 || { [ -n "$stop" ] && IFS= read -r answer <&4; } ||
		answer="no answer: is plugctl gone?"
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

# Nothing is committed yet: where this fails, all is as it was before. What an
# open plug still has in its queue is stopped here, and leaves with the first epoch.
tell buffer "$@" || { tell open "$@" || :; exit 1; }
case $answer in
*'"epoch":'*)	;;
*)	echo "${0##*/}: this needs the module of sch-plug: see plugctl version" >&2
	tell open "$@"
	exit 1 ;;
esac
closed=$*
count=0
while [ -z "$stop" ] && { [ "$EPOCHS" = 0 ] || [ $count -lt "$EPOCHS" ]; }; do
	sleep "$PERIOD" || :
	# What the guest sent until now belongs to this checkpoint ...
	take_checkpoint
	tell buffer "$@"
	ended=$(closed_epochs)
	resume_guest
	# ... and leaves when the backup has it. If not, one of the two has to give
	# up. Here it is this one, and the backup takes over: what is held was
	# never seen by anybody. If the backup is to be given up, say open.
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
