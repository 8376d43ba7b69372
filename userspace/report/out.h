/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same calls print text for people and JSON for programs: each value is passed
 * once, with its JSON key and its text format. If the key is NULL the value is text
 * only, if the format is NULL it is JSON only. Elements of an array also have a
 * key, which is not printed. The only conversion in a format is %s, for every type.
 */
#ifndef PLUGCTL_OUT_H
#define PLUGCTL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OUT_DEPTH_MAX	6

struct json_object;

struct out {
	FILE *file;
	bool json;
	bool pretty;
	bool verbose;		/* text: also what only -v shows */
	bool color;
	bool color_is_known;	/* false: determined when needed */
	bool failed;		/* out of memory for JSON */
	bool dirty;		/* something was printed since out_flush() */
	struct json_object *stack[OUT_DEPTH_MAX];
	unsigned int depth;
};

/* The outermost container is printed, on its own line, when it ends. */
void out_object(struct out *out, const char *key);
void out_array(struct out *out, const char *key);
void out_end(struct out *out);

void out_u64(struct out *out, const char *key, const char *format, uint64_t v);
void out_bool(struct out *out, const char *key, bool v);
void out_str(struct out *out, const char *key, const char *format, const char *v);
void out_count(struct out *out, const char *key, const char *format, uint64_t v,
	       const char *singular, const char *plural);
void out_size(struct out *out, const char *key, const char *format, uint64_t v);
void out_age(struct out *out, const char *key, const char *format, uint64_t v);

/* JSON only; takes over the reference to the value. */
void out_value(struct out *out, const char *key, struct json_object *value);

/* Text only. */
void out_text(struct out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void out_bold(struct out *out, const char *text);

/*
 * Returns false if something could not be written, now or before. After an error, a
 * container that was not ended is not printed.
 */
bool out_flush(struct out *out);

#endif
