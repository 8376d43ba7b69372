/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a request, in words: the only place that prints. */
#ifndef PLUGCTL_REPORT_H
#define PLUGCTL_REPORT_H

#include "../cli/plugctl.h"

/*
 * One line on stderr, with one write(): "plugctl: WHERE: what is wrong: what to
 * do". where may be NULL. The request's status becomes that one unless a worse
 * one is there. Returns the status given.
 */
int complain(struct request *req, int status, const char *where,
	     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for what is no failure; silent with -q. */
void note(struct request *req, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Usage errors: what is wrong, then how the command is used. */
int complain_usage(struct request *req, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What was held back is written now, and nothing is held any more. */
void messages_write(struct messages *messages);

int complain_memory(struct request *req);
int complain_output(struct request *req);

/* A socket or a dump failed. */
int complain_netlink(struct request *req, int error);
int complain_open(struct request *req, const struct open_failure *failure);

/* The kernel said no: text is what it said itself, or "". */
int complain_refusal(struct request *req, const char *where, int error,
		     const char *text);

/* What has become of a target, unless all is well or it was reported before. */
int complain_target(struct request *req, struct target *target);

/* After a command: each target that failed, then the states, with -v or -j. */
void report_targets(struct request *req);

/* How a plug looks. A block of lines, or one JSON object. */
void print_plug(struct out *out, const char *name, const struct qdisc_state *state);

/* The same object's members, into an object that has begun. JSON only. */
void print_plug_members(struct out *out, const char *name,
			const struct qdisc_state *state);

/*
 * Text only, the rest of a line: "buffering epoch 42; 2 epochs wait for release
 * (oldest 40), 118 packets held, limit 10 MiB"
 */
void print_brief(struct out *out, const struct qdisc_state *state);

/* One line of tab-separated fields, in the order that plugctl(8) lists. */
void print_fields(struct out *out, const char *name,
		  const struct qdisc_state *state);

/*
 * A device's name for output: its own, or if it is gone the one that was typed
 * (NULL: NULL). text has room for IF_NAMESIZE.
 */
const char *device_name(struct kernel *kernel, int ifindex, const char *typed,
			char *text);

#endif
