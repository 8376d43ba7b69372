// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#include "../kernel/guest.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/* A device with this name would be taken for a keyword of guest add. */
static bool is_keyword(const char *name)
{
	return !strcmp(name, "limit") || !strcmp(name, "except") ||
	       !strcmp(name, "open") || !strcmp(name, "closed");
}

/*
 * Prints the beginning of a line: @command (NULL: guest add) and the device. Some
 * names cannot be in a line: '#' begins a comment, and bytes that are not printable
 * are replaced in the output. Returns a status.
 */
static int print_device(struct request *req, const char *command, const char *name)
{
	const char *before = name[0] == '-' ? "-- " :
			     /* The first "dev" is skipped. */
			     !strcmp(name, "dev") ? "dev " : "";
	char printable[IF_NAMESIZE];

	snprintf(printable, sizeof(printable), "%s", name);
	make_printable(printable);
	if (name[0] == '#' || strcmp(name, printable) || (!command && is_keyword(name)))
		return complain(req, STATUS_REFUSED, name,
				"no line of a batch can name this device, so its plug was not saved: rename it with ip link set");
	out_text(&req->session->out, "%s %s%s", command ? command : "guest add",
		 before, name);
	return STATUS_OK;
}

/* A plug whose state is not known is not saved: the next boot could close it. */
static int complain_unknown(struct request *req, const char *name)
{
	if (req->options.rtnl)
		return complain(req, STATUS_REFUSED, name,
				"whether the plug is open is not known by rtnetlink, so it was not saved: leave out --rtnl");
	return complain(req, STATUS_REFUSED, name,
			"the in-tree module does not say whether the plug is open, so it was not saved: load the module of sch-plug, or write its line by hand");
}

/* Prints the line of a guest, which stands for the plug on its ifb. */
static int print_guest(struct request *req, const struct qdisc_state *state, int guest)
{
	struct kernel *kernel = &req->session->kernel;
	struct out *out = &req->session->out;
	struct guest_ingress ingress;
	char name[IF_NAMESIZE];
	int error, status;

	/* The guest's device is gone, so there is nothing to attach again. */
	if (!kernel_ifname(kernel, guest, name))
		return STATUS_OK;
	if (!state->has_state)
		return complain_unknown(req, name);
	error = guest_look(kernel, guest, &ingress);
	if (error)
		return complain_netlink(req, error);
	status = print_device(req, NULL, name);
	if (status)
		return status;
	out_text(out, " limit %u%s%s\n", state->limit,
		 ingress.passes_arp ? " except arp" : "",
		 state->open ? " open" : "");
	return STATUS_OK;
}

/* Prints the line of a batch that attaches this plug again. */
static int print_add(struct request *req, const char *printable,
		     const struct qdisc_state *state, void *links)
{
	const struct guest_link *ifb = guest_find_link(links, state->ifindex);
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX], name[IF_NAMESIZE];
	struct out *out = &req->session->out;
	int status;

	if (ifb && ifb->guest)
		return print_guest(req, state, ifb->guest);
	/* The kernel creates its default qdiscs itself. */
	if (!state->handle)
		return STATUS_OK;
	if (!state->has_state)
		return complain_unknown(req, printable);
	if (!kernel_ifname(&req->session->kernel, state->ifindex, name))
		return STATUS_OK;
	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	status = print_device(req, "add --keep", name);
	if (status)
		return status;
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
