// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses messages about one qdisc. */
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include "state.h"

/* In <linux/gen_stats.h> since 5.5. */
#define STATS_PKT64	8

/* Copies as much as both sides have; the rest of dst does not change. */
static void copy_payload(void *dst, size_t size, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(dst, mnl_attr_get_payload(attr), len < size ? len : size);
}

/* 64-bit attributes may be aligned to only 4 bytes. */
static bool copy_u64(uint64_t *dst, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*dst))
		return false;
	memcpy(dst, mnl_attr_get_payload(attr), sizeof(*dst));
	return true;
}

static bool copy_u32(uint32_t *dst, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*dst))
		return false;
	memcpy(dst, mnl_attr_get_payload(attr), sizeof(*dst));
	return true;
}

static bool parse_kind(const struct nlattr *attr, struct qdisc_state *state)
{
	const char *kind = mnl_attr_get_payload(attr);
	size_t len;

	for (len = 0; len < mnl_attr_get_payload_len(attr) && kind[len]; len++) {
		if (len == sizeof(state->kind) - 1)
			return false;
		state->kind[len] = kind[len];
	}
	state->kind[len] = '\0';
	return len > 0;
}

static void parse_basic(const struct nlattr *attr, struct qdisc_state *state)
{
	struct gnet_stats_basic basic = { 0 };

	copy_payload(&basic, sizeof(basic), attr);
	state->sent_bytes = basic.bytes;
	if (state->sent_packets == 0)
		state->sent_packets = basic.packets;
}

static void parse_queue(const struct nlattr *attr, struct qdisc_state *state)
{
	struct gnet_stats_queue queue = { 0 };

	copy_payload(&queue, sizeof(queue), attr);
	state->held_packets = queue.qlen;
	state->held_bytes = queue.backlog;
	state->drops = queue.drops;
}

static void parse_stats(const struct nlattr *stats, struct qdisc_state *state)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, stats) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_STATS_BASIC:
			parse_basic(attr, state);
			break;
		case STATS_PKT64:
			copy_u64(&state->sent_packets, attr);
			break;
		case TCA_STATS_QUEUE:
			parse_queue(attr, state);
			break;
		}
	}
}

int qdisc_parse(const struct nlmsghdr *nlh, struct qdisc_state *state)
{
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr;
	const struct tcmsg *tcm;

	if (nlh->nlmsg_type != RTM_NEWQDISC && nlh->nlmsg_type != RTM_DELQDISC)
		return -1;
	if (len < sizeof(*tcm))
		return -1;

	memset(state, 0, sizeof(*state));
	tcm = mnl_nlmsg_get_payload(nlh);
	state->ifindex = tcm->tcm_ifindex;
	state->handle = tcm->tcm_handle;
	state->parent = tcm->tcm_parent;

	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(*tcm)),
				  len - sizeof(*tcm)) {
		switch (mnl_attr_get_type(attr)) {
		case TCA_KIND:
			if (!parse_kind(attr, state))
				return -1;
			break;
		case TCA_STATS2:
			parse_stats(attr, state);
			break;
		}
	}
	state->has_sent = true;
	return state->kind[0] ? 0 : -1;
}

static bool parse_stats_nest(const struct nlattr *nest, struct qdisc_state *state)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		int type = mnl_attr_get_type(attr);

		if (type <= SCH_PLUG_A_STATS_PAD || type > SCH_PLUG_A_STATS_MAX)
			continue;
		if (!copy_u64(&state->stats[type], attr))
			return false;
		state->stats_known |= 1U << type;
	}
	return true;
}

static bool parse_plug_attr(const struct nlattr *attr, struct qdisc_state *state)
{
	uint32_t ifindex;

	switch (mnl_attr_get_type(attr)) {
	case SCH_PLUG_A_ID:
		return copy_u64(&state->id, attr);
	case SCH_PLUG_A_IFINDEX:
		if (!copy_u32(&ifindex, attr))
			return false;
		state->ifindex = (int)ifindex;
		return true;
	case SCH_PLUG_A_HANDLE:
		return copy_u32(&state->handle, attr);
	case SCH_PLUG_A_PARENT:
		return copy_u32(&state->parent, attr);
	case SCH_PLUG_A_LIMIT:
		return copy_u32(&state->limit, attr);
	case SCH_PLUG_A_EPOCH:
		return copy_u64(&state->epoch, attr);
	case SCH_PLUG_A_RELEASED:
		return copy_u64(&state->released, attr);
	case SCH_PLUG_A_HEAD_EPOCH:
		return copy_u64(&state->head_epoch, attr);
	case SCH_PLUG_A_TAIL_EPOCH:
		return copy_u64(&state->tail_epoch, attr);
	case SCH_PLUG_A_STOPPED:
		return copy_u32(&state->stopped_packets, attr);
	case SCH_PLUG_A_QLEN:
		return copy_u32(&state->held_packets, attr);
	case SCH_PLUG_A_BACKLOG:
		return copy_u32(&state->held_bytes, attr);
	case SCH_PLUG_A_COMMANDS:
		return copy_u64(&state->commands, attr);
	case SCH_PLUG_A_OWNER:
		return copy_u32(&state->owner, attr);
	case SCH_PLUG_A_AT_EXIT:
		return copy_u32(&state->at_exit, attr);
	case SCH_PLUG_A_STATS:
		return parse_stats_nest(attr, state);
	default:
		return true;
	}
}

/* Sets attr to each attribute. The message must have at least GENL_HDRLEN bytes. */
#define for_each_plug_attr(nlh)						\
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN), \
				  mnl_nlmsg_get_payload_len(nlh) - GENL_HDRLEN)

int plug_parse(const struct nlmsghdr *nlh, struct qdisc_state *state)
{
	const struct nlattr *attr;

	memset(state, 0, sizeof(*state));
	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return -1;
	for_each_plug_attr(nlh)
		if (!parse_plug_attr(attr, state))
			return -1;
	/* Refuse impossible values: others calculate with them. */
	if (!state->id || state->ifindex <= 0 || !state->epoch ||
	    state->released > state->epoch)
		return -1;
	memcpy(state->kind, PLUG_KIND, sizeof(PLUG_KIND));
	state->has_state = true;
	state->open = state->epoch == state->released;
	return 0;
}

uint8_t plug_event(const struct nlmsghdr *nlh, uint32_t *action)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*action = UINT32_MAX;
	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return 0;
	for_each_plug_attr(nlh)
		if (mnl_attr_get_type(attr) == SCH_PLUG_A_ACTION)
			copy_u32(action, attr);
	return genl->cmd;
}

bool qdisc_is_plug(const struct qdisc_state *state)
{
	return !strcmp(state->kind, PLUG_KIND);
}

uint64_t plug_waiting(const struct qdisc_state *state)
{
	if (state->epoch <= state->released)
		return 0;
	return state->epoch - state->released - 1;
}

bool plug_holds_unreleased(const struct qdisc_state *state)
{
	return state->tail_epoch > state->released;
}

bool plug_is_draining(const struct qdisc_state *state)
{
	/* The in-tree module does not report what it has released. */
	if (!state->has_state)
		return state->held_packets;
	/* Stopped: nothing leaves before the next release. */
	if (state->stopped_packets)
		return false;
	if (state->head_epoch)
		return state->head_epoch <= state->released;
	return state->open && state->held_packets;
}
