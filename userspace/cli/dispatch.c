// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of commands, and the one way from words to report. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../commands/commands.h"
#include "../report/report.h"
#include "parse.h"

const struct command *const commands[] = {
	&cmd_add, &cmd_del, &cmd_buffer, &cmd_release, &cmd_open, &cmd_limit,
	&cmd_discard, &cmd_show, &cmd_dump, &cmd_is_open, &cmd_save, &cmd_monitor,
	&cmd_wait, &cmd_run, &cmd_batch, &cmd_version, &cmd_help, &cmd_complete, NULL
};

const struct command *find_command(const char *word)
{
	unsigned int i, k;

	for (k = 0; commands[k]; k++) {
		if (!strcmp(commands[k]->name, word))
			return commands[k];
		for (i = 0; i < ALIASES_MAX && commands[k]->aliases[i]; i++)
			if (!strcmp(commands[k]->aliases[i], word))
				return commands[k];
	}
	return NULL;
}

int open_kernel(struct request *req)
{
	struct open_failure failure;

	req->session->kernel.rtnl_only = req->options.rtnl;
	if (kernel_open(&req->session->kernel, req->options.netns, &failure))
		return STATUS_OK;
	return complain_open(req, &failure);
}

static int parse_arguments(struct request *req)
{
	const struct command *command = req->command;

	if (command->parse)
		return command->parse(req);
	if (command->targets >= ONE_PLUG && !req->n)
		return complain_usage(req, "no device named");
	if (command->targets == ONE_PLUG && req->n > 1)
		return complain_usage(req, "one device at a time");
	return STATUS_OK;
}

static int find_plugs(struct request *req)
{
	int error;

	if (req->command->targets < ONE_PLUG)
		return STATUS_OK;
	error = find_targets(&req->session->kernel, req->words,
			     (unsigned int)req->n, &req->options.selector,
			     &req->targets);
	return error ? complain_netlink(req, error) : STATUS_OK;
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static int dispatch(struct request *req)
{
	const struct command *command = req->command;
	int status;

	status = parse_arguments(req);
	if (!status && command->targets != NO_SOCKET)
		status = open_kernel(req);
	if (!status)
		status = find_plugs(req);
	if (status)
		return status;
	status = command->run(req);
	if (command->targets >= ONE_PLUG)
		report_targets(req);
	/* The program's own status is what its caller asked for. */
	if (command->options & TAKES_PROGRAM)
		return status;
	return worse(status, req->status);
}

static int print_version(struct request *req)
{
	struct out *out = &req->session->out;

	out_object(out, NULL);
	out_str(out, "plugctl", "plugctl %s\n", PLUG_VERSION);
	out_end(out);
	return STATUS_OK;
}

int execute(struct request *req, char **words, int n)
{
	struct out *out = &req->session->out;
	bool help = false, version = false;
	int status;

	if (req->base)
		req->options = *req->base;
	status = parse_words(req, words, n, &help, &version);
	if (!req->file) {
		out->json = req->options.json;
		out->pretty = req->options.pretty;
		out->color = req->options.have_color ? req->options.color :
			     out_wants_color(out->file);
	}
	if (status)
		return status;
	return version ? print_version(req) : dispatch(req);
}

void request_free(struct request *req)
{
	free(req->targets.v);
	json_object_put(req->errors);
}

int plugctl_main(struct plugctl *session, int argc, char **argv)
{
	struct request req = { .session = session };
	int status;

	status = execute(&req, argv + 1, argc > 0 ? argc - 1 : 0);
	out_fini(&session->out);
	if (!out_flush(&session->out))
		status = worse(status, complain_output(&req));
	request_free(&req);
	kernel_close(&session->kernel);
	return status;
}
