/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses found before, so that a batch looks each device up only once. */
#ifndef PLUGCTL_MEMORY_H
#define PLUGCTL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

struct options;

struct remembered {
	struct address at;
	bool told;
};

struct memory *memory_new(void);
void memory_free(struct memory *memory);

/* The device's name and what --parent and --handle say make the key. */
const struct remembered *memory_get(const struct memory *memory,
				    const char *name, const struct options *opt);

/* Best effort: what is not remembered will be looked up again. */
void memory_set(struct memory *memory, const char *name,
		const struct options *opt, const struct remembered *what);
void memory_forget(struct memory *memory, const char *name,
		   const struct options *opt);

#endif
