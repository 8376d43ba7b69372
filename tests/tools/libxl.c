// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does what Xen's libxl does for "xl remus", with the same library: finds the plug at
 * the root in a dump, then sends BUFFER with each checkpoint and RELEASE_ONE with
 * each commit (I1, I2). The device is an ifb, set up in the same way as by Xen's
 * script.
 */
#include <net/if.h>
#include <string.h>
#include <netlink/netlink.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/plug.h>

#include "plugtest.h"

#define DEV "ifb0"

static struct nl_sock *sock;
static struct rtnl_qdisc *plug;
static struct wire w;

/* Sets up the devices like Xen's script remus-netbuf-setup. */
static void set_up(void)
{
	must("for m in ifb sch_plug sch_ingress act_mirred cls_u32; do "
	     "modinfo $m > /dev/null || exit; done");
	/* If another test has loaded ifb, modprobe adds no device. */
	must("modprobe ifb numifbs=1 && { [ -e /sys/class/net/" DEV " ] || ip link add " DEV " type ifb; } && "
	     "ip link set " DEV " up");
	must("ip link add vif type veth peer name guest && "
	     "ip link set vif up && ip link set guest up");
	must("nl-qdisc-add --dev=" DEV " --parent root plug");
	must("nl-qdisc-add --dev=" DEV " --parent root --update plug --limit=10000000");
	must("tc qdisc add dev vif ingress");
	must("tc filter add dev vif parent ffff: proto ip prio 10 u32 match u32 0 0 "
	     "action mirred egress redirect dev " DEV);
}

static void find(void)
{
	struct nl_cache *cache;

	sock = nl_socket_alloc();
	ok(sock && !nl_connect(sock, NETLINK_ROUTE), "a netlink socket");
	ok(!rtnl_qdisc_alloc_cache(sock, &cache), "a dump of all qdiscs");
	plug = rtnl_qdisc_get_by_parent(cache, if_nametoindex(DEV), TC_H_ROOT);
	if (!plug)
		bail("no qdisc at the root of " DEV);
	ok(!strcmp(rtnl_tc_get_kind(TC_CAST(plug)), "plug"), "it is a plug");
	nl_cache_free(cache);
}

static void checkpoint(void)
{
	rtnl_qdisc_plug_buffer(plug);
	is_u64(-rtnl_qdisc_add(sock, plug, NLM_F_REQUEST), 0, "checkpoint");
}

static void commit(void)
{
	rtnl_qdisc_plug_release_one(plug);
	is_u64(-rtnl_qdisc_add(sock, plug, NLM_F_REQUEST), 0, "commit");
}

int main(void)
{
	unsigned int i, got;
	int nl = nl_open();

	set_up();
	wire_open(&w, DEV);
	find();
	is_u64(plug_get(nl, DEV).ctl.limit, 10000000, "limit");
	for (i = 1; i <= 10; i++) {
		wire_send(&w, i, 100);
		checkpoint();
		wire_send(&w, 20 + i, 100);
		is_u64(wire_drain(&w, QUIET_MS), 0, "I1: nothing leaves before the commit");
		commit();
		got = wire_recv(&w, i == 1 ? 1 : 20 + 2 * i - 1);
		is_u64(got + wire_drain(&w, QUIET_MS), i == 1 ? 1 : 20 + 2 * i - 1,
		       "the epoch leaves, whole and alone");
	}

	/* A guest's packet comes in from vif, passes the plug on the ifb, and comes
	 * in from vif again.
	 */
	must("ip addr add 10.9.0.1/24 dev guest && "
	     "ip neigh add 10.9.0.2 lladdr 02:02:02:02:02:02 dev guest");
	must("ping -c 3 -i 0.2 -W 1 10.9.0.2 > /dev/null; :");
	is_u64(plug_get(nl, DEV).qlen, 30 + 3, "a guest's IPv4 packets are held");
	is_u64(w.reordered, 0, "I2: in order, each once");
	rtnl_qdisc_put(plug);
	nl_socket_free(sock);
	must("ip link del vif && nl-qdisc-delete --yes --dev=" DEV " --parent=root && "
	     "rmmod ifb");
	return done_testing();
}
