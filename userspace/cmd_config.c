// SPDX-License-Identifier: GPL-2.0-or-later
/* What is there and how large it may get: add, del, limit. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>

#include "clock.h"
#include "module.h"
#include "parse.h"
#include "plugctl.h"
#include "print.h"
#include "target.h"
#include "wait.h"

/* What both modules can start open with: the least that ours would choose. */
#define START_LIMIT	10000000

/* From here on the kernel gives handles of its own choice. */
#define FIRST_HANDLE	(0x8001U << 16)

/* Unless --timeout says otherwise. */
#define DEL_PATIENCE		(10 * NS_PER_S)
#define DEL_PATIENCE_INTREE	NS_PER_S

struct add {
	struct address at;
	bool have_limit;
	bool open;
	uint32_t limit;
	struct action action;
	bool use_action;
	bool force;
};

static const char *next_word(struct plugctl *ctx, const struct args *args, int *i)
{
	if (++*i < args->n)
		return args->v[*i];
	complain_usage(ctx, "nothing follows '%s'", args->v[*i - 1]);
	return NULL;
}

static int parse_limit(struct plugctl *ctx, const char *word, uint32_t *limit)
{
	if (parse_size(word, limit))
		return STATUS_OK;
	return complain_usage(ctx, "'%s' is no size: write bytes (1500), KiB (64K or 64KiB), MiB (10M), GiB (1G), at most 4GiB-1",
			      word);
}

static void note_small_limit(struct plugctl *ctx, const char *name, uint32_t limit)
{
	if (limit && limit < ETH_FRAME_LEN)
		note(ctx, name, "warning: a limit of %" PRIu32 " bytes is less than one full frame (%d): larger packets are dropped",
		     limit, ETH_FRAME_LEN);
}

static int parse_place(struct plugctl *ctx, const char *keyword,
		       const char *word, struct add *add)
{
	if (!strcmp(keyword, "parent")) {
		if (parse_parent(word, &add->at.parent))
			return STATUS_OK;
		return complain_usage(ctx, "'%s' is no parent: write root or a class such as 1:4",
				      word);
	}
	if (parse_handle(word, &add->at.handle))
		return STATUS_OK;
	return complain_usage(ctx, "'%s' is no handle: write one such as 8001",
			      word);
}

static int parse_add(struct plugctl *ctx, const struct args *args, struct add *add)
{
	int i;

	for (i = 1; i < args->n; i++) {
		const char *keyword = args->v[i], *word;

		if (!strcmp(keyword, "open")) {
			add->open = true;
		} else if (!strcmp(keyword, "closed")) {
			add->open = false;
		} else if (!strcmp(keyword, "root")) {
			add->at.parent = TC_H_ROOT;
		} else if (!strcmp(keyword, "limit")) {
			word = next_word(ctx, args, &i);
			if (!word || parse_limit(ctx, word, &add->limit))
				return ctx->status;
			add->have_limit = add->limit != 0;
		} else if (!strcmp(keyword, "parent") ||
			   !strcmp(keyword, "handle")) {
			word = next_word(ctx, args, &i);
			if (!word || parse_place(ctx, keyword, word, add))
				return ctx->status;
		} else {
			return complain_usage(ctx, "'%s' is not a word of add (one device at a time)",
					      keyword);
		}
	}
	return STATUS_OK;
}

/*
 * A message that does the right thing with either module. The in-tree one
 * takes a limit of 0 literally, and would drop everything: so there is no
 * options attribute at all, or one with a limit in it.
 */
static void choose_options(struct add *add)
{
	add->action.code = add->open ? TCQ_PLUG_RELEASE_INDEFINITE :
				       TCQ_PLUG_BUFFER;
	add->action.limit = add->have_limit ? add->limit : START_LIMIT;
	add->use_action = add->open || add->have_limit;
}

static struct nlmsghdr *build_add(void *buf, unsigned int i, void *data)
{
	const struct add *add = data;

	(void)i;
	return message_add(buf, &add->at, add->use_action ? &add->action : NULL,
			   add->force);
}

static int complain_kind(struct plugctl *ctx, const char *name)
{
	struct module_info info;
	char advice[ADVICE_MAX];

	module_look(&info, "", NULL);
	module_advice(advice, &info);
	return complain(ctx, STATUS_REFUSED, name,
			"the kernel does not know the qdisc kind plug: %s", advice);
}

/* What somebody attached where the plug is to go, or NULL. */
static const struct qdisc_state *occupant(const struct qdisc_list *list,
					  const struct address *at)
{
	size_t i = qdisc_list_first(list, at->ifindex);

	/* A handle of 0 is the kernel's default qdisc, there for the taking. */
	for (; i < list->n && list->v[i].ifindex == at->ifindex; i++)
		if (list->v[i].handle && list->v[i].parent == at->parent)
			return &list->v[i];
	return NULL;
}

/* Something is there: say what, and how to get on. */
static int complain_occupied(struct plugctl *ctx, const char *name,
			     const struct qdisc_state *there)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, there->handle);
	format_parent(parent, there->parent);
	if (qdisc_is_plug(there))
		return complain(ctx, STATUS_REFUSED, name,
				"already has a plug (%s at %s): use it as it is, or replace it with --force, which drops what it holds",
				handle, parent);
	return complain(ctx, STATUS_REFUSED, name,
			"qdisc %s %s was attached at %s on purpose: attach the plug below it with parent CLASSID, or replace it with --force",
			there->kind, handle, parent);
}

static int complain_handle(struct plugctl *ctx, const char *name,
			   const struct qdisc_state *there)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, there->handle);
	format_parent(parent, there->parent);
	return complain(ctx, STATUS_REFUSED, name,
			"handle %s belongs to qdisc %s at %s: choose another one, or detach that qdisc first",
			handle, there->kind, parent);
}

/*
 * The message always names a handle that nothing on the device has. With one,
 * NLM_F_REPLACE alone decides whether what is there is replaced; without one,
 * recent kernels (6.1 is one) replace a qdisc of another kind even for NLM_F_EXCL.
 */
static int choose_handle(struct plugctl *ctx, const char *name, struct add *add)
{
	struct qdisc_list list = { 0 };
	const struct qdisc_state *there;
	uint32_t handle;
	int error;

	error = netlink_dump(ctx->nl, add->at.ifindex, false, &list);
	if (error) {
		complain_netlink(ctx, error);
		goto out;
	}
	there = occupant(&list, &add->at);
	if (there && !add->force) {
		complain_occupied(ctx, name, there);
		goto out;
	}
	if (add->at.handle) {
		there = qdisc_list_find(&list, add->at.ifindex, add->at.handle);
		if (there)
			complain_handle(ctx, name, there);
		goto out;
	}
	/* As the kernel does it itself. */
	for (handle = FIRST_HANDLE;
	     qdisc_list_find(&list, add->at.ifindex, handle); )
		handle += 1U << 16;
	add->at.handle = handle;
out:
	qdisc_list_free(&list);
	return ctx->status;
}

static int complain_add(struct plugctl *ctx, const char *name,
			const struct answer *answer)
{
	switch (answer->error) {
	case EEXIST:
		return complain(ctx, STATUS_REFUSED, name,
				"somebody else attached a qdisc at the same moment: see tc qdisc show dev %s",
				name);
	case ENOENT:
		/* Without extack (before 4.16) this is the likely reason. */
		if (!answer->text[0] || strstr(answer->text, "kind is unknown"))
			return complain_kind(ctx, name);
		break;
	}
	return complain_refusal(ctx, name, answer);
}

/* How it is known to the family, if there is one, and its state. */
static bool find_added(struct plugctl *ctx, const struct add *add,
		       struct target *target)
{
	const struct qdisc_state *state = NULL;
	struct qdisc_list list = { 0 };
	int error;

	target->at = add->at;
	error = list_plugs(ctx, target, 1, ctx->opt.json, &list);
	if (error)
		complain_netlink(ctx, error);
	else
		state = qdisc_list_find(&list, add->at.ifindex, add->at.handle);
	if (state) {
		set_target(target, state);
		target->usable = true;
	} else if (!error) {
		complain(ctx, STATUS_REFUSED, target->name,
			 "the plug was attached and is gone again: see tc qdisc show dev %s",
			 target->name);
	}
	qdisc_list_free(&list);
	return target->usable;
}

/*
 * The in-tree module always starts closed. Ours is open by now, but with a
 * limit that was only right for the other one.
 */
static void finish_add(struct plugctl *ctx, const struct add *add,
		       struct target *target)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const struct action limit = { .code = TCQ_PLUG_LIMIT };

	if (!add->open)
		return;
	if (!target->told)
		send_action(ctx, target, 1, &open, true, false);
	else if (!add->have_limit)
		send_action(ctx, target, 1, &limit, true, false);
}

int cmd_add(struct plugctl *ctx, const struct args *args)
{
	struct add add = {
		.at.parent = ctx->opt.have_parent ? ctx->opt.parent : TC_H_ROOT,
		.at.handle = ctx->opt.have_handle ? ctx->opt.handle : 0,
		.force = ctx->opt.force,
	};
	struct answer answer = { 0 };
	struct target target = { 0 };
	int error;

	if (args->n < 1)
		return complain_usage(ctx, "no device named");
	if (parse_add(ctx, args, &add))
		return ctx->status;
	if (netlink_open(ctx))
		return ctx->status;
	target.name = args->v[0];
	add.at.ifindex = find_device(ctx, target.name);
	if (!add.at.ifindex)
		return ctx->status;
	if (choose_handle(ctx, target.name, &add))
		return ctx->status;
	choose_options(&add);
	error = netlink_exchange(ctx->nl, 1, false, build_add, &add, &answer);
	if (error)
		return complain_netlink(ctx, error);
	if (answer.error)
		return complain_add(ctx, target.name, &answer);
	if (!find_added(ctx, &add, &target))
		return ctx->status;
	finish_add(ctx, &add, &target);
	note_small_limit(ctx, target.name, add.limit);
	print_targets(ctx, &target, 1);
	return ctx->status;
}

static struct nlmsghdr *build_del(void *buf, unsigned int i, void *data)
{
	struct target *const *targets = data;

	return message_del(buf, &targets[i]->at);
}

/* Not usable any more: it will not be detached. */
static void refuse(struct plugctl *ctx, struct target *target)
{
	target->usable = false;
	if (!target->told)
		complain(ctx, STATUS_REFUSED, target->name,
			 "holds %" PRIu32 " packets, and the in-tree module does not tell whether they were released: plugctl open %s sends them, --force drops them",
			 target->state.held_packets, target->name);
	else if (plug_holds_unreleased(&target->state))
		complain(ctx, STATUS_REFUSED, target->name,
			 "holds packets that were not released (%" PRIu32 " in the queue): plugctl open %s sends them, --force drops them",
			 target->state.held_packets, target->name);
	else if (target->state.stopped_packets)
		complain(ctx, STATUS_REFUSED, target->name,
			 "holds %" PRIu32 " released packets that were stopped when the plug was closed: plugctl open %s sends them, --force drops them",
			 target->state.stopped_packets, target->name);
	else
		complain(ctx, STATUS_TIMEOUT, target->name,
			 "timed out with %" PRIu32 " released packets in the queue: is the link up and its peer reading? --force drops them",
			 target->state.held_packets);
}

/* Packets that will not leave by themselves. */
static void check_held(struct plugctl *ctx, struct target *targets,
		       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].usable &&
		    (plug_holds_unreleased(&targets[i].state) ||
		     targets[i].state.stopped_packets))
			refuse(ctx, &targets[i]);
}

static uint64_t del_deadline(const struct plugctl *ctx,
			     const struct target *targets, unsigned int n)
{
	uint64_t patience = DEL_PATIENCE;
	unsigned int i;

	/* What its plug holds may never leave: no use in waiting long. */
	for (i = 0; i < n; i++)
		if (targets[i].usable && !targets[i].told)
			patience = DEL_PATIENCE_INTREE;
	if (ctx->opt.have_timeout)
		patience = ctx->opt.timeout;
	return clock_now() + patience;
}

/* Leaves usable what may be detached now. */
static void make_ready(struct plugctl *ctx, struct target *targets, unsigned int n)
{
	uint64_t deadline = del_deadline(ctx, targets, n);
	unsigned int i;

	if (ctx->memory && refresh_targets(ctx, targets, n))
		return;
	if (!ctx->opt.force)
		check_held(ctx, targets, n);
	if (!drain_targets(ctx, targets, n, deadline) && !ctx->opt.force)
		for (i = 0; i < n; i++)
			if (targets[i].usable &&
			    plug_is_draining(&targets[i].state))
				refuse(ctx, &targets[i]);
	/* A closed plug goes on collecting while another one drains. */
	if (!ctx->opt.force)
		check_held(ctx, targets, n);
}

static void detach(struct plugctl *ctx, struct target *targets, unsigned int n)
{
	struct target **usable = calloc(n, sizeof(*usable));
	struct answer *answers = calloc(n, sizeof(*answers));
	unsigned int i, count = 0;
	int error;

	if (!usable || !answers) {
		complain_memory(ctx);
		goto out;
	}
	for (i = 0; i < n; i++)
		if (targets[i].usable)
			usable[count++] = &targets[i];
	error = count ? netlink_exchange(ctx->nl, count, false, build_del,
					 usable, answers) : 0;
	if (error)
		complain_netlink(ctx, error);
	for (i = 0; i < count; i++) {
		if (!answers[i].complete)
			complain(ctx, STATUS_REFUSED, usable[i]->name,
				 "no answer, it may have been detached or not: see plugctl show");
		else if (answers[i].error)
			complain_refusal(ctx, usable[i]->name, &answers[i]);
	}
out:
	free(usable);
	free(answers);
}

static void complain_vanished(struct plugctl *ctx, const struct target *targets,
			      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].gone)
			complain(ctx, STATUS_REFUSED, targets[i].name,
				 "the plug is gone already: somebody else detached it, or the device");
}

int cmd_del(struct plugctl *ctx, const struct args *args)
{
	unsigned int n = (unsigned int)args->n;
	struct target *targets;

	if (!n)
		return complain_usage(ctx, "no device named");
	targets = find_targets(ctx, args->v, n);
	if (!targets)
		return ctx->status;
	make_ready(ctx, targets, n);
	complain_vanished(ctx, targets, n);
	detach(ctx, targets, n);
	free(targets);
	return ctx->status;
}

int cmd_limit(struct plugctl *ctx, const struct args *args)
{
	bool echo = ctx->opt.verbose || ctx->opt.json;
	struct action action = { .code = TCQ_PLUG_LIMIT };
	struct target *target;

	if (args->n != 2)
		return complain_usage(ctx, "one device and one size are needed");
	if (parse_limit(ctx, args->v[1], &action.limit))
		return ctx->status;
	target = find_targets(ctx, args->v, 1);
	if (!target)
		return ctx->status;
	if (target->usable && !target->told && !action.limit) {
		target->usable = false;
		complain(ctx, STATUS_REFUSED, target->name,
			 "with the in-tree module a limit of 0 drops every packet: name a size");
	}
	send_action(ctx, target, 1, &action, echo, false);
	if (target->usable)
		note_small_limit(ctx, target->name, action.limit);
	print_targets(ctx, target, 1);
	free(target);
	return ctx->status;
}
