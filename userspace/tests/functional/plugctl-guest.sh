#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# plugctl guest, for one guest at a time.
. "${0%/*}/plugctl-lib.sh"

quiet_wire
is "a guest is answered" "$(pings)" 3
run plugctl guest show
gives "no guest" 0 '' ''
run plugctl guest add v0
gives "add" 0 '' ''
is "0 of 3 are answered" "$(pings)" 0
is "they are held" "$(held v0)" 3
run plugctl release v0
gives "release by the guest's name: no epoch has ended" 0 '' ''
is "still held" "$(held v0)" 3
run plugctl buffer v0
gives "buffer by the guest's name" 0 '' ''
run plugctl release v0
gives "release by the guest's name" 0 '' ''
check "they have left" eventually holds v0 0
run plugctl show v0
gives "show" 0 'ifb-v0  plug *state    buffering*' ''
run plugctl guest show
gives "guest show" 0 'v0  guest, by ifb-v0
ifb-v0  plug *' ''
run plugctl -j guest show v0
gives "guest show -j" 0 '\[{"device":"v0","ifb":"ifb-v0","redirected":true,"except_arp":false,"plug":{*}}\]' ''
run plugctl is-open v0
gives "is-open: no" 4 '' ''
plugctl open v0
run plugctl is-open v0
gives "is-open: yes" 0 '' ''
is "an open plug lets all pass" "$(pings)" 3

run plugctl save
like "save" "$out" 'guest add v0 limit * open'
before=$(plugctl dump v0)
run plugctl guest add v0
gives "add again" 0 '' ''
is "changes nothing" "$(plugctl dump v0)" "$before"
run plugctl guest add v0 limit 1M
is "but the limit that it names" "$status $(field v0 $F_LIMIT)" "0 1048576"
run plugctl limit v0 2M
is "as limit does" "$status $(field v0 $F_LIMIT)" "0 2097152"

run sh -c "printf 'buffer v0\nbuffer v0\nrelease v0\ndiscard v0\n' | plugctl batch"
gives "a batch by the guest's name" 0 '' ''
run plugctl open v0
run plugctl run v0 -- ip netns exec peer ping -q -c 1 -W 1 192.0.2.1
is "run by the guest's name: held" "$status" 1
run plugctl wait v0
gives "wait by the guest's name" 0 '' ''

plugctl monitor v0 > "$tmp/log" &
pid=$!
started $pid
plugctl buffer v0
check "monitor by the guest's name" eventually grep -q '^[0-9:.]* ifb-v0 .*: buffer: ' "$tmp/log"
kill $pid
wait $pid 2> /dev/null

guest ping -c 2 -i 0.2 -W 1 192.0.2.1 > /dev/null
run plugctl del v0
gives "del of the plug alone" 2 '' 'plugctl: v0: the plug is a guest?s, *: plugctl guest del v0'
run plugctl guest show nosuch0
gives "guest show of what is none" 2 '' 'plugctl: nosuch0: is not the device of a guest*'
run plugctl guest del v0
gives "del refuses while packets are held" 2 '' 'plugctl: v0: holds packets that were not released (2 in the queue): plugctl open v0 sends them, --force drops them'
is "and has touched nothing" "$(held v0) $(pings)" "2 0"
run plugctl guest del v0 --force
gives "del --force" 0 '' ''
is "nothing is left" "$(ours | xargs)" "$nothing"
is "the guest is answered as before" "$(pings)" 3
plugctl monitor v0 > "$tmp/log" &
pid=$!
started $pid
run plugctl guest add v0 v0
is "add, named twice" "$status $(ip -o link show type ifb | grep -c ifb-)" "0 1"
check "monitor that was there before hears of it" eventually grep -q 'ifb-v0 .*: attach: ' "$tmp/log"
plugctl buffer v0
check "and of its commands" eventually grep -q 'ifb-v0 .*: buffer: ' "$tmp/log"
run plugctl guest del v0 v0
gives "del, named twice" 0 '' 'plugctl: v0: is not the device of a guest: nothing to remove'
check "monitor hears of that" eventually grep -q 'ifb-v0 .*: detach: ' "$tmp/log"
kill $pid
wait $pid 2> /dev/null
is "nothing is left" "$(ours | xargs)" "$nothing"

# Packets on their way to the guest are not lost.
plugctl add v0
ping -q -c 2 -i 0.1 -W 1 192.0.2.2 > /dev/null
run plugctl guest add v0
gives "its own plug holds packets" 2 '' 'plugctl: v0: its own plug holds 2 packets to the guest,*'
is "they are there" "$(held v0) $(ours | xargs)" "2 0 1 0"
plugctl open v0
plugctl del v0

run plugctl guest del v0
gives "del again" 0 '' 'plugctl: v0: is not the device of a guest: nothing to remove'
run plugctl buffer v0
gives "its name is that of a device without a plug" 2 '' 'plugctl: v0: *'

# All protocols are held.
echo 0 > /proc/sys/net/ipv6/conf/v0/disable_ipv6
guest sh -c 'echo 0 > /proc/sys/net/ipv6/conf/v1/disable_ipv6'
guest ip addr add 2001:db8::2/64 dev v1 nodad
ip addr add 2001:db8::1/64 dev v0 nodad
guest ping -6 -c 1 -W 2 2001:db8::1 > /dev/null
plugctl guest add v0
is "IPv6 is held" "$(guest ping -6 -q -c 2 -W 1 2001:db8::1 | sed -n 's/.*, \([0-9]*\) received.*/\1/p')" 0
guest sh -c 'echo 1 > /proc/sys/net/ipv6/conf/v1/disable_ipv6'
plugctl discard v0
for types in 0806 8100,0800 88a8,8100,0800 86dd 88cc 8847; do
	before=$(held v0)
	guest bin/frames v1 $types 10
	check "frames of $types are held" eventually holds v0 $((before + 10))
done
run plugctl guest del --force v0
echo 1 > /proc/sys/net/ipv6/conf/v0/disable_ipv6

# If ARP is held, the guest does not find its host. If ARP passes, the guest finds the
# host, but other packets are still held.
# resolve: prints 1 if the guest finds its host, otherwise 0
resolve() {
	guest ip neigh del 192.0.2.1 dev v1
	guest ping -q -c 1 -W 2 192.0.2.1 > /dev/null
	guest ip neigh show 192.0.2.1 | grep -c lladdr
}
plugctl guest add v0
is "ARP is held" "$(resolve)" 0
run plugctl guest add v0 except arp
gives "except arp, to a guest that is there" 0 '' ''
is "ARP passes" "$(resolve)" 1
is "and nothing else" "$(pings)" 0
like "show says so" "$(plugctl guest show v0)" 'v0  guest, by ifb-v0, except arp*'
run plugctl guest add v0
is "add without it: ARP is held again" "$status $(resolve)" "0 0"
plugctl discard v0
plugctl guest del v0
is "nothing is left" "$(ours | xargs)" "$nothing"
guest ip neigh replace 192.0.2.1 lladdr "$(cat /sys/class/net/v0/address)" dev v1 nud permanent

# TCP, with packets of up to 64 KiB, through several epochs: every byte arrives.
head -c 3000000 /dev/urandom > "$tmp/sent"
plugctl guest add v0
# nc closes the connection at the end of its input, so the input of the receiver must
# not end. The receiver ends when the sender closes the connection.
mkfifo "$tmp/silence"
exec 4<> "$tmp/silence"
busybox nc -l -p 5000 < "$tmp/silence" > "$tmp/received" &
pid=$!
# shellcheck disable=SC2317
listening() {
	grep -q ':1388 .* 0A ' /proc/net/tcp /proc/net/tcp6
}
eventually listening
guest sh -c "busybox nc 192.0.2.1 5000 < $tmp/sent" &
while kill -0 $pid 2> /dev/null; do
	printf 'buffer v0\nrelease v0\n'
	sleep 0.02
done | plugctl batch
wait
exec 4>&-
check "TCP through epochs: every byte" cmp "$tmp/sent" "$tmp/received"

# The device is renamed; the ifb keeps its name.
ip link set v0 down
ip link set v0 name renamed0
ip link set renamed0 up
ip addr add 192.0.2.1/24 dev renamed0 2> /dev/null
run plugctl buffer renamed0
gives "a guest's device that was renamed" 0 '' ''
plugctl open renamed0
run plugctl guest del renamed0
gives "del by the new name" 0 '' ''
ip link set renamed0 down
ip link set renamed0 name v0
ip link set v0 up
is "nothing is left" "$(ours | xargs)" "$nothing"

# Filters of other programs do not change.
tc qdisc add dev v0 clsact
tc filter add dev v0 ingress pref 10 protocol ip u32 match u32 0 0 flowid 1:1
tc filter add dev v0 egress pref 1 protocol all matchall classid 1:1
filters() {
	tc filter show dev v0 ingress
	tc filter show dev v0 egress
}
filters > "$tmp/before"
run plugctl guest add v0
gives "beside filters of others" 0 '' 'plugctl: v0: ingress filters of others are there, and see no packets*'
is "all is held" "$(pings)" 0
is "they are there" "$(tc filter show dev v0 ingress pref 10 | grep -c 'flowid 1:1')" 1
plugctl guest del --force v0
filters > "$tmp/after"
check "and afterwards" cmp "$tmp/before" "$tmp/after"
is "clsact is not ours" "$(tc qdisc show dev v0 | grep -c clsact)" 1
tc filter add dev v0 ingress pref 1 protocol ip u32 match u32 0 0 flowid 1:1
run plugctl guest add v0
gives "one that would come first" 2 '' 'plugctl: v0: somebody?s ingress filter has priority 1,*'
is "nothing is done" "$(ip -o link show type ifb | grep -c ifb-)" 0
tc qdisc del dev v0 clsact

tc qdisc add dev v0 ingress
run plugctl guest add v0
gives "beside an ingress qdisc of another" 0 '' ''
is "all is held" "$(pings)" 0
plugctl guest del --force v0
is "it stays" "$(tc qdisc show dev v0 | grep -c ingress)" 1
tc qdisc del dev v0 ingress

# Another program comes later, with a filter before ours.
plugctl guest add v0
tc filter add dev v0 ingress pref 1 protocol 0x88b5 u32 match u32 0 0 action pass
run plugctl guest show v0
gives "a filter that comes first" 0 'v0  guest, by ifb-v0: an ingress filter of another program comes first,*' ''
run plugctl -j guest show v0
gives "its priority" 0 '*"earlier_filter":1,*' ''
run plugctl guest add v0
gives "is not put up with" 2 '' 'plugctl: v0: somebody?s ingress filter has priority 1,*'
tc filter del dev v0 ingress pref 1
run plugctl guest show v0
gives "it is gone" 0 'v0  guest, by ifb-v0
*' ''
plugctl guest del --force v0

# If another program has a filter in our clsact, the clsact stays.
plugctl guest add v0
tc filter add dev v0 egress pref 1 protocol all matchall classid 1:1
run plugctl guest del v0
is "a filter that came later stays" "$status $(tc filter show dev v0 egress | grep -c matchall)" "0 2"
tc qdisc del dev v0 clsact

# Incomplete set-ups, of each kind.
plugctl guest add v0
ip link del ifb-v0
is "without the ifb nothing passes" "$(pings)" 0
like "guest add mends it" "$(plugctl guest add v0 2>&1; plugctl guest show v0)" 'v0  guest, by ifb-v0
*'
guest ping -c 1 -W 1 192.0.2.1 > /dev/null
is "and it holds" "$(held v0)" 1
plugctl guest del v0 --force
is "and del takes what the first add made, the clsact too" "$(ours | xargs)" "$nothing"
plugctl guest add v0
ip link del ifb-v0
plugctl guest del v0
is "and so it does without the ifb" "$(ours | xargs)" "$nothing"
plugctl guest add v0
plugctl open v0
tc filter del dev v0 ingress
like "without the filter: show" "$(plugctl guest show v0)" 'v0  guest, by ifb-v0: packets are not sent there*'
run plugctl guest add v0
is "add puts it back" "$status $(tc filter show dev v0 ingress | grep -c 0x706c7567)" "0 1"
tc qdisc del dev v0 clsact
run plugctl guest add v0
gives "without the qdisc" 0 '' ''
tc qdisc del dev ifb-v0 root
run plugctl guest add v0
gives "without the plug" 0 '' ''
is "it holds" "$(pings) $(held v0)" "0 3"
plugctl guest del --force v0
is "nothing is left" "$(ours | xargs)" "$nothing"
ip link add ifb-v0 type ifb
run plugctl guest add v0 open
gives "an ifb that an interrupted add has left" 0 '' ''
is "is taken" "$(ip -o link show type ifb | grep -c ifb-)" 1
ip link set ifb-v0 up
tc filter del dev v0 ingress
run plugctl guest del v0
is "del of half" "$status $(ours | xargs)" "0 $nothing"
ip link add ifb-v0 type ifb
ip link set ifb-v0 up
run plugctl guest add v0
is "an ifb of that name that is another's stays" "$status $(ip -o link show type ifb | grep -c ifb-)" "0 2"
plugctl guest del v0
is "and after del" "$(ip -o link show type ifb | grep -c ifb-v0)" 1
ip link del ifb-v0

# The guest's device is removed first.
plugctl guest add v0
pings > /dev/null
ip link del v0
run plugctl guest del v0
gives "del when the device is gone" 0 '' 'plugctl: v0: the guest?s device is gone: removed ifb-v0, with 3 packets that it held
plugctl: v0: no such device*'
is "nothing is left" "$(ip -o link show type ifb | grep -c ifb-)" 0
run plugctl guest del v0
gives "again" 0 '' 'plugctl: v0: no such device, and nothing is left of it'
run plugctl guest add v0
gives "add without a device" 2 '' 'plugctl: v0: no such device*'
ip netns del peer
quiet_wire
plugctl guest add v0
ip link del v0
ip link add w0 type veth peer name w1
run plugctl guest add w0
gives "add of another one tidies up" 0 '' 'plugctl: v0: the guest?s device is gone: removed ifb-v0, with 0 packets that it held'
is "its own is there" "$(ip -o link show type ifb | grep -c ifb-w0)" 1
ip link del w0
plugctl -q guest del w0
ip netns del peer

# Devices that are not guests.
quiet_wire
run plugctl guest add v0 nosuch0
gives "several, one of which is not there" 2 '' 'plugctl: nosuch0: no such device*
plugctl: no guest was added, *'
run plugctl guest add v0 xcept arp
gives "a mistyped word" 1 '' "plugctl: 'xcept' is no device: was \"except\" meant? Nothing was done*"
is "and nothing was made" "$(ours | xargs)" "$nothing"
ip link add i0 type ifb
run plugctl guest add i0
gives "an ifb" 2 '' 'plugctl: i0: an ifb is nobody?s guest*'
ip link del i0
# Packets that a guest sends through a macvtap are the device's own output: a plug
# on the macvtap holds them.
ip link add m0 link v0 type macvtap
check "a macvtap" [ -e /sys/class/net/m0 ]
run plugctl guest add m0
gives "is told apart" 2 '' 'plugctl: m0: a macvtap sends by its own queue: plugctl add m0 holds*'
is "and nothing is done" "$(ours | xargs)" "$nothing"
run plugctl add m0
gives "a plug on it" 0 '' ''
ip link del m0
# A network card with virtual functions. The debug kernels can simulate one.
if modprobe netdevsim 2> /dev/null; then
	bus=/sys/bus/netdevsim
	echo '7 1' > $bus/new_device
	card=$(ls $bus/devices/netdevsim7/net)
	run plugctl guest add "$card"
	gives "a card without virtual functions" 0 '' ''
	run plugctl guest del "$card"
	echo 2 > $bus/devices/netdevsim7/sriov_numvfs
	run plugctl guest add "$card"
	gives "with some" 2 '' "plugctl: $card: a network card with 2 virtual functions: *"
	is "and nothing is done" "$(ours | xargs)" "$nothing"
	echo 7 > $bus/del_device
fi
for words in '' 'add' 'remove v0' 'add v0 except ip' 'add v0 limit' 'add v0 limit x' 'del v0 open' 'add v0 open v1'; do
	# shellcheck disable=SC2086
	run plugctl guest $words
	gives "guest $words" 1 '' 'plugctl: *'
done

# A tap, whose guest is a process.
modprobe tun
mkfifo "$tmp/go"
bin/frames tap:t0 0800 7 < "$tmp/go" &
pid=$!
exec 3> "$tmp/go"
there() {
	[ -e "/sys/class/net/$1" ]
}
check "a tap" eventually there t0
ip link set t0 up
plugctl guest add t0
echo >&3
check "what its process writes is held" eventually holds t0 7
plugctl open t0
check "and released" eventually holds t0 0
plugctl guest del t0
kill $pid
exec 3>&-
finish
