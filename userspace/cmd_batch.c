// SPDX-License-Identifier: GPL-2.0-or-later
/* batch: commands from a file or a pipe, all over one socket. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "parse.h"
#include "pipeline.h"
#include "plugctl.h"
#include "reader.h"

struct batch {
	struct reader reader;
	char *words[LINE_WORDS_MAX];
	struct options opt;	/* what every line begins with */
};

struct line {
	char *text;
	size_t len;
	bool whole;
};

enum { NOT_TEXT = -1, TOO_MANY = -2, HALF = -3 };

/* Takes a line apart. Returns the number of words, or what is wrong with it. */
static int split(struct batch *batch, const struct line *line)
{
	int n;

	if (memchr(line->text, '\0', line->len))
		return NOT_TEXT;
	n = split_line(line->text, batch->words, LINE_WORDS_MAX);
	if (n < 0)
		return TOO_MANY;
	/* Half a line may be a command, but not the one that was meant. */
	return n && !line->whole ? HALF : n;
}

static void complain_split(struct plugctl *ctx, int what)
{
	if (what == NOT_TEXT)
		complain(ctx, STATUS_USAGE, NULL,
			 "a zero byte in the line: this is not text");
	else if (what == TOO_MANY)
		complain(ctx, STATUS_USAGE, NULL,
			 "more than %d words: write several lines",
			 LINE_WORDS_MAX - 1);
	else
		complain(ctx, STATUS_USAGE, NULL,
			 "the input ends in the middle of this line, which was not obeyed: end it with a newline");
}

static void answer_begin(struct plugctl *ctx)
{
	if (!ctx->opt.json)
		return;
	errors_begin(ctx);
	out_object(&ctx->out, NULL);
	out_u64(&ctx->out, "line", NULL, ctx->line);
}

static void answer_end(struct plugctl *ctx)
{
	if (!ctx->opt.json)
		return;
	while (ctx->out.depth > 1)
		out_end(&ctx->out);
	if (ctx->command)
		out_str(&ctx->out, "command", NULL, ctx->command->name);
	out_bool(&ctx->out, "ok", !ctx->status);
	errors_end(ctx);
	out_end(&ctx->out);
}

/* Returns the line's status. An empty one has no answer. */
static int run_line(struct plugctl *ctx, struct batch *batch,
		    const struct line *line)
{
	int n;

	ctx->opt = batch->opt;
	ctx->status = STATUS_OK;
	ctx->command = NULL;
	n = split(batch, line);
	if (!n)
		return STATUS_OK;
	answer_begin(ctx);
	if (n > 0)
		run_words(ctx, batch->words, n);
	else
		complain_split(ctx, n);
	answer_end(ctx);
	return ctx->status;
}

/* What waits to be sent names its devices in the text of earlier lines. */
static char *next_line(struct plugctl *ctx, struct batch *batch, struct line *line)
{
	if (ctx->pipeline && !reader_ready(&batch->reader))
		pipeline_flush(ctx);
	line->text = reader_line(&batch->reader, &line->len, &line->whole);
	return line->text;
}

static int run_lines(struct plugctl *ctx, struct batch *batch, bool go_on)
{
	unsigned long reads = 0;
	int worst = STATUS_OK;
	struct line line;

	while (next_line(ctx, batch, &line)) {
		int status;

		/* These lines may have been written long after those before. */
		if (batch->reader.reads != reads)
			memory_age(ctx->memory);
		reads = batch->reader.reads;
		ctx->line++;
		status = run_line(ctx, batch, &line);
		if (status > worst)
			worst = status;
		if (!out_flush(&ctx->out))
			return complain(ctx, STATUS_REFUSED, NULL,
					"cannot write the answer: is the reader gone?");
		if (status && !go_on)
			return worst;
	}
	/* Of the line that could not be read. */
	ctx->line++;
	ctx->status = worst;
	if (batch->reader.error == E2BIG)
		complain(ctx, STATUS_USAGE, NULL,
			 "this line is longer than %d bytes: this is not a batch",
			 READER_LINE_MAX);
	else if (batch->reader.error)
		complain(ctx, STATUS_REFUSED, NULL, "cannot read on: %s",
			 strerror(batch->reader.error));
	return ctx->status;
}

static int run_batch(struct plugctl *ctx, struct batch *batch)
{
	const struct options opt = ctx->opt;
	int status;

	batch->opt = opt;
	batch->opt.force = false;	/* the batch's own */
	/* Otherwise the first failure has to keep the next line from being sent. */
	if (opt.force) {
		ctx->pipeline = pipeline_new();
		if (!ctx->pipeline)
			return complain_memory(ctx);
	}
	status = run_lines(ctx, batch, opt.force);
	if (ctx->pipeline && pipeline_status(ctx->pipeline) > status)
		status = pipeline_status(ctx->pipeline);
	pipeline_free(ctx->pipeline);
	ctx->pipeline = NULL;
	ctx->opt = opt;
	ctx->file = NULL;
	ctx->status = status;
	return status;
}

int cmd_batch(struct plugctl *ctx, const struct args *args)
{
	const char *name = args->n ? args->v[0] : "-";
	struct batch *batch;
	int status;

	if (args->n > 1)
		return complain_usage(ctx, "'%s' is too much: one file",
				      args->v[1]);
	batch = calloc(1, sizeof(*batch));
	ctx->memory = memory_new();
	if (!batch || !ctx->memory) {
		free(batch);
		return complain_memory(ctx);
	}
	batch->reader.fd = STDIN_FILENO;
	ctx->file = "stdin";
	if (strcmp(name, "-")) {
		batch->reader.fd = open(name, O_RDONLY | O_CLOEXEC);
		ctx->file = name;
	}
	if (batch->reader.fd >= 0) {
		status = run_batch(ctx, batch);
	} else {
		ctx->file = NULL;
		status = complain(ctx, STATUS_USAGE, name,
				  "cannot be opened: %s: name a file, or - for standard input",
				  strerror(errno));
	}
	if (batch->reader.fd > STDIN_FILENO)
		close(batch->reader.fd);
	reader_free(&batch->reader);
	free(batch);
	return status;
}
