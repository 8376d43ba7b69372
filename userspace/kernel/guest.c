// SPDX-License-Identifier: GPL-2.0-or-later
/* See guest.h. All messages use rtnetlink. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include "array.h"
#include "guest.h"

/* "plug" as a number: no filter of another program has this handle. */
#define FILTER_HANDLE	0x706c7567

/* Our filters come first. A filter before them could let packets bypass the plug. */
#define PRIORITY_ARP	1
#define PRIORITY_ALL	2

#define INGRESS		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

/*
 * If we also attached the clsact, the action of our redirect has this cookie. The
 * alias of the ifb says the same, but somebody may delete the ifb.
 */
static const char cookie_qdisc[] = "clsact";

/*
 * The alias of our ifb: ALIAS, the guest's ifindex, a blank, and the guest's name. If
 * we attached the clsact, ALIAS_QDISC follows.
 */
#define ALIAS		"plugctl guest "
#define ALIAS_QDISC	" clsact"
#define ALIAS_MAX	64

/* ---- reading a set-up ---- */

static void parse_kind(const struct nlattr *info, struct guest_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			snprintf(link->kind, sizeof(link->kind), "%.*s",
				 (int)mnl_attr_get_payload_len(attr),
				 (const char *)mnl_attr_get_payload(attr));
}

/* The name in the alias may have any character except a blank and a slash. */
static void parse_alias(const struct nlattr *attr, struct guest_link *link)
{
	char text[ALIAS_MAX], *name, *end;
	long guest;

	link->has_alias = mnl_attr_get_payload_len(attr) > 1;
	snprintf(text, sizeof(text), "%.*s", (int)mnl_attr_get_payload_len(attr),
		 (const char *)mnl_attr_get_payload(attr));
	if (strncmp(text, ALIAS, strlen(ALIAS)))
		return;
	guest = strtol(text + strlen(ALIAS), &name, 10);
	if (guest <= 0 || guest > INT32_MAX || name[0] != ' ' || !name[1])
		return;
	name++;
	end = name + strcspn(name, " ");
	if (end - name >= IF_NAMESIZE)
		return;
	memcpy(link->guest_name, name, (size_t)(end - name));
	link->guest = (int)guest;
	link->made_qdisc = !strcmp(end, ALIAS_QDISC);
}

/* Whether this port leads to a function of a card, as "pf0vf1" and "c1pf0sf88" do. */
static bool names_port(const struct nlattr *attr)
{
	char name[IF_NAMESIZE], *at = name;

	snprintf(name, sizeof(name), "%.*s", (int)mnl_attr_get_payload_len(attr),
		 (const char *)mnl_attr_get_payload(attr));
	if (at[0] == 'c')
		strtoul(at + 1, &at, 10);
	if (strncmp(at, "pf", 2))
		return false;
	strtoul(at + 2, &at, 10);
	return !strncmp(at, "vf", 2) || !strncmp(at, "sf", 2);
}

static void parse_link_attr(const struct nlattr *attr, struct guest_link *link)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(link->name, sizeof(link->name), "%.*s",
			 (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
		break;
	case IFLA_LINKINFO:
		parse_kind(attr, link);
		break;
	case IFLA_IFALIAS:
		parse_alias(attr, link);
		break;
	case IFLA_PHYS_PORT_NAME:
		link->is_port = names_port(attr);
		break;
	}
}

bool guest_parse_link(const struct nlmsghdr *nlh, struct guest_link *link)
{
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr;
	struct ifinfomsg ifi;

	memset(link, 0, sizeof(*link));
	if (nlh->nlmsg_type != RTM_NEWLINK || len < sizeof(ifi))
		return false;
	memcpy(&ifi, mnl_nlmsg_get_payload(nlh), sizeof(ifi));
	link->ifindex = ifi.ifi_index;
	link->up = ifi.ifi_flags & IFF_UP;
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(ifi)),
				  len - NLMSG_ALIGN(sizeof(ifi)))
		parse_link_attr(attr, link);
	/* Only an ifb can be ours: anybody may set an alias on other devices. */
	if (strcmp(link->kind, "ifb"))
		link->guest = 0;
	return true;
}

static bool is_cookie(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(cookie_qdisc) &&
	       !memcmp(mnl_attr_get_payload(attr), cookie_qdisc, sizeof(cookie_qdisc));
}

static void parse_action(const struct nlattr *action, struct guest_ingress *ingress)
{
	const struct nlattr *attr, *nested;
	struct tc_mirred mirred;

	mnl_attr_for_each_nested(attr, action) {
		if (mnl_attr_get_type(attr) == TCA_ACT_COOKIE)
			ingress->made_qdisc = is_cookie(attr);
		if (mnl_attr_get_type(attr) != TCA_ACT_OPTIONS)
			continue;
		mnl_attr_for_each_nested(nested, attr) {
			if (mnl_attr_get_type(nested) != TCA_MIRRED_PARMS ||
			    mnl_attr_get_payload_len(nested) < sizeof(mirred))
				continue;
			memcpy(&mirred, mnl_attr_get_payload(nested), sizeof(mirred));
			ingress->ifb = (int)mirred.ifindex;
			ingress->action = mirred.index;
		}
	}
}

static void parse_ours(const struct nlattr *filter, struct guest_ingress *ingress)
{
	const struct nlattr *attr, *action;

	ingress->redirected = true;
	mnl_attr_for_each_nested(attr, filter)
		if (mnl_attr_get_type(attr) == TCA_MATCHALL_ACT)
			mnl_attr_for_each_nested(action, attr)
				parse_action(action, ingress);
}

/* The kernel also sends messages with only a priority, without handle and filter. */
bool guest_parse_filter(const struct nlmsghdr *nlh, struct guest_ingress *ingress)
{
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr, *filter = NULL;
	bool matchall = false;
	uint32_t priority;
	struct tcmsg tcm;

	if (nlh->nlmsg_type != RTM_NEWTFILTER || len < sizeof(tcm))
		return false;
	memcpy(&tcm, mnl_nlmsg_get_payload(nlh), sizeof(tcm));
	priority = TC_H_MAJ(tcm.tcm_info) >> 16;
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(tcm)),
				  len - NLMSG_ALIGN(sizeof(tcm))) {
		if (mnl_attr_get_type(attr) == TCA_KIND)
			matchall = mnl_attr_get_payload_len(attr) == sizeof("matchall") &&
				   !memcmp(mnl_attr_get_payload(attr), "matchall",
					   sizeof("matchall"));
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			filter = attr;
	}
	if (!tcm.tcm_handle || !filter)
		return true;
	if (matchall && tcm.tcm_handle == FILTER_HANDLE &&
	    priority == PRIORITY_ALL) {
		parse_ours(filter, ingress);
	} else if (matchall && tcm.tcm_handle == FILTER_HANDLE &&
		   priority == PRIORITY_ARP) {
		ingress->passes_arp = true;
	} else if (!ingress->foreign || priority < ingress->foreign) {
		ingress->foreign = priority;
	}
	return true;
}

static int handle_link(void *data, const struct nlmsghdr *nlh)
{
	struct guest_links *links = data;
	struct guest_link link;
	void *v;

	if (!nlh) {
		links->n = 0;
		return 0;
	}
	if (!guest_parse_link(nlh, &link))
		return 0;
	v = array_grow(links->v, &links->room, links->n, sizeof(*links->v));
	if (!v)
		return ENOMEM;
	links->v = v;
	links->v[links->n++] = link;
	return 0;
}

static int handle_filter(void *data, const struct nlmsghdr *nlh)
{
	struct guest_ingress *ingress = data;

	if (nlh)
		guest_parse_filter(nlh, ingress);
	else
		memset(ingress, 0, sizeof(*ingress));
	return 0;
}

int guest_list_links(struct kernel *kernel, struct guest_links *links)
{
	char buf[MESSAGE_MAX];

	return kernel_dump(kernel, message_dump_links(buf), handle_link, links);
}

const struct guest_link *guest_find_link(const struct guest_links *links, int ifindex)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (links->v[i].ifindex == ifindex)
			return &links->v[i];
	return NULL;
}

static int dump_filters(struct kernel *kernel, int ifindex, uint32_t parent,
			struct guest_ingress *ingress)
{
	const struct address at = { .ifindex = ifindex, .parent = parent };
	char buf[MESSAGE_MAX];

	return kernel_dump(kernel, message_tc(buf, RTM_GETTFILTER, NLM_F_DUMP, &at),
			   handle_filter, ingress);
}

int guest_look(struct kernel *kernel, int ifindex, struct guest_ingress *ingress)
{
	struct qdisc_list qdiscs = { 0 };
	struct guest_ingress egress;
	size_t i;
	int error;

	error = dump_filters(kernel, ifindex, INGRESS, ingress);
	if (!error)
		error = dump_filters(kernel, ifindex, EGRESS, &egress);
	if (!error)
		error = kernel_dump_qdiscs(kernel, ifindex, &qdiscs);
	if (error)
		goto out;
	/* For a qdisc without egress, the kernel lists the filters of its ingress. */
	ingress->foreign_egress = egress.foreign && !egress.redirected &&
				  !egress.passes_arp;
	for (i = 0; i < qdiscs.n; i++)
		if (qdiscs.v[i].ifindex == ifindex &&
		    qdiscs.v[i].parent == TC_H_INGRESS)
			ingress->has_qdisc = true;
out:
	free(qdiscs.v);
	return error;
}

bool guest_has_earlier_filter(const struct guest_ingress *ingress)
{
	return ingress->foreign && ingress->foreign < GUEST_PRIORITY_END;
}

/* A kernel without support for filters answers EOPNOTSUPP, and has no guests. */
int guest_ifb(struct kernel *kernel, int ifindex, int *ifb)
{
	struct guest_ingress ingress = { 0 };
	int error = dump_filters(kernel, ifindex, INGRESS, &ingress);

	*ifb = ingress.redirected ? ingress.ifb : 0;
	if (!error || error == EOPNOTSUPP)
		return 0;
	*ifb = 0;
	return error;
}

/* ---- the steps ---- */

int guest_add_ifb(struct kernel *kernel, const char *name, struct answer *answer)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = message_link(buf, RTM_NEWLINK, NLM_F_ACK |
					NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "ifb");
	mnl_attr_nest_end(nlh, info);
	return kernel_request(kernel, nlh, answer);
}

/*
 * Keeps IPv6 from giving the ifb an address. With an address, this host would solicit
 * routers through the ifb, and the plug would hold these packets as if the guest had
 * sent them. A kernel without IPv6 refuses the message, and does not need it.
 */
static void silence_ifb(struct kernel *kernel, int ifb)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = message_link(buf, RTM_NEWLINK, NLM_F_ACK, ifb);
	struct nlattr *families, *inet6;
	struct answer answer;

	families = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, families);
	kernel_request(kernel, nlh, &answer);
}

int guest_label(struct kernel *kernel, int ifb, int guest, const char *guest_name,
		bool made_qdisc, struct answer *answer)
{
	char buf[MESSAGE_MAX], alias[ALIAS_MAX];
	struct nlmsghdr *nlh = message_link(buf, RTM_NEWLINK, NLM_F_ACK, ifb);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	/* This must be done before the ifb is up. */
	silence_ifb(kernel, ifb);
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	snprintf(alias, sizeof(alias), ALIAS "%d %s%s", guest, guest_name,
		 made_qdisc ? ALIAS_QDISC : "");
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	return kernel_request(kernel, nlh, answer);
}

int guest_del_link(struct kernel *kernel, int ifindex, struct answer *answer)
{
	char buf[MESSAGE_MAX];

	return kernel_request(kernel, message_link(buf, RTM_DELLINK, NLM_F_ACK, ifindex),
			      answer);
}

static int change_qdisc(struct kernel *kernel, uint16_t type, uint16_t flags,
			int ifindex, struct answer *answer)
{
	const struct address at = {
		.ifindex = ifindex, .parent = TC_H_CLSACT,
		.handle = TC_H_MAKE(TC_H_CLSACT, 0),
	};
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = message_tc(buf, type, NLM_F_ACK | flags, &at);

	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return kernel_request(kernel, nlh, answer);
}

int guest_add_qdisc(struct kernel *kernel, int ifindex, struct answer *answer)
{
	return change_qdisc(kernel, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
			    ifindex, answer);
}

int guest_del_qdisc(struct kernel *kernel, int ifindex, struct answer *answer)
{
	return change_qdisc(kernel, RTM_DELQDISC, 0, ifindex, answer);
}

static struct nlmsghdr *put_filter(void *buf, uint16_t type, uint16_t flags,
				   int ifindex, uint32_t priority, uint16_t protocol)
{
	const struct address at = {
		.ifindex = ifindex, .parent = INGRESS, .handle = FILTER_HANDLE,
	};
	struct nlmsghdr *nlh = message_tc(buf, type, NLM_F_ACK | flags, &at);
	struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);

	tcm->tcm_info = TC_H_MAKE(priority << 16, htons(protocol));
	mnl_attr_put_strz(nlh, TCA_KIND, "matchall");
	return nlh;
}

/* index: an existing action; 0: a new one. */
static void put_mirred(struct nlmsghdr *nlh, uint16_t list, uint32_t index, int ifb,
		       bool made_qdisc)
{
	const struct tc_mirred mirred = {
		.index = index, .action = TC_ACT_STOLEN,
		.eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)ifb,
	};
	struct nlattr *actions, *action, *options;

	actions = mnl_attr_nest_start(nlh, list);
	action = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "mirred");
	if (made_qdisc)
		mnl_attr_put(nlh, TCA_ACT_COOKIE, sizeof(cookie_qdisc), cookie_qdisc);
	options = mnl_attr_nest_start(nlh, TCA_ACT_OPTIONS);
	mnl_attr_put(nlh, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	mnl_attr_nest_end(nlh, options);
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, actions);
}

int guest_redirect_again(struct kernel *kernel, uint32_t action, int ifb,
			 bool made_qdisc, struct answer *answer)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = message_action(buf);

	put_mirred(nlh, TCA_ACT_TAB, action, ifb, made_qdisc);
	return kernel_request(kernel, nlh, answer);
}

/* The filter is only in software: packets that a card redirects pass no qdisc. */
int guest_redirect(struct kernel *kernel, int ifindex, int ifb, bool made_qdisc,
		   struct answer *answer)
{
	struct nlattr *options;
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = put_filter(buf, RTM_NEWTFILTER, NLM_F_CREATE |
					  NLM_F_EXCL, ifindex, PRIORITY_ALL,
					  ETH_P_ALL);

	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_MATCHALL_FLAGS, TCA_CLS_FLAGS_SKIP_HW);
	put_mirred(nlh, TCA_MATCHALL_ACT, 0, ifb, made_qdisc);
	mnl_attr_nest_end(nlh, options);
	return kernel_request(kernel, nlh, answer);
}

/* A filter without an action lets packets pass, and they skip all further filters. */
int guest_pass_arp(struct kernel *kernel, int ifindex, struct answer *answer)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = put_filter(buf, RTM_NEWTFILTER, NLM_F_CREATE |
					  NLM_F_EXCL, ifindex, PRIORITY_ARP,
					  ETH_P_ARP);
	struct nlattr *options = mnl_attr_nest_start(nlh, TCA_OPTIONS);

	mnl_attr_put_u32(nlh, TCA_MATCHALL_FLAGS, TCA_CLS_FLAGS_SKIP_HW);
	mnl_attr_nest_end(nlh, options);
	return kernel_request(kernel, nlh, answer);
}

int guest_del_redirect(struct kernel *kernel, int ifindex, struct answer *answer)
{
	char buf[MESSAGE_MAX];

	return kernel_request(kernel, put_filter(buf, RTM_DELTFILTER, 0, ifindex,
						 PRIORITY_ALL, ETH_P_ALL), answer);
}

int guest_hold_arp(struct kernel *kernel, int ifindex, struct answer *answer)
{
	char buf[MESSAGE_MAX];

	return kernel_request(kernel, put_filter(buf, RTM_DELTFILTER, 0, ifindex,
						 PRIORITY_ARP, ETH_P_ARP), answer);
}
