// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends frames of any type, for shell tests.
 *
 *	frames DEV TYPE[,TYPE...] COUNT		sends through a packet socket
 *	frames tap:DEV TYPE[,TYPE...] COUNT	creates a tap, and sends like a guest;
 *						then waits to be killed
 *
 * TYPE is an ethertype in hexadecimal. If there are several, all but the last are
 * VLAN tags.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "plugtest.h"

#define FRAME_LEN	200

static void put16(unsigned char *p, unsigned int value)
{
	p[0] = value >> 8;
	p[1] = value;
}

/* Makes a broadcast frame from 02:00:00:00:00:00. Each tag is for VLAN 5. */
static void frame_make(unsigned char frame[FRAME_LEN], char *types)
{
	unsigned int at = 2 * ETH_ALEN;
	char *type;

	memset(frame, 0, FRAME_LEN);
	memset(frame, 0xff, ETH_ALEN);
	frame[ETH_ALEN] = 2;
	for (type = strtok(types, ","); type; type = strtok(NULL, ",")) {
		if (at > 2 * ETH_ALEN) {
			put16(frame + at, 5);
			at += 2;
		}
		put16(frame + at, strtoul(type, NULL, 16));
		at += 2;
	}
}

static int open_tap(const char *dev)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		bail("tap %s: %s", dev, strerror(errno));
	return fd;
}

static int open_packet(const char *dev)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		bail("%s: %s", dev, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	unsigned char frame[FRAME_LEN];
	bool tap;
	int fd, n;

	if (argc != 4)
		bail("usage: frames [tap:]DEV TYPE[,TYPE...] COUNT");
	tap = !strncmp(argv[1], "tap:", 4);
	fd = tap ? open_tap(argv[1] + 4) : open_packet(argv[1]);
	frame_make(frame, argv[2]);
	/* The caller brings the tap up, and then writes to our standard input. */
	if (tap && getchar() == EOF)
		bail("nobody says when");
	for (n = atoi(argv[3]); n; n--)
		if (write(fd, frame, FRAME_LEN) != FRAME_LEN)
			bail("write: %s", strerror(errno));
	if (tap)
		pause();
	return 0;
}
