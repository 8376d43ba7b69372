// SPDX-License-Identifier: GPL-2.0-or-later
/* wait: until what was released has left. */
#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "memory.h"
#include "plugctl.h"
#include "print.h"
#include "wait.h"

/* The kernel tells nobody when a queue has drained: ask, less and less often. */
#define SHORTEST_PAUSE	(NS_PER_MS / 2)
#define LONGEST_PAUSE	(50 * NS_PER_MS)

static bool any_drains(const struct target *targets, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].usable && plug_is_draining(&targets[i].state))
			return true;
	return false;
}

bool drain_targets(struct plugctl *ctx, struct target *targets, unsigned int n,
		   uint64_t deadline)
{
	uint64_t pause = SHORTEST_PAUSE;

	if (ctx->memory)
		memory_age(ctx->memory);
	for (;;) {
		uint64_t now;

		if (refresh_targets(ctx, targets, n))
			return true;
		if (!any_drains(targets, n))
			return true;
		now = clock_now();
		if (now >= deadline)
			return false;
		clock_sleep(pause < deadline - now ? pause : deadline - now);
		if (pause < LONGEST_PAUSE)
			pause *= 2;
	}
}

static void complain_late(struct plugctl *ctx, const struct target *targets,
			  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!targets[i].usable || !plug_is_draining(&targets[i].state))
			continue;
		complain(ctx, STATUS_TIMEOUT, targets[i].name,
			 "timed out with %" PRIu32 " packets in the queue: %s",
			 targets[i].state.held_packets,
			 targets[i].told ? "is the link up and its peer reading?" :
			 "the in-tree module does not tell whether they were released");
	}
}

/* They would be waited for in vain: it takes another command to let them go. A
 * plain release would let the oldest epoch that waits go with them.
 */
static void complain_stopped(struct plugctl *ctx, const struct target *targets,
			     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].usable && targets[i].state.stopped_packets)
			complain(ctx, STATUS_REFUSED, targets[i].name,
				 "%" PRIu32 " released packets were stopped when the plug was closed: plugctl release %s upto %" PRIu64 " lets them leave and no others",
				 targets[i].state.stopped_packets,
				 targets[i].name, targets[i].state.released);
}

static void complain_gone(struct plugctl *ctx, const struct target *targets,
			  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].gone)
			complain(ctx, STATUS_REFUSED, targets[i].name,
				 "the plug went away meanwhile: what it held is lost");
}

int cmd_wait(struct plugctl *ctx, const struct args *args)
{
	unsigned int n = (unsigned int)args->n;
	struct target *targets;
	uint64_t deadline = NEVER;

	if (!n)
		return complain_usage(ctx, "no device named");
	if (ctx->opt.have_timeout)
		deadline = clock_now() + ctx->opt.timeout;
	targets = find_targets(ctx, args->v, n);
	if (!targets)
		return ctx->status;
	if (!drain_targets(ctx, targets, n, deadline))
		complain_late(ctx, targets, n);
	complain_stopped(ctx, targets, n);
	complain_gone(ctx, targets, n);
	print_targets(ctx, targets, n);
	free(targets);
	return ctx->status;
}
