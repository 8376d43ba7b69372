// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet costs in instructions: through an open qdisc, into a closed plug
 * (from a packet socket, UDP with and without zero-copy, TCP), and out of the plug
 * when it is released. Our module and the kernel's own take turns in the same boot.
 *
 *	packets SIZE ROUNDS FIRST
 *
 * A round measures every peer once. The first round begins with peer FIRST, and each
 * round after it with the next peer. Prints "figure VALUE NAME..." lines, see
 * figure().
 */
#define _GNU_SOURCE	/* setns() */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "command.h"
#include "count.h"
#include "setup.h"

#define DEV	"pa"
#define VETH	"pv"		/* its other end is in a namespace with a TCP peer */
#define PORT	4000
#define PAYLOAD	1400
#define LIMIT	"1000000000"

static int nl, tx, udp, zerocopy, tcp, tcp_peer;
static struct control control;	/* while our module is loaded */
static unsigned int frame_size;

/* ---- the peers ---- */

static const struct peer {
	const char	*name;
	const char	*qdisc;
	const char	*module;	/* command that loads it, or NULL */
} peers[] = {
	{ "pfifo_fast",	"pfifo_fast", NULL },
	{ "bfifo",	"bfifo limit " LIMIT, NULL },
	{ "intree",	"plug limit " LIMIT, "insmod $PLUG_INTREE_KO" },
	{ "ours",	"plug limit " LIMIT, "modprobe sch_plug" },
};

static const struct peer noqueue = { "noqueue", NULL, NULL };

#define N_PEERS	(sizeof(peers) / sizeof(peers[0]))

static bool is_ours(const struct peer *p)
{
	return !strcmp(p->name, "ours");
}

static void peer_attach(const struct peer *p)
{
	if (p->module)
		must("%s", p->module);
	if (p->qdisc)
		must("tc qdisc add dev " DEV " root handle 1: %s", p->qdisc);
	/* Only our module has a family. */
	if (p->module && control_try_open(&control) != is_ours(p))
		bail("this is not the module it should be");
	/* Wait for background work that loading and attaching have left. */
	sleep_ms(1000);
}

static void peer_detach(const struct peer *p)
{
	if (is_ours(p))
		control_close(&control);
	if (p->qdisc)
		must("tc qdisc del dev " DEV " root");
	if (p->module)
		must("rmmod sch_plug");
	sleep_ms(1000);
}

/* ---- commands ---- */

static void issue_action(int action)
{
	struct command c = command(DEV, action);

	exchange(nl, &c.nlh);
}

/* ---- packets ---- */

static int ip_socket(int type, const char *address, bool to_it)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr(address),
	};
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || (to_it ? connect(fd, (void *)&addr, sizeof(addr)) :
			       bind(fd, (void *)&addr, sizeof(addr))))
		bail("socket for %s: %s", address, strerror(errno));
	return fd;
}

static int udp_socket(void)
{
	return big_buffer(ip_socket(SOCK_DGRAM, "192.0.2.1", true));
}

static int zerocopy_socket(void)
{
	int fd = udp_socket(), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		bail("SO_ZEROCOPY: %s", strerror(errno));
	return fd;
}

static void send_payload(int fd, unsigned int n, int flags)
{
	/* In one page. The "x" is needed: without it that is the shared zero page. */
	static char payload[PAYLOAD] __attribute__((aligned(4096))) = "x";

	send_copies(fd, payload, PAYLOAD, flags, n);
}

static void send_frames_of_size(unsigned int n)
{
	send_frames(tx, frame_size, n);
}

static void send_udp(unsigned int n)
{
	send_payload(udp, n, 0);
}

static void send_zerocopy(unsigned int n)
{
	send_payload(zerocopy, n, MSG_ZEROCOPY);
}

static void send_tcp(unsigned int n)
{
	send_payload(tcp, n, 0);
}

/* Called after a run, so that the next one begins with nothing left to read. */
static void read_completions(unsigned int n)
{
	struct msghdr msg = {};

	while (!recvmsg(zerocopy, &msg, MSG_ERRQUEUE | MSG_DONTWAIT))
		;
	if (errno != EAGAIN)
		bail("completions: %s", strerror(errno));
}

static void read_tcp(unsigned int n)
{
	static char room[1 << 20];

	if (recv(tcp_peer, room, n * PAYLOAD, MSG_WAITALL) != (ssize_t)n * PAYLOAD)
		bail("the TCP peer: %s", strerror(errno));
}

/* Sets up the veth so that nothing disturbs: there is no ARP, the windows are never
 * full, and TCP never waits for more data to make a larger segment.
 */
static void tcp_network(void)
{
	must("ip netns add peer");
	must("ip link add " VETH " address 02:00:00:00:00:03 type veth"
	     " peer name pb address 02:00:00:00:00:04 netns peer");
	must("ip addr add 198.51.100.1/24 dev " VETH);
	must("ip link set " VETH " up");
	must("ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:04 dev " VETH);
	must("ip route change 198.51.100.0/24 dev " VETH
	     " src 198.51.100.1 initcwnd 1000");
	must("ip -n peer addr add 198.51.100.2/24 dev pb");
	must("ip -n peer link set pb up");
	must("ip -n peer neigh add 198.51.100.1 lladdr 02:00:00:00:00:03 dev pb");
	must("ip -n peer route change 198.51.100.0/24 dev pb"
	     " src 198.51.100.2 quickack 1");
	must("sysctl -qw net.ipv4.tcp_autocorking=0"
	     " net.ipv4.tcp_slow_start_after_idle=0");
}

/* Opens a connection on which each send() makes one segment, and puts it into the
 * queue before it returns.
 */
static void tcp_open(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY), listener;
	int big = 1 << 30, one = 1;
	unsigned int i;

	tcp_network();
	if (home < 0 || setns(open("/run/netns/peer", O_RDONLY), CLONE_NEWNET))
		bail("setns: %s", strerror(errno));
	listener = ip_socket(SOCK_STREAM, "198.51.100.2", false);
	if (setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) ||
	    listen(listener, 1) || setns(home, CLONE_NEWNET))
		bail("listen: %s", strerror(errno));
	tcp = big_buffer(ip_socket(SOCK_STREAM, "198.51.100.2", true));
	tcp_peer = accept(listener, NULL, NULL);
	if (tcp_peer < 0 ||
	    setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		bail("TCP: %s", strerror(errno));
	close(listener);
	close(home);
	/* The peer's window grows with the data that it receives. */
	for (i = 0; i < 1000; i++) {
		send_tcp(1);
		read_tcp(1);
	}
}

static void sockets_open(void)
{
	/* Each zero-copy send() counts against this until its completion is read. */
	must("sysctl -qw net.core.optmem_max=1000000000");
	must("ip addr add 192.0.2.2/24 dev " DEV);
	must("ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev " DEV);
	tx = frame_socket(DEV);
	udp = udp_socket();
	zerocopy = zerocopy_socket();
	tcp_open();
}

/* The kinds of senders whose packets are held. */
static const struct source {
	const char	*suffix;
	const char	*dev;
	void		(*send)(unsigned int n);
	void		(*receive)(unsigned int n);	/* may be NULL */
} sources[] = {
	{ "",		DEV,	send_frames_of_size,	NULL },
	{ "-udp",	DEV,	send_udp,	NULL },
	{ "-zerocopy",	DEV,	send_zerocopy,	read_completions },
	{ "-tcp",	VETH,	send_tcp,	read_tcp },
};

#define N_SOURCES	(sizeof(sources) / sizeof(sources[0]))

static __u64 tx_packets(const char *dev)
{
	char path[64], buf[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_packets", dev);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		bail("tx_packets: %s", strerror(errno));
	close(fd);
	return strtoull(buf, NULL, 10);
}

/* ---- the open path ---- */

static void pktgen(const char *file, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void pktgen(const char *file, const char *fmt, ...)
{
	char path[64], text[64];
	va_list ap;
	int fd, len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	/* pktgen cuts off the last byte, whatever it is. */
	text[len++] = '\n';
	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, len) != len)
		bail("pktgen: %s: %s: %s", file, text, strerror(errno));
	close(fd);
}

static void pktgen_setup(void)
{
	must("modprobe pktgen");
	pktgen("kpktgend_0", "add_device " DEV);
	pktgen(DEV, "pkt_size %u", frame_size);
	pktgen(DEV, "xmit_mode queue_xmit");
	pktgen(DEV, "delay 0");
	pktgen(DEV, "dst 192.0.2.1");
	pktgen(DEV, "dst_mac 02:00:00:00:00:01");
}

/* Returns how many nanoseconds pktgen needed for @n packets (whole microseconds). */
static __u64 pktgen_run(unsigned int n)
{
	char buf[4096];
	unsigned long long usec;
	const char *result;
	ssize_t len;
	int fd;

	pktgen(DEV, "count %u", n);
	pktgen("pgctrl", "start");
	fd = open("/proc/net/pktgen/" DEV, O_RDONLY);
	len = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (len < 0)
		bail("pktgen result: %s", strerror(errno));
	close(fd);
	buf[len] = '\0';
	result = strstr(buf, "Result: OK: ");
	if (!result || sscanf(result, "Result: OK: %llu(", &usec) != 1)
		bail("pktgen: %s", buf);
	return usec * 1000;
}

static __u64 pktgen_all_leave(const struct peer *p, unsigned int n)
{
	__u64 before = tx_packets(DEV), ns = pktgen_run(n);

	if (tx_packets(DEV) - before != n)
		bail("%s: of %u packets %llu left", p->name, n,
		     (unsigned long long)(tx_packets(DEV) - before));
	return ns;
}

/* A timer interrupt wakes pktgen, and pktgen ends before the next one, so that the
 * varying cost of interrupts is left out. The difference between many packets and few
 * leaves out the start and the end. The numbers of packets vary, because pktgen's
 * clock has only whole microseconds.
 */
static void measure_open(const struct peer *p, unsigned int round,
			 const char *suffix)
{
	enum { TIMES = 32, FEW = 50, MANY = 450 };
	__u64 v[TIMES];
	unsigned int i;

	if (p->module)
		issue_action(TCQ_PLUG_RELEASE_INDEFINITE);
	for (i = 0; i < TIMES; i++)
		v[i] = pktgen_all_leave(p, MANY + i) - pktgen_all_leave(p, FEW + i);
	figure(mean_near_median(v, TIMES) / (MANY - FEW), "open %s%s %u",
	       p->name, suffix, round);
}

/* ---- the closed path ---- */

/* CHUNK is so small that the allocator serves it from what a processor keeps. */
enum { CHUNK = 32, MANY_CHUNKS = 6, RUNS = 31 };

/* Closes the plug, sends packets into it, and opens it. Stores the instructions of each
 * chunk of packets in @held. Returns the instructions of opening and draining. There
 * is one processor, so the queue is drained when this process runs again.
 */
static __u64 hold_and_release(const struct source *s, unsigned int chunks,
			      __u64 *held)
{
	struct command close = command(s->dev, TCQ_PLUG_BUFFER);
	struct command open = command(s->dev, TCQ_PLUG_RELEASE_INDEFINITE);
	__u64 before = tx_packets(s->dev), start, released;
	unsigned int i, qlen;

	exchange(nl, &close.nlh);
	for (i = 0; i < chunks; i++) {
		start = instructions();
		s->send(CHUNK);
		held[i] = instructions() - start;
	}
	qlen = plug_get(nl, s->dev).qlen;
	if (tx_packets(s->dev) != before || qlen != chunks * CHUNK)
		bail("of %u packets %u are in the closed plug", chunks * CHUNK, qlen);

	start = instructions();
	exchange(nl, &open.nlh);
	for (i = 0; i < 8; i++)
		sched_yield();
	released = instructions() - start;
	if (tx_packets(s->dev) - before != chunks * CHUNK)
		bail("of %u packets %llu were drained", chunks * CHUNK,
		     (unsigned long long)(tx_packets(s->dev) - before));
	if (s->receive)
		s->receive(chunks * CHUNK);
	return released;
}

/* Draining is the difference between many packets and few, which leaves out the
 * command and the scheduling of the queue.
 */
static void measure_closed(const struct peer *p, const struct source *s,
			   unsigned int round)
{
	static __u64 held[RUNS * MANY_CHUNKS];
	__u64 few[RUNS], many[RUNS], ignored[1];
	unsigned int i;

	for (i = 0; i < 8; i++)
		hold_and_release(s, MANY_CHUNKS, held);
	for (i = 0; i < RUNS; i++) {
		few[i] = hold_and_release(s, 1, ignored);
		many[i] = hold_and_release(s, MANY_CHUNKS, &held[i * MANY_CHUNKS]);
	}
	figure(middle_mean(held, RUNS * MANY_CHUNKS) / CHUNK,
	       "buffer%s %s %u", s->suffix, p->name, round);
	/* Not on the veth: there draining includes the work of the receiver. */
	if (!strcmp(s->dev, DEV))
		figure((median(many, RUNS) - median(few, RUNS)) /
		       (CHUNK * (MANY_CHUNKS - 1)),
		       "drain%s %s %u", s->suffix, p->name, round);
}

/* ---- */

static void measure_sources(const struct peer *p, unsigned int round)
{
	unsigned int i;

	must("tc qdisc add dev " VETH " root handle 1: %s", p->qdisc);
	for (i = 0; i < N_SOURCES; i++)
		measure_closed(p, &sources[i], round);
	must("tc qdisc del dev " VETH " root");
	/* Wait for background work that this has left. */
	sleep_ms(1000);
}

static void one_round(unsigned int round, unsigned int first)
{
	unsigned int i;

	measure_open(&noqueue, round, "");
	for (i = 0; i < N_PEERS; i++) {
		const struct peer *p = &peers[(i + round + first) % N_PEERS];

		peer_attach(p);
		measure_open(p, round, "");
		if (p->module)
			measure_sources(p, round);
		peer_detach(p);
	}
	/* Once more, as a control. */
	measure_open(&noqueue, round, "-last");
}

int main(int argc, char **argv)
{
	unsigned int round, rounds;

	if (argc < 4)
		bail("usage: packets SIZE ROUNDS FIRST");
	frame_size = atoi(argv[1]);
	rounds = atoi(argv[2]);
	nl = nl_open();
	dummy_make(DEV);
	sockets_open();
	pktgen_setup();
	/* Wait: the kernel goes on booting for a while, in threads of its own. */
	sleep_ms(30000);
	settle_allocator();
	count_check();
	for (round = 0; round < rounds; round++)
		one_round(round, atoi(argv[3]));
	ok(true, "measured");
	return done_testing();
}
