// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I1, I2, I4, I5 with realistic traffic: UDP that is cut into segments
 * (UDP_SEGMENT) and TCP with GSO. Sockets on all processors send through a veth
 * device with a plug into another network namespace. BUFFER and RELEASE_ONE are sent
 * at full speed, with other commands in between, but no DISCARD with TCP: TCP would
 * wait for its time-outs. Half of the time the device does the segmentation, the
 * other half it is done after the qdisc. race.h explains how a packet that left too
 * early is detected. A TCP packet contains the data of many calls: the last call
 * counts.
 *
 * Zero-copy senders of UDP overwrite their data as soon as they get the memory
 * back, and packets must leave with the data as sent. The plug is never open in
 * this test, because an open plug does not copy.
 *
 *	race-ip udp [SECONDS [SENDERS]]
 *	race-ip tcp [SECONDS [SENDERS]]
 *	race-ip zerocopy [SECONDS [SENDERS]]
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif

#define PORT		4000
#define MAGIC		0x706c756772616365ULL
#define SEGMENT		1400
#define SEGMENTS	20		/* at most, in one call */
#define ROOMS		16		/* buffers of a zero-copy sender, used in turn */
#define PHASE_MS	1000

struct stamp {
	__u64	magic, epoch;
	__u64	sender, number;
};

static struct ledger ledger;
static struct commander commander;
static _Atomic bool stop;
static bool tcp, zero_copy;
static bool defers;		/* send() may return before the packet is enqueued */
static unsigned int senders;
static int tap, nl;
static _Atomic __u64 sent, left, early, reordered, changed;
static __u64 looks, big;	/* looks at the queue; those that found GSO packets */

/* ---- the other end ---- */

static int bound(int type, bool connect_it)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr("10.9.0.2"),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	int err = connect_it ? connect(fd, (void *)&addr, sizeof(addr)) :
			       bind(fd, (void *)&addr, sizeof(addr));

	if (fd < 0 || err)
		bail("socket: %s", strerror(errno));
	return fd;
}

/* The process at the other end: receives all data and drops it. */
static void peer(int ready)
{
	static char room[1 << 16];
	struct pollfd pfd[1 + SENDERS_MAX];
	int n = 1, i, ns = open("/run/netns/peer", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ns < 0 || setns(ns, 0))
		bail("setns: %s", strerror(errno));
	pfd[0] = (struct pollfd){ bound(tcp ? SOCK_STREAM : SOCK_DGRAM, false), POLLIN, 0 };
	if (tcp && listen(pfd[0].fd, SENDERS_MAX))
		bail("listen: %s", strerror(errno));
	if (write(ready, "", 1) != 1)
		_exit(1);
	while (poll(pfd, n, -1) > 0) {
		if (tcp && pfd[0].revents && n <= SENDERS_MAX)
			pfd[n++] = (struct pollfd){ accept(pfd[0].fd, NULL, NULL), POLLIN, 0 };
		for (i = tcp; i < n; i++)
			if (recv(pfd[i].fd, room, sizeof(room), MSG_DONTWAIT) == 0)
				pfd[i].fd = -1;
	}
}

static void setup(void)
{
	int pipe_fd[2];
	pid_t pid;
	char c;

	must("ip netns add peer && ip link add pa type veth peer name pb netns peer");
	must("ip addr add 10.9.0.1/24 dev pa && ip link set pa address 02:00:00:00:00:01 up");
	must("ip -n peer addr add 10.9.0.2/24 dev pb && ip -n peer link set pb address 02:00:00:00:00:02 up");
	must("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev pa");
	must("ip -n peer neigh replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev pb");
	allow_bursts();
	if (pipe(pipe_fd))
		bail("pipe");
	pid = fork();
	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		close(pipe_fd[0]);
		peer(pipe_fd[1]);
	}
	/* With our copy closed, read() below returns 0 if the peer has ended. */
	close(pipe_fd[1]);
	if (read(pipe_fd[0], &c, 1) != 1)
		bail("no peer");
}

/* ---- senders ---- */

/* Fills @room with stamps. A UDP segment gets as many complete stamps as fit. */
static void stamp_all(char *room, size_t size, const struct stamp *stamp)
{
	const size_t block = tcp ? size : SEGMENT;
	size_t at, i;

	for (at = 0; at < size; at += block)
		for (i = 0; i + sizeof(*stamp) <= block; i += sizeof(*stamp))
			memcpy(room + at + i, stamp, sizeof(*stamp));
}

/* Returns the number of the newest send() for which the sender has got its memory
 * back; @last if there is no newer one.
 */
static __u32 newest_completion(int fd, __u32 last)
{
	char control[256];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct sock_extended_err err;

	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		if (!CMSG_FIRSTHDR(&m))
			bail("a completion without its number");
		memcpy(&err, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(err));
		if (err.ee_origin == SO_EE_ORIGIN_ZEROCOPY)
			last = err.ee_data;
		m.msg_controllen = sizeof(control);
	}
	return last;
}

/* Overwrites the data of send() @number: a closed plug has copied the packet. If
 * send() may return before the packet reaches the plug, first waits until the kernel
 * gives the memory back.
 */
static void overwrite(int fd, char *room, size_t size, __u32 number)
{
	struct pollfd pfd = { .fd = fd };
	__u32 last = newest_completion(fd, number - 1);

	while (defers && last != number && !atomic_load(&stop)) {
		poll(&pfd, 1, 100);
		last = newest_completion(fd, last);
	}
	memset(room, 0xff, size);
}

static void *sender_main(void *arg)
{
	unsigned long id = (unsigned long)arg;
	int fd = bound(tcp ? SOCK_STREAM : SOCK_DGRAM, true), segment = SEGMENT, one = 1;
	struct timeval limit = { .tv_usec = 100000 };
	struct linger none = { .l_onoff = 1 };
	struct stamp stamp = { .magic = MAGIC, .sender = id };
	char *rooms = malloc(ROOMS * SEGMENTS * SEGMENT), *room = rooms;
	__u64 seed = now_ns() | 1;
	__u32 number = 0;
	size_t size;

	on_cpu(id);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!tcp && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		bail("UDP_SEGMENT: %s", strerror(errno));
	if (!rooms || (zero_copy && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one))))
		bail("SO_ZEROCOPY: %s", strerror(errno));
	while (!atomic_load(&stop)) {
		size = tcp ? 8192 : (1 + dice(&seed, SEGMENTS)) * SEGMENT;
		stamp.epoch = ledger_stamp(&ledger);
		stamp.number++;
		if (zero_copy)
			room = rooms + stamp.number % ROOMS * SEGMENTS * SEGMENT;
		stamp_all(room, size, &stamp);
		if (send(fd, room, size, zero_copy ? MSG_ZEROCOPY : 0) > 0) {
			atomic_fetch_add(&sent, 1);
			if (zero_copy)
				overwrite(fd, room, size, number++);
		} else if (errno != ENOBUFS && errno != EAGAIN) {
			bail("send: %s", strerror(errno));
		}
	}
	/* No TCP connection must continue into the next test. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
	free(rooms);
	return NULL;
}

/* ---- departing packets ---- */

/* Finds the stamp that was written last into a packet; false: there is none. */
static bool stamp_find(struct stamp *stamp, const char *data, size_t len)
{
	const __u64 magic = MAGIC;
	size_t at;

	for (at = tcp ? len - sizeof(*stamp) : 0; at + sizeof(*stamp) <= len; at += tcp ? -1 : 1) {
		if (!memcmp(data + at, &magic, sizeof(magic))) {
			memcpy(stamp, data + at, sizeof(*stamp));
			return true;
		}
		if (!at && tcp)
			break;
	}
	return false;
}

/* Whether all data that stamp_all() wrote is there, and all of it from one call. */
static bool is_as_sent(const char *data, size_t len)
{
	const __u64 magic = MAGIC;
	size_t at, i;

	for (at = 0; at < len; at += SEGMENT)
		for (i = 0; i + sizeof(struct stamp) <= SEGMENT; i += sizeof(struct stamp))
			if (at + i + sizeof(struct stamp) > len ||
			    memcmp(data + at + i, data, sizeof(struct stamp)))
				return false;
	return len && !memcmp(data, &magic, sizeof(magic));
}

static bool is_ours(const char *frame, size_t size)
{
	struct udphdr uh;

	if (size < ETH_HLEN + sizeof(struct iphdr) + sizeof(uh) ||
	    frame[ETH_HLEN + offsetof(struct iphdr, protocol)] != IPPROTO_UDP)
		return false;
	memcpy(&uh, frame + ETH_HLEN + sizeof(struct iphdr), sizeof(uh));
	return uh.dest == htons(PORT);
}

static void packet_judge(const char *frame, size_t size, __u64 when)
{
	static __u64 last[SENDERS_MAX];
	const size_t headers = ETH_HLEN + sizeof(struct iphdr);
	size_t skip = headers + sizeof(struct udphdr);
	struct stamp stamp;
	struct tcphdr th;
	__u64 by;

	if (tcp && size > headers + sizeof(th)) {
		memcpy(&th, frame + headers, sizeof(th));
		skip = headers + th.doff * 4;
	}
	if (zero_copy && is_ours(frame, size) && !is_as_sent(frame + skip, size - skip) &&
	    atomic_fetch_add(&changed, 1) < 5)
		diag("a packet of %zu bytes is not as it was sent", size);
	if (size < skip + sizeof(stamp) || !stamp_find(&stamp, frame + skip, size - skip))
		return;
	atomic_fetch_add(&left, 1);
	if (!tcp && stamp.sender < SENDERS_MAX) {
		if (stamp.number < last[stamp.sender])
			atomic_fetch_add(&reordered, 1);
		last[stamp.sender] = stamp.number;
	}
	by = ledger_early(&ledger, stamp.epoch, when);
	if (by && atomic_fetch_add(&early, 1) < 5)
		diag("sender %llu's data %llu, written after BUFFER began epoch %llu, left %s",
		     stamp.sender, stamp.number, stamp.epoch,
		     by > NOT_YET / 2 ? "unreleased" : "before its release was asked for");
}

static void *reader_main(void *arg)
{
	static char frame[1 << 17];
	char control[64];
	struct sockaddr_ll from;
	struct iovec iov = { frame, sizeof(frame) };
	ssize_t size;

	while (!atomic_load(&stop)) {
		struct msghdr m = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};

		size = recvmsg(tap, &m, 0);
		if (size < 0 || from.sll_pkttype != PACKET_OUTGOING)
			continue;
		packet_judge(frame, size, departure(&m));
	}
	return NULL;
}

/* ---- commands ---- */

static int say_something_else(__u64 *seed)
{
	__u64 epoch;

	switch (zero_copy ? 1 + dice(seed, 2) : dice(seed, tcp ? 2 : 3)) {
	case 0:
		return say_open(&commander, &ledger) || say_buffer(&commander, &ledger);
	case 1:
		say_buffer(&commander, &ledger);
		say_buffer(&commander, &ledger);
		epoch = ledger.released + 1;
		ledger_ask(&ledger, epoch);
		return commander_say(&commander, TCQ_PLUG_RELEASE_UPTO, epoch);
	default:
		return say_discard(&commander, &ledger);
	}
}

/* Releases all ended epochs. Returns whether all their packets leave. Packets of the
 * current epoch may stay, such as those that TCP adds.
 */
static bool drains(void)
{
	struct hope hope = { 0 };
	struct plug_state st;

	say_release_closed(&commander, &ledger);
	do {
		st = plug_get(nl, "pa");
		if (!st.qlen || (st.has_state && st.ctl.head_epoch > st.ctl.released))
			return true;
	} while (hopeful(left, &hope));
	return false;
}

/* Looks for GSO packets. It looks in the queue, not on the wire: on some kernels
 * (5.10), veth does not accept a whole packet of UDP segments.
 */
static void look_for_big(void)
{
	struct plug_state st;

	sleep_ms(5);
	st = plug_get(nl, "pa");
	looks++;
	big += st.backlog > st.qlen * 2ULL * SEGMENT;
}

static bool enough(void)
{
	return left > 50 && big > 5 && commander.count > 100;
}

int main(int argc, char **argv)
{
	__u64 end, phase_end, seed = now_ns() | 1, refused = 0, stuck = 0, phases = 0;
	pthread_t threads[SENDERS_MAX], reader;
	struct hope hope = { 0 };
	unsigned long i;

	tcp = argc > 1 && !strcmp(argv[1], "tcp");
	zero_copy = argc > 1 && !strcmp(argv[1], "zerocopy");
	if (argc < 2 || (!tcp && !zero_copy && strcmp(argv[1], "udp")))
		bail("usage: race-ip udp|tcp|zerocopy [SECONDS [SENDERS]]");
	senders = sysconf(_SC_NPROCESSORS_ONLN);
	if (argc > 3)
		senders = strtoul(argv[3], NULL, 10);
	if (senders > SENDERS_MAX)
		senders = SENDERS_MAX;

	defers = senders > 1 && !access("/proc/sys/net/core/qdisc_max_burst", F_OK);

	setup();
	must("tc qdisc add dev pa root handle 1: plug limit 10000000");
	tap = departures_open("pa");
	nl = nl_open();
	commander_open(&commander, "pa");
	ledger_start(&ledger, plug_get(nl, "pa").ctl.epoch);
	if (tcp)
		say_open(&commander, &ledger);	/* for the senders to connect */
	reader = thread(reader_main, NULL);
	for (i = 0; i < senders; i++)
		threads[i] = thread(sender_main, (void *)i);

	end = now_ns() + (argc > 2 ? atoi(argv[2]) : 10) * 1000000000ULL;
	while (now_ns() < end || (!enough() && hopeful(big, &hope))) {
		link_tso("pa", phases++ % 2);
		look_for_big();
		for (phase_end = now_ns() + PHASE_MS * 1000000ULL; now_ns() < phase_end; ) {
			refused += !!say_buffer(&commander, &ledger);
			if (!enough())	/* few phases: look in each cycle */
				look_for_big();
			refused += !!say_release_one(&commander, &ledger);
			if (!dice(&seed, 50))
				refused += !!say_something_else(&seed);
		}
		stuck += !drains();
	}
	atomic_store(&stop, true);
	for (i = 0; i < senders; i++)
		pthread_join(threads[i], NULL);
	pthread_join(reader, NULL);

	diag("%llu calls, %llu packets left, %llu commands; %llu of %llu looks found GSO packets held",
	     sent, left, commander.count, big, looks);
	departures_close(tap);
	ok(enough(), "something happened, GSO included");
	is_u64(early, 0, "I1, I4: no packet left before its release was asked for");
	if (zero_copy)
		is_u64(changed, 0, "every packet left as it was sent");
	if (!tcp)	/* the receiver's TCP would restore the order */
		is_u64(reordered, 0, "I2: each sender's packets in order");
	is_u64(stuck, 0, "I5: what was released leaves");
	is_u64(refused, 0, "every command was obeyed");
	must("ip link del pa && ip netns del peer");
	return done_testing();
}
