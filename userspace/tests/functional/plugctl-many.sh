#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A thousand devices with one plug each: all named in one command, shown, dumped.
. "${0%/*}/plugctl-lib.sh"

many=1000
i=0
while [ $i -lt $many ]; do
	echo "link add d$i type dummy"
	i=$((i + 1))
done > "$tmp/links"
ip -b "$tmp/links"
i=0
devices=
while [ $i -lt $many ]; do
	devices="$devices d$i"
	echo "add d$i"
	i=$((i + 1))
done > "$tmp/adds"
run plugctl batch "$tmp/adds"
gives "add, $many times" 0 '' ''
is "dump has all" "$(plugctl dump | wc -l)" $many
is "each once" "$(plugctl dump | cut -f1 | sort -u | wc -l)" $many
# unreleased: prints "PLUGS EPOCHS" for each number of epochs that were not released:
# that many plugs have that many such epochs
unreleased() {
	plugctl dump | awk -F'\t' -v e=$F_EPOCH -v r=$F_RELEASED '{ print $e - $r }' |
		sort | uniq -c | xargs
}

is "a new one has one epoch" "$(unreleased)" "$many 1"
# shellcheck disable=SC2086
run plugctl buffer $devices
gives "buffer all in one command" 0 '' ''
is "every one began an epoch" "$(unreleased)" "$many 2"
# shellcheck disable=SC2086
run plugctl -v buffer $devices
is "with the epoch of each" \
	"$status $(grep -c 'buffering epoch [0-9]*; 2 epochs wait' "$tmp/out")" "0 $many"
is "show has all" "$(plugctl show | grep -c '^d')" $many
is "show -j has all" "$(plugctl -j show | tr '{' '\n' | grep -c '"device"')" $many
ip link del d7
plugctl del d500
# shellcheck disable=SC2086
run plugctl release $devices
gives "two of them fail, by name" 2 '' 'plugctl: d7: no such device*
plugctl: d500: has no plug*'
is "all others were released" "$(unreleased)" "$((many - 2)) 2"

# Some kernels skip a device in a dump while other devices vanish.
i=600
while [ $i -lt 900 ]; do
	echo "link del d$i"
	i=$((i + 1))
done > "$tmp/dels"
ip -b "$tmp/dels" &
pid=$!
missed=0
tries=0
while kill -0 $pid 2> /dev/null; do
	tries=$((tries + 1))
	plugctl dump d999 > "$tmp/out" 2> "$tmp/err" || missed=$((missed + 1))
done
wait $pid
check "looked while devices vanish" [ $tries -gt 2 ]
is "a plug that is there is found at each of $tries times" $missed 0

# In a user namespace the receive room of the socket cannot be enlarged. So plugctl
# sends fewer messages at a time.
few=100
head -n $few "$tmp/links" > "$tmp/few-links"
head -n $few "$tmp/adds" > "$tmp/few-adds"
devices=$(cut -d' ' -f2 "$tmp/few-adds" | xargs)
run unshare -Urn dash -c "/sbin/ip -b $tmp/few-links && plugctl batch $tmp/few-adds && plugctl -v buffer $devices"
is "without the right to force the socket's room" "$status $(grep -c 'buffering epoch [0-9]*; 1 epoch waits' "$tmp/out")" "0 $few"
finish
