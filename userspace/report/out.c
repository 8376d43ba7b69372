// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints both text and JSON. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "out.h"
#include "text.h"

/* The format must have one %s. */
static void print(struct out *out, const char *format, const char *text)
{
	fprintf(out->file, format, text);
	out->dirty = true;
}

void out_value(struct out *out, const char *key, struct json_object *value)
{
	struct json_object *parent;

	if (!value) {
		out->failed = true;
		return;
	}
	if (!out->depth) {
		json_object_put(value);
		return;
	}
	parent = out->stack[out->depth - 1];
	if (json_object_is_type(parent, json_type_array)) {
		json_object_array_add(parent, value);
	} else if (key) {
		json_object_object_add(parent, key, value);
	} else {
		json_object_put(value);
		out->failed = true;
	}
}

static void push(struct out *out, const char *key, struct json_object *value)
{
	if (!value || out->depth == OUT_DEPTH_MAX) {
		json_object_put(value);
		out->failed = true;
		return;
	}
	/* The parent has a reference, and we keep our own until out_end(). */
	if (out->depth)
		out_value(out, key, json_object_get(value));
	out->stack[out->depth++] = value;
}

void out_object(struct out *out, const char *key)
{
	if (out->json)
		push(out, key, json_object_new_object());
}

void out_array(struct out *out, const char *key)
{
	if (out->json)
		push(out, key, json_object_new_array());
}

void out_end(struct out *out)
{
	int flags = JSON_C_TO_STRING_PLAIN;
	struct json_object *value;

	if (!out->json || !out->depth)
		return;
	value = out->stack[--out->depth];
	if (!out->depth) {
		if (out->pretty)
			flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
		flags |= JSON_C_TO_STRING_NOSLASHESCAPE;
		print(out, "%s\n", json_object_to_json_string_ext(value, flags));
	}
	json_object_put(value);
}

void out_u64(struct out *out, const char *key, const char *format, uint64_t v)
{
	/* Readers of JSON, and old json-c, expect signed 64 bits. */
	int64_t number = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	char text[HUMAN_TEXT_MAX];

	if (out->json && key)
		out_value(out, key, json_object_new_int64(number));
	if (out->json || !format)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, v);
	print(out, format, text);
}

void out_bool(struct out *out, const char *key, bool v)
{
	if (out->json)
		out_value(out, key, json_object_new_boolean(v));
}

void out_str(struct out *out, const char *key, const char *format, const char *v)
{
	if (out->json && key)
		out_value(out, key, json_object_new_string(v));
	if (!out->json && format)
		print(out, format, v);
}

void out_count(struct out *out, const char *key, const char *format, uint64_t v,
	       const char *singular, const char *plural)
{
	char text[HUMAN_TEXT_MAX * 2];

	out_u64(out, key, NULL, v);
	if (out->json || !format)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " %s", v,
		 v == 1 ? singular : plural);
	print(out, format, text);
}

void out_size(struct out *out, const char *key, const char *format, uint64_t v)
{
	char text[HUMAN_TEXT_MAX];

	out_u64(out, key, NULL, v);
	if (out->json || !format)
		return;
	format_size(text, v);
	print(out, format, text);
}

void out_age(struct out *out, const char *key, const char *format, uint64_t v)
{
	char text[HUMAN_TEXT_MAX];

	out_u64(out, key, NULL, v);
	if (out->json || !format)
		return;
	format_age(text, v);
	print(out, format, text);
}

void out_text(struct out *out, const char *format, ...)
{
	va_list ap;

	if (out->json)
		return;
	va_start(ap, format);
	vfprintf(out->file, format, ap);
	va_end(ap);
	out->dirty = true;
}

/* Colours are for a terminal that has them, unless NO_COLOR is set. */
static bool wants_color(FILE *file)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (!isatty(fileno(file)) || (no_color && *no_color))
		return false;
	return term && strcmp(term, "dumb");
}

void out_bold(struct out *out, const char *text)
{
	if (!out->color_is_known)
		out->color = wants_color(out->file);
	out->color_is_known = true;
	if (!out->json)
		print(out, out->color ? "\033[1m%s\033[0m" : "%s", text);
}

bool out_flush(struct out *out)
{
	bool ok;

	while (out->depth)
		json_object_put(out->stack[--out->depth]);
	if (!out->dirty && !out->failed)
		return true;
	ok = !fflush(out->file) && !ferror(out->file) && !out->failed;

	clearerr(out->file);
	out->failed = false;
	out->dirty = false;
	return ok;
}
