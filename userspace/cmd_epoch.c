// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands that move epochs: buffer, release, open, discard. */
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "pipeline.h"
#include "plugctl.h"
#include "print.h"
#include "target.h"

static int act(struct plugctl *ctx, char *const *names, int n,
	       const struct action *action)
{
	/* The state after the command costs the kernel time: only on demand. */
	bool echo = ctx->opt.verbose || ctx->opt.json;
	struct target *targets;

	if (n < 1)
		return complain_usage(ctx, "no device named");
	targets = find_targets(ctx, names, (unsigned int)n);
	if (!targets)
		return ctx->status;
	check_ability(ctx, targets, (unsigned int)n, action);
	if (ctx->pipeline && n == 1 && !echo) {
		if (targets->usable)
			pipeline_add(ctx, targets, action);
	} else {
		pipeline_flush(ctx);
		send_action(ctx, targets, (unsigned int)n, action, echo, false);
		print_targets(ctx, targets, (unsigned int)n);
	}
	free(targets);
	return ctx->status;
}

int cmd_buffer(struct plugctl *ctx, const struct args *args)
{
	const struct action action = { .code = TCQ_PLUG_BUFFER };

	return act(ctx, args->v, args->n, &action);
}

int cmd_open(struct plugctl *ctx, const struct args *args)
{
	const struct action action = { .code = TCQ_PLUG_RELEASE_INDEFINITE };

	return act(ctx, args->v, args->n, &action);
}

int cmd_discard(struct plugctl *ctx, const struct args *args)
{
	const struct action action = { .code = TCQ_PLUG_DISCARD };

	return act(ctx, args->v, args->n, &action);
}

/* DEV... [upto EPOCH]: the first word is a device, even if that is "upto". */
int cmd_release(struct plugctl *ctx, const struct args *args)
{
	struct action action = { .code = TCQ_PLUG_RELEASE_ONE };
	int n;

	if (args->n == 2 && !strcmp(args->v[0], "upto") &&
	    parse_epoch(args->v[1], &action.epoch))
		return complain_usage(ctx, "no device named before 'upto'");
	for (n = 1; n < args->n; n++)
		if (!strcmp(args->v[n], "upto"))
			break;
	if (n >= args->n)
		return act(ctx, args->v, args->n, &action);
	if (n + 1 >= args->n)
		return complain_usage(ctx, "no epoch after 'upto'");
	if (n + 2 < args->n)
		return complain_usage(ctx, "'%s' follows the epoch, which comes last",
				      args->v[n + 2]);
	if (!parse_epoch(args->v[n + 1], &action.epoch))
		return complain_usage(ctx, "'%s' is no epoch, which is a number such as plugctl show prints",
				      args->v[n + 1]);
	action.code = TCQ_PLUG_RELEASE_UPTO;
	return act(ctx, args->v, n, &action);
}
