# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Common functions of the demo and the tests of examples/container-ha: hosts, a service,
# clients. Source this file; by itself it only makes two directories.
#
#	client ---- router ---- bridge of host a ---- container: eth0 198.51.100.10
#	                  \---- bridge of host b ---- container: eth0 198.51.100.10
#
# A host is a network, a PID and a mount namespace, with a folder as its disk. So each
# host has its own process numbers, and when a host dies, everything on it is gone.

# These functions make bridges and kill all processes of a namespace: run them only in
# a VM.
if [ ! -e /tests/env ] || ! grep -q '^rootfs / rootfs ' /proc/mounts; then
	echo "Bail out! this makes hosts and kills them: run it with tests/vm/run"
	exit 1
fi

PATH=$PATH:/usr/sbin:/usr/bin
service=198.51.100.10
ha=/examples/container-ha/container-ha
disks=/tmp/disks

# Up to Linux 6.1, use the CRIU of the programs in the VM (bookworm); for later kernels,
# the CRIU of sid.
case $(uname -r) in
[1-5].*|6.1.*)	CRIU=/usr/sbin/criu ;;
*)		CRIU=/sid/sbin/criu ;;
esac
export CRIU

# checkpointed NAME N: whether the controller on that host has reported N checkpoints,
# or has ended
checkpointed() {
	[ "$(reported "$1")" -ge "$2" ] || has_ended "$1"
}

# reported NAME: prints how many checkpoints the controller on that host has reported
reported() {
	cat "$disks/$1/log" 2> /dev/null | grep -c '^container-ha: checkpoint [0-9]*[ :].*copy'
}

# until_it COMMAND...: repeats it until it succeeds; fails after 5000 tries, which are
# enough for a busy emulated machine
until_it() {
	tries=0
	until "$@"; do
		[ $((tries += 1)) -lt 5000 ] || return 1
		sleep 0.1
	done
}

in_net() {
	net=$1
	shift
	nsenter --net="/run/netns/$net" "$@"
}

# clean_up: kills all processes in network namespaces, and removes what this file made
clean_up() {
	for net in /run/netns/*; do
		# shellcheck disable=SC2046 # a list
		kill -KILL $(ip netns pids "${net##*/}") 2> /dev/null
		ip netns del "${net##*/}"
	done
	umount -l /run
	rm -rf "$disks" "$clients" /tmp/ssh "$tmp"
}

# network: makes the router and the client's network, and prepares the kernel
network() {
	trap clean_up EXIT
	# If /run is a tmpfs, CRIU caches there which features the kernel has.
	mount -t tmpfs run /run
	mkdir /run/netns
	# With huge pages everywhere, checkpoints would grow with each restore.
	echo madvise > /sys/kernel/mm/transparent_hugepage/enabled
	for module in nf_tables nft_ct inet_diag tcp_diag udp_diag unix_diag af_packet_diag \
	    netlink_diag; do
		modprobe $module
	done
	ip netns add router
	ip netns add client
	ip -n router link add sw type bridge
	ip -n router addr add 198.51.100.1/24 dev sw
	ip -n router link set sw up
	ip -n router link add cl type veth peer name eth0 netns client
	ip -n router addr add 203.0.113.1/24 dev cl
	ip -n router link set cl up
	# Ask for addresses more often: ARP answers are held too, and CRIU is slow in an
	# emulated machine.
	in_net router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.neigh.sw.mcast_solicit=100 \
		net.ipv4.neigh.sw.ucast_solicit=100
	ip -n client addr add 203.0.113.2/24 dev eth0
	ip -n client link set eth0 up
	ip -n client link set lo up
	# The answer to a client's SYN may wait for two dumps and two copies, which can
	# be slow here.
	in_net client sysctl -qw net.ipv4.tcp_syn_retries=30
	ip -n client route add default via 203.0.113.1
}

# host NAME: makes a host with a container that nobody can reach yet: a plug holds
# packets to it
host() {
	ip netns add "host-$1"
	ip netns add "web-$1"
	ip -n "web-$1" link set lo up
	ip -n "host-$1" link add br0 type bridge
	ip -n "host-$1" link set br0 up
	ip -n router link add "port-$1" type veth peer name uplink netns "host-$1"
	ip -n router link set "port-$1" master sw up
	ip -n "host-$1" link set uplink master br0 up
	ip -n "host-$1" link add web type veth peer name eth0 netns "web-$1"
	plugctl -n "host-$1" add web closed
	ip -n "host-$1" link set web master br0 up
	ip -n "web-$1" addr add $service/24 dev eth0
	ip -n "web-$1" link set eth0 up
	# A SYN-ACK, too, may have to wait for two dumps and two copies.
	in_net "web-$1" sysctl -qw net.ipv4.tcp_synack_retries=30
	ip -n "web-$1" route add default via 198.51.100.1
	mkdir -p "$disks/$1"
	# The first process of the host is a shell that reaps orphans.
	nsenter --net="/run/netns/host-$1" unshare -p -f -m --mount-proc \
		sh -c 'while :; do sleep 1000 & wait; done' < /dev/null > /dev/null 2>&1 3>&- &
	eval "unshare_$1=$!"
	children=/proc/$!/task/$!/children
	init=
	while [ -z "$init" ]; do
		sleep 0.05
		read -r init < "$children" || [ -e "$children" ] || exit 1
	done
	eval "init_$1=$init"
}

# on NAME COMMAND...: runs it on that host
on() {
	eval "init=\$init_$1"
	shift
	nsenter -t "$init" -p -m -n "$@"
}

# cut_off NAME: unplugs that host from the router, so that no packet leaves it any more
cut_off() {
	ip -n router link del "port-$1"
}

# halt NAME: kills all processes of that host, whatever they are doing
halt() {
	eval "kill -KILL \$init_$1; wait \$unshare_$1" 2> /dev/null
}

# die NAME: removes everything of that host
die() {
	cut_off "$1"
	halt "$1"
	bury "$1"
}

# bury NAME: removes the network namespaces and the disk of that host
bury() {
	ip netns del "host-$1"
	ip netns del "web-$1"
	rm -rf "${disks:?}/$1"
}

# copy_to NAME: prints the command that copies a checkpoint to that host's disk
copy_to() {
	echo "cp -r \"\$1\" $disks/$1/ && shift && cd $disks/$1 && rm -rf \"\$@\""
}

# let_in NAME: gives that host an address, and lets the other hosts log in with ssh;
# sets address_NAME
let_in() {
	if [ ! -e /tmp/ssh ]; then
		mkdir -p /tmp/ssh /run/sshd /etc/ssh
		printf '%s\n' 'root::0:0::/root:/bin/sh' 'sshd:x:100:100::/run/sshd:/bin/false' > /etc/passwd
		ssh-keygen -q -t ed25519 -N '' -f /tmp/ssh/key
		echo "* $(cat /tmp/ssh/key.pub)" > /tmp/ssh/known
		# The usual key exchange and cipher take seconds in an emulated machine.
		printf '%s\n' 'IdentityFile /tmp/ssh/key' 'UserKnownHostsFile /tmp/ssh/known' \
			'KexAlgorithms curve25519-sha256' 'Ciphers aes128-gcm@openssh.com' \
			> /etc/ssh/ssh_config
	fi
	last_address=$((${last_address:-100} + 1))
	eval "address_$1=198.51.100.$last_address"
	ip -n "host-$1" addr add 198.51.100.$last_address/24 dev br0
	# Processes of this host must not get the numbers of processes that are restored
	# on it.
	on "$1" sh -c 'echo 20000 > /proc/sys/kernel/ns_last_pid'
	on "$1" /usr/sbin/sshd -f /dev/null -h /tmp/ssh/key -o AuthorizedKeysFile=/tmp/ssh/key.pub \
		-o StrictModes=no -o PermitRootLogin=yes -o "SetEnv=PATH=$PATH" -o PidFile=none
}

# container_ha NAME ACTION OPTION...: runs container-ha on that host, in the background;
# its output goes to $disks/NAME/log
incoming='-i web'
container_ha() {
	on_host=$1 action=$2
	shift 2
	# shellcheck disable=SC2086 # an option and its value, or nothing
	on "$on_host" "$ha" "$action" -n "web-$on_host" -o eth0 $incoming -d "$disks/$on_host" -v "$@" \
		>> "$disks/$on_host/log" 2>&1 3>&- &
	eval "controller_$on_host=$!"
}

# start NAME BACKUP [OPTION]...: starts the service on host NAME, and protects it with
# checkpoints to host BACKUP
service_command='exec counter serve 7000'
start() {
	from=$1 to=$2
	shift 2
	# Use process numbers that are still free on a new host.
	on "$from" sh -c 'echo 1000 > /proc/sys/kernel/ns_last_pid'
	container_ha "$from" run -s "$(copy_to "$to")" "$@" -- sh -c "$service_command"
}

# protect NAME BACKUP [OPTION]...: protects the service that already runs on host NAME
protect() {
	from=$1 to=$2
	shift 2
	container_ha "$from" protect -p "$(cat "$disks/$from/pid")" -s "$(copy_to "$to")" "$@"
}

# var NAME: prints the value of the variable NAME
var() {
	eval "echo \"\$$1\""
}

# has_ended NAME: whether the controller on that host has ended
has_ended() {
	set -- "$(var "controller_$1")"
	[ ! -e "/proc/$1" ] || grep -qs '^State:.Z' "/proc/$1/status"
}

# restore NAME [OPTION]...: restores the service on that host, and sends a gratuitous
# ARP for it
restore() {
	to=$1
	shift
	on "$to" "$ha" restore -n "web-$to" -d "$disks/$to" -i web "$@" \
		-a "nsenter --net=/run/netns/web-$to arping -q -U -c 1 -I eth0 $service"
}

# ask NAME [SIZE [SEED]], ask_redis NAME [SIZE [SEED]]: starts a client that sends
# requests until it is stopped; its results are in $clients/NAME
clients=/tmp/clients
mkdir -p $clients
ask() {
	name=$1
	shift
	# Do not use in_net here: $! would be the shell that runs the function.
	nsenter --net=/run/netns/client counter ask $service 7000 "$clients/$name" "$@" 2>> "$clients/$name.errors" 3>&- &
	eval "client_$name=$!"
}

ask_redis() {
	name=$1
	shift
	nsenter --net=/run/netns/client counter redis $service 6379 "$clients/$name" "$@" 2>> "$clients/$name.errors" 3>&- &
	eval "client_$name=$!"
}

# seen NAME FIELD: prints a result of the client NAME: 1 answers, 2 wrong answers,
# 3 broken connections, 4 longest wait in ms, 5 the service's total
seen() {
	if [ -s "$clients/$1" ]; then
		awk -v field="$2" '{ print $field }' "$clients/$1"
	else
		echo 0
	fi
}

# until_answers NAME N: waits until the client has N answers
until_answers() {
	until_it has_answers "$@"
}

has_answers() {
	[ "$(seen "$1" 1)" -ge "$2" ]
}

# broken NAME: prints a remark if the client's connection is broken
broken() {
	[ "$(seen "$1" 3)" = 0 ] || echo ", the connection to $1 is broken"
}

stop_client() {
	eval "kill \$client_$1; wait \$client_$1" 2> /dev/null
}

# frozen NAME: prints for how many microseconds the last checkpoint stopped the service
# on that host. CRIU stores this in stats-dump: 4 bytes twice for the type, 4 for the
# length, then a protocol buffer inside another one. Field 2 of the inner one is the
# time.
frozen() {
	last=$(find "$disks/$1" -name stats-dump | sort -V | tail -n 1)
	od -An -v -tu1 "$last" | tr -s ' \n' '\n' | sed '/^$/d' | awk '
		NR <= 14 { next }	# the header, and type and length of the inner message
		key == "" { key = $1; value = 0; shift = 1; next }
		{ value += ($1 % 128) * shift; shift *= 128 }
		$1 < 128 { if (key == 16) { print value; exit } key = "" }'
}

# ---- for tests ----

# shellcheck source=tests/lib/tap.sh
. "${0%/*}/../lib/tap.sh"

# bail WHY...: fails and ends the test, because it cannot continue
bail() {
	fail "$@"
	for log in "$disks"/*/log; do
		tail -n 20 "$log" | sed "s,^,# $log: ,"
	done
	plan
	exit 1
}

# new_checkpoints NAME: waits for two more checkpoints; the second has begun after this
# call
new_checkpoints() {
	until_it checkpointed "$1" $(($(reported "$1") + 2)) && ! has_ended "$1"
}

# right CLIENT: checks that the client had no wrong answer, and its connection works
right() {
	is "$1: $(seen "$1" 1) answers, 0 wrong, one connection (longest wait $(seen "$1" 4) ms)" \
		"$(seen "$1" 2) wrong, broken $(seen "$1" 3)" "0 wrong, broken 0"
	sed 's/^/# /' "$clients/$1.errors"
}

# kill_controller NAME: kills the controller on that host, whatever it is doing;
# processes that it has started may go on
kill_controller() {
	on "$1" kill -KILL "$(cat "$disks/$1/controller")"
	wait "$(var "controller_$1")" 2> /dev/null
}
