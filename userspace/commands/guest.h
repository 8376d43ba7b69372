/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by guest add, del and show. */
#ifndef PLUGCTL_COMMANDS_GUEST_H
#define PLUGCTL_COMMANDS_GUEST_H

#include "../kernel/guest.h"
#include "commands.h"

/* One device that is being made a guest, or no longer a guest. */
struct guest {
	struct target device;
	struct target ifb;	/* with the device's name; at is the ifb's */
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

/* Counts the devices; an error if another word follows them. Returns a status. */
int parse_guest_devices(struct request *req);

/* The packets in all plugs of a device. */
uint32_t held_by(struct kernel *kernel, int ifindex);

/*
 * Reads what there is of a guest. Returns a status, 0 even if there is no such device:
 * see device.failed.
 */
int read_guest(struct request *req, const char *name,
	       const struct guest_links *links, struct guest *guest);

/* The qdisc was attached by this command, or by an earlier one. */
bool owns_qdisc(const struct guest *guest);

/*
 * Calls change() for each device of the request, with the lock and after the rest of
 * guests without a device was removed. Returns the worst status.
 */
typedef int change_guest_fn(struct request *req, const struct guest_links *links,
			    const char *name);
int change_guests(struct request *req, change_guest_fn *change);

#endif
