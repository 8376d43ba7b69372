/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plug at the root of a device, modelled as simply as possible: the reference
 * with which model.c compares the module. Check it by reading it beside the UAPI
 * header. It has no code of the module.
 *
 * Packets are numbered from 1, by the sender. All of them are in ref->packet[]. The
 * fate of a packet says where it is. DUE: it may leave, and was not yet seen leaving.
 */
#ifndef MODEL_REF_H
#define MODEL_REF_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <linux/types.h>
#include <linux/pkt_sched_plug.h>

enum fate { UNSENT, REFUSED, HELD, DUE, LEFT, DROPPED };

struct ref_packet {
	__u64		epoch;
	__u32		bytes;
	enum fate	fate;
};

struct ref {
	__u64		epoch, released;
	__u64		last_epoch;	/* the highest that any plug has had */
	bool		shut;		/* BUFFER closed an open plug, no release since */
	__u32		stopped;	/* packets that are HELD although released */
	__u32		limit;
	__u64		backlog, sent_bytes;
	__u32		head, tail;	/* numbers of the first and last HELD, if any */
	__u32		qlen;
	bool		link_up;
	__u32		txqlen, mtu;	/* the device's */
	bool		txqlen_resets;	/* on this kernel, a new txqlen resets */
	__u64		stats[SCH_PLUG_A_STATS_MAX + 1];	/* without CLOSED_AGE */
	struct ref_packet *packet;
};

#define REF_STAT(r, NAME) ((r)->stats[SCH_PLUG_A_STATS_##NAME])

static inline bool ref_open(const struct ref *r)
{
	return r->released == r->epoch;
}

static inline void ref_set_limit(struct ref *r, __u32 limit)
{
	__u64 all = (__u64)r->txqlen * (r->mtu + 14);

	if (!limit)
		limit = all < 10000000 ? 10000000 : all > ~0U ? ~0U : all;
	r->limit = limit;
}

/* Gives @fate to all held packets of the epochs @from to @upto. Returns how many
 * they are.
 */
static inline __u32 ref_take(struct ref *r, __u64 from, __u64 upto, enum fate fate)
{
	__u32 i, n = 0;

	for (i = r->head; i <= r->tail && r->qlen; i++) {
		struct ref_packet *p = &r->packet[i];

		if (p->fate != HELD || p->epoch < from || p->epoch > upto)
			continue;
		p->fate = fate;
		r->backlog -= p->bytes;
		r->qlen--;
		n++;
		if (fate == DUE)
			r->sent_bytes += p->bytes;
	}
	while (r->qlen && r->packet[r->head].fate != HELD)
		r->head++;
	while (r->qlen && r->packet[r->tail].fate != HELD)
		r->tail--;
	return n;
}

/* When a qdisc is attached to a device without a queue length, the core sets one.
 */
static inline void ref_attach(struct ref *r)
{
	if (!r->txqlen)
		r->txqlen = 1000;
}

/* Creates a new plug, which replaces the old one, if there was one. */
static inline void ref_create(struct ref *r, __u32 limit, bool open)
{
	ref_take(r, 0, ~0ULL, DROPPED);
	memset(r->stats, 0, sizeof(r->stats));
	r->sent_bytes = 0;
	r->epoch = ++r->last_epoch;
	r->released = r->epoch - !open;
	r->shut = false;
	r->stopped = 0;
	ref_attach(r);
	ref_set_limit(r, limit);
}

static inline void ref_send(struct ref *r, __u32 number, __u32 bytes)
{
	struct ref_packet *p = &r->packet[number];

	p->bytes = bytes;
	p->epoch = r->epoch;
	if (!r->link_up) {
		p->fate = REFUSED;
	} else if (ref_open(r)) {
		p->fate = DUE;
		r->sent_bytes += bytes;
	} else if (r->backlog + bytes > r->limit) {
		p->fate = REFUSED;
		REF_STAT(r, DROPS_LIMIT)++;
	} else {
		p->fate = HELD;
		r->backlog += bytes;
		if (!r->qlen++)
			r->head = number;
		r->tail = number;
		REF_STAT(r, QUEUED_PACKETS)++;
		REF_STAT(r, QUEUED_BYTES) += bytes;
		if (REF_STAT(r, MAX_BACKLOG) < r->backlog)
			REF_STAT(r, MAX_BACKLOG) = r->backlog;
	}
}

static inline void ref_reset(struct ref *r)
{
	REF_STAT(r, DROPS_RESET) += ref_take(r, 0, ~0ULL, DROPPED);
	r->stopped = 0;
}

/* Packet @number was DUE, but had not left when the valve was shut: it is HELD again.
 * Only the kernel knows which packets these are. Call it for the newest one first.
 */
static inline void ref_stop(struct ref *r, __u32 number)
{
	struct ref_packet *p = &r->packet[number];

	p->fate = HELD;
	r->sent_bytes -= p->bytes;
	r->backlog += p->bytes;
	r->head = number;
	if (!r->qlen++)
		r->tail = number;
	r->stopped++;
}

static inline void ref_link(struct ref *r, bool up)
{
	if (r->link_up && !up)
		ref_reset(r);
	r->link_up = up;
}

static inline void ref_txqlen(struct ref *r, __u32 txqlen)
{
	if (r->txqlen_resets && r->link_up && txqlen != r->txqlen)
		ref_reset(r);
	r->txqlen = txqlen;
}

static inline void ref_release(struct ref *r, __u64 upto)
{
	if (upto < r->released)
		return;
	r->released = upto;
	r->shut = false;
	r->stopped = 0;
	ref_take(r, 0, upto, DUE);
}

static inline void ref_next_epoch(struct ref *r)
{
	if (r->last_epoch < ++r->epoch)
		r->last_epoch = r->epoch;
}

/* Drops the epochs up to @upto that are not released. Later epochs stay and wait. */
static inline void ref_discard(struct ref *r, __u64 upto)
{
	if (upto <= r->released)
		return;
	REF_STAT(r, DROPS_DISCARD) += ref_take(r, r->released + 1, upto, DROPPED);
	r->released = upto;
	if (upto == r->epoch)
		ref_next_epoch(r);
}

/* The number of all executed commands. */
static inline __u64 ref_commands(const struct ref *r)
{
	return REF_STAT(r, BUFFER_CMDS) + REF_STAT(r, RELEASE_ONE_CMDS) +
	       REF_STAT(r, RELEASE_INDEFINITE_CMDS) + REF_STAT(r, LIMIT_CMDS) +
	       REF_STAT(r, DISCARD_CMDS) + REF_STAT(r, RELEASE_UPTO_CMDS);
}

/* Executes a command; returns 0 or a negative errno. @arg: the limit, or the epoch
 * for RELEASE_UPTO or DISCARD. With DISCARD, NULL means all epochs.
 */
static inline int ref_command(struct ref *r, int action, const __u64 *arg)
{
	switch (action) {
	case TCQ_PLUG_BUFFER:
		r->shut |= ref_open(r);
		ref_next_epoch(r);
		REF_STAT(r, BUFFER_CMDS)++;
		return 0;
	case TCQ_PLUG_RELEASE_ONE:
		ref_release(r, r->released + (r->released + 1 < r->epoch));
		REF_STAT(r, RELEASE_ONE_CMDS)++;
		return 0;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		ref_release(r, r->epoch);
		REF_STAT(r, RELEASE_INDEFINITE_CMDS)++;
		return 0;
	case TCQ_PLUG_RELEASE_UPTO:
		if (*arg > r->released && *arg >= r->epoch)
			return -EINVAL;
		ref_release(r, *arg);
		REF_STAT(r, RELEASE_UPTO_CMDS)++;
		return 0;
	case TCQ_PLUG_DISCARD:
		if (arg && *arg > r->epoch)
			return -EINVAL;
		ref_discard(r, arg ? *arg : r->epoch);
		REF_STAT(r, DISCARD_CMDS)++;
		return 0;
	case TCQ_PLUG_LIMIT:
		ref_set_limit(r, *arg);
		REF_STAT(r, LIMIT_CMDS)++;
		return 0;
	}
	return -EINVAL;
}

#endif /* MODEL_REF_H */
