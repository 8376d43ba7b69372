// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int open_parse(struct request *req)
{
	req->action.code = TCQ_PLUG_RELEASE_INDEFINITE;
	return req->n ? STATUS_OK : complain_usage(req, "no device named");
}

const struct command cmd_open = {
	.name = "open",
	.aliases = { "release-indefinite", "release_indefinite", "release-all" },
	.usage = "DEV...",
	.summary = "let everything leave and pass until the next buffer",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL,
	.targets = PLUGS,
	.parse = open_parse,
	.run = change_plugs,
};
