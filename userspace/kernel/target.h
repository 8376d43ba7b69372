/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the devices that somebody names to the plugs that the kernel has there. */
#ifndef PLUGCTL_TARGET_H
#define PLUGCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
#define NEVER		UINT64_MAX

/* What has become of a target. TARGET_OK: found, and nothing has failed yet. */
enum target_error {
	TARGET_OK,
	TARGET_DUPLICATE,	/* the plug of an earlier one: no failure */
	TARGET_NO_DEVICE,
	TARGET_NAME_TOO_LONG,
	TARGET_NO_PLUG,
	TARGET_SEVERAL,		/* and nothing says which */
	TARGET_DEFAULT,		/* the kernel's default qdisc takes no commands */
	TARGET_GONE,		/* the plug was there */
	TARGET_REPLACED,	/* by another plug, and the action names an epoch */
	TARGET_UNABLE,		/* the module, or rtnetlink, cannot do the action */
	TARGET_REFUSED,		/* by the kernel: error and text say why */
	TARGET_NO_ANSWER,
	TARGET_UNCHECKED,	/* error: why its state could not be read */
	TARGET_NOT_OWNED,	/* and was to be: error says why; nothing was sent */
	TARGET_NAMED,		/* a command is done with it, and has said what to say */
};

struct target {
	const char *name;	/* as typed */
	int named;		/* the device of that name; a guest's is not at's */
	struct address at;
	bool cached;		/* found earlier: may have moved since */
	bool replaced;		/* by that name another plug was found earlier */
	enum target_error failed;
	bool reported;
	int error;
	char text[EXTACK_TEXT_MAX];	/* the kernel's own words, or "" */
	unsigned int count;	/* TARGET_SEVERAL: how many */
	struct qdisc_state state;	/* as last heard */
};

/* Which plug of a device. */
struct selector {
	bool have_parent;
	bool have_handle;
	bool all;		/* each of them */
	uint32_t parent;
	uint32_t handle;
};

struct targets {
	struct target *v;
	unsigned int n;
};

/*
 * The plugs of the devices of those names, each with what became of the search.
 * Returns an errno if nothing could be done at all. Free v.
 */
int find_targets(struct kernel *kernel, char *const *names, unsigned int n,
		 const struct selector *selector, struct targets *targets);

/*
 * In a batch: a plug was attached, and which one that name means is to be looked up
 * again. replaced: by it; numbers of epochs that follow are those of this one.
 */
void added_target(struct kernel *kernel, const struct selector *selector,
		  const struct target *target, bool replaced);

/* In a batch: of the plug there that belongs to our socket, the id; NULL: not kept. */
uint64_t *owned_plug(struct kernel *kernel, const struct selector *selector,
		     const struct target *target);

/* The device alone; sets failed. Returns whether it is there. */
bool find_device(struct kernel *kernel, struct target *target);

/*
 * All plugs, or those of a device, by the family where there is one. sent: with
 * the packets that were sent, for which rtnetlink is asked as well.
 */
int dump_plugs(struct kernel *kernel, int ifindex, bool sent,
	       struct qdisc_list *list);

/*
 * The same, sorted by device and handle, for targets whose device is known: a
 * plug of theirs is in the list if there is one. A device without one that is a
 * guest's gives way to the ifb that has its plug (guest.h), in the target.
 */
int list_plugs(struct kernel *kernel, struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list);

bool is_selected(const struct selector *selector, const struct qdisc_state *state);

/*
 * Ask the kernel again. What is gone gets TARGET_GONE, also if there is another plug
 * in its place; one that had only a device gets the plug that is there. Returns an
 * errno, with TARGET_UNCHECKED for all that were fine: nothing is known of them then.
 */
int refresh_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n);

/*
 * Where a cached target was not there any more: looks for its plug again.
 * Returns whether there is another one, in the target.
 */
bool relocate_target(struct kernel *kernel, const struct selector *selector,
		     struct target *target);

/*
 * Send an action to every target that is TARGET_OK. One that was cached and is
 * not there any more is looked for once more; a plug that was found instead gets
 * the action unless that names an epoch: the numbers were another plug's. state is
 * the state afterwards only if echo is set.
 */
void change_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n,
		    const struct action *action, bool echo);

/*
 * Where kernel->own says so each plug is to belong to our socket before it is given
 * a command; change_targets() does it. TARGET_NOT_OWNED: it does not.
 */
void own_targets(struct kernel *kernel, const struct selector *selector,
		 struct target *targets, unsigned int n, const struct action *action);

/* The plug belongs to our socket. Returns an errno. */
int own_target(struct kernel *kernel, const struct target *target,
	       uint32_t at_exit);

/* After a command: the statistics as well, if the plug is still there. */
void add_statistics(struct kernel *kernel, struct qdisc_state *state);

/*
 * Until every released packet has left the targets, or the deadline (by
 * clock_now()) has passed: ETIMEDOUT. Another errno: they could not be checked.
 * What is gone meanwhile, or stopped, is not waited for.
 */
int drain_targets(struct kernel *kernel, const struct selector *selector,
		  struct target *targets, unsigned int n, uint64_t deadline);

/* Time that never jumps, in nanoseconds. */
uint64_t clock_now(void);

#endif
