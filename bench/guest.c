// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the way of a guest's packet costs in instructions, from the guest's end of
 * a veth through the host's end and a bridge to the port where it leaves: without
 * buffering, and by an ifb with a plug, open and closed. What plugctl guest sets
 * up, and what Xen's remus-netbuf-setup does.
 *
 *	guest SIZE ROUNDS
 *
 * Prints "figure VALUE NAME..." lines: of a whole send() on a packet socket at the
 * guest's end. What it does before the host's end is the same in all.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "count.h"

#define GUEST	"bg"		/* the guest's end */
#define VIF	"bv"		/* the host's */
#define UPLINK	"bo"
#define LIMIT	"1000000000"

#define CHUNK	64		/* frames counted together */
#define CHUNKS	41

static int tx;
static unsigned int frame_size;

static const struct way {
	const char *name;
	const char *make;
	const char *close;	/* NULL: it stays open */
	const char *open;
	const char *undo;
} ways[] = {
	{ "none", NULL, NULL, NULL, NULL },
	{ "plugctl open", "plugctl guest add " VIF " open limit " LIMIT, NULL, NULL,
	  "plugctl guest del " VIF },
	{ "plugctl closed", "plugctl guest add " VIF " open limit " LIMIT,
	  "plugctl buffer " VIF, "plugctl open " VIF, "plugctl guest del " VIF },
#define XEN_MAKE							\
	"ip link add bi type ifb && ip link set bi up && "		\
	"tc qdisc add dev " VIF " ingress && "				\
	"tc filter add dev " VIF " parent ffff: proto ip prio 10 "	\
	"u32 match u32 0 0 action mirred egress redirect dev bi && "	\
	"tc qdisc add dev bi root handle 1: plug limit " LIMIT " && "	\
	"tc qdisc change dev bi root handle 1: plug release_indefinite"
#define XEN_UNDO	"tc qdisc del dev " VIF " ingress && ip link del bi"
	{ "xen open", XEN_MAKE, NULL, NULL, XEN_UNDO },
	{ "xen closed", XEN_MAKE, "tc qdisc change dev bi root handle 1: plug block",
	  "tc qdisc change dev bi root handle 1: plug release_indefinite", XEN_UNDO },
};

#define N_WAYS	(sizeof(ways) / sizeof(ways[0]))

static void send_frames(unsigned int n)
{
	/* IPv4, as far as anybody looks. */
	static char frame[2048] = {
		[0] = 2, [5] = 9, [6] = 2, [11] = 7, [12] = 8, [13] = 0, [14] = 0x45,
	};

	while (n--)
		if (send(tx, frame, frame_size, 0) != (ssize_t)frame_size)
			bail("send: %s", strerror(errno));
}

static unsigned long long arrived(void)
{
	unsigned long long n = 0;
	FILE *file = fopen("/sys/class/net/" UPLINK "/statistics/tx_packets", "r");

	if (!file || fscanf(file, "%llu", &n) != 1)
		bail("no count of " UPLINK);
	fclose(file);
	return n;
}

static void expect(unsigned long long wanted, const char *way)
{
	unsigned int i;

	for (i = 0; i < 100 && arrived() != wanted; i++)
		sleep_ms(10);
	if (arrived() != wanted)
		bail("%s: %llu frames have come out, not %llu", way, arrived(), wanted);
}

static void measure(const struct way *way)
{
	const unsigned long long before = arrived();
	__u64 samples[CHUNKS];
	unsigned int i;

	if (way->make)
		must("%s", way->make);
	sleep_ms(500);
	send_frames(CHUNK);
	expect(before + CHUNK, way->name);
	if (way->close)
		must("%s", way->close);
	for (i = 0; i < CHUNKS; i++) {
		const __u64 start = instructions();

		send_frames(CHUNK);
		samples[i] = instructions() - start;
	}
	expect(before + CHUNK + (way->close ? 0 : CHUNK * CHUNKS), way->name);
	figure(median(samples, CHUNKS) / CHUNK, "guest %s", way->name);
	if (way->close)
		must("%s", way->open);
	expect(before + CHUNK + CHUNK * CHUNKS, way->name);
	if (way->undo)
		must("%s", way->undo);
	sleep_ms(500);
}

int main(int argc, char **argv)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	unsigned int rounds, round, i;

	if (argc != 3)
		bail("usage: guest SIZE ROUNDS");
	frame_size = (unsigned int)atoi(argv[1]);
	rounds = (unsigned int)atoi(argv[2]);
	count_check();
	must("ip link add " GUEST " type veth peer name " VIF);
	must("ip link add " UPLINK " type dummy");
	must("ip link add bb type bridge");
	must("ip link set " VIF " master bb && ip link set " UPLINK " master bb");
	must("for d in bb " GUEST " " VIF " " UPLINK "; do ip link set $d up; done");
	addr.sll_ifindex = (int)if_nametoindex(GUEST);
	tx = socket(AF_PACKET, SOCK_RAW, 0);
	if (tx < 0 || bind(tx, (void *)&addr, sizeof(addr)))
		bail("packet socket: %s", strerror(errno));
	i = 1 << 30;
	setsockopt(tx, SOL_SOCKET, SO_SNDBUFFORCE, &i, sizeof(i));
	/* The kernel goes on booting, in threads of its own. */
	sleep_ms(30000);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < N_WAYS; i++)
			measure(&ways[(i + round) % N_WAYS]);
	printf("ok 1 - counted\n1..1\n");
	return 0;
}
