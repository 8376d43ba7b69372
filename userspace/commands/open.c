// SPDX-License-Identifier: GPL-2.0-or-later
#include "commands.h"

const struct command cmd_open = {
	.name = "open",
	.aliases = { "release-indefinite", "release_indefinite", "release-all" },
	.usage = "DEV...",
	.summary = "let everything leave and pass until the next buffer",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL,
	.targets = PLUGS,
	.action = TCQ_PLUG_RELEASE_INDEFINITE,
};
