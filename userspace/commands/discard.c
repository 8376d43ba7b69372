// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int discard_parse(struct request *req)
{
	req->action.code = TCQ_PLUG_DISCARD;
	return req->n ? STATUS_OK : complain_usage(req, "no device named");
}

const struct command cmd_discard = {
	.name = "discard",
	.usage = "DEV...",
	.summary = "roll back: drop what was not released, go on holding",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT,
	.targets = PLUGS,
	.parse = discard_parse,
	.run = change_plugs,
};
