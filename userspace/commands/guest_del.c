// SPDX-License-Identifier: GPL-2.0-or-later
/* guest del: removes what guest add has created. */
#include <errno.h>
#include <string.h>

#include <linux/pkt_sched.h>

#include "../report/report.h"
#include "guest.h"

/*
 * Opens the plug: packets that came while the filters were removed leave before the
 * ifb is deleted.
 */
static int drain_ifb(struct request *req, struct guest *guest)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const uint64_t deadline = clock_now() + (req->options.have_timeout ?
						 req->options.timeout : DEL_PATIENCE);
	struct kernel *kernel = &req->session->kernel;
	int error;

	if (req->options.force || guest->ifb.failed)
		return STATUS_OK;
	change_targets(kernel, &guest_plug, &guest->ifb, 1, &open, false);
	if (guest->ifb.failed && guest->ifb.failed != TARGET_GONE)
		return complain_target(req, &guest->ifb);
	error = drain_targets(kernel, &guest_plug, &guest->ifb, 1, deadline);
	if (error && error != ETIMEDOUT)
		return complain_netlink(req, error);
	return refuse_held(req, &guest->ifb, error == ETIMEDOUT);
}

/* Refuses if the ifb's plug holds packets. A plug that is already gone holds none. */
static int check_ifb(struct request *req, struct guest *guest)
{
	int error;

	if (!guest->old || req->options.force) {
		guest->ifb.failed = TARGET_GONE;
		return STATUS_OK;
	}
	error = refresh_targets(&req->session->kernel, &guest_plug, &guest->ifb, 1);
	if (error)
		return complain_netlink(req, error);
	/* The in-tree module does not report what was released. */
	return refuse_held(req, &guest->ifb, !guest->ifb.state.has_state);
}

/* Whether we have attached the clsact, and no other program has a filter in it. */
static bool may_del_qdisc(struct request *req, const struct guest *guest)
{
	struct guest_ingress now;

	return owns_qdisc(guest) && guest->ingress.has_qdisc &&
	       !guest_look(&req->session->kernel, guest->device.named, &now) &&
	       now.has_qdisc && !now.foreign && !now.foreign_egress;
}

/* Whether the step is done. ENOENT and ENODEV: somebody else has done it before us. */
static bool is_done(const struct answer *answer)
{
	return !answer->error || answer->error == ENOENT || answer->error == ENODEV;
}

static int unmake_guest(struct request *req, struct guest *guest)
{
	const struct guest_ingress *ingress = &guest->ingress;
	struct kernel *kernel = &req->session->kernel;
	const char *name = guest->device.name;
	const int device = guest->device.named;
	struct answer answer = { 0 };
	int status;

	if (ingress->redirected)
		guest_del_redirect(kernel, device, &answer);
	if (is_done(&answer) && ingress->passes_arp)
		guest_hold_arp(kernel, device, &answer);
	if (!is_done(&answer))
		return complain_refusal(req, name, answer.error, answer.text);
	status = drain_ifb(req, guest);
	if (status)
		return status;
	if (may_del_qdisc(req, guest))
		guest_del_qdisc(kernel, device, &answer);
	if (!is_done(&answer))
		return complain_refusal(req, name, answer.error, answer.text);
	if (guest->old)
		guest_del_link(kernel, guest->old->ifindex, &answer);
	return is_done(&answer) ? STATUS_OK :
	       complain_refusal(req, name, answer.error, answer.text);
}

static int del_one(struct request *req, const struct guest_links *links,
		   const char *name)
{
	struct guest guest;
	int status;

	status = read_guest(req, name, links, &guest);
	if (status)
		return status;
	if (guest.device.failed == TARGET_NO_DEVICE) {
		note(req, name, "no such device, and nothing is left of it");
		return STATUS_OK;
	}
	if (guest.device.failed)
		return complain_target(req, &guest.device);
	if (!guest.ingress.redirected && !guest.ingress.passes_arp && !guest.old) {
		note(req, name, "is not the device of a guest: nothing to remove");
		return STATUS_OK;
	}
	status = check_ifb(req, &guest);
	return status ? status : unmake_guest(req, &guest);
}

static int del_parse(struct request *req)
{
	return req->n ? parse_guest_devices(req) :
			complain_usage(req, "no device named");
}

static int del_run(struct request *req)
{
	return change_guests(req, del_one);
}

const struct command cmd_guest_del = {
	.name = "del",
	.group = &cmd_guest,
	.usage = "VIF...",
	.summary = "remove what guest add has created",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_FORCE | TAKES_TIMEOUT,
	.targets = DEVICES,
	.parse = del_parse,
	.run = del_run,
};
