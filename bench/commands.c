// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it costs to send one command to a plug. With plugctl, tc and libnl's
 * nl-qdisc-add: the whole process, from the system call that creates it to the end
 * of waiting for it. With the batches of plugctl and tc: one command of many. For
 * comparison: a loop that only sends the same message and reads the answer.
 *
 *	commands ROUNDS FIRST
 *
 * The first round begins with client FIRST. Every client sends TCQ_PLUG_BUFFER, and
 * it is checked that this has begun an epoch. Prints "figure VALUE NAME..." lines,
 * see figure().
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "command.h"
#include "count.h"

#define DEV	"pa"
#define ARGS	16

enum { TIMES = 9, BATCHES = 3, FEW = 100, MANY = 600 };

extern char **environ;

static int nl;
static struct control control;
static posix_spawn_file_actions_t silent;

static const struct client {
	const char	*name;
	const char	*argv[ARGS];
	const char	*line;		/* in a batch; NULL: one command a process */
} clients[] = {
	{ "plugctl", { "plugctl", "buffer", DEV }, NULL },
	{ "tc", { "tc", "qdisc", "change", "dev", DEV, "root", "handle", "1:",
		  "plug", "block" }, NULL },
	{ "nl-qdisc-add", { "nl-qdisc-add", "--update", "--dev=" DEV,
			    "--parent=root", "--id=1:", "plug", "--buffer" }, NULL },
	{ "plugctl-batch", { "plugctl", "batch", "/tmp/batch" },
	  "buffer " DEV },
	{ "tc-batch", { "tc", "-batch", "/tmp/batch" },
	  "qdisc change dev " DEV " root handle 1: plug block" },
};

static const struct client bare = { "bare", { NULL }, NULL };
static const struct client bare_family = { "bare-family", { NULL }, NULL };

#define N_CLIENTS	(sizeof(clients) / sizeof(clients[0]))

/* Runs a client. Returns the instructions from creating its process to its end. */
static __u64 run(const struct client *c)
{
	char path[64];
	int error, status;
	__u64 start;
	pid_t pid;

	/* No search along PATH: that is the shell's work, and the same for all. */
	snprintf(path, sizeof(path), "/sbin/%s", c->argv[0]);
	start = instructions();
	error = posix_spawn(&pid, path, &silent, NULL, (char *const *)c->argv,
			    environ);
	if (error)
		bail("%s: %s", c->argv[0], strerror(error));
	if (waitpid(pid, &status, 0) != pid || status)
		bail("%s failed", c->name);
	return instructions() - start;
}

/* The same. Ends the program unless @n epochs have begun. */
static __u64 run_checked(const struct client *c, unsigned int n)
{
	__u64 epoch = control_find(&control, DEV, TC_H_ROOT).epoch, cost = run(c);

	if (control_find(&control, DEV, TC_H_ROOT).epoch != epoch + n)
		bail("%s did not send TCQ_PLUG_BUFFER %u times", c->name, n);
	return cost;
}

static void write_batch(const char *line, unsigned int n)
{
	FILE *file = fopen("/tmp/batch", "w");

	while (file && n--)
		fprintf(file, "%s\n", line);
	if (!file || fclose(file))
		bail("/tmp/batch: %s", strerror(errno));
}

static void measure_client(const struct client *c, unsigned int round)
{
	__u64 v[TIMES];
	unsigned int i;

	run_checked(c, 1);
	for (i = 0; i < TIMES; i++)
		v[i] = run_checked(c, 1);
	figure(median(v, TIMES), "client %s %u", c->name, round);
}

static __u64 run_batch(const struct client *c, unsigned int n)
{
	write_batch(c->line, n);
	return run_checked(c, n);
}

/* The least that commands can cost by rtnetlink, which tc and libnl use. */
static __u64 run_bare(const struct client *c, unsigned int n)
{
	struct command message = command(DEV, TCQ_PLUG_BUFFER);
	__u64 start;

	message.tcm.tcm_handle = 0x10000;
	start = instructions();
	while (n--)
		exchange(nl, &message.nlh);
	return instructions() - start;
}

/* The least that commands can cost by the family, which plugctl uses. */
static __u64 run_bare_family(const struct client *c, unsigned int n)
{
	const __u64 id = control_find(&control, DEV, TC_H_ROOT).id;
	struct family_command message = family_change(&control, id, TCQ_PLUG_BUFFER);
	__u64 start;

	start = instructions();
	while (n--)
		exchange(control.nl, &message.nlh);
	return instructions() - start;
}

/* Measures one command of many: the difference between many commands and few. That
 * leaves out creating the process and finding the plug.
 */
static void measure_one_of_many(const struct client *c, unsigned int round,
				__u64 (*commands)(const struct client *c, unsigned int n))
{
	__u64 few[BATCHES], many[BATCHES];
	unsigned int i;

	for (i = 0; i < BATCHES; i++) {
		few[i] = commands(c, FEW);
		many[i] = commands(c, MANY);
	}
	figure((median(many, BATCHES) - median(few, BATCHES)) / (MANY - FEW),
	       "client %s %u", c->name, round);
}

int main(int argc, char **argv)
{
	unsigned int round, rounds, first, i;

	if (argc < 3)
		bail("usage: commands ROUNDS FIRST");
	rounds = atoi(argv[1]);
	first = atoi(argv[2]);
	/* Without its cache, programs would search many directories for their
	 * libraries, unlike on a real system.
	 */
	must("ldconfig");
	must("modprobe sch_plug");
	nl = nl_open();
	posix_spawn_file_actions_init(&silent);
	posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: plug");
	control = control_open();
	sleep_ms(30000);
	count_check();
	for (round = 0; round < rounds; round++) {
		measure_one_of_many(&bare, round, run_bare);
		measure_one_of_many(&bare_family, round, run_bare_family);
		for (i = 0; i < N_CLIENTS; i++) {
			const struct client *c = &clients[(i + round + first) % N_CLIENTS];

			if (c->line)
				measure_one_of_many(c, round, run_batch);
			else
				measure_client(c, round);
		}
	}
	link_delete(DEV);
	must("rmmod sch_plug");
	ok(true, "measured");
	return done_testing();
}
