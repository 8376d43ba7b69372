#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Errors from outside plugctl: permissions, modules, refusals of the kernel; and
# what plugctl can do with the in-tree module.
. "${0%/*}/plugctl-lib.sh"

wire
ip link set v0 down
ip link set v0 name d0
ip link set d0 up
ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:01 dev d0 nud permanent

mkdir -p /etc
echo 'somebody:x:1000:1000::/:/bin/sh' >> /etc/passwd
echo 'somebody:x:1000:' >> /etc/group
plugctl add d0
run su somebody -c "plugctl buffer d0"
gives "no permission" 3 '' 'plugctl: d0: permission denied: run plugctl as root*'
run su somebody -c "plugctl guest add d0"
gives "no permission: guest add" 3 '' 'plugctl: netlink: *: run plugctl as root'
run su somebody -c "plugctl show d0"
gives "show needs none" 0 'd0  plug *' ''
plugctl --force del d0

# The kernel does not know the kind: plugctl must say why.
rmmod sch_plug
file=/lib/modules/$(uname -r)/updates/sch_plug.ko
mv "$file" "$tmp/sch_plug.ko"
depmod
run plugctl add d0
gives "not installed" 2 '' 'plugctl: d0: the kernel does not know the qdisc kind plug: the module sch_plug is not installed for kernel *: install sch-plug-dkms (XCP-ng: sch-plug-module-alt)'
mkdir -p /lib/modules/1.2.3
echo 'updates/sch_plug.ko:' > /lib/modules/1.2.3/modules.dep
run plugctl add d0
gives "not built for this kernel" 2 '' '*not built for the running kernel *, only for others such as 1.2.3*'
rm -r /lib/modules/1.2.3
echo nonsense > "$file"
depmod 2> /dev/null
echo "updates/sch_plug.ko:" >> "/lib/modules/$(uname -r)/modules.dep"
run plugctl add d0
gives "does not load" 2 '' '*sch_plug is installed (updates/sch_plug.ko), but was not loaded: modprobe sch_plug*'
run plugctl version
gives "version: not loaded" 0 '*module sch_plug: not loaded; installed: updates/sch_plug.ko' ''
cp "$tmp/sch_plug.ko" "$file"
depmod

insmod "$PLUG_INTREE_KO"
run plugctl version
gives "version: in-tree" 0 '*module sch_plug: loaded, the in-tree one; installed: updates/sch_plug.ko' ''
run plugctl -v add d0 open
gives "in-tree: add open" 0 'd0: unknown (in-tree module), 0 packets held' ''
is "in-tree: its field" "$(field d0 $F_MODULE) $(field d0 $F_STATE)" "in-tree -"
send 2
is "in-tree: it is open" "$(field d0 $F_PACKETS) $(field d0 $F_DROPS)" "0 0"
is "in-tree: and passes" "$(ip -s link show d0 | awk '/TX:/ { getline; print ($2 >= 2) }')" 1
# Whichever answer is lost, "add open" leaves no closed plug.
for lost in 2 3 4 5 6 7 8; do
	plugctl --force del d0 2> /dev/null
	run lossy $lost plugctl add d0 open
	send 2
	held=$(plugctl dump d0 2> /dev/null | cut -f $F_PACKETS)
	is "in-tree: add open, answer $lost is lost: nothing is held" "${held:-0}" 0
done
plugctl --force del d0 2> /dev/null
plugctl add d0 open
run plugctl buffer d0
gives "in-tree: buffer" 0 '' ''
send 3
is "in-tree: held" "$(field d0 $F_PACKETS)" 3
run plugctl -j buffer d0
gives "in-tree: buffer -j" 0 '\[{"device":"d0",*"module":"in-tree","held_packets":3,*}\]' ''
run plugctl discard d0
gives "in-tree: discard" 2 '' 'plugctl: d0: the in-tree sch_plug is loaded, which cannot do this*'
run plugctl release d0 upto 1
gives "in-tree: release upto" 2 '' 'plugctl: d0: the in-tree sch_plug is loaded, which cannot do this*'
run plugctl limit d0 0
gives "in-tree: limit 0" 2 '' 'plugctl: d0: with the in-tree module a limit of 0 drops every packet*'
run plugctl del d0
gives "in-tree: del refuses" 2 '' 'plugctl: d0: holds 3 packets, and the in-tree module*'
run plugctl wait d0 --timeout 0.2
gives "in-tree: wait" 124 '' 'plugctl: d0: timed out with 3 packets in the queue: the in-tree module*'
run sh "${0%/*}/../../examples/checkpoint.sh" d0
gives "in-tree: checkpoint.sh" 1 '' 'checkpoint.sh: this needs the module of sch-plug*'
run "${0%/*}/../../examples/checkpoint" d0
gives "in-tree: checkpoint.c" 1 '' 'checkpoint: this needs the module of sch-plug*'
run plugctl buffer d0
send 3
run plugctl open d0
gives "in-tree: open" 0 '' ''
run plugctl del d0
gives "in-tree: del" 0 '' ''
plugctl add d0
send 2
is "in-tree: closed, with room for packets" "$(field d0 $F_PACKETS) $(field d0 $F_DROPS)" "2 0"
plugctl monitor > "$tmp/log" &
pid=$!
started $pid
plugctl open d0
# shellcheck disable=SC2317
told() {
	grep -q 'd0 8001: change: unknown (in-tree module)' "$tmp/log"
}
check "in-tree: monitor" eventually told
kill $pid
wait $pid 2> /dev/null
plugctl --force del d0
# The next tests in this VM need our module.
rmmod sch_plug
finish
