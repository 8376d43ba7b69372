// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int dump_run(struct request *req)
{
	struct out *out = &req->session->out;
	int status;

	out_array(out, "plugs");
	status = print_plugs(req, out->json ? print_plug : print_fields, true);
	out_end(out);
	return status;
}

const struct command cmd_dump = {
	.name = "dump",
	.usage = "[DEV...]",
	.summary = "the same as tab-separated fields, for scripts",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_SELECT,
	.targets = DEVICES,
	.run = dump_run,
};
