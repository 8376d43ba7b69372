# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# Common functions of the stages: the guest, xl remus, and the state of the
# plug. Each stage sources this file. Limits for measured times are multiples of the
# period measured in the same run, because that depends on the machine.

guest=guest
guest_ip=192.0.2.2
guest_ip6=2001:db8::2
# shellcheck source=tests/lib/tap.sh
. "${BASH_SOURCE[0]%/*}/tap.sh"

# within NAME VALUE LEAST MOST: passes if VALUE is a number from LEAST to MOST
within() {
	if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		pass "$1 ($2)"
	else
		fail "$1" "got: $2" "wanted: $3 to $4"
	fi
}

say() {
	echo "# $*"
}

# figure NAME VALUE: prints a figure for the table in docs/xen.md
figure() {
	echo "# figure $1 $2"
}

# bail NAME [WHY...]: fails the test point NAME and ends the stage, because the points
# after it would mean nothing
bail() {
	fail "$@"
	finish
	exit 1
}

finish() {
	[ "$failed" = 0 ] || show_state
	plan
}

show_state() {
	{
		xl list
		tc -s qdisc show
		ip -br link
		xenstore-ls /libxl 2> /dev/null | tail -n 40
		dmesg | tail -n 20
		tail -n ${LOG_LINES:-20} /var/log/xen/*.log "$tmp"/xl* 2> /dev/null
	} 2>&1 | sed 's/^/# /'
}

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# eventually SECONDS COMMAND...: repeats COMMAND until it succeeds; fails after SECONDS.
# The limit only guards against a hang, so it can be large.
eventually() {
	local end=$((SECONDS + $1))
	shift

	until "$@" > /dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.3
	done
}

# ---- the guest ----

# guest_start [SCRIPT]: starts the guest, with this hotplug script for its vif; sets
# domid and vif
guest_start() {
	local script=${1:-vif-bridge}

	cat > "$tmp/config" <<- END
		name = "$guest"
		type = "pv"
		kernel = "/boot/guest-vmlinux"
		ramdisk = "/boot/guest.cpio"
		extra = "console=hvc0 quiet mitigations=off dom0=$(< /sys/class/net/xenbr0/address)"
		memory = 128
		vcpus = 1
		on_crash = "preserve"
		vif = [ "mac=00:16:3e:00:00:01,bridge=xenbr0,script=$script" ]
	END
	xl create "$tmp/config" > "$tmp/xl-create" 2>&1 ||
		bail "xl creates the guest" "$(cat "$tmp/xl-create")"
	guest_is "$guest"
	# Enter the guest's addresses by hand: its answers to ARP would be held, too.
	ip neigh replace $guest_ip lladdr 00:16:3e:00:00:01 dev xenbr0 nud permanent
	ip neigh replace $guest_ip6 lladdr 00:16:3e:00:00:01 dev xenbr0 nud permanent
	eventually 120 ping -c 1 -W 1 $guest_ip ||
		bail "the guest answers" "$(tail -n 5 /var/log/xen/console/* 2> /dev/null)"
	pass "the guest answers"
	# The agent must answer, too.
	eventually 60 agent_answers
}

guest_is() {
	domid=$(xl domid "$1")
	vif=vif$domid.0
}

agent_answers() {
	[ "$(agent burst $guest_ip 1 100 1000)" = "1 ordered" ]
}

guest_destroy() {
	timeout 60 xl destroy "$1" > "$tmp/xl-destroy" 2>&1
}

no_guest() {
	! xl domid "$guest" > /dev/null 2>&1 && [ ! -e "/sys/class/net/$vif" ]
}

# Succeeds if the guest runs or is idle. During a checkpoint it is neither.
guest_is_running() {
	local state

	state=$(xl list "$domid" | awk 'NR == 2 { print $5 }')
	[[ $state != *[psc]* ]]
}

# rtt COUNT INTERVAL [SIZE]: pings the guest; prints the mean round trip in us and the
# number of answers
rtt() {
	ping -q -c "$1" -i "$2" -s "${3:-1000}" -W 20 $guest_ip | awk -F '[ /,]+' '
		/received/ { for (i = 1; i <= NF; i++) if ($i == "received") n = $(i - 1) }
		/^rtt/ { mean = $8 }
		END { printf "%d %d\n", mean * 1000 + 0.5, n }'
}

# ---- xl remus and its plug ----

# remus_start HOST ARGUMENT...: starts xl remus, and waits for 10 checkpoints; sets
# xl_pid and ifb
remus_start() {
	local host=$1
	shift

	# In its own process group, so that only xl gets the signals to it.
	setsid xl -vvv remus -F -d -i 200 "$@" "$guest" "$host" > "$tmp/xl-remus" 2>&1 < /dev/null &
	xl_pid=$!
	ifb=
	eventually 90 find_ifb || bail "a plug is the root of an ifb" "$(tail -n 30 "$tmp/xl-remus")"
	pass "a plug is the root of an ifb ($ifb)"
	changes_start
	eventually 120 changes_are 20 ||
		bail "checkpoints flow" "$(tail -n 30 "$tmp/xl-remus")"
	pass "checkpoints flow"
}

find_ifb() {
	ifb=$(tc qdisc show | awk '$2 == "plug" && $4 == "dev" && $6 == "root" { print $5; exit }')
	[ -n "$ifb" ]
}

# Records the commands to the plug, from the kernel's notifications: two per
# checkpoint.
changes_start() {
	changes_stop
	: > "$tmp/changes"
	tc monitor >> "$tmp/changes" &
	monitor_pid=$!
}

changes_stop() {
	[ -z "${monitor_pid:-}" ] || kill "$monitor_pid" 2> /dev/null
	monitor_pid=
}

changes() {
	grep -c 'qdisc plug' "$tmp/changes"
}

changes_are() {
	[ "$(changes)" -ge "$1" ]
}

# measure_period CHECKPOINTS: sets period, the time between two checkpoints in ms
measure_period() {
	local begin first

	first=$(changes)
	begin=$(now_ms)
	eventually 300 changes_are $((first + 2 * $1)) || return 1
	period=$((($(now_ms) - begin) * 2 / ($(changes) - first)))
}

# periods N: prints N periods in seconds, for sleep and ping
periods() {
	awk -v n="$1" -v period="$period" 'BEGIN { printf "%.3f\n", n * period / 1000 }'
}

# Stops xl while the guest runs and can send.
xl_stop() {
	local try

	for try in $(seq 50); do
		kill -STOP "$xl_pid"
		# If no checkpoint is under way, the guest answers, and its answers
		# are held.
		sleep 0.1
		! guest_is_running || return 0
		kill -CONT "$xl_pid"
		sleep "0.$((RANDOM % 9 + 1))"
	done
	return 1
}

xl_has_ended() {
	! kill -0 "$xl_pid" 2> /dev/null
}

# backup_dies: kills a backup on this host, so that xl ends and undoes the set-up. It
# does not kill the helper that xl has started: then xl may die of a SIGPIPE, and undo
# nothing.
backup_dies() {
	kill -KILL "$(pgrep -f 'xl migrate-receive' | head -n 1)"
	check "the backup dies: xl remus ends" eventually 90 xl_has_ended
	wait "$xl_pid" 2> /dev/null
}

# backlog PACKETS|BYTES: prints the backlog of the plug at $ifb
backlog() {
	tc -s qdisc show dev "$ifb" root | awk -v what="$1" '
		$1 == "backlog" { sub(/b$/, "", $2); sub(/p$/, "", $3)
			if ($2 ~ /K$/) $2 *= 1024; else if ($2 ~ /M$/) $2 *= 1048576
			print what == "BYTES" ? $2 + 0 : $3 + 0 }'
}

backlog_is() {
	[ "$(backlog PACKETS)" = "$1" ]
}

backlog_is_at_least() {
	[ "$(backlog PACKETS)" -ge "$1" ]
}

ifb_has_plug() {
	tc qdisc show dev "${1:-$ifb}" | grep -q 'qdisc plug'
}

# Prints the tasks in state D, and where they wait.
tasks_in_d() {
	local status dir

	for status in $(grep -ls '^State:.D' /proc/[0-9]*/status); do
		dir=${status%/*}
		echo "${dir#/proc/} $(< "$dir/comm") $(< "$dir/wchan")"
	done 2> /dev/null
}

no_task_in_d() {
	[ -z "$(tasks_in_d)" ]
}

# Removes everything that a stage leaves, so that the next one starts clean.
clean_up() {
	changes_stop
	[ -z "${xl_pid:-}" ] || kill -KILL "$xl_pid" 2> /dev/null
	for link in ifb0 ifb1; do
		tc qdisc del dev $link root 2> /dev/null
	done
	for name in "$guest" "$guest--incoming"; do
		! xl domid "$name" > /dev/null 2>&1 || guest_destroy "$name"
	done
	eventually 30 no_guest
	rmmod sch_plug 2> /dev/null
	rmmod ifb 2> /dev/null && modprobe ifb numifbs=2
	rm -rf "$tmp"
}
trap clean_up EXIT
