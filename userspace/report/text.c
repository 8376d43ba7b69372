// SPDX-License-Identifier: GPL-2.0-or-later
/* Formats single values. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/types.h>
#include <linux/pkt_sched_plug.h>

#include "text.h"

/* Length of the character that begins here; 0 if it must not be printed. */
static unsigned int printable_len(const unsigned char *text)
{
	/* The lowest character for each length; lower ones would be overlong. */
	static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	unsigned int len, i;
	uint32_t c = text[0];

	if (c < 0x80)
		return c >= ' ' && c != 0x7f;
	if (c < 0xc0 || c >= 0xf8)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	c &= 0xffU >> (len + 1);
	for (i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

void make_printable(char *text)
{
	unsigned int len;

	while (*text) {
		len = printable_len((unsigned char *)text);
		if (!len) {
			*text = '?';
			len = 1;
		}
		text += len;
	}
}

void append_text(char *text, size_t size, const char *format, ...)
{
	const size_t len = strnlen(text, size);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + len, size - len, format, ap);
	va_end(ap);
}

const char *at_exit_name(uint32_t at_exit)
{
	static const char *const names[] = {
		[SCH_PLUG_AT_EXIT_KEEP] = "keep",
		[SCH_PLUG_AT_EXIT_OPEN] = "open",
		[SCH_PLUG_AT_EXIT_DISCARD] = "discard",
	};

	return at_exit < sizeof(names) / sizeof(names[0]) ? names[at_exit] : NULL;
}

size_t len_that_fits(const char *text, size_t max)
{
	const size_t len = strnlen(text, max + 1);
	size_t fits = max;

	if (len <= max)
		return len;
	while (fits && max - fits < 3 && ((unsigned char)text[fits] & 0xc0) == 0x80)
		fits--;
	return fits;
}

void format_handle(char text[HANDLE_TEXT_MAX], uint32_t handle)
{
	snprintf(text, HANDLE_TEXT_MAX, "%" PRIx32 ":", handle >> 16);
}

void format_parent(char text[HANDLE_TEXT_MAX], uint32_t parent)
{
	if (parent == TC_H_ROOT)
		snprintf(text, HANDLE_TEXT_MAX, "root");
	else
		snprintf(text, HANDLE_TEXT_MAX, "%" PRIx32 ":%" PRIx32,
			 parent >> 16, parent & 0xffff);
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
	/* Do not multiply by 10 before the shift: bytes may be near 2^64. */
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
