// SPDX-License-Identifier: GPL-2.0-or-later
/* One path that prints text and JSON. */
#include <inttypes.h>
#include <stdarg.h>

#include <json-c/json.h>

#include "output.h"

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
	/* The parent's reference, and one of our own until out_end(). */
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
		fprintf(out->file, "%s\n",
			json_object_to_json_string_ext(value, flags));
	}
	json_object_put(value);
}

void out_u64(struct out *out, const char *key, const char *format, uint64_t v)
{
	/* JSON readers, and old json-c, know 64 bits with a sign. */
	int64_t number = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	char text[HUMAN_TEXT_MAX];

	if (out->json && key)
		out_value(out, key, json_object_new_int64(number));
	if (out->json || !format)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, v);
	fprintf(out->file, format, text);
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
		fprintf(out->file, format, v);
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
	fprintf(out->file, format, text);
}

void out_size(struct out *out, const char *key, const char *format, uint64_t v)
{
	char text[HUMAN_TEXT_MAX];

	out_u64(out, key, NULL, v);
	if (out->json || !format)
		return;
	format_size(text, v);
	fprintf(out->file, format, text);
}

void out_age(struct out *out, const char *key, const char *format, uint64_t v)
{
	char text[HUMAN_TEXT_MAX];

	out_u64(out, key, NULL, v);
	if (out->json || !format)
		return;
	format_age(text, v);
	fprintf(out->file, format, text);
}

void out_text(struct out *out, const char *format, ...)
{
	va_list ap;

	if (out->json)
		return;
	va_start(ap, format);
	vfprintf(out->file, format, ap);
	va_end(ap);
}

void out_bold(struct out *out, const char *text)
{
	if (!out->json)
		fprintf(out->file, out->color ? "\033[1m%s\033[0m" : "%s", text);
}

bool out_flush(struct out *out)
{
	bool ok = !fflush(out->file) && !ferror(out->file) && !out->failed;

	clearerr(out->file);
	out->failed = false;
	return ok;
}

/* After an error between out_object() and out_end(): nothing is printed. */
void out_fini(struct out *out)
{
	while (out->depth)
		json_object_put(out->stack[--out->depth]);
}

/* "10 MiB", "164.2 KiB": at most one decimal, none where it would be 0. */
static void format_tenths(char text[HUMAN_TEXT_MAX], uint64_t tenths,
			  const char *unit)
{
	if (tenths % 10)
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s",
			 tenths / 10, tenths % 10, unit);
	else
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " %s", tenths / 10, unit);
}

void format_size(char text[HUMAN_TEXT_MAX], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned int shift = 10, u = 0;

	if (bytes < 1024) {
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " B", bytes);
		return;
	}
	while (u < 3 && bytes >> shift >= 1024) {
		shift += 10;
		u++;
	}
	/* No factor of 10 before the shift: bytes may be near 2^64. */
	format_tenths(text, (bytes >> shift) * 10 +
		      ((bytes & ((1ULL << shift) - 1)) * 10 >> shift), units[u]);
}

void format_age(char text[HUMAN_TEXT_MAX], uint64_t nanoseconds)
{
	const uint64_t us = nanoseconds / 1000, ms = us / 1000, s = ms / 1000;

	if (us < 1000)
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " us", us);
	else if (ms < 1000)
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " ms", ms);
	else if (s < 60)
		format_tenths(text, ms / 100, "s");
	else if (s < 3600)
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " min %" PRIu64 " s",
			 s / 60, s % 60);
	else
		snprintf(text, HUMAN_TEXT_MAX, "%" PRIu64 " h %" PRIu64 " min",
			 s / 3600, s / 60 % 60);
}
