// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds the packets that a guest sends; kernel/guest.h explains how. This file has what
 * guest add, del and show have in common.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pkt_sched.h>

#include "../report/report.h"
#include "guest.h"

const struct selector guest_plug = { .have_parent = true, .parent = TC_H_ROOT };

bool is_guest_keyword(const char *word)
{
	return !strcmp(word, "limit") || !strcmp(word, "except") ||
	       !strcmp(word, "open") || !strcmp(word, "closed");
}

int parse_guest_devices(struct request *req)
{
	int i;

	for (i = 0; i < req->n; i++)
		if (is_guest_keyword(req->words[i]))
			return complain_usage(req, "'%s' can only be used with guest add",
					      req->words[i]);
	return STATUS_OK;
}

/* The ifb that an earlier command created for that device, complete or not. */
static const struct guest_link *find_ifb_of(const struct guest_links *links, int guest)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (links->v[i].guest == guest)
			return &links->v[i];
	return NULL;
}

uint32_t held_by(struct kernel *kernel, int ifindex)
{
	struct qdisc_list list = { 0 };
	uint32_t held = 0;
	size_t i;

	if (!dump_plugs(kernel, ifindex, false, &list))
		for (i = 0; i < list.n; i++)
			if (list.v[i].ifindex == ifindex)
				held += list.v[i].held_packets;
	free(list.v);
	return held;
}

/*
 * Removes the ifbs of guests whose device is gone. The filters are gone with the
 * device, but the ifb still exists. Its packets can no longer return to the device.
 */
static int sweep(struct request *req, const struct guest_links *links)
{
	struct kernel *kernel = &req->session->kernel;
	int status = STATUS_OK;
	struct answer answer;
	size_t i;

	for (i = 0; i < links->n; i++) {
		const struct guest_link *ifb = &links->v[i];
		uint32_t held;

		if (!ifb->guest || guest_find_link(links, ifb->guest))
			continue;
		held = held_by(kernel, ifb->ifindex);
		if (!guest_del_link(kernel, ifb->ifindex, &answer))
			note(req, ifb->guest_name, "the guest's device is gone: removed %s, with %"
			     PRIu32 " packets that it held", ifb->name, held);
		else if (answer.error != ENODEV)
			status = complain_refusal(req, ifb->name, answer.error,
						  answer.text);
	}
	return status;
}

int read_guest(struct request *req, const char *name,
	       const struct guest_links *links, struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	const struct guest_link *link;
	int error;

	memset(guest, 0, sizeof(*guest));
	guest->device.name = name;
	if (!find_device(kernel, &guest->device))
		return STATUS_OK;
	link = guest_find_link(links, guest->device.named);
	error = link ? guest_look(kernel, guest->device.named, &guest->ingress) :
		ENODEV;
	if (error == ENODEV) {
		guest->device.failed = TARGET_NO_DEVICE;
		return STATUS_OK;
	}
	if (error)
		return complain_netlink(req, error);
	guest->link = *link;
	guest->old = guest->ingress.ifb ? guest_find_link(links, guest->ingress.ifb) :
		     find_ifb_of(links, guest->device.named);
	guest->ifb.name = name;
	guest->ifb.named = guest->device.named;
	guest->ifb.at.ifindex = guest->old ? guest->old->ifindex : 0;
	return STATUS_OK;
}

bool owns_qdisc(const struct guest *guest)
{
	const struct guest_link *old = guest->old;

	return !guest->ingress.has_qdisc || guest->ingress.made_qdisc ||
	       (old && old->guest && old->made_qdisc);
}

/* Lists all links again: the change of the previous device has changed them. */
static int change_one(struct request *req, change_guest_fn *change, const char *name)
{
	struct guest_links links = { 0 };
	const int error = guest_list_links(&req->session->kernel, &links);
	int status;

	status = error ? complain_netlink(req, error) : change(req, &links, name);
	free(links.v);
	return status;
}

/* Two commands for one device would each see the other's incomplete set-up. */
static int lock_guests(struct request *req, int *lock)
{
	const uint64_t deadline = clock_now() + (req->options.have_timeout ?
						 req->options.timeout : DEL_PATIENCE);
	char path[LOCK_PATH_MAX];
	const int error = kernel_lock(&req->session->kernel, deadline, path, lock);

	if (!error)
		return STATUS_OK;
	if (error == EWOULDBLOCK)
		return complain(req, STATUS_TIMEOUT, NULL,
				"another plugctl guest add or del is at work, and does not end: see fuser -v %s",
				path);
	if (!path[0])
		return complain_netlink(req, error);
	if (error == EPERM || error == EACCES)
		return complain(req, STATUS_NO_ACCESS, path,
				"cannot be locked: %s: run plugctl as root, and see that the file is root's alone",
				strerror(error));
	return complain(req, STATUS_REFUSED, path,
			"cannot be locked: %s: it has to be a file in a folder that can be written to",
			strerror(error));
}

int change_guests(struct request *req, change_guest_fn *change)
{
	struct guest_links links = { 0 };
	int error, status, lock, i;

	status = lock_guests(req, &lock);
	if (status)
		return status;
	error = guest_list_links(&req->session->kernel, &links);
	status = error ? complain_netlink(req, error) : sweep(req, &links);
	free(links.v);
	for (i = 0; i < req->n && !error; i++)
		status = worse(status, change_one(req, change, req->words[i]));
	if (lock >= 0)
		close(lock);
	return status;
}

static const struct command *const subcommands[] = {
	&cmd_guest_add, &cmd_guest_del, &cmd_guest_show, NULL
};

const struct command cmd_guest = {
	.name = "guest",
	.usage = "add|del|show [VIF...] [limit SIZE] [except arp] [open|closed]",
	.summary = "hold what a guest sends by its vif, tap or veth on this host",
	.details =
"add: everything that comes in by VIF goes through a plug on an ifb of its own,\n"
"made for it, and then on as before. Afterwards VIF names that plug in every\n"
"command. Can be repeated, and finishes what was left half done. \"except arp\":\n"
"ARP is not held. Refuses where it would drop what VIF's own plug holds (up to\n"
"Linux 6.12), unless with --force. del: undoes all of it; refuses while packets are\n"
"held that were not released, unless with --force. What is left of a guest whose\n"
"device went away first is removed by the next add or del of any.\n",
	.completion = COMPLETE_SUBCOMMAND,
	.options = TAKES_FORCE | TAKES_TIMEOUT,
	.targets = DEVICES,
	.subcommands = subcommands,
};
