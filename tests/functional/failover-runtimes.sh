#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# VM layer: criu
# VM layer: containers
#
# failover-runtimes.sh RUNTIME
#
# Tests examples/container-ha with a container of a runtime (runc, crun, podman) instead
# of a process tree. Its host dies, and another one restores it. One client runs all
# the time, and no answer may be wrong. Others connect at various moments of a
# checkpoint.
set -u
. "${0%/*}/failover-lib.sh"

# A runtime calls pivot_root, which the kernel refuses in the initial file system. So
# mount the same files on top of it.
if [ -z "${TOP:-}" ]; then
	mkdir -p /tmp/top
	exec env TOP=1 unshare -m sh -c 'mount -o rbind / /tmp/top && cd /tmp/top &&
		mount -o move . / && exec chroot . "$@"' sh "$(readlink -f "$0")" "$@"
fi

runtime=$1
export RUNTIME="$runtime" CONTAINER=web BUNDLE=/run/bundle
# The crun of Debian 12 is built without CRIU. The crun of sid needs libraries with
# which the other programs of Debian 12 do not run.
if [ "$runtime" = crun ] && [ "$CRIU" = /usr/sbin/criu ]; then
	echo "1..0 # SKIP no crun for $($CRIU --version | head -n 1) on Linux $(uname -r)"
	exit
fi
# Runtimes look for CRIU in /usr/sbin.
[ "$CRIU" = /usr/sbin/criu ] || mount -o bind "$CRIU" /usr/sbin/criu
if [ "$runtime" = crun ]; then
	# crun executes itself again, so it needs its loader in the usual place. From
	# here on all programs use the libraries of sid.
	mount -o bind /sid/lib64/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2
	export LD_LIBRARY_PATH=/sid/usr/lib/x86_64-linux-gnu
	PATH=$PATH:/sid/usr/bin
fi
CRIU=${ha%/*}/with-runtime

# make NAME: makes a host for containers. A checkpoint contains some of the runtime's
# paths; with podman also the path of the network namespace and the name of the image.
# So these are the same on each host.
make() {
	host "$1"
	for dir in /dev/shm /run/bundle /run/runc /run/crun /run/libpod /run/containers /var/lib/containers; do
		on "$1" mount -t tmpfs "disk-$1" $dir
	done
	on "$1" mount -o bind "/run/netns/web-$1" /run/netns-of-container
	on "$1" mkdir -p "$BUNDLE/rootfs"
	on "$1" cp "$(command -v counter)" "$BUNDLE/rootfs/"
	if [ "$runtime" != podman ]; then
		# CRIU makes a directory in the root of the container.
		on "$1" sh -c "cd $BUNDLE && $runtime spec && sed -i '
			s,\"terminal\": true,\"terminal\": false,
			s,\"readonly\": true,\"readonly\": false,
			s,\"sh\"$,\"/counter\"\, \"serve\"\, \"7000\",
			s,\"type\": \"network\",&\, \"path\": \"/run/netns-of-container\",' config.json"
	elif [ "$1" = a ]; then
		on a tar -C "$BUNDLE/rootfs" -c . | on a podman import -q - counter > /dev/null
		on a podman save -q -o /tmp/image.tar localhost/counter:latest
	else
		on "$1" podman load -q -i /tmp/image.tar > /dev/null
	fi
}

# begin: starts the container on host a
begin() {
	case $runtime in
	podman)
		on a podman run --detach --name web --network ns:/run/netns-of-container \
			localhost/counter:latest /counter serve 7000 < /dev/null > /tmp/run 2>&1 &&
		on a podman inspect --format '{{.State.Pid}}' web > "$disks/a/pid" ;;
	*)
		# No output to a file of the host: CRIU could not dump its descriptor.
		on a "$runtime" --log /tmp/run run --detach --bundle $BUNDLE \
			--pid-file "$disks/a/pid" web < /dev/null > /dev/null 2>&1 ;;
	esac
}

answers_or_ended() {
	has_answers one 5 || [ "$(seen one 3)" = 1 ] || has_ended a
}

answered() {
	[ "$(seen "$1" 1)" -gt 0 ] && [ "$(seen "$1" 2) $(seen "$1" 3)" = "0 0" ]
}

# marked: whether the rule of with-runtime has counted packets
marked() {
	in_net web-a nft list table inet container-ha | grep 'counter packets [1-9]' ||
		in_net web-a iptables -t mangle -L OUTPUT -v -x -n | grep '^ *[1-9].* MARK '
}

# decided CLIENT: whether the client has an answer, or its connection is broken
decided() {
	has_answers "$1" 1 || [ "$(seen "$1" 3)" = 1 ]
}

echo "# $runtime: $($runtime --version | head -n 1), CRIU $(criu --version | sed -n 's/Version: //p'), kernel $(uname -r)"
network
# CRIU saves connection tracking with a network namespace.
modprobe nf_conntrack_netlink
mount -t cgroup2 cgroup2 /sys/fs/cgroup || bail "cgroup2"
# Only newer CRIU can have this file: CRIU 3.17 ends with a segmentation fault if it
# names a lock, and aborts if it names an action script.
mkdir -p /etc/criu
case $(criu --version) in
*" 3."*)	locked=1
		# with-runtime makes its rule with nft or, without nft, with iptables.
		[ "$runtime" != podman ] || rm /usr/sbin/nft
		modprobe nft_compat
		modprobe xt_mark ;;
*)		locked=
		printf '%s\n' 'network-lock skip' "action-script $ha" > /etc/criu/runc.conf ;;
esac
mkdir -p /dev/shm /var/tmp /var/lib/containers /run/bundle /run/runc /run/crun /run/containers /run/libpod
: > /run/netns-of-container
cat > /etc/containers/containers.conf << END
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
END
cat > /etc/containers/storage.conf << END
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
END
make a
make b
begin || bail "a container runs" "$(cat /tmp/run)"
pass "a container runs"
protect a b
new_checkpoints a || bail "checkpoints of it are taken"
pass "checkpoints of it are taken"
ask one 2000
for client in 1 2 3 4 5 6; do
	ask "new$client" 1
	sleep 0.7
done
until_it answers_or_ended || bail "answers"
for client in 1 2 3 4 5 6; do
	until_it decided "new$client"
	stop_client "new$client"
	check "a client connects while checkpoints are taken ($client)" answered "new$client"
done
[ -z "$locked" ] || check "SYN-ACKs pass the lock" marked
new_checkpoints a || bail "more checkpoints"
die a
# With an action script one epoch ends before the dump and another one during it. That
# does not work with podman, which empties the environment of CRIU.
ended() {
	sed 's/.*"ended_epoch":\([0-9]*\).*/\1/' "$1"
}
# shellcheck disable=SC2046 # a list
set -- $(find "$disks/b" -name plug -size +0 | sort -V | tail -n 2)
wanted=1
[ "$runtime" = podman ] || [ -n "$locked" ] || wanted=2
check "a checkpoint ends $wanted epochs" [ $(($(ended "$2") - $(ended "$1"))) -ge $wanted ]
restore b > /tmp/restored 2>&1 || bail "restored" "$(cat /tmp/restored)"
pass "host a has died, $(sed -n 's/.*goes on/goes on/p' /tmp/restored)"
until_answers one $(($(seen one 1) + 2)) || bail "the connection goes on"
pass "the connection goes on"
stop_client one
right one
plan
