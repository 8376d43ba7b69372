#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# VM layer: criu
#
# failover-costs.sh [SECONDS]	measures each row for SECONDS (15)
#
# The costs of examples/container-ha for a client that sends a request, waits for
# the answer, and sends the next one. There are three kinds of rows: without
# checkpoints, with checkpoints alone, and with packets held until the checkpoint is
# on the backup. Each row has the answers per second, the mean round trip, and for
# how long a checkpoint stops the service. These are wall times of an emulated
# machine: they are printed, but not checked.
set -u
. "${0%/*}/failover-lib.sh"

seconds=${1:-15}

# row NAME WORDS: measures the client NAME and CRIU's last checkpoint, and prints a row
# that begins with WORDS
row() {
	ask "$1"
	until_answers "$1" 1 || bail "$1: answers"
	begun=$(milliseconds)
	first=$(seen "$1" 1)
	checkpoints=$(reported a)
	sleep "$seconds"
	until_answers "$1" $((first + 3))
	answers=$(($(seen "$1" 1) - first))
	took=$(($(milliseconds) - begun))
	stop_client "$1"
	still=-
	[ "$checkpoints" = 0 ] || still=$(($(frozen a) / 1000))
	printf '# %-34s %8d %14d.%02d %14d.%02d %12s %12s\n' "$2" $answers \
		$((answers * 1000 / took)) $((answers * 100000 / took % 100)) \
		$((took / answers)) $((took * 100 / answers % 100)) \
		$(($(reported a) - checkpoints)) "$still"
	check "$2: answers, none of them wrong" [ "$(seen "$1" 2) $(seen "$1" 3)" = "0 0" ]
}

# protected NAME WORDS OPTION...: measures a row while a controller with these options
# takes checkpoints
protected() {
	name=$1 words=$2
	shift 2
	protect a b "$@"
	new_checkpoints a || bail "$words: checkpoints"
	row "$name" "$words"
	on a kill -TERM "$(cat "$disks/a/controller")"
	until_it has_ended a
}

milliseconds() {
	read -r now _ < /proc/uptime
	echo "${now%.*}${now#*.}0"
}

network
host a
host b
plugctl -n host-a open web
start a b
new_checkpoints a || bail "the service runs"
on a kill -TERM "$(cat "$disks/a/controller")"
until_it has_ended a
: > "$disks/a/log"
echo "# $($CRIU --version | head -n 1), kernel $(uname -r), $seconds s each"
printf '# %-34s %8s %17s %17s %12s %12s\n' "" answers "a second" "round trip, ms" checkpoints "still, ms"
row none "no checkpoints"
protected alone "checkpoints each second, not held" -t 1 -u
protected held1 "each second, held" -t 1
protected held02 "each 0.2 s, held" -t 0.2
protected held3 "each 3 s, held" -t 3
protected memory "each 0.2 s, what has changed" -t 0.2 -c 10 -P
[ "$CRIU" = /usr/sbin/criu ] || protected skip "each 0.2 s, without CRIU's lock" -t 0.2 -l skip
plan
