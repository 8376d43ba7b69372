// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of commands. Dispatch, "help" and the completion of shells (through
 * "help --names") all read it; nothing else lists the commands.
 */
#include <string.h>

#include "plugctl.h"

const struct command commands[] = {
	{
		.name = "add",
		.run = cmd_add,
		.usage = "DEV [limit SIZE] [open|closed] [parent CLASSID] [handle H:]",
		.summary = "attach a plug, at the root and closed unless told otherwise",
		.details =
"A closed plug holds every packet from the first moment on; with \"open\" they\n"
"pass. SIZE is in bytes, or with K, M, G (powers of 1024), at most 4GiB-1.\n"
"Another qdisc that was attached on purpose stays, unless --force is given.\n",
		.completion = COMPLETE_DEVICE,
		.accepts = ACCEPTS_FORCE | ACCEPTS_SELECT,
	}, {
		.name = "del",
		.run = cmd_del,
		.usage = "DEV...",
		.summary = "detach the plug once what was released has left",
		.details =
"Refuses while packets are held that were not released, or were stopped by\n"
"\"buffer\"; --force drops them.\n"
"Waits at most 10 s, or --timeout, for released packets to leave.\n",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_FORCE | ACCEPTS_SELECT | ACCEPTS_TIMEOUT,
	}, {
		.name = "buffer",
		.aliases = { "block" },
		.run = cmd_buffer,
		.usage = "DEV...",
		.summary = "begin an epoch: hold what arrives from now on",
		.details =
"Closes an open plug; what is in its queue then is stopped until a release of any\n"
"kind. With -v or -j the number of the epoch that began is printed.\n",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT | PIPELINED,
	}, {
		.name = "release",
		.aliases = { "release-one" },
		.run = cmd_release,
		.usage = "DEV... [upto EPOCH]",
		.summary = "let the oldest waiting epoch leave, or all up to one",
		.details =
"With \"upto\" the command can be repeated: what was released stays released,\n"
"and nothing beyond EPOCH leaves.\n",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT | PIPELINED,
	}, {
		.name = "open",
		.aliases = { "release-indefinite", "release_indefinite",
			     "release-all" },
		.run = cmd_open,
		.usage = "DEV...",
		.summary = "let everything leave and pass until the next buffer",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT | PIPELINED,
	}, {
		.name = "limit",
		.run = cmd_limit,
		.usage = "DEV SIZE",
		.summary = "set how many bytes may be held; 0 for the module's default",
		.details =
"SIZE is in bytes, or with K, M, G (powers of 1024), at most 4GiB-1. What is\n"
"held already stays.\n",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT,
	}, {
		.name = "discard",
		.run = cmd_discard,
		.usage = "DEV...",
		.summary = "roll back: drop what was not released, go on holding",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT | PIPELINED,
	}, {
		.name = "show",
		.run = cmd_show,
		.usage = "[DEV...]",
		.summary = "the state of every plug, or of those named (the default)",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT,
	}, {
		.name = "dump",
		.run = cmd_dump,
		.usage = "[DEV...]",
		.summary = "the same as tab-separated fields, for scripts",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT,
	}, {
		.name = "monitor",
		.run = cmd_monitor,
		.usage = "[DEV...]",
		.summary = "print a line for every change, as it happens",
		.completion = COMPLETE_PLUGGED,
		.accepts = NOT_IN_BATCH,
	}, {
		.name = "wait",
		.run = cmd_wait,
		.usage = "DEV...",
		.summary = "until every released packet has left",
		.details =
"Waits for ever, or for --timeout, and then exits with status 124. Packets that\n"
"\"buffer\" has stopped are not waited for: status 2.\n",
		.completion = COMPLETE_PLUGGED,
		.accepts = ACCEPTS_SELECT | ACCEPTS_TIMEOUT,
	}, {
		.name = "run",
		.run = cmd_run,
		.usage = "DEV... [--timeout T] -- PROGRAM [ARGUMENT...]",
		.summary = "buffer, run a program, open again whatever happens to it",
		.details =
"Exits with the program's status. After --timeout the plugs are opened, the\n"
"program is ended, and the status is 124. SIGINT, SIGTERM and SIGHUP are passed\n"
"on to the program.\n",
		.completion = COMPLETE_PROGRAM,
		.accepts = ACCEPTS_SELECT | ACCEPTS_TIMEOUT | ACCEPTS_PROGRAM |
			   NOT_IN_BATCH,
	}, {
		.name = "batch",
		.run = cmd_batch,
		.usage = "[FILE|-]",
		.summary = "commands from a file or standard input, one a line",
		.details =
"The first failure ends it, unless --force is given. '#' begins a comment. With\n"
"-j each line is answered by one line of JSON, at once.\n",
		.completion = COMPLETE_FILE,
		.accepts = ACCEPTS_FORCE | NOT_IN_BATCH,
	}, {
		.name = "version",
		.run = cmd_version,
		.usage = "",
		.summary = "the version of this tool and of the module",
		.completion = COMPLETE_NOTHING,
	}, {
		.name = "help",
		.run = cmd_help,
		.usage = "[COMMAND]",
		.summary = "all commands, or one of them in detail",
		.completion = COMPLETE_COMMAND,
		.accepts = ACCEPTS_NAMES | NOT_IN_BATCH,
	},
	{ .name = NULL }
};

static bool is_word(const char *name, const char *word)
{
	return name[0] == word[0] && !strcmp(name, word);
}

const struct command *find_command(const char *word)
{
	const struct command *command;
	unsigned int i;

	for (command = commands; command->name; command++)
		if (is_word(command->name, word))
			return command;
	for (command = commands; command->name; command++)
		for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
			if (is_word(command->aliases[i], word))
				return command;
	return NULL;
}
