// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plug below every classful qdisc that can have one as a child: I1 to I6 hold,
 * and qlen and backlog of the root are right after each event and 0 at the end. The
 * events are commands, a change of the parent, a link that goes down and up, a
 * graft, and the end of the class. Packets are held the whole time.
 *
 * drr tests I7, because it charges a class for the packet that peek returned.
 *
 *	children [PARENT]	one parent, or all
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parents.h"

static int nl;
static struct wire w;

/* ---- the plugs ---- */

static void command(const struct parent *p, int action, const char *what)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < plugs(p) && !err; i++)
		err = plug_cmd_at(nl, DEV, p->at[i], action, 0);
	is_u64(-err, 0, "%s: %s", p->name, what);
}

/* Waits until the plugs hold @want packets, and checks the counts. The parent may
 * delay the packets that it passes on (netem).
 */
static void hold(const struct parent *p, unsigned int want, const char *what)
{
	struct plug_state root;
	unsigned int i;
	struct held sum;

	for (i = 0; i < 1000; i++) {
		sum = held(nl, p);
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
	must("%s", plugs_graft_away(p));
	silence(p, "what was held ends with the plug");
	root_is_empty(p, "grafted away");
	wire_send(&w, 2, 100);
	leave(p, 2, "without plug");
	must("%s", plugs_attach(p, "replace"));
	wire_send(&w, 5, 100);
	hold(p, 5, "grafted back");
	silence(p, "a new plug");
}

/* Whether the root counts one packet that a plug holds. */
static bool root_counts(const struct parent *p)
{
	struct plug_state root;
	unsigned int i;

	wire_send(&w, 1, 100);
	for (i = 0; i < 1000 && !held(nl, p).qlen; i++)
		sleep_ms(10);
	if (!qdisc_get(nl, DEV, TC_H_ROOT, &root) || !held(nl, p).qlen)
		bail("the plug below %s holds nothing", p->name);
	command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	leave(p, 1, "one");
	command(p, TCQ_PLUG_BUFFER, "BUFFER");
	return root.qlen;
}

static void test_parent(const struct parent *p)
{
	if (parent_is_skipped(p))
		return;
	diag("%s", p->name);
	parent_device(p);
	must("%s", p->attach);
	must("%s", plugs_attach(p, "add"));
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
	/* With two queues there are two plugs, and no order between them. */
	if (plugs(p) == 1)
		is_u64(w.reordered, 0, "%s: I2: in order, each once", p->name);
	wire_close(&w);
	link_delete(DEV);
}

/* ---- what only some parents show ---- */

/* A plug below mq is the root of its transmit queue. */
static void test_mq_bypass(void)
{
	const struct parent *p = parent_find("mq");
	struct plug_state st;
	__u64 queued = 0;
	size_t i;

	diag("below mq, open and empty: bypassed");
	parent_device(p);
	must("%s", p->attach);
	must("%s", plugs_attach(p, "add"));
	wire_open(&w, DEV);
	command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_send(&w, 50, 100);
	leave(p, 50, "open");
	for (i = 0; i < 2; i++) {
		if (!qdisc_get(nl, DEV, p->at[i], &st))
			bail("no plug");
		queued += PLUG_STAT(st, QUEUED_PACKETS);
	}
	is_u64(queued, 0, "none was queued");
	wire_close(&w);
	link_delete(DEV);
}

/* sfb writes marks into the packet. It needs them to remove the packet from its bins
 * later. If a mark is overwritten, the bins of the flow fill. (sfb drops packets only
 * when all of these bins are full.)
 */
static void test_sfb_marks(void)
{
	const struct parent *p = parent_find("sfb");
	unsigned int round, got = 0, accepted = 0;

	diag("sfb's marks survive");
	dummy_make(DEV);
	must("%s", p->attach);
	must("%s", plugs_attach(p, "add"));
	wire_open(&w, DEV);
	for (round = 0; round < 3; round++) {
		accepted += wire_send(&w, 100, 100);
		command(p, TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
		got += wire_recv(&w, 100);
		command(p, TCQ_PLUG_BUFFER, "BUFFER");
	}
	is_u64(accepted, 300, "300 frames are accepted");
	is_u64(got + wire_drain(&w, QUIET_MS), 300, "and delivered");
	root_is_empty(p, "at the end");
	ok(!sh("tc -s qdisc show dev " DEV " | grep -q ' maxqlen 0 '"), "and all bins");
	wire_close(&w);
	link_delete(DEV);
}

/* The bytes that drr's class may still send. */
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

/* drr peeks each time a packet is sent to the device. As long as the plug passes on
 * no packet, peek must not return one: drr would charge the class for it.
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

/* A plug that shares a device with other traffic should have a prio as its parent. */
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
	const struct parent *p;

	nl = nl_open();
	for (p = parents; p->name; p++)
		if (argc < 2 || !strcmp(argv[1], p->name))
			test_parent(p);
	return run_tests(more, sizeof(more) / sizeof(more[0]), argc, argv);
}
