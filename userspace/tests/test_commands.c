// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs whole commands with a fake kernel. */
#include "fake_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>

#include "../cli/reader.h"
#include "../kernel/guest.h"

/* Of the devices a to d, b and c have a closed plug. */
static void fake_reset(void)
{
	fake_devices();
	fake_plug(2, 0x80010000, 0xffffffff);
	fake_plug(3, 0x80010000, 0xffffffff);
}

/* Device 1 is a guest's. Its ifb is device 5, which has the only plug. The caller gives
 * device 5 a name.
 */
static void fake_guest(void)
{
	fake.labelled = 1;
	fake.n = 1;
	fake.plugs[0].ifindex = 5;
}

/*
 * Runs a line. Checks its status, what it prints (NULL: anything), and its messages. If
 * err is empty or ends with a newline, it has all messages, otherwise a part of them.
 */
static void gives(const char *line, int status, const char *out, const char *err)
{
	struct capture *c = capture_new();
	const bool all = !*err || err[strlen(err) - 1] == '\n';
	const int got = run(c, line);

	if (got != status || (out && strcmp(c->out, out)) ||
	    (all ? strcmp(c->err, err) != 0 : !strstr(c->err, err)))
		fail_msg("%s: status %d, wanted %d; printed \"%s\", wanted \"%s\"; said \"%s\", wanted \"%s\"",
			 line, got, status, c->out, out ? out : "(anything)",
			 c->err, err);
	capture_free(c);
}

/* The same for the lines of a batch. */
static void batch_gives(const char *options, const char *lines, int status,
			const char *out, const char *err)
{
	char command[64];
	const int fd = memfd_create("batch", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	snprintf(command, sizeof(command), "plugctl %s batch /proc/self/fd/%d",
		 options, fd);
	gives(command, status, out, err);
	close(fd);
}

/* If it is not known whether a plug is open, the plug is not saved. */
static void save_without_state(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl save b", 0, "add --keep b handle 8001: limit 1000\n", "");
	gives("plugctl --rtnl save b", 2, "",
	      "plugctl: b: whether the plug is open is not known by rtnetlink, so it was not saved: leave out --rtnl");
	fake.intree = true;
	gives("plugctl save", 2, "",
	      "plugctl: b: the in-tree module does not say whether the plug is open, so it was not saved: ");
	fake.names[4] = "ifb-a";
	fake_guest();
	gives("plugctl save", 2, "", "plugctl: a: the in-tree module does not say");
}

/* "add open": the plug is attached, but then its state cannot be read. */
static void add_unread(void **unused)
{
	(void)unused;
	fake_reset();
	fake.intree = true;
	/* The first dump looks for an existing qdisc. */
	fake.fail_from = 2;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached and opened, but its state could not be read (No buffer space available): see plugctl show a");
	assert_int_equal(fake.n, 3);
	assert_true(fake.plugs[2].open);

	fake_reset();
	fake.intree = true;
	fake.fail_from = 2;
	fake.refuse = 1 << ORDER_CHANGE;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached, but could not be opened and was detached again (No buffer space available): try again");
	assert_int_equal(fake.n, 2);

	fake_reset();
	fake.intree = true;
	fake.fail_from = 2;
	fake.refuse = 1 << ORDER_CHANGE | 1 << ORDER_DEL;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached, may be closed, and could neither be opened nor detached (No buffer space available): plugctl open a");
	assert_int_equal(fake.n, 3);

	/* "add" without "open": the plug is closed already. */
	fake_reset();
	fake.fail_from = 2;
	gives("plugctl add a", 2, "",
	      "plugctl: a: the plug was attached, but its state could not be read (No buffer space available): see plugctl show a");
	assert_int_equal(fake.n, 3);
	assert_int_equal(ordered(ORDER_CHANGE), 0);
}

/* "upto" after commands that do not take it, and "upto" with typos. */
static void mistyped_upto(void **unused)
{
	static const char *const lines[] = {
		"plugctl del b upto 3", "plugctl wait b upto 3", "plugctl open b upto 3",
		"plugctl buffer b 3", "plugctl del --force b uptp 3",
		"plugctl run b upto 3 -- true", "plugctl -j del b upto 3",
	};
	static const char *const understood[] = {
		"plugctl release b up 3", "plugctl discard b 3", "plugctl -j release b uptp 3",
	};
	unsigned int i;

	(void)unused;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake_reset();
		gives(lines[i], 1, "", " takes no epoch. Nothing was done");
		assert_int_equal(fake.n_orders, 0);
	}
	for (i = 0; i < sizeof(understood) / sizeof(understood[0]); i++) {
		fake_reset();
		gives(understood[i], 1, "", "is no device: was \"upto EPOCH\" meant? Nothing was done");
		assert_int_equal(fake.n_orders, 0);
	}
}

/* Only buffer ends an epoch. Its action is 0, as in commands without an action. */
static void ended_epoch(void **unused)
{
	static const char *const others[] = {
		"plugctl -j add a", "plugctl -j wait b", "plugctl -j open b", "plugctl -j release b",
		"plugctl -j limit b 1M", "plugctl -j discard b", "plugctl -j show b",
	};
	struct capture *c;
	unsigned int i;

	(void)unused;
	fake_reset();
	c = capture_new();
	assert_int_equal(run(c, "plugctl -j buffer b"), 0);
	assert_non_null(strstr(c->out, ",\"ended_epoch\":"));
	capture_free(c);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fake_reset();
		c = capture_new();
		run(c, others[i]);
		if (!strstr(c->out, "\"epoch\":") || strstr(c->out, "ended_epoch"))
			fail_msg("%s: printed \"%s\"", others[i], c->out);
		capture_free(c);
	}
}

/* "xcept arp" must not count as two devices: the guest's ARP would be held. */
static void guest_add_mistyped(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl guest add a xcept arp", 1, "",
	      "plugctl: 'xcept' is no device: was \"except\" meant? Nothing was done: usage: ");
	assert_int_equal(fake.requests + fake.n_orders, 0);
	fake_reset();
	gives("plugctl guest add a nosuch0", 2, "", "plugctl: nosuch0: no such device");
	assert_int_equal(fake.requests + fake.n_orders, 0);
	fake_reset();
	gives("plugctl guest add a", 0, "", "");
	assert_true(fake.requests);
}

/* With -j any command to plugs prints an array, even if it is empty. */
static void json_of_failures(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl -j buffer nosuch0", 2, "[]\n", "plugctl: nosuch0: no such device");
	gives("plugctl -j add nosuch0", 2, "[]\n", "plugctl: nosuch0: no such device");
	gives("plugctl -j add b", 2, "[]\n", "plugctl: b: already has a plug");
	batch_gives("-j", "add nosuch0\n", 2,
		    "{\"line\":1,\"plugs\":[],\"command\":\"add\",\"ok\":false,\"errors\":[{\"device\":\"nosuch0\",\"message\":\"no such device: see ip link\",\"status\":2}]}\n",
		    "nosuch0: no such device");
}

static void json_of_a_script(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl -j save", 1, "", "plugctl: save prints a batch, not JSON: leave out -j: usage: ");
}

/* That a plug is closed is an answer, not a failure that ends a batch. */
static void is_open_in_a_batch(void **unused)
{
	(void)unused;
	fake_reset();
	batch_gives("", "is-open b\nopen c\nis-open c\n", 4, "", "");
	assert_true(fake.plugs[1].open);
	batch_gives("-j", "is-open b\nis-open c\nversion x\n", 1,
		    "{\"line\":1,\"open\":false,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":2,\"open\":true,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":3,\"command\":\"version\",\"ok\":false,\"errors\":[{\"message\":\"unexpected argument 'x': usage: plugctl version\",\"status\":1}]}\n",
		    ":3: unexpected argument");
	gives("plugctl is-open b", 4, "", "");
	gives("plugctl -j is-open b", 4, "", "");
}

/* If the input cannot be read on, a program that counts answers gets one for that. */
static void batch_cut_short(void **unused)
{
	char *lines = malloc(READER_LINE_MAX * 3 + 16);

	(void)unused;
	assert_non_null(lines);
	strcpy(lines, "is-open b\n");
	memset(lines + 10, 'x', READER_LINE_MAX * 3);
	lines[READER_LINE_MAX * 3 + 10] = '\0';
	fake_reset();
	batch_gives("-j", lines, 1,
		    "{\"line\":1,\"open\":false,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":2,\"ok\":false,\"errors\":[{\"message\":\"this line is longer than 1048576 bytes: this is not a batch\",\"status\":1}]}\n",
		    ":2: this line is longer");
	free(lines);
	gives("plugctl -j batch /etc", 2,
	      "{\"line\":1,\"ok\":false,\"errors\":[{\"message\":\"cannot read on: Is a directory: what came before was executed\",\"status\":2}]}\n",
	      "plugctl: /etc:1: cannot read on: Is a directory: what came before was executed");
}

/* save prints a plug as a line for batch. It reports plugs for which there is no such
 * line.
 */
static void saved_names(void **unused)
{
	(void)unused;
	fake_reset();
	fake.names[1] = "a#b";
	fake.names[2] = "-c";
	gives("plugctl save", 0, "add --keep a#b handle 8001: limit 1000\n"
	      "add --keep -- -c handle 8001: limit 1000\n", "");
	fake.names[1] = "#b";
	fake.names[2] = "dev";
	gives("plugctl save", 2, "add --keep dev dev handle 8001: limit 1000\n",
	      "plugctl: #b: no line of a batch can name this device, so its plug was not saved: ");
	fake_reset();
	fake.names[1] = "x\377y";
	gives("plugctl save b", 2, "", "b: no such device");
	gives("plugctl save", 2, "add --keep c handle 8001: limit 1000\n",
	      "plugctl: x?y: no line of a batch can name this device");
	fake_reset();
	fake.names[0] = "limit";
	fake.names[4] = "ifb-limit";
	fake_guest();
	gives("plugctl save", 2, "", "plugctl: limit: no line of a batch can name this device");
}

/* A lone dash is a word without an option letter. */
static void complete_dash(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl complete -- batch - x", 0, NULL, "");
	gives("plugctl complete -- -", 0, NULL, "");
}

/* The subcommands of "guest", and their arguments. */
static void complete_guest(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl complete -- guest a", 0, "add\thold what guests send: a plug on an ifb for each VIF\n", "");
	gives("plugctl complete -- guest add b", 0, "b\tdevice with a plug\n", "");
	gives("plugctl complete -- guest add b exc", 0, "except\t\n", "");
	gives("plugctl complete -- guest add b except a", 0, "arp\t\n", "");
	gives("plugctl complete -- guest add b c", 0, "c\tdevice with a plug\nclosed\t\n", "");
	gives("plugctl complete -- guest del b o", 0, "", "");
	gives("plugctl complete -- guest del b", 0, "b\tdevice with a plug\n", "");
}

/* A device may have any bytes in its name, and so may the ifb that is named after it. */
static void guest_with_odd_name(void **unused)
{
	(void)unused;
	fake_reset();
	fake.names[0] = "a\033[2J";
	fake.names[4] = "ifb-a\033[2J\377";
	fake_guest();
	gives("plugctl guest show", 0,
	      "a?[2J  guest, by ifb-a?[2J?: packets are not sent there, plugctl guest add repairs it\n"
	      "ifb-a?[2J?  plug 8001: root\n"
	      "  state    buffering epoch 5\n"
	      "  held     0 packets, 0 B of 1000 B (0.0%)\n"
	      "  dropped  \n", "");
	gives("plugctl -j guest show a", 2, "[]\n", "plugctl: a: is not the device of a guest");
}

/* After a failure, one message for each device says what was done. */
static void failures_said(void **unused)
{
	(void)unused;
	fake_reset();
	fake.unsent = true;
	gives("plugctl buffer b", 2, "",
	      "plugctl: b: the command could not be sent (No buffer space available), so nothing was done: try again\n");
	gives("plugctl del b", 2, "",
	      "plugctl: b: the command could not be sent (No buffer space available), so nothing was done: try again\n");
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the command could not be sent (No buffer space available), so nothing was attached: try again\n");
	fake.unsent = false;
	fake.unanswered = true;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: no answer, the plug may have been attached or not (No buffer space available): see plugctl show a\n");
	gives("plugctl buffer b", 2, "",
	      "plugctl: b: no answer, it may have been done or not (No buffer space available): see plugctl show b\n");
	fake_reset();
	fake.fail_from = 2;
	gives("plugctl del b", 2, "",
	      "plugctl: b: its state could not be read (No buffer space available), so nothing was done to it: try again\n");
	/* If a plug was opened in the end, there is no message. */
	fake_reset();
	fake.fail_opens = 2;
	gives("plugctl run b -- true", 0, "", "");
	assert_true(fake.plugs[0].open);
	fake_reset();
	fake.fail_opens = 9;
	gives("plugctl run b -- true", 2, "", "plugctl: b: the kernel refused: Invalid argument");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(save_without_state),
		cmocka_unit_test(add_unread),
		cmocka_unit_test(mistyped_upto),
		cmocka_unit_test(ended_epoch),
		cmocka_unit_test(guest_add_mistyped),
		cmocka_unit_test(json_of_failures),
		cmocka_unit_test(json_of_a_script),
		cmocka_unit_test(is_open_in_a_batch),
		cmocka_unit_test(batch_cut_short),
		cmocka_unit_test(saved_names),
		cmocka_unit_test(complete_dash),
		cmocka_unit_test(complete_guest),
		cmocka_unit_test(guest_with_odd_name),
		cmocka_unit_test(failures_said),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
