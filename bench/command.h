/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The message that gives a command to the plug at the root, and nothing around it. */
#ifndef COMMAND_H
#define COMMAND_H

#include <net/if.h>
#include <stddef.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "plugtest.h"

struct command {
	struct nlmsghdr	nlh;
	struct tcmsg	tcm;
	struct nlattr	kind_nla;
	char		kind[8];
	struct nlattr	opt_nla;
	struct tc_plug_qopt qopt;
	struct nlattr	upto_nla;
	__u32		upto[2];
};

static inline struct command command(const char *dev, int action)
{
	struct command c = {
		.nlh = {
			.nlmsg_len = offsetof(struct command, upto_nla),
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

#endif /* COMMAND_H */
