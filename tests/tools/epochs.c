// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I1, I4, I5, I6, I8: what leaves when. Two of these are the safety test, with
 * which the module that comes with kernels must fail:
 *
 *	epochs link	the link goes down and up between BUFFER and RELEASE_ONE
 *	epochs depth	three epochs wait and are released one by one
 *
 * Without an argument: all.
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

	diag("I6: BUFFER right after a release holds back nothing of it");
	start();
	wire_send(&w, n, 60);
	open_up();
	buffer();
	wire_send(&w, 1, 60);
	wire_leaves(&w, n, "I6: what was released");
	buffer();
	wire_send(&w, n, 60);
	release_one();
	buffer();
	wire_leaves(&w, 1, "I6: the next epoch alone");
	release_one();
	buffer();
	wire_leaves(&w, n, "I6: and the one after");
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
	{ "limit", test_limit },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
