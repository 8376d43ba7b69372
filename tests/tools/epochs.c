// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I1, I4, I5, I6, I8: which packets leave, and when. Two of these are the safety
 * test, which the module that comes with kernels must fail:
 *
 *	epochs link	the link goes down and up between BUFFER and RELEASE_ONE
 *	epochs depth	three epochs wait and are released one by one
 *
 * Without an argument: all tests.
 */
#include <string.h>

#include "plugtest.h"

static int nl;
static struct wire w;

static void buffer(void)
{
	ok(plug_cmd(nl, "pa", TCQ_PLUG_BUFFER, 0) == 0, "BUFFER");
}

static void release_one(void)
{
	ok(plug_cmd(nl, "pa", TCQ_PLUG_RELEASE_ONE, 0) == 0, "RELEASE_ONE");
}

static void open_up(void)
{
	ok(plug_cmd(nl, "pa", TCQ_PLUG_RELEASE_INDEFINITE, 0) == 0,
	   "RELEASE_INDEFINITE");
}

static void start(void)
{
	dummy_make("pa");
	must("tc qdisc add dev pa root handle 1: plug limit 10000000");
	wire_open(&w, "pa");
}

static void test_basic(void)
{
	diag("one epoch at a time");
	start();
	wire_send(&w, 5, 100);
	wire_silent(&w, "I1: a new plug is closed");
	buffer();
	wire_send(&w, 7, 100);
	wire_silent(&w, "I1: no epoch is released");
	release_one();
	wire_leaves(&w, 5, "I5: the first epoch");
	wire_send(&w, 1, 100);
	wire_silent(&w, "I1: the second is not released");
	buffer();
	release_one();
	wire_leaves(&w, 8, "the second epoch");
	open_up();
	wire_send(&w, 3, 100);
	wire_leaves(&w, 3, "open");
	wire_finish(&w, "pa");
}

static void test_empty(void)
{
	diag("releasing when nothing waits");
	start();
	release_one();
	wire_send(&w, 2, 100);
	wire_silent(&w, "I1: a release in advance is not kept");
	buffer();
	buffer();
	buffer();
	release_one();
	wire_leaves(&w, 2, "the epoch with packets");
	wire_send(&w, 4, 100);
	release_one();
	release_one();
	release_one();
	wire_silent(&w, "I1: empty epochs and no epoch released");
	open_up();
	wire_leaves(&w, 4, "open");
	release_one();
	wire_send(&w, 1, 100);
	wire_leaves(&w, 1, "RELEASE_ONE does not close an open plug");
	buffer();
	wire_send(&w, 3, 100);
	wire_silent(&w, "I1: BUFFER closes it, the way past an empty queue too");
	buffer();
	release_one();
	wire_leaves(&w, 3, "the epoch after it was open");
	wire_finish(&w, "pa");
}

static void test_depth(void)
{
	diag("I8: three epochs wait, released one by one");
	start();
	wire_send(&w, 1, 100);
	buffer();
	wire_send(&w, 2, 100);
	buffer();
	wire_send(&w, 4, 100);
	buffer();
	wire_send(&w, 8, 100);
	wire_silent(&w, "I1: three epochs wait");
	release_one();
	wire_leaves(&w, 1, "I8: the first epoch and no other");
	release_one();
	wire_leaves(&w, 2, "I8: the second");
	release_one();
	wire_leaves(&w, 4, "I8: the third");
	release_one();
	wire_silent(&w, "I1: the fourth has not ended");
	buffer();
	release_one();
	wire_leaves(&w, 8, "I8: the fourth");
	wire_finish(&w, "pa");
}

static void test_link(void)
{
	diag("I4: link down and up between BUFFER and RELEASE_ONE");
	start();
	wire_send(&w, 9, 100);
	buffer();
	wire_send(&w, 3, 100);
	must("ip link set pa down && ip link set pa up");
	wire_silent(&w, "down and up");
	wire_send(&w, 5, 100);
	release_one();
	wire_silent(&w, "I4: RELEASE_ONE releases the epoch before BUFFER, which is empty by now");
	buffer();
	wire_send(&w, 2, 100);
	release_one();
	wire_leaves(&w, 5, "I4: the epoch that began before the link went down");
	open_up();
	wire_leaves(&w, 2, "open");
	wire_finish(&w, "pa");
}

static void test_no_replug(void)
{
	const unsigned int n = 5000;
	unsigned int left, held;

	diag("I6: BUFFER right after a release holds back nothing of it");
	start();
	wire_send(&w, n, 60);
	buffer();
	wire_send(&w, 1, 60);
	release_one();
	buffer();
	wire_leaves(&w, n, "I6: what was released");
	wire_send(&w, n, 60);
	release_one();
	buffer();
	wire_leaves(&w, 1, "I6: the next epoch alone");
	release_one();
	buffer();
	wire_leaves(&w, n, "I6: and the one after");

	diag("I6: but if that release opened the plug, it stops what has not left yet");
	wire_send(&w, n, 60);
	open_up();
	buffer();
	held = plug_get(nl, "pa").qlen;
	wire_send(&w, 1, 60);
	left = wire_drain(&w, QUIET_MS);
	is_u64(left + held, n, "%u have left before BUFFER, and no other", left);
	release_one();
	wire_leaves(&w, held, "I6: the rest, with the next release, and nothing beside");
	buffer();
	release_one();
	wire_leaves(&w, 1, "the next epoch");
	wire_finish(&w, "pa");
}

static struct plug_state add(const char *how)
{
	must("tc qdisc %s", how);
	return plug_get(nl, "pa");
}

/* Sends a release that was meant for the previous plug. */
static void upto_of_old(__u64 epoch)
{
	wire_send(&w, 3, 60);
	buffer();
	is_u64(-plug_upto(nl, "pa", epoch, NULL), 0, "a RELEASE_UPTO for the earlier plug succeeds");
	wire_silent(&w, "I1: and releases nothing");
	release_one();
	wire_leaves(&w, 3, "RELEASE_ONE");
}

/* Grafts two plugs to the class @below of the qdisc @parent, one after the other, and
 * checks their epochs.
 */
static void numbers_below(const char *parent, const char *below)
{
	struct plug_state st, old;

	must("tc qdisc replace dev pa root handle 1: %s && tc qdisc add dev pa parent %s handle 20: plug",
	     parent, below);
	if (!qdisc_get(nl, "pa", 0x10001, &old))
		bail("no plug below %s", parent);
	must("tc qdisc change dev pa handle 20: plug block");
	must("tc qdisc replace dev pa parent %s handle 30: plug", below);
	ok(qdisc_get(nl, "pa", 0x10001, &st) && st.handle == 0x300000, "%s: another plug", parent);
	is_u64(st.ctl.epoch, old.ctl.epoch + 2, "above the other's two epochs");
	is_u64(st.ctl.released, st.ctl.epoch - 1, "closed");
}

static void test_numbers(void)
{
	struct plug_state st, old;

	diag("no epoch has the number of another");
	start();
	st = plug_get(nl, "pa");
	is_u64(st.ctl.epoch, 1, "the module's first plug begins with epoch 1");
	is_u64(st.ctl.released, 0, "closed");
	buffer();
	buffer();
	must("tc qdisc del dev pa root");
	st = add("add dev pa root handle 1: plug limit 10000000");
	is_u64(st.ctl.epoch, 4, "the second plug begins above the epochs of the first, 1 to 3");
	is_u64(st.ctl.released, 3, "closed");
	upto_of_old(3);

	old = plug_get(nl, "pa");
	st = add("replace dev pa root handle 2: plug limit 10000000");
	is_u64(st.handle, 0x20000, "a plug in another's place");
	is_u64(st.ctl.epoch, old.ctl.epoch + 1, "begins above the other's");
	is_u64(st.ctl.released, old.ctl.epoch, "closed");
	upto_of_old(old.ctl.epoch);

	diag("two devices");
	old = plug_get(nl, "pa");
	link_clear("pb");
	must("ip link add pb type dummy && ip link set pb up && tc qdisc add dev pb root plug release_indefinite");
	st = plug_get(nl, "pb");
	is_u64(st.ctl.epoch, old.ctl.epoch + 1, "the plug of another device begins above as well");
	is_u64(st.ctl.released, st.ctl.epoch, "open");
	is_u64(plug_get(nl, "pa").ctl.epoch, old.ctl.epoch, "which is nothing to the first");
	is_u64(-plug_cmd(nl, "pb", TCQ_PLUG_BUFFER, 0), 0, "BUFFER there");
	is_u64(plug_get(nl, "pb").ctl.epoch, st.ctl.epoch + 1, "its next epoch has the next number");
	/* The plug of pa has the lower number. Its BUFFER must not set the number
	 * for new plugs back.
	 */
	buffer();
	is_u64(plug_get(nl, "pa").ctl.epoch, old.ctl.epoch + 1, "and the first's a lower one");
	link_delete("pb");
	old = st;
	st = add("replace dev pa root handle 3: plug limit 10000000");
	is_u64(st.ctl.epoch, old.ctl.epoch + 2, "a new plug begins above the epochs of a device that is gone");

	numbers_below("prio", "1:1");
	wire_finish(&w, "pa");

	must("ip link add pa numtxqueues 2 type dummy && ip link set pa up");
	wire_open(&w, "pa");
	numbers_below("mq", "1:1");
	wire_finish(&w, "pa");

	start();
	is_u64(plug_get(nl, "pa").ctl.epoch, 1, "a module loaded again begins with 1");
	wire_finish(&w, "pa");
}

static void test_limit(void)
{
	struct plug_state st;

	diag("the limit");
	start();
	ok(plug_cmd(nl, "pa", TCQ_PLUG_LIMIT, 1000) == 0, "LIMIT 1000");
	is_u64(wire_send(&w, 12, 100), 10, "ten frames of 100 bytes fit");
	st = plug_get(nl, "pa");
	is_u64(st.backlog, 1000, "backlog in bytes");
	is_u64(st.drops, 2, "drops");
	ok(plug_cmd(nl, "pa", TCQ_PLUG_LIMIT, 500) == 0, "LIMIT 500");
	is_u64(plug_get(nl, "pa").qlen, 10, "nothing held is dropped by a lower limit");
	is_u64(wire_send(&w, 1, 60), 0, "nothing more fits");
	open_up();
	wire_leaves(&w, 10, "open");
	is_u64(wire_send(&w, 1, 501), 1, "an open, empty plug is bypassed: no limit");
	wire_leaves(&w, 1, "the frame longer than the limit");
	wire_finish(&w, "pa");
}

static const struct test tests[] = {
	{ "basic", test_basic },
	{ "empty", test_empty },
	{ "depth", test_depth },
	{ "link", test_link },
	{ "no-replug", test_no_replug },
	{ "numbers", test_numbers },
	{ "limit", test_limit },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
