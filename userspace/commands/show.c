// SPDX-License-Identifier: GPL-2.0-or-later
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "../report/report.h"
#include "commands.h"

/* Returns how many plugs of that device were printed. */
static unsigned int print_device(struct request *req,
				 const struct qdisc_list *list, int ifindex,
				 print_fn print)
{
	const struct qdisc_state *state;
	char name[IF_NAMESIZE];
	unsigned int count = 0;

	/* A device that went away since the dump has no plug any more. */
	if (!device_name(&req->session->kernel, ifindex, NULL, name))
		return 0;
	for (state = list->v; state < list->v + list->n; state++) {
		if (state->ifindex != ifindex ||
		    !is_selected(&req->options.selector, state))
			continue;
		print(&req->session->out, name, state);
		count++;
	}
	return count;
}

/* All of them: the list is sorted by device. */
static void print_all(struct request *req, const struct qdisc_list *list,
		      print_fn print)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!i || list->v[i].ifindex != list->v[i - 1].ifindex)
			print_device(req, list, list->v[i].ifindex, print);
}

int print_plugs(struct request *req, print_fn print, bool sent)
{
	struct target *targets = calloc((size_t)req->n + 1, sizeof(*targets));
	struct kernel *kernel = &req->session->kernel;
	const unsigned int n = (unsigned int)req->n;
	struct qdisc_list list = { 0 };
	int error, status = STATUS_OK;
	unsigned int i;

	if (!targets)
		return complain_memory(req);
	for (i = 0; i < n; i++) {
		targets[i].name = req->words[i];
		if (!find_device(kernel, &targets[i]))
			complain_target(req, &targets[i]);
	}
	error = list_plugs(kernel, targets, n, sent, &list);
	if (error) {
		status = complain_netlink(req, error);
		goto out;
	}
	for (i = 0; i < n; i++) {
		if (targets[i].failed ||
		    print_device(req, &list, targets[i].at.ifindex, print))
			continue;
		targets[i].failed = TARGET_NO_PLUG;
		complain_target(req, &targets[i]);
	}
	if (!n)
		print_all(req, &list, print);
	/* For somebody who looks; a program counts what it gets. */
	if (!n && !list.n && isatty(STDOUT_FILENO) && !req->session->out.json)
		note(req, NULL, "no device has a plug: plugctl add DEV attaches one");
out:
	free(list.v);
	free(targets);
	return status;
}

static int show_run(struct request *req)
{
	int status;

	out_array(&req->session->out, "plugs");
	status = print_plugs(req, print_plug, req->session->out.json);
	out_end(&req->session->out);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.usage = "[DEV...]",
	.summary = "the state of every plug, or of those named (the default)",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT,
	.targets = DEVICES,
	.run = show_run,
};
