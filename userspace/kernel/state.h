/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one qdisc, parsed from one netlink message of rtnetlink or of the
 * family sch_plug.
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

	/* From rtnetlink only, for every kind of qdisc; valid if has_sent. */
	bool has_sent;
	uint64_t sent_bytes;
	uint64_t sent_packets;
	uint32_t drops;

	/*
	 * From the family only. Without the family, as with the in-tree module,
	 * has_state is false. Epochs that the kernel did not send are 0: there is
	 * no epoch 0.
	 */
	bool has_state;
	bool open;
	uint64_t id;
	uint32_t limit;
	uint64_t epoch;
	uint64_t released;
	uint64_t head_epoch;
	uint64_t tail_epoch;
	uint32_t stopped_packets;	/* released, then stopped by buffer */
	uint64_t commands;
	uint32_t owner;		/* netlink port of the owner's socket; 0: no owner */
	uint32_t at_exit;	/* SCH_PLUG_AT_EXIT_*, if there is an owner */

	/*
	 * stats is indexed by SCH_PLUG_A_STATS_*. stats_known has a bit for each
	 * value that the kernel sent.
	 */
	uint32_t stats_known;
	uint64_t stats[SCH_PLUG_A_STATS_MAX + 1];
};

#define plug_knows(state, name)						\
	(((state)->stats_known >> SCH_PLUG_A_STATS_##name) & 1)
#define plug_stat(state, name)						\
	((state)->stats[SCH_PLUG_A_STATS_##name])

/*
 * Parses a message of rtnetlink. Returns 0, or -1 if it is not about a qdisc or is
 * malformed. The message must be complete (message_ok()).
 */
int qdisc_parse(const struct nlmsghdr *nlh, struct qdisc_state *state);

/* The same for an answer, a dump or an event of the family. */
int plug_parse(const struct nlmsghdr *nlh, struct qdisc_state *state);

/*
 * Returns the event (SCH_PLUG_CMD_*_NTF), and stores the action that the event reports
 * (UINT32_MAX: none).
 */
uint8_t plug_event(const struct nlmsghdr *nlh, uint32_t *action);

bool qdisc_is_plug(const struct qdisc_state *state);

/* The number of ended epochs that wait for release. */
uint64_t plug_waiting(const struct qdisc_state *state);

/* The plug holds packets that were not released. */
bool plug_holds_unreleased(const struct qdisc_state *state);

/*
 * The plug has packets that may leave and have not left yet. Stopped packets do not
 * count.
 */
bool plug_is_draining(const struct qdisc_state *state);

#endif
