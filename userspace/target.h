/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the devices that somebody names to the plugs that the kernel has there,
 * and commands sent to them.
 */
#ifndef PLUGCTL_TARGET_H
#define PLUGCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "netlink.h"
#include "plugctl.h"

struct target {
	const char *name;		/* as typed */
	struct address at;
	bool usable;			/* found, and nothing has failed yet */
	bool remembered;		/* found earlier: may have moved since */
	bool told;			/* our module: it dumps its state */
	bool gone;			/* the device or the plug went away */
	bool twin;			/* the plug of an earlier one: not usable */
	struct qdisc_state state;	/* as last heard of, kind "" if never */
};

/*
 * Find the plug of each named device. Complains about every device that does
 * not exist, has no plug, or has several and no --parent or --handle says
 * which; those are not usable. NULL: nothing could be done at all, the
 * complaint was made. Free it.
 */
struct target *find_targets(struct plugctl *ctx, char *const *names,
			    unsigned int n);

/*
 * All plugs, or those of a device, sorted: by the family where there is one. sent:
 * with the packets that were sent, for which rtnetlink is asked as well. Returns 0
 * or an errno. Free the list.
 */
int dump_plugs(struct plugctl *ctx, int ifindex, bool sent,
	       struct qdisc_list *list);

/*
 * The same. A plug of these targets, of which the device must be known, is in the
 * list if there is one.
 */
int list_plugs(struct plugctl *ctx, const struct target *targets, unsigned int n,
	       bool sent, struct qdisc_list *list);

/* The in-tree module cannot do everything: complains, leaves usable who can. */
void check_ability(struct plugctl *ctx, struct target *targets, unsigned int n,
		   const struct action *action);

/* After a command: the statistics as well, if the plug is still there. */
void add_statistics(struct plugctl *ctx, struct qdisc_state *state);

/* Ask the kernel again. What is gone becomes unusable, without a complaint. */
int refresh_targets(struct plugctl *ctx, struct target *targets, unsigned int n);

/*
 * Send an action to every usable target in one go. A target that was found
 * earlier and is not there any more is looked for once more, unless the action
 * names an epoch: another plug has others. target.state is the state after the
 * command, with the in-tree module only if echo is set. Complains about each failure,
 * except, with forgive_gone, about devices and plugs that went away.
 */
void send_action(struct plugctl *ctx, struct target *targets, unsigned int n,
		 const struct action *action, bool echo, bool forgive_gone);

/*
 * What the answer to that action means for the target, as with send_action().
 * Where it is not there any more, it is looked for and asked once more.
 */
void take_answer(struct plugctl *ctx, struct target *target,
		 const struct action *action, bool echo, bool forgive_gone,
		 struct answer *answer);

/* The socket over which this one is sent commands. */
struct netlink *socket_of(const struct plugctl *ctx, const struct target *target);

/* What the kernel has at one address is this target's plug from now on. */
void set_target(struct target *target, const struct qdisc_state *state);

/* By --parent and --handle. */
bool is_selected(const struct plugctl *ctx, const struct qdisc_state *state);

int complain_no_plug(struct plugctl *ctx, const char *name);

/* The index of a device; complains and returns 0 where there is none. */
int find_device(struct plugctl *ctx, const char *name);

/* What the kernel refused, in words, with what to do about it. */
int complain_refusal(struct plugctl *ctx, const char *where,
		     const struct answer *answer);

/* The socket or the dump failed. */
int complain_netlink(struct plugctl *ctx, int error);

#endif
