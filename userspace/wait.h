/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for released packets to leave. */
#ifndef PLUGCTL_WAIT_H
#define PLUGCTL_WAIT_H

#include "target.h"

/*
 * Until every released packet has left the usable targets, or the deadline
 * (by clock_now()) has passed; refreshes their states on the way. Returns false at
 * the deadline. What is gone meanwhile, or stopped, is not waited for.
 */
bool drain_targets(struct plugctl *ctx, struct target *targets, unsigned int n,
		   uint64_t deadline);

#endif
