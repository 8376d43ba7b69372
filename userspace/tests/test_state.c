// SPDX-License-Identifier: GPL-2.0-or-later
/* Dump messages taken apart: whole ones, in-tree ones, older, newer, broken ones. */
#include "check.h"

#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
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

static struct nlattr *begin_options(struct nlmsghdr *nlh, int action, uint32_t limit)
{
	struct tc_plug_qopt qopt = { .action = action, .limit = limit };
	struct nlattr *options = mnl_attr_nest_start(nlh, TCA_OPTIONS);

	memcpy(mnl_nlmsg_get_payload_tail(nlh), &qopt, sizeof(qopt));
	nlh->nlmsg_len += sizeof(qopt);
	options->nla_type &= ~NLA_F_NESTED;
	return options;
}

static void put_stats(struct nlmsghdr *nlh, const void *xstats, size_t len)
{
	struct gnet_stats_basic basic = { .bytes = 5000000000, .packets = 17 };
	struct gnet_stats_queue queue = { .qlen = 3, .backlog = 180, .drops = 2 };
	struct nlattr *stats = mnl_attr_nest_start(nlh, TCA_STATS2);

	/* 12 bytes are what the kernel sends: the struct's tail padding is not. */
	mnl_attr_put(nlh, TCA_STATS_BASIC, 12, &basic);
	mnl_attr_put(nlh, TCA_STATS_QUEUE, sizeof(queue), &queue);
	if (len)
		mnl_attr_put(nlh, TCA_STATS_APP, len, xstats);
	mnl_attr_nest_end(nlh, stats);
}

static void ours(void **unused)
{
	struct tc_plug_xstats xstats = { .buffer_cmds = 4, .closed_age = 9 };
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;
	struct nlattr *options;

	(void)unused;
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1000);
	mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, 5);
	mnl_attr_put_u64(nlh, TCA_PLUG_RELEASED, 2);
	mnl_attr_put_u64(nlh, TCA_PLUG_HEAD_EPOCH, 2);
	mnl_attr_put_u64(nlh, TCA_PLUG_TAIL_EPOCH, 5);
	mnl_attr_put_u64(nlh, 99, 1);
	mnl_attr_nest_end(nlh, options);
	put_stats(nlh, &xstats, sizeof(xstats));

	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_true(qdisc_is_plug(&state));
	assert_int_equal(state.ifindex, 7);
	assert_int_equal(state.handle, 0x80010000);
	assert_true(state.told);
	assert_false(state.open);
	assert_int_equal(state.limit, 1000);
	assert_int_equal(state.epoch, 5);
	assert_int_equal(plug_waiting(&state), 2);
	assert_true(plug_holds_unreleased(&state));
	assert_int_equal(state.stopped_packets, 0);
	assert_true(plug_is_draining(&state));
	assert_int_equal(state.sent_bytes, 5000000000);
	assert_int_equal(state.sent_packets, 17);
	assert_int_equal(state.held_packets, 3);
	assert_int_equal(state.held_bytes, 180);
	assert_true(qdisc_knows(&state, closed_age));
	assert_int_equal(state.xstats.buffer_cmds, 4);
}

static void open_and_empty(void **unused)
{
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;
	struct nlattr *options;

	(void)unused;
	options = begin_options(nlh, TCQ_PLUG_RELEASE_INDEFINITE, 1);
	mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, 5);
	mnl_attr_put_u64(nlh, TCA_PLUG_RELEASED, 5);
	mnl_attr_nest_end(nlh, options);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_true(state.open);
	assert_int_equal(plug_waiting(&state), 0);
	assert_false(plug_holds_unreleased(&state));
	assert_false(plug_is_draining(&state));
}

/* A released packet is the oldest of those held, but will not leave by itself. */
static void stopped(void **unused)
{
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;
	struct nlattr *options;

	(void)unused;
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1000);
	mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, 5);
	mnl_attr_put_u64(nlh, TCA_PLUG_RELEASED, 4);
	mnl_attr_put_u32(nlh, TCA_PLUG_STOPPED, 3);
	mnl_attr_put_u64(nlh, TCA_PLUG_HEAD_EPOCH, 4);
	mnl_attr_put_u64(nlh, TCA_PLUG_TAIL_EPOCH, 4);
	mnl_attr_nest_end(nlh, options);
	put_stats(nlh, NULL, 0);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_int_equal(state.stopped_packets, 3);
	assert_false(plug_holds_unreleased(&state));
	assert_false(plug_is_draining(&state));
}

static void in_tree(void **unused)
{
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;

	(void)unused;
	put_stats(nlh, NULL, 0);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_false(state.told);
	assert_int_equal(state.xstats_len, 0);
	assert_false(plug_holds_unreleased(&state));
	assert_true(plug_is_draining(&state));
}

/* Options without an epoch: some other module of that name. */
static void options_of_another(void **unused)
{
	struct nlmsghdr *nlh = begin("plug");
	struct qdisc_state state;
	struct nlattr *options;

	(void)unused;
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1);
	mnl_attr_put_u32(nlh, TCA_PLUG_STOPPED, 3);
	mnl_attr_nest_end(nlh, options);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_false(state.told);
	assert_int_equal(state.stopped_packets, 0);
}

static void older_and_newer_statistics(void **unused)
{
	unsigned char longer[sizeof(struct tc_plug_xstats) + 16] = { 0 };
	struct qdisc_state state;
	struct nlmsghdr *nlh;

	(void)unused;
	nlh = begin("plug");
	put_stats(nlh, longer, 20);
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_true(qdisc_knows(&state, queued_bytes));
	assert_false(qdisc_knows(&state, max_backlog));

	nlh = begin("plug");
	put_stats(nlh, longer, sizeof(longer));
	assert_int_equal(qdisc_parse(nlh, &state), 0);
	assert_true(qdisc_knows(&state, closed_age));
	assert_int_equal(state.xstats_len, sizeof(struct tc_plug_xstats));
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
	struct nlattr *options;

	(void)unused;
	nlh = begin("a-kind-much-too-long");
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("");
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	mnl_attr_put_u32(nlh, TCA_OPTIONS, 0);
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	/* An epoch of 4 bytes; a count of 8; more released than there are. */
	nlh = begin("plug");
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1);
	mnl_attr_put_u32(nlh, TCA_PLUG_EPOCH, 1);
	mnl_attr_nest_end(nlh, options);
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1);
	mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, 1);
	mnl_attr_put_u64(nlh, TCA_PLUG_STOPPED, 1);
	mnl_attr_nest_end(nlh, options);
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	options = begin_options(nlh, TCQ_PLUG_BUFFER, 1);
	mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, 1);
	mnl_attr_put_u64(nlh, TCA_PLUG_RELEASED, 2);
	mnl_attr_nest_end(nlh, options);
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 4;
	assert_int_equal(qdisc_parse(nlh, &state), -1);

	nlh = begin("plug");
	nlh->nlmsg_type = NLMSG_ERROR;
	assert_int_equal(qdisc_parse(nlh, &state), -1);
}

static void lists(void **unused)
{
	struct qdisc_list list = { 0 };
	struct qdisc_state state = { 0 };
	int i;

	(void)unused;
	qdisc_list_sort(&list);
	assert_int_equal(qdisc_list_first(&list, 3), 0);
	for (i = 0; i < 100; i++) {
		state.ifindex = i * 37 % 50;
		state.handle = (uint32_t)i;
		assert_non_null(qdisc_list_add(&list, &state));
	}
	qdisc_list_sort(&list);
	for (i = 0; i < 50; i++) {
		size_t first = qdisc_list_first(&list, i);

		assert_int_equal(first, 2 * i);
		assert_int_equal(list.v[first].ifindex, i);
		assert_true(list.v[first].handle < list.v[first + 1].handle);
	}
	assert_int_equal(qdisc_list_first(&list, 1000), 100);
	qdisc_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours),
		cmocka_unit_test(open_and_empty),
		cmocka_unit_test(stopped),
		cmocka_unit_test(in_tree),
		cmocka_unit_test(options_of_another),
		cmocka_unit_test(older_and_newer_statistics),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(malformed),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
