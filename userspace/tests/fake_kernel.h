/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that the test controls. It replaces the functions of kernel/kernel.c and
 * kernel/lock.c, and has the state below.
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
	const struct nlmsghdr *link;	/* dumps have this link, not these devices */
	int guest, ifb;		/* our redirect leads from guest to ifb; 0: none */
	int labelled;		/* device 5 is the ifb of this device; 0: it is not */

	/* What the kernel refuses. */
	unsigned int fail_from;	/* first dump of qdiscs or plugs that fails; 0: none */
	int dump_error;		/* the errno of such a dump; 0: ENOBUFS */
	unsigned int renew_at;	/* dump before which a plug is replaced; 0: none */
	unsigned int renewed;	/* the index of that plug; its new id is 200 */
	int filter_error;
	int own_error;
	unsigned int refuse;	/* kinds of orders that are refused, as bits */
	unsigned int fail_opens;	/* so many commands to open fail first */
	bool unsent;		/* no order leaves plugctl */
	bool unanswered;	/* no order is executed or answered */

	/* What the kernel was asked for, and what it has done. */
	unsigned int asked;	/* how often it was asked for the family */
	unsigned int dumps;
	struct order orders[FAKE_ORDERS];
	unsigned int n_orders;
	unsigned int deleted, changed, owned;
	uint64_t changed_id;
	unsigned int requests;	/* changes of links, filters and other qdiscs */
};

extern struct fake_kernel fake;

/* Devices a to d, without plugs. */
void fake_devices(void);
void fake_plug(int ifindex, uint32_t handle, uint32_t parent);

/* Returns how many orders of that kind the kernel got. */
unsigned int ordered(enum order_kind kind);

/*
 * Runs plugctl with the words of a line. Returns the status. Each word has its own
 * memory, so that a read past its end is detected.
 */
int run(struct capture *c, const char *line);

#endif
