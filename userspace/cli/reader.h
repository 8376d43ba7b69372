/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines from a file or a pipe. Not stdio: a batch wants to know which lines
 * arrived together, see kernel/find.c.
 */
#ifndef PLUGCTL_READER_H
#define PLUGCTL_READER_H

#include <stdbool.h>
#include <stddef.h>

/* A line longer than that is no command. */
#define READER_LINE_MAX	1048576

struct reader {
	int fd;
	char *buf;
	size_t room;
	size_t start;
	size_t end;
	unsigned long reads;	/* how often the file was read from */
	bool at_end;
	int error;		/* an errno: why there are no more lines */
};

/*
 * The next line, NUL in place of its newline, valid until the next call. len
 * counts up to there, also over other NULs; terminated is false for a last line
 * without a newline. NULL at the end.
 */
char *reader_line(struct reader *reader, size_t *len, bool *terminated);
void reader_free(struct reader *reader);

#endif
