// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks up plugs. In a batch the results are cached, so that each plug is looked up
 * only once.
 *
 * A device name may pass to another device. If we then send a command to the first
 * device, the kernel executes it without an error. So a cached name is looked up
 * again whenever time may have passed; kernel->moment counts these moments. Lines
 * that arrived in one read are executed without a pause, and share one look-up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "guest.h"
#include "target.h"

/* A plug counts as gone only if the kernel leaves it out of this many lists. */
#define LIST_TRIES	3

struct cached {
	char name[DEVICE_NAME_MAX];
	uint32_t handle;	/* the handle that was asked for, or 0 */
	uint32_t parent;	/* the parent that was asked for, or 0 */
	unsigned long moment;	/* when the name was looked up */
	int named;		/* ifindex of the device with that name */
	bool has_state;
	bool valid;		/* false: look it up again */
	uint64_t owned;		/* the id of the plug here that we own, or 0 */
	struct address at;
};

static struct cached *find_cached(struct kernel *kernel, const char *name,
				  const struct selector *selector)
{
	const uint32_t handle = selector->have_handle ? selector->handle : 0;
	const uint32_t parent = selector->have_parent ? selector->parent : 0;
	size_t i;

	if (!kernel->caching || selector->all)
		return NULL;
	for (i = 0; i < kernel->n_cached; i++)
		if (kernel->cache[i].handle == handle &&
		    kernel->cache[i].parent == parent &&
		    !strcmp(kernel->cache[i].name, name))
			return &kernel->cache[i];
	return NULL;
}

/*
 * Like find_cached(), but NULL if the plug has to be looked up before a command. With
 * --parent it always has to be: the plug may have moved to another parent.
 */
static struct cached *find_usable(struct kernel *kernel, const char *name,
				  const struct selector *selector)
{
	struct cached *cached = find_cached(kernel, name, selector);

	return cached && cached->valid && !selector->have_parent ? cached : NULL;
}

static bool same_address(const struct address *a, const struct address *b)
{
	return a->ifindex == b->ifindex && a->handle == b->handle &&
	       a->parent == b->parent && a->id == b->id;
}

/* Caches the plug of the target. Without memory, the plug is looked up again later. */
static void cache_target(struct kernel *kernel, const struct selector *selector,
			 struct target *target)
{
	struct cached *cached = find_cached(kernel, target->name, selector), *cache;

	if (!kernel->caching || selector->all)
		return;
	if (cached) {
		target->replaced = !same_address(&cached->at, &target->at);
	} else {
		cache = array_grow(kernel->cache, &kernel->cache_room,
				   kernel->n_cached, sizeof(*cache));
		if (!cache)
			return;
		kernel->cache = cache;
		cached = &cache[kernel->n_cached++];
		memset(cached, 0, sizeof(*cached));
		memcpy(cached->name, target->name, strlen(target->name) + 1);
		cached->handle = selector->have_handle ? selector->handle : 0;
		cached->parent = selector->have_parent ? selector->parent : 0;
	}
	cached->at = target->at;
	cached->named = target->named;
	cached->valid = true;
	cached->has_state = target->state.has_state;
	cached->moment = kernel->moment;
}

static void forget_target(struct kernel *kernel, const struct selector *selector,
			  const struct target *target)
{
	struct cached *cached = find_cached(kernel, target->name, selector);

	if (cached)
		cached->valid = false;
}

void added_target(struct kernel *kernel, const struct selector *selector,
		  const struct target *target, bool replaced)
{
	struct cached *cached = find_cached(kernel, target->name, selector);

	if (!cached)
		return;
	cached->valid = false;
	if (replaced)
		cached->at = target->at;
}

uint64_t *owned_plug(struct kernel *kernel, const struct selector *selector,
		     const struct target *target)
{
	struct cached *cached = find_cached(kernel, target->name, selector);

	return cached ? &cached->owned : NULL;
}

static int compare(const void *a, const void *b)
{
	const struct qdisc_state *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->handle != y->handle)
		return x->handle < y->handle ? -1 : 1;
	return x->parent < y->parent ? -1 : x->parent > y->parent;
}

/* Adds the values that only rtnetlink reports to plugs that the family has reported. */
static int join_sent(struct kernel *kernel, int ifindex, struct qdisc_list *plugs)
{
	struct qdisc_list qdiscs = { 0 };
	const struct qdisc_state *qdisc;
	int error;
	size_t i;

	error = kernel_dump_qdiscs(kernel, ifindex, &qdiscs);
	if (!error && qdiscs.n)
		qsort(qdiscs.v, qdiscs.n, sizeof(*qdiscs.v), compare);
	for (i = 0; i < plugs->n && !error && qdiscs.n; i++) {
		struct qdisc_state *plug = &plugs->v[i];

		qdisc = bsearch(plug, qdiscs.v, qdiscs.n, sizeof(*qdisc), compare);
		if (!qdisc)
			continue;
		plug->has_sent = true;
		plug->sent_bytes = qdisc->sent_bytes;
		plug->sent_packets = qdisc->sent_packets;
	}
	free(qdiscs.v);
	return error;
}

/* Lists plugs by rtnetlink. */
static int dump_plug_qdiscs(struct kernel *kernel, int ifindex,
			    struct qdisc_list *list)
{
	int error = kernel_dump_qdiscs(kernel, ifindex, list);
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (qdisc_is_plug(&list->v[i]))
			list->v[n++] = list->v[i];
	list->n = n;
	return error;
}

/*
 * Lists plugs by rtnetlink. If there are plugs although the family was not found, the
 * module may have been loaded in between, so the family is tried again. This happens
 * only once while there are such plugs: for an unknown family, the kernel tries to
 * load a module each time.
 */
static int dump_without_family(struct kernel *kernel, int ifindex,
			       struct qdisc_list *list)
{
	int error = dump_plug_qdiscs(kernel, ifindex, list);

	if (error)
		return error;
	if (!list->n) {
		kernel->plugs_without_family = false;
		return 0;
	}
	if (kernel->plugs_without_family)
		return 0;
	error = kernel_find_family(kernel);
	if (error == ENOENT) {
		kernel->plugs_without_family = true;
		return 0;
	}
	return error ? error : kernel_dump_family(kernel, ifindex, list);
}

int dump_plugs(struct kernel *kernel, int ifindex, bool sent,
	       struct qdisc_list *list)
{
	int error = kernel->plugs_without_family ? ENOENT :
		    kernel_dump_family(kernel, ifindex, list);

	if (error == ENOENT)
		error = dump_without_family(kernel, ifindex, list);
	if (error || !sent || !list->n || kernel->plugs_without_family)
		return error;
	return join_sent(kernel, ifindex, list);
}

static bool lacks_plug(const struct target *targets, unsigned int n,
		       const struct qdisc_list *list)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < n; i++) {
		if (!targets[i].at.ifindex || targets[i].failed == TARGET_GONE)
			continue;
		for (k = 0; k < list->n; k++)
			if (list->v[k].ifindex == targets[i].at.ifindex)
				break;
		if (k == list->n)
			return true;
	}
	return false;
}

/* Replaces a guest's device by the ifb that has its plug. */
static int follow_guests(struct kernel *kernel, struct target *targets,
			 unsigned int n, const struct qdisc_list *list)
{
	int ifb, error = 0;
	unsigned int i;

	for (i = 0; i < n && !error; i++) {
		if (!lacks_plug(&targets[i], 1, list))
			continue;
		error = guest_ifb(kernel, targets[i].at.ifindex, &ifb);
		if (!error && ifb)
			targets[i].at.ifindex = ifb;
	}
	return error;
}

/*
 * Lists plugs. If a target has no plug, the kernel is asked again: older kernels (for
 * example 5.10) may skip a device while other devices vanish, without marking the
 * dump as inconsistent.
 */
static int list_whole(struct kernel *kernel, struct target *targets, unsigned int n,
		      bool guests, bool sent, struct qdisc_list *list)
{
	unsigned int tries;
	int error = 0;

	kernel->no_family = false;
	for (tries = 0; tries < LIST_TRIES && !error; tries++) {
		error = dump_plugs(kernel, n == 1 ? targets[0].at.ifindex : 0, sent,
				   list);
		if (error || !lacks_plug(targets, n, list))
			break;
		if (guests)
			error = follow_guests(kernel, targets, n, list);
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), compare);
	return error;
}

int list_plugs(struct kernel *kernel, struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list)
{
	return list_whole(kernel, targets, n, true, sent, list);
}

bool is_selected(const struct selector *selector, const struct qdisc_state *state)
{
	if (selector->have_parent && state->parent != selector->parent)
		return false;
	return !selector->have_handle || state->handle == selector->handle;
}

/*
 * The next plug of a device in a list, after the previous one (NULL: the first). A
 * plug that the kernel created as the default qdisc has no handle and takes no
 * commands: it is returned only if the device has no other plug.
 */
static const struct qdisc_state *next_plug(const struct qdisc_list *list,
					   int ifindex,
					   const struct selector *selector,
					   bool with_default,
					   const struct qdisc_state *before)
{
	const struct qdisc_state *state = before ? before + 1 : list->v;

	for (; state < list->v + list->n; state++)
		if (state->ifindex == ifindex && is_selected(selector, state) &&
		    (state->handle || with_default))
			return state;
	return NULL;
}

/* Returns the first plug that the selector matches; counts how many match. */
static const struct qdisc_state *select_plug(const struct qdisc_list *list,
					     int ifindex,
					     const struct selector *selector,
					     unsigned int *count)
{
	const struct qdisc_state *first, *state;

	*count = 0;
	first = next_plug(list, ifindex, selector, false, NULL);
	if (!first)
		return next_plug(list, ifindex, selector, true, NULL);
	for (state = first; state; (*count)++)
		state = next_plug(list, ifindex, selector, false, state);
	return first;
}

static void set_target(struct target *target, const struct qdisc_state *state)
{
	target->state = *state;
	target->at.ifindex = state->ifindex;
	target->at.handle = state->handle;
	target->at.parent = state->parent;
	target->at.id = state->id;
}

static void choose(struct kernel *kernel, const struct qdisc_list *list,
		   const struct selector *selector, struct target *target)
{
	const struct qdisc_state *state;

	state = select_plug(list, target->at.ifindex, selector, &target->count);
	if (!state) {
		target->failed = TARGET_NO_PLUG;
		return;
	}
	set_target(target, state);
	if (!state->handle) {
		target->failed = TARGET_DEFAULT;
	} else if (target->count > 1) {
		target->failed = TARGET_SEVERAL;
	} else {
		target->failed = TARGET_OK;
		cache_target(kernel, selector, target);
	}
}

bool find_device(struct kernel *kernel, struct target *target)
{
	if (strlen(target->name) >= DEVICE_NAME_MAX) {
		target->failed = TARGET_NAME_TOO_LONG;
		return false;
	}
	target->named = kernel_ifindex(kernel, target->name);
	target->at.ifindex = target->named;
	if (target->named)
		return true;
	/* EINVAL: the kernel does not support alternative names. */
	target->error = errno;
	target->failed = errno == ENODEV || errno == EINVAL ||
			 errno == EOPNOTSUPP ? TARGET_NO_DEVICE : TARGET_UNCHECKED;
	return false;
}

/* Finds the device of a target. Returns whether its plug has to be looked up. */
static bool locate(struct kernel *kernel, struct target *target,
		   const struct selector *selector)
{
	struct cached *cached = find_usable(kernel, target->name, selector);

	if (!cached || cached->moment != kernel->moment) {
		if (!find_device(kernel, target))
			return false;
		if (!cached || cached->named != target->named)
			return true;
		cached->moment = kernel->moment;
	}
	target->at = cached->at;
	target->named = cached->named;
	target->cached = true;
	/* Nothing more is known before the plug answers. */
	target->state.ifindex = cached->at.ifindex;
	target->state.handle = cached->at.handle;
	target->state.parent = cached->at.parent;
	target->state.has_state = cached->has_state;
	return false;
}

/* Two targets can be the same plug, for example if the device has two names. */
static void find_duplicates(struct targets *targets)
{
	unsigned int i, j;

	for (i = 1; i < targets->n; i++)
		for (j = 0; j < i && !targets->v[i].failed; j++)
			if (!targets->v[j].failed &&
			    targets->v[i].at.ifindex == targets->v[j].at.ifindex &&
			    targets->v[i].at.handle == targets->v[j].at.handle)
				targets->v[i].failed = TARGET_DUPLICATE;
}

/* With --all a device becomes one target for each of its plugs. */
static int expand(struct kernel *kernel, const struct qdisc_list *list,
		  const struct selector *selector, struct targets *targets)
{
	const struct qdisc_state *state;
	unsigned int i, n = targets->n;
	struct target *all;

	for (i = 0; i < targets->n; i++)
		for (state = NULL; (state = next_plug(list, targets->v[i].at.ifindex,
						      selector, false, state)); )
			n++;
	all = calloc(n, sizeof(*all));
	if (!all)
		return ENOMEM;
	n = 0;
	for (i = 0; i < targets->n; i++) {
		struct target *target = &targets->v[i];

		state = next_plug(list, target->at.ifindex, selector, false, NULL);
		if (target->failed || !state) {
			if (!target->failed)
				target->failed = TARGET_NO_PLUG;
			all[n++] = *target;
			continue;
		}
		for (; state; n++) {
			all[n].name = target->name;
			all[n].named = target->named;
			set_target(&all[n], state);
			state = next_plug(list, target->at.ifindex, selector,
					  false, state);
		}
	}
	free(kernel->targets);
	kernel->targets = all;
	kernel->target_room = n;
	targets->v = all;
	targets->n = n;
	return 0;
}

/*
 * Looks up the plugs of those targets whose device is known but whose plug is not.
 */
static int look_up(struct kernel *kernel, const struct selector *selector,
		   struct targets *targets)
{
	struct qdisc_list list = { 0 };
	unsigned int i;
	int error;

	kernel->plugs_without_family = false;
	error = list_plugs(kernel, targets->v, targets->n, false, &list);
	if (!error && selector->all)
		error = expand(kernel, &list, selector, targets);
	for (i = 0; i < targets->n && !error && !selector->all; i++) {
		struct target *target = &targets->v[i];

		if (!target->failed && !target->cached)
			choose(kernel, &list, selector, target);
	}
	free(list.v);
	return error;
}

int make_targets(struct kernel *kernel, unsigned int n, struct targets *targets)
{
	if (kernel->target_room < n) {
		free(kernel->targets);
		kernel->targets = malloc(n * sizeof(*kernel->targets));
		kernel->target_room = kernel->targets ? n : 0;
	}
	targets->v = kernel->targets;
	targets->n = kernel->targets ? n : 0;
	if (!targets->v)
		return ENOMEM;
	memset(targets->v, 0, n * sizeof(*targets->v));
	return 0;
}

void forget_targets(struct kernel *kernel)
{
	free(kernel->targets);
	kernel->targets = NULL;
	kernel->target_room = 0;
	free(kernel->cache);
	kernel->cache = NULL;
	kernel->n_cached = 0;
	kernel->cache_room = 0;
}

int find_targets(struct kernel *kernel, char *const *names, unsigned int n,
		 const struct selector *selector, struct targets *targets)
{
	bool look = false;
	unsigned int i;
	int error;

	error = make_targets(kernel, n, targets);
	if (error)
		return error;
	for (i = 0; i < n; i++) {
		targets->v[i].name = names[i];
		look |= locate(kernel, &targets->v[i], selector);
	}
	if (look)
		error = look_up(kernel, selector, targets);
	if (!error && targets->n > 1)
		find_duplicates(targets);
	return error;
}

/* Finds the plug that the target already has, and no other. */
static const struct qdisc_state *find_same(const struct qdisc_list *list,
					   const struct target *target)
{
	const struct qdisc_state *state;

	for (state = list->v; state < list->v + list->n; state++)
		if (target->at.id ? state->id == target->at.id :
		    state->ifindex == target->at.ifindex &&
		    state->handle == target->at.handle)
			return state;
	return NULL;
}

/* Finds a successor: the plug of the device with the same handle, or its only plug. */
static const struct qdisc_state *find_in_place(const struct qdisc_list *list,
					       const struct selector *selector,
					       const struct target *target)
{
	const struct qdisc_state *state = NULL;
	unsigned int count;

	while ((state = next_plug(list, target->at.ifindex, selector, false, state)))
		if (state->handle == target->at.handle)
			return state;
	if (selector->all)
		return NULL;
	state = select_plug(list, target->at.ifindex, selector, &count);
	return state && count == 1 ? state : NULL;
}

int refresh_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n)
{
	struct qdisc_list list = { 0 };
	const struct qdisc_state *state;
	unsigned int i;
	int error;

	error = list_whole(kernel, targets, n, false, false, &list);
	for (i = 0; i < n; i++) {
		struct target *target = &targets[i];

		if (target->failed)
			continue;
		if (error) {
			target->failed = TARGET_UNCHECKED;
			target->error = error;
			continue;
		}
		state = target->at.handle ? find_same(&list, target) :
			find_in_place(&list, selector, target);
		if (state) {
			set_target(target, state);
			continue;
		}
		target->failed = TARGET_GONE;
		target->error = ENOENT;
		forget_target(kernel, selector, target);
	}
	free(list.v);
	return error;
}

/*
 * Looks up the device by its name again. A device that had a plug of its own may also
 * be a guest's. Then its ifb has another plug. Neither of these plugs is a successor
 * of the other.
 */
static bool relocate_device(struct kernel *kernel, struct target *target)
{
	const int old = target->at.ifindex, named = target->named;
	int ifb, error;

	if (!find_device(kernel, target)) {
		/* The target keeps its old device: the caller may try again. */
		target->named = named;
		target->at.ifindex = old;
		return false;
	}
	if (named == old)
		return true;
	error = guest_ifb(kernel, target->named, &ifb);
	target->at.ifindex = ifb ? ifb : old;
	if (!error && ifb)
		return true;
	target->failed = error ? TARGET_UNCHECKED : TARGET_GONE;
	target->error = error ? error : ENOENT;
	return false;
}

bool relocate_target(struct kernel *kernel, const struct selector *selector,
		     struct target *target)
{
	const struct address old = target->at;
	struct qdisc_list list = { 0 };
	const struct qdisc_state *state;
	int error;

	target->cached = false;
	forget_target(kernel, selector, target);
	if (!relocate_device(kernel, target))
		return false;
	error = list_whole(kernel, target, 1, false, false, &list);
	state = error ? NULL : find_in_place(&list, selector, target);
	if (state) {
		set_target(target, state);
		cache_target(kernel, selector, target);
	} else {
		target->failed = error ? TARGET_UNCHECKED : TARGET_GONE;
		target->error = error ? error : ENOENT;
	}
	free(list.v);
	return state && !same_address(&old, &target->at);
}
