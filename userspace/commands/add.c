// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "../cli/parse.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/*
 * The limit in the message if the plug starts open and the user names no limit. It is
 * the smallest that our module would choose.
 */
#define START_LIMIT	10000000

/* The kernel assigns its own handles from here on. */
#define FIRST_HANDLE	(0x8001U << 16)

int parse_open(struct request *req, const char *word)
{
	struct attachment *wanted = &req->attachment;
	const bool open = word[0] == 'o';

	if (wanted->have_open && wanted->open != open)
		return complain_usage(req, "both 'open' and 'closed': write one of them");
	wanted->have_open = true;
	wanted->open = open;
	return STATUS_OK;
}

const char *nearest_keyword(const char *word, bool guest)
{
	/* guest add has the first four, add has all but the first. */
	static const char *const keywords[] = {
		"except", "limit", "open", "closed", "parent", "handle", "root",
	};
	const unsigned int n = sizeof(keywords) / sizeof(keywords[0]);
	unsigned int i;

	for (i = guest ? 0 : 1; i < (guest ? 4 : n); i++)
		if (edit_distance(word, keywords[i]) <= (keywords[i][4] ? 2U : 1U))
			return keywords[i];
	return NULL;
}

static int complain_keyword(struct request *req, const char *word)
{
	const char *nearest = nearest_keyword(word, false);

	if (nearest)
		return complain_usage(req, "unknown argument '%s': was \"%s\" meant?",
				      word, nearest);
	return complain_usage(req, "unknown argument '%s' (one device at a time)",
			      word);
}

/* Parses the words after the device. */
static int parse_keywords(struct request *req)
{
	struct attachment *wanted = &req->attachment;
	int i, status = STATUS_OK;

	for (i = 1; i < req->n && !status; i++) {
		const char *word = req->words[i], *value = req->words[i + 1];
		bool has_value = !strcmp(word, "limit") ||
				 !strcmp(word, "parent") || !strcmp(word, "handle");

		if (has_value && i + 1 >= req->n)
			return complain_usage(req, "'%s' needs a value", word);
		if (!strcmp(word, "open") || !strcmp(word, "closed")) {
			status = parse_open(req, word);
		} else if (!strcmp(word, "root")) {
			wanted->parent = TC_H_ROOT;
		} else if (!strcmp(word, "limit")) {
			status = parse_limit(req, value, &wanted->limit);
		} else if (!strcmp(word, "parent")) {
			if (!parse_parent(value, &wanted->parent))
				return complain_usage(req, "'%s' is not a parent: write root or a class such as 1:4",
						      value);
		} else if (!strcmp(word, "handle")) {
			if (!parse_handle(value, &wanted->handle))
				return complain_usage(req, "'%s' is not a handle: write one such as 8001",
						      value);
		} else {
			return complain_keyword(req, word);
		}
		i += has_value;
	}
	return status;
}

static int add_parse(struct request *req)
{
	const struct selector *selector = &req->options.selector;

	if (!req->n)
		return complain_usage(req, "no device named");
	req->attachment.parent = selector->have_parent ? selector->parent : TC_H_ROOT;
	req->attachment.handle = selector->have_handle ? selector->handle : 0;
	return parse_keywords(req);
}

/*
 * The message must work with both modules. The in-tree module takes a limit of 0
 * literally, and would drop everything. So the message has no options attribute at
 * all, or one with a limit.
 */
static struct order make_order(const struct request *req, int ifindex)
{
	const struct attachment *wanted = &req->attachment;

	return (struct order){
		.kind = ORDER_ADD, .force = req->options.force,
		.at.ifindex = ifindex, .at.parent = wanted->parent,
		.at.handle = wanted->handle,
		.action.code = wanted->open ? TCQ_PLUG_RELEASE_INDEFINITE :
					      TCQ_PLUG_BUFFER,
		.action.limit = wanted->limit ? wanted->limit : START_LIMIT,
		.no_options = !wanted->open && !wanted->limit,
	};
}

/* The qdisc explicitly attached at that parent, or with that handle; or NULL. */
static const struct qdisc_state *find_qdisc(const struct qdisc_list *list,
					    int ifindex, uint32_t parent,
					    uint32_t handle)
{
	const struct qdisc_state *qdisc;

	/* Handle 0: a default qdisc of the kernel, which may be replaced. */
	for (qdisc = list->v; qdisc < list->v + list->n; qdisc++)
		if (qdisc->ifindex == ifindex && qdisc->handle &&
		    (handle ? qdisc->handle == handle : qdisc->parent == parent))
			return qdisc;
	return NULL;
}

/* Another qdisc is at that parent: reports which, and what to do. */
static int complain_occupied(struct request *req, const char *name,
			     const struct qdisc_state *there)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, there->handle);
	format_parent(parent, there->parent);
	if (qdisc_is_plug(there))
		return complain(req, STATUS_REFUSED, name,
				"already has a plug (%s at %s): use that one (--keep), or replace it with --force, which drops what it holds",
				handle, parent);
	return complain(req, STATUS_REFUSED, name,
			"qdisc %s %s was attached at %s on purpose: attach the plug below it with parent CLASSID, or replace it with --force",
			there->kind, handle, parent);
}

static int complain_handle(struct request *req, const char *name,
			   const struct qdisc_state *there)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, there->handle);
	format_parent(parent, there->parent);
	return complain(req, STATUS_REFUSED, name,
			"handle %s belongs to qdisc %s at %s: choose another one, or detach that qdisc first",
			handle, there->kind, parent);
}

/*
 * Chooses a handle that no qdisc of the device has. If the message names such a
 * handle, only NLM_F_REPLACE decides whether an existing qdisc is replaced. Without a
 * handle, recent kernels (for example 6.1) replace a qdisc of another kind even with
 * NLM_F_EXCL. Returns a status.
 * @kept: with --keep, there is a plug already. Its handle is now in @at, and nothing
 *        has to be sent.
 */
static int choose_handle(struct request *req, const char *name, struct address *at,
			 bool *kept)
{
	struct qdisc_list list = { 0 };
	const struct qdisc_state *there;
	int error, status = STATUS_OK;
	uint32_t handle;

	error = kernel_dump_qdiscs(&req->session->kernel, at->ifindex, &list);
	if (error) {
		status = complain_netlink(req, error);
		goto out;
	}
	there = find_qdisc(&list, at->ifindex, at->parent, 0);
	*kept = there && req->options.keep && qdisc_is_plug(there);
	if (*kept) {
		at->handle = there->handle;
		goto out;
	}
	if (there && !req->options.force) {
		status = complain_occupied(req, name, there);
		goto out;
	}
	if (at->handle) {
		there = find_qdisc(&list, at->ifindex, 0, at->handle);
		if (there)
			status = complain_handle(req, name, there);
		goto out;
	}
	/* The kernel chooses handles in the same way. */
	for (handle = FIRST_HANDLE; find_qdisc(&list, at->ifindex, 0, handle); )
		handle += 1U << 16;
	at->handle = handle;
out:
	free(list.v);
	return status;
}

static int complain_add(struct request *req, const char *name,
			const struct answer *answer)
{
	if (!answer->complete && !answer->sent)
		return complain(req, STATUS_REFUSED, name,
				"the command could not be sent (%s), so nothing was attached: try again",
				strerror(answer->error));
	if (!answer->complete)
		return complain(req, STATUS_REFUSED, name,
				"no answer, the plug may have been attached or not (%s): see plugctl show %s",
				strerror(answer->error), name);
	if (answer->error == EEXIST)
		return complain(req, STATUS_REFUSED, name,
				"somebody else attached a qdisc at the same moment: see tc qdisc show dev %s",
				name);
	/* Without extack (before 4.16) this is the most likely reason. */
	if (answer->error == ENOENT &&
	    (!answer->text[0] || strstr(answer->text, "kind is unknown")))
		return complain_kind(req, name);
	return complain_refusal(req, name, answer->error, answer->text);
}

/*
 * Reads the state of the new plug and, if there is the family, its id. Returns an
 * errno; ENOENT: the plug is gone.
 */
static int find_added(struct request *req, const struct address *at,
		      struct target *target)
{
	struct kernel *kernel = &req->session->kernel;
	struct qdisc_list list = { 0 };
	const struct qdisc_state *state;
	int error;

	error = list_plugs(kernel, target, 1, req->session->out.json, &list);
	state = error ? NULL : find_qdisc(&list, at->ifindex, 0, at->handle);
	if (state) {
		target->state = *state;
		target->at = *at;
		target->at.id = state->id;
		added_target(kernel, &req->options.selector, target,
			     req->options.force);
	} else if (!error) {
		error = ENOENT;
	}
	free(list.v);
	return error;
}

/*
 * Opens or detaches the plug at the address that it was given, which no other qdisc
 * had. Returns whether the kernel has done it.
 */
static bool send_order(struct request *req, const struct address *at,
		       enum order_kind kind)
{
	const struct order order = {
		.kind = kind, .at = *at,
		.action.code = TCQ_PLUG_RELEASE_INDEFINITE,
	};
	struct answer answer;

	kernel_exchange(&req->session->kernel, &order, &answer, 1);
	return answer.complete && !answer.error;
}

/*
 * The plug was attached, but its state cannot be read. If it was to start open, it may
 * still be closed, as with the in-tree module. So it is opened or, if that fails,
 * detached.
 */
static int complain_unread(struct request *req, const struct address *at,
			   const char *name, int error)
{
	const char *why = strerror(error);

	if (error == ENOENT)
		return complain(req, STATUS_REFUSED, name,
				"the plug was attached and is gone again: see tc qdisc show dev %s",
				name);
	if (!req->attachment.open)
		return complain(req, STATUS_REFUSED, name,
				"the plug was attached, but its state could not be read (%s): see plugctl show %s",
				why, name);
	if (send_order(req, at, ORDER_CHANGE))
		return complain(req, STATUS_REFUSED, name,
				"the plug was attached and opened, but its state could not be read (%s): see plugctl show %s",
				why, name);
	if (send_order(req, at, ORDER_DEL))
		return complain(req, STATUS_REFUSED, name,
				"the plug was attached, but could not be opened and was detached again (%s): try again",
				why);
	return complain(req, STATUS_REFUSED, name,
			"the plug was attached, may be closed, and could neither be opened nor detached (%s): plugctl open %s",
			why, name);
}

/*
 * Completes a plug that was to start open. With the in-tree module it is still closed.
 * With ours it is open, but has the limit that was meant for the in-tree module.
 */
static void finish(struct request *req, struct target *target)
{
	const struct attachment *wanted = &req->attachment;
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const struct action limit = { .code = TCQ_PLUG_LIMIT };
	const struct action *action = NULL;

	if (wanted->open && !target->state.has_state)
		action = &open;
	else if (wanted->open && !wanted->limit)
		action = &limit;
	if (action)
		change_targets(&req->session->kernel, &req->options.selector,
			       target, 1, action, true);
}

int attach_plug(struct request *req, struct target *target)
{
	struct order order = make_order(req, target->at.ifindex);
	const char *name = target->name;
	struct answer answer;
	bool kept = false;
	int status, error;

	status = choose_handle(req, name, &order.at, &kept);
	if (status)
		return status;
	if (kept) {
		error = find_added(req, &order.at, target);
		return error ? complain_netlink(req, error) : STATUS_OK;
	}
	kernel_exchange(&req->session->kernel, &order, &answer, 1);
	/* The plug may have been attached. If so, it must not stay closed. */
	if (!answer.complete && answer.sent && req->attachment.open)
		send_order(req, &order.at, ORDER_CHANGE);
	if (!answer.complete || answer.error)
		return complain_add(req, name, &answer);
	error = find_added(req, &order.at, target);
	if (error)
		return complain_unread(req, &order.at, name, error);
	finish(req, target);
	own_targets(&req->session->kernel, &req->options.selector, target, 1,
		    &order.action);
	note_small_limit(req, name, req->attachment.limit);
	return STATUS_OK;
}

static int add_run(struct request *req)
{
	struct target *target = req->targets.v;
	int status;

	if (target->failed)
		return STATUS_OK;
	status = attach_plug(req, target);
	if (status)
		target->failed = TARGET_NAMED;
	return status;
}

const struct command cmd_add = {
	.name = "add",
	.usage = "DEV [limit SIZE] [open|closed] [parent CLASSID] [handle H:]",
	.summary = "attach a plug: at the root and closed, unless you say otherwise",
	.details =
"A closed plug holds every packet from the first moment on; with \"open\" they\n"
"pass. SIZE is in bytes, or with K, M, G (powers of 1024), at most 4GiB-1.\n"
"Another qdisc that was attached on purpose stays, unless with --force, which drops\n"
"what it holds. With --keep a plug that is there already is no failure, and keeps\n"
"what it holds.\n",
	.keywords = "limit open closed parent handle",
	.completion = COMPLETE_DEVICE,
	.options = TAKES_FORCE | TAKES_KEEP | TAKES_SELECT,
	.targets = ONE_DEVICE,
	.parse = add_parse,
	.run = add_run,
};
