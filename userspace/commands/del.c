// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../report/report.h"
#include "commands.h"

/* With the in-tree module, packets may never leave: do not wait long. */
#define PATIENCE_INTREE		NS_PER_S

static int refuse(struct request *req, struct target *target)
{
	const struct qdisc_state *state = &target->state;
	const char *name = target->name;

	target->failed = TARGET_NAMED;
	if (!state->has_state)
		return complain(req, STATUS_REFUSED, name,
				"holds %" PRIu32 " packets, and the in-tree module does not say whether they were released: plugctl open %s sends them, --force drops them",
				state->held_packets, name);
	if (plug_holds_unreleased(state))
		return complain(req, STATUS_REFUSED, name,
				"holds packets that were not released (%" PRIu32 " in the queue): plugctl open %s sends them, --force drops them",
				state->held_packets, name);
	if (state->stopped_packets)
		return complain(req, STATUS_REFUSED, name,
				"holds %" PRIu32 " released packets that were stopped when the plug was closed: plugctl open %s sends them, --force drops them",
				state->stopped_packets, name);
	return complain(req, STATUS_TIMEOUT, name,
			"timed out with %" PRIu32 " released packets in the queue: is the link up and its peer reading? --force drops them",
			state->held_packets);
}

int refuse_held(struct request *req, struct target *target, bool late)
{
	const struct qdisc_state *state = &target->state;

	if (req->options.force || target->failed ||
	    (!plug_holds_unreleased(state) && !state->stopped_packets &&
	     (!late || !plug_is_draining(state))))
		return STATUS_OK;
	return refuse(req, target);
}

/* Refuses a guest's plug: the redirect would stay, and the packets would pass. */
static void refuse_guest(struct request *req, struct target *target)
{
	if (target->failed || target->named == target->at.ifindex)
		return;
	target->failed = TARGET_NAMED;
	complain(req, STATUS_REFUSED, target->name,
		 "the plug is a guest's, and without it nothing would be held: plugctl guest del %s",
		 target->name);
}

static void check_held(struct request *req, bool late)
{
	unsigned int i;

	for (i = 0; i < req->targets.n; i++) {
		refuse_guest(req, &req->targets.v[i]);
		refuse_held(req, &req->targets.v[i], late);
	}
}

static uint64_t deadline(const struct request *req)
{
	uint64_t patience = DEL_PATIENCE;
	unsigned int i;

	for (i = 0; i < req->targets.n; i++)
		if (!req->targets.v[i].failed &&
		    !req->targets.v[i].state.has_state)
			patience = PATIENCE_INTREE;
	if (req->options.have_timeout)
		patience = req->options.timeout;
	return clock_now() + patience;
}

/*
 * Waits until released packets have left. Afterwards only plugs that may be detached
 * are TARGET_OK. A plug whose state could not be read is TARGET_UNCHECKED; with
 * --force it may be detached, too.
 */
static void make_ready(struct request *req)
{
	struct kernel *kernel = &req->session->kernel;
	const uint64_t until = deadline(req);
	unsigned int i;
	int error = 0;

	/* In a batch, a cached target has no state. */
	if (kernel->caching)
		error = refresh_targets(kernel, &req->options.selector,
					req->targets.v, req->targets.n);
	check_held(req, false);
	if (!error)
		error = drain_targets(kernel, &req->options.selector,
				      req->targets.v, req->targets.n, until);
	/* A closed plug gets more packets while another one drains. */
	check_held(req, error == ETIMEDOUT);
	for (i = 0; i < req->targets.n; i++)
		if (req->options.force &&
		    req->targets.v[i].failed == TARGET_UNCHECKED)
			req->targets.v[i].failed = TARGET_OK;
}

static void detach(struct request *req)
{
	const unsigned int n = req->targets.n;
	struct answer *answers = calloc(n, sizeof(*answers));
	struct order *orders = calloc(n, sizeof(*orders));
	struct target *target;
	unsigned int i, count = 0;

	if (!orders || !answers) {
		complain_memory(req);
		goto out;
	}
	for (i = 0; i < n; i++) {
		target = &req->targets.v[i];
		if (target->failed)
			continue;
		orders[count].kind = ORDER_DEL;
		orders[count++].at = target->at;
	}
	kernel_exchange(&req->session->kernel, orders, answers, count);
	for (i = 0, count = 0; i < n; i++) {
		target = &req->targets.v[i];
		if (target->failed)
			continue;
		target->failed = TARGET_NAMED;
		target->error = answers[count].error;
		if (!answers[count].complete && !answers[count].sent)
			target->failed = TARGET_NOT_SENT;
		else if (!answers[count].complete)
			complain(req, STATUS_REFUSED, target->name,
				 "no answer, it may have been detached or not: see plugctl show");
		else if (answers[count].error)
			complain_refusal(req, target->name, answers[count].error,
					 answers[count].text);
		count++;
	}
out:
	free(orders);
	free(answers);
}

static int del_run(struct request *req)
{
	unsigned int i;

	make_ready(req);
	for (i = 0; i < req->targets.n; i++) {
		struct target *target = &req->targets.v[i];

		if (target->failed != TARGET_GONE)
			continue;
		target->failed = TARGET_NAMED;
		complain(req, STATUS_REFUSED, target->name,
			 "the plug is gone already: somebody else detached it, or the device");
	}
	detach(req);
	return STATUS_OK;
}

const struct command cmd_del = {
	.name = "del",
	.usage = "DEV...",
	.summary = "detach the plug once what was released has left",
	.details =
"Refuses while packets are held that were not released, or were stopped by\n"
"\"buffer\"; --force drops them.\n"
"Waits at most 10 s, or --timeout, for released packets to leave.\n",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_FORCE | TAKES_SELECT | TAKES_ALL | TAKES_TIMEOUT | PRINTS_NOTHING,
	.targets = PLUGS,
	.run = del_run,
};
