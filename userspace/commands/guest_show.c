// SPDX-License-Identifier: GPL-2.0-or-later
/* guest show: the guests, and what is wrong with them. */
#include <stdlib.h>
#include <string.h>

#include "../report/report.h"
#include "../report/text.h"
#include "guest.h"

static const char *what_is_wrong(const struct guest_link *link, bool redirected,
				 const struct guest_ingress *ingress,
				 const struct qdisc_list *plugs)
{
	if (!link)
		return ": the device is gone, plugctl guest del removes the rest";
	if (!redirected)
		return ": packets are not sent there, plugctl guest add repairs it";
	if (!plugs->n)
		return ": it has no plug, plugctl guest add repairs it";
	if (guest_has_earlier_filter(ingress))
		return ": an ingress filter of another program comes first, and packets it takes are not held";
	return "";
}

static int show_one(struct request *req, const struct guest_link *ifb,
		    const struct guest_link *link)
{
	struct kernel *kernel = &req->session->kernel;
	struct out *out = &req->session->out;
	struct guest_ingress ingress = { 0 };
	struct qdisc_list list = { 0 };
	char name[IF_NAMESIZE], ifb_name[IF_NAMESIZE];
	bool redirected;
	int error = 0;

	snprintf(name, sizeof(name), "%s", link ? link->name : ifb->guest_name);
	make_printable(name);
	device_name(kernel, ifb->ifindex, ifb->name, ifb_name);
	if (link)
		error = guest_look(kernel, ifb->guest, &ingress);
	if (!error)
		error = dump_plugs(kernel, ifb->ifindex, out->json, &list);
	if (error)
		goto out;
	redirected = ingress.redirected && ingress.ifb == ifb->ifindex;
	out_object(out, NULL);
	out_str(out, "device", "%s  guest", name);
	out_str(out, "ifb", ", by %s", ifb_name);
	out_bool(out, "redirected", redirected);
	out_bool(out, "except_arp", ingress.passes_arp);
	out_text(out, "%s%s\n", ingress.passes_arp ? ", except arp" : "",
		 what_is_wrong(link, redirected, &ingress, &list));
	if (guest_has_earlier_filter(&ingress))
		out_u64(out, "earlier_filter", NULL, ingress.foreign);
	if (list.n && out->json) {
		out_object(out, "plug");
		print_plug_members(out, ifb_name, &list.v[0]);
		out_end(out);
	} else if (list.n) {
		print_plug(out, ifb_name, &list.v[0]);
	}
	out_end(out);
out:
	free(list.v);
	return error ? complain_netlink(req, error) : STATUS_OK;
}

static bool is_of(const struct guest_link *ifb, const struct guest_link *link,
		  const char *name)
{
	return (link && !strcmp(link->name, name)) || !strcmp(ifb->guest_name, name);
}

/* Shows the guest with that name, or all. Returns how many there are. */
static unsigned int show_named(struct request *req, const struct guest_links *links,
			       const char *name, int *status)
{
	unsigned int found = 0;
	size_t i;

	for (i = 0; i < links->n; i++) {
		const struct guest_link *ifb = &links->v[i], *link;

		link = guest_find_link(links, ifb->guest);
		if (!ifb->guest || (name && !is_of(ifb, link, name)))
			continue;
		*status = worse(*status, show_one(req, ifb, link));
		found++;
	}
	return found;
}

static int show_all(struct request *req, const struct guest_links *links)
{
	struct out *out = &req->session->out;
	int i, status = STATUS_OK;

	out_array(out, "guests");
	if (!req->n)
		show_named(req, links, NULL, &status);
	for (i = 0; i < req->n; i++) {
		const char *name = req->words[i];

		if (show_named(req, links, name, &status))
			continue;
		complain(req, STATUS_REFUSED, name,
			 "is not the device of a guest: plugctl guest show lists those that are");
		status = worse(status, STATUS_REFUSED);
	}
	out_end(out);
	return status;
}

static int show_run(struct request *req)
{
	struct guest_links links = { 0 };
	const int error = guest_list_links(&req->session->kernel, &links);
	int status;

	status = error ? complain_netlink(req, error) : show_all(req, &links);
	free(links.v);
	return status;
}

const struct command cmd_guest_show = {
	.name = "show",
	.group = &cmd_guest,
	.usage = "[VIF...]",
	.summary = "list the guests, and their plugs",
	.completion = COMPLETE_PLUGGED,
	.targets = DEVICES,
	.parse = parse_guest_devices,
	.run = show_run,
};
