#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests discard upto, --all, is-open, save, --watch, times of monitor, owners of a
# batch, --rtnl, and completion.
. "${0%/*}/plugctl-lib.sh"

# state DEV WANTED: whether the plug has that state; for use with eventually
state() {
	[ "$(field "$1" $F_STATE)" = "$2" ]
}

wire
plugctl add v0
first=$(field v0 $F_EPOCH)
send 2
plugctl buffer v0
send 3
run plugctl discard v0 upto "$first"
is "discard upto drops that epoch and no other" "$status $(field v0 $F_PACKETS)" "0 3"
run plugctl discard v0 upto "$first"
is "it can be repeated" "$status $(field v0 $F_PACKETS)" "0 3"
run plugctl discard v0 upto $((first + 5))
gives "an epoch that has not begun" 2 '' 'plugctl: v0: the kernel refused: *'
run plugctl discard v0
is "discard drops all" "$status $(field v0 $F_PACKETS)" "0 0"

run plugctl is-open v0
gives "is-open: no" 4 '' ''
plugctl open v0
run plugctl is-open v0
gives "is-open: yes" 0 '' ''
run plugctl is-open nosuch0
gives "is-open: no such device" 2 '' 'plugctl: nosuch0: no such device*'
run sh -c "printf 'buffer v0\nis-open v0\n' | plugctl --force batch"
gives "is-open in a batch" 4 '' ''
run sh -c "printf 'is-open v0\nopen v0\nis-open v0\n' | plugctl -j batch"
gives "which goes on" 4 '{"line":1,"open":false,"command":"is-open","ok":true}
{"line":2,*}
{"line":3,"open":true,"command":"is-open","ok":true}' ''
plugctl open v0

for name in status list ls; do
	run plugctl $name v0
	gives "$name is show" 0 'v0  plug *state    open*' ''
done
run plugctl show dev v0
gives "dev is skipped" 0 'v0  plug *' ''
run plugctl --color show v0
gives "--color" 0 "$(printf '\033')*v0*" ''
run plugctl --color=never show v0
gives "--color=never" 0 'v0  plug *' ''

# Below mq: one plug for each queue.
ip link add i0 numtxqueues 3 type ifb
tc qdisc add dev i0 root handle 1: mq
for class in 1 2 3; do
	plugctl add i0 parent 1:$class open
done
run plugctl buffer i0
gives "several plugs, and --all is named" 2 '' 'plugctl: i0: has 3 plugs: *, or take --all'
run plugctl -v buffer --all i0
is "--all: each of them" "$status $(grep -c '^i0: buffering' "$tmp/out")" "0 3"
run plugctl buffer --all i0 v0 nosuch0
gives "and of others" 2 '' 'plugctl: nosuch0: no such device*'
is "who are buffering then" "$(plugctl dump | cut -f $F_STATE | sort | uniq -c | xargs)" "4 buffering"
run plugctl open --all i0 v0
gives "open --all" 0 '' ''
run plugctl run --all i0 -- sh -c 'plugctl dump i0 | cut -f 6 | xargs'
gives "run --all" 0 'buffering buffering buffering' ''
is "open again" "$(plugctl dump i0 | cut -f 6 | xargs)" "open open open"

# save: its output attaches the same plugs again.
plugctl limit v0 1M
run plugctl save v0
before=$out
like "save" "$before" "add --keep v0 handle 8001: limit 1048576 open"
run plugctl save i0
like "save below a class" "$out" "add --keep i0 handle 8001: parent 1:1 limit * open*"
plugctl save > "$tmp/saved"
plugctl open --all v0 i0
plugctl del --all v0 i0
run plugctl batch "$tmp/saved"
gives "it is a batch" 0 '' ''
plugctl save > "$tmp/again"
check "that makes the same again" cmp "$tmp/saved" "$tmp/again"
run plugctl batch "$tmp/saved"
gives "and twice is as well" 0 '' ''
plugctl del --all i0

run timeout 4 plugctl show v0 --watch=200ms
check "--watch shows it again and again" [ "$(grep -c '^v0  plug' "$tmp/out")" -gt 1 ]
like "with rates" "$out" '*a second 0.0 epochs, 0.0 packets and 0 B queued*'
run timeout 4 plugctl -j show --watch=200ms
check "--watch -j: an array each time" [ "$(grep -c '^\[{.*}\]$' "$tmp/out")" -gt 1 ]

plugctl monitor -t > "$tmp/log" &
pid=$!
started $pid
plugctl buffer v0
# shellcheck disable=SC2317
dated() {
	grep -qE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}[+-][0-9]{4} v0 8001: buffer: .*, limit 1 MiB' "$tmp/log"
}
check "monitor -t: date, zone, and the limit" eventually dated
kill $pid
wait $pid 2> /dev/null

# When a controller dies, its plugs get the state that --at-exit names.
for at_exit in open discard keep; do
	plugctl open v0
	plugctl buffer v0
	mkfifo "$tmp/to"
	plugctl batch --at-exit $at_exit < "$tmp/to" &
	pid=$!
	exec 3> "$tmp/to"
	before=$(field v0 $F_EPOCH)
	echo "buffer v0" >&3
	# shellcheck disable=SC2317
	begun() {
		[ "$(field v0 $F_EPOCH)" -gt "$before" ]
	}
	eventually begun
	send 2
	run plugctl -v show v0
	gives "--at-exit $at_exit: show -v says who owns it" 0 "*
  owner    netlink port $pid, at its end: $at_exit" ''
	run plugctl show v0
	is "and show does not" "$(grep -c owner "$tmp/out")" 0
	run plugctl -j show v0
	gives "-j does" 0 "*,\"owner\":$pid,\"at_exit\":\"$at_exit\",*" ''
	run sh -c "printf 'release v0\n' | plugctl batch --at-exit open"
	gives "--at-exit $at_exit: it has one owner" 2 '' 'plugctl: stdin:1: v0: --at-exit: the plug belongs to another program*'
	kill -9 $pid
	wait $pid 2> /dev/null
	exec 3>&-
	rm "$tmp/to"
	case $at_exit in
	open)	check "killed: opened" eventually state v0 open ;;
	discard)
		is "killed: discarded" "$(field v0 $F_STATE) $(field v0 $F_PACKETS)" "buffering 0" ;;
	keep)	is "killed: kept" "$(field v0 $F_STATE) $(field v0 $F_PACKETS)" "buffering 2" ;;
	esac
done
plugctl open v0

# A batch also owns a plug that it has attached, and a plug that has replaced another.
ip link add w0 type dummy
ip link set w0 up
mkfifo "$tmp/to" "$tmp/from"
plugctl -j batch --at-exit open < "$tmp/to" > "$tmp/from" &
pid=$!
exec 3> "$tmp/to" 4< "$tmp/from"
echo "add w0" >&3
read -r line <&4
like "--at-exit open: a plug is attached" "$line" '*"ok":true}'
echo "buffer v0" >&3
read -r line <&4
plugctl --force del v0
plugctl add v0
echo "buffer v0" >&3
read -r line <&4
like "another one is replaced" "$line" '*"ok":true}'
is "both are closed" "$(field w0 $F_STATE) $(field v0 $F_STATE)" "buffering buffering"
kill -9 $pid
wait $pid 2> /dev/null
exec 3>&- 4<&-
check "killed: opened, the one that was attached" eventually state w0 open
check "and the one in another's place" eventually state v0 open
ip link del w0

run plugctl --rtnl buffer v0
gives "--rtnl" 0 '' ''
is "is executed" "$(field v0 $F_STATE)" buffering
run plugctl --rtnl release v0 upto 1
gives "--rtnl knows no epochs" 2 '' 'plugctl: v0: rtnetlink cannot do this: leave out --rtnl'
run plugctl --rtnl show v0
gives "nor a state" 0 '*unknown*' ''

# The candidates that shells offer.
plugctl buffer v0
first=$(($(field v0 $F_RELEASED) + 1))
is "upto TAB: the epochs that wait" \
	"$(plugctl complete -- release v0 upto '' | cut -f 1 | xargs)" \
	"$(seq -s ' ' "$first" $(($(field v0 $F_EPOCH) - 1)))"
is "devices with a plug come first" "$(plugctl complete -- buffer '' | cut -f 1 | head -n 1)" v0
is "those named are left out" "$(plugctl complete -- buffer v0 v | wc -l)" 0
plugctl -n peer add v1
is "of the namespace that is named" "$(plugctl complete -- -n peer buffer '' | cut -f 1)" v1
is "namespaces" "$(plugctl complete -- -n p | cut -f 1)" peer
finish
