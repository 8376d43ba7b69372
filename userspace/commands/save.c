// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/pkt_sched.h>
#include <string.h>

#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/*
 * The line of a batch that attaches this plug again. A name that a batch cannot
 * have, as one with a blank, becomes a comment.
 */
static void print_add(struct out *out, const char *name,
		      const struct qdisc_state *state)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	/* The kernel makes its default qdiscs itself. */
	if (!state->handle)
		return;
	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	out_text(out, "%sadd %s%s handle %s", strpbrk(name, " #?") ? "# " : "",
		 name[0] == '-' ? "-- " : "", name, handle);
	if (state->parent != TC_H_ROOT)
		out_text(out, " parent %s", parent);
	if (state->has_state)
		out_text(out, " limit %u%s", state->limit,
			 state->open ? " open" : "");
	out_text(out, "\n");
}

static int save_run(struct request *req)
{
	req->session->out.json = false;
	return print_plugs(req, print_add, false);
}

const struct command cmd_save = {
	.name = "save",
	.usage = "[DEV...]",
	.summary = "what is attached, as a batch that attaches it again",
	.details =
"For a service that runs \"plugctl batch FILE\" at boot. What the plugs hold, their\n"
"epochs and their parents are not in it.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | NOT_IN_BATCH,
	.targets = DEVICES,
	.run = save_run,
};
