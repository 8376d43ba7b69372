/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow. */
#ifndef PLUGCTL_ARRAY_H
#define PLUGCTL_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_FIRST_ROOM	8

/*
 * Makes room in v for n + 1 elements of size bytes each. Returns the array, which may
 * have moved. NULL: out of memory, and v has not changed.
 */
static inline void *array_grow(void *v, size_t *room, size_t n, size_t size)
{
	const size_t more = *room ? 2 * *room : ARRAY_FIRST_ROOM;

	if (n < *room)
		return v;
	v = realloc(v, more * size);
	if (v)
		*room = more;
	return v;
}

#endif
