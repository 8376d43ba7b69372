/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each command has its own file, with everything about that command. */
#ifndef PLUGCTL_COMMANDS_H
#define PLUGCTL_COMMANDS_H

#include "../cli/plugctl.h"

/* Prints one plug. Returns a status. */
typedef int print_fn(struct request *req, const char *name,
		     const struct qdisc_state *state, void *data);

extern const struct command cmd_add, cmd_del, cmd_buffer, cmd_release, cmd_open,
	cmd_limit, cmd_discard, cmd_show, cmd_dump, cmd_monitor, cmd_wait, cmd_run,
	cmd_guest, cmd_batch, cmd_version, cmd_help, cmd_is_open, cmd_save, cmd_complete;

/*
 * Calls print() for every plug, or for those of the named devices. sent: as for
 * dump_plugs(). Returns the worst status.
 */
int print_plugs(struct request *req, print_fn *print, void *data, bool sent);

/*
 * Without --force, the target fails if its plug holds packets that will not leave
 * without another command. late: packets that are still leaving count, too. Reports a
 * failure, and returns a status.
 */
int refuse_held(struct request *req, struct target *target, bool late);

/* How long "del" waits for packets to leave, without --timeout. */
#define DEL_PATIENCE	(10 * NS_PER_S)

/*
 * Attaches the plug of req->attachment to the target's device. Reports a failure, and
 * returns a status.
 */
int attach_plug(struct request *req, struct target *target);

/*
 * Parses "open" or "closed", the state in which a plug starts. A command with both is
 * refused. Returns a status.
 */
int parse_open(struct request *req, const char *word);

/* Returns the keyword of add, or of guest add, that resembles the word; or NULL. */
const char *nearest_keyword(const char *word, bool guest);

/* Parses the SIZE of a limit. Returns a status. */
int parse_limit(struct request *req, const char *word, uint32_t *limit);
/* Warns if a limit is very small. */
void note_small_limit(struct request *req, const char *name, uint32_t limit);

#endif
