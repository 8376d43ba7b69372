/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of one qdisc, taken out of one netlink message: of
 * rtnetlink, or of the family sch_plug.
 */
#ifndef PLUGCTL_STATE_H
#define PLUGCTL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/pkt_sched_plug.h>

#define QDISC_KIND_MAX	16
#define PLUG_KIND	"plug"

struct qdisc_state {
	int ifindex;
	uint32_t handle;
	uint32_t parent;
	char kind[QDISC_KIND_MAX];

	uint32_t held_packets;
	uint32_t held_bytes;

	/* By rtnetlink only, of every kind of qdisc; has_sent: it was asked. */
	bool has_sent;
	uint64_t sent_bytes;
	uint64_t sent_packets;
	uint32_t drops;

	/*
	 * By the family only: where there is none, with the in-tree module, told
	 * is false. The epochs are 0 where the kernel sent none (there is no
	 * epoch 0).
	 */
	bool told;
	bool open;
	uint64_t id;
	uint32_t limit;
	uint64_t epoch;
	uint64_t released;
	uint64_t head_epoch;
	uint64_t tail_epoch;
	uint32_t stopped_packets;	/* released, and held by the valve */
	uint64_t commands;

	/* By SCH_PLUG_A_STATS_*; a bit of stats_known says that it was sent. */
	uint32_t stats_known;
	uint64_t stats[SCH_PLUG_A_STATS_MAX + 1];
};

#define plug_knows(state, name)						\
	(((state)->stats_known >> SCH_PLUG_A_STATS_##name) & 1)
#define plug_stat(state, name)						\
	((state)->stats[SCH_PLUG_A_STATS_##name])

/*
 * A message of rtnetlink. Returns 0, or -1 when it is not a qdisc's or is
 * malformed. The message must lie completely in memory (message_ok()).
 */
int qdisc_parse(const struct nlmsghdr *nlh, struct qdisc_state *state);

/* The same for an answer, a dump or an event of the family. */
int plug_parse(const struct nlmsghdr *nlh, struct qdisc_state *state);

/* What an event is (SCH_PLUG_CMD_*_NTF), and which command it tells of. */
uint8_t plug_event(const struct nlmsghdr *nlh, uint32_t *action);

bool qdisc_is_plug(const struct qdisc_state *state);

/* Closed epochs that wait for release. */
uint64_t plug_waiting(const struct qdisc_state *state);

/* Packets are held that no release has covered. */
bool plug_holds_unreleased(const struct qdisc_state *state);

/* Packets may leave and have not left yet. Not those that were stopped. */
bool plug_is_draining(const struct qdisc_state *state);

/* A growing array of them. */
struct qdisc_list {
	struct qdisc_state *v;
	size_t n;
	size_t room;
};

/* Returns the new element, NULL when memory is short. */
struct qdisc_state *qdisc_list_add(struct qdisc_list *list,
				   const struct qdisc_state *state);
void qdisc_list_free(struct qdisc_list *list);

/* By device, then by handle. */
void qdisc_list_sort(struct qdisc_list *list);

/* In a sorted list: the one with that handle, or NULL. */
const struct qdisc_state *qdisc_list_find(const struct qdisc_list *list,
					  int ifindex, uint32_t handle);

/* In a sorted list: the first of that device, or where it would be. */
size_t qdisc_list_first(const struct qdisc_list *list, int ifindex);

/* Into sorted plugs of the family, what rtnetlink alone tells of them. */
void qdisc_list_join(struct qdisc_list *plugs, const struct qdisc_list *qdiscs);

#endif
