/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations for all fuzz targets. */
#ifndef PLUGCTL_FUZZ_H
#define PLUGCTL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Configures the fake kernel of netlink_stub.c. */
extern bool fuzz_devices;
extern uint32_t fuzz_seed;

#define must(condition)							\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not true: %s\n",	\
				__FILE__, __LINE__, #condition);	\
			abort();					\
		}							\
	} while (0)

#endif
