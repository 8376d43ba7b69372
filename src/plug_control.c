// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generic netlink family "sch_plug". It reports what tc does not report
 * about a plug, and accepts commands without waiting for RTNL.
 *
 * Each plug has an id, and operations name the plug by its id. No other plug
 * has had the same id since the machine was booted. So a command for one plug
 * never reaches its successor.
 *
 * Locking. Plugs are hashed by their ids, for readers under RCU. A plug is
 * added at the end of its init and removed at the beginning of its destroy,
 * both under RTNL. Each plug has a lock of its own. Until destroy has returned,
 * the qdisc core keeps the plug's transmit queue, device and network namespace.
 * So all of them exist while the plug's lock is held and the plug is hashed.
 * Order:
 *
 *	RTNL > lock of a plug > root lock of a qdisc, or lock of a bucket
 *
 * The packet path never takes a plug's lock. A walk over all plugs without RTNL
 * takes the locks of the buckets instead, so it never waits for a busy root.
 *
 * The commands of a controller's loop (BUFFER, RELEASE_ONE, RELEASE_UPTO of a
 * closed plug, GET of one) need only the plug's lock and the root lock, a
 * release only while the device is active. All others take RTNL, which also
 * keeps the plug. The sender does not see the difference. On a kernel that
 * frees qdiscs without waiting for RCU, every command takes RTNL.
 *
 * An owner is a socket, not a process and not a port number. While the owner's
 * socket is being closed, a thread of the same process may get the same port
 * number for another socket. We hold a reference to the socket until it is
 * closed or the plug is destroyed. When no process has the socket any more, the
 * core has marked it with SOCK_DEAD.
 */

#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "sch_plug.h"

#define PLUG_HASH_BITS	6

struct plug_bucket {
	spinlock_t		lock;	/* for walks over plugs without RTNL */
	struct hlist_head	plugs;
};

static struct plug_bucket plug_buckets[1 << PLUG_HASH_BITS];
static u64 plug_next_id;		/* RTNL */
static unsigned int plug_generation_id;
static atomic_t plug_owned = ATOMIC_INIT(0);

static struct genl_family plug_family;

static struct plug_bucket *plug_bucket(u64 id)
{
	return &plug_buckets[hash_64(id, PLUG_HASH_BITS)];
}

/* Counts the plugs of a network namespace that come or go. With RTNL. */
static unsigned int *plug_generation(const struct net *net)
{
	return net_generic(net, plug_generation_id);
}

/* Skips 0, which would mean that a dump is never interrupted. */
static void plug_next_generation(const struct net *net)
{
	unsigned int *generation = plug_generation(net);

	if (!++*generation)
		++*generation;
}

/* Needs an RCU section. The plug that is returned may be going away. */
static struct plug_control *plug_find(const struct net *net, u64 id)
{
	struct plug_control *control;

	hlist_for_each_entry_rcu(control, &plug_bucket(id)->plugs, node)
		if (control->id == id && net_eq(control->net, net))
			return control;
	return NULL;
}

/* Needs RTNL, which keeps the plug that is returned. */
static struct plug_control *plug_find_rtnl(const struct net *net, u64 id)
{
	struct plug_control *control;

	ASSERT_RTNL();
	rcu_read_lock();
	control = plug_find(net, id);
	rcu_read_unlock();
	return control;
}

/* Needs an RCU section. The plug is returned locked, and stays until the caller
 * unlocks it.
 */
static struct plug_control *plug_find_lock(const struct net *net, u64 id)
{
	struct plug_control *control = plug_find(net, id);

	if (!control)
		return NULL;
	spin_lock_bh(&control->lock);
	if (!hlist_unhashed(&control->node))
		return control;
	spin_unlock_bh(&control->lock);
	return NULL;
}

/* A plug is unhashed, and its owner is changed, under RTNL, the plug's lock and
 * the lock of its bucket. So any one of the three is enough to read them.
 */
static void plug_lock_both(struct plug_control *control)
{
	spin_lock_bh(&control->lock);
	spin_lock(&plug_bucket(control->id)->lock);
}

static void plug_unlock_both(struct plug_control *control)
{
	spin_unlock(&plug_bucket(control->id)->lock);
	spin_unlock_bh(&control->lock);
}

/* Fills in what the queue does not know. Needs the plug's lock or RTNL. */
static void plug_identify(const struct plug_control *control,
			  struct plug_snapshot *snap)
{
	const struct Qdisc *sch = control->sch;

	snap->id = control->id;
	snap->ifindex = qdisc_dev(sch)->ifindex;
	snap->handle = sch->handle;
	snap->parent = sch->parent;
	snap->owner = control->owner ? control->owner_port : 0;
	snap->at_exit = control->at_exit;
}

/* Messages */

static size_t plug_msg_size(bool stats)
{
	size_t size = 7 * nla_total_size_64bit(sizeof(u64)) +
		      11 * nla_total_size(sizeof(u32));

	if (stats)
		size += nla_total_size(0) +
			SCH_PLUG_A_STATS_MAX * nla_total_size_64bit(sizeof(u64));
	return size;
}

static int plug_put_u64(struct sk_buff *msg, int attr, u64 value)
{
	return nla_put_u64_64bit(msg, attr, value, SCH_PLUG_A_PAD);
}

static int plug_put_stat(struct sk_buff *msg, int attr, u64 value)
{
	return nla_put_u64_64bit(msg, attr, value, SCH_PLUG_A_STATS_PAD);
}

static int plug_put_stats(struct sk_buff *msg, const struct plug_snapshot *snap)
{
	const struct plug_stats *st = &snap->stats;
	struct nlattr *nest = nla_nest_start(msg, SCH_PLUG_A_STATS);

	if (!nest ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_QUEUED_PACKETS, st->queued_packets) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_QUEUED_BYTES, st->queued_bytes) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_MAX_BACKLOG, st->max_backlog) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_DROPS_LIMIT, st->drops_limit) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_DROPS_RESET, st->drops_reset) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_DROPS_DISCARD, st->drops_discard) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_COPY_FAILURES, st->copy_failures) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_BUFFER_CMDS, st->buffer_cmds) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_RELEASE_ONE_CMDS, st->release_one_cmds) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS,
			  st->release_indefinite_cmds) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_LIMIT_CMDS, st->limit_cmds) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_DISCARD_CMDS, st->discard_cmds) ||
	    plug_put_stat(msg, SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS, st->release_upto_cmds))
		return -EMSGSIZE;
	if (!plug_was_open(snap) &&
	    plug_put_stat(msg, SCH_PLUG_A_STATS_CLOSED_AGE,
			  ktime_get_ns() - snap->closed_at))
		return -EMSGSIZE;

	nla_nest_end(msg, nest);
	return 0;
}

static int plug_put_snapshot(struct sk_buff *msg,
			     const struct plug_snapshot *snap)
{
	if (plug_put_u64(msg, SCH_PLUG_A_ID, snap->id) ||
	    nla_put_u32(msg, SCH_PLUG_A_IFINDEX, snap->ifindex) ||
	    nla_put_u32(msg, SCH_PLUG_A_HANDLE, snap->handle) ||
	    nla_put_u32(msg, SCH_PLUG_A_PARENT, snap->parent) ||
	    nla_put_u32(msg, SCH_PLUG_A_LIMIT, snap->limit) ||
	    plug_put_u64(msg, SCH_PLUG_A_EPOCH, snap->epoch) ||
	    plug_put_u64(msg, SCH_PLUG_A_RELEASED, snap->released) ||
	    nla_put_u32(msg, SCH_PLUG_A_STOPPED, snap->stopped) ||
	    nla_put_u32(msg, SCH_PLUG_A_QLEN, snap->qlen) ||
	    nla_put_u32(msg, SCH_PLUG_A_BACKLOG, snap->backlog) ||
	    plug_put_u64(msg, SCH_PLUG_A_COMMANDS, plug_commands(&snap->stats)))
		return -EMSGSIZE;
	if (snap->head_epoch &&
	    plug_put_u64(msg, SCH_PLUG_A_HEAD_EPOCH, snap->head_epoch))
		return -EMSGSIZE;
	if (snap->tail_epoch &&
	    plug_put_u64(msg, SCH_PLUG_A_TAIL_EPOCH, snap->tail_epoch))
		return -EMSGSIZE;
	if (snap->owner &&
	    (nla_put_u32(msg, SCH_PLUG_A_OWNER, snap->owner) ||
	     nla_put_u32(msg, SCH_PLUG_A_AT_EXIT, snap->at_exit)))
		return -EMSGSIZE;
	return 0;
}

/* Sends an event. It is queued to all listeners before this returns, and so
 * before the reply to the sender. Nothing is allocated if no network namespace
 * has a listener: netlink does not count the listeners of each one.
 */
static void plug_event(struct net *net, u8 cmd,
		       const struct plug_snapshot *snap, int attr, u32 value)
{
	/* Not all kernels let a qdisc sleep while it is destroyed. */
	const bool gone = cmd == SCH_PLUG_CMD_DETACH_NTF;
	const gfp_t gfp = gone ? GFP_ATOMIC : GFP_KERNEL;
	struct sk_buff *msg;
	void *hdr;

	if (!genl_has_listeners(&plug_family, net, 0))
		return;

	msg = genlmsg_new(plug_msg_size(gone), gfp);
	if (!msg)
		goto lost;
	hdr = genlmsg_put(msg, 0, 0, &plug_family, 0, cmd);
	if (!hdr || plug_put_snapshot(msg, snap) ||
	    (gone && plug_put_stats(msg, snap)) ||
	    (attr && nla_put_u32(msg, attr, value)))
		goto lost;
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&plug_family, net, msg, 0, 0, gfp);
	return;
lost:
	/* Listeners get ENOBUFS, so that they know of the lost event. */
	nlmsg_free(msg);
	genl_set_err(&plug_family, net, 0, 0, -ENOBUFS);
}

/* Allocates a reply. Called before the command is executed: an executed command
 * must not be reported as failed because there is no memory. For the same
 * reason plug_echo() ignores errors, such as a full receive buffer. The state
 * after a command is sent only with NLM_F_ECHO: an acknowledgment costs less.
 */
static struct sk_buff *plug_reply_new(bool stats)
{
	return genlmsg_new(plug_msg_size(stats), GFP_KERNEL);
}

/* *@msg is NULL if the sender has not asked for the state. */
static int plug_echo_new(const struct genl_info *info, struct sk_buff **msg)
{
	*msg = NULL;
	if (!(info->nlhdr->nlmsg_flags & NLM_F_ECHO))
		return 0;
	*msg = plug_reply_new(false);
	return *msg ? 0 : -ENOMEM;
}

static int plug_reply(struct sk_buff *msg, struct genl_info *info,
		      const struct plug_snapshot *snap, bool stats)
{
	void *hdr = genlmsg_put_reply(msg, info, &plug_family, 0,
				      info->genlhdr->cmd);

	if (!hdr || plug_put_snapshot(msg, snap) ||
	    (stats && plug_put_stats(msg, snap))) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static void plug_echo(struct sk_buff *msg, struct genl_info *info,
		      const struct plug_snapshot *snap)
{
	if (msg)
		plug_reply(msg, info, snap, false);
}

/* Requests */

static const struct nla_policy plug_policy[SCH_PLUG_A_MAX + 1] = {
	[SCH_PLUG_A_ID]		= { .type = NLA_U64 },
	[SCH_PLUG_A_IFINDEX]	= { .type = NLA_U32 },
	[SCH_PLUG_A_ACTION]	= { .type = NLA_U32 },
	[SCH_PLUG_A_LIMIT]	= { .type = NLA_U32 },
	[SCH_PLUG_A_LAST]	= { .type = NLA_U64 },
	[SCH_PLUG_A_AT_EXIT]	= { .type = NLA_U32 },
};

/* The attributes in @needed must be present, those in @allowed may be present,
 * and no others. Missing ones are reported first: without an action nothing
 * else can be checked.
 */
static int plug_check_attrs(struct genl_info *info, u32 needed, u32 allowed)
{
	const struct nlattr *attr, *foreign = NULL;
	u32 missing = needed;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) <= SCH_PLUG_A_MAX &&
		    ((needed | allowed) & BIT(nla_type(attr))))
			missing &= ~BIT(nla_type(attr));
		else if (!foreign)
			foreign = attr;
	}
	if (missing && GENL_REQ_ATTR_CHECK(info, __ffs(missing))) {
		GENL_SET_ERR_MSG(info, "A required attribute is missing");
		return -EINVAL;
	}
	if (foreign) {
		NL_SET_ERR_MSG_ATTR(info->extack, foreign,
				    "Attribute means nothing in this request");
		return -EINVAL;
	}
	return 0;
}

static int plug_no_such(struct genl_info *info)
{
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SCH_PLUG_A_ID],
			    "No plug of this network namespace has this id");
	return -ENOENT;
}

static u64 plug_id(const struct genl_info *info)
{
	return nla_get_u64(info->attrs[SCH_PLUG_A_ID]);
}

static int plug_get_rtnl(struct genl_info *info, struct plug_snapshot *snap)
{
	struct plug_control *control;
	int err = 0;

	rtnl_lock();
	control = plug_find_rtnl(genl_info_net(info), plug_id(info));
	if (control) {
		plug_identify(control, snap);
		plug_look_rtnl(control->sch, snap);
	} else {
		err = plug_no_such(info);
	}
	rtnl_unlock();
	return err;
}

/* Reads the state without RTNL. Returns -EAGAIN if RTNL is needed. The plug's
 * lock keeps the plug, the RCU section keeps its root. The lock is dropped
 * last, because softirqs run then, and may send all that was released. Its
 * memory stays until then: while softirqs are off, RCU waits.
 */
static int plug_get_rcu(struct genl_info *info, struct plug_snapshot *snap)
{
	struct plug_control *control;
	int err;

	if (!qdisc_freed_by_rcu())
		return -EAGAIN;

	rcu_read_lock();
	control = plug_find_lock(genl_info_net(info), plug_id(info));
	if (!control) {
		rcu_read_unlock();
		return plug_no_such(info);
	}
	plug_identify(control, snap);
	err = plug_look_rcu(control->sch, snap);
	rcu_read_unlock();
	spin_unlock_bh(&control->lock);
	return err;
}

static int plug_do_get(struct sk_buff *skb, struct genl_info *info)
{
	struct plug_snapshot snap;
	struct sk_buff *msg;
	int err;

	err = plug_check_attrs(info, BIT(SCH_PLUG_A_ID), 0);
	if (err)
		return err;
	msg = plug_reply_new(true);
	if (!msg)
		return -ENOMEM;
	err = plug_get_rcu(info, &snap);
	if (err == -EAGAIN)
		err = plug_get_rtnl(info, &snap);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return plug_reply(msg, info, &snap, true);
}

static int plug_parse_change(struct genl_info *info, struct plug_cmd *cmd)
{
	u32 needed = BIT(SCH_PLUG_A_ID) | BIT(SCH_PLUG_A_ACTION), allowed = 0;
	struct nlattr **attrs = info->attrs;
	int err;

	if (attrs[SCH_PLUG_A_ACTION])
		cmd->action = nla_get_u32(attrs[SCH_PLUG_A_ACTION]);
	switch (cmd->action) {
	case TCQ_PLUG_LIMIT:
		needed |= BIT(SCH_PLUG_A_LIMIT);
		break;
	case TCQ_PLUG_RELEASE_UPTO:
		needed |= BIT(SCH_PLUG_A_LAST);
		break;
	case TCQ_PLUG_DISCARD:
		allowed |= BIT(SCH_PLUG_A_LAST);
		break;
	}
	err = plug_check_attrs(info, needed, allowed);
	if (err)
		return err;

	cmd->attr = attrs[SCH_PLUG_A_ACTION];
	if (attrs[SCH_PLUG_A_LIMIT])
		cmd->limit = nla_get_u32(attrs[SCH_PLUG_A_LIMIT]);
	if (attrs[SCH_PLUG_A_LAST]) {
		cmd->last = nla_get_u64(attrs[SCH_PLUG_A_LAST]);
		cmd->has_last = true;
		cmd->attr = attrs[SCH_PLUG_A_LAST];
	}
	return 0;
}

static int plug_change_rtnl(struct genl_info *info, struct plug_cmd *cmd,
			    struct plug_snapshot *after)
{
	struct plug_control *control;
	int err;

	rtnl_lock();
	control = plug_find_rtnl(genl_info_net(info), plug_id(info));
	if (control) {
		err = plug_command_rtnl(control->sch, cmd, after, info->extack);
		if (!err)
			plug_changed(control->sch, cmd, after);
	} else {
		err = plug_no_such(info);
	}
	rtnl_unlock();
	return err;
}

/* Executes a command without RTNL. Returns -EAGAIN if RTNL is needed. Locks as
 * plug_get_rcu() does.
 */
static int plug_change_rcu(struct genl_info *info, const struct plug_cmd *cmd,
			   struct plug_snapshot *after)
{
	struct plug_control *control;
	int err;

	if (!qdisc_freed_by_rcu())
		return -EAGAIN;

	rcu_read_lock();
	control = plug_find_lock(genl_info_net(info), plug_id(info));
	if (!control) {
		rcu_read_unlock();
		return plug_no_such(info);
	}
	plug_identify(control, after);
	err = plug_command_rcu(control->sch, cmd, after, info->extack);
	rcu_read_unlock();
	spin_unlock_bh(&control->lock);

	/* The plug may be gone by now, but not the sender's namespace. */
	if (!err)
		plug_event(genl_info_net(info), SCH_PLUG_CMD_CHANGE_NTF, after,
			   SCH_PLUG_A_ACTION, cmd->action);
	return err;
}

static int plug_do_change(struct sk_buff *skb, struct genl_info *info)
{
	struct plug_snapshot after;
	struct plug_cmd cmd = {};
	struct sk_buff *msg;
	int err;

	err = plug_parse_change(info, &cmd);
	if (err)
		return err;
	err = plug_echo_new(info, &msg);
	if (err)
		return err;
	err = plug_change_rcu(info, &cmd, &after);
	if (err == -EAGAIN)
		err = plug_change_rtnl(info, &cmd, &after);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	plug_echo(msg, info, &after);
	return 0;
}

/* Owners */

static void plug_set_owner(struct plug_control *control, struct sock *sk,
			   u32 port, u32 at_exit)
{
	struct sock *old = control->owner;

	if (sk)
		sock_hold(sk);
	plug_lock_both(control);
	control->owner = sk;
	control->owner_port = port;
	control->at_exit = at_exit;
	plug_unlock_both(control);
	if (old)
		sock_put(old);
	atomic_add(!!sk - !!old, &plug_owned);
}

static int plug_own(struct genl_info *info, struct sock *sk, u32 at_exit,
		    struct plug_snapshot *snap)
{
	struct plug_control *control;

	control = plug_find_rtnl(genl_info_net(info), plug_id(info));
	if (!control)
		return plug_no_such(info);
	if (control->owner && control->owner != sk) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[SCH_PLUG_A_ID],
				    "The plug has another owner");
		return -EBUSY;
	}
	plug_set_owner(control, sk, info->snd_portid, at_exit);
	plug_identify(control, snap);
	plug_look_rtnl(control->sch, snap);
	return 0;
}

static int plug_do_own(struct sk_buff *skb, struct genl_info *info)
{
	struct plug_snapshot snap;
	struct sk_buff *msg;
	u32 at_exit;
	int err;

	err = plug_check_attrs(info, BIT(SCH_PLUG_A_ID) |
				     BIT(SCH_PLUG_A_AT_EXIT), 0);
	if (err)
		return err;
	at_exit = nla_get_u32(info->attrs[SCH_PLUG_A_AT_EXIT]);
	if (at_exit > SCH_PLUG_AT_EXIT_DISCARD) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[SCH_PLUG_A_AT_EXIT],
				    "Unknown thing to do at exit");
		return -EINVAL;
	}
	err = plug_echo_new(info, &msg);
	if (err)
		return err;
	rtnl_lock();
	err = plug_own(info, NETLINK_CB(skb).sk, at_exit, &snap);
	rtnl_unlock();
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	plug_echo(msg, info, &snap);
	return 0;
}

static bool plug_owner_is_gone(const struct plug_control *control)
{
	return control->owner && sock_flag(control->owner, SOCK_DEAD);
}

static bool plug_any_owner_is_gone(void)
{
	const struct plug_control *control;
	struct plug_bucket *bucket;
	bool gone = false;

	for (bucket = plug_buckets;
	     !gone && bucket < plug_buckets + ARRAY_SIZE(plug_buckets);
	     bucket++) {
		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(control, &bucket->plugs, node)
			gone |= plug_owner_is_gone(control);
		spin_unlock_bh(&bucket->lock);
	}
	return gone;
}

/* Does at_exit, and then removes the owner. In this order, because another
 * socket's close() may have come here first. As long as the plug has its owner,
 * the owner's own close() waits for RTNL, until at_exit is done.
 */
static void plug_lose_owner(struct plug_control *control,
			    struct plug_cmd *discard)
{
	struct Qdisc *sch = control->sch;
	const u32 at_exit = control->at_exit;
	struct plug_cmd open = { .action = TCQ_PLUG_RELEASE_INDEFINITE };
	struct plug_snapshot after;

	switch (at_exit) {
	case SCH_PLUG_AT_EXIT_OPEN:
		plug_command_rtnl(sch, &open, &after, NULL);
		break;
	case SCH_PLUG_AT_EXIT_DISCARD:
		plug_command_rtnl(sch, discard, &after, NULL);
		break;
	default:
		plug_look_rtnl(sch, &after);
	}
	plug_set_owner(control, NULL, 0, SCH_PLUG_AT_EXIT_KEEP);
	plug_identify(control, &after);
	plug_event(control->net, SCH_PLUG_CMD_OWNER_LOST_NTF, &after,
		   SCH_PLUG_A_AT_EXIT, at_exit);
}

/* One socket may own many plugs. All of them get the same struct plug_cmd, so
 * that only the first discard waits for deferred packets.
 */
static void plug_lose_owners(void)
{
	struct plug_cmd discard = { .action = TCQ_PLUG_DISCARD };
	struct plug_control *control;
	struct plug_bucket *bucket;

	for (bucket = plug_buckets;
	     bucket < plug_buckets + ARRAY_SIZE(plug_buckets); bucket++)
		hlist_for_each_entry(control, &bucket->plugs, node)
			if (plug_owner_is_gone(control))
				plug_lose_owner(control, &discard);
}

/* Called when a netlink socket is closed. Takes RTNL only if the owner of some
 * plug is gone: almost no socket owns a plug.
 */
static int plug_socket_closed(struct notifier_block *nb, unsigned long event,
			      void *data)
{
	const struct netlink_notify *notify = data;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC ||
	    !atomic_read(&plug_owned) || !plug_any_owner_is_gone())
		return NOTIFY_DONE;

	rtnl_lock();
	plug_lose_owners();
	rtnl_unlock();
	return NOTIFY_DONE;
}

static struct notifier_block plug_notifier = {
	.notifier_call	= plug_socket_closed,
};

/* Dump */

/* The position of a dump, and the device that was asked for. Zero at first. */
struct plug_dump {
	unsigned long	bucket;
	unsigned long	plug;		/* plugs of that bucket done */
	u32		ifindex;	/* 0: of all devices */
};

static struct plug_dump *plug_dump(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct plug_dump) > sizeof(cb->args));
	return (struct plug_dump *)cb->args;
}

/* Called by .dumpit, not as .start: old kernels cannot report a message from
 * .start.
 */
static int plug_parse_dump(struct netlink_callback *cb)
{
	struct netlink_ext_ack *extack = netlink_callback_extack(cb);
	struct nlattr *attrs[SCH_PLUG_A_MAX + 1];
	int i, err;

	err = genlmsg_parse(cb->nlh, &plug_family, attrs, SCH_PLUG_A_MAX,
			    plug_policy, extack);
	if (err)
		return err;
	for (i = 1; i <= SCH_PLUG_A_MAX; i++) {
		if (!attrs[i] || i == SCH_PLUG_A_IFINDEX)
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attrs[i],
				    "Attribute means nothing in a dump");
		return -EINVAL;
	}
	if (attrs[SCH_PLUG_A_IFINDEX])
		plug_dump(cb)->ifindex = nla_get_u32(attrs[SCH_PLUG_A_IFINDEX]);
	return 0;
}

static int plug_dump_one(struct sk_buff *skb, struct netlink_callback *cb,
			 const struct plug_control *control)
{
	struct plug_snapshot snap;
	void *hdr;

	plug_identify(control, &snap);
	plug_look_rtnl(control->sch, &snap);
	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &plug_family, NLM_F_MULTI, SCH_PLUG_CMD_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (plug_put_snapshot(skb, &snap) || plug_put_stats(skb, &snap)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static bool plug_is_wanted(const struct plug_control *control,
			   const struct net *net, u32 ifindex)
{
	return net_eq(control->net, net) &&
	       (!ifindex || qdisc_dev(control->sch)->ifindex == ifindex);
}

/* Dumps the rest of a bucket. -EMSGSIZE: the message is full. */
static int plug_dump_bucket(struct sk_buff *skb, struct netlink_callback *cb,
			    const struct plug_bucket *bucket)
{
	struct plug_dump *dump = plug_dump(cb);
	const struct plug_control *control;
	unsigned long i = 0;

	hlist_for_each_entry(control, &bucket->plugs, node) {
		if (i++ < dump->plug)
			continue;
		if (plug_is_wanted(control, sock_net(skb->sk), dump->ifindex) &&
		    plug_dump_one(skb, cb, control))
			return -EMSGSIZE;
		dump->plug = i;
	}
	dump->plug = 0;
	return 0;
}

static int plug_do_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct plug_dump *dump = plug_dump(cb);
	int err;

	err = plug_parse_dump(cb);
	if (err)
		return err;

	rtnl_lock();
	cb->seq = *plug_generation(sock_net(skb->sk));
	for (; dump->bucket < ARRAY_SIZE(plug_buckets); dump->bucket++)
		if (plug_dump_bucket(skb, cb, &plug_buckets[dump->bucket]))
			break;
	rtnl_unlock();
	return skb->len;
}

static const struct genl_ops plug_ops[] = {
	{
		.cmd	= SCH_PLUG_CMD_GET,
		.doit	= plug_do_get,
		.dumpit	= plug_do_dump,
		GENL_OP_POLICY(plug_policy)
	},
	{
		.cmd	= SCH_PLUG_CMD_CHANGE,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= plug_do_change,
		GENL_OP_POLICY(plug_policy)
	},
	{
		.cmd	= SCH_PLUG_CMD_OWN,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= plug_do_own,
		GENL_OP_POLICY(plug_policy)
	},
};

static const struct genl_multicast_group plug_groups[] = {
	{ .name = SCH_PLUG_MCGRP_EVENTS },
};

static struct genl_family plug_family __ro_after_init = {
	.name		= SCH_PLUG_FAMILY_NAME,
	.version	= SCH_PLUG_FAMILY_VERSION,
	.maxattr	= SCH_PLUG_A_MAX,
	GENL_FAMILY_POLICY(plug_policy)
	.netnsok	= true,
	.parallel_ops	= true,
	.ops		= plug_ops,
	.n_ops		= ARRAY_SIZE(plug_ops),
	.mcgrps		= plug_groups,
	.n_mcgrps	= ARRAY_SIZE(plug_groups),
	.module		= THIS_MODULE,
};

/* Notifications from the queue */

/* Nobody can find the plug before it is in its bucket, so the snapshot is the
 * state before all commands.
 */
void plug_attached(struct Qdisc *sch)
{
	struct plug_control *control = plug_control(sch);
	struct plug_bucket *bucket;
	struct plug_snapshot snap;

	ASSERT_RTNL();
	spin_lock_init(&control->lock);
	control->sch = sch;
	control->net = dev_net(qdisc_dev(sch));
	control->id = plug_next_id++;
	plug_next_generation(control->net);
	plug_identify(control, &snap);
	plug_look(sch, &snap);

	bucket = plug_bucket(control->id);
	spin_lock_bh(&bucket->lock);
	hlist_add_head_rcu(&control->node, &bucket->plugs);
	spin_unlock_bh(&bucket->lock);

	plug_event(control->net, SCH_PLUG_CMD_ATTACH_NTF, &snap, 0, 0);
}

void plug_detached(struct Qdisc *sch)
{
	struct plug_control *control = plug_control(sch);
	struct plug_snapshot snap;

	if (hlist_unhashed(&control->node))
		return;

	ASSERT_RTNL();
	plug_lock_both(control);
	hlist_del_init_rcu(&control->node);
	plug_unlock_both(control);

	plug_next_generation(control->net);
	if (control->owner)
		plug_set_owner(control, NULL, 0, SCH_PLUG_AT_EXIT_KEEP);
	plug_identify(control, &snap);
	plug_look(sch, &snap);
	plug_event(control->net, SCH_PLUG_CMD_DETACH_NTF, &snap, 0, 0);
}

/* Needs RTNL. */
void plug_changed(struct Qdisc *sch, const struct plug_cmd *cmd,
		  struct plug_snapshot *after)
{
	struct plug_control *control = plug_control(sch);

	plug_identify(control, after);
	plug_event(control->net, SCH_PLUG_CMD_CHANGE_NTF, after,
		   SCH_PLUG_A_ACTION, cmd->action);
}

static struct pernet_operations plug_net_ops = {
	.id	= &plug_generation_id,
	.size	= sizeof(unsigned int),
};

/* The first id is the time since the machine was booted, in nanoseconds. Each
 * plug has the next id. It takes more than a nanosecond to make a plug, so the
 * last id is always behind the clock, which never goes back. So a module that
 * is loaded again begins above all ids that were given before. All ids are
 * above 0.
 */
int plug_control_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(plug_buckets); i++)
		spin_lock_init(&plug_buckets[i].lock);
	plug_next_id = ktime_get_ns();

	err = register_pernet_subsys(&plug_net_ops);
	if (err)
		return err;
	err = genl_register_family(&plug_family);
	if (err)
		goto err_net;
	err = netlink_register_notifier(&plug_notifier);
	if (err)
		goto err_family;
	return 0;

err_family:
	genl_unregister_family(&plug_family);
err_net:
	unregister_pernet_subsys(&plug_net_ops);
	return err;
}

/* Called when there is no plug any more. */
void plug_control_exit(void)
{
	netlink_unregister_notifier(&plug_notifier);
	genl_unregister_family(&plug_family);
	unregister_pernet_subsys(&plug_net_ops);
}
