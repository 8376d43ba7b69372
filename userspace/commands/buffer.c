// SPDX-License-Identifier: GPL-2.0-or-later
#include "commands.h"

const struct command cmd_buffer = {
	.name = "buffer",
	.aliases = { "block" },
	.usage = "DEV...",
	.summary = "begin an epoch: hold what arrives from now on",
	.details =
"Closes an open plug; what is in its queue then is stopped until a release of any\n"
"kind. With -v or -j the number of the epoch that began is printed.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL | ENDS_EPOCH,
	.targets = PLUGS,
	.action = TCQ_PLUG_BUFFER,
};
