// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/*
 * Lists the plugs of the named devices, or all plugs. Complains about each device
 * that has none. Returns a status; the plugs of the others are in the list even if it
 * is not 0. Free list->v.
 */
static int list_named(struct request *req, bool sent, struct qdisc_list *list)
{
	const unsigned int n = (unsigned int)req->n;
	struct target *targets = calloc(n + 1, sizeof(*targets));
	struct kernel *kernel = &req->session->kernel;
	struct qdisc_list all = { 0 };
	int error = ENOMEM, status = STATUS_OK;
	unsigned int i;
	size_t k, room = 1;

	if (!targets)
		goto out;
	for (i = 0; i < n; i++) {
		targets[i].name = req->words[i];
		if (!find_device(kernel, &targets[i]))
			status = worse(status, complain_target(req, &targets[i]));
	}
	error = list_plugs(kernel, targets, n, sent, n ? &all : list);
	if (error || !n)
		goto out;
	for (i = 0; i < n; i++)
		for (k = 0; k < all.n; k++)
			room += all.v[k].ifindex == targets[i].at.ifindex;
	list->v = calloc(room, sizeof(*list->v));
	if (!list->v)
		error = ENOMEM;
	/* In the order of the names. */
	for (i = 0; i < n && !error; i++) {
		const size_t before = list->n;

		for (k = 0; k < all.n; k++)
			if (all.v[k].ifindex == targets[i].at.ifindex &&
			    is_selected(&req->options.selector, &all.v[k]))
				list->v[list->n++] = all.v[k];
		if (targets[i].failed || list->n > before)
			continue;
		targets[i].failed = TARGET_NO_PLUG;
		status = worse(status, complain_target(req, &targets[i]));
	}
out:
	free(all.v);
	free(targets);
	if (!error)
		return status;
	list->n = 0;
	return worse(status, complain_netlink(req, error));
}

/* Prints a plug, unless its device is gone. */
static int print_one(struct request *req, const struct qdisc_state *state,
		     print_fn *print, void *data)
{
	char name[IF_NAMESIZE];

	if (!is_selected(&req->options.selector, state) ||
	    !device_name(&req->session->kernel, state->ifindex, NULL, name))
		return STATUS_OK;
	return print(req, name, state, data);
}

int print_plugs(struct request *req, print_fn *print, void *data, bool sent)
{
	struct qdisc_list list = { 0 };
	int status;
	size_t i;

	status = list_named(req, sent, &list);
	for (i = 0; i < list.n; i++)
		status = worse(status, print_one(req, &list.v[i], print, data));
	/* A hint for people; a program counts the lines it gets. */
	if (!status && !req->n && !list.n && isatty(STDOUT_FILENO) &&
	    !req->session->out.json)
		note(req, NULL, "no device has a plug: plugctl add DEV attaches one");
	free(list.v);
	return status;
}

static const struct qdisc_state *find_before(const struct qdisc_list *before,
					     const struct qdisc_state *now)
{
	size_t i;

	for (i = 0; i < before->n; i++)
		if (before->v[i].id == now->id)
			return &before->v[i];
	return NULL;
}

/* The previous list of a watch. */
struct watched {
	struct qdisc_list list;
	uint64_t at;
	uint64_t interval;	/* from this list to the current one */
};

/* Prints what happened since the previous list, per second. */
static void print_rates(struct out *out, const struct qdisc_state *now,
			const struct watched *before)
{
	const struct qdisc_state *then = find_before(&before->list, now);
	const double seconds = (double)before->interval / NS_PER_S;
	char size[HUMAN_TEXT_MAX];

	if (!then || !now->has_state)
		return;
	format_size(size, (uint64_t)((double)(plug_stat(now, QUEUED_BYTES) -
				     plug_stat(then, QUEUED_BYTES)) / seconds));
	out_text(out, "  a second %.1f epochs, %.1f packets and %s queued\n",
		 (double)(now->epoch - then->epoch) / seconds,
		 (double)(plug_stat(now, QUEUED_PACKETS) -
			  plug_stat(then, QUEUED_PACKETS)) / seconds, size);
}

/* Prints a plug and, if before (a struct watched) is not NULL, the rates. */
static int print_block(struct request *req, const char *name,
		       const struct qdisc_state *state, void *before)
{
	print_plug(&req->session->out, name, state);
	if (before)
		print_rates(&req->session->out, state, before);
	return STATUS_OK;
}

static int show_once(struct request *req, struct watched *before)
{
	struct out *out = &req->session->out;
	const uint64_t now = clock_now();
	struct qdisc_list list = { 0 };
	int status;
	size_t i;

	before->interval = now - before->at;
	out_array(out, "plugs");
	status = list_named(req, out->json, &list);
	for (i = 0; i < list.n; i++)
		status = worse(status, print_one(req, &list.v[i], print_block, before));
	out_end(out);
	free(before->list.v);
	before->list = list;
	before->at = now;
	return status;
}

static int watch(struct request *req)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(req->options.interval / NS_PER_S),
		.tv_nsec = (long)(req->options.interval % NS_PER_S),
	};
	struct out *out = &req->session->out;
	struct watched before = { 0 };
	int status;

	for (;;) {
		if (isatty(STDOUT_FILENO))
			out_text(out, "\033[H\033[2J");
		status = show_once(req, &before);
		if (!out_flush(out))
			status = complain_output(req);
		if (status)
			break;
		nanosleep(&pause, NULL);
		if (!isatty(STDOUT_FILENO))
			out_text(out, "\n");
	}
	free(before.list.v);
	return status;
}

static int show_run(struct request *req)
{
	int status;

	if (req->options.watch && req->file)
		return complain_usage(req, "--watch does not work in a batch");
	if (req->options.watch)
		return watch(req);
	out_array(&req->session->out, "plugs");
	status = print_plugs(req, print_block, NULL, req->session->out.json);
	out_end(&req->session->out);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.aliases = { "status", "list", "ls" },
	.usage = "[DEV...]",
	.summary = "the state of every plug, or of those named (the default)",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | TAKES_WATCH,
	.targets = DEVICES,
	.run = show_run,
};
