// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks up plugs. In a batch the results are kept, so that each plug is looked up
 * only once.
 *
 * A device name may pass to another device. When we then send a command to the
 * first device, the kernel cannot report this. So a kept name is looked up again
 * when time may have passed; kernel->moment counts these moments. Lines that
 * arrived in one read are executed without a pause, and share one look-up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "target.h"

/* A plug counts as gone only if the kernel leaves it out of this many lists. */
#define LIST_TRIES	3

struct cached {
	char name[DEVICE_NAME_MAX];
	uint32_t handle;	/* the handle that was asked for, or 0 */
	unsigned long moment;	/* when the name was looked up */
	int named;		/* the device with that name */
	bool has_state;
	bool valid;		/* false: the plug was gone */
	struct address at;
};

static struct cached *find_cached(struct kernel *kernel, const char *name,
				  const struct selector *selector)
{
	const uint32_t handle = selector->have_handle ? selector->handle : 0;
	size_t i;

	/*
	 * Commands use the handle, and the plug may have moved to another parent.
	 */
	if (!kernel->caching || selector->have_parent || selector->all)
		return NULL;
	for (i = 0; i < kernel->n_cached; i++)
		if (kernel->cache[i].handle == handle &&
		    !strcmp(kernel->cache[i].name, name))
			return &kernel->cache[i];
	return NULL;
}

static bool same_address(const struct address *a, const struct address *b)
{
	return a->ifindex == b->ifindex && a->handle == b->handle &&
	       a->parent == b->parent && a->id == b->id;
}

void keep_target(struct kernel *kernel, const struct selector *selector,
		 struct target *target)
{
	struct cached *cached = find_cached(kernel, target->name, selector);

	if (!kernel->caching || selector->have_parent || selector->all)
		return;
	if (!cached && kernel->n_cached == kernel->cache_room) {
		size_t room = kernel->cache_room ? kernel->cache_room * 2 : 8;

		cached = realloc(kernel->cache, room * sizeof(*cached));
		if (!cached)
			return;
		kernel->cache = cached;
		kernel->cache_room = room;
		cached = NULL;
	}
	if (cached) {
		target->replaced = !same_address(&cached->at, &target->at);
	} else {
		cached = &kernel->cache[kernel->n_cached++];
		memcpy(cached->name, target->name, strlen(target->name) + 1);
		cached->handle = selector->have_handle ? selector->handle : 0;
	}
	cached->at = target->at;
	cached->named = target->named;
	cached->valid = true;
	cached->has_state = target->state.has_state;
	cached->moment = kernel->moment;
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

/* Adds to the sorted plugs of the family the values that only rtnetlink reports. */
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
 * If rtnetlink lists plugs although the family was not found, the module may have
 * been loaded in between: then the family is tried again.
 */
int dump_plugs(struct kernel *kernel, int ifindex, bool sent,
	       struct qdisc_list *list)
{
	int error = kernel_dump_family(kernel, ifindex, list);

	if (error == ENOENT) {
		error = dump_plug_qdiscs(kernel, ifindex, list);
		if (error || !list->n || !kernel_find_family(kernel))
			return error;
		error = kernel_dump_family(kernel, ifindex, list);
	}
	return error || !sent || !list->n ? error :
	       join_sent(kernel, ifindex, list);
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
static void follow_guests(struct kernel *kernel, struct target *targets,
			  unsigned int n, const struct qdisc_list *list)
{
	unsigned int i;
	int ifb;

	for (i = 0; i < n; i++) {
		if (!lacks_plug(&targets[i], 1, list))
			continue;
		ifb = guest_ifb(kernel, targets[i].at.ifindex);
		if (ifb)
			targets[i].at.ifindex = ifb;
	}
}

/*
 * If a target has no plug, the kernel is asked again: older kernels (for example
 * 5.10) may skip a device while other devices vanish, without marking the dump as
 * inconsistent.
 */
int list_plugs(struct kernel *kernel, struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list)
{
	unsigned int tries;
	int error = 0;

	for (tries = 0; tries < LIST_TRIES && !error; tries++) {
		error = dump_plugs(kernel, n == 1 ? targets[0].at.ifindex : 0, sent,
				   list);
		if (error || !lacks_plug(targets, n, list))
			break;
		follow_guests(kernel, targets, n, list);
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), compare);
	return error;
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

/* The plug that the selector selects; counts how many match. */
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
		keep_target(kernel, selector, target);
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
	struct cached *cached = find_cached(kernel, target->name, selector);

	if (cached && !cached->valid)
		cached = NULL;
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
static int expand(const struct qdisc_list *list, const struct selector *selector,
		  struct targets *targets)
{
	struct target *all = calloc(targets->n + list->n * targets->n,
				    sizeof(*all));
	const struct qdisc_state *state;
	unsigned int i, n = 0;

	if (!all)
		return ENOMEM;
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
	free(targets->v);
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

	error = list_plugs(kernel, targets->v, targets->n, false, &list);
	if (!error && selector->all)
		error = expand(&list, selector, targets);
	for (i = 0; i < targets->n && !error && !selector->all; i++) {
		struct target *target = &targets->v[i];

		if (!target->failed && !target->cached)
			choose(kernel, &list, selector, target);
	}
	free(list.v);
	return error;
}

int find_targets(struct kernel *kernel, char *const *names, unsigned int n,
		 const struct selector *selector, struct targets *targets)
{
	bool look = false;
	unsigned int i;
	int error = 0;

	targets->n = n;
	targets->v = calloc(n, sizeof(*targets->v));
	if (!targets->v)
		return ENOMEM;
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

/* Finds the same plug as before, or else its successor. */
static const struct qdisc_state *find_same(const struct qdisc_list *list,
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
	unsigned int i;
	int error;

	error = list_plugs(kernel, targets, n, false, &list);
	for (i = 0; i < n; i++) {
		const struct qdisc_state *state;

		if (targets[i].failed)
			continue;
		state = error ? NULL : find_same(&list, selector, &targets[i]);
		if (state) {
			set_target(&targets[i], state);
			continue;
		}
		targets[i].failed = error ? TARGET_UNCHECKED : TARGET_GONE;
		targets[i].error = error;
	}
	free(list.v);
	return error;
}

bool relocate_target(struct kernel *kernel, const struct selector *selector,
		     struct target *target)
{
	const struct address old = target->at;
	struct cached *cached = find_cached(kernel, target->name, selector);

	target->cached = false;
	if (cached)
		cached->valid = false;
	if (!find_device(kernel, target))
		return false;
	if (refresh_targets(kernel, selector, target, 1) || target->failed)
		return false;
	keep_target(kernel, selector, target);
	return !same_address(&old, &target->at);
}
