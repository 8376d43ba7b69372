// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BUFFER on an open plug stops at once the packets that are still in the queue. The
 * next release sends them first, all of them and in order (I2, I3, I6). They count as
 * released the whole time. No packet that may leave is forgotten (I5): this also
 * tests which queue a command schedules, and when.
 *
 *	valve stop	nothing leaves after BUFFER, below htb; the in-tree module
 *			passes this too
 *	valve peek	the same below tbf, which peeks at a packet before it may
 *			send it; the in-tree module lets that packet leave
 *	valve release	each kind of release, and one that releases nothing
 *	valve discard	DISCARD drops no stopped packets
 *	valve reset	a reset drops and counts stopped packets
 *	valve again	stopped, released, stopped again; BUFFER twice
 *	valve limit	LIMIT while stopped
 *	valve loop	on a closed plug BUFFER stops nothing
 *	valve ifb	a driver that stops its queue with each packet
 *	valve tap	a tap with one queue, from which nobody reads packets
 *	valve queues	the same with several queues; the driver hands packets back
 *	valve lost	DISCARD and reset with packets that the driver handed back
 *	valve gso	a GSO packet that waits for its queue beside the qdisc
 *	valve other	a packet that waits beside the qdisc, with none before it
 *	valve other-lost	the same, and a reset
 *	valve segments	a GSO packet of which the driver hands a part back
 *	valve kick	a command runs a queue that the core has forgotten to run
 *	valve root	a command schedules the root, whichever queue is stopped
 *
 * Without an argument: all tests.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <linux/rtnetlink.h>

#include "parents.h"
#include "tap.h"

#define SIZE 1000
#define MANY 200	/* frames: 16 s at 100 kbit/s */

#define FRAME_MS 80
/* In this time a slow parent would send packets, if it had any. */
#define SLOW_QUIET_MS (3 * FRAME_MS)

/* A parent that sends a frame of SIZE bytes every FRAME_MS, until it is made
 * faster.
 */
struct slow {
	const char *name;
	const char *attach;
	__u32 at;		/* the plug's parent */
	const char *faster;
};

static const struct slow slow[] = {
	{
		.name = "htb",
		.attach = "tc qdisc add dev pa root handle 1: htb default 10 && "
			  "tc class add dev pa parent 1: classid 1:10 htb rate 100kbit burst 1600 && "
			  "tc qdisc add dev pa parent 1:10 handle 40: plug limit 10000000",
		.at = 0x10010,
		.faster = "tc class change dev pa parent 1: classid 1:10 htb rate 1gbit",
	}, {
		.name = "tbf",
		.attach = "tc qdisc add dev pa root handle 1: tbf rate 100kbit burst 1600 limit 10mb && "
			  "tc qdisc add dev pa parent 1:1 handle 40: plug limit 10000000",
		.at = 0x10001,
		.faster = "tc qdisc change dev pa root handle 1: tbf rate 1gbit burst 1mb limit 10mb",
	},
	{ NULL }
};

/* The place of the plug in the current test. */
static struct {
	const char *dev;
	__u32 at;
} plug;

static int nl;
static struct wire w;

static const char *name_of(int action)
{
	switch (action) {
	case TCQ_PLUG_BUFFER:
		return "BUFFER";
	case TCQ_PLUG_RELEASE_ONE:
		return "RELEASE_ONE";
	case TCQ_PLUG_RELEASE_INDEFINITE:
		return "RELEASE_INDEFINITE";
	case TCQ_PLUG_RELEASE_UPTO:
		return "RELEASE_UPTO";
	case TCQ_PLUG_DISCARD:
		return "DISCARD";
	default:
		return "LIMIT";
	}
}

static void command(int action)
{
	int err = plug_cmd_at(nl, plug.dev, plug.at, action, 0);

	if (err)
		ok(false, "%s: %s", name_of(action), strerror(-err));
}

static void limit(__u32 bytes)
{
	is_u64(-plug_cmd_at(nl, plug.dev, plug.at, TCQ_PLUG_LIMIT, bytes), 0, "LIMIT %u", bytes);
}

static void upto(__u64 epoch)
{
	is_u64(-plug_change(plug.dev, plug.at, TCQ_PLUG_RELEASE_UPTO, &epoch, NULL), 0,
	       "RELEASE_UPTO %llu", (unsigned long long)epoch);
}

static void discard_upto(__u64 epoch)
{
	is_u64(-plug_change(plug.dev, plug.at, TCQ_PLUG_DISCARD, &epoch, NULL), 0,
	       "DISCARD up to %llu", (unsigned long long)epoch);
}

static struct plug_state state(void)
{
	struct plug_state st;

	if (!qdisc_get(nl, plug.dev, plug.at, &st) || strcmp(st.kind, "plug"))
		bail("%s has no plug at %x", plug.dev, plug.at);
	return st;
}

/* ---- behind a slow parent ---- */

static void slow_start(const struct slow *s)
{
	dummy_make("pa");
	must("%s", s->attach);
	plug.dev = "pa";
	plug.at = s->at;
	wire_open(&w, "pa");
	/* So that there is an epoch before the last released one. */
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
}

/* Sends through the open plug and closes it; returns how many packets were stopped.
 * @held packets were in the queue before, from an earlier stop.
 */
static unsigned int stop(const struct slow *s, unsigned int held)
{
	unsigned int left;
	struct plug_state st;

	wire_send(&w, MANY, SIZE);
	command(TCQ_PLUG_BUFFER);
	st = state();
	ok(st.qlen > 0, "%s: %u packets are in the queue when BUFFER is answered", s->name, st.qlen);
	left = wire_drain(&w, SLOW_QUIET_MS);
	is_u64(left + st.qlen, held + MANY, "%s: those have left that were not in it, %u, and no other",
	       s->name, left);
	is_u64(state().qlen, st.qlen, "%s: those that were in it are there still", s->name);
	return st.qlen;
}

/* Checks that @n packets are stopped, with @others behind them. */
static void stopped(const struct slow *s, unsigned int n, unsigned int others)
{
	struct plug_state st = state();

	is_u64(st.ctl.stopped, n, "%s: so many are stopped", s->name);
	is_u64(st.qlen, n + others, "%s: qlen", s->name);
	is_u64(st.backlog, (n + others) * SIZE, "%s: backlog", s->name);
	is_u64(st.ctl.qlen, n + others, "%s: the family's qlen", s->name);
	is_u64(st.ctl.backlog, (n + others) * SIZE, "%s: and backlog", s->name);
	if (n)
		ok(st.ctl.head_epoch && st.ctl.head_epoch <= st.ctl.released, "%s: the oldest of them is released", s->name);
	ok((st.ctl.tail_epoch > st.ctl.released) == !!others, "%s: so is the last packet, if there is no other",
	   s->name);
}

static void faster(const struct slow *s)
{
	must("%s", s->faster);
	/* The parent may still wait for one frame at the old rate. */
	is_u64(wire_drain(&w, SLOW_QUIET_MS), 0, "a faster parent: nothing leaves");
}

static void end(void)
{
	wire_finish(&w, "pa");
}

static void stop_below(const struct slow *s)
{
	unsigned int n;

	slow_start(s);
	n = stop(s, 0);
	wire_send(&w, 5, SIZE);
	wire_silent(&w, "nor with packets of a new epoch");
	faster(s);
	is_u64(state().qlen, n + 5, "%s: all of it is held", s->name);
	end();
}

static void release_one(void)
{
	command(TCQ_PLUG_RELEASE_ONE);
}

static void release_indefinite(void)
{
	command(TCQ_PLUG_RELEASE_INDEFINITE);
}

static void upto_released(void)
{
	upto(state().ctl.released);
}

static void upto_waiting(void)
{
	upto(state().ctl.released + 1);
}

/* The kinds of release. Before each, the queue holds stopped packets, 5 packets of the
 * epoch that BUFFER began and, if @waits, 3 of the next one.
 */
static const struct kind {
	const char *name;
	void (*release)(void);
	bool waits;
	unsigned int others;	/* that leave with the stopped ones */
} kinds[] = {
	{ "RELEASE_ONE, no epoch waits", release_one, false, 0 },
	{ "RELEASE_ONE", release_one, true, 5 },
	{ "RELEASE_INDEFINITE", release_indefinite, true, 8 },
	{ "RELEASE_UPTO, what is released", upto_released, true, 0 },
	{ "RELEASE_UPTO", upto_waiting, true, 5 },
	{ NULL }
};

static void release_below(const struct slow *s, const struct kind *k)
{
	unsigned int n, others = 5;

	diag("%s: %s", s->name, k->name);
	slow_start(s);
	n = stop(s, 0);
	wire_send(&w, 5, SIZE);
	if (k->waits) {
		command(TCQ_PLUG_BUFFER);
		wire_send(&w, 3, SIZE);
		others = 8;
	}
	faster(s);
	k->release();
	wire_leaves(&w, n + k->others, "what was stopped, and then what is released");
	is_u64(state().qlen, others - k->others, "%s: %s: the rest is held", s->name, k->name);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	wire_leaves(&w, others - k->others, "RELEASE_INDEFINITE: the rest");
	end();
}

/* A release of an epoch that was released long ago releases nothing. */
static void no_release_below(const struct slow *s)
{
	unsigned int n;

	diag("%s: RELEASE_UPTO of an earlier epoch", s->name);
	slow_start(s);
	n = stop(s, 0);
	wire_send(&w, 5, SIZE);
	stopped(s, n, 5);
	faster(s);
	upto(0);
	upto(state().ctl.released - 1);
	wire_silent(&w, "lower numbers");
	stopped(s, n, 5);
	upto_released();
	wire_leaves(&w, n, "the number");
	stopped(s, 0, 5);
	end();
}

static void discard_below(const struct slow *s, unsigned int others)
{
	struct plug_state before, st;
	unsigned int n;

	diag("%s: DISCARD with %u unreleased packets", s->name, others);
	slow_start(s);
	n = stop(s, 0);
	if (others) {
		wire_send(&w, others - 3, SIZE);
		command(TCQ_PLUG_BUFFER);
		wire_send(&w, 3, SIZE);
	}
	before = state();
	command(TCQ_PLUG_DISCARD);
	st = state();
	is_u64(PLUG_STAT(st, DROPS_DISCARD), others, "%s: drops_discard", s->name);
	is_u64(st.ctl.epoch, before.ctl.epoch + 1, "%s: a fresh epoch", s->name);
	is_u64(st.ctl.released, before.ctl.epoch, "%s: all before it is done with", s->name);
	stopped(s, n, 0);
	faster(s);
	upto(before.ctl.released);
	wire_silent(&w, "a RELEASE_UPTO from before DISCARD");
	wire_send(&w, 2, SIZE);
	command(TCQ_PLUG_DISCARD);
	wire_send(&w, 2, SIZE);
	stopped(s, n, 2);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, n, "I3, I6: what was stopped");
	stopped(s, 0, 2);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	wire_leaves(&w, 2, "the others");
	end();
}

/* DISCARD up to an epoch, with two epochs behind the stopped packets. */
static void discard_upto_below(const struct slow *s)
{
	struct plug_state before, st;
	unsigned int n;

	diag("%s: DISCARD up to an epoch", s->name);
	slow_start(s);
	n = stop(s, 0);
	wire_send(&w, 5, SIZE);
	command(TCQ_PLUG_BUFFER);
	wire_send(&w, 3, SIZE);
	before = state();
	discard_upto(before.ctl.released);
	stopped(s, n, 8);
	discard_upto(before.ctl.released + 1);
	st = state();
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 5, "%s: drops_discard", s->name);
	is_u64(st.ctl.epoch, before.ctl.epoch, "%s: the same epoch", s->name);
	is_u64(st.ctl.released, before.ctl.released + 1, "%s: the one before is done with", s->name);
	stopped(s, n, 3);
	faster(s);
	upto(before.ctl.released);
	wire_silent(&w, "a RELEASE_UPTO from before DISCARD");
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, n, "I3, I6: what was stopped");
	stopped(s, 0, 3);
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, 3, "the epoch above");
	end();
}

static void reset_below(const struct slow *s)
{
	struct plug_state before, st;
	unsigned int n;

	diag("%s: the link goes down", s->name);
	slow_start(s);
	n = stop(s, 0);
	wire_send(&w, 5, SIZE);
	before = state();
	must("ip link set pa down");
	st = state();
	is_u64(PLUG_STAT(st, DROPS_RESET), n + 5, "I3: all of it is dropped and counted");
	is_u64(st.drops - before.drops, n + 5, "in the standard figure as well");
	stopped(s, 0, 0);
	is_u64(st.ctl.epoch, before.ctl.epoch, "I4: the epoch");
	is_u64(st.ctl.released, before.ctl.released, "I4: released");
	must("ip link set pa up && %s", s->faster);
	wire_send(&w, 2, SIZE);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_silent(&w, "I4: no epoch waits");
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, 2, "the next epoch");
	end();
}

static void again_below(const struct slow *s)
{
	unsigned int n;

	diag("%s: twice", s->name);
	slow_start(s);
	n = stop(s, 0);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(state().ctl.stopped, 0, "%s: none is stopped", s->name);
	n = stop(s, n);
	stopped(s, n, 0);
	wire_send(&w, 5, SIZE);
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_BUFFER);
	stopped(s, n, 5);
	faster(s);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, n + 5, "I6: what was stopped, and the epoch");
	end();
}

static void limit_below(const struct slow *s)
{
	unsigned int n;

	diag("%s: LIMIT while stopped", s->name);
	slow_start(s);
	n = stop(s, 0);
	faster(s);
	limit(1);
	is_u64(wire_send(&w, 1, SIZE), 0, "nothing more fits");
	limit(0);
	wire_send(&w, 5, SIZE);
	wire_silent(&w, "LIMIT releases nothing");
	stopped(s, n, 5);
	command(TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, n, "and drops nothing");
	end();
}

/* BUFFER, or DISCARD, on a closed plug while released packets leave. */
static void loop_below(const struct slow *s, int action)
{
	unsigned int left;
	struct plug_state st;

	diag("%s: %s in the epoch loop", s->name, name_of(action));
	slow_start(s);
	command(TCQ_PLUG_BUFFER);
	wire_send(&w, MANY, SIZE);
	command(TCQ_PLUG_BUFFER);
	wire_send(&w, 5, SIZE);
	command(TCQ_PLUG_RELEASE_ONE);
	command(action);
	st = state();
	ok(st.qlen > 5, "%s: %u released packets have yet to leave", s->name, st.qlen - 5);
	is_u64(st.ctl.stopped, 0, "%s: none is stopped", s->name);
	left = wire_recv(&w, 3);
	must("%s", s->faster);
	left += wire_recv(&w, MANY - left);
	is_u64(left + wire_drain(&w, QUIET_MS), MANY, "%s: I5, I6: they go on leaving, and no other", s->name);
	is_u64(state().qlen, action == TCQ_PLUG_BUFFER ? 5 : 0, "%s: what is held", s->name);
	end();
}

static void test_stop(void)
{
	stop_below(&slow[0]);
}

static void test_peek(void)
{
	stop_below(&slow[1]);
}

static void test_release(void)
{
	const struct slow *s;
	const struct kind *k;

	for (s = slow; s->name; s++) {
		for (k = kinds; k->name; k++)
			release_below(s, k);
		no_release_below(s);
	}
}

static void test_discard(void)
{
	const struct slow *s;

	for (s = slow; s->name; s++) {
		discard_below(s, 0);
		discard_below(s, 8);
		discard_upto_below(s);
	}
}

static void test_reset(void)
{
	const struct slow *s;

	for (s = slow; s->name; s++)
		reset_below(s);
}

static void test_again(void)
{
	const struct slow *s;

	for (s = slow; s->name; s++)
		again_below(s);
}

static void test_limit(void)
{
	const struct slow *s;

	for (s = slow; s->name; s++)
		limit_below(s);
}

static void test_loop(void)
{
	const struct slow *s;

	for (s = slow; s->name; s++) {
		loop_below(s, TCQ_PLUG_BUFFER);
		loop_below(s, TCQ_PLUG_DISCARD);
	}
}

/* ---- a transmit queue that stops with each packet ---- */

#define TRIES 20

/* Makes the devices of test_stopped() in faults.c: an ifb that stops its queue with
 * each packet, and a dummy that redirects to it.
 */
static void ifb_start(struct wire *in)
{
	link_clear("pi");
	link_clear("pd");
	plug_forget();
	must("ip link add pi numtxqueues 4 type ifb && ip link set pi txqueuelen 1 mtu 65000 up");
	must("ip link add pd mtu 65000 type dummy && ip link set pd up");
	must("tc qdisc add dev pd clsact");
	must("tc filter add dev pd egress matchall action mirred egress redirect dev pi");
	must("tc qdisc add dev pi root handle 1: plug limit 100000000");
	wire_open(in, "pd");
	wire_open(&w, "pi");
	plug.dev = "pi";
	plug.at = TC_H_ROOT;
}

static void ifb_end(struct wire *in)
{
	is_u64(w.reordered, 0, "I2: in order, each once");
	must("ip link del pd && ip link del pi");
	wire_close(in);
	wire_close(&w);
}

static void test_ifb(void)
{
	const unsigned int n = 3000;
	unsigned int i, sent = 0, wrong = 0, some = 0, left;
	struct plug_state st;
	struct wire in;

	diag("the driver stops its queue with each packet");
	ifb_start(&in);
	for (i = 0; i < TRIES && some < 3; i++) {
		sent += wire_send(&in, n, 60);
		command(TCQ_PLUG_RELEASE_INDEFINITE);
		command(TCQ_PLUG_BUFFER);
		st = state();
		some += st.ctl.stopped > 0;
		left = wire_drain(&w, QUIET_MS);
		if (left + st.ctl.stopped != n && !wrong++)
			diag("%u were stopped, but %u of %u left", st.ctl.stopped, left, n);
		command(TCQ_PLUG_RELEASE_ONE);
		left += wire_recv(&w, n - left) + wire_drain(&w, QUIET_MS);
		if (left != n && !wrong++)
			diag("then %u of %u", left, n);
	}
	ok(some, "of %u times, %u stopped something", i, some);
	is_u64(wrong, 0, "each time nothing more left, and all of it with RELEASE_ONE");
	st = state();
	ok(st.requeues, "packets were handed back on the way (%u)", st.requeues);
	is_u64(st.sent_packets, sent, "I3: each is counted once");
	is_u64(st.qlen + st.backlog, 0, "I3: nothing is left over");
	ifb_end(&in);
}

/* ---- a transmit queue that stays stopped ---- */

#define RING 10		/* frames that the tap device takes before somebody reads */

static void tap_plug(void)
{
	must("ip link set pt txqueuelen %u up && tc qdisc add dev pt root handle 1: plug limit 1000000",
	     RING);
	wire_open(&w, "pt");
	plug.dev = "pt";
	plug.at = TC_H_ROOT;
}

/* Opens and closes a plug with 50 packets, on a tap with the flags @more. Returns how
 * many were stopped; 0: this kernel's tap cannot be used.
 */
static unsigned int tap_stop(struct tap *tap, unsigned int more)
{
	struct plug_state st;

	plug_forget();
	tap_attach(tap, more);
	tap_plug();
	if (!tap->stops) {
		skip("this kernel's tap device drops what it does not take");
		return 0;
	}
	wire_send(&w, 50, 60);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	command(TCQ_PLUG_BUFFER);
	st = state();
	diag("%u of 50 are stopped; %u were handed back", st.ctl.stopped, st.requeues);
	ok(st.ctl.stopped >= 50 - RING - 1, "what the device has not taken is stopped");
	is_u64(st.ctl.stopped, st.qlen, "all of it");
	is_u64(st.backlog, st.qlen * 60, "its bytes");
	ok(!!st.requeues == !!more, "with several queues packets are handed back");
	return st.ctl.stopped;
}

static void tap_end(struct tap *tap)
{
	if (tap->stops)
		is_u64(tap->reordered, 0, "I2: in order, each once");
	wire_close(&w);
	close(tap->fd);
}

static void tap_all(struct tap *tap, unsigned int more)
{
	unsigned int n = tap_stop(tap, more);
	struct plug_state st;

	if (!n) {
		tap_end(tap);
		return;
	}
	wire_send(&w, 5, 60);
	is_u64(tap_read(tap, 50 - n), 50 - n, "once it is read: what it had taken, and no more");
	st = state();
	is_u64(st.ctl.stopped, n, "the others are stopped");
	is_u64(st.qlen, n + 5, "and held");
	is_u64(st.backlog, 60 * (n + 5), "their bytes");
	ok(st.ctl.head_epoch && st.ctl.head_epoch <= st.ctl.released, "the dump says that released packets wait");
	is_u64(st.ctl.tail_epoch, st.ctl.epoch, "and unreleased ones");
	command(TCQ_PLUG_RELEASE_ONE);
	is_u64(tap_read(tap, n), n, "RELEASE_ONE: they leave");
	st = state();
	is_u64(st.ctl.stopped, 0, "none is stopped");
	is_u64(st.qlen, 5, "the next epoch is held");
	is_u64(st.backlog, 5 * 60, "its bytes");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(tap_read(tap, 5), 5, "RELEASE_INDEFINITE: it leaves");
	st = state();
	is_u64(st.sent_packets, 55, "I3: each is counted once");
	is_u64(st.sent_bytes, 55 * 60, "and its bytes");
	is_u64(st.qlen + st.backlog, 0, "I3: nothing is left over");
	tap_end(tap);
}

static void test_tap(void)
{
	struct tap tap;

	diag("nobody takes the packets from the device");
	tap_all(&tap, 0);
}

static void test_queues(void)
{
	struct tap tap;

	diag("nobody takes the packets from a device with several queues");
	tap_all(&tap, IFF_MULTI_QUEUE);
}

static void test_lost(void)
{
	struct plug_state st;
	struct tap tap;
	unsigned int n;

	diag("DISCARD and reset with packets that the driver has handed back");
	n = tap_stop(&tap, IFF_MULTI_QUEUE);
	if (!n)
		goto out;
	wire_send(&w, 5, 60);
	command(TCQ_PLUG_DISCARD);
	st = state();
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 5, "I3: DISCARD drops what is not released");
	is_u64(st.qlen, n, "I3, I6: what was stopped is held");
	is_u64(st.backlog, n * 60, "its bytes");
	is_u64(st.ctl.stopped, n, "it is still stopped");
	wire_send(&w, 3, 60);
	must("ip link set pt down");
	st = state();
	is_u64(PLUG_STAT(st, DROPS_RESET), n + 3, "I3: a reset drops and counts it");
	is_u64(st.qlen + st.backlog, 0, "I3: nothing is left");
	is_u64(st.ctl.stopped, 0, "nor stopped");
	must("ip link set pt up");
	tap_read(&tap, 0);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(tap_read(&tap, 0), 0, "and nothing comes back");
	wire_send(&w, 3, 60);
	is_u64(tap_read(&tap, 3), 3, "new packets leave");
out:
	tap_end(&tap);
}

/* ---- two queues ---- */

/* Makes a tap with two queues and a closed plug; false if the tap cannot be used. */
static bool pair_begin(struct tap tap[2])
{
	plug_forget();
	tap_attach(&tap[0], IFF_MULTI_QUEUE);
	tap_attach(&tap[1], IFF_MULTI_QUEUE);
	tap_plug();
	if (!tap[0].stops) {
		skip("this kernel's tap device drops what it does not take");
		return false;
	}
	return tap_steer(&tap[0]);
}

static void pair_end(struct tap tap[2])
{
	w.dest = 0;
	if (tap[1].stops)
		is_u64(tap[1].reordered, 0, "I2: those of the second in order, each once");
	close(tap[1].fd);
	tap_end(&tap[0]);
}

/* The core dequeues several packets at once, as long as they go to the same transmit
 * queue. The next packet, which goes to another queue, is set aside outside of the
 * qdisc (skb_bad_txq), as it was enqueued: a GSO packet is not segmented yet. Here that
 * packet has to wait: the driver has handed back packets before it, and those go first.
 */
static void test_gso(void)
{
	unsigned int got, n;
	struct plug_state st;
	struct tap tap[2];

	diag("a GSO packet waits for its queue");
	if (!pair_begin(tap))
		goto out;
	w.dest = 0;
	wire_send(&w, RING + 4, 60);
	w.dest = 1;
	gso_send(&w, "pt");
	w.dest = 0;
	wire_send(&w, 3, 60);
	is_u64(state().qlen, RING + 8, "all are held");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	command(TCQ_PLUG_BUFFER);
	st = state();
	n = st.ctl.stopped;
	diag("%u are stopped; %u were handed back", n, st.requeues);
	ok(n >= 4 + 3, "what the first queue did not take is stopped, and what is behind it");
	ok(st.requeues, "packets were handed back");
	got = tap_read(&tap[0], RING);
	is_u64(got + tap_read(&tap[1], 0) + n, RING + 8, "no other leaves when the queue is read");
	is_u64(state().qlen, n, "they are held");
	command(TCQ_PLUG_RELEASE_ONE);
	is_u64(tap_read(&tap[0], RING + 7 - got), RING + 7 - got, "RELEASE_ONE: those for the first queue leave");
	is_u64(tap_read(&tap[1], GSO_SEGMENTS), GSO_SEGMENTS, "and the one for the second, in segments");
	ok(tap[1].longest < 2 * GSO_SIZE, "of which the longest has %zu bytes", tap[1].longest);
	st = state();
	is_u64(st.sent_packets, RING + 7 + GSO_SEGMENTS, "I3: each is counted once");
	is_u64(st.qlen + st.backlog, 0, "I3: nothing is left over");
out:
	pair_end(tap);
}

/* Puts @unread frames into the second queue, from which nobody reads. Then the plug
 * is closed and empty, and the next frames go to that queue. False: see pair_begin().
 */
static bool pair_fill(struct tap tap[2], unsigned int unread)
{
	if (!pair_begin(tap))
		return false;
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	w.dest = 1;
	wire_send(&w, unread, 60);
	is_u64(state().qlen, 0, "the second queue takes %u", unread);
	command(TCQ_PLUG_BUFFER);
	return true;
}

/* As in test_gso(), but the first queue takes all its packets. Only the packet for
 * the second queue waits, with no others before or behind it.
 */
static bool one_waits(struct tap tap[2])
{
	struct plug_state st;

	if (!pair_fill(tap, RING))
		return false;
	w.dest = 0;
	wire_send(&w, 3, 60);
	w.dest = 1;
	wire_send(&w, 1, 60);
	command(TCQ_PLUG_BUFFER);
	command(TCQ_PLUG_RELEASE_ONE);
	is_u64(tap_read(&tap[0], 3), 3, "those for the first queue leave");
	st = state();
	is_u64(st.qlen, 1, "the one for the second waits");
	is_u64(st.requeues, 0, "and was not handed back");
	return true;
}

/* Sends two more packets and discards them; the packet that waits must stay. @before
 * packets were discarded earlier.
 */
static void discard_two(unsigned int before)
{
	wire_send(&w, 2, 60);
	command(TCQ_PLUG_DISCARD);
	is_u64(PLUG_STAT(state(), DROPS_DISCARD), before + 2, "I3: DISCARD counts what it drops");
	is_u64(state().qlen, 1, "and leaves what waits");
}

static void one_is_stopped(void)
{
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	command(TCQ_PLUG_BUFFER);
	is_u64(state().ctl.stopped, 1, "BUFFER stops it");
	is_u64(state().ctl.head_epoch, state().ctl.released, "the dump says that a released packet waits");
}

static void test_other(void)
{
	struct tap tap[2];

	diag("one packet waits for its queue, alone");
	if (!one_waits(tap))
		goto out;
	discard_two(0);
	one_is_stopped();
	discard_two(2);
	is_u64(tap_read(&tap[1], RING), RING, "once the queue is read: what it had, and no more");
	is_u64(state().ctl.stopped, 1, "it is still stopped");
	command(TCQ_PLUG_RELEASE_ONE);
	is_u64(tap_read(&tap[1], 1), 1, "I5: RELEASE_ONE: it leaves");
	is_u64(state().qlen + state().backlog, 0, "I3: nothing is left over");
out:
	pair_end(tap);
}

static void test_other_lost(void)
{
	struct plug_state st;
	struct tap tap[2];

	diag("reset with a packet that waits for its queue and is stopped");
	if (!one_waits(tap))
		goto out;
	one_is_stopped();
	must("ip link set pt down");
	st = state();
	is_u64(PLUG_STAT(st, DROPS_RESET), 1, "I3: it is dropped and counted");
	is_u64(st.qlen + st.backlog + st.ctl.stopped, 0, "I3: nothing is left");
	must("ip link set pt up");
	tap_read(&tap[1], 0);
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(tap_read(&tap[1], 0), 0, "and nothing comes back");
out:
	pair_end(tap);
}

/* The core segments a GSO packet for a device that cannot do so. The queue takes one
 * segment; the driver hands the others back.
 */
static void test_segments(void)
{
	const unsigned int back = GSO_SEGMENTS - 1;
	struct plug_state st;
	struct tap tap[2];

	diag("segments that the driver hands back");
	if (!pair_fill(tap, RING - 1))
		goto out;
	gso_send(&w, "pt");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	command(TCQ_PLUG_BUFFER);
	st = state();
	is_u64(st.requeues, back, "they are handed back");
	is_u64(st.ctl.stopped, back, "and stopped");
	is_u64(st.qlen, back, "qlen");
	is_u64(st.backlog, back * GSO_FRAME, "each counts as long as it is");
	is_u64(st.ctl.head_epoch, st.ctl.released, "the dump says that released packets wait");
	is_u64(tap_read(&tap[1], RING), RING, "once the queue is read: one segment, and no more");
	command(TCQ_PLUG_RELEASE_ONE);
	is_u64(tap_read(&tap[1], back), back, "RELEASE_ONE: they leave");
	is_u64(state().qlen, 0, "I3: nothing is left over");
	is_u64(state().backlog, 0, "nor bytes");
out:
	pair_end(tap);
}

/* ---- scheduling of the queue ---- */

/* From 7.2 on the core keeps held packets when a clsact is attached or removed.
 * During that change no transmit queue has its qdisc. If a driver restarts a queue at
 * that time, the core of 7.2 does not run the qdisc. An ifb, whose queue stops with
 * each packet, shows this at the first try. It was not seen on 7.3.
 */
struct clsact {
	atomic_bool stop;
	pthread_t thread;
};

static int clsact(int nl, int type, int flags)
{
	struct plug_msg msg = {
		.dev = "pi", .parent = TC_H_CLSACT, .handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.type = type, .flags = flags, .kind = "clsact",
	};

	return nl_request(nl, &msg, NULL);
}

static void *come_and_go(void *arg)
{
	struct clsact *c = arg;
	int nl = nl_open();

	while (!atomic_load(&c->stop))
		if (clsact(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL) ||
		    clsact(nl, RTM_DELQDISC, 0))
			bail("clsact does not come or go");
	close(nl);
	return NULL;
}

/* Releases @n packets while a clsact comes and goes. Tries this until some packets
 * stay in a queue that is not run, at most @tries times; returns how many stay.
 */
static unsigned int stall(struct wire *in, unsigned int n, unsigned int tries)
{
	struct clsact c = { .stop = false };
	unsigned int i, left = n;

	for (i = 0; i < tries && left == n; i++) {
		command(TCQ_PLUG_BUFFER);
		wire_send(in, n, 60);
		atomic_store(&c.stop, false);
		if (pthread_create(&c.thread, NULL, come_and_go, &c))
			bail("no thread");
		command(TCQ_PLUG_RELEASE_INDEFINITE);
		left = wire_drain(&w, 500);
		atomic_store(&c.stop, true);
		pthread_join(c.thread, NULL);
		left += wire_drain(&w, 500);
	}
	diag("%u of %u left while clsact came and went (try %u)", left, n, i);
	is_u64(state().qlen, n - left, "the others are in the queue");
	return n - left;
}

/* Whether a held packet is lost when a clsact is attached and removed. */
static bool clsact_resets(struct wire *in)
{
	wire_send(in, 1, 60);
	if (clsact(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL) || clsact(nl, RTM_DELQDISC, 0))
		bail("clsact does not come or go");
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	return !(wire_recv(&w, PLUG_STAT(state(), DROPS_RESET) ? 0 : 1));
}

static void test_kick(void)
{
	static const int actions[] = {
		TCQ_PLUG_RELEASE_INDEFINITE, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_UPTO,
		TCQ_PLUG_LIMIT, TCQ_PLUG_DISCARD,
	};
	const bool fixed = !kernel_is_before(7, 3);
	const unsigned int n = 5000;
	unsigned int i, held;
	struct wire in;

	diag("a command gets a queue going that the core left lying");
	ifb_start(&in);
	if (clsact_resets(&in)) {
		skip("this kernel's core drops what is held when clsact comes");
		goto out;
	}
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		held = stall(&in, n, fixed ? 1 : TRIES);
		if (!held && fixed) {
			skip("this kernel's core runs the queue by itself");
			break;
		}
		ok(held, "the core left %u packets lying", held);
		if (actions[i] == TCQ_PLUG_RELEASE_UPTO)
			upto_released();
		else
			command(actions[i]);
		wire_leaves(&w, held, name_of(actions[i]));
	}
out:
	ifb_end(&in);
}

/* Where the plug is whose packets are for the second of two transmit queues. */
struct place {
	const char *name;
	const char *attach;
	__u32 at;
};

static const struct place places[] = {
	{
		.name = "the root",
		.attach = "tc qdisc add dev pt root handle 40: plug release_indefinite",
		.at = TC_H_ROOT,
	}, {
		.name = "below prio",
		.attach = "tc qdisc add dev pt root handle 1: prio bands 2 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 && "
			  "tc qdisc add dev pt parent 1:2 handle 40: plug release_indefinite",
		.at = 0x10002,
	}, {
		.name = "below mq",
		.attach = "tc qdisc add dev pt root handle 1: mq && "
			  "tc qdisc add dev pt parent 1:2 handle 40: plug release_indefinite",
		.at = 0x10002,
	},
	{ NULL }
};

/* The first transmit queue is full. The plug holds packets for the second, and a
 * release must send them.
 */
static void second_queue(const struct place *p, const struct kind *k)
{
	struct plug_state root;
	struct tap tap[2];

	diag("a stopped queue that is not the packets': %s, %s", p->name, k->name);
	plug_forget();
	tap_attach(&tap[0], IFF_MULTI_QUEUE);
	tap_attach(&tap[1], IFF_MULTI_QUEUE);
	must("ip link set pt txqueuelen %u up && %s", RING, p->attach);
	plug.dev = "pt";
	plug.at = p->at;
	wire_open(&w, "pt");
	if (!tap_steer(&tap[0]))
		goto out;
	w.dest = 0;
	wire_send(&w, RING, 60);
	is_u64(state().qlen, 0, "the device takes what its first queue can hold");
	command(TCQ_PLUG_BUFFER);
	w.dest = 1;
	wire_send(&w, 5, 60);
	command(TCQ_PLUG_BUFFER);
	k->release();
	is_u64(tap_read(&tap[1], 5), 5, "I5: what is for the second leaves");
	w.dest = 0;
	command(TCQ_PLUG_RELEASE_INDEFINITE);
	wire_send(&w, 1, 60);
	is_u64(qdisc_get(nl, "pt", TC_H_ROOT, &root) ? root.qlen : 0, 1,
	       "what is for the first waits: it is stopped");
	is_u64(tap_read(&tap[0], RING + 1), RING + 1, "until it is read");
	is_u64(tap[0].reordered + tap[1].reordered, 0, "I2: in order, each once");
out:
	w.dest = 0;
	wire_close(&w);
	close(tap[1].fd);
	close(tap[0].fd);
}

static void test_root(void)
{
	const struct place *p;
	const struct kind *k;
	struct tap tap;

	tap_attach(&tap, 0);
	close(tap.fd);
	if (!tap.stops) {
		skip("a stopped queue that is not the packets': this kernel's tap device stops none");
		return;
	}
	for (p = places; p->name; p++)
		for (k = kinds; k->name; k++)
			if (k->others >= 5)
				second_queue(p, k);
}

static const struct test tests[] = {
	{ "stop", test_stop },
	{ "peek", test_peek },
	{ "release", test_release },
	{ "discard", test_discard },
	{ "reset", test_reset },
	{ "again", test_again },
	{ "limit", test_limit },
	{ "loop", test_loop },
	{ "ifb", test_ifb },
	{ "tap", test_tap },
	{ "queues", test_queues },
	{ "lost", test_lost },
	{ "gso", test_gso },
	{ "other", test_other },
	{ "other-lost", test_other_lost },
	{ "segments", test_segments },
	{ "kick", test_kick },
	{ "root", test_root },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
