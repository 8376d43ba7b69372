// SPDX-License-Identifier: GPL-2.0-or-later
/* version and help. */
#include "module.h"
#include "plugctl.h"

static const char completion_names[][8] = {
	[COMPLETE_NOTHING] = "nothing",
	[COMPLETE_PLUGGED] = "plugged",
	[COMPLETE_DEVICE] = "device",
	[COMPLETE_PROGRAM] = "program",
	[COMPLETE_FILE] = "file",
	[COMPLETE_COMMAND] = "command",
};

static void print_loaded(struct out *out, const struct module_info *info)
{
	out_bool(out, "loaded", info->loaded);
	if (!info->loaded) {
		out_text(out, "module sch_plug: not loaded");
		return;
	}
	out_str(out, "loaded_is", NULL, info->version[0] ? "sch-plug" : "in-tree");
	if (info->version[0])
		out_str(out, "loaded_version", "module sch_plug %s: loaded, of sch-plug",
			info->version);
	else
		out_text(out, "module sch_plug: loaded, the in-tree one");
}

static void print_installed(struct out *out, const struct module_info *info)
{
	out_str(out, "kernel", NULL, info->release);
	if (info->builtin) {
		out_bool(out, "builtin", true);
		out_text(out, "; kernel %s has it built in, where no module can replace it",
			 info->release);
	} else if (info->path[0]) {
		out_str(out, "installed", "; installed: %s", info->path);
		out_text(out, info->path_is_intree ? " (the in-tree one)" : "");
	} else {
		out_text(out, "; not installed for kernel %s", info->release);
	}
	out_text(out, "\n");
}

int cmd_version(struct plugctl *ctx, const struct args *args)
{
	struct module_info info;

	if (args->n)
		return complain_usage(ctx, "'%s' is too much", args->v[0]);
	module_look(&info, "", NULL);
	out_object(&ctx->out, "version");
	out_str(&ctx->out, "plugctl", "plugctl %s\n", PLUG_VERSION);
	out_object(&ctx->out, "module");
	print_loaded(&ctx->out, &info);
	print_installed(&ctx->out, &info);
	out_end(&ctx->out);
	out_end(&ctx->out);
	return ctx->status;
}

/* For completion scripts: name, kind of completion, summary. */
static void print_names(struct plugctl *ctx)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		out_text(&ctx->out, "%s\t%s\t%s\n", command->name,
			 completion_names[command->completion],
			 command->summary);
}

static void print_command(struct out *out, const struct command *command)
{
	unsigned int i;

	out_object(out, NULL);
	out_str(out, "name", "  %-8s ", command->name);
	out_str(out, "summary", " %s\n", command->summary);
	out_str(out, "usage", NULL, command->usage);
	out_array(out, "aliases");
	for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
		out_str(out, NULL, NULL, command->aliases[i]);
	out_end(out);
	out_str(out, "completes", NULL, completion_names[command->completion]);
	out_end(out);
}

static void print_all(struct out *out)
{
	const struct command *command;

	out_text(out, "usage: plugctl [OPTIONS] COMMAND DEV... [ARGUMENTS]\n\n"
		 "Hold packets of network devices back and release them, epoch by epoch.\n\n");
	out_array(out, "commands");
	for (command = commands; command->name; command++)
		print_command(out, command);
	out_end(out);
	out_text(out, "\n"
		 "  -j, --json            JSON; -p, --pretty for people\n"
		 "  -n, --netns NETNS     devices of that network namespace\n"
		 "  -v, --verbose         print the state after a command\n"
		 "  -q, --quiet           no notes and warnings, only errors\n"
		 "  --parent CLASSID, --handle H:\n"
		 "                        which plug, where a device has several\n"
		 "  --force, --timeout T  see plugctl help COMMAND; T is 500ms, 10s, 2m or seconds\n"
		 "  -V, --version; -h, --help; -- before a device that looks like an option\n\n"
		 "plugctl help COMMAND says more, plugctl(8) everything.\n");
}

static void print_details(struct out *out, const struct command *command)
{
	unsigned int i;

	out_text(out, "usage: plugctl [OPTIONS] %s%s%s\n\n%s: %s\n", command->name,
		 *command->usage ? " " : "", command->usage, command->name,
		 command->summary);
	if (command->details)
		out_text(out, "%s", command->details);
	for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
		out_text(out, "%s%s", i ? ", " : "Also known as: ",
			 command->aliases[i]);
	if (i)
		out_text(out, "\n");
	if (out->json)
		print_command(out, command);
}

int cmd_help(struct plugctl *ctx, const struct args *args)
{
	const struct command *command;

	if (ctx->opt.names) {
		ctx->out.json = false;
		print_names(ctx);
		return STATUS_OK;
	}
	if (args->n > 1)
		return complain_usage(ctx, "'%s' is too much: one command",
				      args->v[1]);
	if (!args->n) {
		print_all(&ctx->out);
		return STATUS_OK;
	}
	command = find_command(args->v[0]);
	if (!command)
		return complain(ctx, STATUS_USAGE, NULL,
				"%s: no such command: plugctl help lists all",
				args->v[0]);
	print_details(&ctx->out, command);
	return STATUS_OK;
}
