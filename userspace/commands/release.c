// SPDX-License-Identifier: GPL-2.0-or-later
#include "commands.h"

const struct command cmd_release = {
	.name = "release",
	.aliases = { "release-one" },
	.usage = "DEV... [upto EPOCH]",
	.summary = "let the oldest waiting epoch leave, or all up to one",
	.details =
"With \"upto\" the command can be repeated: what was released stays released,\n"
"and nothing beyond EPOCH leaves.\n",
	.keywords = "upto",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL,
	.targets = PLUGS,
	.action = TCQ_PLUG_RELEASE_ONE,
	.action_upto = TCQ_PLUG_RELEASE_UPTO,
};
