#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl monitor reports every command, attach and detach, even if the kernel does
# not report that a plug went away.
. "${0%/*}/plugctl-lib.sh"

# said PATTERN: checks the last line that monitor printed; for use with eventually
said() {
	# shellcheck disable=SC2254
	case $(tail -n 1 "$tmp/log") in
	$1)	return 0 ;;
	esac
	return 1
}

expect() {
	if eventually said "$2"; then
		pass "$1"
	else
		fail "$1" "said:   $(tail -n 1 "$tmp/log")" "wanted: $2"
	fi
}

ip link add d0 type dummy
ip link add d1 type dummy
ip link set d0 up
plugctl add d1
plugctl monitor > "$tmp/log" 2> "$tmp/errors" &
pid=$!
started $pid
check "nothing at first" [ ! -s "$tmp/log" ]
plugctl add d0 open limit 1M handle 5:
expect "attach" '??:??:??.?????? d0 5: attach: open, 0 packets held*'
epoch=$(field d0 $F_EPOCH)
plugctl buffer d0
expect "buffer" "* d0 5: buffer: buffering epoch $((epoch + 1)), 0 packets held*"
plugctl buffer d0
expect "buffer again" "* d0 5: buffer: buffering epoch $((epoch + 2)); 1 epoch waits for release (oldest $((epoch + 1))), *"
plugctl release d0
expect "release" "* d0 5: release: buffering epoch $((epoch + 2)), *"
plugctl buffer d0
plugctl release d0 upto $((epoch + 2))
expect "release upto" '* d0 5: release-upto: *'
tc qdisc change dev d0 handle 5: root plug limit 5000
expect "limit, by tc" '* d0 5: limit: *'
tc qdisc change dev d0 handle 5: plug limit 5001
expect "which need not name the parent" '* d0 5: limit: *'
is "nor is it another plug then" "$(grep -c attach "$tmp/log")" 1
plugctl discard d0
expect "discard" '* d0 5: discard: *'
plugctl open d0
expect "open" '* d0 5: open: open, *'
plugctl --force add d0
expect "replace" '* d0 5: detach: *'
is "replace is attach and detach" "$(tail -n 2 "$tmp/log" | cut -d' ' -f 3,4 | xargs)" "8001: attach: 5: detach:"
plugctl del d0
expect "detach" '* d0 8001: detach: *'

tc qdisc add dev d0 root handle 1: prio bands 4
plugctl add d0 parent 1:4
expect "attach below a class" '* d0 8001: attach: *'
tc qdisc del dev d0 root
expect "the parent goes, and the plug with it" '* d0 8001: detach: *'
plugctl add d0
ip link del d0
expect "the device goes" '* d0 8001: detach: *'
kill $pid
wait $pid 2> /dev/null
is "no errors" "$(cat "$tmp/errors")" ''

ip link add d0 type dummy
ip link add d2 type dummy
plugctl add d0
plugctl -j monitor d1 d2 > "$tmp/log" &
pid=$!
started $pid
epoch=$(field d1 $F_EPOCH)
plugctl buffer d0 d1
expect "-j, and only named devices" \
	"{\"time_ns\":*,\"event\":\"buffer\",\"plug\":{\"device\":\"d1\",*\"epoch\":$((epoch + 1)),*}}"
is "one line" "$(wc -l < "$tmp/log")" 1
is "without counters, which would be of a later moment" "$(grep -c queued_packets "$tmp/log")" 0
plugctl add d2
expect "a plug added later" '{*"event":"attach","plug":{"device":"d2"*}}'
plugctl del d2
expect "and detached, with its last counters" '{*"event":"detach","plug":{"device":"d2"*"queued_packets":*}}'
plugctl add d2
kill $pid
wait $pid 2> /dev/null

# The last state of a plug counts, also when its device is deleted with it.
wire
plugctl add v0
plugctl -j monitor > "$tmp/log" &
pid=$!
started $pid
send 2
# Both sockets then have something to read.
kill -STOP $pid
ip link del v0
kill -CONT $pid
expect "a device goes, with what its plug held" \
	'{*"event":"detach","plug":{"device":"v0"*"held_packets":0*"dropped":{*"reset":2,*}}'
kill $pid
wait $pid 2> /dev/null

# The end of an owner is not reported once more as the command that it causes.
ip link add d3 type dummy
plugctl monitor d1 d3 > "$tmp/log" &
pid=$!
started $pid
echo 'buffer d1' | plugctl --at-exit open batch
expect "the owner ends" '* d1 8001: owner-lost: open, *'
ip link del d3
ip link add d4 type dummy
ip link set d4 name d3
plugctl add d3
expect "everything is read again" '* d3 8001: attach: *'
is "and the plug was not opened twice" "$(grep -c ' d1 8001: open: ' "$tmp/log")" 0
kill $pid
wait $pid 2> /dev/null
ip link del d3

plugctl del d2
plugctl monitor d2 > "$tmp/log" 2> "$tmp/errors" &
pid=$!
started $pid
plugctl add d2
expect "a device by its name" '* d2 8001: attach: *'
ip link set d2 name e2
plugctl buffer e2
expect "under its new name" '* e2 8001: buffer: *'
# Another device gets the name: from then on monitor reports both devices.
ip link add d2 type dummy
plugctl add d2
expect "and the next device of that name" '* d2 8001: attach: *'
is "which is no detach of the first one" "$(grep -c detach "$tmp/log")" 0
plugctl buffer e2
expect "the first one goes on" '* e2 8001: buffer: *'
plugctl buffer d2
expect "and so does the second" '* d2 8001: buffer: *'
ip link del e2
expect "until it goes" '* e2 8001: detach: *'
ip link add f2 type dummy
plugctl add f2
ip link del d2
ip link set f2 name d2
expect "a device that is given the name, with its plug" '* d2 8001: attach: *'
i=0
while [ $i -lt 300 ]; do
	printf 'link property add dev d2 altname long-%0110d\n' $i
	i=$((i + 1))
done > "$tmp/altnames"
ip -b "$tmp/altnames"
ip link set d2 up
plugctl buffer d2
expect "which may have names without end" '* d2 8001: buffer: *'
run plugctl -q show "long-$(printf %0110d 299)"
gives "by one of which it is found" 0 'd2 *' ''
is "no errors" "$(cat "$tmp/errors")" ''
kill $pid
wait $pid 2> /dev/null
plugctl monitor > /dev/full 2> "$tmp/errors" &
pid=$!
started $pid
plugctl open d2
status=0
wait $pid || status=$?
is "it ends when nobody can read it" "$status $(cat "$tmp/errors")" \
	'2 plugctl: cannot write the output: is the disk full, the pipe closed?'
ip link del d2
ip link add d2 type dummy
plugctl add d2

run plugctl monitor nosuch0
gives "no such device" 2 '' 'plugctl: nosuch0: no such device*'

# monitor is stopped while more events arrive than its socket can hold.
plugctl monitor > "$tmp/log" 2> "$tmp/errors" &
pid=$!
started $pid
kill -STOP $pid
i=0
while [ $i -lt 300 ]; do
	echo "buffer d0 d1 d2"
	i=$((i + 1))
done > "$tmp/batch"
i=0
while [ $i -lt 6 ]; do
	plugctl batch "$tmp/batch"
	i=$((i + 1))
done
plugctl open d0 d1 d2
plugctl --force del d2
kill -CONT $pid
expect "ENOBUFS is survived" '* d2 8001: detach: *'
like "and told" "$(cat "$tmp/errors")" '*some are lost: resyncing*'
check "the state is right afterwards" grep -q 'd0 8001: .*open: open, 0' "$tmp/log"
kill $pid
wait $pid 2> /dev/null
finish
