/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that never jumps, in nanoseconds. */
#ifndef PLUGCTL_CLOCK_H
#define PLUGCTL_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
#define NEVER		UINT64_MAX

static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline void clock_sleep(uint64_t nanoseconds)
{
	struct timespec ts = {
		.tv_sec = (time_t)(nanoseconds / NS_PER_S),
		.tv_nsec = (long)(nanoseconds % NS_PER_S),
	};

	nanosleep(&ts, NULL);
}

#endif
