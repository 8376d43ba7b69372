// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plug below every classful qdisc that can have it: I1 to I6 hold, the
 * qlen and backlog of the root tell the truth after each event and are 0 at
 * the end, through commands, a change of the parent, a link that goes down and
 * up, a graft, and the class's end, with packets held all the while.
 *
 * I7 shows in drr, which charges a class for the packet that peek promised.
 *
 *	children [PARENT]	one parent, or all
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "plugtest.h"

#define DEV "pa"
#define MAX_PLUGS 2

static int nl;
static struct wire w;

struct parent {
	const char *name;
	const char *attach;		/* the parent and its class */
	__u32 at[MAX_PLUGS];		/* the plugs' parents */
	const char *change;		/* what its users change */
	bool no_backlog;		/* it keeps no backlog of its own */
	/* On many kernels a class with a real-time curve that held packets when
	 * the link went down never sends again, whatever its child: seen with
	 * a pfifo on 6.1 and 7.3.
	 */
	bool dies_in_reset;
	/* Before 6.12 or somewhat earlier it warns (WARN_ONCE) of any child that
	 * holds packets, a tbf or the plug of the kernel as well as ours: 5.10
	 * and 6.1 were seen to.
	 */
	bool warns;
	/* An older netem (5.10's) does not count what its child holds, but
	 * takes off its count what is dropped there, by a graft for one:
	 * it comes below 0, and nothing gets through any more.
	 */
	bool may_not_count;
	const char *end;		/* the end of the class, NULL if it has none */
};

#define FILTER "tc filter add dev " DEV " parent 1: protocol all matchall classid 1:10"

static const struct parent parents[] = {
	{
		.name = "prio",
		.attach = "tc qdisc add dev " DEV " root handle 1: prio",
		.at = { 0x10002 },
		.change = "tc qdisc change dev " DEV " root handle 1: prio bands 5 && "
			  "tc qdisc change dev " DEV " root handle 1: prio bands 3",
		.end = "tc qdisc change dev " DEV " root handle 1: prio bands 2 "
		       "priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 && "
		       "tc qdisc del dev " DEV " parent 1:2",
	}, {
		.name = "multiq",
		.attach = "tc qdisc add dev " DEV " root handle 1: multiq",
		.at = { 0x10001, 0x10002 },
		.change = "tc qdisc change dev " DEV " root handle 1: multiq",
		.no_backlog = true,
	}, {
		.name = "mq",
		.attach = "tc qdisc add dev " DEV " root handle 1: mq",
		.at = { 0x10001, 0x10002 },
		.change = "ip link set " DEV " mtu 60000",
	}, {
		.name = "mqprio",
		.attach = "tc qdisc add dev " DEV " root handle 1: mqprio num_tc 2 "
			  "map 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 queues 1@0 1@1 hw 0",
		.at = { 0x10001 },
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
		/* Any change puts a bfifo in its child's place. */
		.end = "tc qdisc change dev " DEV " root handle 1: red limit 11mb avpkt 1000 "
		       "min 1mb max 3mb burst 1500 probability 0.02 bandwidth 1gbit",
	}, {
		.name = "sfb",
		.attach = "tc qdisc add dev " DEV " root handle 1: sfb limit 10000 "
			  "target 140 max 150",
		.at = { 0x10001 },
		.change = "ip link set " DEV " mtu 60000",
		/* As with red. */
		.end = "tc qdisc change dev " DEV " root handle 1: sfb limit 20000 "
		       "target 140 max 150",
	}, {
		.name = "netem",
		.attach = "tc qdisc add dev " DEV " root handle 1: netem delay 1ms limit 10000",
		.at = { 0x10001 },
		.change = "tc qdisc change dev " DEV " root handle 1: netem delay 2ms limit 20000",
		.may_not_count = true,
	},
};

/* ---- the plugs ---- */

static unsigned int plugs(const struct parent *p)
{
	return p->at[1] ? 2 : 1;
}

static void command(const struct parent *p, int action, const char *what)
{
	struct tc_plug_qopt qopt = { .action = action };
	struct plug_msg msg = {
		.dev = DEV, .options = &qopt, .options_len = sizeof(qopt),
	};
	unsigned int i;
	int err = 0;

	for (i = 0; i < plugs(p) && !err; i++) {
		msg.parent = p->at[i];
		err = nl_request(nl, &msg, NULL);
	}
	is_u64(-err, 0, "%s: %s", p->name, what);
}

static void attach(const struct parent *p, const char *verb)
{
	unsigned int i;

	for (i = 0; i < plugs(p); i++)
		must("tc qdisc %s dev " DEV " parent %x:%x handle 4%u: plug", verb,
		     p->at[i] >> 16, p->at[i] & 0xffff, i);
}

struct held {
	unsigned int qlen, backlog;
};

static struct held held(const struct parent *p)
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

/* The parent may pass on later what it was given (netem). */
static void hold(const struct parent *p, unsigned int want, const char *what)
{
	struct plug_state root;
	unsigned int i;
	struct held sum;

	for (i = 0; i < 1000; i++) {
		sum = held(p);
		if (sum.qlen == want)
			break;
		sleep_ms(10);
	}
	is_u64(sum.qlen, want, "%s: %s: %u held", p->name, what, want);
	is_u64(sum.backlog, want * 100, "%s: %s: their bytes", p->name, what);
	if (!qdisc_get(nl, DEV, TC_H_ROOT, &root))
		bail("no root qdisc");
	is_u64(root.qlen, want, "%s: %s: the root's qlen", p->name, what);
	if (!p->no_backlog)
		is_u64(root.backlog, want * 100, "%s: %s: the root's backlog",
		       p->name, what);
}

static void root_is_empty(const struct parent *p, const char *what)
{
	struct plug_state root;

	if (!qdisc_get(nl, DEV, TC_H_ROOT, &root))
		bail("no root qdisc");
	is_u64(root.qlen, 0, "%s: %s: the root's qlen is 0", p->name, what);
	if (!p->no_backlog)
		is_u64(root.backlog, 0, "%s: %s: the root's backlog is 0", p->name,
		       what);
}

static void leave(const struct parent *p, unsigned int want, const char *what)
{
	unsigned int got = wire_recv(&w, want);

	is_u64(got + wire_drain(&w, QUIET_MS), want, "%s: %s: %u leave", p->name,
	       what, want);
}

static void silence(const struct parent *p, const char *what)
{
	is_u64(wire_drain(&w, QUIET_MS), 0, "%s: I1: %s: nothing leaves", p->name, what);
}

static bool kernel_is_before(int major, int minor)
{
	struct utsname name;
	int have_major = 0, have_minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &have_major, &have_minor);
	return have_major < major || (have_major == major && have_minor < minor);
}

/* ---- one life ---- */

static void test_epochs(const struct parent *p)
{
	wire_send(&w, 10, 100);
	hold(p, 10, "the first epoch");
	silence(p, "new plugs are closed");
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 5, 100);
	hold(p, 15, "the second epoch");
	silence(p, "no epoch is released");
	command(p, TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	leave(p, 10, "I5: the first epoch");
	hold(p, 5, "the second epoch");
	command(p, TCQ_PLUG_DISCARD, "DISCARD");
	hold(p, 0, "DISCARD");
	silence(p, "after DISCARD");
}

static void test_change(const struct parent *p)
{
	wire_send(&w, 7, 100);
	hold(p, 7, "before the parent changes");
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 3, 100);
	hold(p, 10, "before the parent changes");
	must("%s", p->change);
	silence(p, "the parent changes");
	hold(p, 10, "the parent changes");
	command(p, TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	leave(p, 7, "the first epoch");
	command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	leave(p, 3, "the other");
	wire_send(&w, 4, 100);
	leave(p, 4, "open");
	root_is_empty(p, "open");
}

static void test_link(const struct parent *p)
{
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 6, 100);
	hold(p, 6, "before the link goes down");
	must("ip link set " DEV " down && ip link set " DEV " up");
	silence(p, "I4: down and up");
	hold(p, 0, "down and up");
	wire_send(&w, 2, 100);
	hold(p, 2, "up again");
	command(p, TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	silence(p, "I4: no epoch waits");
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 3, 100);
	hold(p, 5, "two epochs");
	command(p, TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	leave(p, 2, "I4: the epoch before");
	hold(p, 3, "one epoch");
}

static void test_graft(const struct parent *p)
{
	unsigned int i;

	for (i = 0; i < plugs(p); i++)
		must("tc qdisc replace dev " DEV " parent %x:%x handle 5%u: pfifo",
		     p->at[i] >> 16, p->at[i] & 0xffff, i);
	silence(p, "what was held ends with the plug");
	root_is_empty(p, "grafted away");
	wire_send(&w, 2, 100);
	leave(p, 2, "without plug");
	attach(p, "replace");
	wire_send(&w, 5, 100);
	hold(p, 5, "grafted back");
	silence(p, "a new plug");
}

/* Whether the root knows of one packet that a plug holds. */
static bool root_counts(const struct parent *p)
{
	struct plug_state root;
	unsigned int i;

	wire_send(&w, 1, 100);
	for (i = 0; i < 1000 && !held(p).qlen; i++)
		sleep_ms(10);
	if (!qdisc_get(nl, DEV, TC_H_ROOT, &root) || !held(p).qlen)
		bail("the plug below %s holds nothing", p->name);
	command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	leave(p, 1, "one");
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	return root.qlen;
}

static void test_parent(const struct parent *p)
{
	if (p->warns && kernel_is_before(6, 12)) {
		skip("%s: this kernel's warns of any child that holds packets", p->name);
		return;
	}
	diag("%s", p->name);
	must("ip link add " DEV " numtxqueues %u mtu 65000 type dummy && "
	     "ip link set " DEV " up", plugs(p) > 1 || !strcmp(p->name, "mqprio") ? 2 : 1);
	must("%s", p->attach);
	attach(p, "add");
	wire_open(&w, DEV);

	if (p->may_not_count && !root_counts(p)) {
		skip("%s: this kernel's does not count its child's packets", p->name);
		wire_close(&w);
		link_delete(DEV);
		return;
	}
	test_epochs(p);
	test_change(p);
	if (!p->dies_in_reset)
		test_link(p);
	test_graft(p);
	if (p->end) {
		must("%s", p->end);
		silence(p, "the class ends");
		root_is_empty(p, "the class ends");
	}
	must("tc qdisc del dev " DEV " root");
	silence(p, "the root ends");
	wire_send(&w, 1, 100);
	leave(p, 1, "no qdisc");
	/* Two queues, two plugs: no order between them. */
	if (plugs(p) == 1)
		is_u64(w.reordered, 0, "%s: I2: in order, each once", p->name);
	wire_close(&w);
	link_delete(DEV);
}

/* ---- what only some of them show ---- */

/* An mq leaf is the root of its transmit queue. */
static void test_mq_bypass(void)
{
	const struct parent *p = NULL;
	struct plug_state st;
	__u64 queued = 0;
	size_t i;

	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (!strcmp(parents[i].name, "mq"))
			p = &parents[i];
	diag("below mq, open and empty: bypassed");
	must("ip link add " DEV " numtxqueues 2 type dummy && ip link set " DEV " up");
	must("%s", p->attach);
	attach(p, "add");
	wire_open(&w, DEV);
	command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_send(&w, 50, 100);
	leave(p, 50, "open");
	for (i = 0; i < 2; i++) {
		if (!qdisc_get(nl, DEV, p->at[i], &st))
			bail("no plug");
		queued += st.xstats.queued_packets;
	}
	is_u64(queued, 0, "none was queued");
	wire_close(&w);
	link_delete(DEV);
}

/* sfb takes back from its bins, by marks that it keeps on the packet, what it
 * put there. A mark that is overwritten lets the bins fill until it drops.
 */
static void test_sfb_marks(void)
{
	const struct parent *p = NULL;
	unsigned int round, got = 0, accepted = 0;
	size_t i;

	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (!strcmp(parents[i].name, "sfb"))
			p = &parents[i];
	diag("sfb's marks survive");
	dummy_make(DEV);
	must("%s", p->attach);
	attach(p, "add");
	wire_open(&w, DEV);
	for (round = 0; round < 10; round++) {
		accepted += wire_send(&w, 100, 100);
		command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
		got += wire_recv(&w, 100 * (round + 1) - got);
		command(p, TCQ_PLUG_BUFFER, "BUFFER");
		if (got != 100 * (round + 1))
			break;
	}
	is_u64(accepted, 1000, "1000 frames are accepted");
	is_u64(got + wire_drain(&w, QUIET_MS), 1000, "and delivered");
	root_is_empty(p, "at the end");
	wire_close(&w);
	link_delete(DEV);
}

/* What drr's class may still send. */
static long deficit(void)
{
	char line[256], *at;
	long value = -1;
	FILE *tc = popen("tc -s class show dev " DEV, "r");

	while (tc && fgets(line, sizeof(line), tc))
		if ((at = strstr(line, "deficit ")))
			sscanf(at, "deficit %ldb", &value);
	if (!tc || pclose(tc) || value < 0)
		bail("tc shows no deficit");
	return value;
}

/* Each packet has drr ask for the next. As long as the plug gives none, none may
 * be promised: it would be charged for.
 */
static void test_peek(void)
{
	struct plug_state st;
	long before;

	diag("I7: peek promises nothing that dequeue does not give");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: drr && "
	     "tc class add dev " DEV " parent 1: classid 1:10 drr quantum 10000 && " FILTER);
	must("tc qdisc add dev " DEV " parent 1:10 handle 40: plug");
	wire_open(&w, DEV);
	wire_send(&w, 1, 100);
	before = deficit();
	wire_send(&w, 20, 100);
	is_u64(deficit(), before, "closed: nothing is charged");
	ok(qdisc_get(nl, DEV, 0x10010, &st) && st.qlen == 21, "and all is there");
	must("tc qdisc change dev " DEV " handle 40: plug release_indefinite");
	is_u64(wire_recv(&w, 21) + wire_drain(&w, QUIET_MS), 21, "released: all leave");
	wire_close(&w);
	link_delete(DEV);
}

/* Where a plug shares a device with other traffic, prio is the parent to use. */
static void test_siblings(void)
{
	diag("prio: a closed plug does not hold up its siblings");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: prio");
	must("tc qdisc add dev " DEV " parent 1:1 handle 40: plug");
	wire_open(&w, DEV);
	must("tc filter add dev " DEV " parent 1: protocol all prio 1 matchall classid 1:1");
	wire_send(&w, 5, 100);
	must("tc filter del dev " DEV " parent 1:");
	wire_send(&w, 3, 100);
	is_u64(wire_recv(&w, 3) + wire_drain(&w, QUIET_MS), 3, "the siblings' packets leave");
	wire_close(&w);
	link_delete(DEV);
}

static const struct test more[] = {
	{ "mq-bypass", test_mq_bypass },
	{ "sfb-marks", test_sfb_marks },
	{ "peek", test_peek },
	{ "prio-siblings", test_siblings },
};

int main(int argc, char **argv)
{
	size_t i;

	nl = nl_open();
	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		if (argc < 2 || !strcmp(argv[1], parents[i].name))
			test_parent(&parents[i]);
	return run_tests(more, sizeof(more) / sizeof(more[0]), argc, argv);
}
