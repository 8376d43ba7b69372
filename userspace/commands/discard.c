// SPDX-License-Identifier: GPL-2.0-or-later
#include "commands.h"

const struct command cmd_discard = {
	.name = "discard",
	.usage = "DEV... [upto EPOCH]",
	.summary = "roll back: drop what was not released, go on holding",
	.details =
"With \"upto\" only what belongs to epochs up to EPOCH, which may be the one being\n"
"filled, is dropped: the command can be repeated, and drops nothing younger.\n",
	.keywords = "upto",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL,
	.targets = PLUGS,
	.action = TCQ_PLUG_DISCARD,
	.action_upto = TCQ_PLUG_DISCARD,
};
