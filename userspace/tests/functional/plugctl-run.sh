#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl run: the plug is closed while the program runs and open afterwards,
# however the program or plugctl itself ends.
. "${0%/*}/plugctl-lib.sh"

# state DEV WANTED: whether the plug has that state; for use with eventually
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
gives "no program" 1 '' 'plugctl: needs DEV... -- PROGRAM: usage: *'
run plugctl run -- true
gives "no device" 1 '' 'plugctl: needs DEV... -- PROGRAM*'
epoch=$(field v0 $F_EPOCH)
run plugctl run v0 nosuch0 -- touch "$tmp/ran"
gives "one device does not exist" 2 '' 'plugctl: nosuch0: no such device*'
check "and the program was not run" [ ! -e "$tmp/ran" ]
is "and nothing was closed" "$(field v0 $F_STATE) $(field v0 $F_EPOCH)" "open $epoch"

run plugctl run v0 --timeout 300ms -- sleep 20
gives "a time-out" 124 '' 'plugctl: the program timed out*'
is "open after a time-out" "$(field v0 $F_STATE)" open
run plugctl run --timeout=300ms v0 -- sh -c 'trap "" TERM; sleep 1; sleep 1; sleep 1; sleep 1; sleep 1; sleep 1; sleep 20'
gives "a time-out of a program that ignores SIGTERM" 124 '' 'plugctl: the program timed out*'

for sig in INT TERM HUP; do
	# plugctl runs in the foreground, because a shell starts background programs
	# with SIGINT ignored.
	rm -f "$tmp/ready"
	{
		# Wait until the program has set its trap.
		eventually [ -e "$tmp/ready" ]
		# The guard is called plugctl, too. It is the child of the one that
		# gets the signal.
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

# Signals that were already ignored when plugctl was started.
HUP=1 INT=2 CHLD=17 TSTP=20
run timeout 20 ignoring $CHLD plugctl run v0 -- sh -c 'exit 5'
gives "SIGCHLD is ignored: the end is noticed all the same" 5 '' ''
is "and the plug opened" "$(field v0 $F_STATE)" open
signals='grep -E Sig(Blk|Ign|Cgt) /proc/self/status'
# shellcheck disable=SC2086
is "the program finds its signals as they were" \
	"$(plugctl run v0 -- $signals)" "$($signals)"
# shellcheck disable=SC2086
is "those that were ignored, too" \
	"$(ignoring $HUP,$INT,$CHLD,$TSTP plugctl run v0 -- $signals)" \
	"$(ignoring $HUP,$INT,$CHLD,$TSTP $signals)"
rm -f "$tmp/ready"
# shellcheck disable=SC2016
ignoring $HUP plugctl run v0 -- sh -c ': > $0; sleep 7; plugctl dump v0 | cut -f 6' \
	"$tmp/ready" > "$tmp/out" 2>&1 &
pid=$!
eventually [ -e "$tmp/ready" ]
kill -HUP $pid
wait $pid
is "nohup: a hang-up is none" "$(cat "$tmp/out")" buffering

# On a terminal: which processes get the signal from the terminal itself?
# shellcheck disable=SC2016
loop='i=0; echo ready; while [ $i -lt 90 ]; do sleep 0.1; i=$((i + 1)); done'
run onpty ctrl-c plugctl run v0 -- sh -c "trap 'exit 34' INT; $loop"
gives "Ctrl-C" 34 '' ''
run onpty ctrl-c plugctl run v0 -- setsid sh -c "trap 'exit 35' INT; $loop"
gives "Ctrl-C, and the program is in a session of its own" 35 '' ''
run onpty hang-up plugctl run v0 -- sh -c "trap 'exit 36' HUP; $loop"
gives "the terminal hangs up" 36 '' ''
is "open after all that" "$(field v0 $F_STATE)" open

# Answers of the kernel are lost. Answer 1 is about the family. Answers 2 and 3 are the
# list of plugs. Then "own", "buffer" and "open" have one answer for each plug.
# lose NUMBERS STATUS NAME: runs plugctl without these answers. ASAN_OPTIONS allows the
# preloaded library to be loaded before a sanitizer.
lose() {
	run env ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
		LD_PRELOAD="${0%/*}/../bin/lose-answer.so" LOSE_ANSWERS=$1 \
		plugctl run v0 d0 -- touch "$tmp/ran-$1"
	is "$3" "$status $(field v0 $F_STATE) $(field d0 $F_STATE)" "$2 open open"
	[ "$2" = 0 ] || like "and it is said" "$err" "*plugctl: d0: no answer, it may have been done*"
}
lose 6 2 "the answer to buffer is lost: opened again"
check "and the program was not run" [ ! -e "$tmp/ran-6" ]
lose 7 2 "that of the second plug"
lose 8 0 "the answer to open is lost: asked again"
is "and nothing is said, as that succeeds" "$err" ''
check "the program has run" [ -e "$tmp/ran-8" ]
lose 6,8 2 "both are lost"
lose 8,10,12 2 "all that plugctl waits for: the kernel has a try"
like "and it is said" "$err" "*the kernel opens them when plugctl ends*"

# Nobody reads the output, as if the output had to pass the closed plug.
mkfifo "$tmp/full"
exec 9<> "$tmp/full"
dd if=/dev/zero bs=4096 count=16 >&9 2> /dev/null
# plugctl gets no copy of descriptor 9. When 9 is closed, the pipe has no reader any
# more, and no process stays blocked in it.
plugctl run v0 --timeout 300ms -- sleep 20 2> "$tmp/full" 9>&- &
pid=$!
eventually state v0 buffering
check "standard error is full: opened after the time" eventually state v0 open
kill -9 $pid
wait $pid 2> /dev/null
plugctl run v0 -- sleep 20 2> "$tmp/full" 9>&- &
pid=$!
eventually state v0 buffering
kill -9 $pid
wait $pid 2> /dev/null
check "standard error is full, plugctl killed with -9" eventually state v0 open
plugctl run v0 -- nosuchprogram 2> "$tmp/full" 9>&- &
pid=$!
sleep 0.5
check "standard error is full, the program is not there" eventually state v0 open
kill -9 $pid
wait $pid 2> /dev/null
exec 9>&-

# shellcheck disable=SC2016
plugctl run v0 -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$tmp/program" 2> "$tmp/err" &
pid=$!
eventually state v0 buffering
send 2
kill -9 $pid
wait $pid 2> /dev/null
check "plugctl killed with -9: opened all the same" eventually state v0 open
is "what was held has left" "$(field v0 $F_PACKETS)" 0
check "the program goes on" kill "$(cat "$tmp/program")"

# Without the family, a guard opens the plugs instead of the kernel.
# shellcheck disable=SC2016
plugctl --rtnl run v0 -- sh -c 'echo $$ > "$0"; exec sleep 1000' "$tmp/program" 2> "$tmp/err" &
pid=$!
eventually state v0 buffering
kill -9 $pid
wait $pid 2> /dev/null
check "--rtnl: killed with -9: opened all the same" eventually state v0 open
check "and it is said" eventually grep -q 'its guard opened the plugs' "$tmp/err"
kill "$(cat "$tmp/program")"

plugctl run v0 d0 -- sh -c 'ip link del d0' 2> "$tmp/err"
is "a device that goes away meanwhile" "$? $(field v0 $F_STATE)" "0 open"
like "is told" "$(cat "$tmp/err")" 'plugctl: d0: the plug or the device went away meanwhile'
run plugctl run v0 -- plugctl --force add v0
gives "another plug in its place" 0 '' ''
is "is opened, too" "$(field v0 $F_STATE)" open

# Kernels without the fix for CVE-2025-21700 move a qdisc if the message names
# another parent than its own, instead of executing the command.
ip link add e0 type dummy
ip link set e0 up
tc qdisc add dev e0 root handle 1: prio bands 4
plugctl add e0 parent 1:4 open
run plugctl run e0 -- sh -c 'plugctl --force del e0; plugctl add e0 parent 1:3'
gives "a plug of the same handle below another class" 0 '' ''
is "is opened where it is" "$(field e0 $F_STATE) $(field e0 $F_PARENT)" "open 1:3"
is "and nowhere else" "$(tc class show dev e0 | grep -c 'leaf 8001:')" 1

run plugctl -n peer run v1 -- true
gives "-n: no plug there" 2 '' 'plugctl: v1: has no plug*'
plugctl -n peer add v1 open
run plugctl -n peer run v1 -- cat /sys/class/net/v0/operstate
gives "-n: the program stays in our namespace" 0 up ''
sleep 0.2
is "no guard is left over" "$(pidof plugctl)" ""
finish
