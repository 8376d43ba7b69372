// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses messages of rtnetlink and of the family, also newer and malformed ones. */
#include "check.h"

#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

static char buf[1024];

static struct nlmsghdr *begin(const char *kind)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWQDISC;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_ifindex = 7;
	tcm->tcm_handle = 0x80010000;
	tcm->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(nlh, TCA_KIND, kind);
	return nlh;
}

static void put_stats(struct nlmsghdr *nlh)
{
	struct gnet_stats_basic basic = { .bytes = 5000000000, .packets = 17 };
	struct gnet_stats_queue queue = { .qlen = 3, .backlog = 180, .drops = 2 };
	struct nlattr *stats = mnl_attr_nest_start(nlh, TCA_STATS2);

	/*
	 * The kernel sends 12 bytes, without the padding at the end of the struct.
	 */
	mnl_attr_put(nlh, TCA_STATS_BASIC, 12, &basic);
	mnl_attr_put(nlh, TCA_STATS_QUEUE, sizeof(queue), &queue);
	mnl_attr_nest_end(nlh, stats);
}

/* Begins a message of the family, with the attributes that every message has. */
static struct nlmsghdr *begin_plug(uint8_t cmd, uint64_t epoch, uint64_t released)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, 77);
	mnl_attr_put(nlh, SCH_PLUG_A_PAD, 0, NULL);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_IFINDEX, 7);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_HANDLE, 0x80010000);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_PARENT, TC_H_ROOT);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_LIMIT, 1000);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_EPOCH, epoch);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_RELEASED, released);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_QLEN, 3);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_BACKLOG, 180);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_COMMANDS, 9);
	return nlh;
}

static void ours(void **unused)
{
	struct nlmsghdr *nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 2);
	struct qdisc_state state;
	struct nlattr *stats;

	(void)unused;
	mnl_attr_put_u64(nlh, SCH_PLUG_A_HEAD_EPOCH, 2);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_TAIL_EPOCH, 5);
	mnl_attr_put_u64(nlh, 99, 1);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_OWNER, 4711);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_AT_EXIT, SCH_PLUG_AT_EXIT_DISCARD);
	stats = mnl_attr_nest_start(nlh, SCH_PLUG_A_STATS);
	mnl_attr_put(nlh, SCH_PLUG_A_STATS_PAD, 0, NULL);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_STATS_BUFFER_CMDS, 4);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_STATS_CLOSED_AGE, 0);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_STATS_MAX + 1, 8);
	mnl_attr_nest_end(nlh, stats);

	assert_int_equal(plug_parse(nlh, &state), 0);
	assert_true(qdisc_is_plug(&state));
	assert_int_equal(state.id, 77);
	assert_int_equal(state.ifindex, 7);
	assert_int_equal(state.handle, 0x80010000);
	assert_int_equal(state.parent, TC_H_ROOT);
	assert_true(state.has_state);
	assert_false(state.open);
	assert_int_equal(state.limit, 1000);
	assert_int_equal(state.epoch, 5);
	assert_int_equal(plug_waiting(&state), 2);
	assert_true(plug_holds_unreleased(&state));
	assert_int_equal(state.stopped_packets, 0);
	assert_true(plug_is_draining(&state));
	assert_int_equal(state.held_packets, 3);
	assert_int_equal(state.held_bytes, 180);
	assert_int_equal(state.commands, 9);
	assert_int_equal(state.owner, 4711);
	assert_int_equal(state.at_exit, SCH_PLUG_AT_EXIT_DISCARD);
	assert_int_equal(plug_stat(&state, BUFFER_CMDS), 4);
	assert_true(plug_knows(&state, CLOSED_AGE));
	assert_false(plug_knows(&state, LIMIT_CMDS));
	assert_false(state.has_sent);
}

static void open_and_empty(void **unused)
{
	struct nlmsghdr *nlh = begin_plug(SCH_PLUG_CMD_CHANGE, 5, 5);
	struct qdisc_state state;

	(void)unused;
	mnl_attr_put_u32(nlh, SCH_PLUG_A_QLEN, 0);
	assert_int_equal(plug_parse(nlh, &state), 0);
	assert_true(state.open);
	assert_int_equal(plug_waiting(&state), 0);
	assert_false(plug_holds_unreleased(&state));
	assert_false(plug_is_draining(&state));
}

/* The oldest packet was released, but is stopped: it will not leave by itself. */
static void stopped(void **unused)
{
	struct nlmsghdr *nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	struct qdisc_state state;

	(void)unused;
	mnl_attr_put_u32(nlh, SCH_PLUG_A_STOPPED, 3);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_HEAD_EPOCH, 4);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_TAIL_EPOCH, 4);
	assert_int_equal(plug_parse(nlh, &state), 0);
	assert_int_equal(state.stopped_packets, 3);
	assert_false(plug_holds_unreleased(&state));
	assert_false(plug_is_draining(&state));
}

static void event(void **unused)
{
	struct nlmsghdr *nlh = begin_plug(SCH_PLUG_CMD_CHANGE_NTF, 5, 4);
	uint32_t action;

	(void)unused;
	assert_int_equal(plug_event(nlh, &action), SCH_PLUG_CMD_CHANGE_NTF);
	assert_int_equal(action, UINT32_MAX);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_ACTION, TCQ_PLUG_DISCARD);
	assert_int_equal(plug_event(nlh, &action), SCH_PLUG_CMD_CHANGE_NTF);
	assert_int_equal(action, TCQ_PLUG_DISCARD);
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 2;
	assert_int_equal(plug_event(nlh, &action), 0);
}

static void in_tree(void **unused)
{
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;

	(void)unused;
	put_stats(nlh);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_false(state.has_state);
	assert_int_equal(state.id, 0);
	assert_int_equal(state.stats_known, 0);
	assert_true(state.has_sent);
	assert_int_equal(state.sent_bytes, 5000000000);
	assert_int_equal(state.sent_packets, 17);
	assert_int_equal(state.held_packets, 3);
	assert_int_equal(state.held_bytes, 180);
	assert_int_equal(state.drops, 2);
	assert_false(plug_holds_unreleased(&state));
	assert_true(plug_is_draining(&state));
}

static void other_kinds(void **unused)
{
	struct qdisc_state state;
	struct nlmsghdr *nlh;

	(void)unused;
	nlh = begin("prio");
	mnl_attr_put_u32(nlh, TCA_OPTIONS, 3);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_false(qdisc_is_plug(&state));
	assert_string_equal(state.kind, "prio");
}

static void malformed(void **unused)
{
	struct qdisc_state state;
	struct nlmsghdr *nlh;

	(void)unused;
	nlh = begin("a-kind-much-too-long");
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("");
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 4;
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	nlh->nlmsg_type = NLMSG_ERROR;
	assert_int_equal(qdisc_parse(nlh, &state), -1);
}

/* Numbers of the wrong size, impossible values, a message that is too short. */
static void malformed_plug(void **unused)
{
	struct qdisc_state state;
	struct nlmsghdr *nlh;
	struct nlattr *stats;

	(void)unused;
	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_EPOCH, 5);
	assert_int_equal(plug_parse(nlh, &state), -1);

	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_STOPPED, 5);
	assert_int_equal(plug_parse(nlh, &state), -1);

	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	stats = mnl_attr_nest_start(nlh, SCH_PLUG_A_STATS);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_STATS_LIMIT_CMDS, 5);
	mnl_attr_nest_end(nlh, stats);
	assert_int_equal(plug_parse(nlh, &state), -1);

	assert_int_equal(plug_parse(begin_plug(SCH_PLUG_CMD_GET, 1, 2), &state), -1);
	assert_int_equal(plug_parse(begin_plug(SCH_PLUG_CMD_GET, 0, 0), &state), -1);

	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_IFINDEX, 0x80000000);
	assert_int_equal(plug_parse(nlh, &state), -1);

	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, 0);
	assert_int_equal(plug_parse(nlh, &state), -1);

	nlh = begin_plug(SCH_PLUG_CMD_GET, 5, 4);
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 2;
	assert_int_equal(plug_parse(nlh, &state), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours),
		cmocka_unit_test(open_and_empty),
		cmocka_unit_test(stopped),
		cmocka_unit_test(in_tree),
		cmocka_unit_test(event),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(malformed),
		cmocka_unit_test(malformed_plug),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
