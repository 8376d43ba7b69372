// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel/guest.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/*
 * If a batch cannot have the name, as one with a blank, the line becomes a comment.
 */
static void print_device(struct out *out, const char *command, const char *name)
{
	out_text(out, "%s%s %s%s", strpbrk(name, " #?") ? "# " : "", command,
		 name[0] == '-' ? "-- " : "", name);
}

/*
 * The plug on our ifb is saved with its guest. Returns whether it is such an ifb.
 */
static bool print_guest(struct request *req, const struct guest_links *links,
			const struct qdisc_state *state)
{
	struct kernel *kernel = &req->session->kernel;
	struct out *out = &req->session->out;
	const struct guest_link *ifb = guest_find_link(links, state->ifindex);
	struct guest_ingress ingress;
	char name[IF_NAMESIZE];
	int error;

	if (!ifb || !ifb->guest)
		return false;
	if (!kernel_ifname(kernel, ifb->guest, name))
		return true;
	error = guest_look(kernel, ifb->guest, &ingress);
	if (error) {
		complain_netlink(req, error);
		return true;
	}
	print_device(out, "guest add", name);
	if (state->has_state)
		out_text(out, " limit %u", state->limit);
	out_text(out, "%s%s\n", ingress.passes_arp ? " except arp" : "",
		 state->has_state && state->open ? " open" : "");
	return true;
}

/* Prints the line of a batch that attaches this plug again. */
static void print_add(struct request *req, const char *name,
		      const struct qdisc_state *state, void *links)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];
	struct out *out = &req->session->out;

	if (print_guest(req, links, state))
		return;
	/* The kernel creates its default qdiscs itself. */
	if (!state->handle)
		return;
	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	print_device(out, "add --keep", name);
	out_text(out, " handle %s", handle);
	if (state->parent != TC_H_ROOT)
		out_text(out, " parent %s", parent);
	if (state->has_state)
		out_text(out, " limit %u%s", state->limit,
			 state->open ? " open" : "");
	out_text(out, "\n");
}

static int save_run(struct request *req)
{
	struct guest_links links = { 0 };
	int error, status;

	req->session->out.json = false;
	error = guest_list_links(&req->session->kernel, &links);
	status = error ? complain_netlink(req, error) :
		 print_plugs(req, print_add, &links, false);
	free(links.v);
	return status;
}

const struct command cmd_save = {
	.name = "save",
	.usage = "[DEV...]",
	.summary = "what is attached, as a batch that attaches it again",
	.details =
"For a service that runs \"plugctl batch FILE\" at boot. What the plugs hold, their\n"
"epochs, and the qdiscs that they are below are not in it.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT | NOT_IN_BATCH,
	.targets = DEVICES,
	.run = save_run,
};
