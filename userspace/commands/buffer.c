// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int buffer_parse(struct request *req)
{
	req->action.code = TCQ_PLUG_BUFFER;
	return req->n ? STATUS_OK : complain_usage(req, "no device named");
}

const struct command cmd_buffer = {
	.name = "buffer",
	.aliases = { "block" },
	.usage = "DEV...",
	.summary = "begin an epoch: hold what arrives from now on",
	.details =
"Closes an open plug; what is in its queue then is stopped until a release of any\n"
"kind. With -v or -j the number of the epoch that began is printed.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL,
	.targets = PLUGS,
	.parse = buffer_parse,
	.run = change_plugs,
};
