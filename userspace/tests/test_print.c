// SPDX-License-Identifier: GPL-2.0-or-later
/* The complete output for people and programs. */
#include "check.h"

#include <json-c/json.h>

static void show_text(void **unused)
{
	struct qdisc_state state = sample_plug();
	struct capture *c = capture_new();

	(void)unused;
	print_plug(&c->session.out, "eth0", &state);
	capture_flush(c);
	assert_string_equal(c->out,
		"eth0  plug 8001: root\n"
		"  state    buffering epoch 42; 2 epochs wait for release (oldest 40)\n"
		"  held     118 packets (20 released and stopped), 164 KiB of 10 MiB (1.6%), peak 2.1 MiB\n"
		"  dropped  6 (1 over the limit, 2 by reset, 3 by discard)\n"
		"  uncopied 12 packets: held without a copy, the sender can still change them\n"
		"  closed   4.2 s ago\n");
	capture_free(c);
}

static void show_open(void **unused)
{
	struct qdisc_state state = {
		.kind = "plug", .handle = 0x20000, .parent = 0x10004,
		.has_state = true, .open = true, .limit = 1500, .epoch = 3,
		.released = 3, .held_packets = 1, .held_bytes = 60,
		.stats_known = STATS_ALL & ~(1U << SCH_PLUG_A_STATS_CLOSED_AGE),
	};
	struct capture *c = capture_new();

	(void)unused;
	c->session.out.color = true;
	c->session.out.color_is_known = true;
	print_plug(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_string_equal(c->out,
		"\033[1mlo\033[0m  plug 2: parent 1:4\n"
		"  state    open\n"
		"  held     1 packet, 60 B of 1.4 KiB (4.0%), peak 0 B\n"
		"  dropped  0\n");
	capture_free(c);
}

static void show_in_tree(void **unused)
{
	struct qdisc_state state = {
		.kind = "plug", .handle = 0x20000, .parent = 0xffffffff,
		.held_packets = 2, .held_bytes = 120,
		.has_sent = true, .drops = 9,
	};
	struct capture *c = capture_new();

	(void)unused;
	print_plug(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_string_equal(c->out,
		"lo  plug 2: root\n"
		"  state    unknown (in-tree module)\n"
		"  held     2 packets, 120 B\n"
		"  dropped  9\n");
	capture_free(c);
}

/* The owner is always in JSON. In text it is there only with -v. */
static void owner(void **unused)
{
	struct qdisc_state state = {
		.kind = "plug", .handle = 0x20000, .parent = 0x10004,
		.has_state = true, .limit = 1500, .epoch = 3, .released = 2,
		.owner = 4294967295, .at_exit = SCH_PLUG_AT_EXIT_DISCARD,
	};
	struct capture *c = capture_new();

	(void)unused;
	print_plug(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_null(strstr(c->out, "owner"));
	c->session.out.verbose = true;
	print_plug(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_non_null(strstr(c->out, "\n  owner    netlink port 4294967295, at its end: discard\n"));
	state.at_exit = 3;
	use_json(c);
	print_plug(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_non_null(strstr(c->out, ",\"owner\":4294967295}"));
	capture_free(c);
}

static void brief(void **unused)
{
	struct qdisc_state state = sample_plug();
	struct capture *c = capture_new();

	(void)unused;
	print_brief(&c->session.out, &state);
	state.stopped_packets = 0;
	state.held_packets = 1;
	print_brief(&c->session.out, &state);
	capture_flush(c);
	assert_string_equal(c->out,
		"buffering epoch 42; 2 epochs wait for release (oldest 40), 118 packets held (20 released and stopped), limit 10 MiB\n"
		"buffering epoch 42; 2 epochs wait for release (oldest 40), 1 packet held, limit 10 MiB\n");
	capture_free(c);
}

static void show_json(void **unused)
{
	struct qdisc_state state = sample_plug();
	struct capture *c = capture_new();

	(void)unused;
	use_json(c);
	out_array(&c->session.out, NULL);
	print_plug(&c->session.out, "eth0", &state);
	out_end(&c->session.out);
	capture_flush(c);
	assert_string_equal(c->out,
		"[{\"device\":\"eth0\",\"ifindex\":7,\"handle\":\"8001:\","
		"\"parent\":\"root\",\"module\":\"sch-plug\","
		"\"state\":\"buffering\",\"epoch\":42,\"released_epoch\":39,"
		"\"waiting_epochs\":2,\"oldest_waiting_epoch\":40,"
		"\"held_packets\":118,\"stopped_packets\":20,"
		"\"held_bytes\":167936,\"head_epoch\":39,\"tail_epoch\":42,"
		"\"limit_bytes\":10485760,"
		"\"max_held_bytes\":2202010,\"dropped_packets\":6,"
		"\"dropped\":{\"limit\":1,\"reset\":2,\"discard\":3},"
		"\"copy_failures\":12,\"closed_age_ns\":4200000000,"
		"\"sent_packets\":789,\"sent_bytes\":123456,"
		"\"queued_packets\":1000,\"queued_bytes\":200000,"
		"\"commands\":{\"buffer\":41,\"release_one\":38,"
		"\"release_indefinite\":1,\"limit\":4,\"discard\":5,"
		"\"release_upto\":6}}]\n");
	capture_free(c);
}

/* JSON after a command has the state in the answer, and nothing else. */
static void json_of_an_answer(void **unused)
{
	struct qdisc_state state = {
		.ifindex = 7, .handle = 0x80010000, .parent = 0xffffffff,
		.kind = "plug", .has_state = true, .id = 1, .epoch = 3,
		.released = 2, .limit = 1000, .commands = 1,
	};
	struct capture *c = capture_new();

	(void)unused;
	use_json(c);
	out_array(&c->session.out, NULL);
	print_plug(&c->session.out, "eth0", &state);
	out_end(&c->session.out);
	capture_flush(c);
	assert_string_equal(c->out,
		"[{\"device\":\"eth0\",\"ifindex\":7,\"handle\":\"8001:\","
		"\"parent\":\"root\",\"module\":\"sch-plug\","
		"\"state\":\"buffering\",\"epoch\":3,\"released_epoch\":2,"
		"\"waiting_epochs\":0,\"held_packets\":0,\"stopped_packets\":0,"
		"\"held_bytes\":0,\"limit_bytes\":1000}]\n");
	capture_free(c);
}

static void fields(void **unused)
{
	struct qdisc_state state = sample_plug();
	struct capture *c = capture_new();

	(void)unused;
	print_fields(&c->session.out, "eth0", &state);
	state = (struct qdisc_state){ .ifindex = 1, .kind = "plug",
				      .handle = 0x10000, .parent = 0xffffffff,
				      .has_sent = true };
	print_fields(&c->session.out, "lo", &state);
	capture_flush(c);
	assert_string_equal(c->out,
		"eth0\t7\t8001:\troot\tsch-plug\tbuffering\t42\t39\t39\t42\t"
		"10485760\t118\t167936\t6\t789\t123456\t1000\t200000\t2202010\t"
		"1\t2\t3\t41\t38\t1\t4\t5\t6\t4200000000\t20\t12\n"
		"lo\t1\t1:\troot\tin-tree\t-\t-\t-\t-\t-\t-\t0\t0\t0\t0\t0\t"
		"-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\n");
	capture_free(c);
}

static void sizes(void **unused)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" },
		{ 1536, "1.5 KiB" }, { 10000000, "9.5 MiB" },
		{ 1048575, "1023.9 KiB" }, { 1ULL << 40, "1 TiB" },
		{ UINT64_MAX, "16777215.9 TiB" },
	};
	char text[HUMAN_TEXT_MAX];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		format_size(text, cases[i].bytes);
		assert_string_equal(text, cases[i].text);
	}
}

static void ages(void **unused)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 us" }, { 999999, "999 us" }, { 1000000, "1 ms" },
		{ 31999999, "31 ms" }, { 1500000000, "1.5 s" },
		{ 61000000000, "1 min 1 s" }, { 7260000000000, "2 h 1 min" },
		{ UINT64_MAX, "5124095 h 34 min" },
	};
	char text[HUMAN_TEXT_MAX];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		format_age(text, cases[i].ns);
		assert_string_equal(text, cases[i].text);
	}
}

/* Names are escaped, by the JSON library. */
static void json_escapes(void **unused)
{
	struct qdisc_state state = sample_plug();
	struct json_object *value, *name;
	struct capture *c = capture_new();

	(void)unused;
	use_json(c);
	print_plug(&c->session.out, "a\"b\\c\n", &state);
	capture_flush(c);
	value = json_tokener_parse(c->out);
	assert_non_null(value);
	assert_true(json_object_object_get_ex(value, "device", &name));
	assert_string_equal(json_object_get_string(name), "a\"b\\c\n");
	json_object_put(value);
	capture_free(c);
}

/* No character is cut in half. A text that is not UTF-8 may be cut anywhere. */
static void cut_texts(void **unused)
{
	(void)unused;
	assert_int_equal(len_that_fits("vif1.0", 11), 6);
	assert_int_equal(len_that_fits("0123456789ab", 11), 11);
	assert_int_equal(len_that_fits("012345678\xc3\xa4", 11), 11);
	assert_int_equal(len_that_fits("0123456789\xc3\xa4", 11), 10);
	assert_int_equal(len_that_fits("01234567\xf0\x9f\x94\x8c", 11), 8);
	assert_int_equal(len_that_fits("\x80\x80\x80\x80\x80", 4), 1);
}

static void unbalanced_prints_nothing(void **unused)
{
	struct capture *c = capture_new();

	(void)unused;
	use_json(c);
	out_object(&c->session.out, NULL);
	out_u64(&c->session.out, "n", NULL, UINT64_MAX);
	out_flush(&c->session.out);
	capture_flush(c);
	assert_string_equal(c->out, "");
	out_object(&c->session.out, NULL);
	out_u64(&c->session.out, "n", NULL, UINT64_MAX);
	out_end(&c->session.out);
	capture_flush(c);
	assert_string_equal(c->out, "{\"n\":9223372036854775807}\n");
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(show_text),
		cmocka_unit_test(show_open),
		cmocka_unit_test(show_in_tree),
		cmocka_unit_test(owner),
		cmocka_unit_test(brief),
		cmocka_unit_test(show_json),
		cmocka_unit_test(json_of_an_answer),
		cmocka_unit_test(fields),
		cmocka_unit_test(sizes),
		cmocka_unit_test(ages),
		cmocka_unit_test(json_escapes),
		cmocka_unit_test(cut_texts),
		cmocka_unit_test(unbalanced_prints_nothing),
	};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
