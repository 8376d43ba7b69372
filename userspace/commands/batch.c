// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli/parse.h"
#include "../cli/reader.h"
#include "../report/report.h"
#include "commands.h"

struct line {
	char *text;
	size_t len;
	bool terminated;
	bool broken;		/* the reader of the answers is gone */
};

enum { NOT_TEXT = -1, TOO_MANY = -2, HALF = -3 };

/* Splits a line. Returns the number of words, or NOT_TEXT, TOO_MANY or HALF. */
static int split(const struct line *line, char **words)
{
	int n;

	if (memchr(line->text, '\0', line->len))
		return NOT_TEXT;
	n = split_line(line->text, words, LINE_WORDS_MAX);
	if (n < 0)
		return TOO_MANY;
	/* An incomplete line may be a valid command, but not the intended one. */
	return n && !line->terminated ? HALF : n;
}

static int complain_split(struct request *req, int what)
{
	if (what == NOT_TEXT)
		return complain(req, STATUS_USAGE, NULL,
				"a zero byte in the line: this is not text");
	if (what == TOO_MANY)
		return complain(req, STATUS_USAGE, NULL,
				"more than %d words: write several lines",
				LINE_WORDS_MAX - 1);
	return complain(req, STATUS_USAGE, NULL,
			"the input ends in the middle of this line, which was not executed: end it with a newline");
}

/* "Not open" is an answer, not a failure. */
static bool is_failure(int status)
{
	return status && status != STATUS_NOT_OPEN;
}

/* The status of the batch: "not open" only if no line has failed. */
static int worse_line(int a, int b)
{
	return is_failure(a) == is_failure(b) ? worse(a, b) : is_failure(a) ? a : b;
}

/* With -j: begins the JSON object that answers the line. */
static void answer_begin(struct request *req)
{
	out_object(&req->session->out, NULL);
	out_u64(&req->session->out, "line", NULL, req->line);
}

static void answer_end(struct request *req, int status)
{
	const struct command *command = req->command;
	struct out *out = &req->session->out;

	while (out->depth > 1)
		out_end(out);
	if (command)
		out_str(out, "command", NULL, command->group ?
			command->group->name : command->name);
	out_bool(out, "ok", !is_failure(status));
	if (req->errors)
		out_value(out, "errors", req->errors);
	req->errors = NULL;
	out_end(out);
}

/* Returns the status of the line. An empty line has no answer. */
static int run_line(struct request *req, struct line *line, char **words)
{
	struct out *out = &req->session->out;
	const int n = split(line, words);
	int status;

	if (!n)
		return STATUS_OK;
	answer_begin(req);
	status = n > 0 ? execute(req, words, n) : complain_split(req, n);
	answer_end(req, status);
	line->broken = !out_flush(out);
	if (line->broken)
		status = complain(req, STATUS_REFUSED, NULL,
				  "cannot write the answer: is the reader gone?");
	return status;
}

/* Called when there are no more lines. If reading has failed, reports it. */
static int complain_end(struct request *req, int error)
{
	int status;

	if (!error)
		return STATUS_OK;
	answer_begin(req);
	if (error == E2BIG)
		status = complain(req, STATUS_USAGE, NULL,
				  "this line is longer than %d bytes: this is not a batch",
				  READER_LINE_MAX);
	else
		status = complain(req, STATUS_REFUSED, NULL,
				  "cannot read on: %s: what came before was executed",
				  strerror(error));
	answer_end(req, status);
	return status;
}

static int run_lines(struct request *batch, struct reader *reader, const char *file)
{
	struct options base = batch->options;
	char **words = calloc(LINE_WORDS_MAX, sizeof(*words));
	int status, worst = STATUS_OK;
	unsigned long number = 0, reads = 0;
	struct line line = { 0 };
	bool more = true;

	if (!words)
		return complain_memory(batch);
	base.force = false;	/* --force was for the batch itself */
	while (more) {
		struct request req = {
			.session = batch->session, .base = &base,
			.file = file, .line = ++number,
		};

		line.text = reader_line(reader, &line.len, &line.terminated);
		/* Lines of the next read may have been written much later. */
		batch->session->kernel.moment += reader->reads - reads;
		reads = reader->reads;
		status = line.text ? run_line(&req, &line, words) :
				     complain_end(&req, reader->error);
		worst = worse_line(worst, status);
		more = line.text && !line.broken &&
		       (!is_failure(status) || batch->options.force);
	}
	free(words);
	return worst;
}

static int batch_parse(struct request *req)
{
	return req->n > 1 ? complain_usage(req, "unexpected argument '%s': one file",
					   req->words[1]) : STATUS_OK;
}

static int batch_run(struct request *req)
{
	const char *name = req->n ? req->words[0] : "-";
	struct reader reader = { .fd = STDIN_FILENO };
	int status;

	if (strcmp(name, "-")) {
		reader.fd = open(name, O_RDONLY | O_CLOEXEC);
		if (reader.fd < 0)
			return complain(req, STATUS_USAGE, name,
					"cannot be opened: %s: name a file, or - for standard input",
					strerror(errno));
	} else {
		name = "stdin";
	}
	req->session->kernel.caching = true;
	status = run_lines(req, &reader, name);
	if (reader.fd != STDIN_FILENO)
		close(reader.fd);
	reader_free(&reader);
	return status;
}

const struct command cmd_batch = {
	.name = "batch",
	.usage = "[FILE|-]",
	.summary = "commands from a file or standard input, one a line",
	.details =
"The first failure ends it, unless --force is given. '#' begins a comment. With\n"
"-j each line is answered by one line of JSON, at once. With --at-exit the plugs\n"
"that are commanded belong to plugctl, and when it ends, even if it is killed, the\n"
"kernel opens them or discards what they hold.\n",
	.completion = COMPLETE_FILE,
	.options = TAKES_FORCE | TAKES_AT_EXIT | NOT_IN_BATCH,
	.parse = batch_parse,
	.run = batch_run,
};
