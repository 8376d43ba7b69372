// SPDX-License-Identifier: GPL-2.0-or-later
/* guest add: kernel/guest.h explains how. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pkt_sched.h>

#include "../cli/parse.h"
#include "../report/report.h"
#include "../report/text.h"
#include "guest.h"

/*
 * The name of the ifb is only for people. It is "ifb-" and as much of the guest's name
 * as fits into 15 characters. If it is taken, IFB_OTHER_NAME is used.
 */
#define IFB_NAME	"ifb-%.*s"
#define IFB_GUEST_MAX	11
#define IFB_OTHER_NAME	"ifb-%d"

static int parse_keyword(struct request *req, int *i)
{
	const char *word = req->words[*i];
	const char *value = *i + 1 < req->n ? req->words[*i + 1] : NULL;
	struct attachment *wanted = &req->attachment;

	if (!strcmp(word, "open") || !strcmp(word, "closed"))
		return parse_open(req, word);
	if (!is_guest_keyword(word))
		return complain_usage(req, "unknown argument '%s' (the devices come first)",
				      word);
	if (!value)
		return complain_usage(req, "'%s' needs a value", word);
	++*i;
	if (!strcmp(word, "limit"))
		return parse_limit(req, value, &wanted->limit);
	if (strcmp(value, "arp"))
		return complain_usage(req, "'except %s': only arp can be let past",
				      value);
	wanted->except_arp = true;
	return STATUS_OK;
}

static int add_parse(struct request *req)
{
	int i, n, status = STATUS_OK;

	for (n = 0; n < req->n && !is_guest_keyword(req->words[n]); n++)
		;
	if (!n)
		return complain_usage(req, "no device named");
	req->attachment.parent = TC_H_ROOT;
	for (i = n; i < req->n && !status; i++)
		status = parse_keyword(req, &i);
	req->n = n;
	return status;
}

/*
 * Looks for all devices before anything is created: "guest add vif1 xcept arp" must
 * not be executed as "guest add vif1", which would hold the guest's ARP.
 */
static int check_devices(struct request *req)
{
	int status = STATUS_OK, i;

	for (i = 0; i < req->n; i++) {
		struct target device = { .name = req->words[i] };
		const char *keyword;

		if (find_device(&req->session->kernel, &device))
			continue;
		keyword = device.failed == TARGET_NO_DEVICE ?
			  nearest_keyword(device.name, true) : NULL;
		if (keyword)
			return complain_usage(req, "'%s' is no device: was \"%s\" meant? Nothing was done",
					      device.name, keyword);
		status = worse(status, complain_target(req, &device));
	}
	if (status && req->n > 1)
		note(req, NULL, "no guest was added, as not all devices are there");
	return status;
}

/*
 * Returns the number of virtual functions of a card. With --netns it is not known,
 * because /sys does not show devices of other namespaces: returns 0.
 */
static unsigned long count_functions(const struct request *req, const char *name)
{
	char path[64], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/sriov_numvfs", name);
	file = req->options.netns ? NULL : fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strtoul(text, NULL, 10);
}

static int complain_unsuited(struct request *req, const struct guest *guest)
{
	const struct guest_link *link = &guest->link;
	const char *name = guest->device.name;
	const unsigned long functions = count_functions(req, link->name);

	if (!strcmp(link->kind, "macvtap") || !strcmp(link->kind, "ipvtap"))
		return complain(req, STATUS_REFUSED, name,
				"a %s sends by its own queue: plugctl add %s holds what its guest sends",
				link->kind, name);
	if (!strcmp(link->kind, "ifb"))
		return complain(req, STATUS_REFUSED, name,
				"an ifb is nobody's guest: name the device whose packets it gets");
	if (functions)
		return complain(req, STATUS_REFUSED, name,
				"a network card with %lu virtual functions: what guests send by those passes no queue of this host and cannot be held",
				functions);
	if (link->is_port)
		return complain(req, STATUS_REFUSED, name,
				"a port of a card that switches by itself: what it forwards passes no queue of this host and cannot be held");
	return STATUS_OK;
}

static int complain_step(struct request *req, const struct guest *guest,
			 const char *what, const struct answer *answer)
{
	const char *name = guest->device.name;

	if (answer->error == ENODEV)
		return complain(req, STATUS_REFUSED, name,
				"the device went away meanwhile");
	if ((answer->error == EOPNOTSUPP || answer->error == ENOENT) &&
	    !strstr(answer->text, "shared"))
		return complain(req, STATUS_REFUSED, name,
				"%s: this kernel has none (%s): install the package with the kernel's other modules (on Fedora kernel-modules-extra, on Debian the kernel that is not called cloud)",
				what, answer->text[0] ? answer->text :
				strerror(answer->error));
	return complain_refusal(req, name, answer->error, answer->text);
}

/* Creates the ifb, unless an interrupted command has left one with that name. */
static int make_ifb(struct request *req, const struct guest_links *links,
		    struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	char name[IF_NAMESIZE];
	struct answer answer;
	size_t i;

	if (guest->old)
		return STATUS_OK;
	snprintf(name, sizeof(name), IFB_NAME,
		 (int)len_that_fits(guest->link.name, IFB_GUEST_MAX),
		 guest->link.name);
	for (i = 0; i < links->n; i++) {
		const struct guest_link *link = &links->v[i];

		if (strcmp(link->name, name) || strcmp(link->kind, "ifb") ||
		    link->up || link->has_alias)
			continue;
		guest->ifb.at.ifindex = link->ifindex;
		return STATUS_OK;
	}
	if (guest_add_ifb(kernel, name, &answer) == EEXIST) {
		snprintf(name, sizeof(name), IFB_OTHER_NAME, guest->device.named);
		guest_add_ifb(kernel, name, &answer);
	}
	if (answer.error)
		return complain_step(req, guest, "ifb devices", &answer);
	guest->ifb.at.ifindex = kernel_ifindex(kernel, name);
	guest->made_ifb = true;
	return STATUS_OK;
}

static int label_ifb(struct request *req, struct guest *guest)
{
	const struct guest_link *old = guest->old;
	const bool ours = owns_qdisc(guest);
	struct answer answer;

	if (old && old->up && old->guest == guest->device.named &&
	    old->made_qdisc == ours)
		return STATUS_OK;
	if (guest_label(&req->session->kernel, guest->ifb.at.ifindex,
			guest->device.named, guest->link.name, ours, &answer))
		return complain_step(req, guest, "ifb devices", &answer);
	return STATUS_OK;
}

/* An existing plug keeps its state: a script may repeat "add". */
static int make_plug(struct request *req, struct guest *guest)
{
	const struct action limit = {
		.code = TCQ_PLUG_LIMIT, .limit = req->attachment.limit,
	};
	struct kernel *kernel = &req->session->kernel;
	int error;

	error = refresh_targets(kernel, &guest_plug, &guest->ifb, 1);
	if (error)
		return complain_netlink(req, error);
	if (guest->ifb.failed == TARGET_GONE) {
		int status;

		guest->ifb.failed = TARGET_OK;
		status = attach_plug(req, &guest->ifb);
		return status ? status : complain_target(req, &guest->ifb);
	}
	if (!limit.limit)
		return STATUS_OK;
	change_targets(kernel, &guest_plug, &guest->ifb, 1, &limit, false);
	return complain_target(req, &guest->ifb);
}

static int make_qdisc(struct request *req, struct guest *guest)
{
	struct answer answer;

	if (guest->ingress.has_qdisc)
		return STATUS_OK;
	if (guest_add_qdisc(&req->session->kernel, guest->device.named, &answer))
		return complain_step(req, guest, "the qdisc clsact", &answer);
	guest->made_qdisc = true;
	return STATUS_OK;
}

static int make_filters(struct request *req, struct guest *guest)
{
	const bool except_arp = req->attachment.except_arp;
	const struct guest_ingress *ingress = &guest->ingress;
	struct kernel *kernel = &req->session->kernel;
	const int device = guest->device.named;
	struct answer answer = { 0 };

	if (ingress->passes_arp && !except_arp)
		guest_hold_arp(kernel, device, &answer);
	else if (!ingress->passes_arp && except_arp)
		guest->made_arp = !guest_pass_arp(kernel, device, &answer);
	if (!answer.error && !ingress->redirected)
		guest_redirect(kernel, device, guest->ifb.at.ifindex,
			       owns_qdisc(guest), &answer);
	else if (!answer.error && ingress->ifb != guest->ifb.at.ifindex)
		guest_redirect_again(kernel, ingress->action,
				     guest->ifb.at.ifindex, owns_qdisc(guest),
				     &answer);
	return answer.error ?
	       complain_step(req, guest, "the filter matchall or the action mirred",
			     &answer) : STATUS_OK;
}

/* Removes only what this command has created. It holds no packets. */
static void take_back(struct request *req, const struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	struct answer answer;

	if (guest->made_arp)
		guest_hold_arp(kernel, guest->device.named, &answer);
	if (guest->made_qdisc)
		guest_del_qdisc(kernel, guest->device.named, &answer);
	if (guest->made_ifb && guest->ifb.at.ifindex)
		guest_del_link(kernel, guest->ifb.at.ifindex, &answer);
}

/* Completes a guest, whatever exists of it already. Packets are redirected last. */
static int make_guest(struct request *req, const struct guest_links *links,
		      struct guest *guest)
{
	int status;

	status = make_ifb(req, links, guest);
	if (!status)
		status = label_ifb(req, guest);
	if (!status)
		status = make_plug(req, guest);
	if (!status)
		status = make_qdisc(req, guest);
	if (!status)
		status = make_filters(req, guest);
	if (status)
		take_back(req, guest);
	return status;
}

/* Refuses if attaching the clsact may drop what the device's own plug holds. */
static int refuse_reset(struct request *req, const struct guest *guest)
{
	const char *name = guest->device.name;
	uint32_t held;

	if (guest->ingress.has_qdisc || req->options.force)
		return STATUS_OK;
	held = held_by(&req->session->kernel, guest->device.named);
	if (!held)
		return STATUS_OK;
	return complain(req, STATUS_REFUSED, name,
			"its own plug holds %" PRIu32 " packets to the guest, which up to Linux 6.12 is dropped when clsact is attached: plugctl open %s first, or --force",
			held, name);
}

static int add_one(struct request *req, const struct guest_links *links,
		   const char *name)
{
	struct guest guest;
	int status;

	status = read_guest(req, name, links, &guest);
	if (status || guest.device.failed)
		return status ? status : complain_target(req, &guest.device);
	status = complain_unsuited(req, &guest);
	if (status)
		return status;
	if (guest_has_earlier_filter(&guest.ingress))
		return complain(req, STATUS_REFUSED, name,
				"somebody's ingress filter has priority %" PRIu32 ", and packets it takes would get past the plug: give it %d or more (tc filter show dev %s ingress)",
				guest.ingress.foreign, GUEST_PRIORITY_END, name);
	status = refuse_reset(req, &guest);
	if (status)
		return status;
	if (guest.ingress.foreign && !guest.ingress.redirected)
		note(req, name, "ingress filters of others are there, and see no packets until plugctl guest del %s",
		     name);
	return make_guest(req, links, &guest);
}

static int add_run(struct request *req)
{
	const int status = check_devices(req);

	return status ? status : change_guests(req, add_one);
}

const struct command cmd_guest_add = {
	.name = "add",
	.group = &cmd_guest,
	.usage = "VIF... [limit SIZE] [except arp] [open|closed]",
	.summary = "hold what guests send: a plug on an ifb for each VIF",
	.keywords = "limit except open closed",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_FORCE | TAKES_TIMEOUT,
	.targets = DEVICES,
	.parse = add_parse,
	.run = add_run,
};
