/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses found before, so that a batch looks each plug up only once.
 *
 * The name of a device may pass to another device, which the kernel cannot tell
 * us when we send a command to the first one. So the name is looked up anew
 * when time may have passed: lines that came in one piece are obeyed in one go,
 * and share one look.
 */
#ifndef PLUGCTL_MEMORY_H
#define PLUGCTL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

struct options;

struct remembered {
	struct address at;
	bool told;
	bool fresh;	/* the name was looked up since memory_age() */
};

struct memory *memory_new(void);
void memory_free(struct memory *memory);

/*
 * The device's name and what --handle says make the key. With --parent nothing
 * is remembered.
 */
bool memory_get(const struct memory *memory, const char *name,
		const struct options *opt, struct remembered *what);

/* Time has passed. */
void memory_age(struct memory *memory);

/* The name still means the same device. */
void memory_refresh(struct memory *memory, const char *name,
		    const struct options *opt);

/* Best effort: what is not remembered will be looked up again. */
void memory_set(struct memory *memory, const char *name,
		const struct options *opt, const struct remembered *what);
void memory_forget(struct memory *memory, const char *name,
		   const struct options *opt);

#endif
