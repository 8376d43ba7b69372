// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs a request, from the words of the command line to the report. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../report/report.h"
#include "parse.h"

int open_kernel(struct request *req)
{
	struct open_failure failure;

	req->session->kernel.own = req->options.have_at_exit;
	req->session->kernel.at_exit = req->options.at_exit;
	if (req->session->kernel.is_open)
		return STATUS_OK;
	req->session->kernel.rtnl_only = req->options.rtnl;
	if (kernel_open(&req->session->kernel, req->options.netns, &failure))
		return STATUS_OK;
	return complain_open(req, &failure);
}

/* Parses "DEV... [upto EPOCH]". The first word is a device, even if it is "upto". */
static int parse_upto(struct request *req)
{
	int n;

	if (!req->n)
		return complain_usage(req, "no device named");
	if (req->n == 2 && !strcmp(req->words[0], "upto") &&
	    parse_epoch(req->words[1], &req->action.epoch))
		return complain_usage(req, "no device named before 'upto'");
	for (n = 1; n < req->n; n++)
		if (!strcmp(req->words[n], "upto"))
			break;
	if (n >= req->n)
		return STATUS_OK;
	if (n + 1 >= req->n)
		return complain_usage(req, "no epoch after 'upto'");
	if (n + 2 < req->n)
		return complain_usage(req, "'%s' follows the epoch, which comes last",
				      req->words[n + 2]);
	if (!parse_epoch(req->words[n + 1], &req->action.epoch))
		return complain_usage(req, "'%s' is not an epoch, a number as plugctl show prints it",
				      req->words[n + 1]);
	req->action.code = req->command->action_upto;
	req->action.upto = true;
	req->n = n;
	return STATUS_OK;
}

static int parse_arguments(struct request *req)
{
	const struct command *command = req->command;

	req->action.code = command->action;
	if (command->parse)
		return command->parse(req);
	if (command->action_upto)
		return parse_upto(req);
	if (command->targets >= ONE_PLUG && !req->n)
		return complain_usage(req, "no device named");
	if (command->targets == ONE_PLUG && req->n > 1)
		return complain_usage(req, "one device at a time");
	return STATUS_OK;
}

/* For a command that attaches a plug: finds only the device. */
static int find_one_device(struct request *req)
{
	struct kernel *kernel = &req->session->kernel;

	if (make_targets(kernel, 1, &req->targets))
		return complain_memory(req);
	req->targets.v->name = req->words[0];
	find_device(kernel, req->targets.v);
	return STATUS_OK;
}

static int find_plugs(struct request *req)
{
	int error;

	if (req->command->targets < ONE_DEVICE)
		return STATUS_OK;
	if (req->command->targets == ONE_DEVICE)
		return find_one_device(req);
	error = find_targets(&req->session->kernel, req->words,
			     (unsigned int)req->n, &req->options.selector,
			     &req->targets);
	return error ? complain_netlink(req, error) : STATUS_OK;
}

/* Whether a word was not meant as a device: a number, or almost the word "upto". */
static bool is_mistyped(const char *word)
{
	return !word[strspn(word, "0123456789")] ||
	       edit_distance(word, "upto") <= 1 ||
	       (strlen(word) > 1 && !strncmp(word, "upto", strlen(word)));
}

/*
 * If a device does not exist, the command is still sent to the others, unless the
 * user has mistyped "upto". Releasing, dropping and detaching cannot be undone:
 * "release eth0 up 5" must not be executed as "release eth0", nor "del eth0 upto 5" as
 * "del eth0".
 */
static int check_words(struct request *req)
{
	const char *mistyped = NULL;
	unsigned int i;

	if (req->targets.n < 2)
		return STATUS_OK;
	for (i = 0; i < req->targets.n && !mistyped; i++)
		if (req->targets.v[i].failed == TARGET_NO_DEVICE &&
		    is_mistyped(req->targets.v[i].name))
			mistyped = req->targets.v[i].name;
	if (!mistyped)
		return STATUS_OK;
	for (i = 0; i < req->targets.n; i++) {
		req->targets.v[i].failed = TARGET_NAMED;
		req->targets.v[i].reported = true;
	}
	if (!req->command->action_upto)
		return complain_usage(req, "'%s' is no device, and %s takes no epoch. Nothing was done",
				      mistyped, req->command->name);
	return complain_usage(req, "'%s' is no device: was \"upto EPOCH\" meant? Nothing was done",
			      mistyped);
}

void change_plugs(struct request *req)
{
	/* Reading the state after the command costs time: done only on demand. */
	const bool echo = req->options.verbose || req->session->out.json;

	change_targets(&req->session->kernel, &req->options.selector,
		       req->targets.v, req->targets.n, &req->action, echo);
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
	if (!status)
		status = check_words(req);
	if (status)
		return status;
	if (command->run)
		status = command->run(req);
	else
		change_plugs(req);
	if (command->targets >= ONE_DEVICE)
		report_targets(req);
	/* The caller wants the exit status of the program itself. */
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

static int execute_words(struct request *req, char **words, int n)
{
	struct out *out = &req->session->out;
	int status;

	if (req->base)
		req->options = *req->base;
	status = parse_words(req, words, n);
	if (!req->file) {
		out->json = req->options.json;
		out->pretty = req->options.pretty;
		out->color = req->options.color;
		out->color_is_known = req->options.have_color;
	}
	out->verbose = req->options.verbose;
	if (status)
		return status;
	return req->options.version ? print_version(req) : dispatch(req);
}

int execute(struct request *req, char **words, int n)
{
	int status = execute_words(req, words, n);

	memset(&req->targets, 0, sizeof(req->targets));
	return status;
}

int plugctl_main(struct plugctl *session, int argc, char **argv)
{
	struct request req = { .session = session };
	int status;

	status = execute(&req, argv + 1, argc > 0 ? argc - 1 : 0);
	if (!out_flush(&session->out))
		status = worse(status, complain_output(&req));
	kernel_close(&session->kernel);
	return status;
}
