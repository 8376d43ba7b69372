// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>

#include "../report/report.h"
#include "commands.h"

static void complain_late(struct request *req, const struct target *target)
{
	complain(req, STATUS_TIMEOUT, target->name,
		 "timed out with %" PRIu32 " packets in the queue: %s",
		 target->state.held_packets,
		 target->state.has_state ? "is the link up and its peer reading?" :
		 "the in-tree module does not say whether they were released");
}

/*
 * Stopped packets leave only after another command, so waiting for them is useless.
 * A plain release would also release the oldest waiting epoch.
 */
static void complain_stopped(struct request *req, const struct target *target)
{
	complain(req, STATUS_REFUSED, target->name,
		 "%" PRIu32 " released packets were stopped when the plug was closed: plugctl release %s upto %" PRIu64 " lets them leave and no others",
		 target->state.stopped_packets, target->name,
		 target->state.released);
}

static int wait_run(struct request *req)
{
	const uint64_t deadline = req->options.have_timeout ?
				  clock_now() + req->options.timeout : NEVER;
	const bool late = drain_targets(&req->session->kernel,
					&req->options.selector, req->targets.v,
					req->targets.n, deadline) == ETIMEDOUT;
	unsigned int i;

	for (i = 0; i < req->targets.n; i++) {
		struct target *target = &req->targets.v[i];

		if (target->failed == TARGET_GONE) {
			target->failed = TARGET_NAMED;
			complain(req, STATUS_REFUSED, target->name,
				 "the plug went away meanwhile: what it held is lost");
		} else if (!target->failed && target->state.stopped_packets) {
			complain_stopped(req, target);
		} else if (late && !target->failed &&
			   plug_is_draining(&target->state)) {
			complain_late(req, target);
		}
	}
	return STATUS_OK;
}

const struct command cmd_wait = {
	.name = "wait",
	.usage = "DEV...",
	.summary = "until every released packet has left",
	.details =
"Waits for ever, or for --timeout, and then exits with status 124. Packets that\n"
"\"buffer\" has stopped are not waited for: status 2.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_ALL | TAKES_TIMEOUT,
	.targets = PLUGS,
	.run = wait_run,
};
