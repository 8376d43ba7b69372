// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "../cli/options.h"
#include "../report/report.h"
#include "commands.h"

static void print_option(struct out *out, const struct option *option)
{
	const char *value = option->value ? option->value : "";
	char text[64];

	if (option->value_optional)
		snprintf(text, sizeof(text), "--%s[=%s]", option->name, value);
	else
		snprintf(text, sizeof(text), "--%s%s%s", option->name,
			 *value ? " " : "", value);
	if (option->letter)
		out_text(out, "  -%c, %-18s %s\n", option->letter, text, option->help);
	else
		out_text(out, "  %-22s %s\n", text, option->help);
}

static void print_command(struct out *out, const struct command *command)
{
	const struct option *option;
	unsigned int i;

	out_object(out, NULL);
	out_str(out, "name", "  %-8s ", command->name);
	out_str(out, "summary", " %s\n", command->summary);
	out_str(out, "usage", NULL, command->usage);
	out_array(out, "aliases");
	for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
		out_str(out, "alias", NULL, command->aliases[i]);
	out_end(out);
	out_array(out, "options");
	for (option = options; option->name; option++)
		if (takes_option(command, option))
			out_str(out, "option", NULL, option->name);
	out_end(out);
	out_end(out);
}

static void print_all(struct out *out)
{
	const struct option *option;
	unsigned int k;

	out_text(out, "usage: plugctl [OPTIONS] COMMAND DEV... [ARGUMENTS]\n\n"
		 "Hold packets of network devices back and release them, epoch by epoch.\n\n");
	out_array(out, "commands");
	for (k = 0; commands[k]; k++)
		if (commands[k]->completion != COMPLETE_HIDDEN)
			print_command(out, commands[k]);
	out_end(out);
	out_text(out, "\nOptions for all of them; write -- before a device that looks like one:\n");
	for (option = options; option->name; option++)
		if (!option->needs)
			print_option(out, option);
	out_text(out, "\nplugctl help COMMAND explains a command and its options, plugctl(8) everything.\n");
}

static void print_details(struct out *out, const struct command *command)
{
	const struct option *option;
	char usage[USAGE_TEXT_MAX];
	unsigned int i;

	if (out->json) {
		print_command(out, command);
		return;
	}
	format_usage(usage, command);
	out_text(out, "usage: %s\n\n%s: %s\n", usage, command->name,
		 command->summary);
	out_text(out, "%s", command->details ? command->details : "");
	for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
		out_text(out, "%s%s", i ? ", " : "Also known as: ",
			 command->aliases[i]);
	out_text(out, i ? "\n" : "");
	for (option = options; option->name; option++)
		if (takes_option(command, option))
			print_option(out, option);
}

static int help_parse(struct request *req)
{
	return req->n > 1 ? complain_usage(req, "unexpected argument '%s'",
					   req->words[1]) : STATUS_OK;
}

static int help_run(struct request *req)
{
	struct out *out = &req->session->out;
	const struct command *command;

	if (!req->n) {
		print_all(out);
		return STATUS_OK;
	}
	command = find_command(req->words[0]);
	if (!command)
		return complain_command(req, req->words[0]);
	print_details(out, command);
	return STATUS_OK;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.summary = "all commands, or one of them in detail",
	.completion = COMPLETE_COMMAND,
	.options = NOT_IN_BATCH,
	.parse = help_parse,
	.run = help_run,
};
