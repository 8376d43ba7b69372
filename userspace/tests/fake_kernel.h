/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that does as the test says: the functions of kernel/kernel.c and
 * kernel/lock.c, on the state below.
 */
#ifndef PLUGCTL_TESTS_FAKE_KERNEL_H
#define PLUGCTL_TESTS_FAKE_KERNEL_H

#include "check.h"

#define FAKE_DEVICES	5
#define FAKE_PLUGS	8
#define FAKE_ORDERS	32

struct fake_kernel {
	/* What the kernel has. */
	const char *names[FAKE_DEVICES];	/* of the devices 1 to 5; NULL: none */
	struct qdisc_state plugs[FAKE_PLUGS];
	unsigned int n;
	bool intree;
	const struct nlmsghdr *link;	/* instead of these devices */
	int guest, ifb;		/* our redirect: from where, to where; 0: none */
	int labelled;		/* device 5 is an ifb of that device's */

	/* What it refuses. */
	unsigned int fail_from;	/* dumps of qdiscs fail from this one on, 0: none does */
	int dump_error;		/* with this errno, or ENOBUFS */
	unsigned int renew_at;	/* before this dump a plug is replaced, 0: never */
	unsigned int renewed;	/* this one: it gets the id 200 */
	int filter_error;
	int own_error;
	unsigned int refuse;	/* kinds of orders, as bits */
	unsigned int fail_opens;	/* so many commands to open fail at first */
	bool unsent;		/* no command to a plug leaves plugctl */
	bool unanswered;	/* no command to a plug is answered */

	/* What it was asked, and has done. */
	unsigned int asked;	/* for the family */
	unsigned int dumps;
	struct order orders[FAKE_ORDERS];
	unsigned int n_orders;
	unsigned int deleted, changed, owned;
	uint64_t changed_id;
	unsigned int requests;	/* of links, filters and other qdiscs */
};

extern struct fake_kernel fake;

/* Devices a to d, without plugs. */
void fake_devices(void);
void fake_plug(int ifindex, uint32_t handle, uint32_t parent);

/* How many orders of that kind there were. */
unsigned int ordered(enum order_kind kind);

/* Returns the status. Each word is in its own memory, so that a read past it is seen. */
int run(struct capture *c, const char *line);

#endif
