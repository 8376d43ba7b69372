// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "../cli/parse.h"
#include "../report/report.h"
#include "commands.h"

/* The size of a packet with segmentation offload. */
#define ONE_GSO_PACKET	65536

int parse_limit(struct request *req, const char *word, uint32_t *limit)
{
	if (parse_size(word, limit))
		return STATUS_OK;
	return complain_usage(req, "'%s' is not a size: write bytes (1500), KiB (64K or 64KiB), MiB (10M), GiB (1G), at most 4GiB-1",
			      word);
}

void note_small_limit(struct request *req, const char *name, uint32_t limit)
{
	if (limit && limit < ONE_GSO_PACKET)
		note(req, name, "warning: a limit of %" PRIu32 " bytes is less than one large packet (64 KiB, as TCP makes them): those are dropped whole",
		     limit);
}

static int limit_parse(struct request *req)
{
	if (req->n != 2)
		return complain_usage(req, "needs one device and one size");
	req->n = 1;
	return parse_limit(req, req->words[1], &req->action.limit);
}

static int limit_run(struct request *req)
{
	struct target *target = req->targets.v;

	if (!target->failed && !target->state.has_state && !req->action.limit) {
		target->failed = TARGET_NAMED;
		return complain(req, STATUS_REFUSED, target->name,
				"with the in-tree module a limit of 0 drops every packet: name a size");
	}
	change_plugs(req);
	if (!target->failed)
		note_small_limit(req, target->name, req->action.limit);
	return STATUS_OK;
}

const struct command cmd_limit = {
	.name = "limit",
	.usage = "DEV SIZE",
	.summary = "set how many bytes may be held; 0 for the module's default",
	.details =
"SIZE is in bytes, or with K, M, G (powers of 1024), at most 4GiB-1. What is\n"
"held already stays.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT,
	.targets = ONE_PLUG,
	.action = TCQ_PLUG_LIMIT,
	.parse = limit_parse,
	.run = limit_run,
};
