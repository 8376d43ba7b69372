// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: options, typos, arguments that commands do not accept. These tests
 * need no plug. Commands that reach the kernel name devices that do not exist.
 */
#include "check.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../cli/options.h"

#define WORDS_MAX	12

/* Runs plugctl with the words of a line. Returns the status. */
static int run(struct capture *c, const char *line)
{
	char *words[WORDS_MAX + 1], *copy = strdup(line), *save, *word;
	int n = 0, status;

	assert_non_null(copy);
	for (word = strtok_r(copy, " ", &save); word && n < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	words[n] = NULL;
	status = plugctl_main(&c->session, n, words);
	capture_flush(c);
	free(copy);
	return status;
}

static void refused(const char *line, int status, const char *error)
{
	struct capture *c = capture_new();
	int got = run(c, line);

	if (got != status || strncmp(c->err, error, strlen(error)))
		fail_msg("%s: status %d, wanted %d; said \"%s\", wanted \"%s\"",
			 line, got, status, c->err, error);
	/* Every message is one line. */
	assert_ptr_equal(strchr(c->err, '\n'), c->err + strlen(c->err) - 1);
	capture_free(c);
}

static void typos(void **state)
{
	(void)state;
	refused("plugctl bzffer lo", 1, "plugctl: bzffer: no such command: did you mean buffer?");
	refused("plugctl rm lo", 1, "plugctl: rm: no such command: did you mean del?");
	refused("plugctl xxit lo", 1, "plugctl: xxit: no such command: see plugctl help");
	refused("plugctl rel lo", 1, "plugctl: rel: no such command: did you mean release?");
	refused("plugctl release-indefinit lo", 1, "plugctl: release-indefinit: no such command: did you mean release-indefinite?");
	refused("plugctl xyzzy lo", 1, "plugctl: xyzzy: no such command: see plugctl help");
	refused("plugctl show --forse", 1, "plugctl: --forse: no such option: did you mean --force?");
	refused("plugctl show -z", 1, "plugctl: -z: no such option");
	refused("plugctl help bzffer", 1, "plugctl: bzffer: no such command: did you mean buffer?");
	refused("plugctl help rel" "ase", 1, "plugctl: rel" "ase: no such command: did you mean release?");
	refused("plugctl rel" "ase -h", 1, "plugctl: rel" "ase: no such command: did you mean release?");
	refused("plugctl show --unheard-of-and-long-as-a-thing-can-be", 1, "plugctl: --unheard-of");
}

static void missing_words(void **state)
{
	(void)state;
	refused("plugctl buffer", 1, "plugctl: no device named: usage: plugctl buffer [--parent CLASSID] [--handle H:] [--all] DEV...");
	refused("plugctl add", 1, "plugctl: no device named");
	refused("plugctl limit lo", 1, "plugctl: needs one device and one size");
	refused("plugctl limit lo 10MB", 1, "plugctl: '10MB' is not a size");
	refused("plugctl release lo upto", 1, "plugctl: no epoch after 'upto'");
	refused("plugctl release lo upto x", 1, "plugctl: 'x' is not an epoch");
	refused("plugctl release lo upto 3 4", 1, "plugctl: '4' follows the epoch");
	refused("plugctl add lo limit", 1, "plugctl: 'limit' needs a value");
	refused("plugctl add lo limit 1 limit", 1, "plugctl: 'limit' needs a value");
	refused("plugctl add lo closd", 1, "plugctl: unknown argument 'closd': was \"closed\" meant?");
	refused("plugctl add lo close", 1, "plugctl: unknown argument 'close': was \"closed\" meant?");
	refused("plugctl add lo eth0", 1, "plugctl: unknown argument 'eth0' (one device at a time)");
	refused("plugctl add lo except arp", 1, "plugctl: unknown argument 'except'");
	refused("plugctl add lo closed open", 1, "plugctl: both 'open' and 'closed'");
	refused("plugctl guest add lo open closed", 1, "plugctl: both 'open' and 'closed'");
	refused("plugctl add lo parent 7", 1, "plugctl: '7' is not a parent");
	refused("plugctl add lo handle x:", 1, "plugctl: 'x:' is not a handle");
	refused("plugctl run lo true", 1, "plugctl: needs DEV... -- PROGRAM");
	refused("plugctl run lo --", 1, "plugctl: needs DEV... -- PROGRAM");
	refused("plugctl batch a b", 1, "plugctl: unexpected argument 'b'");
	refused("plugctl version 1", 1, "plugctl: unexpected argument '1'");
	refused("plugctl wait", 1, "plugctl: no device named");
	refused("plugctl del", 1, "plugctl: no device named");
}

static void bad_options(void **state)
{
	(void)state;
	refused("plugctl show --timeout 3", 1, "plugctl: show takes no --timeout");
	refused("plugctl wait lo --timeout", 1, "plugctl: --timeout needs a value");
	refused("plugctl wait lo --timeout=3x", 1, "plugctl: --timeout: '3x' is not a duration");
	refused("plugctl buffer lo --handle 0", 1, "plugctl: --handle: '0' is not a handle");
	refused("plugctl buffer lo --parent=x", 1, "plugctl: --parent: 'x' is not a class");
	refused("plugctl buffer --force lo", 1, "plugctl: buffer takes no --force");
	refused("plugctl show --force --parent 1:2", 1, "plugctl: show takes no --force");
	refused("plugctl show --parent 1:2 --force", 1, "plugctl: show takes no --force");
	refused("plugctl batch --handle 1 --timeout 3 --force", 1, "plugctl: batch takes no --handle");
	refused("plugctl batch --at-exit x", 1, "plugctl: --at-exit: 'x' is not one of open, discard and keep");
	refused("plugctl show --watch=x", 1, "plugctl: --watch: 'x' is not a duration");
	refused("plugctl show --color=x", 1, "plugctl: --color: 'x' is not one of always, never and auto");
	refused("plugctl is-open lo lo", 1, "plugctl: one device at a time");
	refused("plugctl show --json=yes", 1, "plugctl: --json takes no value");
	refused("plugctl show -vn", 1, "plugctl: -vn needs a value");
}

static void devices(void **state)
{
	(void)state;
	refused("plugctl buffer nosuch0", 2, "plugctl: nosuch0: no such device");
	refused("plugctl buffer -- -x", 2, "plugctl: -x: no such device");
	refused("plugctl -- buffer --", 2, "plugctl: --: no such device");
	refused("plugctl buffer dev nosuch0", 2, "plugctl: nosuch0: no such device");
	refused("plugctl add dev nosuch0 limit 1M", 2, "plugctl: nosuch0: no such device");
	refused("plugctl limit dev nosuch0 1M", 2, "plugctl: nosuch0: no such device");
	refused("plugctl release dev nosuch0 upto 3", 2, "plugctl: nosuch0: no such device");
	refused("plugctl discard nosuch0 upto 3", 2, "plugctl: nosuch0: no such device");
	refused("plugctl buffer dev dev", 2, "plugctl: dev: no such device");
	refused("plugctl buffer dev", 2, "plugctl: dev: no such device");
	refused("plugctl run -- -x -- true", 2, "plugctl: -x: no such device");
	refused("plugctl release upto", 2, "plugctl: upto: no such device");
	refused("plugctl add nosuch0 limit 1K open parent 1:2 handle 3:", 2, "plugctl: nosuch0: no such device");
	refused("plugctl monitor nosuch0", 2, "plugctl: nosuch0: no such device");
	refused("plugctl show abcdefghijklmnop", 2, "plugctl: abcdefghijklmnop: no such device (the name is too long for a device");
	refused("plugctl -n nosuchns show", 2, "plugctl: nosuchns: no such network namespace");
	refused("plugctl -n/no/such/path show", 2, "plugctl: /no/such/path: no such network namespace");
}

/* -j -V is JSON, as everything else is with -j. */
static void version_as_json(void **state)
{
	struct capture *c = capture_new();

	(void)state;
	assert_int_equal(run(c, "plugctl -j -V"), 0);
	assert_string_equal(c->out, "{\"plugctl\":\"" PLUG_VERSION "\"}\n");
	capture_free(c);
}

static void much_too_long(void **state)
{
	struct capture *c = capture_new();
	char line[200] = "plugctl show ";

	(void)state;
	memset(line + 13, 'x', 128);
	assert_int_equal(run(c, line), 2);
	assert_non_null(strstr(c->err, "no device name is that long"));
	capture_free(c);
}

static void several_failures(void **state)
{
	struct capture *c = capture_new();

	(void)state;
	assert_int_equal(run(c, "plugctl release nosuch0 nosuch1"), 2);
	assert_non_null(strstr(c->err, "plugctl: nosuch0: "));
	assert_non_null(strstr(c->err, "plugctl: nosuch1: "));
	capture_free(c);
}

/* Each message is one write(), because several processes may write to one file. */
static void one_write_a_line(void **state)
{
	struct capture *c = capture_new();
	char packet[256];
	int pair[2], i;
	ssize_t len;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(dup2(pair[1], c->session.messages.fd),
			 c->session.messages.fd);
	run(c, "plugctl release nosuch0 nosuch1");
	for (i = 0; i < 2; i++) {
		len = recv(pair[0], packet, sizeof(packet), MSG_DONTWAIT);
		assert_true(len > 0);
		assert_int_equal(packet[len - 1], '\n');
		assert_memory_equal(packet, "plugctl: nosuch", 15);
	}
	assert_true(recv(pair[0], packet, sizeof(packet), MSG_DONTWAIT) < 0);
	close(pair[0]);
	close(pair[1]);
	capture_free(c);
}

static void aliases(void **state)
{
	static const char *const pairs[][2] = {
		{ "block", "buffer" }, { "release-one", "release" },
		{ "release-indefinite", "open" }, { "status", "show" },
		{ "list", "show" }, { "ls", "show" },
		{ "release_indefinite", "open" }, { "release-all", "open" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_ptr_equal(find_command(pairs[i][0]),
				 find_command(pairs[i][1]));
	assert_null(find_command("rel"));
	assert_null(find_command(""));
}

/* Dispatch, help and completion depend on the table: it must be complete. */
static void table(void **state)
{
	unsigned int k;

	(void)state;
	for (k = 0; commands[k]; k++) {
		const struct command *command = commands[k];
		struct capture *c = capture_new();
		char line[64], usage[USAGE_TEXT_MAX];
		size_t len;

		assert_true(command->run || command->subcommands ||
			    command->targets >= ONE_PLUG);
		assert_non_null(command->usage);
		assert_non_null(command->summary);
		assert_true(strlen(command->summary) <= 66);
		format_usage(usage, command);
		len = strlen(usage) - strlen(command->usage);
		assert_string_equal(usage + len, command->usage);
		snprintf(line, sizeof(line), "plugctl help %s", command->name);
		assert_int_equal(run(c, line), 0);
		assert_non_null(strstr(c->out, command->summary));
		capture_free(c);
	}
}

static void help(void **state)
{
	struct capture *c = capture_new();
	unsigned int k;

	(void)state;
	assert_int_equal(run(c, "plugctl help"), 0);
	for (k = 0; commands[k]; k++)
		if (commands[k]->completion != COMPLETE_HIDDEN)
			assert_non_null(strstr(c->out, commands[k]->summary));
	capture_free(c);
	c = capture_new();
	assert_int_equal(run(c, "plugctl -j help release"), 0);
	assert_non_null(strstr(c->out, "\"aliases\":[\"release-one\"],"
				       "\"options\":[\"parent\",\"handle\",\"all\"]"));
	capture_free(c);
	c = capture_new();
	assert_int_equal(run(c, "plugctl buffer -h"), 0);
	assert_non_null(strstr(c->out, "usage: plugctl buffer [--parent CLASSID] [--handle H:] [--all] DEV..."));
	capture_free(c);
	c = capture_new();
	assert_int_equal(run(c, "plugctl -V"), 0);
	assert_string_equal(c->out, "plugctl " PLUG_VERSION "\n");
	capture_free(c);
}

static void no_socket(void **state)
{
	struct rlimit old, none;
	struct capture *c = capture_new();

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(run(c, "plugctl show"), 3);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_non_null(strstr(c->err, "plugctl: no netlink socket: "));
	capture_free(c);
}

static void output_that_fails(void **state)
{
	struct capture *c = capture_new();
	FILE *good = c->session.out.file;

	(void)state;
	c->session.out.file = fopen("/dev/full", "w");
	assert_non_null(c->session.out.file);
	assert_int_equal(run(c, "plugctl help"), 2);
	assert_non_null(strstr(c->err, "cannot write the output"));
	fclose(c->session.out.file);
	c->session.out.file = good;
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typos),
		cmocka_unit_test(missing_words),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(devices),
		cmocka_unit_test(version_as_json),
		cmocka_unit_test(much_too_long),
		cmocka_unit_test(several_failures),
		cmocka_unit_test(one_write_a_line),
		cmocka_unit_test(aliases),
		cmocka_unit_test(table),
		cmocka_unit_test(help),
		cmocka_unit_test(no_socket),
		cmocka_unit_test(output_that_fails),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
