/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context that every function gets, the table of commands, and how errors
 * are told. There are no globals.
 */
#ifndef PLUGCTL_H
#define PLUGCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "output.h"

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 1,	/* the command line, or a line of a batch, is wrong */
	STATUS_REFUSED = 2,	/* by the kernel; no such device, no plug there */
	STATUS_NO_ACCESS = 3,	/* no permission, or no netlink socket */
	STATUS_TIMEOUT = 124,
};

/* Options that only some commands take, as bits of command.accepts. */
enum {
	ACCEPTS_FORCE = 1 << 0,
	ACCEPTS_TIMEOUT = 1 << 1,
	ACCEPTS_SELECT = 1 << 2,	/* --parent, --handle */
	ACCEPTS_NAMES = 1 << 3,
	ACCEPTS_PROGRAM = 1 << 4,	/* -- COMMAND ... */
	NOT_IN_BATCH = 1 << 5,
	PIPELINED = 1 << 6,	/* may be sent with the lines that follow */
};

struct options {
	bool json;
	bool pretty;
	bool verbose;
	bool quiet;
	bool force;
	bool names;
	bool have_timeout;
	bool have_parent;
	bool have_handle;
	uint64_t timeout;	/* nanoseconds */
	uint32_t parent;
	uint32_t handle;
	const char *netns;
};

struct args {
	int n;
	char **v;		/* the positional words after the command's name */
	char **program;		/* what follows "--" with ACCEPTS_PROGRAM, or NULL */
};

struct netlink;
struct memory;
struct pipeline;

struct plugctl {
	FILE *err;
	struct out out;
	struct options opt;
	const struct command *command;
	struct netlink *nl;	/* rtnetlink; opened when first needed */
	struct netlink *generic;
	struct memory *memory;	/* addresses found before; in a batch only */
	struct pipeline *pipeline; /* NULL: each command is sent by itself */
	const char *file;	/* in a batch: where the command comes from */
	unsigned long line;
	struct error *errors;	/* in a batch with -j: collected, for the answer */
	struct error **errors_end;
	int status;		/* the worst so far */
};

enum completion {
	COMPLETE_NOTHING,
	COMPLETE_PLUGGED,	/* devices, those with a plug first */
	COMPLETE_DEVICE,
	COMPLETE_PROGRAM,	/* devices, "--", a program */
	COMPLETE_FILE,
	COMPLETE_COMMAND,
};

#define ALIASES_MAX	4

struct command {
	const char *name;
	const char *aliases[ALIASES_MAX];
	int (*run)(struct plugctl *ctx, const struct args *args);
	const char *usage;	/* what follows the name */
	const char *summary;
	const char *details;	/* more lines for "help COMMAND", or NULL */
	enum completion completion;
	unsigned int accepts;
};

extern const struct command commands[];	/* ends with a name of NULL */

const struct command *find_command(const char *word);

/* The whole program; returns the exit status. */
int plugctl_main(struct plugctl *ctx, int argc, char **argv);

/*
 * One command: options, which go to ctx->opt, and the rest. words[0] is the
 * first word, not a program's name. Returns a status.
 */
int run_words(struct plugctl *ctx, char **words, int n);

/*
 * One line on stderr: "plugctl: WHERE: message". where may be NULL. The status
 * becomes ctx's unless a worse one is there. Returns the status given.
 */
int complain(struct plugctl *ctx, int status, const char *where,
	     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for what is no failure; silent with -q. */
void note(struct plugctl *ctx, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* In between, complaints are collected; then they are printed as "errors". */
void errors_begin(struct plugctl *ctx);
void errors_end(struct plugctl *ctx);

int complain_memory(struct plugctl *ctx);
int complain_output(struct plugctl *ctx);

/* Usage errors: what is wrong, then how the command is used. */
int complain_usage(struct plugctl *ctx, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int cmd_add(struct plugctl *ctx, const struct args *args);
int cmd_del(struct plugctl *ctx, const struct args *args);
int cmd_limit(struct plugctl *ctx, const struct args *args);
int cmd_buffer(struct plugctl *ctx, const struct args *args);
int cmd_release(struct plugctl *ctx, const struct args *args);
int cmd_open(struct plugctl *ctx, const struct args *args);
int cmd_discard(struct plugctl *ctx, const struct args *args);
int cmd_show(struct plugctl *ctx, const struct args *args);
int cmd_dump(struct plugctl *ctx, const struct args *args);
int cmd_monitor(struct plugctl *ctx, const struct args *args);
int cmd_wait(struct plugctl *ctx, const struct args *args);
int cmd_run(struct plugctl *ctx, const struct args *args);
int cmd_batch(struct plugctl *ctx, const struct args *args);
int cmd_version(struct plugctl *ctx, const struct args *args);
int cmd_help(struct plugctl *ctx, const struct args *args);

#endif
