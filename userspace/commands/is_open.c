// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int is_open_run(struct request *req)
{
	struct kernel *kernel = &req->session->kernel;
	struct target *target = req->targets.v;

	/* In a batch, the cached address may be that of a plug that was replaced. */
	if (!target->failed && target->cached) {
		refresh_targets(kernel, &req->options.selector, target, 1);
		if (target->failed == TARGET_GONE) {
			target->failed = TARGET_OK;
			relocate_target(kernel, &req->options.selector, target);
		}
	}
	if (target->failed)
		return STATUS_OK;
	if (!target->state.has_state)
		return complain(req, STATUS_REFUSED, target->name,
				"the in-tree module does not say whether it is open");
	/* This goes into the answer of a batch. Otherwise only the status answers. */
	out_bool(&req->session->out, "open", target->state.open);
	return target->state.open ? STATUS_OK : STATUS_NOT_OPEN;
}

const struct command cmd_is_open = {
	.name = "is-open",
	.usage = "DEV",
	.summary = "whether the plug is open, by exit status: 0 yes, 4 no",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | PRINTS_NOTHING,
	.targets = ONE_PLUG,
	.run = is_open_run,
};
