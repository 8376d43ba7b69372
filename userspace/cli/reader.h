/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads lines from a file or a pipe. It does not use stdio, because a batch has to
 * know which lines arrived together: see kernel/find.c.
 */
#ifndef PLUGCTL_READER_H
#define PLUGCTL_READER_H

#include <stdbool.h>
#include <stddef.h>

/* A longer line is not a command. */
#define READER_LINE_MAX	1048576

struct reader {
	int fd;
	char *buf;
	size_t room;
	size_t start;
	size_t end;
	unsigned long reads;	/* number of reads from the file so far */
	bool at_end;
	int error;		/* errno, if reading failed */
};

/*
 * Returns the next line, with NUL in place of its newline; it is valid until the
 * next call. len is the length up to the newline, even if the line has other NULs.
 * terminated is false for a last line without a newline. Returns NULL at the end.
 */
char *reader_line(struct reader *reader, size_t *len, bool *terminated);
void reader_free(struct reader *reader);

#endif
