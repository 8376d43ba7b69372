/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs set up before they count: a packet socket that can fill a plug,
 * frames to send on it, and an allocator whose cost does not vary.
 */
#ifndef SETUP_H
#define SETUP_H

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_packet.h>

#include "plugtest.h"

/* Lets a socket fill a plug: that is more than its default send buffer allows. */
static inline int big_buffer(int fd)
{
	int big = 1 << 30;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)))
		bail("SO_SNDBUFFORCE: %s", strerror(errno));
	return fd;
}

static inline int frame_socket(const char *dev)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		bail("packet socket: %s", strerror(errno));
	return big_buffer(fd);
}

static inline void send_copies(int fd, const void *what, size_t size, int flags,
			       unsigned int n)
{
	while (n--)
		if (send(fd, what, size, flags) != (ssize_t)size)
			bail("send: %s", strerror(errno));
}

static inline void send_frames(int fd, unsigned int size, unsigned int n)
{
	static const char frame[2048] = {
		[0 ... 5] = (char)0xff, [6] = 2, [12] = (char)0x88, [13] = (char)0xb5,
	};

	send_copies(fd, frame, size, 0, n);
}

/* Makes the allocator keep empty slabs. Normally it gives some back now and then, at
 * 3,000 instructions each, and not always during the same measurement.
 */
static inline void settle_allocator(void)
{
	must("for cache in /sys/kernel/slab/*; do"
	     "	echo 10000 > $cache/min_partial && echo 1 > $cache/shrink || exit; "
	     "done");
}

#endif /* SETUP_H */
