// SPDX-License-Identifier: GPL-2.0-or-later
/* How errors and notes are told: one line each, on stderr. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "plugctl.h"

#define WHERE_TEXT_MAX	256
#define MESSAGE_TEXT_MAX	1024

struct error {
	struct error *next;
	int status;
	char where[WHERE_TEXT_MAX];
	char text[MESSAGE_TEXT_MAX];
};

/*
 * One line, and legible, whatever was typed and is quoted in it; text is made so
 * in place. What was printed before comes first, also when both go to one file.
 */
static void say(struct plugctl *ctx, const char *where, char *text)
{
	char where_text[WHERE_TEXT_MAX];

	make_printable(text);
	fflush(ctx->out.file);
	fprintf(ctx->err, "plugctl: ");
	if (ctx->file)
		fprintf(ctx->err, "%s:%lu: ", ctx->file, ctx->line);
	if (where) {
		snprintf(where_text, sizeof(where_text), "%s", where);
		make_printable(where_text);
		fprintf(ctx->err, "%s: ", where_text);
	}
	fprintf(ctx->err, "%s\n", text);
}

static void collect(struct plugctl *ctx, int status, const char *where,
		    const char *text)
{
	struct error *error = calloc(1, sizeof(*error));

	if (!error)
		return;
	error->status = status;
	snprintf(error->where, sizeof(error->where), "%s", where ? where : "");
	make_printable(error->where);
	snprintf(error->text, sizeof(error->text), "%s", text);
	*ctx->errors_end = error;
	ctx->errors_end = &error->next;
}

void errors_begin(struct plugctl *ctx)
{
	ctx->errors = NULL;
	ctx->errors_end = &ctx->errors;
}

void errors_end(struct plugctl *ctx)
{
	struct out *out = &ctx->out;
	struct error *error, *next;

	if (ctx->errors)
		out_array(out, "errors");
	for (error = ctx->errors; error; error = next) {
		next = error->next;
		out_object(out, NULL);
		if (error->where[0])
			out_str(out, "device", NULL, error->where);
		out_str(out, "message", NULL, error->text);
		out_u64(out, "status", NULL, (uint64_t)error->status);
		out_end(out);
		free(error);
	}
	if (ctx->errors)
		out_end(out);
	ctx->errors = NULL;
	ctx->errors_end = NULL;
}

static int vcomplain(struct plugctl *ctx, int status, const char *where,
		     const char *format, va_list ap)
{
	char text[MESSAGE_TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	say(ctx, where, text);
	if (ctx->errors_end)
		collect(ctx, status, where, text);
	if (status > ctx->status)
		ctx->status = status;
	return status;
}

int complain(struct plugctl *ctx, int status, const char *where,
	     const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(ctx, status, where, format, ap);
	va_end(ap);
	return status;
}

int complain_usage(struct plugctl *ctx, const char *format, ...)
{
	char text[MESSAGE_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!ctx->command)
		return complain(ctx, STATUS_USAGE, NULL, "%s: see plugctl help",
				text);
	return complain(ctx, STATUS_USAGE, NULL, "%s: usage: plugctl %s%s%s",
			text, ctx->command->name,
			*ctx->command->usage ? " " : "", ctx->command->usage);
}

int complain_output(struct plugctl *ctx)
{
	return complain(ctx, STATUS_REFUSED, NULL,
			"cannot write the output: is the disk full, the pipe closed?");
}

int complain_memory(struct plugctl *ctx)
{
	return complain(ctx, STATUS_NO_ACCESS, NULL,
			"out of memory: free some and try again");
}

void note(struct plugctl *ctx, const char *where, const char *format, ...)
{
	char text[MESSAGE_TEXT_MAX];
	va_list ap;

	if (ctx->opt.quiet)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say(ctx, where, text);
}
