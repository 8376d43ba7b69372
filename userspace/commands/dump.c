// SPDX-License-Identifier: GPL-2.0-or-later
#include "../report/report.h"
#include "commands.h"

static int print_line(struct request *req, const char *name,
		      const struct qdisc_state *state, void *data)
{
	struct out *out = &req->session->out;

	(void)data;
	if (out->json)
		print_plug(out, name, state);
	else
		print_fields(out, name, state);
	return STATUS_OK;
}

static int dump_run(struct request *req)
{
	struct out *out = &req->session->out;
	int status;

	out_array(out, "plugs");
	status = print_plugs(req, print_line, NULL, true);
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
