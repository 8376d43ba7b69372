/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the kernel that CBMC needs for plug_queue.c: one processor, one
 * qdisc, and only memory that the proof provides. The kernel's queue helpers are
 * written here in their simplest form; if the proof has to know about a call, they
 * call the proof.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <linux/errno.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
typedef unsigned int gfp_t;

#define U32_MAX			(~(u32)0)
#define unlikely(x)		(x)
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	(written(&(x)), (x) = (v))
#define BUILD_BUG_ON(c)		((void)sizeof(char[1 - 2 * !!(c)]))
#define clamp_t(type, v, lo, hi) \
	((type)(v) < (type)(lo) ? (type)(lo) : \
	 (type)(v) > (type)(hi) ? (type)(hi) : (type)(v))

void written(const void *what);

/* A module */
#define __init
#define __exit
#define __read_mostly
#define THIS_MODULE		NULL
#define PLUG_VERSION		""
#define MODULE_ALIAS_NET_SCH(x)	extern int module_ignored
#define MODULE_LICENSE(x)	extern int module_ignored
#define MODULE_VERSION(x)	extern int module_ignored
#define MODULE_DESCRIPTION(x)	extern int module_ignored
#define module_init(x)
#define module_exit(x)

u64 ktime_get_ns(void);

/* One processor: nothing runs in parallel. */
typedef struct {
	s64	counter;
} atomic64_t;

#define ATOMIC64_INIT(i)	{ (i) }

static s64 atomic64_read(const atomic64_t *v)
{
	return v->counter;
}

static s64 atomic64_inc_return(atomic64_t *v)
{
	v->counter = (s64)((u64)v->counter + 1);
	return v->counter;
}

static bool atomic64_try_cmpxchg(atomic64_t *v, s64 *old, s64 new)
{
	if (v->counter != *old) {
		*old = v->counter;
		return false;
	}
	v->counter = new;
	return true;
}

/* Packets */
struct sk_buff {
	struct sk_buff	*next;
	unsigned int	len;
	void		(*destructor)(struct sk_buff *skb);
	/* The contents of cb. In the kernel qdisc_skb_cb()->data has only 20 bytes. */
	struct qdisc_skb_cb {
		u64		data[3];
		unsigned int	pkt_len;
	} cb;
	bool		decrypted, copied, orphaned;
};

void sock_efree(struct sk_buff *skb);

static struct qdisc_skb_cb *qdisc_skb_cb(const struct sk_buff *skb)
{
	return (struct qdisc_skb_cb *)&skb->cb;
}

#define qdisc_cb_private_validate(skb, sz)	BUILD_BUG_ON((sz) > 20)

static unsigned int qdisc_pkt_len(const struct sk_buff *skb)
{
	return skb->cb.pkt_len;
}

#define GFP_ATOMIC	1

static bool skb_is_decrypted(const struct sk_buff *skb)
{
	return skb->decrypted;
}

int skb_orphan_frags_rx(struct sk_buff *skb, gfp_t gfp);
void skb_orphan_partial(struct sk_buff *skb);

/* The qdisc */
#define NET_XMIT_SUCCESS	0
#define NET_XMIT_DROP		1
#define TCQ_F_BUILTIN	1
#define TCQ_F_CAN_BYPASS	4

struct sk_buff_head {
	struct sk_buff	*first;
};

#define skb_queue_empty(list)	(!(list)->first)
#define skb_queue_walk(list, skb) \
	for (skb = (list)->first; skb; skb = skb->next)

static void __skb_queue_head_init(struct sk_buff_head *list)
{
	list->first = NULL;
}

/* The proof does not check what the core does with the packets of a purged list. */
#define __skb_queue_purge(list)	__skb_queue_head_init(list)

static void skb_queue_splice_init(struct sk_buff_head *list, struct sk_buff_head *to)
{
	struct sk_buff **end = &list->first;

	while (*end)
		end = &(*end)->next;
	*end = to->first;
	to->first = list->first;
	list->first = NULL;
}

static u32 skb_queue_len(const struct sk_buff_head *list)
{
	u32 n = 0;

	for (const struct sk_buff *skb = list->first; skb; skb = skb->next)
		n++;
	return n;
}

struct hlist_node {
	int	nothing;
};

struct user_namespace {
	int	nothing;
};

extern struct user_namespace init_user_ns;

struct net {
	struct user_namespace	*user_ns;
};

struct net_device {
	unsigned int	tx_queue_len;
	struct net	net;
};

#define dev_net(dev)	(&(dev)->net)

typedef struct { int unused; } spinlock_t;

struct Qdisc;

struct netdev_queue {
	struct Qdisc	*qdisc_sleeping;
};

struct Qdisc {
	unsigned int	flags;
	struct netdev_queue	*dev_queue;
	struct {
		struct sk_buff	*head, *tail;
		u32		qlen;
	} q;
	struct {
		u32		backlog;
		u32		drops;
	} qstats;
	struct sk_buff_head	gso_skb, skb_bad_txq;	/* handed back by drivers */
};

struct netlink_ext_ack;
struct nlattr;

struct Qdisc_ops {
	const char	*id;
	int		priv_size;
	int		(*enqueue)(struct sk_buff *, struct Qdisc *, struct sk_buff **);
	struct sk_buff *(*dequeue)(struct Qdisc *);
	struct sk_buff *(*peek)(struct Qdisc *);
	int		(*init)(struct Qdisc *, struct nlattr *, struct netlink_ext_ack *);
	void		(*reset)(struct Qdisc *);
	void		(*destroy)(struct Qdisc *);
	int		(*change)(struct Qdisc *, struct nlattr *, struct netlink_ext_ack *);
	void		*owner;
};

int register_qdisc(struct Qdisc_ops *ops);
void unregister_qdisc(struct Qdisc_ops *ops);

extern struct plug_sched_data plug_data;
extern struct net_device device;

#define qdisc_priv(sch)		(&plug_data)
#define qdisc_dev(sch)		(&device)
/* The root qdisc: the plug itself, or its parent. While it is inactive, the core has the
 * noop qdisc in its place.
 */
extern struct Qdisc *root_qdisc, noop_qdisc;
extern bool inactive;
static struct Qdisc *qdisc_root(const struct Qdisc *sch)
{
	return inactive ? &noop_qdisc : root_qdisc;
}

#define qdisc_root_sleeping(sch) root_qdisc
/* So large that the product with tx_queue_len needs 64 bits. */
#define psched_mtu(dev)		(1U << 20)

/* Functions in harness.c */
void sch_tree_lock(struct Qdisc *sch);
void sch_tree_unlock(struct Qdisc *sch);
void __netif_schedule(struct Qdisc *sch);

/* Each qdisc stands for its own lock. Without RTNL, another qdisc may become the
 * root while the module waits for the lock of the old root.
 */
#define rcu_dereference(p)	(p)
#define qdisc_lock(sch)		(sch)
void spin_lock_bh(struct Qdisc *lock);
void spin_unlock_bh(struct Qdisc *lock);
void lockdep_assert_held(const struct Qdisc *lock);
void ASSERT_RTNL(void);
void rtnl_kfree_skbs(struct sk_buff *head, struct sk_buff *tail);
void packet_refused(struct sk_buff *skb);
void packet_reset(struct sk_buff *skb);
void qdisc_tree_reduce_backlog(struct Qdisc *sch, int n, int len);
void plug_wait_for_deferred(void);
bool qdisc_is_running(const struct Qdisc *sch);
#define usleep_range(min, max)	((void)0)

static struct sk_buff *qdisc_peek_head(struct Qdisc *sch)
{
	return sch->q.head;
}

static struct sk_buff *qdisc_dequeue_head(struct Qdisc *sch)
{
	struct sk_buff *skb = sch->q.head;

	if (!skb)
		return NULL;
	sch->q.head = skb->next;
	if (!sch->q.head)
		sch->q.tail = NULL;
	skb->next = NULL;
	sch->q.qlen--;
	sch->qstats.backlog -= qdisc_pkt_len(skb);
	return skb;
}

static int qdisc_enqueue_tail(struct sk_buff *skb, struct Qdisc *sch)
{
	skb->next = NULL;
	if (sch->q.tail)
		sch->q.tail->next = skb;
	else
		sch->q.head = skb;
	sch->q.tail = skb;
	sch->q.qlen++;
	sch->qstats.backlog += qdisc_pkt_len(skb);
	return NET_XMIT_SUCCESS;
}

static void qdisc_qstats_backlog_dec(struct Qdisc *sch, const struct sk_buff *skb)
{
	sch->qstats.backlog -= qdisc_pkt_len(skb);
}

static void qdisc_qstats_backlog_inc(struct Qdisc *sch, const struct sk_buff *skb)
{
	sch->qstats.backlog += qdisc_pkt_len(skb);
}

static void __qdisc_qstats_drop(struct Qdisc *sch, int n)
{
	sch->qstats.drops += n;
}

static int qdisc_drop(struct sk_buff *skb, struct Qdisc *sch,
		      struct sk_buff **to_free)
{
	sch->qstats.drops++;
	packet_refused(skb);
	return NET_XMIT_DROP;
}

static void qdisc_reset_queue(struct Qdisc *sch)
{
	for (struct sk_buff *skb = sch->q.head; skb; skb = skb->next)
		packet_reset(skb);
	sch->q.head = sch->q.tail = NULL;
	sch->q.qlen = 0;
	sch->qstats.backlog = 0;
}

/* Netlink: TCA_OPTIONS is a tc_plug_qopt. len is the length of the payload, which
 * nla_len() returns.
 */
struct nlattr {
	int			len;
};

#define NL_SET_BAD_ATTR(extack, attr)		((void)(attr))
#define NL_SET_ERR_MSG_MOD(extack, text)	((void)(text))

static int nla_len(const struct nlattr *nla)
{
	return nla->len;
}

static void *nla_data(const struct nlattr *nla)
{
	return (void *)(nla + 1);
}
