// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a held packet keeps of its local socket:
 *
 *	sockets contents	zero-copy senders get their memory back at once, and
 *				data that they write there then does not leave: UDP,
 *				TCP with segments and without, a PACKET_TX_RING;
 *				plug at the root, below other qdiscs, on an ifb
 *	sockets open		an open plug copies nothing
 *	sockets failures	a copy fails for want of memory; only in kernels
 *				with fail_page_alloc
 *	sockets tcp		how much a TCP connection sends in an epoch
 *	sockets limit		what bounds a UDP sender: the plug's limit or, in a
 *				user namespace, the sender's own send buffer
 *	sockets memory		how much memory senders can make a plug hold
 *
 * Without an argument: all tests. Packets go through a veth device, pa, to its
 * peer, pb, in another network namespace; in some tests they go the other way.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>

#include "plugtest.h"

#define PORT		4000
#define PATIENCE_MS	10000

enum place { HERE, PEER };

static int nl;
static int place_fd[2];			/* network namespaces */

/* ---- two network namespaces ---- */

static void enter(enum place place)
{
	if (setns(place_fd[place], CLONE_NEWNET))
		bail("setns: %s", strerror(errno));
}

static int this_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		bail("/proc/self/ns/net: %s", strerror(errno));
	return fd;
}

/* Makes the veth pair and the peer's namespace. Also works for the root of a user
 * namespace, who cannot name network namespaces.
 */
static void veth_make(void)
{
	link_clear("pa");
	plug_forget();
	place_fd[HERE] = this_namespace();
	if (!network_namespace())
		bail("no network namespace");
	place_fd[PEER] = this_namespace();
	enter(HERE);
	must("printf '%%s\\n' 'link add pa type veth peer name pb netns /proc/%d/fd/%d' "
	     "'addr add 10.9.0.1/24 dev pa' 'link set pa address 02:00:00:00:00:01 up' "
	     "'neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev pa' | ip -batch -", getpid(),
	     place_fd[PEER]);
	enter(PEER);
	must("printf '%%s\\n' 'link set lo up' 'addr add 10.9.0.2/24 dev pb' "
	     "'link set pb address 02:00:00:00:00:02 up' "
	     "'neigh replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev pb' | ip -batch -");
	enter(HERE);
}

static void veth_end(void)
{
	link_delete("pa");
	link_clear("pi");
	close(place_fd[HERE]);
	close(place_fd[PEER]);
}

/* ---- a connected pair of sockets, one in each namespace ---- */

struct pair {
	int	tx, rx;
};

static int socket_make(enum place place, int type)
{
	int fd, one = 1;

	enter(place);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	enter(HERE);
	if (fd < 0)
		bail("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static void set(int fd, int level, int option, int value, const char *what)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		bail("%s: %s", what, strerror(errno));
}

/* Connects a socket in @from to one in the other namespace. Neither of them blocks
 * afterwards.
 */
static void pair_open(struct pair *p, enum place from, int type)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr(from == HERE ? "10.9.0.2" : "10.9.0.1"),
	};
	int big = 1 << 24, listener;

	listener = p->rx = socket_make(!from, type);
	p->tx = socket_make(from, type);
	/* If that is not allowed, the default is enough. */
	setsockopt(listener, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (bind(listener, (void *)&to, sizeof(to)) ||
	    (type == SOCK_STREAM && listen(listener, 1)) ||
	    connect(p->tx, (void *)&to, sizeof(to)))
		bail("a connection: %s", strerror(errno));
	if (type == SOCK_STREAM) {
		p->rx = accept(listener, NULL, NULL);
		if (p->rx < 0)
			bail("accept: %s", strerror(errno));
		close(listener);
	}
	fcntl(p->tx, F_SETFL, O_NONBLOCK);
	fcntl(p->rx, F_SETFL, O_NONBLOCK);
}

/* Closes both sockets. A TCP connection is reset, so that nothing of it remains. */
static void pair_close(struct pair *p)
{
	struct linger none = { .l_onoff = 1 };

	setsockopt(p->tx, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(p->tx);
	close(p->rx);
}

/* The bytes for which the kernel charges a UDP socket; of a TCP socket, the bytes
 * that are not acknowledged.
 */
static int account(int fd)
{
	int bytes = -1;

	if (ioctl(fd, SIOCOUTQ, &bytes))
		bail("SIOCOUTQ: %s", strerror(errno));
	return bytes;
}

/* Whether the kernel gives a zero-copy sender its memory back within @ms, and
 * if so whether it had to copy.
 */
static bool completed(int fd, int ms, bool *copied)
{
	char control[256];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct pollfd pfd = { .fd = fd };
	struct sock_extended_err err;
	struct cmsghdr *c;

	if (poll(&pfd, 1, ms) != 1 || recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_IP || c->cmsg_type != IP_RECVERR)
		return false;
	memcpy(&err, CMSG_DATA(c), sizeof(err));
	*copied = err.ee_code & SO_EE_CODE_ZEROCOPY_COPIED;
	return err.ee_origin == SO_EE_ORIGIN_ZEROCOPY && !err.ee_errno;
}

/* ---- where the plug is ---- */

struct path {
	const char	*name;
	enum place	from;
	const char	*setup;
	const char	*dev;
	__u32		parent;
};

#define ROOT_PLUG "tc qdisc add dev pa root handle 1: plug limit 100000000"

static const struct path paths[] = {
	{
		.name = "at the root",
		.setup = ROOT_PLUG,
		.dev = "pa", .parent = TC_H_ROOT,
	}, {
		.name = "below prio",
		.setup = "tc qdisc add dev pa root handle 1: prio bands 3 "
			 "priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 && "
			 "tc qdisc add dev pa parent 1:2 handle 2: plug limit 100000000",
		.dev = "pa", .parent = 0x10002,
	}, {
		.name = "below sfb",
		.setup = "tc qdisc add dev pa root handle 1: sfb limit 10000 target 140 max 150 && "
			 "tc qdisc add dev pa parent 1:1 handle 2: plug limit 100000000",
		.dev = "pa", .parent = 0x10001,
	}, {
		.name = "on an ifb",
		.from = PEER,
		.setup = "ip link add pi type ifb && ip link set pi up && "
			 "tc qdisc add dev pa ingress && "
			 "tc filter add dev pa ingress matchall action mirred egress redirect dev pi && "
			 "tc qdisc add dev pi root handle 1: plug limit 100000000",
		.dev = "pi", .parent = TC_H_ROOT,
	},
};

#define PATHS (sizeof(paths) / sizeof(paths[0]))

static struct plug_state plug_at(const struct path *p)
{
	struct plug_state st;

	if (!qdisc_get(nl, p->dev, p->parent, &st) || strcmp(st.kind, "plug"))
		bail("%s has no plug", p->dev);
	return st;
}

static void say(const struct path *p, int action)
{
	int err = plug_cmd_at(nl, p->dev, p->parent, action, 0);

	if (err)
		ok(false, "action %d: %s", action, strerror(-err));
}

/* Lets packets leave that were sent before, but no later ones. */
static void let_go(const struct path *p)
{
	say(p, TCQ_PLUG_BUFFER);
	say(p, TCQ_PLUG_RELEASE_ONE);
}

/* Waits until @bytes bytes are held; false: there are fewer after PATIENCE_MS. */
static bool holds(const struct path *p, unsigned int bytes)
{
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;

	while (plug_at(p).backlog < bytes) {
		if (now_ns() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

/* ---- contents ---- */

/* All senders send BEFORE, then overwrite it with AFTER. */
#define BEFORE	'b'
#define AFTER	'a'

struct seen {
	size_t	before, other;
};

static void look(struct seen *s, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] == BEFORE)
			s->before++;
		else
			s->other++;
}

/* Returns where the payload of a frame begins; @len if the frame is not ours. */
static size_t payload_at(const char *frame, size_t len)
{
	size_t headers = ETH_HLEN + sizeof(struct iphdr), at = len;
	struct ethhdr eth;
	struct tcphdr th;

	memcpy(&eth, frame, sizeof(eth));
	if (eth.h_proto == htons(FRAME_TYPE))
		return ETH_HLEN;
	if (eth.h_proto != htons(ETH_P_IP) || len < headers + sizeof(th))
		return len;
	/* The ports have the same offsets in UDP. */
	memcpy(&th, frame + headers, sizeof(th));
	if (th.dest != htons(PORT))
		return len;
	if (frame[ETH_HLEN + offsetof(struct iphdr, protocol)] == IPPROTO_TCP)
		at = headers + th.doff * 4;
	else
		at = headers + sizeof(struct udphdr);
	return at < len ? at : len;
}

/* Counts the bytes that come, until there are @want or none comes for PATIENCE_MS. */
static struct seen watch(int fd, size_t want, bool frames)
{
	static char room[1 << 17];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct seen s = { 0 };

	while (s.before + s.other < want && poll(&pfd, 1, PATIENCE_MS) == 1) {
		ssize_t len = recv(fd, room, sizeof(room), MSG_DONTWAIT);
		size_t at;

		if (len <= 0)
			break;
		at = frames ? payload_at(room, len) : 0;
		look(&s, room + at, len - at);
	}
	return s;
}

static void is_before(struct seen s, size_t want, const char *name, const char *where)
{
	if (!ok(s.before == want && !s.other, "%s: %s shows the %zu bytes as they were sent", name,
		where, want))
		diag("%zu bytes as they were sent, %zu as they were written later", s.before,
		     s.other);
}

static void no_failures(const struct path *p, const char *name)
{
	is_u64(PLUG_STAT(plug_at(p), COPY_FAILURES), 0, "%s: no failure was counted", name);
}

struct kind {
	const char	*name;
	int		type;
	size_t		size;
	bool		tso;
};

/* TCP sends as much as the first window allows. */
static const struct kind kinds[] = {
	{ "UDP", SOCK_DGRAM, 1400, true },
	{ "TCP with TSO", SOCK_STREAM, 10000, true },
	{ "TCP without TSO", SOCK_STREAM, 10000, false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void test_zero_copy(const struct path *p, const struct kind *k)
{
	static char data[16384];
	struct plug_state st;
	bool copied = false;
	struct pair pair;
	char name[64];
	int tap;

	snprintf(name, sizeof(name), "%s %s", k->name, p->name);
	link_tso("pa", k->tso);
	say(p, TCQ_PLUG_RELEASE_INDEFINITE);
	pair_open(&pair, p->from, k->type);
	set(pair.tx, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY");
	say(p, TCQ_PLUG_BUFFER);
	memset(data, BEFORE, k->size);
	is_u64(send(pair.tx, data, k->size, MSG_ZEROCOPY), k->size, "%s: sent", name);
	ok(holds(p, k->size), "%s: held", name);
	st = plug_at(p);
	if (k->type == SOCK_DGRAM) {
		ok(completed(pair.tx, PATIENCE_MS, &copied) && copied,
		   "%s: while it is held, its sender has the memory back, as it was copied", name);
		is_u64(account(pair.tx), 0, "%s: its socket is not charged for it", name);
	} else {
		ok(st.qlen && st.backlog / st.qlen > 2000, "%s: %u packets, so more than segments",
		   name, st.qlen);
	}
	memset(data, AFTER, k->size);

	tap = packet_socket(p->dev, ETH_P_ALL);
	let_go(p);
	is_before(watch(tap, k->size, true), k->size, name, "the wire");
	is_before(watch(pair.rx, k->size, false), k->size, name, "the receiver");
	if (k->type == SOCK_STREAM)
		ok(completed(pair.tx, PATIENCE_MS, &copied) && copied,
		   "%s: the acknowledgment gives the sender its memory back", name);
	no_failures(p, name);
	close(tap);
	pair_close(&pair);
	say(p, TCQ_PLUG_RELEASE_INDEFINITE);
}

/* Sends from a ring of one frame. The kernel makes no copy of a frame in a ring. */
static void test_ring(const struct path *p)
{
	struct tpacket_req req = {
		.tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 4096, .tp_frame_nr = 1,
	};
	const size_t size = 1400;
	volatile struct tpacket2_hdr *hdr;
	struct ethhdr eth = { .h_proto = htons(FRAME_TYPE) };
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;
	int fd, tap;
	char *frame, name[64];

	snprintf(name, sizeof(name), "PACKET_TX_RING %s", p->name);
	say(p, TCQ_PLUG_BUFFER);
	fd = packet_socket(p->dev, 0);
	set(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
	if (setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)))
		bail("PACKET_TX_RING: %s", strerror(errno));
	hdr = mmap(NULL, req.tp_block_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (hdr == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	frame = (char *)hdr + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
	memcpy(frame, &eth, sizeof(eth));
	memset(frame + ETH_HLEN, BEFORE, size);
	hdr->tp_len = ETH_HLEN + size;
	hdr->tp_status = TP_STATUS_SEND_REQUEST;

	is_u64(send(fd, NULL, 0, MSG_DONTWAIT), ETH_HLEN + size, "%s: sent", name);
	ok(holds(p, size), "%s: held", name);
	while (hdr->tp_status != TP_STATUS_AVAILABLE && now_ns() < end)
		sleep_ms(5);
	is_u64(hdr->tp_status, TP_STATUS_AVAILABLE, "%s: while it is held, its slot is free", name);
	memset(frame + ETH_HLEN, AFTER, size);
	tap = packet_socket(p->dev, ETH_P_ALL);
	let_go(p);
	is_before(watch(tap, size, true), size, name, "the wire");
	no_failures(p, name);
	munmap((void *)hdr, req.tp_block_size);
	close(fd);
	close(tap);
	say(p, TCQ_PLUG_RELEASE_INDEFINITE);
}

static void test_contents(void)
{
	unsigned int i, k;

	for (i = 0; i < PATHS; i++) {
		veth_make();
		must("%s", paths[i].setup);
		for (k = 0; k < KINDS; k++)
			test_zero_copy(&paths[i], &kinds[k]);
		if (paths[i].from == HERE)
			test_ring(&paths[i]);
		veth_end();
	}
}

/* ---- an open plug ---- */

/* Returns a UDP socket that sends through the dummy pd. A receiver or a packet socket
 * would copy the packets; pd has neither.
 */
static int dummy_sender(unsigned int mtu)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr("10.8.0.2"),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (!if_nametoindex("pd"))
		must("ip link add pd mtu %u type dummy && ip addr add 10.8.0.1/24 dev pd && "
		     "ip link set pd up && ip neigh add 10.8.0.2 lladdr 02:00:00:00:00:02 dev pd", mtu);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		bail("connect: %s", strerror(errno));
	return fd;
}

static void zero_copy_send(int fd, const char *what)
{
	static const char data[1400];

	is_u64(send(fd, data, sizeof(data), MSG_ZEROCOPY), sizeof(data), "%s: sent", what);
}

static void test_open(void)
{
	static const struct path below_prio = { .dev = "pd", .parent = 0x10002 };
	static const struct path below_tbf = { .dev = "pd", .parent = 0x30001 };
	bool copied = true;
	int fd, charged;

	link_clear("pd");
	plug_forget();
	fd = dummy_sender(1500);
	set(fd, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY");

	/* At the root the open plug would be bypassed. */
	must("tc qdisc add dev pd root handle 1: prio bands 3 priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 && "
	     "tc qdisc add dev pd parent 1:2 handle 2: plug");
	say(&below_prio, TCQ_PLUG_RELEASE_INDEFINITE);
	zero_copy_send(fd, "open");
	ok(completed(fd, PATIENCE_MS, &copied) && !copied, "open: the packet was not copied");
	say(&below_prio, TCQ_PLUG_BUFFER);
	zero_copy_send(fd, "closed");
	ok(completed(fd, PATIENCE_MS, &copied) && copied, "closed: it was");

	/* So slow that only the first packet leaves. */
	must("tc qdisc replace dev pd root handle 3: tbf rate 80bit burst 1600 limit 100000 && "
	     "tc qdisc add dev pd parent 3:1 handle 2: plug");
	say(&below_tbf, TCQ_PLUG_RELEASE_INDEFINITE);
	zero_copy_send(fd, "open and slow");
	ok(completed(fd, PATIENCE_MS, &copied) && !copied, "open and slow: the first leaves");
	zero_copy_send(fd, "open and slow");
	charged = account(fd);
	ok(charged >= 1400, "open and slow: the second waits on its socket's account (%d bytes)",
	   charged);
	say(&below_tbf, TCQ_PLUG_BUFFER);
	is_u64(account(fd), charged, "stopped by BUFFER: it stays there");
	ok(!completed(fd, QUIET_MS, &copied), "stopped by BUFFER: and is not copied");
	link_delete("pd");
	ok(completed(fd, PATIENCE_MS, &copied), "dropped: its sender has the memory back");
	close(fd);
}

/* ---- no memory ---- */

#define FAIL "/sys/kernel/debug/fail_page_alloc"

/* Makes allocations of pages fail, but only those that cannot wait, and only in tasks
 * that ask for it.
 */
static void fail_pages(bool on)
{
	if (on)
		must("cd " FAIL " && echo Y > task-filter && echo -1 > times && echo 0 > verbose && "
		     "echo Y > ignore-gfp-wait && echo 0 > min-order && echo 100 > probability");
	else
		must("echo 0 > " FAIL "/probability");
}

static ssize_t send_failing(int fd, const void *data, size_t size)
{
	ssize_t sent;

	if (!put("/proc/self/make-it-fail", "1"))
		bail("make-it-fail");
	sent = send(fd, data, size, MSG_ZEROCOPY);
	put("/proc/self/make-it-fail", "0");
	return sent;
}

static void test_failures(void)
{
	const struct path *p = &paths[0];
	struct seen s;
	struct pair pair;
	char data[1400];
	bool copied;
	int tap;

	if (access(FAIL "/probability", W_OK)) {
		skip("no memory for copies: no fail_page_alloc in this kernel");
		return;
	}
	veth_make();
	must("%s", p->setup);
	pair_open(&pair, p->from, SOCK_DGRAM);
	set(pair.tx, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY");
	memset(data, BEFORE, sizeof(data));
	fail_pages(true);
	is_u64(send_failing(pair.tx, data, sizeof(data)), sizeof(data), "no memory: sent");
	fail_pages(false);
	ok(holds(p, sizeof(data)), "no memory: the packet is held");
	is_u64(PLUG_STAT(plug_at(p), COPY_FAILURES), 1, "no memory: a failure is counted");
	ok(account(pair.tx) >= 1400, "no memory: its socket is charged for it");
	ok(!completed(pair.tx, QUIET_MS, &copied), "no memory: the sender's memory is in use");
	is_u64(send(pair.tx, data, sizeof(data), 0), sizeof(data), "the next, not zero-copy, is sent");

	tap = packet_socket(p->dev, ETH_P_ALL);
	let_go(p);
	s = watch(tap, 2 * sizeof(data), true);
	is_before(s, 2 * sizeof(data), "no memory", "the wire, with the next packet");
	is_before(watch(pair.rx, 2 * sizeof(data), false), 2 * sizeof(data), "no memory",
		  "the receiver");
	ok(completed(pair.tx, PATIENCE_MS, &copied), "it has left: the sender has its memory back");
	is_u64(account(pair.tx), 0, "it has left: its socket is not charged for it");
	is_u64(PLUG_STAT(plug_at(p), COPY_FAILURES), 1, "no other failure");
	close(tap);
	pair_close(&pair);
	veth_end();
}

/* ---- what a user namespace changes ---- */

/* Calls @run here, or in a child as the root of new user and network namespaces. The
 * results go to @result, of @size bytes. In the child @run must not print test
 * points, because they would be counted there; it can only fail.
 */
static void run_in(bool user_ns, void (*run)(void *result), void *result, size_t size)
{
	void *shared;
	int status = 0;
	pid_t pid;

	if (!user_ns) {
		run(result);
		return;
	}
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	memcpy(shared, result, size);
	pid = fork();
	if (!pid) {
		if (!become_root_of_namespaces())
			_exit(1);
		nl = nl_open();
		run(shared);
		_exit(any_failed());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		bail("in a user namespace: status %d", status);
	memcpy(result, shared, size);
	munmap(shared, size);
}

/* ---- TCP in epochs ---- */

#define TCP_BYTES	400000
#define TCP_EPOCHS	24		/* at most */
#define TCP_ENOUGH	16		/* enough, unless TCP waits for its packets */
#define SETTLED		20		/* checks that find nothing new */

struct tcp_run {
	char		congestion[16];	/* congestion control to use */
	bool		single;		/* use one segment in each packet */
	unsigned int	epochs, packets, held[TCP_EPOCHS];
	size_t		sent, got;
	bool		right;
};

/* The byte at position N of the stream. */
static char stream_byte(size_t n)
{
	return n / 251 + n;
}

/* Sends and receives; returns whether anything moved. */
static bool pump(struct pair *p, struct tcp_run *r)
{
	static char room[65536];
	size_t was = r->sent + r->got, i;
	ssize_t n = 1;

	while (n > 0 && r->sent < TCP_BYTES) {
		size_t len = TCP_BYTES - r->sent;

		len = len < sizeof(room) ? len : sizeof(room);
		for (i = 0; i < len; i++)
			room[i] = stream_byte(r->sent + i);
		n = send(p->tx, room, len, 0);
		r->sent += n > 0 ? n : 0;
	}
	while ((n = recv(p->rx, room, sizeof(room), 0)) > 0) {
		for (i = 0; i < (size_t)n; i++)
			r->right &= room[i] == stream_byte(r->got + i);
		r->got += n;
	}
	return r->sent + r->got != was;
}

/* Waits until the connection has put as much into the plug as it can: all data that
 * left is received and acknowledged, and for some time nothing changes.
 */
static struct plug_state tcp_settle(const struct path *p, struct pair *pair, struct tcp_run *r)
{
	__u64 end = now_ns() + PATIENCE_MS * 1000000ULL;
	struct plug_state st = plug_at(p), was;
	unsigned int quiet = 0;

	while (quiet < SETTLED && now_ns() < end) {
		bool moved = pump(pair, r);
		bool acknowledged = r->sent - account(pair->tx) == r->got;

		was = st;
		st = plug_at(p);
		quiet = moved || !acknowledged || st.backlog != was.backlog ? 0 : quiet + 1;
		sleep_ms(5);
	}
	return st;
}

/* Sends a stream in epochs. Each step releases all held packets with BUFFER and
 * RELEASE_ONE. However long a step takes, TCP must not time out: rto_min is 60 s.
 */
static void tcp_epochs(void *result)
{
	const struct path *p = &paths[0];
	struct tcp_run *r = result;
	struct pair pair;

	veth_make();
	must("ip route replace 10.9.0.0/24 dev pa src 10.9.0.1 rto_min 60s%s",
	     r->single ? " && ip link set pa gso_max_segs 1" : "");
	must("%s", p->setup);
	say(p, TCQ_PLUG_RELEASE_INDEFINITE);
	pair_open(&pair, HERE, SOCK_STREAM);
	if (setsockopt(pair.tx, IPPROTO_TCP, TCP_CONGESTION, r->congestion, strlen(r->congestion)))
		bail("TCP_CONGESTION %s: %s", r->congestion, strerror(errno));
	say(p, TCQ_PLUG_BUFFER);
	r->right = true;
	while (r->epochs < TCP_EPOCHS && r->got < TCP_BYTES) {
		struct plug_state st = tcp_settle(p, &pair, r);

		if (r->got == TCP_BYTES)
			break;
		r->held[r->epochs++] = st.qlen;
		r->packets += st.qlen;
		let_go(p);
	}
	pair_close(&pair);
	veth_end();
}

static struct tcp_run tcp_run(bool user_ns, const char *congestion, bool single)
{
	struct tcp_run r = { .single = single };
	char text[TCP_EPOCHS * 8] = "";
	unsigned int i;
	int at = 0;

	strcpy(r.congestion, congestion);
	run_in(user_ns, tcp_epochs, &r, sizeof(r));
	for (i = 0; i < r.epochs; i++)
		at += snprintf(text + at, sizeof(text) - at, " %u", r.held[i]);
	diag("%s%s%s: %zu bytes in %u epochs: %.1f packets, %zu bytes an epoch; packets held:%s",
	     congestion, single ? ", no GSO" : "", user_ns ? ", in a user namespace" : "", r.got,
	     r.epochs, r.epochs ? 1.0 * r.packets / r.epochs : 0,
	     r.epochs ? r.got / r.epochs : 0, text);
	ok(r.epochs > 0, "%s: I1: it waits for a release", congestion);
	ok(r.right, "%s: I2: the stream is right", congestion);
	return r;
}

/* reno depends only on acknowledgments: how much TCP sends in an epoch does not
 * depend on time. If TCP waits for its packets to leave, it sends two packets in an
 * epoch, each with one segment here.
 */
static void test_tcp(void)
{
	struct tcp_run r = tcp_run(false, "reno", true);

	if (!ok(r.got == TCP_BYTES && r.epochs <= TCP_ENOUGH, "%u bytes of TCP in %u epochs at most",
		TCP_BYTES, TCP_ENOUGH))
		diag("%zu bytes in %u epochs", r.got, r.epochs);
	r = tcp_run(true, "reno", true);
	ok(r.epochs && r.got < TCP_BYTES && r.packets < 4 * r.epochs,
	   "in a user namespace TCP waits for its packets to leave");
	/* The default congestion control; only prints figures. */
	tcp_run(false, "cubic", false);
}

/* ---- the limit of a sender ---- */

#define SENDERS		16
#define FILL_MOST	(100 << 20)	/* bytes on the wire from one socket */
#define FRAME_HEADERS	(14 + 20 + 8)

struct fill {
	unsigned int	sockets, size;	/* how many sockets; bytes in a packet */
	__u32		limit;
	int		err[SENDERS], charged[SENDERS], buffer;
	struct plug_state st;		/* state of the full plug */
	long		memory, slab;	/* kB that filling it took */
};

static long meminfo(const char *field)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = -1;

	while (f && kb < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kb = strtol(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

/* Sends until send() fails, and returns the errno; 0 if send() accepted more than any
 * limit tested here allows.
 */
static int fill_from(int fd, unsigned int size)
{
	static const char data[65536];
	size_t sent;

	for (sent = 0; sent < FILL_MOST; sent += FRAME_HEADERS + size)
		if (send(fd, data, size, 0) < 0)
			return errno;
	return 0;
}

/* Fills a closed plug: each socket sends, without waiting, until send() fails. */
static void fill(void *result)
{
	struct fill *f = result;
	int fds[SENDERS];
	socklen_t len = sizeof(f->buffer);
	long memory, slab;
	unsigned int i;

	link_clear("pd");
	plug_forget();
	for (i = 0; i < f->sockets; i++) {
		fds[i] = dummy_sender(65000);
		/* Without this, UDP reports success for packets that the qdisc drops.
		 */
		set(fds[i], SOL_IP, IP_RECVERR, 1, "IP_RECVERR");
	}
	must("tc qdisc add dev pd root handle 1: plug limit %u", f->limit);
	if (getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &f->buffer, &len))
		bail("SO_SNDBUF: %s", strerror(errno));
	memory = meminfo("MemAvailable:");
	slab = meminfo("SUnreclaim:");
	for (i = 0; i < f->sockets; i++)
		f->err[i] = fill_from(fds[i], f->size);
	f->memory = memory - meminfo("MemAvailable:");
	f->slab = meminfo("SUnreclaim:") - slab;
	f->st = plug_get(nl, "pd");
	for (i = 0; i < f->sockets; i++) {
		f->charged[i] = account(fds[i]);
		close(fds[i]);
	}
	link_delete("pd");
}

static void fill_run(struct fill *f, bool user_ns)
{
	run_in(user_ns, fill, f, sizeof(*f));
	diag("%s, %u sockets, packets of %u bytes, limit %u: %u held, %u bytes by the plug's count; "
	     "%ld kB of memory, %ld kB slab; the first socket: %s, charged for %d of %d bytes",
	     user_ns ? "in a user namespace" : "here", f->sockets, f->size, f->limit, f->st.qlen,
	     f->st.backlog, f->memory, f->slab, strerror(f->err[0]), f->charged[0], f->buffer);
}

/* Whether send() failed with @err on each socket, and each socket is charged for
 * @least to @most bytes.
 */
static bool all_stopped(const struct fill *f, int err, int least, int most)
{
	unsigned int i;

	for (i = 0; i < f->sockets; i++)
		if (f->err[i] != err || f->charged[i] < least || f->charged[i] > most)
			return false;
	return true;
}

#define HEADERS (ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))

static void is_filled(struct fill *f)
{
	unsigned int len = f->size + HEADERS;

	fill_run(f, false);
	ok(all_stopped(f, ENOBUFS, 0, 0), "ENOBUFS, and no socket is charged for anything");
	is_u64(f->st.qlen, f->limit / len, "the plug is full to its limit");
	is_u64(f->st.drops, f->sockets, "each ENOBUFS is a packet dropped");
}

/* A socket may exceed its buffer by one packet. */
static void is_bounded(struct fill *f)
{
	const unsigned int most = 2 * (f->size + 4096);

	fill_run(f, true);
	ok(all_stopped(f, EAGAIN, f->buffer, f->buffer + most),
	   "EAGAIN, and each socket is charged for what its send buffer takes");
	is_u64(f->st.drops, 0, "no packet was dropped");
	ok(f->st.backlog && f->st.backlog <= f->sockets * (f->buffer + most),
	   "what is held is bounded by the sockets' send buffers");
}

static void silent_drop(void)
{
	static const char data[1000];
	int fd;

	link_clear("pd");
	fd = dummy_sender(1500);
	must("tc qdisc add dev pd root handle 1: plug limit 2000");
	is_u64(send(fd, data, sizeof(data), 0), sizeof(data),
	       "without IP_RECVERR: the first packet is sent");
	is_u64(send(fd, data, sizeof(data), 0), sizeof(data),
	       "without IP_RECVERR: send() does not say that the second was dropped");
	is_u64(plug_get(nl, "pd").drops, 1, "without IP_RECVERR: the plug counts it");
	link_delete("pd");
	close(fd);
}

static void test_limit(void)
{
	struct fill f = { .sockets = 1, .size = 1400, .limit = 300000 };

	is_filled(&f);
	silent_drop();
	f = (struct fill){ .sockets = 1, .size = 1400, .limit = 300000 };
	is_bounded(&f);
}

/* The smallest packets take the most memory, compared with their bytes. */
static void test_memory(void)
{
	static const struct fill sizes[] = {
		{ .size = 1, .limit = 4000000 },
		{ .size = 1400, .limit = 64000000 },
		{ .size = 60000, .limit = 64000000 },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct fill f = sizes[i];

		f.sockets = SENDERS;
		is_filled(&f);
		f = sizes[i];
		f.sockets = SENDERS;
		f.limit = ~0U;
		is_bounded(&f);
	}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "contents", test_contents },
		{ "open", test_open },
		{ "failures", test_failures },
		{ "tcp", test_tcp },
		{ "limit", test_limit },
		{ "memory", test_memory },
	};

	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
