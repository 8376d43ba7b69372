#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packets that were released and then stopped: buffer on an open plug does this with
# packets that a slow device has left in the queue. Tests show, wait, del and run
# with such packets.
. "${0%/*}/plugctl-lib.sh"

# At the slow rate a packet takes minutes, so most of ten are always still in the
# queue; at the fast rate all leave at once.
slow='rate 80bit burst 1600 limit 1m'
fast='rate 1gbit burst 100k limit 1m'

# speed RATE: sets the rate of the tbf above the plug
speed() {
	# shellcheck disable=SC2086
	tc qdisc change dev v0 root handle 1: tbf $1
}

# fill: makes an open plug with packets in its queue
fill() {
	speed "$slow"
	plugctl open v0
	ping -q -c 10 -i 0.01 -W 1 -s 1400 -S 1000000 192.0.2.2 > /dev/null 2>&1
}

# stop: fills the plug and closes it; sets stopped, the number of stopped packets
stop() {
	fill
	plugctl buffer v0
	stopped=$(field v0 $F_STOPPED)
	# At the fast rate only packets that the plug has stopped stay in the queue.
	speed "$fast"
}

# held NUMBER: whether v0 holds that many packets; for use with eventually
held() {
	[ "$(field v0 $F_PACKETS)" = "$1" ]
}

wire
# shellcheck disable=SC2086
tc qdisc add dev v0 root handle 1: tbf $slow
plugctl add v0 parent 1:1 open

fill
is "open: none is stopped" "$(field v0 $F_STOPPED)" 0
run plugctl -v buffer v0
gives "buffer -v says how many it stopped" 0 'v0: buffering epoch *, * held (* released and stopped), limit *' ''
speed "$fast"
stopped=$(field v0 $F_STOPPED)
check "there are some" [ "$stopped" -gt 1 ]
is "all that are held" "$(field v0 $F_PACKETS)" "$stopped"
sent=$(field v0 $F_SENT)
run plugctl show v0
gives "show" 0 "*
  held     $stopped packets ($stopped released and stopped), *
  closed   * ago" ''
run plugctl -j show v0
gives "show -j" 0 "*\"held_packets\":$stopped,\"stopped_packets\":$stopped,*" ''

run plugctl wait v0 --timeout 10s
gives "wait fails, and says what to do" 2 '' \
	"plugctl: v0: $stopped released packets were stopped *: plugctl release v0 upto $(field v0 $F_RELEASED) lets them leave and no others"
run plugctl del v0 --timeout 10s
gives "del refuses, and says what to do" 2 '' \
	"plugctl: v0: holds $stopped released packets that were stopped *: plugctl open v0 sends them, --force drops them"
is "the plug is there, and the packets" "$(field v0 $F_PACKETS) $(field v0 $F_STOPPED)" "$stopped $stopped"
send 2
run plugctl discard v0
is "discard leaves them alone" "$status $(field v0 $F_PACKETS) $(field v0 $F_STOPPED)" "0 $stopped $stopped"
is "none has left" "$(field v0 $F_SENT)" "$sent"
send 1
plugctl buffer v0
is "nor does another buffer let them go" "$(field v0 $F_STOPPED) $(field v0 $F_SENT)" "$stopped $sent"

# Two plugs; one of them has nothing to wait for.
ip link add d0 type dummy
plugctl add d0 open
run plugctl wait d0 v0 --timeout 10s
gives "wait for two, one is stopped" 2 '' 'plugctl: v0: *'
run plugctl release v0 upto $(($(field v0 $F_RELEASED) - 1))
is "a release of what was released long ago is none" "$status $(field v0 $F_STOPPED)" "0 $stopped"
# The command that wait has recommended.
run plugctl release v0 upto "$(field v0 $F_RELEASED)"
gives "release upto the last released" 0 '' ''
run plugctl wait v0 --timeout 10s
gives "wait" 0 '' ''
is "they have left, and not the epoch that waits" "$(field v0 $F_PACKETS) $(field v0 $F_STOPPED) $(($(field v0 $F_SENT) - sent))" \
	"1 0 $stopped"
stop
sent=$(field v0 $F_SENT)
send 1
plugctl buffer v0
run plugctl release v0
gives "release" 0 '' ''
run plugctl wait v0 --timeout 10s
gives "wait" 0 '' ''
is "a release lets the oldest epoch that waits go with them" "$(field v0 $F_PACKETS) $(($(field v0 $F_SENT) - sent))" \
	"0 $((stopped + 1))"

stop
send 3
run plugctl del v0
gives "stopped and not released: del names the open that both need" 2 '' \
	"plugctl: v0: holds packets that were not released ($((stopped + 3)) in the queue): plugctl open v0 sends them*"
sent=$(field v0 $F_SENT)
plugctl open v0
check "open lets all leave" eventually held 0
is "each once" "$(($(field v0 $F_SENT) - sent))" "$((stopped + 3))"

fill
# shellcheck disable=SC2016
run plugctl run v0 -- sh -c 'plugctl dump v0 | cut -f "$2"; tc qdisc change dev v0 root handle 1: tbf $1' \
	sh "$fast" "$F_STOPPED"
check "run stops them" [ "$out" -gt 1 ]
check "and lets them go at its end" eventually held 0

stop
check "there are some again" [ "$stopped" -gt 1 ]
run timeout 60 plugctl --force del v0 --timeout 1h
gives "del --force does not wait for them" 0 '' ''
is "and drops them" "$(plugctl dump v0 2> /dev/null)" ''
finish
