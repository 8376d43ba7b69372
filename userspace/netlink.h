/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets, rtnetlink's and generic netlink's: what is sent, what comes back. */
#ifndef PLUGCTL_NETLINK_H
#define PLUGCTL_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "state.h"

struct plugctl;

#define EXTACK_TEXT_MAX	256

struct netlink {
	int fd;
	struct mnl_socket *socket;
	unsigned int portid;
	unsigned int seq;
	size_t receive_room;	/* what the kernel grants for unread messages */
	char *buf;		/* for what is received */
	char *requests;		/* for what is sent */
	size_t requests_room;
	/* Of generic netlink: the numbers of sch_plug and its events, 0: unknown. */
	uint16_t family;
	uint32_t group;
};

/* The answer to one message. */
struct answer {
	bool complete;
	int error;			/* an errno, 0: done */
	char text[EXTACK_TEXT_MAX];	/* the kernel's own words, or "" */
	bool echoed;			/* it sent the state after the command */
	struct qdisc_state state;
};

/* As good as zeroed: the state counts only once it is told. */
static inline void answer_clear(struct answer *answer)
{
	answer->complete = false;
	answer->error = 0;
	answer->text[0] = '\0';
	answer->echoed = false;
}

/* Both sockets. Idempotent. Returns a status, after having complained. */
int netlink_open(struct plugctl *ctx);
void netlink_close(struct plugctl *ctx);

/*
 * Send n messages, built one by one by build(), and take in their answers:
 * with one system call there and as few as it takes back. Returns 0, or an
 * errno when the socket itself fails; answers tells about each message.
 */
int netlink_exchange(struct netlink *nl, unsigned int n, bool echo,
		     struct nlmsghdr *(*build)(void *buf, unsigned int i,
					       void *data),
		     void *data, struct answer *answers);

/*
 * All qdiscs (or, with plugs_only, all plugs); from generic netlink, of which
 * the family must be known, all plugs. Returns 0 or an errno.
 */
int netlink_dump(struct netlink *nl, int ifindex, bool plugs_only,
		 struct qdisc_list *list);

/* 0 when there is no such device: errno says why. */
int netlink_ifindex(struct netlink *nl, const char *name);

/* For people and JSON. NULL when it is gone; text has room for IF_NAMESIZE. */
char *netlink_ifname(struct netlink *nl, int ifindex, char *text);

/* For monitor. */
int netlink_join(struct netlink *nl, unsigned int group);
ssize_t netlink_receive(struct netlink *nl);

/*
 * One message of an answer. Returns the index of the message it answers, or -1
 * when it answers none of the n that began with seq. family is 0 on rtnetlink.
 */
int answer_parse(const struct nlmsghdr *nlh, uint16_t family, unsigned int seq,
		 unsigned int n, struct answer *answers);

/* NLMSG_DONE's or NLMSG_ERROR's errno, as a positive number. */
int netlink_errno(const struct nlmsghdr *nlh);

#endif
