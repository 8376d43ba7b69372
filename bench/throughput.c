// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The throughput of several senders through a veth, on two processors, with TCP and
 * UDP: without a qdisc, with bfifo, and with this plug and the in-tree one. The plugs
 * are open, or a loop ends and releases an epoch each 5 ms.
 *
 *	throughput ROUNDS [MS]
 *
 * This is measured in seconds, not in instructions, and the host may be busy with
 * other things. So each way is measured between two measurements of noqueue, and only
 * the ratio to their mean counts: "figure VALUE throughput PROTOCOL WAY ROUND".
 * "figure VALUE period ..." is how many ms an epoch of the loop really took. The rates
 * are printed as comments. MS is the length of a measurement (1500).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "count.h"

#define DEV	"ta"
#define PEER	"tb"		/* the other end, in a namespace of the same name */
#define HERE	"198.51.100.1"
#define THERE	"198.51.100.2"
#define PORT	5000
#define LIMIT	"1000000000"
#define PERIOD	5000000		/* of the epoch loop, in nanoseconds */
#define PRIORITY 50
#define WARM_UP	500		/* ms */
#define DATAGRAM 1400

enum { SENDERS = 4, CHUNK = 65536 };

static const struct way {
	const char	*name;
	const char	*qdisc;
	const char	*module;
	bool		loop;
} ways[] = {
	{ "bfifo",	"bfifo limit " LIMIT, NULL, false },
	{ "intree",	"plug limit " LIMIT, "insmod $PLUG_INTREE_KO", false },
	{ "ours",	"plug limit " LIMIT, "modprobe sch_plug", false },
	{ "intree-loop", "plug limit " LIMIT, "insmod $PLUG_INTREE_KO", true },
	{ "ours-loop",	"plug limit " LIMIT, "modprobe sch_plug", true },
};

static const struct way noqueue = { "noqueue", NULL, NULL, false };

#define N_WAYS	(sizeof(ways) / sizeof(ways[0]))

static const char *const protocols[] = { "tcp", "udp" };

static int nl, listener;
static unsigned int length_ms;
static atomic_bool stop, stop_loop;
static atomic_ullong received;		/* bytes, by all receivers */
static unsigned int epochs;
static double period_ms;		/* measured in the last epoch loop */

/* ---- sockets ---- */

static struct sockaddr_in address(const char *ip, unsigned int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = inet_addr(ip),
	};
}

/* A socket belongs to the namespace in which it was made. */
static int peer_socket(int type, unsigned int port)
{
	struct sockaddr_in addr = address(THERE, port);
	int home = open("/proc/self/ns/net", O_RDONLY);
	int peer = open("/run/netns/" PEER, O_RDONLY);
	int fd;

	if (home < 0 || peer < 0 || setns(peer, CLONE_NEWNET))
		bail("namespace " PEER ": %s", strerror(errno));
	fd = socket(AF_INET, type, 0);
	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)))
		bail("socket in " PEER ": %s", strerror(errno));
	if (setns(home, CLONE_NEWNET))
		bail("back from " PEER ": %s", strerror(errno));
	close(home);
	close(peer);
	return fd;
}

struct flow {
	int		tx, rx;
	pthread_t	sender, receiver;
};

static int connected(int type, unsigned int port)
{
	struct sockaddr_in addr = address(THERE, port);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || connect(fd, (void *)&addr, sizeof(addr)))
		bail("connect: %s", strerror(errno));
	return fd;
}

static void flow_open(struct flow *f, bool tcp, unsigned int n)
{
	struct timeval timeout = { .tv_usec = 100000 };
	int big = 4 << 20;

	if (tcp) {
		f->tx = connected(SOCK_STREAM, PORT);
		f->rx = accept(listener, NULL, NULL);
	} else {
		f->rx = peer_socket(SOCK_DGRAM, PORT + n);
		f->tx = connected(SOCK_DGRAM, PORT + n);
		if (setsockopt(f->rx, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)))
			bail("SO_RCVBUFFORCE: %s", strerror(errno));
	}
	/* A receiver that waits for data must see that the measurement is over. */
	if (f->rx < 0 || setsockopt(f->rx, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		bail("receiver: %s", strerror(errno));
}

static void *run_sender(void *arg)
{
	static const char data[CHUNK];
	int type, fd = ((struct flow *)arg)->tx;
	socklen_t len = sizeof(type);
	size_t size;

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	size = type == SOCK_STREAM ? CHUNK : DATAGRAM;
	while (!stop)
		if (send(fd, data, size, 0) < 0 && errno != ENOBUFS)
			bail("send: %s", strerror(errno));
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* Counts what arrives. After the end, receives until nothing comes any more. */
static void *run_receiver(void *arg)
{
	int fd = ((struct flow *)arg)->rx;
	char *data = malloc(CHUNK);
	ssize_t n;

	do {
		n = recv(fd, data, CHUNK, 0);
		if (n > 0)
			received += (unsigned long long)n;
		else if (n < 0 && errno != EAGAIN)
			bail("recv: %s", strerror(errno));
	} while (n > 0 || (n < 0 && !stop));
	free(data);
	return NULL;
}

/* ---- the epoch loop ---- */

static void issue(int action)
{
	struct command c = command(DEV, action);

	exchange(nl, &c.nlh);
}

static void *run_loop(void *arg)
{
	struct command buffer = command(DEV, TCQ_PLUG_BUFFER);
	struct command release = command(DEV, TCQ_PLUG_RELEASE_ONE);
	__u64 due = now_ns(), now;
	struct timespec ts;

	while (!stop_loop) {
		exchange(nl, &buffer.nlh);
		exchange(nl, &release.nlh);
		epochs++;
		now = now_ns();
		due = due + PERIOD > now ? due + PERIOD : now;
		ts.tv_sec = (time_t)(due / 1000000000);
		ts.tv_nsec = (long)(due % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
	issue(TCQ_PLUG_RELEASE_INDEFINITE);
	return NULL;
}

static pthread_t start_loop(void)
{
	struct sched_param param = { .sched_priority = PRIORITY };
	pthread_attr_t attr;
	pthread_t thread;

	stop_loop = false;
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	if (pthread_create(&thread, &attr, run_loop, NULL))
		bail("no thread for the loop");
	return thread;
}

/* ---- measuring ---- */

static void attach(const struct way *w)
{
	if (w->module)
		must("%s", w->module);
	if (w->qdisc)
		must("tc qdisc add dev " DEV " root handle 1: %s", w->qdisc);
	if (w->module)
		issue(TCQ_PLUG_RELEASE_INDEFINITE);
}

static void detach(const struct way *w)
{
	if (w->qdisc)
		must("tc qdisc del dev " DEV " root");
	if (w->module)
		must("rmmod sch_plug");
}

/* Returns the bytes that all receivers together get in a second. */
static double rate(const struct way *w, bool tcp)
{
	struct flow flows[SENDERS] = {};
	unsigned long long before;
	unsigned int i, epochs_before;
	pthread_t loop = 0;
	double result;
	__u64 start;

	attach(w);
	stop = false;
	for (i = 0; i < SENDERS; i++)
		flow_open(&flows[i], tcp, i);
	for (i = 0; i < SENDERS; i++)
		if (pthread_create(&flows[i].receiver, NULL, run_receiver, &flows[i]) ||
		    pthread_create(&flows[i].sender, NULL, run_sender, &flows[i]))
			bail("no thread for a flow");
	if (w->loop)
		loop = start_loop();
	sleep_ms(WARM_UP);
	before = received;
	epochs_before = epochs;
	start = now_ns();
	sleep_ms(length_ms);
	result = (double)(received - before) * 1e9 / (double)(now_ns() - start);
	diag("%s %s: %.2f MB/s", tcp ? "tcp" : "udp", w->name, result / 1e6);
	if (w->loop) {
		period_ms = (double)length_ms / (epochs - epochs_before);
		stop_loop = true;
		pthread_join(loop, NULL);
	}
	stop = true;
	for (i = 0; i < SENDERS; i++) {
		pthread_join(flows[i].sender, NULL);
		pthread_join(flows[i].receiver, NULL);
		close(flows[i].tx);
		close(flows[i].rx);
	}
	detach(w);
	return result;
}

static void measure_round(const char *protocol, unsigned int round)
{
	bool tcp = !strcmp(protocol, "tcp");
	double before = rate(&noqueue, tcp), after, between;
	unsigned int i;

	for (i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[(i + round) % N_WAYS];

		between = rate(w, tcp);
		after = rate(&noqueue, tcp);
		figure(between / ((before + after) / 2), "throughput %s %s %u", protocol,
		       w->name, round);
		if (w->loop)
			figure(period_ms, "period %s %s %u", protocol, w->name, round);
		before = after;
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 0, round, i;

	length_ms = argc > 2 ? (unsigned int)atoi(argv[2]) : 1500;
	if (!rounds || !length_ms || sysconf(_SC_NPROCESSORS_ONLN) != 2)
		bail("usage, on two processors: throughput ROUNDS [MS]");
	nl = nl_open();
	must("ip netns add " PEER);
	must("ip link add " DEV " type veth peer name " PEER " netns " PEER);
	must("ip addr add " HERE "/24 dev " DEV " && ip link set " DEV " up");
	must("ip -n " PEER " addr add " THERE "/24 dev " PEER " && ip -n " PEER " link set " PEER " up");
	/* Set the neighbours: the plug would hold ARP, too. */
	must("ip neigh replace " THERE " dev " DEV " nud permanent lladdr "
	     "$(ip netns exec " PEER " cat /sys/class/net/" PEER "/address)");
	must("ip -n " PEER " neigh replace " HERE " dev " PEER " nud permanent lladdr "
	     "$(cat /sys/class/net/" DEV "/address)");
	listener = peer_socket(SOCK_STREAM, PORT);
	if (listen(listener, SENDERS))
		bail("listen: %s", strerror(errno));
	/* Wait: the kernel goes on booting for a while, in threads of its own. */
	sleep_ms(30000);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < 2; i++)
			measure_round(protocols[i], round);
	ok(true, "measured");
	return done_testing();
}
