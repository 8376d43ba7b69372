#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restarts a TCP service without refusing a connection: the first packets (SYN)
# of new connections wait in a plug while nobody listens.
#
#	reload.sh setup DEV PORT...		once: a prio qdisc, a plug below it
#	reload.sh run DEV PROGRAM...		e.g. reload.sh run lo systemctl restart haproxy
#	reload.sh remove DEV
#
# DEV is the device through which connections leave on their way to the service: lo
# for clients on this machine, or the device that leads to the machine's containers.
# Clients from the network are different, because what comes in by eth0 passes no
# qdisc there. "plugctl guest add eth0 open except arp", once, sends it through a plug.
# "plugctl run eth0 --timeout 9s -- PROGRAM..." then holds all that comes in by eth0,
# ssh too, while the program runs.
#
# It sets up:
#
#	DEV -- prio 1: --+-- 1:1 1:2 1:3	everything, as with pfifo_fast
#			 +-- 1:4 -- plug	SYNs to PORT, nothing else
#
# A closed plug holds only its own class, so existing connections go on.
set -eu

usage() {
	sed -n '7,9s/^#//p' "$0" >&2
	exit 1
}

# setup DEV PORT...: prio's default map does not use the fourth class, so only packets
# that match a filter get there.
setup() {
	dev=$1
	shift
	tc qdisc add dev "$dev" root handle 1: prio bands 4 || {
		echo "reload.sh: nothing was done: tc qdisc show dev $dev tells what is there" >&2
		exit 1
	}
	# An incomplete set-up is removed.
	trap 'tc qdisc del dev "$dev" root' EXIT
	plugctl add "$dev" parent 1:4 open
	for port; do
		# A header of 5 words, TCP, the port, SYN without ACK.
		tc filter add dev "$dev" parent 1: protocol ip prio 1 u32 \
			match u8 0x05 0x0f at 0 match ip protocol 6 0xff \
			match ip dport "$port" 0xffff \
			match u8 0x02 0x12 at 33 flowid 1:4
		tc filter add dev "$dev" parent 1: protocol ipv6 prio 2 u32 \
			match ip6 protocol 6 0xff match u16 "$port" 0xffff at 42 \
			match u8 0x02 0x12 at 53 flowid 1:4
	done
	trap - EXIT
}

# run DEV PROGRAM...: whatever happens to PROGRAM, connections pass again after at most
# 5 s: then PROGRAM gets SIGTERM, too. If your reload takes longer, start it in the
# background. A client repeats its SYN after a second, so shorter is better.
#
# The pause lets the old process accept connections that arrived before the plug was
# closed.
run() {
	dev=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	plugctl run "$dev" --parent 1:4 --timeout 5s -- \
		sh -c 'sleep 0.1 && exec "$@"' sh "$@"
}

remove() {
	plugctl open "$1" --parent 1:4
	plugctl wait "$1" --parent 1:4 --timeout 5s
	tc qdisc del dev "$1" root
}

[ $# -ge 2 ] || usage
command=$1
shift
case $command in
setup|run)	[ $# -ge 2 ] || usage
		"$command" "$@" ;;
remove)		remove "$1" ;;
*)		usage ;;
esac
