/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three central structures. There are no globals.
 *
 *	struct plugctl	the session: output, messages, the kernel's sockets
 *	struct request	one command line, or one line of a batch, and its outcome
 *	struct command	an entry of the table of commands
 *
 * A request passes through these steps, once: words -> request (cli/options.c) ->
 * plugs (kernel/find.c) -> messages and answers (commands/, kernel/) -> report/.
 * cli/dispatch.c calls them.
 */
#ifndef PLUGCTL_H
#define PLUGCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../kernel/target.h"
#include "../report/out.h"

enum {
	STATUS_OK = 0,
	STATUS_USAGE = 1,	/* the command line, or a line of a batch, is wrong */
	STATUS_REFUSED = 2,	/* the kernel refused, or no such device or plug */
	STATUS_NO_ACCESS = 3,	/* no permission, or no netlink socket */
	STATUS_NOT_OPEN = 4,	/* the answer of is-open, not a failure */
	STATUS_TIMEOUT = 124,
};

static inline int worse(int a, int b)
{
	return a > b ? a : b;
}

/* Messages go to stderr, or are held back while a plug may be closed, see run.c. */
struct messages {
	int fd;
	bool hold;
	FILE *held;		/* a stream into text and len; NULL: nothing is held */
	char *text;
	size_t len;
};

struct plugctl {
	struct out out;
	struct messages messages;
	struct kernel kernel;
};

/* Options that only some commands take, as bits of command.options. */
enum {
	TAKES_FORCE = 1 << 0,
	TAKES_TIMEOUT = 1 << 1,
	TAKES_SELECT = 1 << 2,	/* --parent, --handle */
	TAKES_ALL = 1 << 3,
	TAKES_PROGRAM = 1 << 4,	/* -- PROGRAM ... */
	TAKES_WATCH = 1 << 5,
	TAKES_TIMES = 1 << 6,	/* -t */
	TAKES_AT_EXIT = 1 << 7,
	TAKES_KEEP = 1 << 8,
	NOT_IN_BATCH = 1 << 9,
	PRINTS_NOTHING = 1 << 10,	/* not even the state after the command */
	ENDS_EPOCH = 1 << 11,	/* the command ends an epoch, and prints its number */
};

struct options {
	const char *netns;	/* must be first: offset 0 means "no flag" in options.h */
	struct selector selector;
	uint64_t timeout;	/* nanoseconds */
	uint64_t interval;	/* of --watch */
	uint32_t at_exit;
	bool json;
	bool pretty;
	bool verbose;
	bool quiet;
	bool force;
	bool keep;
	bool rtnl;
	bool watch;
	bool times;
	bool help;
	bool version;
	bool have_timeout;
	bool have_at_exit;
	bool have_color;
	bool color;
};

/* The plug that "add" and "guest add" are to attach. */
struct attachment {
	uint32_t parent;
	uint32_t handle;	/* 0: any that is free */
	uint32_t limit;		/* 0: the module chooses */
	bool have_open;		/* "open" or "closed" was given */
	bool open;
	bool except_arp;	/* only for a guest */
};

struct request {
	struct plugctl *session;
	const struct command *command;	/* NULL: none was recognised */
	const struct options *base;	/* the initial options of a line of a batch */
	struct options options;
	char **words;		/* arguments after the command's name, without options */
	int n;
	char **program;		/* words after "--" with TAKES_PROGRAM, or NULL */
	const char *file;	/* in a batch: the file of the line */
	unsigned long line;
	struct action action;	/* the arguments may add an epoch or a limit */
	struct attachment attachment;	/* set by parse() of "add" and "guest add" */
	struct targets targets;
	int status;		/* the worst that was reported, for the exit status */
	struct json_object *errors;	/* in a batch with -j: errors for the answer */
};

enum command_targets {
	NO_SOCKET,
	DEVICES,		/* the command finds their plugs itself */
	ONE_DEVICE,		/* the device is found before run() */
	ONE_PLUG,		/* the plug is found before run() */
	PLUGS,			/* the plugs are found before run() */
};

enum completion {
	COMPLETE_NOTHING,
	COMPLETE_PLUGGED,	/* devices, those with a plug first */
	COMPLETE_DEVICE,
	COMPLETE_PROGRAM,	/* devices, "--", a program */
	COMPLETE_FILE,
	COMPLETE_COMMAND,
	COMPLETE_SUBCOMMAND,
	COMPLETE_HIDDEN,	/* the command itself is not offered */
};

#define ALIASES_MAX	4

struct command {
	const char *name;
	const struct command *group;	/* this is a subcommand of it; or NULL */
	const struct command *const *subcommands;	/* a list that NULL ends, or no list */
	const char *aliases[ALIASES_MAX];
	const char *usage;	/* the arguments, for help */
	const char *summary;
	const char *details;	/* more lines for "help COMMAND", or NULL */
	const char *keywords;	/* after the devices, for completion, or NULL */
	enum completion completion;
	unsigned int options;
	enum command_targets targets;
	int action;		/* TCQ_PLUG_*, for change_plugs() */
	int action_upto;	/* the action with "upto EPOCH"; 0: not allowed */
	/*
	 * Checks the arguments, and parses those after the devices. Called before
	 * anything else is done. NULL: the dispatcher does this. Returns a status.
	 */
	int (*parse)(struct request *req);
	/*
	 * Executes the command, and returns a status. NULL: the dispatcher calls
	 * change_plugs(). The failure of a target is stored in the target, and the
	 * dispatcher reports it. run() itself reports all other failures.
	 */
	int (*run)(struct request *req);
};

extern const struct command *const commands[];	/* ends with NULL */

const struct command *find_command(const char *word);

/* Runs the whole program; returns the exit status. */
int plugctl_main(struct plugctl *session, int argc, char **argv);

/*
 * Executes a request, from its words to its report. words[] does not have the program
 * name. Returns a status.
 */
int execute(struct request *req, char **words, int n);

/* Sends req->action to each target. */
void change_plugs(struct request *req);

/* Parses words into options, command and arguments. Returns a status. */
int parse_words(struct request *req, char **words, int n);

int complain_command(struct request *req, const char *word);

/* Opens the sockets, in the request's namespace. Returns a status. */
int open_kernel(struct request *req);

#endif
