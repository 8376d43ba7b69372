/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the plugs of the devices that the user names. */
#ifndef PLUGCTL_TARGET_H
#define PLUGCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
#define NEVER		UINT64_MAX

/* The outcome for a target. TARGET_OK: found, and nothing has failed yet. */
enum target_error {
	TARGET_OK,
	TARGET_DUPLICATE,	/* same plug as an earlier target: no failure */
	TARGET_NO_DEVICE,
	TARGET_NAME_TOO_LONG,
	TARGET_NO_PLUG,
	TARGET_SEVERAL,		/* several plugs, and none is selected */
	TARGET_DEFAULT,		/* a default qdisc of the kernel: takes no commands */
	TARGET_GONE,		/* the plug has gone away */
	TARGET_REPLACED,	/* by another plug, and the action names an epoch */
	TARGET_UNABLE,		/* the module, or rtnetlink, cannot do the action */
	TARGET_REFUSED,		/* by the kernel: error and text say why */
	TARGET_NOT_SENT,	/* error: why */
	TARGET_NO_ANSWER,
	TARGET_UNCHECKED,	/* error: why its state could not be read */
	TARGET_NOT_OWNED,	/* --at-exit: error says why; the command was not sent */
	TARGET_NAMED,		/* the command has dealt with it, and reported it */
};

struct target {
	const char *name;	/* as typed */
	int named;		/* ifindex of that name; for a guest, at has the ifb */
	struct address at;
	bool cached;		/* found earlier: may have moved since then */
	bool replaced;		/* the name had another plug earlier */
	enum target_error failed;
	bool reported;
	int error;
	char text[EXTACK_TEXT_MAX];	/* the kernel's message, or "" */
	unsigned int count;	/* TARGET_SEVERAL: how many */
	struct qdisc_state state;	/* as last reported */
};

/* Selects a plug of a device. */
struct selector {
	bool have_parent;
	bool have_handle;
	bool all;		/* all plugs */
	uint32_t parent;
	uint32_t handle;
};

/* The array belongs to the kernel; the next make_targets() uses it again. */
struct targets {
	struct target *v;
	unsigned int n;
};

/* Makes n targets, all zero. Returns an errno. */
int make_targets(struct kernel *kernel, unsigned int n, struct targets *targets);

/* For kernel_close(): frees the targets, and the plugs that a batch has cached. */
void forget_targets(struct kernel *kernel);

/*
 * Finds the plugs of the named devices; each target has the result of its search.
 * Returns an errno if nothing could be done at all.
 */
int find_targets(struct kernel *kernel, char *const *names, unsigned int n,
		 const struct selector *selector, struct targets *targets);

/*
 * For a batch, after a plug was attached: the next line looks up the name again, as
 * the device may have two plugs now. replaced: epochs in later lines are those of the
 * new plug.
 */
void added_target(struct kernel *kernel, const struct selector *selector,
		  const struct target *target, bool replaced);

/*
 * For a batch: returns a pointer to the cached id of the plug that we own. NULL: the
 * target is not cached.
 */
uint64_t *owned_plug(struct kernel *kernel, const struct selector *selector,
		     const struct target *target);

/* Finds only the device. Returns whether it exists; if not, sets failed. */
bool find_device(struct kernel *kernel, struct target *target);

/*
 * Lists all plugs, or those of a device, by the family if there is one. sent: also
 * get the sent packets, by rtnetlink.
 */
int dump_plugs(struct kernel *kernel, int ifindex, bool sent,
	       struct qdisc_list *list);

/*
 * Like dump_plugs(), but sorted by device and handle. The list has all plugs of the
 * targets, whose devices must be known. If a target is the device of a guest and has
 * no plug, the target is changed to the ifb that has the guest's plug (guest.h).
 */
int list_plugs(struct kernel *kernel, struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list);

bool is_selected(const struct selector *selector, const struct qdisc_state *state);

/*
 * Reads the state of the targets again. Plugs that are gone get TARGET_GONE, also
 * if another plug has taken their place. A target without a plug gets the one that
 * the device has. On failure returns an errno, and all targets that were TARGET_OK
 * get TARGET_UNCHECKED, because their state is unknown.
 */
int refresh_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n);

/*
 * Looks up the plug of a cached target again, by the name of the device. Returns
 * whether the plug that was found has another address, which the target then has.
 */
bool relocate_target(struct kernel *kernel, const struct selector *selector,
		     struct target *target);

/*
 * Sends an action to every target that is TARGET_OK. If the plug of a cached target is
 * gone, the target is looked up once more. If this finds another plug, that plug gets
 * the action, unless the action names an epoch: the epoch belongs to the old plug.
 * Only with echo do the targets have their new state afterwards.
 */
void change_targets(struct kernel *kernel, const struct selector *selector,
		    struct target *targets, unsigned int n,
		    const struct action *action, bool echo);

/*
 * If kernel->own is set, makes our socket the owner of each plug, or sets
 * TARGET_NOT_OWNED. change_targets() calls this before it sends the action.
 */
void own_targets(struct kernel *kernel, const struct selector *selector,
		 struct target *targets, unsigned int n, const struct action *action);

/* Makes our socket the owner of the plug. Returns an errno. */
int own_target(struct kernel *kernel, const struct target *target,
	       uint32_t at_exit);

/* After a command: adds the statistics, if the plug still exists. */
void add_statistics(struct kernel *kernel, struct qdisc_state *state);

/*
 * Waits until every released packet has left the targets. Returns an errno. ETIMEDOUT:
 * the deadline (by clock_now()) has passed. Another errno: the targets could not be
 * read. Does not wait for stopped packets, or for plugs that go away.
 */
int drain_targets(struct kernel *kernel, const struct selector *selector,
		  struct target *targets, unsigned int n, uint64_t deadline);

/* The monotonic time, in nanoseconds. */
uint64_t clock_now(void);

#endif
