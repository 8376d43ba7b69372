// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes, times, handles, parents, lines, and the distance of words. */
#include "check.h"

#include <linux/pkt_sched.h>

#include "../cli/parse.h"

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint32_t bytes;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "1500", 1500 }, { "1K", 1024 },
		{ "1k", 1024 }, { "64KiB", 65536 }, { "64kib", 65536 },
		{ "10M", 10485760 }, { "10MiB", 10485760 }, { "1G", 1 << 30 },
		{ "3GiB", 3221225472U }, { "4GiB-1", UINT32_MAX },
		{ "4G-1", UINT32_MAX }, { "4294967295", UINT32_MAX },
		{ "4294967296-1", UINT32_MAX }, { "1-1", 0 }, { "0010", 10 },
	};
	static const char *const bad[] = {
		"", " ", "-1", "+1", " 1", "1 ", "x", "0x10", "1.5M", "10MB",
		"10mb", "10kb", "10b", "1KK", "M", "4G", "4GiB", "4294967296",
		"4GiB-2", "4GiB-", "0-1", "4GiB-1 ", "99999999999999999999999",
		"18446744073709551616", "18446744073709551615", "5G-1", "1-1-1",
	};
	uint32_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bytes = 77;
		assert_true(parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = 77;
		assert_false(parse_size(bad[i], &bytes));
		assert_int_equal(bytes, 77);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 }, { "7", 7000000000 }, { "500ms", 500000000 },
		{ "10s", 10000000000 }, { "2m", 120000000000 },
		{ "1h", 3600000000000 }, { "1.5s", 1500000000 },
		{ "0.25", 250000000 }, { "0.5ms", 500000 }, { "1.1h", 3960000000000 },
		{ "0.9999999999", 999999999 },
		{ ".5s", 500000000 }, { ".25", 250000000 }, { ".5ms", 500000 },
	};
	static const char *const bad[] = {
		"", "s", "-1s", ".", ".s", "1.s", "1.5.5s", "1,5s", "5us", "1d", "10S", "10 s", "1m30s",
		"99999999999h", "18446744073709551615s",
	};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(parse_time(good[i].text, &ns));
		assert_int_equal(ns, good[i].ns);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse_time(bad[i], &ns));
}

static void epochs(void **state)
{
	uint64_t epoch = 0;

	(void)state;
	assert_true(parse_epoch("42", &epoch));
	assert_int_equal(epoch, 42);
	assert_true(parse_epoch("18446744073709551615", &epoch));
	assert_int_equal(epoch, UINT64_MAX);
	assert_false(parse_epoch("18446744073709551616", &epoch));
	assert_false(parse_epoch("", &epoch));
	assert_false(parse_epoch("-1", &epoch));
	assert_false(parse_epoch("4x", &epoch));
}

static void handles(void **state)
{
	static const char *const bad[] = {
		"", ":", "0:", "0", "10000:", "1:1", "8001::", "root", "g:",
		"ffffffffffffffffff:",
	};
	char text[HANDLE_TEXT_MAX];
	uint32_t handle = 0;
	size_t i;

	(void)state;
	assert_true(parse_handle("8001:", &handle));
	assert_int_equal(handle, 0x80010000);
	format_handle(text, handle);
	assert_string_equal(text, "8001:");
	assert_true(parse_handle("aB", &handle));
	assert_int_equal(handle, 0x00ab0000);
	assert_true(parse_handle("ffff:", &handle));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse_handle(bad[i], &handle));
}

static void parents(void **state)
{
	static const char *const bad[] = {
		"", "1", "1:", ":1", "0:1", "1:0", "10000:1", "1:10000",
		"1:2:3", "Root", "rooty",
	};
	char text[HANDLE_TEXT_MAX];
	uint32_t parent = 0;
	size_t i;

	(void)state;
	assert_true(parse_parent("root", &parent));
	assert_int_equal(parent, TC_H_ROOT);
	format_parent(text, parent);
	assert_string_equal(text, "root");
	assert_true(parse_parent("1:4", &parent));
	assert_int_equal(parent, 0x00010004);
	assert_true(parse_parent("8001:ffff", &parent));
	format_parent(text, parent);
	assert_string_equal(text, "8001:ffff");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse_parent(bad[i], &parent));
}

static void lines(void **state)
{
	char plain[] = "  release eth0\teth1  # until here\n";
	char joined[] = "buffer a#b";
	char empty[] = " \t\r\n";
	char comment[] = "# all of it";
	char many[] = "a b c d";
	char *words[4];

	(void)state;
	assert_int_equal(split_line(plain, words, 4), 3);
	assert_string_equal(words[0], "release");
	assert_string_equal(words[2], "eth1");
	assert_null(words[3]);
	assert_int_equal(split_line(joined, words, 4), 2);
	assert_string_equal(words[1], "a#b");
	assert_int_equal(split_line(empty, words, 4), 0);
	assert_null(words[0]);
	assert_int_equal(split_line(comment, words, 4), 0);
	assert_int_equal(split_line(many, words, 4), -1);
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(edit_distance("buffer", "buffer"), 0);
	assert_int_equal(edit_distance("bzffer", "buffer"), 1);
	assert_int_equal(edit_distance("buffre", "buffer"), 1);
	assert_int_equal(edit_distance("", "open"), 4);
	assert_int_equal(edit_distance("poen", "open"), 1);
	assert_int_equal(edit_distance("opeqn", "open"), 1);
	assert_int_equal(edit_distance("rxlease", "release"), 1);
	assert_int_equal(edit_distance("an-extremely-long-word-that-nobody-types", "a"), 32);
}

static void printable(void **state)
{
	static const char *const pairs[][2] = {
		{ "eth0", "eth0" },
		{ "a\033b\177c\nd", "a?b?c?d" },
		{ "b\303\251b\303\251", "b\303\251b\303\251" },
		{ "\343\201\202\360\237\230\200", "\343\201\202\360\237\230\200" },
		{ "x\377y", "x?y" },
		{ "\303", "?" },
		{ "\300\200", "??" },
		{ "\302\233", "??" },
		{ "\355\240\200", "???" },
		{ "\364\220\200\200", "????" },
		{ "\340\200\257", "???" },
	};
	char text[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		strcpy(text, pairs[i][0]);
		make_printable(text);
		assert_string_equal(text, pairs[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(epochs),
		cmocka_unit_test(handles),
		cmocka_unit_test(parents),
		cmocka_unit_test(lines),
		cmocka_unit_test(distances),
		cmocka_unit_test(printable),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
