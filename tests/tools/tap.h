/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap device. While the test does not read from it, its transmit queue fills, and
 * stops. Kernels before 7.3 cannot do this: they have no IFF_BACKPRESSURE, and drop
 * packets that do not fit.
 */
#ifndef TAP_H
#define TAP_H

#include <linux/if_tun.h>

#include "plugtest.h"

#ifndef IFF_BACKPRESSURE
#define IFF_BACKPRESSURE 0x0080	/* stop the queue rather than drop */
#endif

/* One queue of the device, and what tap_read() has seen of it. */
struct tap {
	int		fd;
	bool		stops;		/* a full queue stops; false: it drops */
	__u64		last;		/* number of the last frame read */
	unsigned int	reordered;	/* frames that came too late, or twice */
	size_t		longest;	/* bytes of the longest frame read */
};

/* Makes the device "pt", or one more queue of it. @more is 0 or IFF_MULTI_QUEUE. */
void tap_attach(struct tap *tap, unsigned int more);

/* From now on the last byte of a frame's destination address selects its queue.
 * False, after a skip(), if this kernel does not support that.
 */
bool tap_steer(const struct tap *tap);

/* Reads frames. Waits up to 10 s for each of the first @want, and then until no more
 * come. Returns how many came. A segment of a GSO packet (gso_send()) counts as a
 * frame.
 */
unsigned int tap_read(struct tap *tap, unsigned int want);

#define GSO_SEGMENTS	4
#define GSO_SIZE	1000	/* bytes of payload in a segment */
#define GSO_FRAME	(14 + 20 + 20 + GSO_SIZE)

/* Sends a TCP packet of several segments on @w's device, to the queue that @w->dest
 * selects. It uses one number for each byte of its payload.
 */
void gso_send(struct wire *w, const char *dev);

#endif /* TAP_H */
