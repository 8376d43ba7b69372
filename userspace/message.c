// SPDX-License-Identifier: GPL-2.0-or-later
/* Build the netlink messages that plugctl sends. */
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/pkt_sched_plug.h>
#include <linux/rtnetlink.h>

#include "message.h"
#include "state.h"

/* In the kernel's headers since 5.5 and 4.4: too late for some systems. */
#define LINK_ALT_IFNAME		53
#define LINK_SKIP_STATS		(1 << 3)

/* Zeroed: libmnl leaves the padding behind attributes as it finds it. */
static struct nlmsghdr *put_header(void *buf, size_t most)
{
	memset(buf, 0, most);
	return mnl_nlmsg_put_header(buf);
}

static struct nlmsghdr *put_qdisc(void *buf, uint16_t type, uint16_t flags,
				  const struct address *at)
{
	struct nlmsghdr *nlh = put_header(buf, QDISC_MESSAGE_MAX);
	struct tcmsg *tcm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = at->ifindex;
	tcm->tcm_handle = at->handle;
	tcm->tcm_parent = at->parent;
	return nlh;
}

/* TCA_OPTIONS: the struct, then the attribute if the action has one. */
static void put_options(struct nlmsghdr *nlh, const struct action *action)
{
	struct tc_plug_qopt qopt = {
		.action = action->code,
		.limit = action->limit,
	};
	struct {
		struct tc_plug_qopt qopt;
		struct nlattr attr;
		unsigned char epoch[sizeof(action->epoch)];
	} upto = {
		.qopt = qopt,
		.attr = {
			.nla_len = MNL_ATTR_HDRLEN + sizeof(action->epoch),
			.nla_type = TCA_PLUG_EPOCH,
		},
	};

	if (action->code != TCQ_PLUG_RELEASE_UPTO) {
		mnl_attr_put(nlh, TCA_OPTIONS, sizeof(qopt), &qopt);
		return;
	}
	memcpy(upto.epoch, &action->epoch, sizeof(upto.epoch));
	mnl_attr_put(nlh, TCA_OPTIONS, sizeof(upto), &upto);
}

/*
 * Neither NLM_F_CREATE nor NLM_F_REPLACE, and the kind is named: if the qdisc
 * with that handle is gone, or is another one by now, the kernel refuses. The
 * parent is not named: kernels that lack the mending of CVE-2025-21700 would move
 * the qdisc there instead of giving it the command, and say that all is well.
 */
struct nlmsghdr *message_action(void *buf, const struct address *at,
				const struct action *action, bool echo)
{
	const struct address by_handle = {
		.ifindex = at->ifindex, .handle = at->handle,
	};
	uint16_t flags = NLM_F_ACK | (echo ? NLM_F_ECHO : 0);
	struct nlmsghdr *nlh = put_qdisc(buf, RTM_NEWQDISC, flags, &by_handle);

	mnl_attr_put(nlh, TCA_KIND, sizeof(PLUG_KIND), PLUG_KIND);
	put_options(nlh, action);
	return nlh;
}

/*
 * at.handle must be one that is free: then NLM_F_REPLACE decides, on every
 * kernel, whether an explicitly attached qdisc at that parent is replaced.
 */
struct nlmsghdr *message_add(void *buf, const struct address *at,
			     const struct action *action, bool force)
{
	uint16_t flags = NLM_F_ACK | NLM_F_ECHO | NLM_F_CREATE | NLM_F_EXCL |
			 (force ? NLM_F_REPLACE : 0);
	struct nlmsghdr *nlh = put_qdisc(buf, RTM_NEWQDISC, flags, at);

	mnl_attr_put(nlh, TCA_KIND, sizeof(PLUG_KIND), PLUG_KIND);
	if (action)
		put_options(nlh, action);
	return nlh;
}

struct nlmsghdr *message_del(void *buf, const struct address *at)
{
	struct nlmsghdr *nlh = put_qdisc(buf, RTM_DELQDISC, NLM_F_ACK, at);

	mnl_attr_put(nlh, TCA_KIND, sizeof(PLUG_KIND), PLUG_KIND);
	return nlh;
}

/* The device is a hint: today's kernels send every device's qdiscs anyway. */
struct nlmsghdr *message_dump(void *buf, int ifindex)
{
	const struct address at = { .ifindex = ifindex };

	return put_qdisc(buf, RTM_GETQDISC, NLM_F_DUMP, &at);
}

struct nlmsghdr *message_find_altname(void *buf, const char *name)
{
	struct nlmsghdr *nlh = put_header(buf, MESSAGE_MAX);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, LINK_ALT_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, LINK_SKIP_STATS);
	return nlh;
}
