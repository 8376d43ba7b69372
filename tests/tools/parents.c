// SPDX-License-Identifier: GPL-2.0-or-later
/* See parents.h. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "parents.h"

/* All packets go to the third and last band. It disappears if there are fewer. */
#define BAND_3 "priomap 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2"

const struct parent parents[] = {
	{
		.name = "prio",
		.attach = "tc qdisc add dev " DEV " root handle 1: prio bands 3 " BAND_3,
		.at = { 0x10003 },
		.change = "tc qdisc change dev " DEV " root handle 1: prio bands 5 " BAND_3
			  " && "
			  "tc qdisc change dev " DEV " root handle 1: prio bands 3 " BAND_3,
		.end = "tc qdisc change dev " DEV " root handle 1: prio bands 2 "
		       "priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
	}, {
		.name = "multiq",
		.attach = "tc qdisc add dev " DEV " root handle 1: multiq",
		.at = { 0x10001, 0x10002 },
		.queues = 2,
		.change = "tc qdisc change dev " DEV " root handle 1: multiq",
		.no_backlog = true,
	}, {
		.name = "mq",
		.attach = "tc qdisc add dev " DEV " root handle 1: mq",
		.at = { 0x10001, 0x10002 },
		.queues = 2,
		.change = "ip link set " DEV " mtu 60000",
	}, {
		.name = "mqprio",
		.attach = "tc qdisc add dev " DEV " root handle 1: mqprio num_tc 2 "
			  "map 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 queues 1@0 1@1 hw 0",
		.at = { 0x10001 },
		.queues = 2,
		.change = "ip link set " DEV " mtu 60000",
	}, {
		.name = "tbf",
		.attach = "tc qdisc add dev " DEV " root handle 1: tbf rate 1gbit "
			  "burst 1mb limit 1mb",
		.at = { 0x10001 },
		.change = "tc qdisc change dev " DEV " root handle 1: tbf rate 2gbit "
			  "burst 2mb limit 2mb",
	}, {
		.name = "htb",
		.attach = "tc qdisc add dev " DEV " root handle 1: htb default 10 && "
			  "tc class add dev " DEV " parent 1: classid 1:1 htb rate 1gbit && "
			  "tc class add dev " DEV " parent 1:1 classid 1:10 htb rate 1gbit",
		.at = { 0x10010 },
		.change = "tc class change dev " DEV " parent 1:1 classid 1:10 htb "
			  "rate 500mbit prio 3 quantum 2000",
		.end = "tc class del dev " DEV " classid 1:10",
	}, {
		.name = "hfsc",
		.attach = "tc qdisc add dev " DEV " root handle 1: hfsc default 10 && "
			  "tc class add dev " DEV " parent 1: classid 1:1 hfsc ls rate 1gbit && "
			  "tc class add dev " DEV " parent 1:1 classid 1:10 hfsc ls rate 1gbit",
		.at = { 0x10010 },
		.change = "tc class change dev " DEV " parent 1:1 classid 1:10 hfsc "
			  "ls rate 2gbit",
		.end = "tc class del dev " DEV " classid 1:10",
	}, {
		.name = "hfsc-rt",
		.attach = "tc qdisc add dev " DEV " root handle 1: hfsc default 10 && "
			  "tc class add dev " DEV " parent 1: classid 1:1 hfsc sc rate 1gbit && "
			  "tc class add dev " DEV " parent 1:1 classid 1:10 hfsc sc rate 1gbit",
		.at = { 0x10010 },
		.change = "tc class change dev " DEV " parent 1:1 classid 1:10 hfsc "
			  "sc rate 2gbit",
		.end = "tc class del dev " DEV " classid 1:10",
		.dies_in_reset = true,
	}, {
		.name = "drr",
		.attach = "tc qdisc add dev " DEV " root handle 1: drr && "
			  "tc class add dev " DEV " parent 1: classid 1:10 drr && " FILTER,
		.at = { 0x10010 },
		.change = "tc class change dev " DEV " parent 1: classid 1:10 drr quantum 9000",
		.end = "tc filter del dev " DEV " parent 1: && "
		       "tc class del dev " DEV " classid 1:10",
	}, {
		.name = "qfq",
		.attach = "tc qdisc add dev " DEV " root handle 1: qfq && "
			  "tc class add dev " DEV " parent 1: classid 1:10 qfq weight 10 "
			  "maxpkt 2048 && " FILTER,
		.at = { 0x10010 },
		.change = "tc class change dev " DEV " parent 1: classid 1:10 qfq weight 20 "
			  "maxpkt 4096",
		.end = "tc filter del dev " DEV " parent 1: && "
		       "tc class del dev " DEV " classid 1:10",
		.warns = true,
	}, {
		.name = "ets-strict",
		.attach = "tc qdisc add dev " DEV " root handle 1: ets bands 3 strict 3 "
			  "priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		.at = { 0x10002 },
		.change = "tc qdisc change dev " DEV " root handle 1: ets bands 4 strict 2 "
			  "priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		.end = "tc qdisc change dev " DEV " root handle 1: ets bands 1 strict 1 "
		       "priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
		.oopses_in_change = true,
	}, {
		.name = "ets-drr",
		.attach = "tc qdisc add dev " DEV " root handle 1: ets bands 3 "
			  "quanta 4000 3000 2000 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		.at = { 0x10002 },
		.change = "tc class change dev " DEV " classid 1:2 ets quantum 5000 && "
			  "tc qdisc change dev " DEV " root handle 1: ets bands 4 strict 1 "
			  "quanta 4000 3000 2000 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		.end = "tc qdisc change dev " DEV " root handle 1: ets bands 1 strict 1 "
		       "priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
	}, {
		.name = "red",
		.attach = "tc qdisc add dev " DEV " root handle 1: red limit 10mb avpkt 1000 "
			  "min 1mb max 3mb burst 1500 probability 0.02 bandwidth 1gbit",
		.at = { 0x10001 },
		.change = "ip link set " DEV " mtu 60000",
		/* Any change replaces the child by a bfifo. */
		.end = "tc qdisc change dev " DEV " root handle 1: red limit 11mb avpkt 1000 "
		       "min 1mb max 3mb burst 1500 probability 0.02 bandwidth 1gbit",
	}, {
		.name = "sfb",
		.attach = "tc qdisc add dev " DEV " root handle 1: sfb limit 10000 "
			  "target 140 max 150",
		.at = { 0x10001 },
		.change = "ip link set " DEV " mtu 60000",
		/* As with red, any change replaces the child. */
		.end = "tc qdisc change dev " DEV " root handle 1: sfb limit 20000 "
		       "target 140 max 150",
	}, {
		.name = "netem",
		.attach = "tc qdisc add dev " DEV " root handle 1: netem delay 1ms limit 10000",
		.at = { 0x10001 },
		.change = "tc qdisc change dev " DEV " root handle 1: netem delay 2ms limit 20000",
		.delays = true,
		.may_not_count = true,
	},
	{ NULL }
};

unsigned int plugs(const struct parent *p)
{
	return p->at[1] ? 2 : 1;
}

bool kernel_is_before(int major, int minor)
{
	struct utsname name;
	int have_major = 0, have_minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &have_major, &have_minor);
	return have_major < major || (have_major == major && have_minor < minor);
}

bool parent_is_skipped(const struct parent *p)
{
	if (!p->warns || !kernel_is_before(6, 12))
		return false;
	skip("%s: this kernel's warns of any child that holds packets", p->name);
	return true;
}

struct held held(int nl, const struct parent *p)
{
	struct held sum = { 0 };
	struct plug_state st;
	unsigned int i;

	for (i = 0; i < plugs(p); i++) {
		if (!qdisc_get(nl, DEV, p->at[i], &st))
			continue;
		sum.qlen += st.qlen;
		sum.backlog += st.backlog;
	}
	return sum;
}

const struct parent *parent_find(const char *name)
{
	const struct parent *p = parents;

	while (p->name && strcmp(p->name, name))
		p++;
	if (!p->name)
		bail("no parent %s", name);
	return p;
}

void parent_device(const struct parent *p)
{
	link_clear(DEV);
	plug_forget();
	must("ip link add " DEV " numtxqueues %u mtu 65000 type dummy && ip link set " DEV " up",
	     p->queues ? p->queues : 1);
}

/* One shell command for each plug, joined by &&. */
static const char *each(const struct parent *p, const char *verb, int handle, const char *kind)
{
	static char text[512];
	unsigned int i;
	int at = 0;

	for (i = 0; i < plugs(p); i++)
		at += snprintf(text + at, sizeof(text) - at,
			       "%stc qdisc %s dev " DEV " parent %x:%x handle %d%u: %s",
			       i ? " && " : "", verb, p->at[i] >> 16, p->at[i] & 0xffff,
			       handle, i, kind);
	return text;
}

const char *plugs_attach(const struct parent *p, const char *verb)
{
	return each(p, verb, 4, "plug limit 10000000");
}

const char *plugs_graft_away(const struct parent *p)
{
	return each(p, "replace", 5, "pfifo");
}
