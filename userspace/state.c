// SPDX-License-Identifier: GPL-2.0-or-later
/* Take a message apart that tells of one qdisc. */
#include <stdlib.h>
#include <string.h>

#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include "attr.h"
#include "state.h"

/* In <linux/gen_stats.h> since 5.5. */
#define STATS_PKT64	8

/* Copies as much as both sides know; the rest of dst is left alone. */
static void copy_payload(void *dst, size_t size, const struct nlattr *attr)
{
	size_t len = attr_len(attr);

	memcpy(dst, attr_payload(attr), len < size ? len : size);
}

/* 64-bit attributes may be aligned to 4 bytes only. */
static bool copy_u64(uint64_t *dst, const struct nlattr *attr)
{
	if (attr_len(attr) != sizeof(*dst))
		return false;
	memcpy(dst, attr_payload(attr), sizeof(*dst));
	return true;
}

static bool copy_u32(uint32_t *dst, const struct nlattr *attr)
{
	if (attr_len(attr) != sizeof(*dst))
		return false;
	memcpy(dst, attr_payload(attr), sizeof(*dst));
	return true;
}

static bool parse_kind(const struct nlattr *attr, struct qdisc_state *state)
{
	const char *kind = attr_payload(attr);
	size_t len;

	for (len = 0; len < attr_len(attr) && kind[len]; len++) {
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

	attr_for_each(attr, attr_payload(stats), attr_len(stats)) {
		switch (attr_type(attr)) {
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
	const struct nlattr *attr;
	const struct tcmsg *tcm;

	if (nlh->nlmsg_type != RTM_NEWQDISC && nlh->nlmsg_type != RTM_DELQDISC)
		return -1;
	if (message_len(nlh) < sizeof(*tcm))
		return -1;

	memset(state, 0, sizeof(*state));
	tcm = message_payload(nlh);
	state->ifindex = tcm->tcm_ifindex;
	state->handle = tcm->tcm_handle;
	state->parent = tcm->tcm_parent;

	attr_for_each(attr, tcm + 1, message_len(nlh) - sizeof(*tcm)) {
		switch (attr_type(attr)) {
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

	attr_for_each(attr, attr_payload(nest), attr_len(nest)) {
		int type = attr_type(attr);

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

	switch (attr_type(attr)) {
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
	case SCH_PLUG_A_STATS:
		return parse_stats_nest(attr, state);
	default:
		return true;
	}
}

/* Of a message that is long enough for them. */
#define for_each_plug_attr(attr, nlh)					\
	attr_for_each(attr, (const char *)message_payload(nlh) + GENL_HDRLEN, \
		      message_len(nlh) - GENL_HDRLEN)

int plug_parse(const struct nlmsghdr *nlh, struct qdisc_state *state)
{
	const struct nlattr *attr;

	memset(state, 0, sizeof(*state));
	if (message_len(nlh) < GENL_HDRLEN)
		return -1;
	for_each_plug_attr(attr, nlh)
		if (!parse_plug_attr(attr, state))
			return -1;
	/* What cannot be is not to be calculated with. */
	if (!state->id || state->ifindex <= 0 || !state->epoch ||
	    state->released > state->epoch)
		return -1;
	memcpy(state->kind, PLUG_KIND, sizeof(PLUG_KIND));
	state->told = true;
	state->open = state->epoch == state->released;
	return 0;
}

uint8_t plug_event(const struct nlmsghdr *nlh, uint32_t *action)
{
	const struct genlmsghdr *genl = message_payload(nlh);
	const struct nlattr *attr;

	*action = UINT32_MAX;
	if (message_len(nlh) < GENL_HDRLEN)
		return 0;
	for_each_plug_attr(attr, nlh)
		if (attr_type(attr) == SCH_PLUG_A_ACTION)
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
	/* The in-tree module does not tell what it has released. */
	if (!state->told)
		return state->held_packets;
	/* Nothing leaves before the next release. */
	if (state->stopped_packets)
		return false;
	if (state->head_epoch)
		return state->head_epoch <= state->released;
	return state->open && state->held_packets;
}

struct qdisc_state *qdisc_list_add(struct qdisc_list *list,
				   const struct qdisc_state *state)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 4;
		void *v = realloc(list->v, room * sizeof(*list->v));

		if (!v)
			return NULL;
		list->v = v;
		list->room = room;
	}
	list->v[list->n] = *state;
	return &list->v[list->n++];
}

void qdisc_list_free(struct qdisc_list *list)
{
	free(list->v);
	memset(list, 0, sizeof(*list));
}

static int compare(const void *a, const void *b)
{
	const struct qdisc_state *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->handle != y->handle)
		return x->handle < y->handle ? -1 : 1;
	return x->parent < y->parent ? -1 : x->parent > y->parent;
}

void qdisc_list_sort(struct qdisc_list *list)
{
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), compare);
}

size_t qdisc_list_first(const struct qdisc_list *list, int ifindex)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (list->v[mid].ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct qdisc_state *qdisc_list_find(const struct qdisc_list *list,
					  int ifindex, uint32_t handle)
{
	size_t i = qdisc_list_first(list, ifindex);

	for (; i < list->n && list->v[i].ifindex == ifindex; i++)
		if (list->v[i].handle == handle)
			return &list->v[i];
	return NULL;
}

void qdisc_list_join(struct qdisc_list *plugs, const struct qdisc_list *qdiscs)
{
	size_t i, j = 0;

	for (i = 0; i < plugs->n; i++) {
		struct qdisc_state *plug = &plugs->v[i];

		while (j < qdiscs->n && compare(&qdiscs->v[j], plug) < 0)
			j++;
		if (j == qdiscs->n || compare(&qdiscs->v[j], plug))
			continue;
		plug->has_sent = true;
		plug->sent_bytes = qdiscs->v[j].sent_bytes;
		plug->sent_packets = qdiscs->v[j].sent_packets;
	}
}
