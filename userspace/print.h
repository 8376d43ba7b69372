/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the state of a plug looks. */
#ifndef PLUGCTL_PRINT_H
#define PLUGCTL_PRINT_H

#include "output.h"
#include "plugctl.h"
#include "state.h"
#include "target.h"

/* A block of lines, or one JSON object (its shape: schema/plug.schema.json). */
void print_plug(struct out *out, const char *name, const struct qdisc_state *state);

/* The same object's members, into an object that has begun. JSON only. */
void print_plug_members(struct out *out, const char *name,
			const struct qdisc_state *state);

/*
 * Text only, the rest of a line: "buffering epoch 42; 2 epochs wait for release
 * (oldest 40), 118 packets held"
 */
void print_brief(struct out *out, const struct qdisc_state *state);

/* One line of tab-separated fields, in the order that plugctl(8) lists. */
void print_fields(struct out *out, const char *name,
		  const struct qdisc_state *state);

/* After a command: nothing, a line each with -v, an array with -j. */
void print_targets(struct plugctl *ctx, const struct target *targets,
		   unsigned int n);

#endif
