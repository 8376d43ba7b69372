#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# VM layer: criu
#
# failover.sh [ROUNDS [SEED]]	(2 rounds; the seed is from the clock)
#
# Tests examples/container-ha with a service that counts. In each round, checkpoints of
# the service go to another host, its host dies at a random moment, and the other host
# restores the service. One client runs during all rounds, and one more in each round.
# No answer may be wrong (I1: the backup has a checkpoint with everything that a client
# has seen). In every second round the controller is killed first, at a random moment,
# and another one takes over. The rounds differ in how a checkpoint is copied, and in
# what keeps packets from the service during a dump.
#
# At the end, the copy command copies only the first checkpoint. There the test must
# see that answers were lost.
set -u
. "${0%/*}/failover-lib.sh"

rounds=${1:-2}
seed=${2:-$(($(date +%s) % 100000))}

# random N: sets number to a random number from 0 to N - 1
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	number=$((seed / 65536 % $1))
}

# doze: sleeps up to two seconds, about as long as a checkpoint takes here
doze() {
	random 200
	sleep "$((number / 100)).$((number % 100 / 10))$((number % 10))"
}

# protect_by ROUND NAME BACKUP OPTION...: protects the service with the options and the
# copy command of that round; sets by to a short description of them
protect_by() {
	way=$(($1 % 10))
	shift
	incoming='-i web' by=cp
	case $way in
	1|6)	# Only the plugs keep packets away, which needs CRIU 3.19.
		if [ "$CRIU" != /usr/sbin/criu ]; then
			by="cp, without CRIU's lock"
			set -- "$@" -l skip
		fi ;;
	2|7)	# Packets that clients send during a dump are lost.
		by="cp, without -i" incoming='' ;;
	4)	by="tar, ssh"
		by_ssh "$@"
		set -- "$@" -s "tar -C \"\${1%/*}\" -c \"\${1##*/}\" |
			ssh $address $ha receive -n web-$2 -d $disks/$2" ;;
	9)	by=rsync
		by_ssh "$@"
		set -- "$@" -s "rsync -a \"\$1\" $address:$disks/$2/ && shift &&
			ssh $address cd $disks/$2 '&&' rm -rf \"\$@\"" ;;
	esac
	protect "$@"
}

# resident: prints how many kB of memory the service uses
resident() {
	on $primary awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$disks/$primary/pid")/status"
}

# by_ssh FROM TO: sets address to that of host TO, where FROM can then log in with ssh
by_ssh() {
	for name in "$1" "$2"; do
		eval "address=\${address_$name:-}"
		[ -n "$address" ] || let_in "$name"
	done
	address=$(var "address_$2")
}

echo "# seed $seed, $rounds rounds, $($CRIU --version | head -n 1), kernel $(uname -r)"
network
primary=h0
host h0

# cannot PROGRAM: checks that container-ha detects that this CRIU cannot dump, before
# anything is held
cannot() {
	can=$CRIU
	CRIU=$1
	version=$($CRIU --version 2> /dev/null | head -n 1)
	start h0 h0
	until_it has_ended h0 || bail "a CRIU that cannot dump is recognised"
	CRIU=$can
	is "a CRIU that cannot dump is recognised (${version:-one that fails})" \
		"$(grep -o 'cannot dump.*TCP' "$disks/h0/log")" "cannot dump a process with a TCP"
	is "before anything is held" "$(plugctl -n web-h0 show 2> /dev/null)" ""
	is "or started" "$(ip netns pids web-h0)" ""
	rm "$disks/h0/log"
}
if [ "$CRIU" = /usr/sbin/criu ]; then
	# On this kernel each CRIU in the VM can dump: make one that cannot.
	printf '#!/bin/sh\n[ "$1" != dump ]\n' > /tmp/cannot
	chmod +x /tmp/cannot
	cannot /tmp/cannot
else
	# These two ask TCP sockets for SO_PASSCRED, which newer kernels refuse.
	cannot /usr/sbin/criu
	cannot /trixie/sbin/criu
fi

host h1
start h0 h1
new_checkpoints h0 || bail "the service runs, and checkpoints are taken"
pass "the service runs, and checkpoints are taken"
ask all 20000 "$seed"
# This client is slow: it transfers one window in each epoch, and the window grows only
# with the epochs.
ask bulk 1000000 "$seed"
round=0 by=cp
while [ $round -lt "$rounds" ]; do
	backup=h$((round + 1))
	client=once$round
	ask "$client" 5000 $((seed + round))
	until_answers "$client" 1 && until_answers all $(($(seen all 1) + 1)) ||
		bail "round $round: the clients have answers"
	if [ $((round % 2)) = 1 ]; then
		doze
		kill_controller $primary
		# Wait until the processes that it had started have ended: even then
		# nothing may leave.
		flock "$disks/$primary/lock" true
		sleep 1
		before="$(seen all 1) $(seen "$client" 1)"
		sleep 1
		is "round $round: the controller is killed, and no more answers come" \
			"$(seen all 1) $(seen "$client" 1)" "$before"
		protect_by $round $primary $backup -c 3 -P
		until_answers all $(($(seen all 1) + 1)) && until_answers "$client" 2 ||
			bail "round $round: another controller takes over"
		pass "round $round: another controller takes over ($by)"
	fi
	doze
	# First kill the processes of the host. The kernel then resets their
	# connections; the plug holds these packets like all others.
	halt $primary
	sleep 0.3
	cut_off $primary
	bury $primary
	restore $backup > /tmp/restored 2>&1 || bail "round $round: restored" "$(cat /tmp/restored)"
	pass "round $round ($by): $primary has died, $(sed -n 's/.*goes on/goes on/p' /tmp/restored)"
	primary=$backup
	until_answers all $(($(seen all 1) + 2)) && until_answers "$client" $(($(seen "$client" 1) + 2)) ||
		bail "round $round: both connections go on" "$(cat "$clients/all")" "$(cat "$clients/$client")"
	pass "round $round: both connections go on"
	stop_client "$client"
	right "$client"
	[ $round != 0 ] || at_first=$(resident)
	round=$((round + 1))
	host h$((round + 1))
	if [ $round -lt "$rounds" ]; then
		protect_by $round $primary h$((round + 1))
		new_checkpoints $primary || bail "round $round: protected again"
	fi
done
stop_client all
right all
# Some growth is right: the largest data of a client, a megabyte, may have come after
# the first restore.
if [ "$rounds" -ge 4 ]; then
	now=$(resident)
	check "memory does not grow with each restore: $at_first kB after the first, $now kB after $rounds" \
		[ "${now:-none}" -lt $((${at_first:?} + 2048)) ]
fi
check "up to a megabyte each way: answers" until_answers bulk 1
stop_client bulk
right bulk

# This copy command always reports success, but only makes the first copy. The test must
# detect that answers which clients have seen are lost.
incoming='-i web'
protect $primary h$((round + 1)) -s "[ -e $disks/liar ] || { $(copy_to h$((round + 1))); touch $disks/liar; }"
new_checkpoints $primary || bail "checkpoints that do not arrive"
ask betrayed
until_answers betrayed 5 || bail "answers all the same"
die $primary
told=$(seen betrayed 5)
restore h$((round + 1)) > /tmp/restored 2>&1 || bail "restored" "$(cat /tmp/restored)"
ask after
until_answers after 1
stop_client after
now=$(($(seen after 5) - $(seen after 1)))
check "a copy that is none is found out: the counter was told to be at $told, and was at $now" \
	[ $now -lt "$told" ]
stop_client betrayed
plan
