// SPDX-License-Identifier: GPL-2.0-or-later
/* Builds the netlink messages that plugctl sends. */
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/pkt_sched_plug.h>
#include <linux/rtnetlink.h>

#include "message.h"
#include "state.h"

/* In the kernel's headers since 5.5 and 4.4: older systems lack them. */
#define LINK_ALT_IFNAME		53
#define LINK_SKIP_STATS		(1 << 3)

/* Zeroes the buffer: libmnl does not clear the padding after attributes. */
static struct nlmsghdr *put_header(void *buf, size_t most)
{
	memset(buf, 0, most);
	return mnl_nlmsg_put_header(buf);
}

static struct nlmsghdr *put_tc(void *buf, size_t most, uint16_t type,
			       uint16_t flags, const struct address *at)
{
	struct nlmsghdr *nlh = put_header(buf, most);
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

struct nlmsghdr *message_tc(void *buf, uint16_t type, uint16_t flags,
			    const struct address *at)
{
	return put_tc(buf, MESSAGE_MAX, type, flags, at);
}

/* Begins the message of an order, with the room that an order has. */
static struct nlmsghdr *put_qdisc(void *buf, uint16_t type, uint16_t flags,
				  const struct address *at)
{
	return put_tc(buf, ORDER_MAX, type, flags, at);
}

static void put_kind(struct nlmsghdr *nlh)
{
	mnl_attr_put(nlh, TCA_KIND, sizeof(PLUG_KIND), PLUG_KIND);
}

static void put_options(struct nlmsghdr *nlh, const struct action *action)
{
	const struct tc_plug_qopt qopt = {
		.action = action->code,
		.limit = action->limit,
	};

	mnl_attr_put(nlh, TCA_OPTIONS, sizeof(qopt), &qopt);
}

static struct nlmsghdr *put_generic(void *buf, uint16_t flags, uint8_t cmd,
				    uint8_t version)
{
	struct nlmsghdr *nlh = put_header(buf, ORDER_MAX);
	struct genlmsghdr *genl;

	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static struct nlmsghdr *put_plug(void *buf, uint16_t flags, uint8_t cmd)
{
	return put_generic(buf, flags, cmd, SCH_PLUG_FAMILY_VERSION);
}

/* With echo, the answer is the new state. An acknowledgment costs less. */
static struct nlmsghdr *put_change(void *buf, const struct order *order)
{
	const struct action *action = &order->action;
	struct nlmsghdr *nlh = put_plug(buf, order->echo ? NLM_F_ECHO : NLM_F_ACK,
					SCH_PLUG_CMD_CHANGE);

	mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, order->at.id);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_ACTION, (uint32_t)action->code);
	if (action->code == TCQ_PLUG_LIMIT)
		mnl_attr_put_u32(nlh, SCH_PLUG_A_LIMIT, action->limit);
	if (action->upto)
		mnl_attr_put_u64(nlh, SCH_PLUG_A_LAST, action->epoch);
	return nlh;
}

/*
 * The message for an action, by the family if there is an id, otherwise by rtnetlink.
 *
 * The rtnetlink message has neither NLM_F_CREATE nor NLM_F_REPLACE, and names the
 * kind. If the qdisc with that handle is gone, or has been replaced by another kind,
 * the kernel refuses. The message does not name the parent: kernels without the fix
 * for CVE-2025-21700 would move the qdisc there instead of executing the command, and
 * report success.
 */
static struct nlmsghdr *put_action(void *buf, const struct order *order)
{
	const struct address by_handle = {
		.ifindex = order->at.ifindex, .handle = order->at.handle,
	};
	uint16_t flags = NLM_F_ACK | (order->echo ? NLM_F_ECHO : 0);
	struct nlmsghdr *nlh;

	if (order->at.id)
		return put_change(buf, order);
	nlh = put_qdisc(buf, RTM_NEWQDISC, flags, &by_handle);
	put_kind(nlh);
	put_options(nlh, &order->action);
	return nlh;
}

/*
 * at.handle must be unused. Then, on every kernel, NLM_F_REPLACE alone decides whether
 * an explicitly attached qdisc at that parent is replaced.
 */
static struct nlmsghdr *put_add(void *buf, const struct order *order)
{
	uint16_t flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL |
			 (order->force ? NLM_F_REPLACE : 0);
	struct nlmsghdr *nlh = put_qdisc(buf, RTM_NEWQDISC, flags, &order->at);

	put_kind(nlh);
	if (!order->no_options)
		put_options(nlh, &order->action);
	return nlh;
}

struct nlmsghdr *message_order(void *buf, const struct order *order)
{
	struct nlmsghdr *nlh;

	switch (order->kind) {
	case ORDER_ADD:
		return put_add(buf, order);
	case ORDER_DEL:
		nlh = put_qdisc(buf, RTM_DELQDISC, NLM_F_ACK, &order->at);
		put_kind(nlh);
		return nlh;
	case ORDER_GET:
		nlh = put_plug(buf, 0, SCH_PLUG_CMD_GET);
		mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, order->at.id);
		return nlh;
	case ORDER_OWN:
		nlh = put_plug(buf, NLM_F_ACK, SCH_PLUG_CMD_OWN);
		mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, order->at.id);
		mnl_attr_put_u32(nlh, SCH_PLUG_A_AT_EXIT, order->at_exit);
		return nlh;
	default:
		return put_action(buf, order);
	}
}

/*
 * The device is only a hint: current kernels send the qdiscs of all devices anyway.
 */
struct nlmsghdr *message_dump_qdiscs(void *buf, int ifindex)
{
	const struct address at = { .ifindex = ifindex };

	return put_qdisc(buf, RTM_GETQDISC, NLM_F_DUMP, &at);
}

struct nlmsghdr *message_dump_plugs(void *buf, int ifindex)
{
	struct nlmsghdr *nlh = put_plug(buf, NLM_F_DUMP, SCH_PLUG_CMD_GET);

	if (ifindex)
		mnl_attr_put_u32(nlh, SCH_PLUG_A_IFINDEX, (uint32_t)ifindex);
	return nlh;
}

struct nlmsghdr *message_link(void *buf, uint16_t type, uint16_t flags, int ifindex)
{
	struct nlmsghdr *nlh = put_header(buf, MESSAGE_MAX);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	return nlh;
}

struct nlmsghdr *message_find_altname(void *buf, const char *name)
{
	struct nlmsghdr *nlh = message_link(buf, RTM_GETLINK, 0, 0);

	mnl_attr_put_strz(nlh, LINK_ALT_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, LINK_SKIP_STATS);
	return nlh;
}

struct nlmsghdr *message_dump_links(void *buf)
{
	struct nlmsghdr *nlh = message_link(buf, RTM_GETLINK, NLM_F_DUMP, 0);

	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, LINK_SKIP_STATS);
	return nlh;
}

struct nlmsghdr *message_action(void *buf)
{
	struct nlmsghdr *nlh = put_header(buf, MESSAGE_MAX);

	nlh->nlmsg_type = RTM_NEWACTION;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct tcamsg));
	return nlh;
}

struct nlmsghdr *message_find_family(void *buf)
{
	struct nlmsghdr *nlh = put_generic(buf, 0, CTRL_CMD_GETFAMILY, 1);

	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SCH_PLUG_FAMILY_NAME);
	return nlh;
}
