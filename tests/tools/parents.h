/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classful qdiscs that can have a plug below them, and the properties that
 * tests need.
 */
#ifndef PARENTS_H
#define PARENTS_H

#include "plugtest.h"

#define DEV "pa"

struct parent {
	const char *name;
	const char *attach;		/* command that makes the qdisc and its class */
	__u32 at[PLUGS_MAX];		/* parents of the plugs */
	unsigned int queues;		/* the device's transmit queues, 0: 1 */
	const char *change;		/* command for a typical change of the parent */
	bool delays;			/* delays the packets that it passes on */
	bool no_backlog;		/* does not count its own backlog */
	/* On many kernels, a class with a real-time curve never sends again if it
	 * held packets when the link went down. The child does not matter: seen with
	 * a pfifo on 6.1 and 7.3.
	 */
	bool dies_in_reset;
	/* Before 6.12 or somewhat earlier, the parent warns (WARN_ONCE) about any
	 * child that holds packets, for example a tbf or the kernel's own plug: seen
	 * on 5.10 and 6.1.
	 */
	bool warns;
	/* An older netem (in 5.10) does not count packets that its child holds, but
	 * subtracts packets that are dropped there, for example by a graft. The
	 * count becomes negative, and no packet passes any more.
	 */
	bool may_not_count;
	/* The ets of 5.10 may dereference a NULL pointer when its bands are reduced
	 * or become strict under traffic, with any child: seen with a tbf, without
	 * any plug loaded. Not seen from 6.1 on.
	 */
	bool oopses_in_change;
	const char *end;		/* command that deletes the class; NULL: none */
};

/* All packets go to the class 1:10. */
#define FILTER "tc filter add dev " DEV " parent 1: protocol all matchall classid 1:10"

extern const struct parent parents[];	/* ends with a name of NULL */

const struct parent *parent_find(const char *name);

/* Skips a test point, if this kernel cannot have that parent with a plug. */
bool parent_is_skipped(const struct parent *p);

/* The number of plugs below @p. */
unsigned int plugs(const struct parent *p);

/* Makes the device, with as many transmit queues as @p needs, and brings it up. */
void parent_device(const struct parent *p);

/* The shell command that attaches the plugs of @p; @verb is add or replace. */
const char *plugs_attach(const struct parent *p, const char *verb);
/* The shell command that replaces each plug of @p by a pfifo. */
const char *plugs_graft_away(const struct parent *p);

/* What all plugs of a parent hold together. */
struct held {
	unsigned int qlen, backlog;
};

struct held held(int nl, const struct parent *p);

/* Whether this kernel is older than @major.@minor. */
bool kernel_is_before(int major, int minor);

#endif /* PARENTS_H */
