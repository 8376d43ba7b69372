#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl guest: many at the same time, another namespace, the kernel's own module.
. "${0%/*}/plugctl-lib.sh"

quiet_wire
# Several commands for one device at the same time: the result is as if they ran one
# after the other.
# at_once COMMAND...: runs it eight times in parallel; sets status, 0 if all succeed
at_once() {
	pids=
	for _ in 1 2 3 4 5 6 7 8; do
		"$@" > "$tmp/out" 2>> "$tmp/at-once" &
		pids="$pids $!"
	done
	status=0
	for pid in $pids; do
		wait "$pid" || status=$?
	done
}
made_by_one=0
for _ in 1 2 3 4 5; do
	: > "$tmp/at-once"
	at_once plugctl guest add v0 open
	[ "$status $(ours | xargs)" = '0 1 2 1' ] && made_by_one=$((made_by_one + 1))
	at_once plugctl -q guest del v0
	[ "$status $(ours | xargs)" = "0 $nothing" ] && made_by_one=$((made_by_one + 1))
done
is "eight adds at once, and eight dels, five times" "$made_by_one $(sort -u "$tmp/at-once")" '10 '

# A guest in another namespace.
ip netns add other
ip -n other link add o0 type veth peer name o1
run plugctl -n other guest add o0
gives "-n" 0 '' ''
is "is there" "$(ip -n other -o link show type ifb | grep -c ifb-o0)" 1
# Unlike the other devices here, those in this namespace have IPv6.
sleep 3
is "the ifb sends nothing of its own" "$(plugctl -n other dump o0 | cut -f $F_PACKETS)" 0
run plugctl -n other guest del o0
is "and gone" "$status $(ip -n other -o link show type ifb | grep -c .)" "0 0"
ip netns del other

# A hundred guests.
names=
for i in $(seq 100); do
	echo "link add g$i type veth peer name h$i"
	names="$names g$i"
done > "$tmp/links"
ip -b "$tmp/links"
# shellcheck disable=SC2086
run plugctl guest add $names except arp
gives "100 at once" 0 '' ''
is "are 100" "$(plugctl guest show | grep -c ' guest, by ')" 100
# shellcheck disable=SC2086
run plugctl buffer $names
gives "buffer, all at once" 0 '' ''
is "all did" "$(plugctl dump | cut -f $F_EPOCH,$F_RELEASED | awk '$1 == $2 + 2' | wc -l)" 100
# shellcheck disable=SC2086
run plugctl guest del $names
is "del, all at once" "$status $(ip -o link show type ifb | grep -c ifb-) $(tc qdisc show | grep -c clsact)" "0 0 0"

# With the kernel's own module.
rmmod sch_plug
insmod "$PLUG_INTREE_KO"
ip link del v0
ip netns del peer
quiet_wire
run plugctl guest add v0
gives "in-tree: add" 0 '' ''
guest ping -q -c 2 -i 0.1 -W 1 192.0.2.1 > /dev/null
run plugctl guest del v0
gives "in-tree: del refuses what it holds" 2 '' 'plugctl: v0: holds 2 packets, and the in-tree module does not say*'
is "it holds them still" "$(held v0)" 2
run plugctl guest del v0 --force
is "del --force" "$status $(ours | xargs)" "0 $nothing"
rmmod sch_plug
modprobe sch_plug
finish
