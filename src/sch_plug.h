/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface between the queue (plug_queue.c) and the control interface
 * (plug_control.c).
 */
#ifndef SCH_PLUG_H
#define SCH_PLUG_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/pkt_sched_plug.h>

struct Qdisc;
struct net;
struct netlink_ext_ack;
struct nlattr;
struct sock;

/* A command from userspace. Its form has been checked. */
struct plug_cmd {
	int			action;
	u32			limit;	/* 0: the default */
	bool			waited;	/* set when deferred packets are in */
	bool			has_last;
	u64			last;	/* epoch to release or discard */
	const struct nlattr	*attr;	/* to blame if the command is refused */
};

/* The counters of a plug since it was created; see SCH_PLUG_A_STATS_*. */
struct plug_stats {
	u64	queued_packets;
	u64	queued_bytes;
	u32	max_backlog;
	u64	drops_limit;
	u64	drops_reset;
	u64	drops_discard;
	u64	copy_failures;
	u64	buffer_cmds;
	u64	release_one_cmds;
	u64	release_indefinite_cmds;
	u64	limit_cmds;
	u64	discard_cmds;
	u64	release_upto_cmds;
};

/* The state of one plug at one moment. */
struct plug_snapshot {
	/* Set by the control interface: which plug it is, and its owner. */
	u64	id;
	u32	ifindex;
	u32	handle;
	u32	parent;
	u32	owner;		/* port of its socket; 0: nobody's */
	u32	at_exit;

	/* Set by the queue. */
	u64	epoch;
	u64	released;
	u64	head_epoch;	/* 0: no packet, or read without RTNL */
	u64	tail_epoch;
	u32	limit;
	u32	stopped;
	u32	qlen;
	u32	backlog;
	u64	closed_at;	/* valid while closed */
	struct plug_stats	stats;
};

static inline bool plug_was_open(const struct plug_snapshot *snap)
{
	return snap->released == snap->epoch;
}

/* The number of commands that the plug has executed. */
static inline u64 plug_commands(const struct plug_stats *st)
{
	return st->buffer_cmds + st->release_one_cmds +
	       st->release_indefinite_cmds + st->limit_cmds +
	       st->discard_cmds + st->release_upto_cmds;
}

/* What the control interface keeps in each plug. */
struct plug_control {
	spinlock_t		lock;	/* held to unhash, or set the owner */
	struct hlist_node	node;	/* unhashed: is being destroyed */
	struct Qdisc		*sch;
	struct net		*net;	/* in which the plug was created */
	u64			id;
	struct sock		*owner;
	u32			owner_port;
	u32			at_exit;
};

/* Functions of the queue; plug_queue.c says which locks each one needs. */
struct plug_control *plug_control(struct Qdisc *sch);
void plug_look(struct Qdisc *sch, struct plug_snapshot *snap);
void plug_look_rtnl(struct Qdisc *sch, struct plug_snapshot *snap);
int plug_look_rcu(struct Qdisc *sch, struct plug_snapshot *snap);
int plug_command_rtnl(struct Qdisc *sch, struct plug_cmd *cmd,
		      struct plug_snapshot *after,
		      struct netlink_ext_ack *extack);
int plug_command_rcu(struct Qdisc *sch, const struct plug_cmd *cmd,
		     struct plug_snapshot *after,
		     struct netlink_ext_ack *extack);

int plug_control_init(void);
void plug_control_exit(void);

/* The next three notify the control interface, under RTNL.
 * A new plug is ready.
 */
void plug_attached(struct Qdisc *sch);
/* The plug is about to be destroyed, or its init failed. */
void plug_detached(struct Qdisc *sch);
/* A command of either interface was executed under RTNL. @after has what the
 * queue sets; this sets the rest.
 */
void plug_changed(struct Qdisc *sch, const struct plug_cmd *cmd,
		  struct plug_snapshot *after);

#endif /* SCH_PLUG_H */
