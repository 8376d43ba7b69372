// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads lines from a file or a pipe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

#define FIRST_ROOM	16384

/* Makes room for at least one more byte, and for the NUL after the last one. */
static int make_room(struct reader *r)
{
	size_t room = r->room ? r->room * 2 : FIRST_ROOM;
	char *buf;

	if (r->start) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	if (r->end + 1 < r->room)
		return 0;
	if (r->end > READER_LINE_MAX)
		return E2BIG;
	buf = realloc(r->buf, room);
	if (!buf)
		return ENOMEM;
	r->buf = buf;
	r->room = room;
	return 0;
}

static void fill(struct reader *r)
{
	ssize_t len;

	r->error = make_room(r);
	if (r->error) {
		r->at_end = true;
		r->start = r->end;
		return;
	}
	do {
		len = read(r->fd, r->buf + r->end, r->room - r->end - 1);
	} while (len < 0 && errno == EINTR);
	r->reads++;
	if (len < 0)
		r->error = errno;
	if (len <= 0)
		r->at_end = true;
	else
		r->end += (size_t)len;
}

char *reader_line(struct reader *r, size_t *len, bool *terminated)
{
	size_t searched = 0;
	char *line, *newline = NULL;

	for (;;) {
		size_t there = r->end - r->start;

		if (there > searched)
			newline = memchr(r->buf + r->start + searched, '\n',
					 there - searched);
		if (newline || r->at_end)
			break;
		searched = there;
		fill(r);
	}
	if (!newline && r->start == r->end)
		return NULL;
	line = r->buf + r->start;
	*terminated = newline != NULL;
	if (!newline)
		newline = r->buf + r->end;
	*newline = '\0';
	*len = (size_t)(newline - line);
	r->start += *len + (*terminated ? 1 : 0);
	return line;
}

void reader_free(struct reader *r)
{
	free(r->buf);
	r->buf = NULL;
}
