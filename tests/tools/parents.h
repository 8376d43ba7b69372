/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classful qdiscs that can have a plug below them, and what a test has to
 * know of each.
 */
#ifndef PARENTS_H
#define PARENTS_H

#include "plugtest.h"

#define DEV "pa"

struct parent {
	const char *name;
	const char *attach;		/* the parent and its class */
	__u32 at[PLUGS_MAX];		/* the plugs' parents */
	unsigned int queues;		/* the device's transmit queues, 0: 1 */
	const char *change;		/* what its users change */
	bool delays;			/* it passes on later what it was given */
	bool no_backlog;		/* it keeps no backlog of its own */
	/* On many kernels a class with a real-time curve that held packets when
	 * the link went down never sends again, whatever its child: seen with
	 * a pfifo on 6.1 and 7.3.
	 */
	bool dies_in_reset;
	/* Before 6.12 or somewhat earlier it warns (WARN_ONCE) of any child that
	 * holds packets, a tbf or the plug of the kernel as well as ours: 5.10
	 * and 6.1 were seen to.
	 */
	bool warns;
	/* An older netem (5.10's) does not count what its child holds, but
	 * takes off its count what is dropped there, by a graft for one:
	 * it comes below 0, and nothing gets through any more.
	 */
	bool may_not_count;
	/* 5.10's ets may follow a pointer to nothing when its bands become fewer
	 * or strict under traffic, whatever its child: seen with a tbf, and no plug
	 * loaded. Not seen from 6.1 on.
	 */
	bool oopses_in_change;
	const char *end;		/* the end of the class, NULL if it has none */
};

/* All that comes goes to the class 1:10. */
#define FILTER "tc filter add dev " DEV " parent 1: protocol all matchall classid 1:10"

extern const struct parent parents[];	/* ends with a name of NULL */

const struct parent *parent_find(const char *name);

/* A test point that is skipped, if it cannot be had with a plug in this kernel. */
bool parent_is_skipped(const struct parent *p);

/* How many plugs stand below it. */
unsigned int plugs(const struct parent *p);

/* The device, with as many transmit queues as it needs, up. */
void parent_device(const struct parent *p);

/* The command that puts its plugs there; @verb is add or replace. For a shell. */
const char *plugs_attach(const struct parent *p, const char *verb);
/* The command that puts a pfifo in each one's place. */
const char *plugs_graft_away(const struct parent *p);

/* What its plugs hold, together. */
struct held {
	unsigned int qlen, backlog;
};

struct held held(int nl, const struct parent *p);

/* Whether this kernel's version is lower. */
bool kernel_is_before(int major, int minor);

#endif /* PARENTS_H */
