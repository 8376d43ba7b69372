// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of a batch that are sent together. */
#include <stdlib.h>

#include "pipeline.h"
#include "plugctl.h"
#include "target.h"

/* More would save little, and need more room for the answers. */
#define PIPELINE_MAX	64

struct pending {
	struct target target;
	struct action action;
	/* Of the line that it comes from, for complaints and a second look. */
	const struct command *command;
	struct options opt;
	unsigned long line;
};

struct pipeline {
	unsigned int n;
	int status;
	struct pending v[PIPELINE_MAX];
	struct answer answers[PIPELINE_MAX];
};

struct pipeline *pipeline_new(void)
{
	return calloc(1, sizeof(struct pipeline));
}

void pipeline_free(struct pipeline *pipeline)
{
	free(pipeline);
}

int pipeline_status(const struct pipeline *pipeline)
{
	return pipeline->status;
}

void pipeline_add(struct plugctl *ctx, const struct target *target,
		  const struct action *action)
{
	struct pipeline *p = ctx->pipeline;
	struct pending *pending;

	/* What is sent together goes over one socket. */
	if (p->n == PIPELINE_MAX ||
	    (p->n && socket_of(ctx, &p->v[0].target) != socket_of(ctx, target)))
		pipeline_flush(ctx);
	pending = &p->v[p->n++];
	pending->target = *target;
	pending->action = *action;
	pending->command = ctx->command;
	pending->opt = ctx->opt;
	pending->line = ctx->line;
}

static struct nlmsghdr *build_pending(void *buf, unsigned int i, void *data)
{
	const struct pending *pending = (const struct pending *)data + i;

	return message_action(buf, &pending->target.at, &pending->action, false);
}

static void send_pending(struct plugctl *ctx, struct pipeline *p)
{
	unsigned int i;
	int error;

	for (i = 0; i < p->n; i++)
		answer_clear(&p->answers[i]);
	error = netlink_exchange(socket_of(ctx, &p->v[0].target), p->n, false,
				 build_pending, p->v, p->answers);
	if (error)
		complain_netlink(ctx, error);
	for (i = 0; i < p->n; i++) {
		struct pending *pending = &p->v[i];

		ctx->command = pending->command;
		ctx->opt = pending->opt;
		ctx->line = pending->line;
		take_answer(ctx, &pending->target, &pending->action, false,
			    false, &p->answers[i]);
	}
	p->n = 0;
}

/* What is being done meanwhile, a line further down, is put back. */
static void flush(struct plugctl *ctx, struct pipeline *p)
{
	const struct command *command = ctx->command;
	const struct options opt = ctx->opt;
	const unsigned long line = ctx->line;
	const int status = ctx->status;

	ctx->status = STATUS_OK;
	send_pending(ctx, p);
	if (ctx->status > p->status)
		p->status = ctx->status;
	ctx->command = command;
	ctx->opt = opt;
	ctx->line = line;
	ctx->status = status;
}

void pipeline_flush(struct plugctl *ctx)
{
	if (ctx->pipeline && ctx->pipeline->n)
		flush(ctx, ctx->pipeline);
}
