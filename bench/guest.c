// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the way of a guest's packet costs in instructions. A veth stands for the vif:
 * the packet goes from the guest's end through the host's end and a bridge to the
 * port where it leaves. This is measured without buffering, and with an ifb that has
 * a plug, open and closed, set up by plugctl guest or as Xen's remus-netbuf-setup does.
 *
 *	guest ROUNDS SIZE...
 *
 * Prints "figure VALUE guest WAY SIZE ROUND" lines. VALUE is a whole send() on a
 * packet socket at the guest's end; the part before the host's end is always the
 * same.
 */
#include <stdio.h>

#include "count.h"
#include "setup.h"

#define GUEST	"bg"		/* the guest's end */
#define VIF	"bv"		/* the host's */
#define UPLINK	"bo"
#define LIMIT	"1000000000"

#define CHUNK	64		/* frames counted together */
#define CHUNKS	41

static int tx;

static const struct way {
	const char *name;
	const char *make;
	const char *close;	/* NULL: it stays open */
	const char *open;
	const char *undo;
} ways[] = {
	{ "none", NULL, NULL, NULL, NULL },
	{ "plugctl-open", "plugctl guest add " VIF " open limit " LIMIT, NULL, NULL,
	  "plugctl guest del " VIF },
	{ "plugctl-closed", "plugctl guest add " VIF " open limit " LIMIT,
	  "plugctl buffer " VIF, "plugctl open " VIF, "plugctl guest del " VIF },
#define XEN_MAKE							\
	"ip link add bi type ifb && ip link set bi up && "		\
	"tc qdisc add dev " VIF " ingress && "				\
	"tc filter add dev " VIF " parent ffff: proto ip prio 10 "	\
	"u32 match u32 0 0 action mirred egress redirect dev bi && "	\
	"tc qdisc add dev bi root handle 1: plug limit " LIMIT " && "	\
	"tc qdisc change dev bi root handle 1: plug release_indefinite"
#define XEN_UNDO	"tc qdisc del dev " VIF " ingress && ip link del bi"
	{ "xen-open", XEN_MAKE, NULL, NULL, XEN_UNDO },
	{ "xen-closed", XEN_MAKE, "tc qdisc change dev bi root handle 1: plug block",
	  "tc qdisc change dev bi root handle 1: plug release_indefinite", XEN_UNDO },
};

#define N_WAYS	(sizeof(ways) / sizeof(ways[0]))

static void send_to_bridge(unsigned int size)
{
	/* Only the first byte of the IPv4 header is set: nothing reads the rest. */
	static const char frame[2048] = {
		[0] = 2, [5] = 9, [6] = 2, [11] = 7, [12] = 8, [13] = 0, [14] = 0x45,
	};

	send_copies(tx, frame, size, 0, CHUNK);
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

static void measure(const struct way *way, unsigned int size, unsigned int round)
{
	const unsigned long long before = arrived();
	__u64 samples[CHUNKS];
	unsigned int i;

	if (way->make)
		must("%s", way->make);
	sleep_ms(500);
	send_to_bridge(size);
	expect(before + CHUNK, way->name);
	if (way->close)
		must("%s", way->close);
	for (i = 0; i < CHUNKS; i++) {
		const __u64 start = instructions();

		send_to_bridge(size);
		samples[i] = instructions() - start;
	}
	expect(before + CHUNK + (way->close ? 0 : CHUNK * CHUNKS), way->name);
	figure(median(samples, CHUNKS) / CHUNK, "guest %s %u %u", way->name, size, round);
	if (way->close)
		must("%s", way->open);
	expect(before + CHUNK + CHUNK * CHUNKS, way->name);
	if (way->undo)
		must("%s", way->undo);
	sleep_ms(500);
}

int main(int argc, char **argv)
{
	unsigned int rounds, round, i;
	char **size;

	if (argc < 3)
		bail("usage: guest ROUNDS SIZE...");
	rounds = (unsigned int)atoi(argv[1]);
	must("ip link add " GUEST " type veth peer name " VIF);
	must("ip link add " UPLINK " type dummy");
	must("ip link add bb type bridge");
	must("ip link set " VIF " master bb && ip link set " UPLINK " master bb");
	must("for d in bb " GUEST " " VIF " " UPLINK "; do ip link set $d up; done");
	tx = frame_socket(GUEST);
	/* Wait: the kernel goes on booting for a while, in threads of its own. */
	sleep_ms(30000);
	count_check();
	for (size = argv + 2; *size; size++)
		for (round = 0; round < rounds; round++)
			for (i = 0; i < N_WAYS; i++)
				measure(&ways[(i + round) % N_WAYS],
					(unsigned int)atoi(*size), round);
	for (i = 0; i < 3; i++)
		link_delete((const char *[]){ GUEST, UPLINK, "bb" }[i]);
	ok(true, "counted");
	return done_testing();
}
