// SPDX-License-Identifier: GPL-2.0-or-later
#include "../kernel/module.h"
#include "../report/report.h"
#include "commands.h"

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

static int version_parse(struct request *req)
{
	return req->n ? complain_usage(req, "unexpected argument '%s'",
				       req->words[0]) : STATUS_OK;
}

static int version_run(struct request *req)
{
	struct out *out = &req->session->out;
	struct module_info info;

	module_look(&info, "", NULL);
	out_object(out, "version");
	out_str(out, "plugctl", "plugctl %s\n", PLUG_VERSION);
	out_object(out, "module");
	print_loaded(out, &info);
	print_installed(out, &info);
	out_end(out);
	out_end(out);
	return STATUS_OK;
}

const struct command cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "the version of this tool and of the module",
	.completion = COMPLETE_NOTHING,
	.parse = version_parse,
	.run = version_run,
};
