/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of options, used for parsing, help and completion. */
#ifndef PLUGCTL_OPTIONS_H
#define PLUGCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct command;
struct options;

struct option {
	char letter;		/* 0: none */
	const char *name;
	const char *value;	/* name of the value in help; NULL: takes no value */
	const char *help;
	size_t flag;		/* offset of the bool in struct options to set; or 0 */
	unsigned int needs;	/* one of these bits must be set in command.options */
	bool global;		/* not allowed in a line of a batch */
	bool value_optional;	/* only as --NAME=VALUE */
	/* Stores the value. Returns false if it is not valid. NULL: takes no value. */
	bool (*set)(const char *value, struct options *options);
	const char *wanted;	/* what a valid value is, for the error */
};

extern const struct option options[];	/* ends with a name of NULL */

#define USAGE_TEXT_MAX	256

/* Whether the option is one of the command's own. Options of all commands are not. */
bool takes_option(const struct command *command, const struct option *option);

/* "plugctl del [--force] DEV...", with the options from the table. */
void format_usage(char text[USAGE_TEXT_MAX], const struct command *command);

/* Finds the option for "--NAME", len bytes long, or for "-j". NULL: there is none. */
const struct option *find_option(const char *word, size_t len);

#endif
