// SPDX-License-Identifier: GPL-2.0-or-later
/* How errors and notes are told: one line each, on stderr. */
#include <stdarg.h>
#include <string.h>

#include <json-c/json.h>

#include "plugctl.h"

#define MESSAGE_TEXT_MAX	1024

static void print_line(struct plugctl *ctx, const char *where, const char *text)
{
	fprintf(ctx->err, "plugctl: ");
	if (ctx->file)
		fprintf(ctx->err, "%s:%lu: ", ctx->file, ctx->line);
	if (where)
		fprintf(ctx->err, "%s: ", where);
	fprintf(ctx->err, "%s\n", text);
}

static void collect(struct plugctl *ctx, int status, const char *where,
		    const char *text)
{
	struct json_object *error = json_object_new_object();

	if (!error)
		return;
	if (where)
		json_object_object_add(error, "device",
				       json_object_new_string(where));
	json_object_object_add(error, "message", json_object_new_string(text));
	json_object_object_add(error, "status", json_object_new_int(status));
	json_object_array_add(ctx->errors, error);
}

static int vcomplain(struct plugctl *ctx, int status, const char *where,
		     const char *format, va_list ap)
{
	char text[MESSAGE_TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	/* What was printed before comes first, also when both go to one file. */
	fflush(ctx->out.file);
	print_line(ctx, where, text);
	if (ctx->errors)
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
	fflush(ctx->out.file);
	print_line(ctx, where, text);
}
