// SPDX-License-Identifier: GPL-2.0-or-later
/* One path that prints text and JSON. */
#include <inttypes.h>
#include <stdarg.h>

#include "output.h"

bool out_use_json(struct out *out, bool pretty, char why[JSON_ERROR_MAX])
{
	if (!out->loaded)
		out->loaded = json_load(&out->api, why);
	out->json = out->loaded;
	out->pretty = pretty;
	return out->loaded;
}

/* The format has one %s. */
static void print(struct out *out, const char *format, const char *text)
{
	fprintf(out->file, format, text);
	out->dirty = true;
}

static void add(struct out *out, const char *key, struct json_object *value)
{
	struct json_object *parent;

	if (!value) {
		out->failed = true;
		return;
	}
	if (!out->depth) {
		out->api.put(value);
		return;
	}
	parent = out->stack[out->depth - 1];
	if (out->api.is_type(parent, json_type_array)) {
		out->api.array_add(parent, value);
	} else if (key) {
		out->api.object_add(parent, key, value);
	} else {
		out->api.put(value);
		out->failed = true;
	}
}

static void push(struct out *out, const char *key, struct json_object *value)
{
	if (!value || out->depth == OUT_DEPTH_MAX) {
		out->api.put(value);
		out->failed = true;
		return;
	}
	/* The parent's reference, and one of our own until out_end(). */
	if (out->depth)
		add(out, key, out->api.get(value));
	out->stack[out->depth++] = value;
}

void out_object(struct out *out, const char *key)
{
	if (out->json)
		push(out, key, out->api.new_object());
}

void out_array(struct out *out, const char *key)
{
	if (out->json)
		push(out, key, out->api.new_array());
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
		print(out, "%s\n", out->api.to_json_string_ext(value, flags));
	}
	out->api.put(value);
}

void out_u64(struct out *out, const char *key, const char *format, uint64_t v)
{
	/* JSON readers, and old json-c, know 64 bits with a sign. */
	int64_t number = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	char text[HUMAN_TEXT_MAX];

	if (out->json && key)
		add(out, key, out->api.new_int64(number));
	if (out->json || !format)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, v);
	print(out, format, text);
}

void out_bool(struct out *out, const char *key, bool v)
{
	if (out->json)
		add(out, key, out->api.new_boolean(v));
}

void out_str(struct out *out, const char *key, const char *format, const char *v)
{
	if (out->json && key)
		add(out, key, out->api.new_string(v));
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

void out_bold(struct out *out, const char *text)
{
	if (!out->json)
		print(out, out->color ? "\033[1m%s\033[0m" : "%s", text);
}

bool out_flush(struct out *out)
{
	bool ok;

	if (!out->dirty && !out->failed)
		return true;
	ok = !fflush(out->file) && !ferror(out->file) && !out->failed;

	clearerr(out->file);
	out->failed = false;
	out->dirty = false;
	return ok;
}

/* After an error between out_object() and out_end(): nothing is printed. */
void out_fini(struct out *out)
{
	while (out->depth)
		out->api.put(out->stack[--out->depth]);
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
	static const char units[][4] = { "KiB", "MiB", "GiB", "TiB" };
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
