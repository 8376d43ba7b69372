// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue of sch_plug: hold packets until userspace releases them
 *
 * Output commit. A virtual machine, a container or a service runs on while its
 * last checkpoint is being copied to a backup. Packets that it sends must not
 * be seen by anyone until the backup has the checkpoint that was taken after
 * them: if the machine fails before, the backup resumes from an older
 * checkpoint, and the packets must never have been sent. This qdisc holds
 * them. It can also be closed and opened by hand, as a plain valve.
 *
 * The queue is a FIFO. Userspace divides it into epochs: TCQ_PLUG_BUFFER ends
 * one and begins the next, TCQ_PLUG_RELEASE_ONE lets the oldest epoch that has
 * ended leave, TCQ_PLUG_RELEASE_INDEFINITE lets everything leave, also what
 * comes later, until the next TCQ_PLUG_BUFFER.
 *
 *	  dequeue                                               enqueue
 *	          +-----+-----+  +-----+-----+  +-----+  +-----+
 *	  <---    |  6  |  6  |  |  7  |  7  |  |  8  |  |  9  |   <---
 *	          +-----+-----+  +-----+-----+  +-----+  +-----+
 *	             released = 6   wait for release        epoch = 9
 *
 * Two numbers are the whole state: the epoch being filled and the last epoch
 * released. Enqueue writes the first on the packet, dequeue compares the mark
 * of the packet at the head with the second. As the mark travels with the
 * packet, a drop, a reset or a packet that the driver hands back cannot move
 * the boundary between two epochs; and any number of epochs can wait, because
 * an epoch needs no memory. The plug is open when the two numbers are equal.
 *
 * A reset drops packets and leaves the numbers alone: a link that goes down
 * and up releases nothing. A new plug begins above all numbers that any plug
 * has had until then, so a late release, meant for a plug that was replaced,
 * releases nothing.
 *
 * The valve. Between epochs, released packets go on leaving while the next
 * epoch fills. But closing an open plug must stop output at once, even if a
 * slow device has left packets in the queue. So TCQ_PLUG_BUFFER on an open
 * plug stops those packets too. They stay released: the next release of any
 * kind sends them, before all others. For this, dequeue compares the mark with
 * leaves_upto: a copy of the last epoch released, or 0 while the valve is shut.
 *
 * A packet may be held for long, so its sender must not have to wait for it.
 * Enqueue copies the pages of a zero-copy packet: their owner may overwrite
 * them or wait for them, like a host that destroys a Xen guest. It also stops
 * charging the packet to its socket; otherwise TCP would wait for the packet to
 * leave before it sends more. An open plug does neither.
 *
 * Locking. Enqueue and dequeue run under the root lock, and so does a reset as
 * long as packets can reach the queue. Commands take it too, and schedule the
 * queue before they drop it. So each packet is wholly before or wholly after
 * each command, and no release is missed. __netif_schedule() may find that the
 * queue is scheduled already, or that a sender is about to run it. In both
 * cases, whoever runs the queue takes the lock after us, and sees the new
 * numbers. BUFFER, RELEASE_ONE and RELEASE_UPTO do not need RTNL while they
 * only change the numbers of a closed plug (plug_only_numbers()). For the two
 * releases the device must also be active. All other commands hold RTNL.
 *
 * A plug at the root that is open and empty does nothing to a packet, and
 * TCQ_F_CAN_BYPASS tells the core to send without enqueueing. The core reads
 * this flag under the root lock, and the plug changes it under the same lock.
 */

#include <linux/module.h>
#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/delay.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>
#include <linux/atomic.h>
#include <linux/pkt_sched_plug.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/pkt_sched.h>
#include <net/sock.h>

#include "sch_plug.h"

/* The lowest default limit, in bytes. Without it, the limit of a device with a
 * short tx queue, such as an ifb, would be too low for a single GSO packet.
 */
#define PLUG_MIN_DEFAULT_LIMIT	10000000

/* The highest number that any plug has given to an epoch. */
static atomic64_t plug_last_epoch = ATOMIC64_INIT(0);

struct plug_sched_data {
	struct plug_control control;

	u64	epoch;		/* being filled; > 0 */
	u64	released;	/* the last released; <= epoch */
	u64	leaves_upto;	/* == released, or 0 while the valve is shut */
	u32	limit;		/* most bytes in the queue; > 0 */
	bool	orphan;		/* do not charge held packets to their socket */

	/* Packets stopped by the valve: how many they are, and the lists of
	 * those among them that the driver had handed back to the core.
	 */
	u32	stopped;
	struct sk_buff_head	stopped_gso;
	struct sk_buff_head	stopped_bad_txq;

	u64	closed_at;	/* ktime_get_ns(); valid while closed */
	struct plug_stats	stats;
};

/* Lives in qdisc_skb_cb()->data from enqueue to dequeue. sfb, as a parent,
 * keeps 8 bytes of its own at the start of that area all the while.
 */
struct plug_skb_cb {
	u64	parent_area;
	u64	epoch;
};

static struct plug_skb_cb *plug_skb_cb(const struct sk_buff *skb)
{
	qdisc_cb_private_validate(skb, sizeof(struct plug_skb_cb));
	return (struct plug_skb_cb *)qdisc_skb_cb(skb)->data;
}

static bool plug_is_open(const struct plug_sched_data *q)
{
	return q->released == q->epoch;
}

static bool plug_epoch_waits(const struct plug_sched_data *q)
{
	return q->released + 1 < q->epoch;
}

static bool plug_is_released(const struct plug_sched_data *q,
			     const struct sk_buff *skb)
{
	return plug_skb_cb(skb)->epoch <= q->released;
}

static bool plug_may_leave(const struct plug_sched_data *q,
			   const struct sk_buff *skb)
{
	return plug_skb_cb(skb)->epoch <= q->leaves_upto;
}

static struct sk_buff *plug_peek(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	struct sk_buff *skb = qdisc_peek_head(sch);

	return skb && plug_may_leave(q, skb) ? skb : NULL;
}

static struct sk_buff *plug_dequeue(struct Qdisc *sch)
{
	return plug_peek(sch) ? qdisc_dequeue_head(sch) : NULL;
}

/* Copies the pages of a zero-copy packet, and stops charging the packet to its
 * socket, except in three cases. A packet that could not be copied stays
 * charged: some senders reuse their pages when the charge ends. A packet that
 * the device has yet to encrypt stays charged: without a socket the core would
 * drop it. A packet that a netem or another plug above has orphaned is left
 * alone: to orphan it twice would take its socket away.
 */
static void plug_detach_sender(struct plug_sched_data *q, struct sk_buff *skb)
{
	if (unlikely(skb_orphan_frags_rx(skb, GFP_ATOMIC))) {
		q->stats.copy_failures++;
		return;
	}
	if (q->orphan && skb->destructor != sock_efree &&
	    !skb_is_decrypted(skb))
		skb_orphan_partial(skb);
}

static int plug_enqueue(struct sk_buff *skb, struct Qdisc *sch,
			struct sk_buff **to_free)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	unsigned int len = qdisc_pkt_len(skb);

	if (unlikely((u64)sch->qstats.backlog + len > q->limit)) {
		q->stats.drops_limit++;
		return qdisc_drop(skb, sch, to_free);
	}

	if (!plug_is_open(q))
		plug_detach_sender(q, skb);
	plug_skb_cb(skb)->epoch = q->epoch;
	qdisc_enqueue_tail(skb, sch);

	q->stats.queued_packets++;
	q->stats.queued_bytes += len;
	if (q->stats.max_backlog < sch->qstats.backlog)
		q->stats.max_backlog = sch->qstats.backlog;
	return NET_XMIT_SUCCESS;
}

static void plug_reset(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	q->stats.drops_reset += sch->q.qlen;
	__qdisc_qstats_drop(sch, sch->q.qlen);
	__skb_queue_purge(&q->stopped_gso);
	__skb_queue_purge(&q->stopped_bad_txq);
	q->stopped = 0;
	qdisc_reset_queue(sch);
}

/* Needs RTNL, beside the root lock: mq writes other bits of sch->flags under
 * RTNL alone. Without RTNL, two writers could undo each other's change.
 */
static void plug_set_bypass(struct Qdisc *sch, bool bypass)
{
	unsigned int flags = sch->flags & ~TCQ_F_CAN_BYPASS;

	ASSERT_RTNL();
	if (bypass)
		flags |= TCQ_F_CAN_BYPASS;
	if (flags == sch->flags)
		return;
	/* The core also reads the flags without the lock. It then looks only at
	 * TCQ_F_NOLOCK, which never changes.
	 */
	WRITE_ONCE(sch->flags, flags);
}

/* Moves packets to another list, and corrects their length. For each segment of
 * a packet, the core counts the length of the whole packet. That is too much to
 * count against the limit while the valve is shut.
 */
static void plug_park(struct Qdisc *sch, struct sk_buff_head *from,
		      struct sk_buff_head *to)
{
	struct sk_buff *skb;

	skb_queue_walk(from, skb) {
		if (qdisc_pkt_len(skb) <= skb->len)
			continue;
		qdisc_qstats_backlog_dec(sch, skb);
		qdisc_skb_cb(skb)->pkt_len = skb->len;
		qdisc_qstats_backlog_inc(sch, skb);
	}
	skb_queue_splice_init(from, to);
}

/* The core does not call dequeue for packets that the driver handed back. So
 * they are taken from the core until the valve opens.
 */
static void plug_park_handed_back(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	plug_park(sch, &sch->gso_skb, &q->stopped_gso);
	plug_park(sch, &sch->skb_bad_txq, &q->stopped_bad_txq);
}

static void plug_shut_valve(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	q->leaves_upto = 0;
	q->stopped = sch->q.qlen;
	plug_park_handed_back(sch);
}

static void plug_open_valve(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	q->leaves_upto = q->released;
	q->stopped = 0;
	skb_queue_splice_init(&q->stopped_gso, &sch->gso_skb);
	skb_queue_splice_init(&q->stopped_bad_txq, &sch->skb_bad_txq);
}

/* When the valve was shut, the core may have been passing dequeued packets to
 * the driver. Waits until the core has done so, and parks the packets that the
 * driver has handed back. They are older than the parked ones. The wait ends
 * soon: with the valve shut, the core gets no more packets.
 *
 * Does nothing below another qdisc. It would have to wait until the core no
 * longer runs the root, and the root's lists also have packets of its other
 * children.
 */
static void plug_wait_for_driver(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	bool running;

	if (qdisc_root_sleeping(sch) != sch)
		return;

	for (;;) {
		sch_tree_lock(sch);
		running = qdisc_is_running(sch);
		if (!running) {
			q->stopped += skb_queue_len(&sch->gso_skb) +
				      skb_queue_len(&sch->skb_bad_txq);
			plug_park_handed_back(sch);
		}
		sch_tree_unlock(sch);
		if (!running)
			return;
		usleep_range(20, 100);
	}
}

static void plug_next_epoch(struct plug_sched_data *q)
{
	s64 last = atomic64_read(&plug_last_epoch);

	q->epoch++;
	while ((u64)last < q->epoch &&
	       !atomic64_try_cmpxchg(&plug_last_epoch, &last, q->epoch))
		;
}

static void plug_buffer(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	if (plug_is_open(q)) {
		q->closed_at = ktime_get_ns();
		plug_shut_valve(sch);
		plug_set_bypass(sch, false);
	}
	plug_next_epoch(q);
}

static void plug_release(struct Qdisc *sch, u64 last)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	if (last < q->released)
		return;

	q->released = last;
	plug_open_valve(sch);
	if (plug_is_open(q))
		plug_set_bypass(sch, true);
}

static void plug_leave_out(const struct sk_buff_head *list, unsigned int *n,
			   unsigned int *len)
{
	const struct sk_buff *skb;

	skb_queue_walk(list, skb) {
		--*n;
		*len -= qdisc_pkt_len(skb);
	}
}

/* Counts the packets from @skb, the first that is not released, to the last
 * packet of epoch @youngest, and their length. Returns the last one.
 */
static struct sk_buff *plug_count_upto(const struct plug_sched_data *q,
				       struct sk_buff *skb, u64 youngest,
				       unsigned int *n, unsigned int *len)
{
	struct sk_buff *end = NULL;

	*n = 0;
	*len = 0;
	for (; skb && plug_skb_cb(skb)->epoch <= youngest; skb = skb->next) {
		end = skb;
		++*n;
		*len += qdisc_pkt_len(skb);
	}
	return end;
}

/* Drops the packets that are not released, up to epoch @youngest. Marks grow
 * from head to tail, so the packets that are not released are the end of the
 * list. To count them, the released packets are subtracted from the whole
 * queue. So the lock is not held for a walk over the dropped packets, unless
 * younger epochs stay.
 */
static void plug_drop_unreleased(struct Qdisc *sch, u64 youngest)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	unsigned int n = sch->q.qlen, len = sch->qstats.backlog;
	struct sk_buff *last = NULL, *end = sch->q.tail, *skb, *next;

	plug_leave_out(&sch->gso_skb, &n, &len);
	plug_leave_out(&sch->skb_bad_txq, &n, &len);
	plug_leave_out(&q->stopped_gso, &n, &len);
	plug_leave_out(&q->stopped_bad_txq, &n, &len);
	for (skb = sch->q.head; skb && plug_is_released(q, skb);
	     skb = skb->next) {
		last = skb;
		n--;
		len -= qdisc_pkt_len(skb);
	}
	if (!skb)
		return;
	if (youngest < q->epoch)
		end = plug_count_upto(q, skb, youngest, &n, &len);
	if (!end)
		return;

	next = end->next;
	rtnl_kfree_skbs(skb, end);
	if (last)
		last->next = next;
	else
		sch->q.head = next;
	if (!next)
		sch->q.tail = last;

	WRITE_ONCE(sch->q.qlen, sch->q.qlen - n);
	WRITE_ONCE(sch->qstats.backlog, sch->qstats.backlog - len);
	__qdisc_qstats_drop(sch, n);
	q->stats.drops_discard += n;
	qdisc_tree_reduce_backlog(sch, n, len);
}

/* Drops the epochs up to @youngest, and counts them as released. No packet is
 * left in these epochs, so nothing leaves. Epochs above @youngest stay, and go
 * on waiting; if there are none, a new one begins. A closed plug stays closed,
 * a shut valve stays shut. For epochs that are already released or discarded,
 * this does nothing.
 */
static void plug_discard(struct Qdisc *sch, u64 youngest)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	if (youngest <= q->released)
		return;

	plug_drop_unreleased(sch, youngest);
	if (q->leaves_upto == q->released)
		q->leaves_upto = youngest;
	q->released = youngest;
	if (youngest == q->epoch)
		plug_next_epoch(q);
}

static u32 plug_default_limit(const struct Qdisc *sch)
{
	const struct net_device *dev = qdisc_dev(sch);
	u64 limit = (u64)dev->tx_queue_len * psched_mtu(dev);

	return clamp_t(u64, limit, PLUG_MIN_DEFAULT_LIMIT, U32_MAX);
}

static void plug_set_limit(struct Qdisc *sch, u32 limit)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	q->limit = limit ? limit : plug_default_limit(sch);
}

/* Whether the next packet may leave. Packets that the driver handed back are in
 * the lists of the root, also if the root is another qdisc.
 */
static bool plug_is_ready(struct Qdisc *sch)
{
	const struct Qdisc *root = qdisc_root(sch);

	return !skb_queue_empty(&root->gso_skb) ||
	       !skb_queue_empty(&root->skb_bad_txq) || plug_peek(sch);
}

static int plug_refuse(const struct plug_cmd *cmd,
		       struct netlink_ext_ack *extack)
{
	NL_SET_BAD_ATTR(extack, cmd->attr);
	return -EINVAL;
}

/* Executes a command of either interface. Needs the root lock. Returns 0, or
 * -EINVAL with nothing changed.
 */
static int plug_apply(struct Qdisc *sch, const struct plug_cmd *cmd,
		      struct netlink_ext_ack *extack)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	switch (cmd->action) {
	case TCQ_PLUG_BUFFER:
		plug_buffer(sch);
		q->stats.buffer_cmds++;
		return 0;
	case TCQ_PLUG_RELEASE_ONE:
		plug_release(sch, plug_epoch_waits(q) ? q->released + 1 :
							q->released);
		q->stats.release_one_cmds++;
		return 0;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		plug_release(sch, q->epoch);
		q->stats.release_indefinite_cmds++;
		return 0;
	case TCQ_PLUG_RELEASE_UPTO:
		if (cmd->last >= q->epoch && cmd->last > q->released) {
			NL_SET_ERR_MSG_MOD(extack,
					   "The epoch to release has not been closed");
			return plug_refuse(cmd, extack);
		}
		plug_release(sch, cmd->last);
		q->stats.release_upto_cmds++;
		return 0;
	case TCQ_PLUG_DISCARD:
		if (cmd->has_last && cmd->last > q->epoch) {
			NL_SET_ERR_MSG_MOD(extack,
					   "The epoch to discard has not begun");
			return plug_refuse(cmd, extack);
		}
		plug_discard(sch, cmd->has_last ? cmd->last : q->epoch);
		q->stats.discard_cmds++;
		return 0;
	case TCQ_PLUG_LIMIT:
		plug_set_limit(sch, cmd->limit);
		q->stats.limit_cmds++;
		return 0;
	}

	NL_SET_ERR_MSG_MOD(extack, "Unknown action");
	return plug_refuse(cmd, extack);
}

/* Reads a command from TCA_OPTIONS. The attribute may have NLA_F_NESTED or not.
 * Bytes after the struct are ignored: the kernel has never required senders to
 * send exactly 8.
 */
static int plug_parse(struct plug_cmd *cmd, const struct nlattr *opt,
		      struct netlink_ext_ack *extack)
{
	struct tc_plug_qopt qopt;

	if (nla_len(opt) < sizeof(qopt)) {
		NL_SET_BAD_ATTR(extack, opt);
		NL_SET_ERR_MSG_MOD(extack,
				   "TCA_OPTIONS is shorter than tc_plug_qopt");
		return -EINVAL;
	}

	memcpy(&qopt, nla_data(opt), sizeof(qopt));
	switch (qopt.action) {
	case TCQ_PLUG_BUFFER:
	case TCQ_PLUG_RELEASE_ONE:
	case TCQ_PLUG_RELEASE_INDEFINITE:
	case TCQ_PLUG_LIMIT:
		cmd->action = qopt.action;
		cmd->limit = qopt.limit;
		cmd->attr = opt;
		return 0;
	}

	NL_SET_BAD_ATTR(extack, opt);
	NL_SET_ERR_MSG_MOD(extack, "Unknown action");
	return -EINVAL;
}

static bool plug_is_closed(struct Qdisc *sch)
{
	bool closed;

	sch_tree_lock(sch);
	closed = !plug_is_open(qdisc_priv(sch));
	sch_tree_unlock(sch);

	return closed;
}

/* The epoch of the oldest packet; 0: there is no packet. Packets that the
 * driver handed back have lost their mark. They are older than the packets in
 * the list. They are released: otherwise the driver would not have got them.
 */
static u64 plug_head_epoch(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	struct sk_buff *head = sch->q.head;

	if (head && plug_is_released(q, head))
		return plug_skb_cb(head)->epoch;
	if (!skb_queue_empty(&sch->gso_skb) ||
	    !skb_queue_empty(&sch->skb_bad_txq) ||
	    !skb_queue_empty(&q->stopped_gso) ||
	    !skb_queue_empty(&q->stopped_bad_txq))
		return q->released;
	return head ? plug_skb_cb(head)->epoch : 0;
}

/* Fills in the queue's state without access to packets: without RTNL, a plug
 * that has been detached from its device may be in the middle of its last
 * reset.
 */
static void plug_look_at_numbers(struct Qdisc *sch, struct plug_snapshot *snap)
{
	const struct plug_sched_data *q = qdisc_priv(sch);

	snap->epoch = q->epoch;
	snap->released = q->released;
	snap->head_epoch = 0;
	snap->tail_epoch = 0;
	snap->limit = q->limit;
	snap->stopped = READ_ONCE(q->stopped);
	snap->qlen = READ_ONCE(sch->q.qlen);
	snap->backlog = READ_ONCE(sch->qstats.backlog);
	snap->closed_at = q->closed_at;
	snap->stats = q->stats;
}

/* Needs RTNL and the root lock, unless nobody else can reach the plug. */
void plug_look(struct Qdisc *sch, struct plug_snapshot *snap)
{
	plug_look_at_numbers(sch, snap);
	snap->head_epoch = plug_head_epoch(sch);
	snap->tail_epoch = sch->q.tail ? plug_skb_cb(sch->q.tail)->epoch :
					 snap->head_epoch;
}

void plug_look_rtnl(struct Qdisc *sch, struct plug_snapshot *snap)
{
	sch_tree_lock(sch);
	plug_look(sch, snap);
	sch_tree_unlock(sch);
}

struct plug_control *plug_control(struct Qdisc *sch)
{
	struct plug_sched_data *q = qdisc_priv(sch);

	return &q->control;
}

/* Updates @after, unless another command has been executed since, without RTNL:
 * @after must be the state after the command of our caller, not a later one.
 */
static void plug_look_again(struct Qdisc *sch, struct plug_snapshot *after)
{
	struct plug_snapshot now = *after;

	plug_look_rtnl(sch, &now);
	if (plug_commands(&now.stats) == plug_commands(&after->stats))
		*after = now;
}

/* Any command, with RTNL. @after: the state afterwards, also if refused. */
int plug_command_rtnl(struct Qdisc *sch, struct plug_cmd *cmd,
		      struct plug_snapshot *after,
		      struct netlink_ext_ack *extack)
{
	bool closes;
	int err;

	/* A sender may leave its packet in front of the queue, for another
	 * sender to enqueue. Packets sent before a rollback must not enter the
	 * queue after it, so wait for that other sender: it holds
	 * rcu_read_lock_bh() until the packet is in the queue.
	 */
	if (cmd->action == TCQ_PLUG_DISCARD && !cmd->waited &&
	    plug_is_closed(sch)) {
		plug_wait_for_deferred();
		cmd->waited = true;
	}

	sch_tree_lock(sch);
	closes = cmd->action == TCQ_PLUG_BUFFER && plug_is_open(qdisc_priv(sch));
	err = plug_apply(sch, cmd, extack);
	/* The root is scheduled, not the transmit queue of this qdisc: with one
	 * qdisc for several transmit queues, that one may be stopped while the
	 * head of the queue goes to another. It is scheduled even if this
	 * command released nothing, because the wake-up of an earlier command
	 * may have been lost while the device was deactivated.
	 */
	if (plug_is_ready(sch))
		__netif_schedule(qdisc_root(sch));
	plug_look(sch, after);
	sch_tree_unlock(sch);

	if (closes) {
		plug_wait_for_driver(sch);
		plug_look_again(sch, after);
	}
	return err;
}

/* Whether the command only changes numbers, so that it does not need RTNL. A
 * command that opens or closes the plug also changes the bypass flag. A command
 * that opens the valve also changes the lists.
 */
static bool plug_only_numbers(const struct plug_sched_data *q,
			      const struct plug_cmd *cmd)
{
	if (plug_is_open(q))
		return false;

	switch (cmd->action) {
	case TCQ_PLUG_BUFFER:
		return true;
	case TCQ_PLUG_RELEASE_ONE:
	case TCQ_PLUG_RELEASE_UPTO:
		return q->leaves_upto == q->released;
	}
	return false;
}

static struct Qdisc *plug_root_rcu(const struct Qdisc *sch)
{
	return rcu_dereference(READ_ONCE(sch->dev_queue)->qdisc_sleeping);
}

/* Takes the root lock without RTNL, and returns the qdisc that was locked. A
 * graft changes the root under the lock of the old root. So if the locked qdisc
 * is still the root, it is the right lock. Unlock the returned qdisc: the root
 * may be another one by then.
 */
static struct Qdisc *plug_lock_root_rcu(struct Qdisc *sch)
{
	struct Qdisc *root;

	for (;;) {
		root = plug_root_rcu(sch);
		spin_lock_bh(qdisc_lock(root));
		if (root == plug_root_rcu(sch))
			return root;
		spin_unlock_bh(qdisc_lock(root));
	}
}

/* A device without its own qdiscs has a builtin qdisc of the core as root. The
 * core takes no lock when it replaces the builtin qdisc by a default qdisc, and
 * packets may come at once. When the device goes away, the core does the
 * reverse, also without a lock. So the lock of a builtin qdisc protects
 * nothing.
 */
static bool plug_has_no_root(const struct Qdisc *root)
{
	return root->flags & TCQ_F_BUILTIN;
}

/* The root cannot change while it is locked, unless the core replaces a builtin
 * qdisc, or puts one in its place.
 */
static void plug_assert_root_lock(const struct Qdisc *sch,
				  const struct Qdisc *locked)
{
	struct Qdisc *root = plug_root_rcu(sch);

	if (!plug_has_no_root(locked) && !plug_has_no_root(root))
		lockdep_assert_held(qdisc_lock(root));
}

static void plug_unlock_root_rcu(struct Qdisc *root)
{
	spin_unlock_bh(qdisc_lock(root));
}

/* A device that is down, has no carrier or is having its qdiscs changed has a
 * builtin qdisc as its active one. Then neither that one nor the root may be
 * scheduled: the one starts nothing, and the core has stopped to wait for the
 * other.
 */
static bool plug_is_active(const struct Qdisc *sch, const struct Qdisc *root)
{
	return qdisc_root(sch) == root;
}

/* Executes a command under rcu_read_lock(). The caller keeps the plug alive.
 * Returns -EAGAIN, with nothing done, if RTNL is needed.
 *
 * The root is scheduled even if nothing was released, because we cannot look at
 * the head of the queue. If the core deactivates the root afterwards, it takes
 * the root lock to look whether the root is scheduled, and waits until it has
 * run. On 7.3 __netif_schedule() does nothing if that has just begun, and the
 * core runs the queue when the device is active again.
 */
int plug_command_rcu(struct Qdisc *sch, const struct plug_cmd *cmd,
		     struct plug_snapshot *after,
		     struct netlink_ext_ack *extack)
{
	struct Qdisc *root = plug_lock_root_rcu(sch);
	bool active = plug_is_active(sch, root);
	int err = -EAGAIN;

	plug_assert_root_lock(sch, root);
	if (!plug_has_no_root(root) &&
	    (active || cmd->action == TCQ_PLUG_BUFFER) &&
	    plug_only_numbers(qdisc_priv(sch), cmd)) {
		err = plug_apply(sch, cmd, extack);
		if (active)
			__netif_schedule(root);
		plug_look_at_numbers(sch, after);
	}
	plug_unlock_root_rcu(root);

	return err;
}

int plug_look_rcu(struct Qdisc *sch, struct plug_snapshot *snap)
{
	struct Qdisc *root = plug_lock_root_rcu(sch);
	int err = -EAGAIN;

	if (!plug_has_no_root(root)) {
		plug_look_at_numbers(sch, snap);
		err = 0;
	}
	plug_unlock_root_rcu(root);

	return err;
}

static int plug_change(struct Qdisc *sch, struct nlattr *opt,
		       struct netlink_ext_ack *extack)
{
	struct plug_snapshot after;
	struct plug_cmd cmd = {};
	int err;

	err = plug_parse(&cmd, opt, extack);
	if (err)
		return err;
	err = plug_command_rtnl(sch, &cmd, &after, extack);
	if (!err)
		plug_changed(sch, &cmd, &after);
	return err;
}

/* No packet can reach the plug yet, so no lock is needed. */
static int plug_init(struct Qdisc *sch, struct nlattr *opt,
		     struct netlink_ext_ack *extack)
{
	struct plug_sched_data *q = qdisc_priv(sch);
	struct plug_cmd cmd = { .action = TCQ_PLUG_BUFFER };
	int err;

	__skb_queue_head_init(&q->stopped_gso);
	__skb_queue_head_init(&q->stopped_bad_txq);
	if (opt) {
		err = plug_parse(&cmd, opt, extack);
		if (err)
			return err;
	}

	q->epoch = atomic64_inc_return(&plug_last_epoch);
	q->released = q->epoch;
	if (cmd.action != TCQ_PLUG_RELEASE_INDEFINITE) {
		q->released--;
		q->closed_at = ktime_get_ns();
	}
	q->leaves_upto = q->released;

	/* If packets are not charged to their socket, only the limit bounds the
	 * memory: that is for the administrator of the machine to choose.
	 */
	q->orphan = dev_net(qdisc_dev(sch))->user_ns == &init_user_ns;
	plug_set_limit(sch, cmd.limit);
	plug_set_bypass(sch, plug_is_open(q));
	plug_attached(sch);
	return 0;
}

/* Also called after a failed init. */
static void plug_destroy(struct Qdisc *sch)
{
	plug_detached(sch);
}

static struct Qdisc_ops plug_qdisc_ops __read_mostly = {
	.id		=	"plug",
	.priv_size	=	sizeof(struct plug_sched_data),
	.enqueue	=	plug_enqueue,
	.dequeue	=	plug_dequeue,
	.peek		=	plug_peek,
	.init		=	plug_init,
	.reset		=	plug_reset,
	.destroy	=	plug_destroy,
	.change		=	plug_change,
	.owner		=	THIS_MODULE,
};
MODULE_ALIAS_NET_SCH("plug");

/* The control interface is registered first and unregistered last, because
 * plugs notify it.
 */
static int __init plug_module_init(void)
{
	int err = plug_control_init();

	if (err)
		return err;
	err = register_qdisc(&plug_qdisc_ops);
	if (err)
		plug_control_exit();
	return err;
}

static void __exit plug_module_exit(void)
{
	unregister_qdisc(&plug_qdisc_ops);
	plug_control_exit();
}

module_init(plug_module_init)
module_exit(plug_module_exit)
MODULE_LICENSE("GPL");
MODULE_VERSION(PLUG_VERSION);
MODULE_DESCRIPTION("Qdisc that holds packets until userspace releases them");
