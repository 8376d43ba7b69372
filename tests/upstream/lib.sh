# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Makes a dummy device with a closed plug, and counts the frames that leave. Each
# script in this folder shows one fault of the kernel's own sch_plug, with nothing but
# ip, tc and ping. It prints what happened and what should have happened, and ends with
# status 1 if the fault is there. Run it as root, on any machine:
#
#	sh tests/upstream/two-epochs-leak.sh
set -e

D=plugdemo

cleanup() {
	ip link delete $D 2> /dev/null || :
}
trap cleanup EXIT
cleanup

ip link add $D type dummy
echo 1 > /proc/sys/net/ipv6/conf/$D/disable_ipv6
ip addr add 192.0.2.1/24 dev $D
ip link set $D up
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev $D nud permanent
tc qdisc add dev $D root handle 1: plug limit 10000000

plug() {
	tc qdisc change dev $D root handle 1: plug "$1"
	echo "  tc: $1"
}

send() {
	ping -q -c "$1" -i 0.01 -W 1 192.0.2.2 > /dev/null || :
	echo "  send $1"
}

# left N TEXT: waits until no more frames leave, and checks that N have left since
# the start
left() {
	sleep 0.3
	now=$(cat /sys/class/net/$D/statistics/tx_packets)
	if [ "$now" = "$1" ]; then
		echo "right: $now left: $2"
	else
		echo "FAULT: $now left, not $1: $2"
		exit 1
	fi
}
