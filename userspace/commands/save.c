// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel/guest.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/* A name that a batch cannot have, as one with a blank, makes a comment of its line. */
static void print_device(struct out *out, const char *command, const char *name)
{
	out_text(out, "%s%s %s%s", strpbrk(name, " #?") ? "# " : "", command,
		 name[0] == '-' ? "-- " : "", name);
}

/* A line without "open" would close an open plug at the next boot. */
static int complain_unknown(struct request *req, const char *name)
{
	if (req->options.rtnl)
		return complain(req, STATUS_REFUSED, name,
				"whether the plug is open is not known by rtnetlink, so it was not saved: leave out --rtnl");
	return complain(req, STATUS_REFUSED, name,
			"the in-tree module does not say whether the plug is open, so it was not saved: load the module of sch-plug, or write its line by hand");
}

/* A plug on an ifb of ours comes with its guest. */
static int print_guest(struct request *req, const struct qdisc_state *state, int guest)
{
	struct kernel *kernel = &req->session->kernel;
	struct out *out = &req->session->out;
	struct guest_ingress ingress;
	char name[IF_NAMESIZE];
	int error;

	/* Its device is gone, and the plug is of no use. */
	if (!kernel_ifname(kernel, guest, name))
		return STATUS_OK;
	if (!state->has_state)
		return complain_unknown(req, name);
	error = guest_look(kernel, guest, &ingress);
	if (error)
		return complain_netlink(req, error);
	print_device(out, "guest add", name);
	out_text(out, " limit %u%s%s\n", state->limit,
		 ingress.passes_arp ? " except arp" : "",
		 state->open ? " open" : "");
	return STATUS_OK;
}

/* The line of a batch that attaches this plug again. */
static int print_add(struct request *req, const char *name,
		     const struct qdisc_state *state, void *links)
{
	const struct guest_link *ifb = guest_find_link(links, state->ifindex);
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];
	struct out *out = &req->session->out;

	if (ifb && ifb->guest)
		return print_guest(req, state, ifb->guest);
	/* The kernel makes its default qdiscs itself. */
	if (!state->handle)
		return STATUS_OK;
	if (!state->has_state)
		return complain_unknown(req, name);
	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	print_device(out, "add --keep", name);
	out_text(out, " handle %s", handle);
	if (state->parent != TC_H_ROOT)
		out_text(out, " parent %s", parent);
	out_text(out, " limit %u%s\n", state->limit, state->open ? " open" : "");
	return STATUS_OK;
}

static int save_parse(struct request *req)
{
	return req->session->out.json ?
	       complain_usage(req, "save prints a batch, not JSON: leave out -j") :
	       STATUS_OK;
}

static int save_run(struct request *req)
{
	struct guest_links links = { 0 };
	int error, status;

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
	.parse = save_parse,
	.run = save_run,
};
