/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the results of a request. All output goes through these functions and those of
 * out.h. If only one command has a message, its text is in the file of the command.
 * error.c has the messages of several commands, and explains the kernel's errors.
 */
#ifndef PLUGCTL_REPORT_H
#define PLUGCTL_REPORT_H

#include "../cli/plugctl.h"
#include "../kernel/module.h"

/*
 * Prints one line to stderr, with one write(): "plugctl: WHERE: what is wrong: what
 * to do". where may be NULL. Sets the request's status, unless that is already
 * worse. Returns the given status.
 */
int complain(struct request *req, int status, const char *where,
	     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for messages that are not failures; silent with -q. */
void note(struct request *req, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Usage errors: prints what is wrong, then the usage of the command. */
int complain_usage(struct request *req, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes the messages that were held back, and stops holding messages. */
void messages_write(struct messages *messages);

int complain_memory(struct request *req);

/* The kernel does not know the qdisc kind "plug": says why, and what to do. */
int complain_kind(struct request *req, const char *where);

#define ADVICE_MAX	768

/* Writes the advice of complain_kind(), from which modules are loaded and on disk. */
void format_advice(char advice[ADVICE_MAX], const struct module_info *info);

int complain_output(struct request *req);

/* A socket or a dump failed. */
int complain_netlink(struct request *req, int error);
int complain_open(struct request *req, const struct open_failure *failure);

/* The kernel refused: text is the kernel's own message, or "". */
int complain_refusal(struct request *req, const char *where, int error,
		     const char *text);

/* Reports the failure of a target, if it failed and was not reported before. */
int complain_target(struct request *req, struct target *target);

/* After a command: reports each failed target, then, with -v or -j, the states. */
void report_targets(struct request *req);

/* Prints a plug as a block of lines, or as one JSON object. */
void print_plug(struct out *out, const char *name, const struct qdisc_state *state);

/* The same without the object, which must have begun. */
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
 * Returns the name of a device for output, in text, which has room for IF_NAMESIZE. If
 * the device is gone, this is the typed name. NULL: there is no typed name either.
 */
const char *device_name(struct kernel *kernel, int ifindex, const char *typed,
			char *text);

#endif
