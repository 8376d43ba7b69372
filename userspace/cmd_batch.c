// SPDX-License-Identifier: GPL-2.0-or-later
/* batch: commands from a file or a pipe, all over one socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "memory.h"
#include "parse.h"
#include "plugctl.h"

struct batch {
	FILE *file;
	char *line;
	size_t size;
	char *words[LINE_WORDS_MAX];
	struct options opt;	/* what every line begins with */
};

/* Takes a line apart. Returns the number of words, -1 after a complaint. */
static int split(struct plugctl *ctx, struct batch *batch, size_t len)
{
	bool whole = len && batch->line[len - 1] == '\n';
	int n;

	if (strlen(batch->line) != len) {
		complain(ctx, STATUS_USAGE, NULL,
			 "a zero byte in the line: this is not text");
		return -1;
	}
	n = split_line(batch->line, batch->words, LINE_WORDS_MAX);
	if (n < 0) {
		complain(ctx, STATUS_USAGE, NULL,
			 "more than %d words: write several lines",
			 LINE_WORDS_MAX - 1);
		return -1;
	}
	/* Half a line may be a command, but not the one that was meant. */
	if (n && !whole) {
		complain(ctx, STATUS_USAGE, NULL,
			 "the input ends in the middle of this line, which was not obeyed: end it with a newline");
		return -1;
	}
	return n;
}

static void answer_begin(struct plugctl *ctx)
{
	if (!ctx->opt.json)
		return;
	ctx->out.json = true;
	ctx->out.pretty = ctx->opt.pretty;
	ctx->errors = json_object_new_array();
	out_object(&ctx->out, NULL);
	out_u64(&ctx->out, "line", NULL, ctx->line);
}

static void answer_end(struct plugctl *ctx)
{
	if (!ctx->out.json)
		return;
	while (ctx->out.depth > 1)
		out_end(&ctx->out);
	if (ctx->command)
		out_str(&ctx->out, "command", NULL, ctx->command->name);
	out_bool(&ctx->out, "ok", !ctx->status);
	if (ctx->errors && json_object_array_length(ctx->errors))
		out_value(&ctx->out, "errors", ctx->errors);
	else
		json_object_put(ctx->errors);
	ctx->errors = NULL;
	out_end(&ctx->out);
}

/* Returns the line's status. A line without words costs nothing and says nothing. */
static int run_line(struct plugctl *ctx, struct batch *batch, size_t len)
{
	int n;

	ctx->opt = batch->opt;
	ctx->status = STATUS_OK;
	ctx->command = NULL;
	/* Looks only: a line with nothing in it has no answer. */
	if (strspn(batch->line, " \t\r\n\v\f") == len ||
	    batch->line[strspn(batch->line, " \t\r\v\f")] == '#')
		return STATUS_OK;

	answer_begin(ctx);
	n = split(ctx, batch, len);
	if (n > 0)
		run_words(ctx, batch->words, n);
	answer_end(ctx);
	return ctx->status;
}

static int run_lines(struct plugctl *ctx, struct batch *batch, bool go_on)
{
	int worst = STATUS_OK;
	ssize_t len;

	while ((len = getline(&batch->line, &batch->size, batch->file)) >= 0) {
		int status;

		ctx->line++;
		status = run_line(ctx, batch, (size_t)len);
		if (status > worst)
			worst = status;
		if (!out_flush(&ctx->out))
			return complain(ctx, STATUS_REFUSED, NULL,
					"cannot write the answer: is the reader gone?");
		if (status && !go_on)
			break;
	}
	if (ferror(batch->file))
		worst = complain(ctx, STATUS_REFUSED, NULL, "cannot read on: %s",
				 strerror(errno));
	return worst;
}

static int run_batch(struct plugctl *ctx, struct batch *batch)
{
	const struct options opt = ctx->opt;
	int status;

	batch->opt = opt;
	batch->opt.force = false;	/* the batch's own */
	status = run_lines(ctx, batch, opt.force);
	ctx->opt = opt;
	ctx->file = NULL;
	ctx->status = status;
	return status;
}

int cmd_batch(struct plugctl *ctx, const struct args *args)
{
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
	batch->file = stdin;
	ctx->file = "stdin";
	if (args->n && strcmp(args->v[0], "-")) {
		batch->file = fopen(args->v[0], "re");
		ctx->file = args->v[0];
	}
	if (batch->file) {
		status = run_batch(ctx, batch);
	} else {
		ctx->file = NULL;
		status = complain(ctx, STATUS_USAGE, args->v[0],
				  "cannot be opened: %s", strerror(errno));
	}
	if (batch->file && batch->file != stdin)
		fclose(batch->file);
	free(batch->line);
	free(batch);
	return status;
}
