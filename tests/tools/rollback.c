// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A rollback drops all packets that were sent before it (I1, I3): a packet whose
 * send() has returned when DISCARD is sent never leaves, however busy the device
 * is. From 7.x on the core may keep such a packet in front of the qdisc, for
 * another processor to enqueue. So all other processors send all the time. How
 * often the core keeps a packet depends on the scheduling. With two processors it
 * may never do so. With four virtual processors on a machine that has two, it does
 * so dozens of times in 3,000 rounds.
 *
 *	rollback [ROUNDS]	(1500)
 */
#include "control.h"
#include "race.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>

#define DEV "pa"
#define SIZE 60

/* Types of the frames that are rolled back, and of those from the other senders. */
enum { OURS = 0x88b6, NOISE = 0x88b7 };

#define MAX_OTHERS 15

struct rollback {
	int rx;
	atomic_bool stop;
	atomic_int next_cpu;
	atomic_ulong ours;	/* frames that left, by type */
	atomic_ulong noise;
};

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
	int fd = packet_socket(DEV, 0);

	on_cpu(atomic_fetch_add(&r->next_cpu, 1));
	while (!atomic_load(&r->stop))
		send_frame(fd, NOISE);
	close(fd);
	return NULL;
}

/* Counts all frames that leave, up to the last one after the senders have stopped.
 */
static void *watch(void *arg)
{
	struct timeval patience = { .tv_usec = QUIET_MS * 1000 };
	struct rollback *r = arg;
	struct ethhdr eth;

	setsockopt(r->rx, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (;;) {
		if (recv(r->rx, &eth, sizeof(eth), 0) < (ssize_t)sizeof(eth)) {
			if (atomic_load(&r->stop))
				break;
			continue;
		}
		if (eth.h_proto == htons(OURS))
			atomic_fetch_add(&r->ours, 1);
		else if (eth.h_proto == htons(NOISE))
			atomic_fetch_add(&r->noise, 1);
	}
	return NULL;
}

/* Plays @n rounds, and returns how many packets were sent. The id is looked up
 * first, so that DISCARD follows send() directly.
 */
static unsigned int rounds(int nl, int fd, unsigned int n)
{
	struct control c = control_open();
	__u64 id = control_find(&c, DEV, TC_H_ROOT).id;
	unsigned int i, sent = 0;

	for (i = 0; i < n; i++) {
		sent += send_frame(fd, OURS);
		if (control_do(&c, id, TCQ_PLUG_DISCARD, NULL) ||
		    plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0) ||
		    plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_ONE, 0))
			bail("a command was refused");
	}
	control_close(&c);
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
	r.rx = packet_socket(DEV, ETH_P_ALL);
	watcher = thread(watch, &r);
	others = cpus - 1 < MAX_OTHERS ? cpus - 1 : MAX_OTHERS;
	for (i = 0; i < others; i++)
		other[i] = thread(make_noise, &r);
	fd = packet_socket(DEV, 0);
	on_cpu(others);
	sent = rounds(nl, fd, n);
	atomic_store(&r.stop, true);
	for (i = 0; i < others; i++)
		pthread_join(other[i], NULL);
	pthread_join(watcher, NULL);
	diag("%u sent, %lu of the other's left", sent, atomic_load(&r.noise));
	ok(sent && atomic_load(&r.noise), "packets were sent, and others released");
	is_u64(atomic_load(&r.ours), 0, "I1, I3: what was sent before DISCARD never leaves");
	close(fd);
	close(r.rx);
	link_delete(DEV);
	return done_testing();
}
