/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file a command: all that there is to know about it is in that file. */
#ifndef PLUGCTL_COMMANDS_H
#define PLUGCTL_COMMANDS_H

#include "../cli/plugctl.h"

/* Returns a status. */
typedef int print_fn(struct request *req, const char *name,
		     const struct qdisc_state *state, void *data);

extern const struct command cmd_add, cmd_del, cmd_buffer, cmd_release, cmd_open,
	cmd_limit, cmd_discard, cmd_show, cmd_dump, cmd_monitor, cmd_wait, cmd_run,
	cmd_guest, cmd_batch, cmd_version, cmd_help, cmd_is_open, cmd_save, cmd_complete;

/* Every plug, or those of the devices named. Returns the worst status. */
int print_plugs(struct request *req, print_fn *print, void *data, bool sent);

/* parse() of "DEV... [upto EPOCH]": sets req->action.upto and epoch. */
int parse_upto(struct request *req);

/*
 * Nothing is taken away from a plug that holds packets which will not leave by
 * themselves (late: nor those that drain), unless with --force: the target fails.
 */
void refuse_held(struct request *req, struct target *target, bool late);

/* How long "del" waits for packets to leave, unless --timeout says otherwise. */
#define DEL_PATIENCE	(10 * NS_PER_S)

/* A plug at the root of the target's device, as "add" does it. Returns a status. */
int attach_at_root(struct request *req, struct target *target, bool open,
		   uint32_t limit);

/* A limit's SIZE; and a warning where it is tiny. Returns a status. */
int parse_limit(struct request *req, const char *word, uint32_t *limit);
void note_small_limit(struct request *req, const char *name, uint32_t limit);

#endif
