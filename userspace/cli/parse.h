/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsers for user input. None of them calls the kernel. */
#ifndef PLUGCTL_PARSE_H
#define PLUGCTL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the words of one line of a batch, and for the NULL after them. */
#define LINE_WORDS_MAX	4096

/*
 * Each returns false, and does not change the result, unless the text is a complete
 * and valid value.
 */
bool parse_size(const char *text, uint32_t *bytes);
bool parse_time(const char *text, uint64_t *nanoseconds);
bool parse_epoch(const char *text, uint64_t *epoch);
bool parse_handle(const char *text, uint32_t *handle);
bool parse_parent(const char *text, uint32_t *parent);

/*
 * Splits a line into words, in place. Words are separated by blanks; '#' at the
 * start of a word begins a comment. Returns the number of words, or -1 if there are
 * more than max - 1. words[] ends with NULL.
 */
int split_line(char *line, char **words, size_t max);

/* Number of insertions, removals, changes and swaps of neighbours from a to b. */
unsigned int edit_distance(const char *a, const char *b);

#endif
