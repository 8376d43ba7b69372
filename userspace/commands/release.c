// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "../cli/parse.h"
#include "../report/report.h"
#include "commands.h"

/* The first word is always a device, even if it is "upto". */
int parse_upto(struct request *req)
{
	int n;

	if (!req->n)
		return complain_usage(req, "no device named");
	if (req->n == 2 && !strcmp(req->words[0], "upto") &&
	    parse_epoch(req->words[1], &req->action.epoch))
		return complain_usage(req, "no device named before 'upto'");
	for (n = 1; n < req->n; n++)
		if (!strcmp(req->words[n], "upto"))
			break;
	if (n >= req->n)
		return STATUS_OK;
	if (n + 1 >= req->n)
		return complain_usage(req, "no epoch after 'upto'");
	if (n + 2 < req->n)
		return complain_usage(req, "'%s' follows the epoch, which comes last",
				      req->words[n + 2]);
	if (!parse_epoch(req->words[n + 1], &req->action.epoch))
		return complain_usage(req, "'%s' is not an epoch, a number as plugctl show prints it",
				      req->words[n + 1]);
	req->action.upto = true;
	req->n = n;
	return STATUS_OK;
}

static int release_parse(struct request *req)
{
	int status = parse_upto(req);

	if (req->action.upto)
		req->action.code = TCQ_PLUG_RELEASE_UPTO;
	return status;
}

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
	.parse = release_parse,
	.action = TCQ_PLUG_RELEASE_ONE,
};
