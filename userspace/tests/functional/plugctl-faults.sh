#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl must stay safe when the kernel's answers are lost, when a program is
# stopped, and when all processes of plugctl run are killed at once.
. "${0%/*}/plugctl-lib.sh"

# For use with eventually. state DEV WANTED: whether the plug has that state. runs PID
# LETTER: whether the process has that state.
state() {
	[ "$(field "$1" $F_STATE)" = "$2" ]
}

runs() {
	grep -q "^State:.$2" "/proc/$1/status"
}

# opened TIMES: whether v0 has executed that many commands to open, or more; for use
# with eventually
opened() {
	[ "$(plugctl -j show v0 | sed 's/.*"release_indefinite"://; s/[^0-9].*//')" -ge "$1" ]
}

wire
plugctl add v0
send 3

# del reads what the plug holds: in a batch at first, and always while it waits for
# released packets. Whichever answer is lost, a plug that was not checked must not be
# detached.
printf 'buffer v0\ndel v0\n' > "$tmp/batch"
for lost in 1 2 3 4 5 6 7; do
	run lossy $lost plugctl batch "$tmp/batch"
	is "del: answer $lost is lost, and the plug is there, with what it holds" \
		"$status $(field v0 $F_PACKETS)" "2 3"
done
run plugctl batch "$tmp/batch"
gives "del, with all answers" 2 '' '*:2: v0: holds packets that were not released (3 in the queue)*'
# Answer 1 is about the family. Answer 6 reports that the plug is detached.
ip link add d0 type dummy
ip link set d0 up
plugctl add d0 open
for lost in 2 3 4 5; do
	run lossy $lost plugctl del d0
	is "del: answer $lost of its check is lost: not done" "$status $(field d0 $F_STATE)" "2 open"
done
run plugctl del d0
gives "del" 0 '' ''

# The program replaces the plug. Then run has to find the new one, but an answer is
# lost.
plugctl --force add v0 open
for lost in 1 2 3 4 5 6 7 8 9; do
	# shellcheck disable=SC2016
	run lossy $lost plugctl run v0 -- sh -c 'unset LD_PRELOAD; plugctl --force add v0'
	is "run: another plug, and answer $lost is lost: open at the end" \
		"$(field v0 $F_STATE)" open
done

# The program is stopped, for an unknown time.
# shellcheck disable=SC2016
plugctl run v0 -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$tmp/program" 2> "$tmp/err" &
pid=$!
eventually state v0 buffering
eventually [ -s "$tmp/program" ]
kill -STOP "$(cat "$tmp/program")"
check "a program that is stopped does not keep it closed" eventually state v0 open
check "and it is said" eventually grep -q 'the program was stopped: plugs opened' "$tmp/err"
kill -TERM $pid
# shellcheck disable=SC2317
ended() {
	! kill -0 $pid 2> /dev/null
}
check "a signal ends it all the same" eventually ended
kill -KILL "$(cat "$tmp/program")" 2> /dev/null
status=0
wait $pid || status=$?
is "with the status of that" $status 143

# The program is stopped again. At first the plug cannot be opened: all answers are lost.
rm -f "$tmp/program"
# shellcheck disable=SC2016
lossy '' plugctl run v0 -- \
	sh -c 'echo $$ > "$0"; exec sleep 1000' "$tmp/program" 2> "$tmp/err" &
pid=$!
eventually [ -s "$tmp/program" ]
touch "$tmp/lose"
kill -STOP "$(cat "$tmp/program")"
check "run makes several attempts to open at once" eventually opened 3
rm "$tmp/lose"
# It tries again after 5 s.
sleep 3
check "and more later" eventually grep -q 'the plugs could be opened now' "$tmp/err"
like "which also reports the failure" "$(cat "$tmp/err")" 'plugctl: v0: *'
kill -KILL "$(cat "$tmp/program")"
wait $pid

# A guard is asked for help by a plugctl that was not killed.
run lossy '' plugctl --rtnl run v0 -- touch "$tmp/lose"
gives "run --rtnl: neither it nor its guard can open" 2 '' \
	'*plugctl run gave up, and its guard cannot open the plugs*'
rm "$tmp/lose"

# The program is stopped as by Ctrl-Z, in a job of a shell with a terminal: plugctl
# stops, too, and the plugs are open.
rm -f "$tmp/program"
cat > "$tmp/job" << 'END'
set -m
{
	plugctl run v0 -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$1/program" 2> "$1/err"
	echo $? > "$1/status"
} &
until [ -e "$1/status" ]; do
	sleep 0.1
done
echo ready
END
onpty hang-up sh "$tmp/job" "$tmp" > /dev/null 2>&1 &
eventually state v0 buffering
eventually [ -s "$tmp/program" ]
pid=$(cut -d' ' -f4 "/proc/$(cat "$tmp/program")/stat")
kill -TSTP "$(cat "$tmp/program")"
check "Ctrl-Z: open" eventually state v0 open
check "plugctl stops as well" eventually runs "$pid" T
kill -CONT "$pid"
check "and goes on with its program" eventually runs "$(cat "$tmp/program")" S
kill -TERM "$pid"
check "to its end" eventually ended
kill -KILL "$(cat "$tmp/program")" "$pid" 2> /dev/null
wait
is "with its status" "$(cat "$tmp/status")" 143

# plugctl, its program and a guard are killed at once, as a service manager does.
plugctl open v0
mkdir "$tmp/cgroup"
mount -t cgroup2 none "$tmp/cgroup"
mkdir "$tmp/cgroup/service"
# shellcheck disable=SC2016
sh -c 'echo $$ > "$0/cgroup.procs"; exec plugctl run v0 -- sleep 1000' "$tmp/cgroup/service" &
pid=$!
eventually state v0 buffering
send 2
# Linux 5.14 and newer have cgroup.kill.
if [ -e "$tmp/cgroup/service/cgroup.kill" ]; then
	echo 1 > "$tmp/cgroup/service/cgroup.kill"
else
	echo 1 > "$tmp/cgroup/service/cgroup.freeze"
	while read -r process; do
		kill -KILL "$process"
	done < "$tmp/cgroup/service/cgroup.procs"
	echo 0 > "$tmp/cgroup/service/cgroup.freeze"
fi
wait $pid 2> /dev/null
check "the whole control group is killed: opened by the kernel" eventually state v0 open
is "what was held has left" "$(field v0 $F_PACKETS)" 0
is "nothing of plugctl is left" "$(pidof plugctl)" ''
rmdir "$tmp/cgroup/service"
umount "$tmp/cgroup"
finish
