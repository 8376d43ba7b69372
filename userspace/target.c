// SPDX-License-Identifier: GPL-2.0-or-later
/* From the devices that somebody names to the plugs that the kernel has. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "family.h"
#include "memory.h"
#include "parse.h"
#include "target.h"

/* So often the kernel must leave out a plug before it counts as not there. */
#define LIST_TRIES	3

int complain_netlink(struct plugctl *ctx, int error)
{
	switch (error) {
	case EAGAIN:
		return complain(ctx, STATUS_REFUSED, NULL,
				"the list of qdiscs changed faster than it could be read: try again");
	case ENOBUFS:
		return complain(ctx, STATUS_REFUSED, NULL,
				"the kernel's answers did not fit into the socket: name fewer devices at once");
	case ENOMEM:
		return complain_memory(ctx);
	case EPERM:
	case EACCES:
		return complain(ctx, STATUS_NO_ACCESS, NULL,
				"netlink: %s: run plugctl as root", strerror(error));
	default:
		return complain(ctx, STATUS_REFUSED, NULL,
				"netlink: %s: does this kernel have CONFIG_NET_SCHED?",
				strerror(error));
	}
}

static const char *advice(int error)
{
	switch (error) {
	case ENODEV:
	case ENXIO:
		return "see ip link";
	case ENOENT:
		return "see tc qdisc show and tc class show";
	case EOPNOTSUPP:
		return "this kernel was built without CONFIG_NET_SCHED";
	case EINVAL:
		return "plugctl show tells its state, plugctl(8) what is allowed";
	case EBUSY:
	case EAGAIN:
	case ENOMEM:
	case ENOBUFS:
		return "try again";
	default:
		return "see plugctl show";
	}
}

int complain_refusal(struct plugctl *ctx, const char *where,
		     const struct answer *answer)
{
	if (answer->error == EPERM)
		return complain(ctx, STATUS_NO_ACCESS, where,
				"permission denied: run plugctl as root or with CAP_NET_ADMIN");
	if (answer->text[0])
		return complain(ctx, STATUS_REFUSED, where,
				"the kernel refused: %s (%s): %s", answer->text,
				strerror(answer->error), advice(answer->error));
	return complain(ctx, STATUS_REFUSED, where, "the kernel refused: %s: %s",
			strerror(answer->error), advice(answer->error));
}

int find_device(struct plugctl *ctx, const char *name)
{
	size_t len = strlen(name);
	int ifindex;

	if (len >= DEVICE_NAME_MAX) {
		complain(ctx, STATUS_REFUSED, name,
			 "no device name is that long (the most is %d characters, %d for an alternative name): see ip link",
			 IFNAMSIZ - 1, DEVICE_NAME_MAX - 1);
		return 0;
	}
	ifindex = netlink_ifindex(ctx->nl, name);
	if (ifindex)
		return ifindex;
	if (len >= IFNAMSIZ)
		complain(ctx, STATUS_REFUSED, name,
			 "no such device (the name is too long for a device, which has at most %d characters, and nothing has it as alternative name): see ip link",
			 IFNAMSIZ - 1);
	else
		complain(ctx, STATUS_REFUSED, name, "no such device: see ip link");
	return 0;
}

bool is_selected(const struct plugctl *ctx, const struct qdisc_state *state)
{
	if (ctx->opt.have_parent && state->parent != ctx->opt.parent)
		return false;
	return !ctx->opt.have_handle || state->handle == ctx->opt.handle;
}

/*
 * The plug of a device in a sorted list, in a count of how many match. A plug
 * that the kernel made as default qdisc has no handle and takes no commands:
 * one that was added explicitly goes first.
 */
static const struct qdisc_state *select_plug(const struct plugctl *ctx,
					     const struct qdisc_list *list,
					     int ifindex, unsigned int *count)
{
	const struct qdisc_state *found = NULL;
	size_t i = qdisc_list_first(list, ifindex);

	*count = 0;
	for (; i < list->n && list->v[i].ifindex == ifindex; i++) {
		if (!is_selected(ctx, &list->v[i]))
			continue;
		if (found && !found->handle && list->v[i].handle)
			*count = 0;
		if (!*count)
			found = &list->v[i];
		(*count)++;
	}
	return found;
}

static bool has_plug(const struct qdisc_list *list, int ifindex)
{
	size_t i = qdisc_list_first(list, ifindex);

	return i < list->n && list->v[i].ifindex == ifindex;
}

int complain_no_plug(struct plugctl *ctx, const char *name)
{
	if (ctx->opt.have_parent || ctx->opt.have_handle)
		return complain(ctx, STATUS_REFUSED, name,
				"no plug at that parent or handle: plugctl show %s lists those it has",
				name);
	return complain(ctx, STATUS_REFUSED, name,
			"has no plug: attach one with plugctl add %s", name);
}

static int complain_many(struct plugctl *ctx, const char *name,
			 const struct qdisc_state *one, unsigned int count)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, one->handle);
	format_parent(parent, one->parent);
	return complain(ctx, STATUS_REFUSED, name,
			"has %u plugs: say which with --handle or --parent (one is --handle %s --parent %s, plugctl show %s lists all)",
			count, handle, parent, name);
}

void set_target(struct target *target, const struct qdisc_state *state)
{
	/* After a command by handle the kernel does not tell the parent. */
	const uint32_t parent = state->parent ? state->parent : target->at.parent;

	target->state = *state;
	target->state.parent = parent;
	target->told = state->told;
	target->at.ifindex = state->ifindex;
	target->at.handle = state->handle;
	target->at.parent = parent;
	target->at.id = state->id;
}

struct netlink *socket_of(const struct plugctl *ctx, const struct target *target)
{
	return target->at.id ? ctx->generic : ctx->nl;
}

static void choose(struct plugctl *ctx, const struct qdisc_list *list,
		   struct target *target)
{
	const struct qdisc_state *state;
	struct remembered what;
	unsigned int count;

	state = select_plug(ctx, list, target->at.ifindex, &count);
	if (!state) {
		complain_no_plug(ctx, target->name);
		return;
	}
	if (count > 1) {
		complain_many(ctx, target->name, state, count);
		return;
	}
	if (!state->handle) {
		complain(ctx, STATUS_REFUSED, target->name,
			 "its plug is the kernel's default qdisc, which takes no commands: attach one with plugctl add %s",
			 target->name);
		return;
	}
	set_target(target, state);
	target->usable = true;
	if (ctx->memory) {
		what.at = target->at;
		what.told = target->told;
		memory_set(ctx->memory, target->name, &ctx->opt, &what);
	}
}

static void recall(struct target *target, const struct remembered *what)
{
	target->at = what->at;
	target->told = what->told;
	target->remembered = true;
	target->usable = true;
}

/* Returns whether to look for its plug. */
static bool locate(struct plugctl *ctx, struct target *target)
{
	struct remembered what;
	bool known;

	known = ctx->memory &&
		memory_get(ctx->memory, target->name, &ctx->opt, &what);
	if (known && what.fresh) {
		recall(target, &what);
		return false;
	}
	target->at.ifindex = find_device(ctx, target->name);
	if (!known || what.at.ifindex != target->at.ifindex)
		return target->at.ifindex != 0;
	memory_refresh(ctx->memory, target->name, &ctx->opt);
	recall(target, &what);
	return false;
}

/* By another name of the device, for example. */
static void find_twins(struct target *targets, unsigned int n)
{
	unsigned int i, j;

	for (i = 1; i < n; i++)
		for (j = 0; j < i && targets[i].usable; j++)
			if (targets[j].usable &&
			    targets[i].at.ifindex == targets[j].at.ifindex &&
			    targets[i].at.handle == targets[j].at.handle) {
				targets[i].usable = false;
				targets[i].twin = true;
			}
}

static __attribute__((noinline)) void clear_targets(struct target *targets,
						    unsigned int n)
{
	memset(targets, 0, n * sizeof(*targets));
}

/* Not calloc(), which glibc has no short way for: each line of a batch is here. */
static struct target *new_targets(unsigned int n)
{
	struct target *targets = malloc((n + 1) * sizeof(*targets));

	if (targets)
		clear_targets(targets, n);
	return targets;
}

static bool lacks_plug(const struct target *targets, unsigned int n,
		       const struct qdisc_list *list)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (targets[i].at.ifindex && !targets[i].gone &&
		    !has_plug(list, targets[i].at.ifindex))
			return true;
	return false;
}

static int join_sent(struct plugctl *ctx, int ifindex, struct qdisc_list *plugs)
{
	struct qdisc_list qdiscs = { 0 };
	int error;

	error = netlink_dump(ctx->nl, ifindex, true, &qdiscs);
	if (!error)
		qdisc_list_join(plugs, &qdiscs);
	qdisc_list_free(&qdiscs);
	return error;
}

/* ENOENT: there is no such family. */
static int dump_family(struct plugctl *ctx, int ifindex, struct qdisc_list *list)
{
	int error;

	if (!family_find(ctx->generic))
		return ENOENT;
	error = netlink_dump(ctx->generic, ifindex, true, list);
	/* The module may have been loaded afresh, and have another number. */
	if (error == ENOENT && family_find_again(ctx->generic))
		error = netlink_dump(ctx->generic, ifindex, true, list);
	return error;
}

/*
 * Where rtnetlink has plugs although there was no family, the module may have been
 * loaded in between: so the family is tried again.
 */
int dump_plugs(struct plugctl *ctx, int ifindex, bool sent,
	       struct qdisc_list *list)
{
	int error = dump_family(ctx, ifindex, list);

	if (error == ENOENT) {
		error = netlink_dump(ctx->nl, ifindex, true, list);
		if (error || !list->n || !family_find_again(ctx->generic))
			return error;
		error = netlink_dump(ctx->generic, ifindex, true, list);
	}
	return error || !sent || !list->n ? error : join_sent(ctx, ifindex, list);
}

/*
 * Where a target has no plug the kernel is asked again: older ones (5.10 is one)
 * may skip a device while others vanish, and not say that the dump is torn.
 */
int list_plugs(struct plugctl *ctx, const struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list)
{
	const int ifindex = n == 1 ? targets[0].at.ifindex : 0;
	unsigned int tries = 0;
	int error;

	do {
		error = dump_plugs(ctx, ifindex, sent, list);
	} while (!error && lacks_plug(targets, n, list) && ++tries < LIST_TRIES);
	return error;
}

/* For those of which the device is known and the plug is not. */
static int look_up(struct plugctl *ctx, struct target *targets, unsigned int n)
{
	struct qdisc_list list = { 0 };
	unsigned int i;
	int error;

	error = list_plugs(ctx, targets, n, false, &list);
	if (error)
		complain_netlink(ctx, error);
	for (i = 0; i < n && !error; i++)
		if (targets[i].at.ifindex && !targets[i].usable)
			choose(ctx, &list, &targets[i]);
	qdisc_list_free(&list);
	return error;
}

struct target *find_targets(struct plugctl *ctx, char *const *names,
			    unsigned int n)
{
	struct target *targets;
	bool look = false;
	unsigned int i;

	if (netlink_open(ctx))
		return NULL;
	targets = new_targets(n);
	if (!targets) {
		complain_memory(ctx);
		return NULL;
	}
	for (i = 0; i < n; i++) {
		targets[i].name = names[i];
		look |= locate(ctx, &targets[i]);
	}
	if (look && look_up(ctx, targets, n)) {
		free(targets);
		return NULL;
	}
	find_twins(targets, n);
	return targets;
}

/* The same plug as before, whatever else there is by now; or another one. */
static const struct qdisc_state *find_same(const struct plugctl *ctx,
					   const struct qdisc_list *list,
					   const struct target *target)
{
	const struct qdisc_state *state;
	unsigned int count;

	state = qdisc_list_find(list, target->at.ifindex, target->at.handle);
	if (state && is_selected(ctx, state))
		return state;
	state = select_plug(ctx, list, target->at.ifindex, &count);
	return state && count == 1 && state->handle ? state : NULL;
}

int refresh_targets(struct plugctl *ctx, struct target *targets, unsigned int n)
{
	struct qdisc_list list = { 0 };
	unsigned int i;
	int error;

	error = list_plugs(ctx, targets, n, false, &list);
	if (error) {
		qdisc_list_free(&list);
		return complain_netlink(ctx, error);
	}
	for (i = 0; i < n; i++) {
		const struct qdisc_state *state;

		if (!targets[i].usable)
			continue;
		state = find_same(ctx, &list, &targets[i]);
		if (state) {
			set_target(&targets[i], state);
			continue;
		}
		targets[i].usable = false;
		targets[i].gone = true;
	}
	qdisc_list_free(&list);
	return STATUS_OK;
}

struct sending {
	struct target **targets;
	const struct action *action;
	bool echo;
};

static struct nlmsghdr *build_action(void *buf, unsigned int i, void *data)
{
	const struct sending *sending = data;

	return message_action(buf, &sending->targets[i]->at, sending->action,
			      sending->echo);
}

/*
 * Answers that an address which is not right any more can cause. EINVAL is
 * another qdisc with the same handle, EEXIST another one at the same parent.
 */
static bool may_have_moved(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO ||
	       error == EEXIST || error == EINVAL;
}

static bool is_gone(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO ||
	       error == EEXIST;
}

static bool same_address(const struct address *a, const struct address *b)
{
	return a->ifindex == b->ifindex && a->handle == b->handle &&
	       a->parent == b->parent && a->id == b->id;
}

/* Returns whether the plug is found elsewhere, so that asking again makes sense. */
static bool find_again(struct plugctl *ctx, struct target *target)
{
	struct address old = target->at;
	int ifindex;

	target->remembered = false;
	if (ctx->memory)
		memory_forget(ctx->memory, target->name, &ctx->opt);
	ifindex = netlink_ifindex(ctx->nl, target->name);
	if (!ifindex)
		return false;
	target->at.ifindex = ifindex;
	if (refresh_targets(ctx, target, 1) || !target->usable)
		return false;
	return !same_address(&old, &target->at);
}

static void complain_answer(struct plugctl *ctx, struct target *target,
			    const struct answer *answer)
{
	if (is_gone(answer->error))
		complain(ctx, STATUS_REFUSED, target->name,
			 "the plug is gone (%s): see plugctl show",
			 answer->text[0] ? answer->text : strerror(answer->error));
	else
		complain_refusal(ctx, target->name, answer);
}

void check_ability(struct plugctl *ctx, struct target *targets, unsigned int n,
		   const struct action *action)
{
	unsigned int i;

	if (action->code <= TCQ_PLUG_LIMIT)
		return;
	for (i = 0; i < n; i++) {
		if (!targets[i].usable || targets[i].at.id)
			continue;
		targets[i].usable = false;
		complain(ctx, STATUS_REFUSED, targets[i].name,
			 "the in-tree sch_plug is loaded, which cannot do this: load the one of sch-plug (plugctl version tells which is there)");
		/* The next command asks again. */
		if (ctx->memory)
			memory_forget(ctx->memory, targets[i].name, &ctx->opt);
	}
}

void add_statistics(struct plugctl *ctx, struct qdisc_state *state)
{
	struct qdisc_state now;

	if (!state->id || state->stats_known ||
	    !family_get(ctx->generic, state->id, &now))
		return;
	state->stats_known = now.stats_known;
	memcpy(state->stats, now.stats, sizeof(state->stats));
}

/* Another plug has taken the place of the one that was meant: may it have that? */
static bool may_resend(struct plugctl *ctx, struct target *target,
		       const struct action *action)
{
	if (action->code == TCQ_PLUG_RELEASE_UPTO) {
		target->usable = false;
		complain(ctx, STATUS_REFUSED, target->name,
			 "the plug was replaced by another one, whose epochs are others: see plugctl show %s",
			 target->name);
		return false;
	}
	/* Of the in-tree module, perhaps. */
	check_ability(ctx, target, 1, action);
	return target->usable;
}

static void send_to(struct plugctl *ctx, struct target **targets, unsigned int n,
		    const struct action *action, bool echo, bool forgive_gone,
		    struct answer *answers);

void take_answer(struct plugctl *ctx, struct target *target,
		 const struct action *action, bool echo, bool forgive_gone,
		 struct answer *answer)
{
	if (!answer->complete) {
		target->usable = false;
		complain(ctx, STATUS_REFUSED, target->name,
			 "no answer, it may have been done or not: see plugctl show %s",
			 target->name);
		return;
	}
	if (!answer->error) {
		if (answer->echoed)
			set_target(target, &answer->state);
		if (answer->text[0])
			note(ctx, target->name, "warning: %s", answer->text);
		return;
	}
	if (target->remembered && may_have_moved(answer->error) &&
	    find_again(ctx, target)) {
		if (!may_resend(ctx, target, action))
			return;
		answer_clear(answer);
		send_to(ctx, &target, 1, action, echo, forgive_gone, answer);
		return;
	}
	target->usable = false;
	target->gone = is_gone(answer->error);
	if (!target->gone || !forgive_gone)
		complain_answer(ctx, target, answer);
}

/* All by the same interface. */
static void send_to(struct plugctl *ctx, struct target **targets, unsigned int n,
		    const struct action *action, bool echo, bool forgive_gone,
		    struct answer *answers)
{
	struct sending sending = { targets, action, echo };
	unsigned int i;
	int error;

	if (!n)
		return;
	error = netlink_exchange(socket_of(ctx, targets[0]), n, echo,
				 build_action, &sending, answers);
	if (error)
		complain_netlink(ctx, error);
	for (i = 0; i < n; i++)
		take_answer(ctx, targets[i], action, echo, forgive_gone,
			    &answers[i]);
}

/* Those that the family knows, or those that it does not. */
static unsigned int collect(struct target *targets, unsigned int n, bool by_id,
			    struct target **usable)
{
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		if (targets[i].usable && by_id == (targets[i].at.id != 0))
			usable[count++] = &targets[i];
	return count;
}

void send_action(struct plugctl *ctx, struct target *targets, unsigned int n,
		 const struct action *action, bool echo, bool forgive_gone)
{
	struct target *one, **usable = &one;
	struct answer answer, *answers = &answer;
	unsigned int i, by_id, others;

	if (n > 1) {
		usable = calloc(n, sizeof(*usable));
		answers = calloc(n, sizeof(*answers));
		if (!usable || !answers) {
			complain_memory(ctx);
			for (i = 0; i < n; i++)
				targets[i].usable = false;
			goto out;
		}
	} else {
		answer_clear(&answer);
	}
	by_id = collect(targets, n, true, usable);
	others = collect(targets, n, false, usable + by_id);
	send_to(ctx, usable, by_id, action, echo, forgive_gone, answers);
	send_to(ctx, usable + by_id, others, action, echo, forgive_gone,
		answers + by_id);
out:
	if (n > 1) {
		free(usable);
		free(answers);
	}
}
