// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rollback takes all that was sent before it (I1, I3): a packet whose send()
 * has returned when DISCARD is sent never leaves, however busy the device is.
 * From 7.x on the core may keep such a packet in front of the qdisc for another
 * processor to enqueue, so all others send all the time. How often that happens
 * depends on how they are scheduled: never to be relied on with two processors,
 * dozens of times in 3,000 rounds with four on a machine that has two.
 *
 *	rollback [ROUNDS]	(1500)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "plugtest.h"

#define DEV "pa"
#define SIZE 60

/* What is rolled back, and what the other one sends. */
enum { OURS = 0x88b6, NOISE = 0x88b7 };

#define MAX_OTHERS 15

struct rollback {
	atomic_bool stop;
	atomic_int next_cpu;
	atomic_ulong ours;	/* left */
	atomic_ulong noise;
};

static int bound_socket(int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = if_nametoindex(DEV),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol)), room = 1 << 24;

	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		bail("packet socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bail("this test needs two processors");
}

static bool send_frame(int fd, int type)
{
	struct ethhdr frame[(SIZE + sizeof(struct ethhdr) - 1) / sizeof(struct ethhdr)];

	memset(frame, 0xff, sizeof(frame));
	frame[0].h_proto = htons(type);
	return send(fd, frame, SIZE, MSG_DONTWAIT) == SIZE;
}

static void *make_noise(void *arg)
{
	struct rollback *r = arg;
	int fd = bound_socket(0);

	stay_on(atomic_fetch_add(&r->next_cpu, 1));
	while (!atomic_load(&r->stop))
		send_frame(fd, NOISE);
	close(fd);
	return NULL;
}

static void *watch(void *arg)
{
	struct timeval patience = { .tv_usec = 100000 };
	struct rollback *r = arg;
	int fd = bound_socket(ETH_P_ALL);
	struct ethhdr eth;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (!atomic_load(&r->stop)) {
		if (recv(fd, &eth, sizeof(eth), 0) < (ssize_t)sizeof(eth))
			continue;
		if (eth.h_proto == htons(OURS))
			atomic_fetch_add(&r->ours, 1);
		else if (eth.h_proto == htons(NOISE))
			atomic_fetch_add(&r->noise, 1);
	}
	close(fd);
	return NULL;
}

static unsigned int rounds(int nl, int fd, unsigned int n)
{
	unsigned int i, sent = 0;

	for (i = 0; i < n; i++) {
		sent += send_frame(fd, OURS);
		if (plug_cmd(nl, DEV, TCQ_PLUG_DISCARD, 0) ||
		    plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0) ||
		    plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_ONE, 0))
			bail("a command was refused");
	}
	return sent;
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 1 ? atoi(argv[1]) : 1500, sent;
	struct rollback r = { 0 };
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), others, i;
	pthread_t watcher, other[MAX_OTHERS];
	int nl = nl_open(), fd;

	diag("%u times: a packet is sent, DISCARD, and another epoch is released", n);
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: plug limit 100000");
	pthread_create(&watcher, NULL, watch, &r);
	others = cpus - 1 < MAX_OTHERS ? cpus - 1 : MAX_OTHERS;
	for (i = 0; i < others; i++)
		pthread_create(&other[i], NULL, make_noise, &r);
	fd = bound_socket(0);
	stay_on(others ? others : 1);
	sent = rounds(nl, fd, n);
	sleep_ms(QUIET_MS);
	atomic_store(&r.stop, true);
	for (i = 0; i < others; i++)
		pthread_join(other[i], NULL);
	pthread_join(watcher, NULL);
	diag("%u sent, %lu of the other's left", sent, atomic_load(&r.noise));
	ok(sent && atomic_load(&r.noise), "packets were sent, and others released");
	is_u64(atomic_load(&r.ours), 0, "I1, I3: what was sent before DISCARD never leaves");
	close(fd);
	link_delete(DEV);
	return done_testing();
}
