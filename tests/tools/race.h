/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the race tests detect a packet that left too early.
 *
 * One thread sends all commands to a plug, so it always knows which epoch is being
 * filled. When the kernel has acknowledged BUFFER, the thread publishes the new
 * epoch. A sender reads the published epoch e, stamps it on the packet, and then
 * sends: the packet's true epoch is e or a later one (I4), so it must not leave
 * before the release of e is requested (I1). The thread records the time just
 * before it sends the message that releases e, and the kernel records the time at
 * which each packet leaves. A packet that leaves before the recorded time of its
 * release, or without a release, is a leak.
 *
 * Packets are lost by DISCARD, by a reset, and when a plug is replaced or deleted.
 * Before such a loss, the epochs that are not released are recorded, together with
 * the last number of each sender whose send() has returned (traffic.h). These
 * packets must never leave: if one leaves after a rollback, that is as bad as a
 * leak.
 */
#ifndef RACE_H
#define RACE_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"

#define EPOCHS	(1 << 20)	/* recorded; far more than are in use */
#define NOT_YET	(~0ULL)

/* The effect of the commands on the packets. A discarded epoch counts as released,
 * as in the kernel. But a packet that was sent after DISCARD may still have the stamp
 * of the discarded epoch. It belongs to the next epoch, and its release is requested
 * with the release of the next epoch.
 */
struct ledger {
	__u64		epoch, released;	/* only for the commander */
	__u64		asked_upto;		/* only for the commander */
	_Atomic __u64	acked;			/* the lowest epoch of packets sent now */
	_Atomic __u64	asked[EPOCHS];		/* when the release was requested */
	_Atomic __u32	lost[EPOCHS];		/* the last loss in this epoch; 0: none */
};

static inline __u64 wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static inline void ledger_epoch(struct ledger *l, __u64 epoch)
{
	l->epoch = epoch;
	atomic_store(&l->asked[epoch % EPOCHS], NOT_YET);
	atomic_store(&l->lost[epoch % EPOCHS], 0);
}

/* Begins the ledger of a new, closed plug, which fills @epoch. */
static inline void ledger_start(struct ledger *l, __u64 epoch)
{
	ledger_epoch(l, epoch);
	l->released = l->asked_upto = epoch - 1;
	atomic_store(&l->acked, epoch);
}

/* Call it before the message that releases all epochs up to @upto. */
static inline void ledger_ask(struct ledger *l, __u64 upto)
{
	__u64 now = wall_ns();

	while (l->asked_upto < upto)
		atomic_store(&l->asked[++l->asked_upto % EPOCHS], now);
	if (l->released < upto)
		l->released = upto;
}

/* Call it before an event that loses all packets that are not released. @loss is the
 * number of the event.
 */
static inline void ledger_lose(struct ledger *l, __u32 loss)
{
	__u64 epoch;

	/* Packets after a DISCARD can still have the stamp of a discarded epoch. */
	for (epoch = l->asked_upto + 1; epoch <= l->epoch; epoch++)
		atomic_store(&l->lost[epoch % EPOCHS], loss);
}

/* Call it before DISCARD of a closed plug, and ledger_acked() after it. */
static inline void ledger_discard(struct ledger *l)
{
	l->released = l->epoch;
	ledger_epoch(l, l->epoch + 1);
}

/* Call it when a new, closed plug has replaced the old one. The new plug fills
 * @epoch, which is higher than all earlier numbers.
 */
static inline void ledger_renew(struct ledger *l, __u64 epoch)
{
	l->released = epoch - 1;
	ledger_epoch(l, epoch);
	atomic_store(&l->acked, epoch);
}

/* Call ledger_next() before BUFFER, and ledger_acked() after it. */
static inline void ledger_next(struct ledger *l)
{
	ledger_epoch(l, l->epoch + 1);
}

static inline void ledger_acked(struct ledger *l)
{
	atomic_store(&l->acked, l->epoch);
}

static inline __u64 ledger_stamp(struct ledger *l)
{
	return atomic_load(&l->acked);
}

/* Nanoseconds by which a packet left too early; 0: it did not. */
static inline __u64 ledger_early(struct ledger *l, __u64 stamp, __u64 left)
{
	__u64 asked = atomic_load(&l->asked[stamp % EPOCHS]);

	return left < asked ? asked - left : 0;
}

/* ---- commands at full speed ----
 * Messages are built, and ids are looked up, only once.
 */

/* The interface for commands that both interfaces have; BY_CHANCE: a random one.
 * Other commands always go through the family.
 */
enum way { BY_TC, BY_FAMILY, BY_CHANCE };

static inline enum way way_of(const char *name)
{
	if (!strcmp(name, "tc"))
		return BY_TC;
	if (!strcmp(name, "family"))
		return BY_FAMILY;
	if (!strcmp(name, "mixed"))
		return BY_CHANCE;
	bail("%s is none of tc, family, mixed", name);
}

struct commander {
	int	nl;
	__u64	count, by_family;
	enum way way;
	__u64	seed;
	unsigned int plugs;	/* each gets every command */
	__u32	at[PLUGS_MAX];	/* their parents */
	bool	knows_family;
	struct control family;
	__u64	id[PLUGS_MAX];	/* 0: not looked up yet */
	struct {
		struct nlmsghdr	nlh;
		struct tcmsg	tcm;
		struct nlattr	kind;
		char		name[8];
		struct nlattr	opt;
		struct tc_plug_qopt qopt;
	} __attribute__((packed, aligned(8))) msg;
};

/* Commands go to the plug at the root of @dev, by tc if tc has them. To change that,
 * set c->at, c->plugs and c->way afterwards.
 */
static inline void commander_open(struct commander *c, const char *dev)
{
	memset(c, 0, sizeof(*c));
	c->nl = nl_open();
	c->seed = now_ns() | 1;
	c->plugs = 1;
	c->at[0] = TC_H_ROOT;
	c->msg.nlh.nlmsg_len = sizeof(c->msg);
	c->msg.nlh.nlmsg_type = RTM_NEWQDISC;
	c->msg.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	c->msg.tcm.tcm_ifindex = if_nametoindex(dev);
	c->msg.kind.nla_type = TCA_KIND;
	c->msg.kind.nla_len = NLA_HDRLEN + sizeof("plug");
	strcpy(c->msg.name, "plug");
	c->msg.opt.nla_type = TCA_OPTIONS;
	c->msg.opt.nla_len = NLA_HDRLEN + sizeof(c->msg.qopt);
}

static inline void commander_forget_family(struct commander *c)
{
	if (c->knows_family)
		control_close(&c->family);
	c->knows_family = false;
	memset(c->id, 0, sizeof(c->id));
}

static inline void commander_close(struct commander *c)
{
	commander_forget_family(c);
	close(c->nl);
}

static inline int commander_by_tc(struct commander *c, unsigned int i, int action,
				  __u32 limit)
{
	c->msg.tcm.tcm_parent = c->at[i];
	c->msg.qopt.action = action;
	c->msg.qopt.limit = limit;
	return nl_raw(c->nl, &c->msg, c->msg.nlh.nlmsg_len, NULL);
}

/* Looks up the id of plug @i; false: there is no such plug, or no family. */
static inline bool commander_find(struct commander *c, unsigned int i)
{
	struct control_state st;

	if (!c->knows_family)
		c->knows_family = control_try_open(&c->family);
	if (!c->knows_family ||
	    !control_look_up(&c->family, c->msg.tcm.tcm_ifindex, c->at[i], &st))
		return false;
	c->id[i] = st.id;
	return true;
}

/* After ENOENT, looks up the family and the plug, and tries once more: there may be
 * another plug, or the module was loaded again and its family has a new number.
 */
static inline int commander_by_family(struct commander *c, unsigned int i, int action,
				      const __u64 *arg)
{
	int err = -ENOENT;

	c->by_family++;
	if (c->id[i])
		err = control_change(&c->family, c->id[i], action, arg, NULL);
	if (err != -ENOENT)
		return err;
	commander_forget_family(c);
	if (!commander_find(c, i))
		return -ENOENT;
	return control_change(&c->family, c->id[i], action, arg, NULL);
}

static inline bool commander_goes_by_family(struct commander *c, int action)
{
	if (action == TCQ_PLUG_DISCARD || action == TCQ_PLUG_RELEASE_UPTO)
		return true;
	if (c->way != BY_CHANCE)
		return c->way == BY_FAMILY;
	c->seed = c->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return c->seed >> 63;
}

/* Sends a command to each plug. Returns 0 or the first error, a negative errno. @arg:
 * the limit, or the epoch of RELEASE_UPTO.
 */
static inline int commander_say(struct commander *c, int action, __u64 arg)
{
	bool takes = action == TCQ_PLUG_LIMIT || action == TCQ_PLUG_RELEASE_UPTO;
	bool family = commander_goes_by_family(c, action);
	unsigned int i;
	int err = 0;

	c->count++;
	for (i = 0; i < c->plugs && !err; i++)
		err = family ? commander_by_family(c, i, action, takes ? &arg : NULL) :
			       commander_by_tc(c, i, action, arg);
	return err;
}

/* The functions say_*() send commands and record them in the ledger. They return 0
 * if all commands succeeded.
 */
static inline int say_buffer(struct commander *c, struct ledger *l)
{
	int err;

	ledger_next(l);
	err = commander_say(c, TCQ_PLUG_BUFFER, 0);
	ledger_acked(l);
	return err;
}

static inline int say_release_one(struct commander *c, struct ledger *l)
{
	if (l->released + 1 < l->epoch)
		ledger_ask(l, l->released + 1);
	return commander_say(c, TCQ_PLUG_RELEASE_ONE, 0);
}

static inline int say_open(struct commander *c, struct ledger *l)
{
	ledger_ask(l, l->epoch);
	return commander_say(c, TCQ_PLUG_RELEASE_INDEFINITE, 0);
}

/* Sends BUFFER, and then releases each ended epoch. So all packets that were sent
 * before leave, and no others. If the plug was open, the packets that BUFFER stops
 * leave as well.
 */
static inline int say_release_closed(struct commander *c, struct ledger *l)
{
	int err = say_buffer(c, l);

	do
		err |= say_release_one(c, l);
	while (l->released + 1 < l->epoch);
	return err;
}

/* If there is traffic, call traffic_lose() first. */
static inline int say_discard(struct commander *c, struct ledger *l)
{
	int err;

	if (l->released != l->epoch)
		ledger_discard(l);
	err = commander_say(c, TCQ_PLUG_DISCARD, 0);
	ledger_acked(l);
	return err;
}

/* ---- threads ---- */

static inline void on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline pthread_t thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg))
		bail("no thread");
	return t;
}

/* A random number from 0 to @n - 1, by xorshift. Each thread has its own seed. */
static inline unsigned int dice(__u64 *seed, unsigned int n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

#endif /* RACE_H */
