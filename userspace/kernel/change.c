// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends commands to plugs, and interprets the answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target.h"

/* The kernel does not report when a queue has drained: we ask, less and less often. */
#define SHORTEST_PAUSE	(NS_PER_MS / 2)
#define LONGEST_PAUSE	(50 * NS_PER_MS)

/*
 * Errors that an outdated address can cause. EINVAL: another qdisc has the same
 * handle. EEXIST: another qdisc is at the same parent.
 */
static bool is_gone(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO ||
	       error == EEXIST;
}

static bool may_have_moved(int error)
{
	return is_gone(error) || error == EINVAL;
}

/* After a command by handle, the kernel's answer does not name the parent. */
static void handle_state(struct target *target, const struct qdisc_state *state)
{
	const uint32_t parent = state->parent ? state->parent : target->at.parent;

	target->state = *state;
	target->state.parent = parent;
}

static void handle_answer(struct target *target, const struct answer *answer)
{
	memcpy(target->text, answer->text, sizeof(target->text));
	target->error = answer->error;
	if (!answer->complete)
		target->failed = answer->sent ? TARGET_NO_ANSWER : TARGET_NOT_SENT;
	else if (answer->error)
		target->failed = is_gone(answer->error) ? TARGET_GONE :
				 TARGET_REFUSED;
	else if (answer->has_state)
		handle_state(target, &answer->state);
}

/* Returns whether this plug accepts the action, through the interface in use. */
static bool is_able(struct target *target, const struct action *action)
{
	if (target->replaced && action->upto)
		target->failed = TARGET_REPLACED;
	else if (!target->at.id && action->code > TCQ_PLUG_LIMIT)
		target->failed = TARGET_UNABLE;
	return !target->failed;
}

int own_target(struct kernel *kernel, const struct target *target,
	       uint32_t at_exit)
{
	const struct order order = {
		.kind = ORDER_OWN, .at = target->at, .at_exit = at_exit,
	};
	struct answer answer;
	int error;

	error = kernel_exchange(kernel, &order, &answer, 1);
	return error ? error : answer.error;
}

/*
 * Makes us the owner of the plug, if --at-exit was given. Once for each plug is enough:
 * we own it until our socket is closed. Returns false, and sets failed, if it fails.
 */
static bool own_plug(struct kernel *kernel, const struct selector *selector,
		     struct target *target)
{
	uint64_t *owned = owned_plug(kernel, selector, target);

	if (!kernel->own || (owned && target->at.id && *owned == target->at.id))
		return true;
	target->error = target->at.id ?
			own_target(kernel, target, kernel->at_exit) : EOPNOTSUPP;
	if (target->error)
		target->failed = TARGET_NOT_OWNED;
	else if (owned)
		*owned = target->at.id;
	return !target->failed;
}

/*
 * The plug is no longer at the cached address: looks it up again. Returns whether to
 * send the action again.
 */
static bool find_successor(struct kernel *kernel, const struct selector *selector,
			   struct target *target, const struct action *action)
{
	const struct target before = *target;

	if (!relocate_target(kernel, selector, target)) {
		/* The kernel's error says more than "gone". */
		if (!target->failed || target->failed == TARGET_GONE ||
		    target->failed == TARGET_NO_DEVICE)
			*target = before;
		return false;
	}
	target->replaced = true;
	return is_able(target, action) && own_plug(kernel, selector, target);
}

static void send_one(struct kernel *kernel, struct target *target,
		     const struct action *action, bool echo)
{
	struct order order = {
		.kind = ORDER_CHANGE, .at = target->at, .action = *action,
		.echo = echo,
	};
	struct answer answer;

	kernel_exchange(kernel, &order, &answer, 1);
	handle_answer(target, &answer);
}

static void handle_answers(struct kernel *kernel, const struct selector *selector,
			   struct target *targets, unsigned int n,
			   const struct action *action, bool echo,
			   const struct answer *answers)
{
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		struct target *target = &targets[i];

		if (target->failed)
			continue;
		handle_answer(target, &answers[k++]);
		if (target->cached && target->failed &&
		    target->failed != TARGET_NOT_SENT &&
		    target->failed != TARGET_NO_ANSWER &&
		    may_have_moved(target->error)) {
			target->failed = TARGET_OK;
			if (find_successor(kernel, selector, target, action))
				send_one(kernel, target, action, echo);
			else if (!target->failed)
				handle_answer(target, &answers[k - 1]);
		}
	}
}

/* Makes us the owner of the plug or, if it is gone, of its successor. */
static void own_or_successor(struct kernel *kernel,
			     const struct selector *selector,
			     struct target *target, const struct action *action)
{
	if (own_plug(kernel, selector, target) || !target->cached ||
	    !is_gone(target->error))
		return;
	target->failed = TARGET_OK;
	if (!find_successor(kernel, selector, target, action) && !target->failed)
		target->failed = TARGET_GONE;
}

void own_targets(struct kernel *kernel, const struct selector *selector,
		 struct target *targets, unsigned int n, const struct action *action)
{
	unsigned int i;

	for (i = 0; i < n && kernel->own; i++)
		if (!targets[i].failed && is_able(&targets[i], action))
			own_or_successor(kernel, selector, &targets[i], action);
}

void change_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n,
		    const struct action *action, bool echo)
{
	struct order one, *orders = &one;
	struct answer answer, *answers = &answer;
	unsigned int i, count = 0;

	own_targets(kernel, selector, targets, n, action);
	if (n > 1) {
		orders = calloc(n, sizeof(*orders));
		answers = calloc(n, sizeof(*answers));
	}
	for (i = 0; i < n; i++) {
		if (targets[i].failed || !is_able(&targets[i], action))
			continue;
		if (!orders || !answers) {
			targets[i].failed = TARGET_REFUSED;
			targets[i].error = ENOMEM;
			continue;
		}
		orders[count++] = (struct order){
			.kind = ORDER_CHANGE, .at = targets[i].at,
			.action = *action, .echo = echo,
		};
	}
	if (count) {
		/* No check is needed: if a socket fails, answers are not complete. */
		kernel_exchange(kernel, orders, answers, count);
		handle_answers(kernel, selector, targets, n, action, echo, answers);
	}
	if (n > 1) {
		free(orders);
		free(answers);
	}
}

void add_statistics(struct kernel *kernel, struct qdisc_state *state)
{
	const struct order order = { .kind = ORDER_GET, .at.id = state->id };
	struct answer answer;

	if (!state->id || state->stats_known ||
	    kernel_exchange(kernel, &order, &answer, 1) || !answer.has_state)
		return;
	state->stats_known = answer.state.stats_known;
	memcpy(state->stats, answer.state.stats, sizeof(state->stats));
}

uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void clock_sleep(uint64_t nanoseconds)
{
	struct timespec ts = {
		.tv_sec = (time_t)(nanoseconds / NS_PER_S),
		.tv_nsec = (long)(nanoseconds % NS_PER_S),
	};

	nanosleep(&ts, NULL);
}

static bool any_drains(const struct target *targets, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!targets[i].failed && plug_is_draining(&targets[i].state))
			return true;
	return false;
}

int drain_targets(struct kernel *kernel, const struct selector *selector,
		  struct target *targets, unsigned int n, uint64_t deadline)
{
	uint64_t now, pause = SHORTEST_PAUSE;
	int error;

	kernel->moment++;
	for (;;) {
		error = refresh_targets(kernel, selector, targets, n);
		if (error || !any_drains(targets, n))
			return error;
		now = clock_now();
		if (now >= deadline)
			return ETIMEDOUT;
		clock_sleep(pause < deadline - now ? pause : deadline - now);
		if (pause < LONGEST_PAUSE)
			pause *= 2;
	}
}
