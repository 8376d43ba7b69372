# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Common functions of the tests of plugctl, which source this file: they run commands,
# check what a command prints, and create devices.

# The following deletes all links, and unloads the module.
if [ ! -e /tests/env ] || ! grep -q '^rootfs / rootfs ' /proc/mounts; then
	echo "Bail out! this test takes the machine apart: run it with tests/vm/run"
	exit 1
fi

# shellcheck source=tests/lib/tap.sh
. "${0%/*}/../lib/tap.sh"
trap clean_up EXIT
# The module is loaded again later. Then epoch numbers start again at 1.
rmmod sch_plug 2> /dev/null

# Restores the machine for the next test.
clean_up() {
	[ ! -e /run/netns/peer ] || ip netns del peer
	for link in /sys/class/net/*; do
		link=${link##*/}
		case $link in
		lo)	tc qdisc del dev lo root 2> /dev/null ;;
		*)	echo "link del dev $link" ;;
		esac
	done > "$tmp/links"
	ip -force -b "$tmp/links" 2> /dev/null
	rm -rf "$tmp"
}

# run COMMAND...: sets status, out (its output) and err (its errors)
run() {
	status=0
	"$@" > "$tmp/out" 2> "$tmp/err" || status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

# gives NAME STATUS OUT ERR: checks the last run(); OUT and ERR are patterns
gives() {
	wrong=
	[ "$status" = "$2" ] || wrong="$wrong status"
	# shellcheck disable=SC2254
	case $out in $3) ;; *) wrong="$wrong output" ;; esac
	# shellcheck disable=SC2254
	case $err in $4) ;; *) wrong="$wrong errors" ;; esac
	if [ -z "$wrong" ]; then
		pass "$1"
	else
		fail "$1" "wrong:$wrong" "status $status, wanted $2" \
			"output: $out" "wanted: $3" "errors: $err" "wanted: $4"
	fi
}

# field DEV NUMBER: prints a field of plugctl dump
field() {
	plugctl dump "$1" | cut -f "$2"
}
F_HANDLE=3 F_PARENT=4 F_MODULE=5 F_STATE=6 F_EPOCH=7 F_RELEASED=8
F_LIMIT=11 F_PACKETS=12 F_DROPS=14 F_SENT=15 F_STOPPED=30
: "$F_HANDLE $F_PARENT $F_MODULE $F_STATE $F_EPOCH $F_RELEASED"
: "$F_LIMIT $F_PACKETS $F_DROPS $F_SENT $F_STOPPED"

# wire: creates v0 here and v1 in the namespace "peer", each with an address and
# without ARP, so that v0 sends only pings
wire() {
	ip netns add peer
	ip link add v0 type veth peer name v1
	ip link set v1 netns peer
	ip link set v0 up
	ip addr add 192.0.2.1/24 dev v0
	ip netns exec peer ip link set v1 up
	ip netns exec peer ip addr add 192.0.2.2/24 dev v1
	mac=$(ip netns exec peer cat /sys/class/net/v1/address)
	ip neigh replace 192.0.2.2 lladdr "$mac" dev v0 nud permanent
	mac=$(cat /sys/class/net/v0/address)
	ip netns exec peer ip neigh replace 192.0.2.1 lladdr "$mac" dev v1 nud permanent
}

# send COUNT: sends that many packets out of v0, without waiting for answers
send() {
	ping -q -c "$1" -i 0.01 -W 1 192.0.2.2 > /dev/null 2>&1 || :
}

# lossy NUMBERS COMMAND...: runs it; the answers of the kernel with these numbers are
# lost, and all answers while the file $tmp/lose exists
lossy() {
	numbers=$1
	shift
	env ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
		LD_PRELOAD="${0%/*}/../bin/lose-answer.so" LOSE_ANSWERS="$numbers" \
		LOSE_WHILE="$tmp/lose" "$@"
}

# eventually COMMAND...: tries it for 5 s, until it succeeds
eventually() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || return 1
		sleep 0.1
	done
}

# started PID: waits until that plugctl monitor has joined the groups 1 and 4, has read
# the current state, and sleeps
started() {
	eventually listens "$1"
}

listens() {
	awk -v pid="$1" '$2 == 0 && $3 == pid && $4 ~ /9$/ { found = 1 } END { exit !found }' \
		/proc/net/netlink && grep -q '^State:.S' "/proc/$1/status"
}

# With tests/vm/run --sanitize: checks for reports of the sanitizers. Most tests would
# not notice them, because they do not look at stderr and the status.
sanitizers_are_content() {
	[ -n "${PLUG_SANITIZER_LOG:-}" ] || return 0
	set -- "$PLUG_SANITIZER_LOG".*
	[ -e "$1" ] || return 0
	fail "the sanitizers reported nothing" "$(cat "$@")"
	rm -f "$@"
}

finish() {
	sanitizers_are_content
	plan
}

# ---- a guest: it has v1, in the namespace "peer"; v0 is its device on the host ----

guest() {
	ip netns exec peer "$@"
}

# pings: prints how many of 3 pings from the guest are answered
pings() {
	guest ping -q -c 3 -i 0.2 -W 1 192.0.2.1 | sed -n 's/.*, \([0-9]*\) received.*/\1/p'
}

# held VIF: prints how many packets its plug holds
held() {
	field "$1" $F_PACKETS
}

holds() {
	[ "$(held "$1")" = "$2" ]
}

# ours: prints how many ifbs, qdiscs and filters of plugctl guest there are. ifb0 does
# not count: the ifb module creates it.
ours() {
	ip -o link show type ifb | grep -c ifb-
	tc qdisc show | grep -cE 'clsact|ingress|plug'
	tc filter show dev v0 ingress 2> /dev/null | grep -c 0x706c7567
}
nothing='0 0 0'

# quiet_wire: a wire without neighbour discovery, so that only the test sends packets
quiet_wire() {
	wire
	echo 1 > /proc/sys/net/ipv6/conf/v0/disable_ipv6
	guest sh -c 'echo 1 > /proc/sys/net/ipv6/conf/v1/disable_ipv6'
}
