/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink messages that plugctl sends, byte for byte. */
#ifndef PLUGCTL_MESSAGE_H
#define PLUGCTL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

/* Enough room for any of these messages, and for any order. */
#define MESSAGE_MAX	256
#define ORDER_MAX	80

/* ALTIFNAMSIZ of the kernel, the NUL included. */
#define DEVICE_NAME_MAX	128

/* The place of a qdisc in the kernel. */
struct address {
	int ifindex;
	uint32_t handle;
	uint32_t parent;
	uint64_t id;		/* of the plug, in the family; 0: use rtnetlink */
};

/* A command to a plug. */
struct action {
	int code;		/* TCQ_PLUG_* */
	uint32_t limit;		/* with TCQ_PLUG_LIMIT */
	bool upto;		/* epoch is set, to an epoch of this plug */
	uint64_t epoch;
};

enum order_kind {
	ORDER_CHANGE,		/* sends action, by the family if there is an id */
	ORDER_GET,		/* by the family: reads the state and statistics */
	ORDER_OWN,		/* by the family: makes us the owner, with at_exit */
	ORDER_ADD,
	ORDER_DEL,
};

/* One request to the kernel. */
struct order {
	enum order_kind kind;
	struct address at;
	struct action action;
	bool no_options;	/* ORDER_ADD: the module uses its defaults */
	bool force;		/* ORDER_ADD: replace an existing qdisc */
	bool echo;		/* the answer must have the state */
	uint32_t at_exit;
};

static inline bool order_is_generic(const struct order *order)
{
	return order->at.id && order->kind < ORDER_ADD;
}

/*
 * Each builds a message in buf. The sender sets the sequence number. In messages of
 * the family it also sets the type, which is the number that the kernel has assigned
 * to the family.
 */
struct nlmsghdr *message_order(void *buf, const struct order *order);
struct nlmsghdr *message_dump_qdiscs(void *buf, int ifindex);
struct nlmsghdr *message_dump_plugs(void *buf, int ifindex);	/* 0: all devices */
struct nlmsghdr *message_dump_links(void *buf);
struct nlmsghdr *message_find_altname(void *buf, const char *name);
struct nlmsghdr *message_find_family(void *buf);

/*
 * The beginnings of the messages that set up a guest; guest.c adds the attributes.
 */
struct nlmsghdr *message_link(void *buf, uint16_t type, uint16_t flags, int ifindex);
struct nlmsghdr *message_tc(void *buf, uint16_t type, uint16_t flags,
			    const struct address *at);
struct nlmsghdr *message_action(void *buf);

#endif
