// SPDX-License-Identifier: GPL-2.0-or-later
/* show and dump: what is there, for people and for programs. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugctl.h"
#include "print.h"
#include "target.h"

typedef void (*print_fn)(struct out *out, const char *name,
			 const struct qdisc_state *state);

/* Returns how many plugs of that device were printed. */
static unsigned int print_device(struct plugctl *ctx,
				 const struct qdisc_list *list, int ifindex,
				 print_fn print)
{
	size_t i = qdisc_list_first(list, ifindex);
	char name[IF_NAMESIZE];
	unsigned int count = 0;

	/* A device that went away since the dump has no plug any more. */
	if (!netlink_ifname(ctx->nl, ifindex, name))
		return 0;
	for (; i < list->n && list->v[i].ifindex == ifindex; i++) {
		if (!is_selected(ctx, &list->v[i]))
			continue;
		print(&ctx->out, name, &list->v[i]);
		count++;
	}
	return count;
}

static void print_all(struct plugctl *ctx, const struct qdisc_list *list,
		      print_fn print)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!i || list->v[i].ifindex != list->v[i - 1].ifindex)
			print_device(ctx, list, list->v[i].ifindex, print);
}

static void print_named(struct plugctl *ctx, const struct qdisc_list *list,
			const struct target *targets, int n, print_fn print)
{
	int i;

	for (i = 0; i < n; i++)
		if (targets[i].at.ifindex &&
		    !print_device(ctx, list, targets[i].at.ifindex, print))
			complain_no_plug(ctx, targets[i].name);
}

/* For somebody who looks; a program counts what it gets. */
static void say_none(const struct plugctl *ctx)
{
	if (isatty(STDOUT_FILENO) && !ctx->opt.json && !ctx->opt.quiet)
		fputs("no device has a plug: plugctl add DEV attaches one\n",
		      stderr);
}

static bool wants_color(FILE *file)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term;

	if (!isatty(fileno(file)) || (no_color && *no_color))
		return false;
	term = getenv("TERM");
	return term && strcmp(term, "dumb");
}

static int show(struct plugctl *ctx, const struct args *args, print_fn print)
{
	const bool sent = ctx->opt.json || print == print_fields;
	struct target *targets = calloc((size_t)args->n + 1, sizeof(*targets));
	struct qdisc_list list = { 0 };
	int error, i;

	if (!targets)
		return complain_memory(ctx);
	if (netlink_open(ctx))
		goto out;
	ctx->out.color = wants_color(ctx->out.file);
	for (i = 0; i < args->n; i++) {
		targets[i].name = args->v[i];
		targets[i].at.ifindex = find_device(ctx, args->v[i]);
	}
	error = list_plugs(ctx, targets, (unsigned int)args->n, sent, &list);
	if (error) {
		complain_netlink(ctx, error);
	} else {
		out_array(&ctx->out, "plugs");
		if (args->n)
			print_named(ctx, &list, targets, args->n, print);
		else if (list.n)
			print_all(ctx, &list, print);
		else
			say_none(ctx);
		out_end(&ctx->out);
	}
out:
	qdisc_list_free(&list);
	free(targets);
	return ctx->status;
}

int cmd_show(struct plugctl *ctx, const struct args *args)
{
	return show(ctx, args, print_plug);
}

int cmd_dump(struct plugctl *ctx, const struct args *args)
{
	return show(ctx, args, ctx->opt.json ? print_plug : print_fields);
}
