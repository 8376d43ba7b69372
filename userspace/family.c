// SPDX-License-Identifier: GPL-2.0-or-later
/* The generic netlink family sch_plug: is it there, and by which numbers? */
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>

#include "attr.h"
#include "family.h"

/* The number of the group, if that is what a list's element is about. */
static uint32_t parse_group(const struct nlattr *group)
{
	const struct nlattr *attr;
	bool events = false;
	uint32_t id = 0;

	attr_for_each(attr, attr_payload(group), attr_len(group)) {
		if (attr_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    attr_len(attr) == sizeof(id))
			memcpy(&id, attr_payload(attr), sizeof(id));
		else if (attr_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			 attr_len(attr) == sizeof(SCH_PLUG_MCGRP_EVENTS))
			events = !memcmp(attr_payload(attr), SCH_PLUG_MCGRP_EVENTS,
					 sizeof(SCH_PLUG_MCGRP_EVENTS));
	}
	return events ? id : 0;
}

static void parse_groups(struct netlink *nl, const struct nlattr *groups)
{
	const struct nlattr *group;

	nl->group = 0;
	attr_for_each(group, attr_payload(groups), attr_len(groups))
		if (!nl->group)
			nl->group = parse_group(group);
}

bool family_parse(struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	uint16_t family = 0;

	if (nlh->nlmsg_type != GENL_ID_CTRL || message_len(nlh) < GENL_HDRLEN)
		return false;
	attr_for_each(attr, (const char *)message_payload(nlh) + GENL_HDRLEN,
		      message_len(nlh) - GENL_HDRLEN) {
		if (attr_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    attr_len(attr) == sizeof(family))
			memcpy(&family, attr_payload(attr), sizeof(family));
		else if (attr_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			parse_groups(nl, attr);
	}
	if (family)
		nl->family = family;
	return family;
}

bool family_find_again(struct netlink *nl)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *request = message_find_family(buf);
	const struct nlmsghdr *nlh;

	request->nlmsg_seq = ++nl->seq;
	if (send(nl->fd, request, request->nlmsg_len, 0) < 0)
		return false;
	for (;;) {
		int len = (int)netlink_receive(nl);

		if (len < 0)
			return false;
		message_for_each(nlh, nl->buf, len)
			if (nlh->nlmsg_pid == nl->portid &&
			    nlh->nlmsg_seq == nl->seq)
				return family_parse(nl, nlh);
	}
}

bool family_find(struct netlink *nl)
{
	return nl->family || family_find_again(nl);
}

static struct nlmsghdr *build_get(void *buf, unsigned int i, void *data)
{
	const uint64_t *id = data;

	(void)i;
	return message_get_plug(buf, *id);
}

bool family_get(struct netlink *nl, uint64_t id, struct qdisc_state *state)
{
	struct answer answer;

	answer_clear(&answer);
	if (netlink_exchange(nl, 1, false, build_get, &id, &answer) ||
	    !answer.echoed)
		return false;
	*state = answer.state;
	return true;
}
