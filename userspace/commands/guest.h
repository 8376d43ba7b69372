/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by guest add, del and show. */
#ifndef PLUGCTL_COMMANDS_GUEST_H
#define PLUGCTL_COMMANDS_GUEST_H

#include "../kernel/guest.h"
#include "commands.h"

/* One device that is being made a guest, or no longer a guest. */
struct guest {
	struct target device;
	struct target ifb;	/* name is the device's, at is the ifb's */
	struct guest_link link;
	struct guest_ingress ingress;
	const struct guest_link *old;	/* an existing ifb of this guest */
	/* Created by this command, and removed if a later step fails. */
	bool made_ifb;
	bool made_qdisc;
	bool made_arp;
};

extern const struct command cmd_guest_add, cmd_guest_del, cmd_guest_show;

/* Selects the plug of an ifb. */
extern const struct selector guest_plug;

bool is_guest_keyword(const char *word);

/* Checks that no word is a keyword of guest add. Returns a status. */
int parse_guest_devices(struct request *req);

/* Returns how many packets the plugs of a device hold. */
uint32_t held_by(struct kernel *kernel, int ifindex);

/*
 * Reads what exists of a guest. Returns a status. If there is no such device, only
 * device.failed says so.
 */
int read_guest(struct request *req, const char *name,
	       const struct guest_links *links, struct guest *guest);

/* Whether the clsact is ours: an earlier command attached it, or this one does. */
bool owns_qdisc(const struct guest *guest);

/*
 * Takes the lock, removes what is left of guests whose device is gone, then calls
 * change() for each device of the request. Returns the worst status.
 */
typedef int change_guest_fn(struct request *req, const struct guest_links *links,
			    const char *name);
int change_guests(struct request *req, change_guest_fn *change);

#endif
