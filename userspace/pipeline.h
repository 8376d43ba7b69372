/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of a batch that are sent together: one system call and one wait for
 * the kernel instead of one for each. Only where a failure does not end the
 * batch, and only with lines that are there already; nothing waits for input.
 */
#ifndef PLUGCTL_PIPELINE_H
#define PLUGCTL_PIPELINE_H

struct action;
struct pipeline;
struct plugctl;
struct target;

struct pipeline *pipeline_new(void);
void pipeline_free(struct pipeline *pipeline);

/* Takes a usable target, whose name must stay where it is until the flush. */
void pipeline_add(struct plugctl *ctx, const struct target *target,
		  const struct action *action);

/* Sends what was added and tells what failed, by line. Without one: nothing. */
void pipeline_flush(struct plugctl *ctx);

/* The worst of all lines' statuses. */
int pipeline_status(const struct pipeline *pipeline);

#endif
