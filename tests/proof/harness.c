// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Properties that hold for every input, proved by CBMC on src/plug_queue.c itself.
 *
 * The proof starts with a plug in any consistent state: any epoch numbers, up to
 * HELD packets of any size, any limit. It then does STEPS arbitrary operations with
 * any arguments. After each operation it compares the plug with a model, and
 * requires that the state is consistent again. So it is an induction for queues of
 * up to HELD packets; longer queues are not covered. In the module, only a reset
 * and a discard walk the queue; all other operations access only its two ends.
 *
 * With DISCARDS the operation is a discard, and the packets are short, so that more
 * of them can be held.
 *
 * Commands come as tc messages and, with RTNL and without, from the control
 * interface; plug_control.c itself is not covered.
 *
 * For each packet the model stores the epoch in which it was enqueued, whether it
 * was released (set by commands, never cleared), and whether the valve has stopped
 * it (set by BUFFER on an open plug for all packets held, cleared by any release).
 *
 *	I1	dequeue returns only packets that a command has released
 *	I2	dequeue returns the oldest packet in the queue
 *	I3	each packet is held, or has left or was dropped, once; counters agree
 *	I4	a reset, a limit, a refused packet or command change no epoch; the
 *		epoch of a new plug is above those of all plugs before it
 *	I5	if the head of the queue may leave after a command, the command has
 *		scheduled the queue
 *	I6 I8	dequeue returns a packet exactly when the model would
 *	I7	peek returns what dequeue would return, and changes nothing
 *	valve	stopped packets do not leave before a release of any kind, and then
 *		leave first, including packets that the driver handed back
 *	discard	drops the packets of the named epochs that are not released, and no
 *		others; repeated, it drops nothing
 *	without RTNL	a command does the same as with RTNL, or returns -EAGAIN and
 *		does nothing; flags and lists are not written
 *	lock	the module takes the lock of the root, and no other
 *	look	a snapshot has the state right after its command
 *	ours	a packet is copied exactly when it enters a closed plug; a failed
 *		copy is counted; only a copied packet may stop counting against its
 *		socket's send buffer
 *
 * Not covered: several processors (but calls that need the root lock are checked to
 * have it), the parsing of netlink messages by the core, packets that the core
 * sends itself (those that it keeps, and those that bypass an open plug), and more
 * than 2^64 epochs.
 */
#include "kernel.h"
#include "../../src/plug_queue.c"

#define PACKETS	(HELD + STEPS)

#ifdef DISCARDS
#define ANY_OPERATION	4
#define ANY_ACTION	TCQ_PLUG_DISCARD
#define ANY_PATH	true
#define ANY_LENGTH	nondet_u8()
#else
#define ANY_OPERATION	nondet_u8()
#define ANY_ACTION	nondet_int()
#define ANY_PATH	nondet_bool()
#define ANY_LENGTH	nondet_u32()
#endif

#define require(what, condition)	__CPROVER_assert(condition, what)
#define assume(condition)		__CPROVER_assume(condition)

int nondet_int(void);
bool nondet_bool(void);
u8 nondet_u8(void);
u32 nondet_u32(void);
u64 nondet_u64(void);

struct plug_sched_data plug_data;
struct net_device device;
struct user_namespace init_user_ns;
static struct {
	struct nlattr options;
	struct tc_plug_qopt qopt;
} message;
struct Qdisc *root_qdisc;
static struct netdev_queue queue;
static struct Qdisc qdisc = { .dev_queue = &queue }, parent, next_root;
struct Qdisc noop_qdisc;
bool inactive;	/* the core has put the noop qdisc in the place of the root */

/* Packets in the order in which they were offered, oldest first. */
static struct sk_buff *packets[PACKETS];

/* The model: */
static enum { OUTSIDE, HELD_BACK, LEFT, RESET, DISCARDED } place[PACKETS];
static u64 born[PACKETS];	/* enqueued in this epoch */
static bool may_leave[PACKETS];	/* was released */
static bool stopped[PACKETS];	/* stopped by the valve, waits for a release */
static bool open, shut;
static u64 epoch;		/* being filled */
static u64 released;		/* the last released epoch */

/* Packets that had left the plug, but that the driver could not take. The core keeps
 * them beside the root's queue, each in one of two lists, and counts them as queued.
 * backs[0] is the oldest.
 */
#ifndef BACKS
#define BACKS 1
#endif

static struct back {
	struct sk_buff	skb;
	bool		is, bad;	/* was handed back; is in skb_bad_txq */
} backs[BACKS];

static bool running;	/* backs[0] is on its way to the driver */
static bool looked;	/* the module has seen running set */
static u64 was_last;	/* the highest epoch number before the operation */

static u64 drops_limit, drops_reset, drops_discard, copy_failures;
static u64 discard_upto;	/* the current command may drop up to this epoch */
static struct Qdisc *locked;	/* the qdisc whose lock is held */
static bool rtnl, grafted, scheduled, waited, had_waited;
/* What a discard has reported to parents, less what it has freed: 0 at the end. */
static u32 told_packets, told_bytes;

/* Functions that the module calls */

/* Replaces the root, as may happen (once) while the module waits for its lock. */
static void graft(void)
{
	grafted = true;
	root_qdisc = queue.qdisc_sleeping = &next_root;
}

void spin_lock_bh(struct Qdisc *lock)
{
	require("lock: not taken twice", !locked);
	if (!rtnl && !grafted && nondet_bool())
		graft();
	locked = lock;
}

void spin_unlock_bh(struct Qdisc *lock)
{
	require("lock: given back once", locked && locked == lock);
	locked = NULL;
}

void sch_tree_lock(struct Qdisc *sch)
{
	require("lock: RTNL keeps the root", rtnl);
	spin_lock_bh(root_qdisc);
}

void sch_tree_unlock(struct Qdisc *sch)
{
	spin_unlock_bh(root_qdisc);
}

void lockdep_assert_held(const struct Qdisc *lock)
{
	require("lock: of what is the root", locked == lock);
}

void ASSERT_RTNL(void)
{
	require("without RTNL: flags are left alone", rtnl);
}

void written(const void *what)
{
	require("without RTNL: flags are not written", rtnl || what != &qdisc.flags);
}

void plug_wait_for_deferred(void)
{
	require("lock: nobody waits with it", !locked);
	waited = true;
}

void __netif_schedule(struct Qdisc *sch)
{
	require("lock: scheduled while it is held", locked == root_qdisc);
	require("I5: the root is scheduled", sch == root_qdisc || (rtnl && inactive));
	scheduled = true;
}

u64 ktime_get_ns(void)
{
	return nondet_u64();
}

/* Stubs of the control interface, which is not covered. */
int plug_control_init(void)
{
	return 0;
}

void plug_control_exit(void)
{
}

static struct plug_snapshot announced;
static unsigned int announced_flags;

void plug_attached(struct Qdisc *sch)
{
	plug_look(sch, &announced);
	announced_flags = sch->flags;
}

void plug_detached(struct Qdisc *sch)
{
}

/* Checks the snapshot for userspace against the current state */
static void look_is_right(const struct plug_snapshot *snap)
{
	require("look: the numbers of the moment", snap->epoch == plug_data.epoch &&
		snap->released == plug_data.released);
	require("look: what is held", snap->qlen == qdisc.q.qlen &&
		snap->backlog == qdisc.qstats.backlog &&
		snap->stopped == plug_data.stopped && snap->limit == plug_data.limit);
	require("look: the statistics", snap->closed_at == plug_data.closed_at &&
		plug_commands(&snap->stats) == plug_commands(&plug_data.stats) &&
		snap->stats.drops_discard == plug_data.stats.drops_discard);
}

void plug_changed(struct Qdisc *sch, const struct plug_cmd *cmd,
		  struct plug_snapshot *after)
{
	look_is_right(after);
}

int skb_orphan_frags_rx(struct sk_buff *skb, gfp_t gfp)
{
	require("ours: a copy that does not sleep", gfp == GFP_ATOMIC);
	require("ours: copied once", !skb->copied);
	if (nondet_bool()) {
		copy_failures++;
		return -ENOMEM;
	}
	skb->copied = true;
	return 0;
}

void skb_orphan_partial(struct sk_buff *skb)
{
	require("ours: the owner of the pages hears of it last", skb->copied);
	require("ours: what is to be encrypted keeps its socket", !skb->decrypted);
	require("ours: taken off its account once", skb->destructor != sock_efree);
	skb->orphaned = true;
}

static void move(struct sk_buff *skb, int to)
{
	for (int i = 0; i < PACKETS; i++) {
		if (skb != packets[i])
			continue;
		require("I3: a packet goes once", place[i] == HELD_BACK);
		require("I3: a discard takes what is not released",
			to != DISCARDED || !may_leave[i]);
		require("discard: no epoch that was not named",
			to != DISCARDED || born[i] <= discard_upto);
		place[i] = to;
	}
}

void packet_refused(struct sk_buff *skb)
{
	drops_limit++;
}

void packet_reset(struct sk_buff *skb)
{
	move(skb, RESET);
	drops_reset++;
}

void rtnl_kfree_skbs(struct sk_buff *skb, struct sk_buff *tail)
{
	for (;; skb = skb->next) {
		move(skb, DISCARDED);
		drops_discard++;
		told_packets--;
		told_bytes -= qdisc_pkt_len(skb);
		if (skb == tail)
			break;
	}
}

void qdisc_tree_reduce_backlog(struct Qdisc *sch, int n, int len)
{
	require("lock: parents corrected while it is held", locked);
	told_packets += n;
	told_bytes += len;
}

/* Events between the core and the driver */

static void hand_back(struct back *b)
{
	struct sk_buff_head *list;

	b->is = true;
	b->bad = nondet_bool();
	b->skb.len = nondet_u32();
	b->skb.cb.pkt_len = ANY_LENGTH;
	b->skb.next = NULL;
	/* The packet was once accepted, below a limit that is a u32. */
	assume((u64)qdisc.qstats.backlog + b->skb.cb.pkt_len <= U32_MAX);
	list = b->bad ? &qdisc.skb_bad_txq : &qdisc.gso_skb;
	if (list->first)
		list->first->next = &b->skb;
	else
		list->first = &b->skb;
	qdisc.q.qlen++;
	qdisc.qstats.backlog += b->skb.cb.pkt_len;
}

/* The module asks whether the packet is still on its way. When it no longer is,
 * the driver has taken the packet or handed it back.
 */
bool qdisc_is_running(const struct Qdisc *sch)
{
	require("lock: looked at while it is held", locked);
	require("valve: the plug's own run is waited for", sch == &qdisc && sch == root_qdisc);
	if (!running)
		return false;
	/* Once is enough: a second "yes" would change nothing. */
	if (!looked && nondet_bool())
		return looked = true;
	running = false;
	if (nondet_bool())
		hand_back(&backs[0]);
	return false;
}

/* The contents of the queue, by the model */

static u32 n_back(void)
{
	u32 n = 0;

	for (int i = 0; i < BACKS; i++)
		n += backs[i].is;
	return n;
}

static int oldest(void)
{
	for (int i = 0; i < PACKETS; i++)
		if (place[i] == HELD_BACK)
			return i;
	return -1;
}

static bool released_waits(void)
{
	return n_back() || (oldest() >= 0 && may_leave[oldest()]);
}

static struct sk_buff *next_to_leave(void)
{
	int i = oldest();

	return i >= 0 && may_leave[i] && !stopped[i] ? packets[i] : NULL;
}

static u32 n_stopped(void)
{
	u32 n = shut ? n_back() : 0;

	for (int i = 0; i < PACKETS; i++)
		n += place[i] == HELD_BACK && stopped[i];
	return n;
}

/* Returns whether the list has exactly the packets that belong to it, in order. */
static bool has(const struct sk_buff_head *list, bool bad)
{
	const struct sk_buff *skb = list->first;

	for (int i = 0; i < BACKS; i++) {
		if (!backs[i].is || backs[i].bad != bad)
			continue;
		if (skb != &backs[i].skb)
			return false;
		skb = skb->next;
	}
	return !skb;
}

/* Checks who has the packets that the driver handed back: the core, or, while the
 * valve is shut, the plug.
 */
static void kept_apart(void)
{
	require("valve: who has what was handed back, in order",
		has(shut ? &plug_data.stopped_gso : &qdisc.gso_skb, false) &&
		has(shut ? &plug_data.stopped_bad_txq : &qdisc.skb_bad_txq, true));
	require("valve: and nobody else has", shut ?
		!qdisc.gso_skb.first && !qdisc.skb_bad_txq.first :
		!plug_data.stopped_gso.first && !plug_data.stopped_bad_txq.first);
	for (int i = 0; i < BACKS; i++)
		require("valve: a segment counts no more than it is", !shut ||
			!backs[i].is || backs[i].skb.cb.pkt_len <= backs[i].skb.len);
}

static int newest(void)
{
	for (int i = PACKETS - 1; i >= 0; i--)
		if (place[i] == HELD_BACK)
			return i;
	return -1;
}

/* Checks the reported epochs at the ends of the queue */
static void honest(void)
{
	struct plug_snapshot snap;
	u64 head;

	plug_look(&qdisc, &snap);
	look_is_right(&snap);
	head = snap.head_epoch;
	require("look: released packets wait, if and only if they do",
		(head && head <= released) == released_waits());
	require("look: the head is not younger than the tail", head <= snap.tail_epoch);
	require("look: the head's epoch", n_back() || head ==
		(oldest() < 0 ? 0 : born[oldest()]));
	require("look: the tail's epoch", snap.tail_epoch ==
		(newest() < 0 ? head : born[newest()]));
}

static void consistent(void)
{
	struct sk_buff *skb = qdisc.q.head, *last = NULL;
	u64 n = n_back(), bytes = 0;

	for (int i = 0; i < BACKS; i++)
		bytes += backs[i].is ? backs[i].skb.cb.pkt_len : 0;
	for (int i = 0; i < PACKETS; i++) {
		if (place[i] != HELD_BACK)
			continue;
		require("I2: the queue is in order, complete", skb == packets[i]);
		require("I4: the mark is the packet's epoch",
			plug_skb_cb(skb)->epoch == born[i]);
		require("I1, I6: it may leave exactly if it was released",
			(born[i] <= plug_data.released) == may_leave[i]);
		require("valve: and leaves unless it was stopped",
			(born[i] <= plug_data.leaves_upto) ==
			(may_leave[i] && !stopped[i]));
		n++;
		bytes += qdisc_pkt_len(skb);
		last = skb;
		skb = skb->next;
	}
	require("I3: nothing else is in the queue", !skb && qdisc.q.tail == last);
	require("I3: qlen", qdisc.q.qlen == n);
	require("I3: backlog", qdisc.qstats.backlog == bytes);

	require("I4: the epoch being filled", plug_data.epoch == epoch);
	require("I8: the last one released", plug_data.released == released);
	require("I6: open is open", (released == epoch) == open);
	require("valve: the last that leaves",
		plug_data.leaves_upto == (shut ? 0 : released));
	require("valve: shut while closed only", !shut || !open);
	require("valve: how many it has stopped", plug_data.stopped == n_stopped());
	kept_apart();
	require("I4: no plug has had a higher number",
		(u64)plug_last_epoch.counter >= epoch &&
		(u64)plug_last_epoch.counter >= was_last);
	was_last = plug_last_epoch.counter;
	require("bypass exactly while open",
		!!(qdisc.flags & TCQ_F_CAN_BYPASS) == open);
	require("a limit is never 0", plug_data.limit);

	require("I3: drops", qdisc.qstats.drops ==
		(u32)(drops_limit + drops_reset + drops_discard));
	require("I3: drops at the limit", plug_data.stats.drops_limit == drops_limit);
	require("I3: drops by reset", plug_data.stats.drops_reset == drops_reset);
	require("I3: drops by discard", plug_data.stats.drops_discard == drops_discard);
	require("ours: copies that failed",
		plug_data.stats.copy_failures == copy_failures);
	require("I3: parents know of the discarded", !told_packets && !told_bytes);
	require("lock: given back", !locked);
	honest();
}

static void any_message(void)
{
	message.options.len = nondet_int();
	message.qopt.action = nondet_int();
	message.qopt.limit = nondet_u32();
	assume(message.options.len >= 0 && message.options.len <= 64);
}

/* Begins with any state that consistent() accepts. */
static void begin(void)
{
	u64 bytes = 0, least = 0;
	bool more = true;

	open = nondet_bool();
	epoch = nondet_u64();
	released = nondet_u64();
	assume(epoch >= 1 && epoch < ~(u64)0 - STEPS);
	assume(open ? released == epoch : released < epoch);

	shut = !open && released && nondet_bool();

	plug_data.epoch = epoch;
	plug_data.released = released;
	plug_data.leaves_upto = shut ? 0 : released;
	plug_data.orphan = nondet_bool();
	plug_last_epoch.counter = nondet_u64();
	assume((u64)plug_last_epoch.counter >= epoch &&
	       (u64)plug_last_epoch.counter < ~(u64)0 - STEPS);
	plug_data.limit = nondet_u32();
	assume(plug_data.limit);
	qdisc.flags = nondet_u32() & ~(TCQ_F_CAN_BYPASS | TCQ_F_BUILTIN);
	if (open)
		qdisc.flags |= TCQ_F_CAN_BYPASS;

	for (int i = 0; i < HELD; i++) {
		struct sk_buff *skb = packets[i];
		u64 mark = nondet_u64();

		more = more && nondet_bool();
		if (!more)
			break;
		assume(mark && mark >= least && mark <= epoch);
		least = mark;
		skb->cb.pkt_len = ANY_LENGTH;
		bytes += qdisc_pkt_len(skb);
		qdisc_enqueue_tail(skb, &qdisc);
		plug_skb_cb(skb)->epoch = mark;
		place[i] = HELD_BACK;
		born[i] = mark;
		may_leave[i] = mark <= released;
		stopped[i] = shut && may_leave[i];
	}
	/* The driver can hand back nothing before something was released. */
	for (int i = 0; i < BACKS && root_qdisc == &qdisc && released; i++) {
		if (!nondet_bool())
			continue;
		hand_back(&backs[i]);
		bytes += backs[i].skb.cb.pkt_len;
		assume(!shut || backs[i].skb.cb.pkt_len <= backs[i].skb.len);
	}
	if (shut) {
		plug_data.stopped_gso = qdisc.gso_skb;
		plug_data.stopped_bad_txq = qdisc.skb_bad_txq;
		qdisc.gso_skb.first = qdisc.skb_bad_txq.first = NULL;
	}
	/* With the valve shut the core has no packets for the driver. */
	running = root_qdisc == &qdisc && !backs[0].is && !shut && nondet_bool();
	plug_data.stopped = n_stopped();
	/* The packets were accepted under a u32 as the limit, maybe not the present one. */
	assume(bytes <= U32_MAX);
	consistent();
}

/* The base of the induction: a new plug is consistent. */
static void create(void)
{
	bool options = nondet_bool(), right;
	u64 last = nondet_u64();
	int answer;

	assume(last < ~(u64)0 - STEPS - 1);
	was_last = plug_last_epoch.counter = last;
	any_message();
	right = !options || (message.options.len >= 8 &&
			     message.qopt.action >= TCQ_PLUG_BUFFER &&
			     message.qopt.action <= TCQ_PLUG_LIMIT);
	rtnl = true;
	answer = plug_init(&qdisc, options ? &message.options : NULL, NULL);
	rtnl = false;
	require("a creation: the answer", answer == (right ? 0 : -EINVAL));
	assume(!answer);
	open = plug_data.released == plug_data.epoch;
	look_is_right(&announced);
	require("a creation: announced when it is done", announced_flags == qdisc.flags);
	require("open only if asked to be",
		!open || message.qopt.action == TCQ_PLUG_RELEASE_INDEFINITE);
	epoch = last + 1;
	released = open ? epoch : last;
	require("ours: sockets give up their account where root sets the limit",
		plug_data.orphan == (device.net.user_ns == &init_user_ns));
	consistent();
}

/* The operations, each compared with the model */

static void do_enqueue(int i)
{
	u64 held = qdisc.qstats.backlog, failures = copy_failures;
	struct sk_buff *to_free = NULL;
	int ret;

	packets[i]->cb.pkt_len = nondet_u32();
	packets[i]->decrypted = nondet_bool();
	packets[i]->destructor = nondet_bool() ? sock_efree : NULL;
	packets[i]->copied = packets[i]->orphaned = false;
	ret = plug_enqueue(packets[i], &qdisc, &to_free);
	require("accepted exactly when it fits below the limit",
		(ret == NET_XMIT_SUCCESS) ==
		(held + packets[i]->cb.pkt_len <= plug_data.limit));
	require("ours: an open plug, or a full one, leaves a packet as it is",
		(!open && ret == NET_XMIT_SUCCESS) ||
		(!packets[i]->copied && copy_failures == failures));
	if (ret != NET_XMIT_SUCCESS)
		return;
	require("ours: a closed one has a copy, or counts that it has none",
		open || packets[i]->copied == (copy_failures == failures));
	require("ours: and what it may it takes off the socket's account",
		packets[i]->orphaned == (packets[i]->copied && plug_data.orphan &&
					 !packets[i]->destructor &&
					 !packets[i]->decrypted));
	place[i] = HELD_BACK;
	born[i] = epoch;
	may_leave[i] = open;
	stopped[i] = false;
}

static void do_dequeue(void)
{
	struct sk_buff *want = next_to_leave();
	struct sk_buff *skb = plug_dequeue(&qdisc);

	for (int i = 0; i < PACKETS; i++)
		if (skb == packets[i])
			require("I1: it was released", may_leave[i]);
	require("I2, I6, I8: the oldest packet, if released", skb == want);
	if (skb)
		move(skb, LEFT);
}

static void do_peek(void)
{
	struct plug_sched_data data = plug_data;
	struct Qdisc before = qdisc;

	require("I7: what dequeue would return",
		plug_peek(&qdisc) == next_to_leave());
	require("I7: no change", data.epoch == plug_data.epoch &&
		data.released == plug_data.released &&
		data.leaves_upto == plug_data.leaves_upto &&
		before.q.head == qdisc.q.head && before.q.tail == qdisc.q.tail &&
		before.q.qlen == qdisc.q.qlen && before.flags == qdisc.flags);
	do_dequeue();
}

static void release(u64 from, u64 to)
{
	for (int i = 0; i < PACKETS; i++) {
		if (born[i] >= from && born[i] <= to)
			may_leave[i] = true;
		stopped[i] = false;
	}
	released = to;
	shut = false;
}

static void stop(void)
{
	for (int i = 0; i < PACKETS; i++)
		stopped[i] = place[i] == HELD_BACK;
	shut = true;
}

static void do_reset(void)
{
	plug_reset(&qdisc);
	/* The core itself drops the packets that it keeps. */
	drops_reset += n_back();
	for (int i = 0; i < BACKS; i++)
		backs[i].is = false;
	qdisc.gso_skb.first = qdisc.skb_bad_txq.first = NULL;
}

/* Executes the command in the model. Returns the answer that the module must give. */
static int model_command(const struct plug_cmd *cmd)
{
	u64 last = cmd->last;

	switch (cmd->action) {
	case TCQ_PLUG_BUFFER:
		if (open)
			stop();
		epoch++;
		open = false;
		return 0;
	case TCQ_PLUG_RELEASE_ONE:
		if (!open && released + 1 != epoch)
			release(released + 1, released + 1);
		else
			release(0, released);
		return 0;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		release(0, epoch);
		open = true;
		return 0;
	case TCQ_PLUG_RELEASE_UPTO:
		if (last < released)
			return 0;
		if (last > released && last >= epoch)
			return -EINVAL;
		release(0, last);
		return 0;
	case TCQ_PLUG_DISCARD:
		require("I3: a rollback waits for what is on its way, if there is any",
			waited == (!open && !had_waited));
		if (!cmd->has_last)
			last = epoch;
		if (last > epoch)
			return -EINVAL;
		if (last <= released)
			return 0;
		released = last;
		if (last == epoch)
			epoch++;
		return 0;
	case TCQ_PLUG_LIMIT:
		require("a limit is what was asked for",
			!cmd->limit || plug_data.limit == cmd->limit);
		return 0;
	}
	return -EINVAL;
}

static void after_command(int answer, const struct plug_cmd *cmd, bool was_open)
{
	require("valve: whoever is on the way to the driver has arrived",
		answer || cmd->action != TCQ_PLUG_BUFFER || !was_open || !running);
	/* What is scheduled while the root is inactive starts nothing. */
	require("I5: what may leave now is scheduled", answer || scheduled || inactive ||
		!(next_to_leave() || root_qdisc->gso_skb.first ||
		  root_qdisc->skb_bad_txq.first));
	if (answer || cmd->action != TCQ_PLUG_DISCARD || open)
		return;
	for (int i = 0; i < PACKETS; i++)
		require("discard: all that it should",
			place[i] != HELD_BACK || may_leave[i] ||
			born[i] > discard_upto);
	require("discard: done with", plug_data.released >= discard_upto);
}

static u64 counter(const struct plug_stats *st, int action)
{
	switch (action) {
	case TCQ_PLUG_BUFFER:
		return st->buffer_cmds;
	case TCQ_PLUG_RELEASE_ONE:
		return st->release_one_cmds;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		return st->release_indefinite_cmds;
	case TCQ_PLUG_LIMIT:
		return st->limit_cmds;
	case TCQ_PLUG_DISCARD:
		return st->discard_cmds;
	case TCQ_PLUG_RELEASE_UPTO:
		return st->release_upto_cmds;
	}
	return 0;
}

static void counted(int answer, const struct plug_cmd *cmd, const struct plug_stats *before)
{
	u64 one = !answer;

	require("counted: a command that was obeyed, as what it is",
		counter(&plug_data.stats, cmd->action) == counter(before, cmd->action) + one);
	require("counted: once", plug_commands(&plug_data.stats) == plug_commands(before) + one);
}

/* Checks that a discard of epochs that are done with has changed nothing. */
static void discard_does_nothing(const struct plug_sched_data *data,
				 const struct Qdisc *before)
{
	require("discard: of what is done with, no number",
		data->epoch == plug_data.epoch && data->released == plug_data.released &&
		data->leaves_upto == plug_data.leaves_upto);
	require("discard: of what is done with, no packet",
		before->q.head == qdisc.q.head && before->q.tail == qdisc.q.tail &&
		before->q.qlen == qdisc.q.qlen &&
		before->qstats.backlog == qdisc.qstats.backlog &&
		before->qstats.drops == qdisc.qstats.drops);
}

static void not_without_rtnl(int answer, const struct plug_cmd *cmd,
			     const struct plug_sched_data *data,
			     const struct Qdisc *before)
{
	require("without RTNL: nothing but numbers is written",
		before->flags == qdisc.flags &&
		before->q.head == qdisc.q.head && before->q.tail == qdisc.q.tail &&
		before->q.qlen == qdisc.q.qlen &&
		before->gso_skb.first == qdisc.gso_skb.first &&
		before->skb_bad_txq.first == qdisc.skb_bad_txq.first &&
		data->stopped_gso.first == plug_data.stopped_gso.first &&
		data->stopped_bad_txq.first == plug_data.stopped_bad_txq.first &&
		data->stopped == plug_data.stopped &&
		data->limit == plug_data.limit && data->closed_at == plug_data.closed_at);
	require("without RTNL: neither opened nor closed", (data->epoch == data->released) ==
		(plug_data.epoch == plug_data.released));
	require("without RTNL: -EAGAIN has done nothing", answer != -EAGAIN ||
		(data->epoch == plug_data.epoch && data->released == plug_data.released &&
		 data->leaves_upto == plug_data.leaves_upto &&
		 plug_commands(&data->stats) == plug_commands(&plug_data.stats)));
	require("without RTNL: not under a lock of the core's", answer == -EAGAIN ||
		!(root_qdisc->flags & TCQ_F_BUILTIN));
	require("without RTNL: nothing is scheduled while the root is inactive",
		!scheduled || !inactive);
	require("without RTNL: nothing is released while the root is inactive",
		answer == -EAGAIN || !inactive || cmd->action == TCQ_PLUG_BUFFER);
	require("without RTNL: what a loop sends is done", answer != -EAGAIN || open ||
		(root_qdisc->flags & TCQ_F_BUILTIN) ||
		!(cmd->action == TCQ_PLUG_BUFFER ||
		  (!shut && !inactive && (cmd->action == TCQ_PLUG_RELEASE_ONE ||
			     cmd->action == TCQ_PLUG_RELEASE_UPTO))));
}

/* A command in a tc message. */
static void do_message(void)
{
	struct plug_sched_data data = plug_data;
	struct plug_cmd cmd = { 0 };
	bool was_open = open;
	int answer;

	any_message();
	cmd.action = message.qopt.action;
	cmd.limit = message.qopt.limit;
	scheduled = waited = false;
	answer = plug_change(&qdisc, &message.options, NULL);
	if (message.options.len < 8) {
		require("a short message is refused", answer == -EINVAL);
	} else if (cmd.action < TCQ_PLUG_BUFFER || cmd.action > TCQ_PLUG_LIMIT) {
		require("the answer to what tc does not have", answer == -EINVAL);
	} else {
		require("the answer", answer == model_command(&cmd));
		after_command(answer, &cmd, was_open);
	}
	counted(answer, &cmd, &data.stats);
}

/* A command from the control interface, with RTNL or without. */
static void do_control(void)
{
	struct plug_cmd cmd = { .action = ANY_ACTION, .limit = nondet_u32(),
				.has_last = nondet_bool(), .last = nondet_u64(),
				.waited = nondet_bool() };
	struct plug_sched_data data = plug_data;
	struct plug_snapshot after;
	struct Qdisc before = qdisc;
	bool was_open = open;
	int answer;

	scheduled = waited = false;
	had_waited = cmd.waited;
	discard_upto = cmd.has_last ? cmd.last : epoch;
	if (rtnl) {
		answer = plug_command_rtnl(&qdisc, &cmd, &after, NULL);
		require("I3: whether it has waited is said",
			cmd.waited == (had_waited || (cmd.action == TCQ_PLUG_DISCARD && waited)));
	} else {
		answer = plug_command_rcu(&qdisc, &cmd, &after, NULL);
		not_without_rtnl(answer, &cmd, &data, &before);
		if (answer == -EAGAIN)
			return;
	}
	if (cmd.action == TCQ_PLUG_DISCARD && discard_upto <= released)
		discard_does_nothing(&data, &before);
	require("the answer", answer == model_command(&cmd));
	look_is_right(&after);
	after_command(answer, &cmd, was_open);
	counted(answer, &cmd, &data.stats);
}

int main(void)
{
	for (int i = 0; i < PACKETS; i++)
		packets[i] = malloc(sizeof(struct sk_buff));
	device.tx_queue_len = nondet_u32();
	device.net.user_ns = nondet_bool() ? &init_user_ns : NULL;
	root_qdisc = nondet_bool() ? &qdisc : &parent;
	queue.qdisc_sleeping = root_qdisc;
	inactive = nondet_bool();
	/* Either may have TCQ_F_BUILTIN, like the core's own qdiscs. */
	parent.flags = nondet_u32();
	next_root.flags = nondet_u32();
	/* The core may have been handed back packets of the parent's other children. */
	parent.gso_skb.first = nondet_bool() ? &backs[0].skb : NULL;
	if (nondet_bool())
		begin();
	else
		create();

	for (int step = 0; step < STEPS; step++) {
		/* sfb, as a parent, writes to the start of the packet's cb. */
		for (int i = 0; i < PACKETS; i++)
			packets[i]->cb.data[0] = nondet_u64();

		switch (ANY_OPERATION) {
		case 0:
			do_enqueue(HELD + step);
			break;
		case 1:
			do_dequeue();
			break;
		case 2:
			do_peek();
			break;
		case 3:
			rtnl = true;
			do_message();
			break;
		case 4:
			rtnl = ANY_PATH;
			do_control();
			break;
		default:
			do_reset();
			break;
		}
		consistent();
	}

#ifdef REACHED
	require("out of reach", !(place[0] == LEFT && oldest() >= 0 &&
				  released + 2 < epoch && n_back() && !shut));
	require("shut and out of reach", !(oldest() >= 0 && stopped[oldest()] &&
				      n_back() == BACKS && released + 2 < epoch));
	require("both out of reach", !(BACKS == 2 && shut && n_back() == 2));
#endif
	return 0;
}
