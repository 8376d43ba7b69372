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
	const char *attach;		/* the parent and its class */
	__u32 at[PLUGS_MAX];		/* parents of the plugs */
	unsigned int queues;		/* the device's transmit queues, 0: 1 */
	const char *change;		/* a typical change of the parent */
	bool delays;			/* delays the packets that it passes on */
	bool no_backlog;		/* does not count its own backlog */
	/* On many kernels a class with a real-time curve that held packets when the
	 * link went down never sends again, with any child: seen with a pfifo on
	 * 6.1 and 7.3.
	 */
	bool dies_in_reset;
	/* Before 6.12 or somewhat earlier it warns (WARN_ONCE) about any child that
	 * holds packets, for example a tbf or the kernel's own plug: seen on 5.10
	 * and 6.1.
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
	const char *end;		/* deletes the class; NULL: not possible */
};

/* All packets go to the class 1:10. */
#define FILTER "tc filter add dev " DEV " parent 1: protocol all matchall classid 1:10"

extern const struct parent parents[];	/* ends with a name of NULL */

const struct parent *parent_find(const char *name);

/* Skips a test point, if this kernel cannot have that parent with a plug. */
bool parent_is_skipped(const struct parent *p);

/* The number of plugs below it. */
unsigned int plugs(const struct parent *p);

/* Makes the device, with as many transmit queues as the parent needs, up. */
void parent_device(const struct parent *p);

/* The shell command that attaches its plugs; @verb is add or replace. */
const char *plugs_attach(const struct parent *p, const char *verb);
/* The shell command that replaces each plug by a pfifo. */
const char *plugs_graft_away(const struct parent *p);

/* What all its plugs hold together. */
struct held {
	unsigned int qlen, backlog;
};

struct held held(int nl, const struct parent *p);

/* Whether the version of this kernel is lower. */
bool kernel_is_before(int major, int minor);

#endif /* PARENTS_H */
