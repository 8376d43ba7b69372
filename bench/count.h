/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts instructions inside a VM that QEMU runs with -icount shift=0. There one
 * instruction takes one nanosecond of guest time. QEMU derives the time stamp
 * counter from this time, and it ticks once a nanosecond. So the difference of two
 * readings is the number of instructions between them, of all processes and of
 * the kernel.
 */
#ifndef COUNT_H
#define COUNT_H

#include <stdlib.h>
#include <x86intrin.h>

#include "plugtest.h"

static inline __u64 instructions(void)
{
	return __rdtsc();
}

/* Ends the program unless this VM counts instructions. The loop has two
 * instructions a turn.
 */
static inline void count_check(void)
{
	const __u64 turns = 20000000;
	__u64 i = turns, start = now_ns(), before, counted, ns;

	before = instructions();
	asm volatile("1: dec %0; jnz 1b" : "+r" (i) : : "cc");
	counted = instructions() - before;
	ns = now_ns() - start;
	diag("%llu instructions counted as %llu, in %llu ns",
	     (unsigned long long)(2 * turns), (unsigned long long)counted,
	     (unsigned long long)ns);
	if (counted < 2 * turns || counted > 2 * turns * 1.01 ||
	    ns < 2 * turns * 0.998 || ns > 2 * turns * 1.012)
		bail("this VM does not count instructions");
}

static inline int compare_u64(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Samples that a timer interrupt has hit do not matter: they are fewer than half. */
static inline double median(__u64 *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), compare_u64);
	return (v[(n - 1) / 2] + v[n / 2]) / 2.0;
}

/* The mean of the samples between the quartiles. */
static inline double middle_mean(__u64 *v, unsigned int n)
{
	unsigned int i, count = 0;
	double sum = 0;

	qsort(v, n, sizeof(*v), compare_u64);
	for (i = n / 4; i < n - n / 4; i++, count++)
		sum += v[i];
	return sum / count;
}

/* The mean of the samples within 0.2% of the median. For samples that come from a
 * coarse clock.
 */
static inline double mean_near_median(__u64 *v, unsigned int n)
{
	double mid = median(v, n), sum = 0;
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		if (v[i] > mid * 0.998 && v[i] < mid * 1.002) {
			sum += v[i];
			count++;
		}
	if (count < n / 2)
		bail("the samples are too far apart");
	return sum / count;
}

/* Prints one line of the result, for bench/report. */
#define figure(value, ...)			\
	do {					\
		printf("figure %.3f ", value);	\
		printf(__VA_ARGS__);		\
		putchar('\n');			\
		fflush(stdout);			\
	} while (0)

#endif /* COUNT_H */
