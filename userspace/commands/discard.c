// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int discard_parse(struct request *req)
{
	req->action.code = TCQ_PLUG_DISCARD;
	return parse_upto(req);
}

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
	.parse = discard_parse,
	.run = change_plugs,
};
