// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The messages that plugctl sends, byte for byte (on little-endian hosts): struct
 * nlmsghdr, struct tcmsg and the attributes, one after the other.
 */
#include "check.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>


static const struct address root = {
	.ifindex = 7, .handle = 0x80010000, .parent = 0xffffffff,
};

/* Builds the message for an order, without sending it. */
static const struct nlmsghdr *build(char *buf, enum order_kind kind,
				    const struct address *at,
				    const struct action *action, bool flag)
{
	const struct order order = {
		.kind = kind, .at = *at, .no_options = !action, .echo = flag,
		.force = flag, .action = action ? *action : (struct action){ 0 },
	};

	return message_order(buf, &order);
}

static void is_bytes(const struct nlmsghdr *nlh, const unsigned char *bytes,
		     size_t len)
{
#if __BYTE_ORDER == __LITTLE_ENDIAN
	assert_int_equal(nlh->nlmsg_len, len);
	assert_memory_equal(nlh, bytes, len);
#else
	(void)bytes;
	assert_int_equal(nlh->nlmsg_len, len);
#endif
}

#define HEADER(len, type, f0, f1)					\
	(len), 0, 0, 0, (type), 0, (f0), (f1), 0, 0, 0, 0, 0, 0, 0, 0
#define TCM_ROOT							\
	0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 0x80, 0xff, 0xff, 0xff, 0xff,	\
	0, 0, 0, 0
#define TCM_HANDLE							\
	0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0
#define KIND	9, 0, 1, 0, 'p', 'l', 'u', 'g', 0, 0, 0, 0
#define OPTIONS(action, l0, l1, l2)					\
	12, 0, 2, 0, (action), 0, 0, 0, (l0), (l1), (l2), 0

static void buffer(void **state)
{
	static const unsigned char quiet[] = {
		HEADER(60, RTM_NEWQDISC, 5, 0), TCM_HANDLE, KIND, OPTIONS(0, 0, 0, 0),
	};
	static const unsigned char echo[] = {
		HEADER(60, RTM_NEWQDISC, 13, 0), TCM_HANDLE, KIND, OPTIONS(0, 0, 0, 0),
	};
	const struct action action = { .code = TCQ_PLUG_BUFFER };
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_CHANGE, &root, &action, false), quiet, sizeof(quiet));
	is_bytes(build(buf, ORDER_CHANGE, &root, &action, true), echo, sizeof(echo));
}

static void limit(void **state)
{
	static const unsigned char bytes[] = {
		HEADER(60, RTM_NEWQDISC, 5, 0), TCM_HANDLE, KIND,
		OPTIONS(3, 0x80, 0x96, 0x98),
	};
	const struct action action = { .code = TCQ_PLUG_LIMIT, .limit = 10000000 };
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_CHANGE, &root, &action, false), bytes, sizeof(bytes));
}

/* The type is the number that the kernel assigns to the family: see kernel.c. */
#define CHANGE(len, action)						\
	HEADER(len, 0, 5, 0), SCH_PLUG_CMD_CHANGE, 1, 0, 0,		\
	12, 0, 1, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,	\
	8, 0, 6, 0, (action) & 0xff, (action) >> 8, 0, 0

static const struct address by_id = {
	.ifindex = 7, .handle = 0x80010000, .parent = 0xffffffff,
	.id = 0x1122334455667788ULL,
};

static void by_the_family(void **state)
{
	static const unsigned char bytes[] = { CHANGE(40, 0) };
	static const unsigned char drop[] = { CHANGE(40, 256) };
	const struct action discard = { .code = TCQ_PLUG_DISCARD };
	const struct action action = { .code = TCQ_PLUG_BUFFER };
	unsigned char echo[sizeof(bytes)];
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &action, false), bytes, sizeof(bytes));
	/* With NLM_F_ECHO instead of NLM_F_ACK, the only answer is the state. */
	memcpy(echo, bytes, sizeof(bytes));
	echo[6] = 9;
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &action, true), echo, sizeof(echo));
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &discard, false), drop, sizeof(drop));
}

static void with_a_value(void **state)
{
	static const unsigned char upto[] = {
		CHANGE(52, 257), 12, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0x80,
	};
	static const unsigned char most[] = {
		CHANGE(48, 3), 8, 0, 7, 0, 0x80, 0x96, 0x98, 0,
	};
	const struct action release = {
		.code = TCQ_PLUG_RELEASE_UPTO, .upto = true, .epoch = 0x8000000000000005ULL,
	};
	const struct action set = { .code = TCQ_PLUG_LIMIT, .limit = 10000000 };
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &release, false), upto, sizeof(upto));
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &set, false), most, sizeof(most));
}

static void discard_upto(void **state)
{
	static const unsigned char bytes[] = {
		CHANGE(52, 256), 12, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0,
	};
	const struct action action = {
		.code = TCQ_PLUG_DISCARD, .upto = true, .epoch = 7,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_CHANGE, &by_id, &action, false), bytes, sizeof(bytes));
}

static void own(void **state)
{
	static const unsigned char bytes[] = {
		HEADER(40, 0, 5, 0), SCH_PLUG_CMD_OWN, 1, 0, 0,
		12, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0,
		8, 0, 9, 0, 1, 0, 0, 0,
	};
	const struct order order = {
		.kind = ORDER_OWN, .at.id = 9, .at_exit = SCH_PLUG_AT_EXIT_OPEN,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(message_order(buf, &order), bytes, sizeof(bytes));
}

static void questions(void **state)
{
	static const unsigned char get[] = {
		HEADER(32, 0, 1, 0), SCH_PLUG_CMD_GET, 1, 0, 0,
		12, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0,
	};
	static const unsigned char all[] = {
		HEADER(20, 0, 1, 3), SCH_PLUG_CMD_GET, 1, 0, 0,
	};
	static const unsigned char device[] = {
		HEADER(28, 0, 1, 3), SCH_PLUG_CMD_GET, 1, 0, 0,
		8, 0, 3, 0, 7, 0, 0, 0,
	};
	static const unsigned char family[] = {
		HEADER(36, 16, 1, 0), 3, 1, 0, 0,
		13, 0, 2, 0, 's', 'c', 'h', '_', 'p', 'l', 'u', 'g', 0, 0, 0, 0,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_GET, &(struct address){ .id = 9 }, NULL, false), get, sizeof(get));
	is_bytes(message_dump_plugs(buf, 0), all, sizeof(all));
	is_bytes(message_dump_plugs(buf, 7), device, sizeof(device));
	is_bytes(message_find_family(buf), family, sizeof(family));
}

static void never_creates(void **state)
{
	const struct action action = { .code = TCQ_PLUG_BUFFER };
	const struct nlmsghdr *nlh;
	char buf[MESSAGE_MAX];

	(void)state;
	nlh = build(buf, ORDER_CHANGE, &root, &action, true);
	assert_int_equal(nlh->nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE), 0);
}

static void add(void **state)
{
	static const unsigned char plain[] = {
		HEADER(48, RTM_NEWQDISC, 0x05, 6), TCM_ROOT, KIND,
	};
	static const unsigned char open[] = {
		HEADER(60, RTM_NEWQDISC, 0x05, 7), TCM_ROOT, KIND,
		OPTIONS(2, 0x10, 0x27, 0),
	};
	const struct action action = {
		.code = TCQ_PLUG_RELEASE_INDEFINITE, .limit = 10000,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_ADD, &root, NULL, false), plain, sizeof(plain));
	is_bytes(build(buf, ORDER_ADD, &root, &action, true), open, sizeof(open));
}

static void del(void **state)
{
	static const unsigned char bytes[] = {
		HEADER(48, RTM_DELQDISC, 5, 0), TCM_ROOT, KIND,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(build(buf, ORDER_DEL, &root, NULL, false), bytes, sizeof(bytes));
}

static void dump(void **state)
{
	static const unsigned char bytes[] = {
		HEADER(36, RTM_GETQDISC, 1, 3),
		0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	char buf[MESSAGE_MAX];

	(void)state;
	is_bytes(message_dump_qdiscs(buf, 7), bytes, sizeof(bytes));
}

static void longest_name(void **state)
{
	char name[DEVICE_NAME_MAX], buf[MESSAGE_MAX];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_true(message_find_altname(buf, name)->nlmsg_len <= MESSAGE_MAX);
}

/* The kernel's answers: an ACK, and a refusal with a text. */
static void answers(void **state)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		struct nlattr attr;
		char text[8];
	} msg = {
		.nlh = { .nlmsg_len = NLMSG_HDRLEN + sizeof(struct nlmsgerr),
			 .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = 11 },
		.err = { .msg.nlmsg_len = sizeof(struct nlmsghdr) },
		.attr = { .nla_len = 4 + 7, .nla_type = NLMSGERR_ATTR_MSG },
		.text = "Not so",
	};
	struct answer answer = { 0 };

	(void)state;
	answer_parse(&msg.nlh, 0, &answer);
	assert_true(answer.complete);
	assert_int_equal(answer.error, 0);

	msg.nlh.nlmsg_len = sizeof(msg);
	msg.nlh.nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	msg.err.error = -22;
	answer_parse(&msg.nlh, 0, &answer);
	assert_int_equal(answer.error, 22);
	assert_string_equal(answer.text, "Not so");

	/* The answer quotes the whole request, in which the length is huge. */
	msg.nlh.nlmsg_flags = NLM_F_ACK_TLVS;
	msg.err.msg.nlmsg_len = 0x7fffffff;
	memset(&answer, 0, sizeof(answer));
	answer_parse(&msg.nlh, 0, &answer);
	assert_string_equal(answer.text, "");
}

/* The controller's answer: the numbers of the family and of its group. */
static void numbers_of_the_family(void **state)
{
	struct nlmsghdr *nlh;
	struct nlattr *groups, *group;
	struct kernel kernel = { 0 };
	char buf[MESSAGE_MAX];

	(void)state;
	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SCH_PLUG_FAMILY_NAME);
	assert_false(family_parse(&kernel, nlh));
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, 36);
	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	group = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 4);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, "another");
	mnl_attr_nest_end(nlh, group);
	group = mnl_attr_nest_start(nlh, 2);
	mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, 5);
	mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME, SCH_PLUG_MCGRP_EVENTS);
	mnl_attr_nest_end(nlh, group);
	mnl_attr_nest_end(nlh, groups);
	assert_true(family_parse(&kernel, nlh));
	assert_int_equal(kernel.family, 36);
	assert_int_equal(kernel.group, 5);
	/* The module is gone. */
	nlh->nlmsg_type = NLMSG_ERROR;
	assert_false(family_parse(&kernel, nlh));
	assert_int_equal(kernel.family, 0);
}

/* The state ends the answer: no acknowledgment follows. */
static void answer_of_the_family(void **state)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		unsigned char attrs[32];
	} msg = {
		.nlh = { .nlmsg_len = sizeof(msg), .nlmsg_type = RTM_NEWQDISC,
			 .nlmsg_seq = 5 },
		.attrs = { 12, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0,
			   8, 0, 3, 0, 7, 0, 0, 0,
			   12, 0, 10, 0, 4, 0, 0, 0, 0, 0, 0, 0 },
	};
	struct answer answer;

	(void)state;
	memset(&answer, 0, sizeof(answer));
	answer_parse(&msg.nlh, RTM_NEWQDISC, &answer);
	assert_true(answer.complete);
#if __BYTE_ORDER == __LITTLE_ENDIAN
	assert_true(answer.has_state);
	assert_int_equal(answer.state.id, 9);
	assert_int_equal(answer.state.epoch, 4);
#endif
	/* On rtnetlink the same type means a qdisc, which this message is not. */
	memset(&answer, 0, sizeof(answer));
	answer_parse(&msg.nlh, 0, &answer);
	assert_false(answer.complete);
	assert_false(answer.has_state);
	/* The command was executed even if the answer has no state. */
	msg.nlh.nlmsg_len = NLMSG_HDRLEN;
	answer_parse(&msg.nlh, RTM_NEWQDISC, &answer);
	assert_true(answer.complete);
	assert_false(answer.has_state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer),
		cmocka_unit_test(limit),
		cmocka_unit_test(by_the_family),
		cmocka_unit_test(with_a_value),
		cmocka_unit_test(discard_upto),
		cmocka_unit_test(own),
		cmocka_unit_test(questions),
		cmocka_unit_test(never_creates),
		cmocka_unit_test(add),
		cmocka_unit_test(del),
		cmocka_unit_test(dump),
		cmocka_unit_test(longest_name),
		cmocka_unit_test(answers),
		cmocka_unit_test(numbers_of_the_family),
		cmocka_unit_test(answer_of_the_family),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
