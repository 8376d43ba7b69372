/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats single values. */
#ifndef PLUGCTL_TEXT_H
#define PLUGCTL_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The longest texts that these functions produce, NUL included. */
#define HANDLE_TEXT_MAX	16
#define HUMAN_TEXT_MAX	32

void format_handle(char text[HANDLE_TEXT_MAX], uint32_t handle);
void format_parent(char text[HANDLE_TEXT_MAX], uint32_t parent);
void format_size(char text[HUMAN_TEXT_MAX], uint64_t bytes);
void format_age(char text[HUMAN_TEXT_MAX], uint64_t nanoseconds);

/*
 * Replaces what a terminal or a reader of JSON could not handle with '?': control
 * characters, and bytes that are not UTF-8. Device names may have both.
 */
void make_printable(char *text);

/* Appends to a text in a buffer of size bytes. What does not fit is cut off. */
void append_text(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of SCH_PLUG_AT_EXIT_*: "keep", "open" or "discard". NULL: no such value. */
const char *at_exit_name(uint32_t at_exit);

/* The greatest length, up to max, at which a cut does not split a UTF-8 character. */
size_t len_that_fits(const char *text, size_t max);

#endif
