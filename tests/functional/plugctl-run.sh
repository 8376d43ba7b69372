#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl run: the plug is closed while the program runs and open afterwards,
# however the program, or plugctl itself, comes to its end.
. "${0%/*}/plugctl-lib.sh"

# state DEV WANTED: for eventually
state() {
	[ "$(field "$1" $F_STATE)" = "$2" ]
}

wire
ip link add d0 type dummy
ip link set d0 up
plugctl add v0 open
plugctl add d0 open

run plugctl run v0 d0 -- sh -c 'plugctl dump | cut -f1,6; exit 7'
gives "closed while it runs, exits with its status" 7 'v0	buffering
d0	buffering' ''
is "open afterwards" "$(field v0 $F_STATE) $(field d0 $F_STATE)" "open open"

run plugctl run v0 -- nosuchprogram
gives "a program that is not there" 127 '' 'plugctl: nosuchprogram: cannot be started: *'
is "open after it" "$(field v0 $F_STATE)" open
run plugctl run v0 -- /etc
gives "a program that cannot be run" 126 '' 'plugctl: /etc: cannot be started: *'
run plugctl run v0 -- sh -c 'kill -9 $$'
gives "a program that dies of a signal" 137 '' ''
is "open after that, too" "$(field v0 $F_STATE)" open
run plugctl run v0
gives "no program" 1 '' 'plugctl: no program named*'
run plugctl run -- true
gives "no device" 1 '' 'plugctl: no *'
run plugctl run v0 nosuch0 -- touch "$tmp/ran"
gives "one device does not exist" 2 '' 'plugctl: nosuch0: no such device*'
check "and the program was not run" [ ! -e "$tmp/ran" ]
is "and nothing was closed" "$(field v0 $F_STATE) $(field v0 $F_EPOCH)" "open $(field v0 $F_EPOCH)"

run plugctl run v0 --timeout 300ms -- sleep 20
gives "a time-out" 124 '' 'plugctl: the program timed out*'
is "open after a time-out" "$(field v0 $F_STATE)" open
run plugctl run --timeout=300ms v0 -- sh -c 'trap "" TERM; sleep 1; sleep 1; sleep 1; sleep 1; sleep 1; sleep 1; sleep 20'
gives "a time-out of a program that ignores SIGTERM" 124 '' 'plugctl: the program timed out*'

for sig in INT TERM HUP; do
	# In the foreground: a shell has SIGINT ignored in what it puts behind.
	rm -f "$tmp/ready"
	{
		# Not before the program has set its trap.
		eventually [ -e "$tmp/ready" ]
		# The guard is one, too: the child of the one that is meant.
		# shellcheck disable=SC2046
		set -- $(pidof plugctl)
		[ "$(cut -d' ' -f4 "/proc/$1/stat")" != "$2" ] || set -- "$2"
		kill -$sig "$1"
	} &
	run plugctl run v0 -- sh -c 'trap "exit 33" INT TERM HUP; : > "$1"; i=0; while [ $i -lt 90 ]; do sleep 0.1; i=$((i + 1)); done' sh "$tmp/ready"
	gives "SIG$sig is passed on" 33 '' ''
	is "open after SIG$sig" "$(field v0 $F_STATE)" open
	wait
done

rm -f "$tmp/ready"
plugctl run v0 -- sh -c 'trap "" TERM; : > "$1"; i=0; while [ $i -lt 80 ]; do sleep 0.1; i=$((i+1)); done; exit 3' \
	sh "$tmp/ready" 2> "$tmp/err" &
pid=$!
eventually [ -e "$tmp/ready" ]
kill $pid
sleep 6
is "a program that goes on after a signal does not keep it closed" "$(field v0 $F_STATE)" open
status=0
wait $pid || status=$?
is "and its status is still told" $status 3

plugctl run v0 -- sleep 2 2> "$tmp/err" &
pid=$!
eventually state v0 buffering
send 2
kill -9 $pid
wait $pid 2> /dev/null
check "plugctl killed with -9: opened all the same" eventually state v0 open
is "what was held has left" "$(field v0 $F_PACKETS)" 0
like "and it is said" "$(cat "$tmp/err")" '*plugctl run was killed: opening*'

plugctl run v0 d0 -- sh -c 'ip link del d0' 2> "$tmp/err"
is "a device that goes away meanwhile" "$? $(field v0 $F_STATE)" "0 open"
like "is told" "$(cat "$tmp/err")" 'plugctl: d0: the plug or the device went away meanwhile'
run plugctl run v0 -- plugctl --force add v0
gives "another plug in its place" 0 '' ''
is "is opened, too" "$(field v0 $F_STATE)" open

run plugctl -n peer run v1 -- true
gives "-n: no plug there" 2 '' 'plugctl: v1: has no plug*'
plugctl -n peer add v1 open
run plugctl -n peer run v1 -- cat /sys/class/net/v0/operstate
gives "-n: the program stays in our namespace" 0 up ''
sleep 0.2
is "no guard is left over" "$(pidof plugctl)" ""
finish
