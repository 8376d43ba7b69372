/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw netlink messages to the plug at the root of a device, by rtnetlink and by the
 * family. A command costs one send(), one recv(), and a check of the answer.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"
#include "plugtest.h"

struct command {
	struct nlmsghdr	nlh;
	struct tcmsg	tcm;
	struct nlattr	kind_nla;
	char		kind[8];
	struct nlattr	opt_nla;
	struct tc_plug_qopt qopt;
};

static inline struct command command(const char *dev, int action)
{
	struct command c = {
		.nlh = {
			.nlmsg_len = sizeof(c),
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.tcm = {
			.tcm_ifindex = if_nametoindex(dev),
			.tcm_parent = TC_H_ROOT,
		},
		.kind_nla = { NLA_HDRLEN + 5, TCA_KIND },
		.kind = "plug",
		.opt_nla = { NLA_HDRLEN + sizeof(c.qopt), TCA_OPTIONS },
		.qopt.action = action,
	};

	return c;
}

struct family_command {
	struct nlmsghdr	nlh;
	struct genlmsghdr genl;
	struct nlattr	id_nla;
	__u32		id[2];
	struct nlattr	action_nla;	/* a GET ends before this */
	__u32		action;
	struct nlattr	last_nla;	/* RELEASE_UPTO only */
	__u32		last[2];
};

static inline struct family_command family_get(const struct control *c, __u64 id)
{
	struct family_command f = {
		.nlh = {
			.nlmsg_len = offsetof(struct family_command, action_nla),
			.nlmsg_type = c->family,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.genl = {
			.cmd = SCH_PLUG_CMD_GET,
			.version = SCH_PLUG_FAMILY_VERSION,
		},
		.id_nla = { NLA_HDRLEN + 8, SCH_PLUG_A_ID },
		.action_nla = { NLA_HDRLEN + 4, SCH_PLUG_A_ACTION },
		.last_nla = { NLA_HDRLEN + 8, SCH_PLUG_A_LAST },
	};

	memcpy(f.id, &id, sizeof(id));
	return f;
}

static inline struct family_command family_change(const struct control *c, __u64 id,
						  __u32 action)
{
	struct family_command f = family_get(c, id);

	f.nlh.nlmsg_len = action == TCQ_PLUG_RELEASE_UPTO ? sizeof(f) :
			  offsetof(struct family_command, last_nla);
	f.nlh.nlmsg_flags |= NLM_F_ACK;
	f.genl.cmd = SCH_PLUG_CMD_CHANGE;
	f.action = action;
	return f;
}

/* Asks for the state after the command as the answer, instead of an acknowledgment. */
static inline struct family_command family_echo(struct family_command f)
{
	f.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ECHO;
	return f;
}

/* Sends a message and reads its one answer; ends the program if that is an error. */
static inline void exchange(int fd, struct nlmsghdr *nlh)
{
	static struct {
		struct nlmsghdr	nlh;
		struct nlmsgerr	err;
		char		room[8192];
	} answer;

	nlh->nlmsg_seq++;
	if (send(fd, nlh, nlh->nlmsg_len, 0) != (ssize_t)nlh->nlmsg_len ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		bail("message %u: %s", nlh->nlmsg_type, strerror(errno));
	if (answer.nlh.nlmsg_seq != nlh->nlmsg_seq)
		bail("message %u: an answer to another", nlh->nlmsg_type);
	if (answer.nlh.nlmsg_type == NLMSG_ERROR && answer.err.error)
		bail("message %u: %s", nlh->nlmsg_type, strerror(-answer.err.error));
}

/* Asks for the qdiscs of one device. Some kernels ignore the number of the device,
 * and send those of all devices.
 */
struct qdisc_dump {
	struct nlmsghdr	nlh;
	struct tcmsg	tcm;
};

static inline struct qdisc_dump qdisc_dump(const char *dev)
{
	struct qdisc_dump d = {
		.nlh = {
			.nlmsg_len = sizeof(d),
			.nlmsg_type = RTM_GETQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.tcm.tcm_ifindex = if_nametoindex(dev),
	};

	return d;
}

/* Asks for all plugs of one device. */
struct family_dump {
	struct nlmsghdr	nlh;
	struct genlmsghdr genl;
	struct nlattr	ifindex_nla;
	__u32		ifindex;
};

static inline struct family_dump family_dump(const struct control *c, const char *dev)
{
	struct family_dump d = {
		.nlh = {
			.nlmsg_len = sizeof(d),
			.nlmsg_type = c->family,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.genl = {
			.cmd = SCH_PLUG_CMD_GET,
			.version = SCH_PLUG_FAMILY_VERSION,
		},
		.ifindex_nla = { NLA_HDRLEN + 4, SCH_PLUG_A_IFINDEX },
		.ifindex = if_nametoindex(dev),
	};

	return d;
}

/* Sends a request and reads the whole dump, without looking at the entries. */
static inline void dump(int fd, struct nlmsghdr *nlh)
{
	static char buf[65536] __attribute__((aligned(8)));
	const struct nlmsghdr *last;
	ssize_t got;

	nlh->nlmsg_seq++;
	if (send(fd, nlh, nlh->nlmsg_len, 0) != (ssize_t)nlh->nlmsg_len)
		bail("dump: %s", strerror(errno));
	do {
		got = recv(fd, buf, sizeof(buf), 0);
		if (got < NLMSG_HDRLEN)
			bail("dump: %s", strerror(errno));
		for (last = (void *)buf; NLMSG_OK(last, got); last = NLMSG_NEXT(last, got))
			if (last->nlmsg_type == NLMSG_DONE || last->nlmsg_type == NLMSG_ERROR)
				break;
	} while (!NLMSG_OK(last, got));
	if (last->nlmsg_type == NLMSG_ERROR)
		bail("dump: %s", strerror(-((const struct nlmsgerr *)NLMSG_DATA(last))->error));
}

#endif /* COMMAND_H */
