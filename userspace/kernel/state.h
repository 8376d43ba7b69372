/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of one qdisc, parsed from one netlink message: of
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

	/* From rtnetlink only, for every kind of qdisc; has_sent: it was asked. */
	bool has_sent;
	uint64_t sent_bytes;
	uint64_t sent_packets;
	uint32_t drops;

	/*
	 * From the family only: without it, as with the in-tree module, has_state
	 * is false. The epochs are 0 where the kernel sent none (there is no
	 * epoch 0).
	 */
	bool has_state;
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

/* Which event it is (SCH_PLUG_CMD_*_NTF), and which command it reports. */
uint8_t plug_event(const struct nlmsghdr *nlh, uint32_t *action);

bool qdisc_is_plug(const struct qdisc_state *state);

/* Closed epochs that wait for release. */
uint64_t plug_waiting(const struct qdisc_state *state);

/* Packets are held that no release has covered. */
bool plug_holds_unreleased(const struct qdisc_state *state);

/* Packets may leave and have not left yet. Not those that were stopped. */
bool plug_is_draining(const struct qdisc_state *state);

#endif
