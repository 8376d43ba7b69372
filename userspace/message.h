/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink messages that plugctl sends, byte for byte. */
#ifndef PLUGCTL_MESSAGE_H
#define PLUGCTL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

/* Room enough for any one of them, and for any one about a qdisc. */
#define MESSAGE_MAX		256
#define QDISC_MESSAGE_MAX	80

/* ALTIFNAMSIZ of the kernel, the NUL included. */
#define DEVICE_NAME_MAX	128

/* Where in the kernel one qdisc is. */
struct address {
	int ifindex;
	uint32_t handle;
	uint32_t parent;
	uint64_t id;		/* by the family sch_plug; 0: by rtnetlink */
};

/* What a qdisc is to do. */
struct action {
	int code;		/* TCQ_PLUG_* */
	uint32_t limit;		/* with TCQ_PLUG_LIMIT */
	uint64_t epoch;		/* with TCQ_PLUG_RELEASE_UPTO */
};

/*
 * The sequence number is the sender's business, and so is the number that this
 * kernel has given the family: see netlink.c.
 *
 * An action goes by the family where the address has an id, and is answered with
 * the state after it. Without one it goes by rtnetlink, which knows four actions
 * (up to TCQ_PLUG_LIMIT) and answers with a state if echo is set.
 */
struct nlmsghdr *message_action(void *buf, const struct address *at,
				const struct action *action, bool echo);

/* action NULL: without options, which makes both modules take their default. */
struct nlmsghdr *message_add(void *buf, const struct address *at,
			     const struct action *action, bool force);
struct nlmsghdr *message_del(void *buf, const struct address *at);
struct nlmsghdr *message_dump(void *buf, int ifindex);
struct nlmsghdr *message_find_altname(void *buf, const char *name);

/* Of the family. */
struct nlmsghdr *message_find_family(void *buf);
struct nlmsghdr *message_get_plug(void *buf, uint64_t id);
struct nlmsghdr *message_dump_plugs(void *buf, int ifindex);

#endif
