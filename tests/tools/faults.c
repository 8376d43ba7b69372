// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults outside the plug:
 *
 *	faults limits	a full queue, at every limit from 1 to 200 and at large ones
 *	faults epochs	1,000 epochs wait (I8)
 *	faults clock	the wall clock jumps by years, back and forth
 *	faults stopped	the device's transmit queue stops while released packets
 *			wait (I5, I6)
 *	faults full	the same with a tap device that nobody reads
 *	faults queues	the device gets fewer transmit queues (I1, I4)
 *	faults handed-back	DISCARD and reset after the driver has handed packets back
 *	faults carrier	the carrier is lost and comes back (I1, I4)
 *	faults memory	allocations fail; only in kernels with failslab. A
 *			command is executed completely or not at all
 *
 * Without an argument: all tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"
#include "tap.h"

static int nl;
static struct wire w;

static void start(void)
{
	dummy_make("pa");
	must("tc qdisc add dev pa root handle 1: plug limit 100000000");
	wire_open(&w, "pa");
}

static void command(int action)
{
	int err = plug_cmd(nl, "pa", action, 0);

	if (err)
		ok(false, "action %d: %s", action, strerror(-err));
}

/* ---- limits ---- */

/* Fills the queue with frames of @size bytes. False: the queue did not hold exactly
 * the frames that fit, or did not count the others as dropped.
 */
static bool fill(__u32 limit, unsigned int size, bool say)
{
	unsigned int fits = limit / size, accepted;
	struct plug_state before, full, empty;

	plug_cmd(nl, "pa", TCQ_PLUG_LIMIT, limit);
	command(TCQ_PLUG_BUFFER);
	before = plug_get(nl, "pa");
	accepted = wire_send(&w, fits + 3, size);
	full = plug_get(nl, "pa");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	if (wire_recv(&w, fits) != fits)
		return false;
	empty = plug_get(nl, "pa");
	if (say)
		diag("limit %u: %u of %u bytes held, %u drops", limit, full.qlen, size,
		     full.drops - before.drops);
	return accepted == fits && full.qlen == fits && full.backlog == fits * size &&
	       full.drops - before.drops == 3 && full.ctl.limit == limit &&
	       empty.qlen == 0 && empty.backlog == 0;
}

static void test_limits(void)
{
	static const __u32 large[] = { 1000, 65535, 65536, 1000000, 16777216 };
	unsigned int i, wrong = 0;

	diag("a full queue at every limit");
	start();
	for (i = 1; i <= 200; i++)
		if (!fill(i, 60, false)) {
			diag("limit %u", i);
			wrong++;
		}
	is_u64(wrong, 0, "limits 1 to 200: exactly what fits is held, the rest dropped and counted");
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		ok(fill(large[i], i % 2 ? 1514 : 9000, true), "limit %u: the same", large[i]);
	wire_silent(&w, "nothing is left over");
	wire_finish(&w, "pa");
}

/* ---- epochs ---- */

#define EPOCHS 1000

static void test_epochs(void)
{
	struct plug_state st;
	unsigned int i, wrong = 0;

	diag("I8: %u epochs wait", EPOCHS);
	start();
	for (i = 0; i < EPOCHS; i++) {
		wire_send(&w, 1 + i % 3, 60);
		command(TCQ_PLUG_BUFFER);
	}
	wire_send(&w, 7, 60);
	wire_silent(&w, "I1: none is released");
	for (i = 0; i < EPOCHS / 2; i++) {
		command(TCQ_PLUG_RELEASE_ONE);
		if (wire_recv(&w, 1 + i % 3) != 1 + i % 3 || wire_drain(&w, 0))
			wrong++;
	}
	is_u64(wrong, 0, "I8: each RELEASE_ONE releases the oldest epoch and no other");
	wire_silent(&w, "I1: the rest is not released");
	ok(plug_upto(nl, "pa", EPOCHS - 10, NULL) == 0, "RELEASE_UPTO");
	for (wrong = 0; i < EPOCHS - 10; i++)
		wrong += 1 + i % 3;
	wire_leaves(&w, wrong, "I8: all epochs up to that one");
	st = plug_get(nl, "pa");
	is_u64(st.ctl.epoch - st.ctl.released, 11, "ten epochs wait");
	ok(plug_discard_upto(nl, "pa", EPOCHS - 3, NULL) == 0, "DISCARD up to the seventh of them");
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, 1 + (EPOCHS - 3) % 3, "I8: the eighth is the next to be released");
	st = plug_get(nl, "pa");
	is_u64(st.ctl.epoch - st.ctl.released, 3, "two epochs wait");
	ok(plug_cmd(nl, "pa", TCQ_PLUG_DISCARD, 0) == 0, "DISCARD");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	wire_silent(&w, "I3: what was discarded is gone");
	is_u64(plug_get(nl, "pa").qlen, 0, "and not held");
	wire_finish(&w, "pa");
}

/* ---- the clock ---- */

static void clock_jump(long seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &ts))
		bail("clock_settime: %s", strerror(errno));
}

static void test_clock(void)
{
	const long years = 10L * 365 * 86400;
	const __u64 minutes = 600ULL * 1000000000;
	struct plug_state st;
	int i;

	diag("the wall clock jumps");
	start();
	for (i = 0; i < 4; i++) {
		wire_send(&w, 3, 60);
		clock_jump(i % 2 ? -years : years);
		command(TCQ_PLUG_BUFFER);
		wire_silent(&w, "I1: nothing is released by a jump");
		clock_jump(i % 2 ? -years : years);
		command(TCQ_PLUG_RELEASE_ONE);
		wire_leaves(&w, 3, "the epoch");
		st = plug_get(nl, "pa");
		ok(PLUG_STAT(st, CLOSED_AGE) < minutes, "the age does not jump");
		clock_jump(i % 2 ? 2 * years : -2 * years);
	}
	wire_finish(&w, "pa");
}

/* ---- a stopped transmit queue ---- */

/* An ifb accepts only packets from mirred. It stops its queue whenever it holds as
 * many packets as its txqueuelen says, here one.
 */
static void test_stopped(void)
{
	const unsigned int n = 3000;
	struct plug_state st;
	unsigned int got;
	struct wire in;

	diag("the transmit queue stops and starts while released packets wait");
	must("ip link add pi numtxqueues 4 type ifb && ip link set pi txqueuelen 1 mtu 65000 up");
	must("ip link add pd mtu 65000 type dummy && ip link set pd up");
	must("tc qdisc add dev pd clsact");
	must("tc filter add dev pd egress matchall action mirred egress redirect dev pi");
	must("tc qdisc add dev pi root handle 1: plug limit 100000000");
	wire_open(&in, "pd");
	wire_open(&w, "pi");

	wire_send(&in, n, 60);
	st = plug_get(nl, "pi");
	is_u64(st.qlen, n, "all are held");
	wire_silent(&w, "I1: none is released");
	ok(plug_cmd(nl, "pi", TCQ_PLUG_BUFFER, 0) == 0 &&
	   plug_cmd(nl, "pi", TCQ_PLUG_RELEASE_ONE, 0) == 0 &&
	   plug_cmd(nl, "pi", TCQ_PLUG_BUFFER, 0) == 0, "BUFFER, RELEASE_ONE, BUFFER");
	wire_send(&in, 5, 60);
	got = wire_recv(&w, n);
	is_u64(got + wire_drain(&w, QUIET_MS), n,
	       "I5, I6: all of the epoch leave, with nothing to push them, and no more");
	is_u64(plug_get(nl, "pi").qlen, 5, "the next epoch is held");
	is_u64(plug_cmd(nl, "pi", TCQ_PLUG_RELEASE_INDEFINITE, 0), 0, "RELEASE_INDEFINITE");
	wire_leaves(&w, 5, "I5: the rest");
	st = plug_get(nl, "pi");
	ok(st.requeues, "packets were handed back on the way (%u)", st.requeues);
	is_u64(st.sent_packets, n + 5, "I3: each is counted once");
	is_u64(w.reordered, 0, "I2: in order, each once");
	must("ip link del pd && ip link del pi");
	wire_close(&in);
	wire_close(&w);
}

/* Opens a tap device with a plug that holds 50 packets. */
static void tap_open(struct tap *tap, unsigned int more)
{
	plug_forget();
	tap_attach(tap, more);
	must("ip link set pt txqueuelen 10 up && tc qdisc add dev pt root handle 1: plug limit 1000000");
	wire_open(&w, "pt");
	wire_send(&w, 50, 60);
}

static void test_full(void)
{
	unsigned int got;
	struct plug_state st;
	struct tap tap;

	diag("nobody takes the packets from the device");
	tap_open(&tap, 0);
	is_u64(tap_read(&tap, 0), 0, "I1: nothing leaves");
	plug_cmd(nl, "pt", TCQ_PLUG_BUFFER, 0);
	plug_cmd(nl, "pt", TCQ_PLUG_RELEASE_ONE, 0);
	wire_send(&w, 7, 60);
	plug_cmd(nl, "pt", TCQ_PLUG_BUFFER, 0);
	sleep_ms(QUIET_MS);
	st = plug_get(nl, "pt");
	diag("%u held, the oldest of epoch %llu, released is %llu", st.qlen,
	     st.ctl.head_epoch, st.ctl.released);
	got = tap_read(&tap, tap.stops ? 50 : 10);
	if (!tap.stops) {
		is_u64(st.qlen, 7, "this tap device drops what does not fit");
		is_u64(got, 10, "and takes ten");
	} else {
		ok(st.qlen > 7 && st.ctl.head_epoch == 1 && st.ctl.released == 1, "the dump says that released packets wait");
		is_u64(got, 50, "I5, I6: all of the epoch leave when they can, and no more");
	}
	is_u64(plug_get(nl, "pt").qlen, 7, "I1: the next epoch is held");
	is_u64(tap.reordered, 0, "I2: in order, each once");
	plug_cmd(nl, "pt", TCQ_PLUG_RELEASE_ONE, 0);
	is_u64(tap_read(&tap, 7), 7, "and leaves with its release");
	wire_close(&w);
	close(tap.fd);
}

/* When the core takes transmit queues away, it resets their qdisc, here the plug at
 * the root.
 */
static void test_queues(void)
{
	struct plug_state st;
	struct tap tap, second;

	diag("the device gets fewer transmit queues");
	tap_open(&tap, IFF_MULTI_QUEUE);
	tap_attach(&second, IFF_MULTI_QUEUE);
	plug_cmd(nl, "pt", TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 5, 60);
	st = plug_get(nl, "pt");
	is_u64(st.qlen + PLUG_STAT(st, DROPS_RESET), 55, "with more of them: held or dropped");
	close(second.fd);
	st = plug_get(nl, "pt");
	is_u64(st.qlen, 0, "with fewer: all that was held is dropped");
	is_u64(PLUG_STAT(st, DROPS_RESET), 55, "and counted");
	is_u64(tap_read(&tap, 0), 0, "I1: nothing left");
	is_u64(st.ctl.epoch, 2, "I4: the epoch is as before");
	is_u64(st.ctl.released, 0, "I4: none is released");
	wire_send(&w, 3, 60);
	plug_cmd(nl, "pt", TCQ_PLUG_BUFFER, 0);
	plug_cmd(nl, "pt", TCQ_PLUG_RELEASE_INDEFINITE, 0);
	is_u64(tap_read(&tap, 3), 3, "what came later leaves");
	wire_close(&w);
	close(tap.fd);
}

/* Packets that the driver handed back have no mark of their epoch, and are in no list
 * of the module. The module counts them all the same.
 */
static void test_handed_back(void)
{
	unsigned int held, i;
	struct plug_state st;
	struct tap tap;

	diag("the driver hands released packets back: DISCARD, dump, reset");
	/* With one queue the core first checks whether it is stopped, so that nothing
	 * comes back.
	 */
	tap_open(&tap, IFF_MULTI_QUEUE);
	if (!tap.stops) {
		skip("this tap device drops what it does not take");
		goto out;
	}
	for (i = 0; i < 5; i++)
		plug_cmd(nl, "pt", TCQ_PLUG_BUFFER, 0);
	plug_upto(nl, "pt", 5, NULL);
	sleep_ms(QUIET_MS);
	wire_send(&w, 5, 60);
	st = plug_get(nl, "pt");
	held = st.qlen;
	ok(st.requeues && held > 5, "%u held, %u were handed back", held, st.requeues);
	ok(st.ctl.head_epoch && st.ctl.head_epoch <= st.ctl.released, "the dump says that released packets wait");
	is_u64(st.ctl.tail_epoch, 6, "and unreleased ones");
	is_u64(plug_cmd(nl, "pt", TCQ_PLUG_DISCARD, 0), 0, "DISCARD");
	st = plug_get(nl, "pt");
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 5, "I3: it drops the unreleased ones");
	is_u64(st.qlen, held - 5, "I3, I6: the others stay");
	is_u64(st.backlog, 60 * st.qlen, "I3: and their bytes");
	ok(st.ctl.head_epoch && st.ctl.head_epoch <= st.ctl.tail_epoch && st.ctl.tail_epoch <= st.ctl.released,
	   "the dump says that all of them were released");
	must("ip link set pt down");
	st = plug_get(nl, "pt");
	is_u64(PLUG_STAT(st, DROPS_RESET), held - 5, "I3: a reset drops them");
	is_u64(st.qlen + st.backlog, 0, "I3: nothing is left");
	must("ip link set pt up");
	tap_read(&tap, 0);
	wire_send(&w, 3, 60);
	is_u64(tap_read(&tap, 0), 0, "I1: the next epoch is held");
	is_u64(tap.reordered, 0, "I2: in order, each once");
out:
	wire_close(&w);
	close(tap.fd);
}

/* ---- carrier ---- */

static void carrier(int on)
{
	must("echo %d > /sys/class/net/pa/carrier", on);
}

static bool is_empty(void)
{
	return !plug_get(nl, "pa").qlen;
}

static bool is_taken(void)
{
	return wire_send(&w, 1, 60) == 1 && plug_get(nl, "pa").qlen;
}

static void test_carrier(void)
{
	unsigned int held;

	diag("the carrier is lost between BUFFER and RELEASE_ONE");
	start();
	wire_send(&w, 9, 60);
	command(TCQ_PLUG_BUFFER);
	wire_send(&w, 4, 60);
	carrier(0);
	ok(wait_for(is_empty), "the loss resets the queue");
	wire_silent(&w, "I1: and lets nothing go");
	carrier(1);
	ok(wait_for(is_taken), "with the carrier back, packets are taken");
	wire_send(&w, 5, 60);
	held = plug_get(nl, "pa").qlen;
	wire_silent(&w, "I1: they are held");
	command(TCQ_PLUG_RELEASE_ONE);
	wire_silent(&w, "I4: RELEASE_ONE releases the epoch before BUFFER, which is empty by now");
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, held, "I4: the epoch that began before the loss");
	wire_finish(&w, "pa");
}

/* ---- memory ---- */

/* Makes allocations fail, at random. The filter is set first: then they fail only in
 * tasks that ask for it.
 */
static void fail_allocations(bool on)
{
	if (on)
		must("cd /sys/kernel/debug/failslab && echo Y > task-filter && echo -1 > times && echo 0 > verbose && echo N > ignore-gfp-wait && echo 20 > probability");
	else
		must("echo 0 > /sys/kernel/debug/failslab/probability");
}

/* Asks for this task's allocations to fail. The file is opened before they fail;
 * writing to it takes no memory.
 */
static void fail_me(bool on)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/self/make-it-fail", O_WRONLY);
	if (fd < 0 || pwrite(fd, on ? "1" : "0", 1, 0) != 1)
		bail("make-it-fail: %s", strerror(errno));
}

/* Sends one message while allocations fail. */
static int say_failing(const struct plug_msg *msg)
{
	int err;

	fail_me(true);
	err = nl_request(nl, msg, NULL);
	fail_me(false);
	return err;
}

/* A command, sent through the family if @c is not NULL. */
struct try {
	const struct control *c;
	int	action;
	__u64	arg;		/* a limit or an epoch */
};

static int try_failing(const struct try *t, const struct plug_state *before,
		       struct control_reply *reply)
{
	struct tc_plug_qopt qopt = { .action = t->action, .limit = t->arg };
	struct plug_msg msg = {
		.dev = "pa", .parent = TC_H_ROOT, .flags = NLM_F_ECHO,
		.options = &qopt, .options_len = sizeof(qopt),
	};
	bool takes = t->action == TCQ_PLUG_LIMIT || t->action == TCQ_PLUG_RELEASE_UPTO;
	int err;

	if (!t->c)
		return say_failing(&msg);
	fail_me(true);
	err = control_change(t->c, before->ctl.id, t->action, takes ? &t->arg : NULL, reply);
	fail_me(false);
	return err;
}

static __u64 commands(const struct plug_state *st, int action)
{
	switch (action) {
	case TCQ_PLUG_BUFFER:
		return PLUG_STAT(*st, BUFFER_CMDS);
	case TCQ_PLUG_RELEASE_UPTO:
		return PLUG_STAT(*st, RELEASE_UPTO_CMDS);
	case TCQ_PLUG_LIMIT:
		return PLUG_STAT(*st, LIMIT_CMDS);
	default:
		return PLUG_STAT(*st, DISCARD_CMDS);
	}
}

/* Whether the command @t has changed @before into @after, including its counter. */
static bool is_obeyed(const struct plug_state *before, const struct plug_state *after,
		      const struct try *t)
{
	bool begins = t->action == TCQ_PLUG_BUFFER || t->action == TCQ_PLUG_DISCARD;
	bool discards = t->action == TCQ_PLUG_DISCARD;
	bool limits = t->action == TCQ_PLUG_LIMIT;
	const struct control_state *b = &before->ctl, *a = &after->ctl;

	return commands(after, t->action) == commands(before, t->action) + 1 &&
	       a->commands == b->commands + 1 && a->epoch == b->epoch + begins &&
	       a->released == (discards ? b->epoch : b->released) &&
	       a->qlen == (discards ? 0 : b->qlen) && after->qlen == a->qlen &&
	       a->limit == (limits ? t->arg : b->limit);
}

/* Whether the answer has the same state as a dump after it. */
static bool is_told(const struct control_reply *reply, const struct plug_state *after)
{
	const struct control_state *r = &reply->state, *a = &after->ctl;

	return reply->states == 1 && r->id == a->id && r->commands == a->commands &&
	       r->epoch == a->epoch && r->released == a->released &&
	       r->limit == a->limit && r->qlen == a->qlen && r->backlog == a->backlog;
}

/* A command that failed may have been executed: perhaps there was only no memory for
 * its echo or answer.
 */
static void test_memory_commands(const struct control *c)
{
	static const int actions[] = {
		TCQ_PLUG_BUFFER, TCQ_PLUG_LIMIT, TCQ_PLUG_RELEASE_UPTO, TCQ_PLUG_DISCARD,
	};
	const char *by = c ? "the family" : "tc";
	unsigned int i, failed = 0, torn = 0;
	struct control_reply reply;

	for (i = 0; i < 500; i++) {
		struct plug_state before = plug_get(nl, "pa"), after;
		struct try t = {
			.c = c, .action = actions[i < 400 ? i % (c ? 3 : 2) : c ? 3 : 0],
		};
		int err;

		t.arg = t.action == TCQ_PLUG_LIMIT ? 100000000 + i : before.ctl.released;
		err = try_failing(&t, &before, &reply);
		after = plug_get(nl, "pa");
		failed += err != 0;
		if (((!is_obeyed(&before, &after, &t) && (!err || !plug_same(&before, &after))) ||
		     (c && !err && !is_told(&reply, &after))) && !torn++)
			diag("by %s: action %d, answered with %d: epoch %llu to %llu, released %llu to %llu, qlen %u to %u",
			     by, t.action, err, before.ctl.epoch, after.ctl.epoch,
			     before.ctl.released, after.ctl.released, before.qlen, after.qlen);
		if (!after.qlen)
			wire_send(&w, 50, 60);
	}
	diag("by %s: %u of 500 commands failed", by, failed);
	ok(failed > 0, "by %s: some commands failed", by);
	is_u64(torn, 0, "by %s: each was obeyed wholly or not at all, and an answer says what it did", by);
	wire_silent(&w, "I1: nothing left");
}

/* After each try there must be the old plug with all its packets, or a new one. */
static void test_memory_replace(void)
{
	struct plug_msg add = {
		.dev = "pa", .parent = TC_H_ROOT, .handle = 0x10000,
		.flags = NLM_F_CREATE | NLM_F_REPLACE,
	};
	unsigned int i, failed = 0, replaced = 0, torn = 0;

	for (i = 0; i < 200; i++) {
		struct plug_state before, after;
		int err;

		wire_send(&w, 5, 60);
		before = plug_get(nl, "pa");
		add.handle = before.handle ^ 0x30000;
		err = say_failing(&add);
		after = plug_get(nl, "pa");
		failed += err != 0;
		if (after.handle == add.handle) {
			replaced++;
			torn += after.ctl.epoch <= before.ctl.epoch || after.qlen ||
				after.ctl.released != after.ctl.epoch - 1;
		} else if (!err || !plug_same(&before, &after)) {
			torn++;
		}
	}
	diag("%u of 200 replacements failed, %u were made", failed, replaced);
	ok(failed > 0 && replaced > 0, "some failed, and some did not");
	is_u64(torn, 0, "a plug that could not be replaced stays as it is");
	fail_allocations(false);
	wire_silent(&w, "I1: nothing left");
}

static void test_memory(void)
{
	struct control c;

	if (access("/sys/kernel/debug/failslab/probability", W_OK)) {
		skip("allocations fail: no failslab in this kernel");
		return;
	}
	diag("allocations fail");
	start();
	wire_send(&w, 50, 60);
	fail_me(false);
	c = control_open();
	fail_allocations(true);
	test_memory_commands(NULL);
	test_memory_commands(&c);
	test_memory_replace();
	control_close(&c);
	wire_finish(&w, "pa");
}

static const struct test tests[] = {
	{ "limits", test_limits },
	{ "epochs", test_epochs },
	{ "clock", test_clock },
	{ "stopped", test_stopped },
	{ "full", test_full },
	{ "queues", test_queues },
	{ "handed-back", test_handed_back },
	{ "carrier", test_carrier },
	{ "memory", test_memory },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
