// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events that lose the packets of a plug, packets that bypass it, and other
 * surprises. docs/safety.md says what was seen on which kernel. In no case is there
 * a leak (I1, I4), and packets that the plug itself drops are counted.
 *
 *	losses resets	a change of the device resets its qdiscs on some kernels:
 *			clsact, ingress, a sibling queue, the tx queue length
 *	losses stopped a reset also drops packets that BUFFER stopped
 *	losses netns	a network namespace lives as long as its packets are held
 *	losses arp	ARP is held with the rest, or bypasses the plug with filters
 *	losses copies	copies that are made before the plug, or behind it
 *	losses splice	the pages of a file that was sent with sendfile()
 *	losses default	net.core.default_qdisc=plug
 *
 * Without an argument: all tests. Whether this kernel resets a qdisc is found out
 * first, with a netem that holds packets; the version does not decide it. Loss of the
 * carrier and fewer transmit queues are tested in faults.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "plugtest.h"

#define DEV	"pa"
#define PORT	4000

static int nl;
static struct wire w;

static void command_at(const char *dev, __u32 parent, int action)
{
	int err = plug_cmd_at(nl, dev, parent, action, 0);

	if (err)
		ok(false, "action %d: %s", action, strerror(-err));
}

static struct plug_state state_at(const char *dev, __u32 parent)
{
	struct plug_state st;

	if (!qdisc_get(nl, dev, parent, &st))
		bail("%s has no qdisc at parent %#x", dev, parent);
	return st;
}

/* ---- resets ---- */

/* Where the plug is. All frames go through the first of two transmit queues, which is
 * the queue of every processor (XPS) and of priority 0.
 */
struct place {
	const char	*name;
	const char	*above;		/* the qdisc above, if any */
	const char	*where;		/* for tc */
	__u32		parent;
};

#define MAP "num_tc 2 map 0 0 0 0 1 1 1 1 0 queues 1@0 1@1 "

static const struct place places[] = {
	{ "root", NULL, "root", TC_H_ROOT },
	{ "mq", "mq", "parent 100:1", 0x1000001 },
	{ "mqprio", "mqprio " MAP "hw 0", "parent 100:1", 0x1000001 },
	{ "taprio", "taprio " MAP "base-time 0 sched-entry S 03 10000000 clockid CLOCK_TAI",
	  "parent 100:1", 0x1000001 },
};

struct event {
	const char	*name;
	const char	*before;	/* prepares the event, if needed */
	const char	*what;
	const char	*after;		/* undoes the event, if needed */
	enum { ANYWHERE, AT_ROOT, AT_LEAF } tried;
};

static const struct event events[] = {
	{
		.name = "clsact is attached",
		.what = "tc qdisc add dev " DEV " clsact",
		.after = "tc qdisc del dev " DEV " clsact",
	}, {
		.name = "clsact is removed",
		.before = "tc qdisc add dev " DEV " clsact",
		.what = "tc qdisc del dev " DEV " clsact",
	}, {
		.name = "ingress is attached",
		.what = "tc qdisc add dev " DEV " ingress",
		.after = "tc qdisc del dev " DEV " ingress",
		.tried = AT_ROOT,
	}, {
		.name = "ingress is removed",
		.before = "tc qdisc add dev " DEV " ingress",
		.what = "tc qdisc del dev " DEV " ingress",
		.tried = AT_ROOT,
	}, {
		.name = "a bfifo is attached to the sibling",
		.what = "tc qdisc replace dev " DEV " parent 100:2 handle 50: bfifo",
		.tried = AT_LEAF,
	}, {
		.name = "a plug is attached to the sibling",
		.what = "tc qdisc replace dev " DEV " parent 100:2 handle 51: plug",
		.tried = AT_LEAF,
	}, {
		.name = "the sibling's qdisc is removed",
		.before = "tc qdisc replace dev " DEV " parent 100:2 handle 52: bfifo",
		.what = "tc qdisc del dev " DEV " parent 100:2 handle 52:",
		.tried = AT_LEAF,
	}, {
		.name = "the tx queue length changes",
		.what = "ip link set " DEV " txqueuelen 77",
		.after = "ip link set " DEV " txqueuelen 1000",
	}, {
		.name = "the MTU changes",
		.what = "ip link set " DEV " mtu 9000",
		.after = "ip link set " DEV " mtu 65000",
		.tried = AT_ROOT,
	}, {
		.name = "the link goes down and up",
		.what = "ip link set " DEV " down && ip link set " DEV " up",
	},
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

static void optional(const char *command)
{
	if (command)
		must("%s", command);
}

/* Makes the device, with the qdisc above the plug. False: this VM does not have that
 * qdisc, or the qdisc does not find its own leaf, like taprio in 5.10.
 */
static bool place_make(const struct place *p)
{
	link_clear(DEV);
	plug_forget();
	must("ip link add " DEV " numtxqueues 2 mtu 65000 type dummy && ip link set " DEV " up");
	must("cd /sys/class/net/" DEV "/queues && printf %%x $(((1 << $(nproc)) - 1)) > tx-0/xps_cpus");
	return !p->above || !sh("tc qdisc add dev " DEV " root handle 100: %s && tc qdisc replace dev " DEV " parent 100:2 handle 53: bfifo && tc qdisc del dev " DEV " parent 100:2 handle 53:", p->above);
}

/* Whether the event resets the qdisc at @p in this kernel. */
static bool kernel_resets(const struct place *p, const struct event *e)
{
	struct plug_state st;

	optional(e->before);
	must("tc qdisc replace dev " DEV " %s handle 6%zu: netem delay 250s", p->where,
	     e - events);
	wire_send(&w, 3, 60);
	st = state_at(DEV, p->parent);
	if (strcmp(st.kind, "netem") || st.qlen != 3)
		bail("%s: netem holds %u", p->name, st.qlen);
	must("%s", e->what);
	st = state_at(DEV, p->parent);
	if (strcmp(st.kind, "netem") || (st.qlen && st.qlen != 3))
		bail("%s: netem holds %u", p->name, st.qlen);
	optional(e->after);
	return !st.qlen;
}

/* The event comes while one epoch waits and the next is being filled. Packets sent
 * after it must be held.
 */
static void plug_after(const struct place *p, const struct event *e, bool resets)
{
	struct plug_state st, now;
	char what[128];

	snprintf(what, sizeof(what), "%s, %s", p->name, e->name);
	optional(e->before);
	command_at(DEV, p->parent, TCQ_PLUG_BUFFER);
	wire_send(&w, 10, 60);
	command_at(DEV, p->parent, TCQ_PLUG_BUFFER);
	wire_send(&w, 4, 60);
	st = state_at(DEV, p->parent);
	is_u64(st.qlen, 14, "%s: 14 are held before", what);

	must("%s", e->what);
	wire_send(&w, 5, 60);
	wire_silent(&w, what);
	now = state_at(DEV, p->parent);
	is_u64(now.qlen, resets ? 5 : 19, "%s: I1: what was held is %s", what,
	       resets ? "dropped" : "kept");
	is_u64(now.backlog, now.qlen * 60, "%s: I3: and its bytes", what);
	is_u64(PLUG_STAT(now, DROPS_RESET) - PLUG_STAT(st, DROPS_RESET), resets ? 14 : 0,
	       "%s: I3: counted in drops_reset", what);
	is_u64(now.drops - st.drops, resets ? 14 : 0, "%s: I3: and in the drops", what);
	ok(now.ctl.epoch == st.ctl.epoch && now.ctl.released == st.ctl.released,
	   "%s: I4: the epochs are as before", what);
	command_at(DEV, p->parent, TCQ_PLUG_RELEASE_ONE);
	wire_leaves(&w, resets ? 0 : 10, "I4: RELEASE_ONE, the epoch before the last BUFFER");
	command_at(DEV, p->parent, TCQ_PLUG_RELEASE_INDEFINITE);
	wire_leaves(&w, resets ? 5 : 9, "I5: RELEASE_INDEFINITE, the rest");
	optional(e->after);
}

static bool is_tried(const struct place *p, const struct event *e)
{
	return e->tried == ANYWHERE || (e->tried == AT_LEAF) == (p->above != NULL);
}

static void try_events(const struct place *p)
{
	bool resets[EVENTS] = { 0 };
	size_t i;

	for (i = 0; i < EVENTS; i++) {
		if (!is_tried(p, &events[i]))
			continue;
		resets[i] = kernel_resets(p, &events[i]);
		diag("this kernel: %s, %s: what is held is %s", p->name, events[i].name,
		     resets[i] ? "LOST" : "kept");
	}
	must("tc qdisc replace dev " DEV " %s handle 41: plug release_indefinite", p->where);
	for (i = 0; i < EVENTS; i++)
		if (is_tried(p, &events[i]))
			plug_after(p, &events[i], resets[i]);
}

static void test_resets(void)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		diag("a plug: %s", places[i].name);
		if (!place_make(&places[i])) {
			skip("no %s to be used here", places[i].name);
			link_delete(DEV);
			continue;
		}
		wire_open(&w, DEV);
		try_events(&places[i]);
		wire_finish(&w, DEV);
	}
}

/* ---- what BUFFER stopped ---- */

/* The rate of the htb is so low that the second packet would take minutes. */
static void test_stopped(void)
{
	const __u32 leaf = 0x10010;
	struct plug_state st;
	unsigned int stopped;

	diag("a reset drops what was stopped when the plug closed");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: htb default 10 && tc class add dev " DEV
	     " parent 1: classid 1:10 htb rate 80bit");
	must("tc qdisc add dev " DEV " parent 1:10 handle 40: plug release_indefinite");
	wire_open(&w, DEV);
	wire_send(&w, 20, 1000);
	command_at(DEV, leaf, TCQ_PLUG_BUFFER);
	st = state_at(DEV, leaf);
	stopped = st.ctl.stopped;
	ok(stopped > 0 && stopped == st.qlen, "BUFFER stops what has not left (%u)", stopped);
	wire_drain(&w, QUIET_MS);
	must("ip link set " DEV " down && ip link set " DEV " up");
	st = state_at(DEV, leaf);
	is_u64(PLUG_STAT(st, DROPS_RESET), stopped, "I3: the link's going down drops it, counted");
	is_u64(st.ctl.stopped + st.qlen, 0, "and nothing of it is left");
	wire_finish(&w, DEV);
}

/* ---- network namespaces ---- */

/* Enters the namespace @name; returns a descriptor of the previous one. */
static int enter_netns(const char *name)
{
	int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there;
	char path[64];

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (before < 0 || there < 0 || setns(there, CLONE_NEWNET))
		bail("namespace %s: %s", name, strerror(errno));
	close(there);
	return before;
}

static void leave_netns(int before)
{
	if (setns(before, CLONE_NEWNET))
		bail("back from a namespace: %s", strerror(errno));
	close(before);
}

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, text, &addr.sin_addr);
	return addr;
}

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		bail("UDP socket: %s", strerror(errno));
	return fd;
}

/* Sends @n datagrams to @text from a socket, and closes the socket; returns how many
 * datagrams were accepted.
 */
static unsigned int udp_send(const char *text, unsigned int n)
{
	struct sockaddr_in addr = address(text);
	unsigned int i, sent = 0;
	int fd = udp_socket();

	for (i = 0; i < n; i++)
		sent += sendto(fd, "datagram", 8, 0, (void *)&addr, sizeof(addr)) == 8;
	close(fd);
	return sent;
}

/* Creates a namespace, connected by a veth pair: hNAME here, n0 there. Its packets
 * go to 192.0.2.9, with a permanent neighbour entry.
 */
static void netns_make(const char *name)
{
	must("ip netns add %s && ip link add h%s type veth peer name n0 netns %s && ip link set h%s up",
	     name, name, name, name);
	must("ip -n %s link set n0 up && ip -n %s addr add 192.0.2.1/24 dev n0 && ip -n %s neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev n0 nud permanent",
	     name, name, name);
}

static void netns_send(const char *name, unsigned int n)
{
	int before = enter_netns(name);

	udp_send("192.0.2.9", n);
	leave_netns(before);
}

static bool a_is_gone(void)
{
	return !if_nametoindex("ha");
}

static bool b_is_gone(void)
{
	return !if_nametoindex("hb");
}

/* Whether the deleted namespace a still has a user. When a namespace goes away, so do
 * its devices and their peers here. Namespaces go away in the order in which they
 * lost their last user. So this makes and deletes b: if b goes and a does not, a still
 * has a user.
 */
static bool a_is_kept(void)
{
	netns_make("b");
	must("ip netns del b");
	if (!wait_for(b_is_gone))
		bail("a namespace that nothing holds does not go");
	return !a_is_gone();
}

/* A softirq takes packets from the other end of the veth to the plug, possibly after
 * send() has returned.
 */
static bool all_are_here(void)
{
	return plug_get(nl, DEV).qlen == 5;
}

/* A packet that is redirected to the uplink keeps its socket, as does one that goes
 * through a bridge.
 */
static void redirect_to_uplink(void)
{
	must("tc qdisc add dev ha clsact && tc filter add dev ha ingress protocol ip matchall action mirred egress redirect dev " DEV);
}

static void netns_held(int action, const char *what)
{
	netns_make("a");
	redirect_to_uplink();
	netns_send("a", 5);
	wait_for(all_are_here);
	is_u64(plug_get(nl, DEV).qlen, 5, "the uplink holds what it sent");
	must("ip netns del a");
	ok(a_is_kept(), "its end waits for its packets");
	is_u64(plug_get(nl, DEV).qlen, 5, "which are still held");
	command_at(DEV, TC_H_ROOT, action);
	ok(wait_for(a_is_gone), "%s: it ends", what);
	is_u64(plug_get(nl, DEV).qlen, 0, "and they are not held any more");
}

/* A routed packet does not keep its socket. */
static void netns_routed(void)
{
	int before;

	netns_make("a");
	must("ip addr add 192.0.2.254/24 dev ha && ip addr add 198.51.100.1/24 dev " DEV);
	must("ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev " DEV " nud permanent");
	must("echo 1 > /proc/sys/net/ipv4/ip_forward && ip -n a route add default via 192.0.2.254");
	must("ip -n a neigh add 192.0.2.254 lladdr $(cat /sys/class/net/ha/address) dev n0 nud permanent");
	before = enter_netns("a");
	udp_send("198.51.100.9", 5);
	leave_netns(before);
	wait_for(all_are_here);
	is_u64(plug_get(nl, DEV).qlen, 5, "routed: the uplink holds what it sent");
	must("ip netns del a");
	ok(wait_for(a_is_gone), "routed: its end does not wait");
	is_u64(plug_get(nl, DEV).qlen, 5, "routed: though its packets are held");
	must("echo 0 > /proc/sys/net/ipv4/ip_forward");
}

/* A plug in the namespace itself. Once the namespace is deleted, nobody can reach the
 * plug. But when the other end of the veth pair goes down, the device with the plug
 * loses its carrier, which resets the plug.
 */
static void netns_with_plug(void)
{
	netns_make("a");
	must("ip netns exec a tc qdisc add dev n0 root plug");
	netns_send("a", 5);
	must("ip netns del a");
	ok(a_is_kept(), "a plug in the namespace itself: its end waits for its packets");
	must("ip link set ha down");
	ok(wait_for(a_is_gone), "the other end goes down: it ends");
}

static void test_netns(void)
{
	diag("a network namespace and its held packets");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root plug");
	wire_open(&w, DEV);
	netns_held(TCQ_PLUG_DISCARD, "DISCARD");
	netns_held(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_drain(&w, QUIET_MS);
	command_at(DEV, TC_H_ROOT, TCQ_PLUG_BUFFER);
	netns_routed();
	wire_finish(&w, DEV);
	netns_with_plug();
}

/* ---- ARP ---- */

static char neighbour[16];	/* the state to wait for */

static bool neighbour_is(void)
{
	char line[256] = "";
	FILE *ip = popen("ip neigh show 192.0.2.2 dev v0", "r");

	if (!ip)
		bail("ip neigh: %s", strerror(errno));
	if (!fgets(line, sizeof(line), ip))
		line[0] = '\0';
	pclose(ip);
	return strstr(line, neighbour);
}

static bool neighbour_becomes(const char *state)
{
	snprintf(neighbour, sizeof(neighbour), "%s", state);
	return wait_for(neighbour_is);
}

/* Makes a veth pair to a namespace, with shorter neighbour time-outs; returns a UDP
 * socket there.
 */
static int peer_make(void)
{
	struct sockaddr_in any = address("0.0.0.0");
	int before, fd;

	sh("ip netns del peer 2> /dev/null");
	must("ip netns add peer && ip link add v0 type veth peer name v1 netns peer && ip link set v0 up && ip addr add 192.0.2.1/24 dev v0");
	must("ip -n peer link set v1 up && ip -n peer addr add 192.0.2.2/24 dev v1");
	must("cd /proc/sys/net/ipv4/neigh/v0 && echo 100 > retrans_time_ms && echo 1 > delay_first_probe_time");
	before = enter_netns("peer");
	fd = udp_socket();
	if (bind(fd, (void *)&any, sizeof(any)))
		bail("bind: %s", strerror(errno));
	leave_netns(before);
	return fd;
}

static void peer_end(int fd)
{
	close(fd);
	must("ip link del v0 && ip netns del peer");
}

/* Returns how many datagrams come: waits 10 s for each of the first @want, and then
 * only for a short time.
 */
static unsigned int udp_recv(int fd, unsigned int want)
{
	struct timeval tv = { .tv_sec = 10 };
	unsigned int got = 0;
	char room[64];

	while (1) {
		if (got >= want)
			tv = (struct timeval){ .tv_usec = QUIET_MS * 1000 };
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		if (recv(fd, room, sizeof(room), 0) < 0)
			return got;
		got++;
	}
}

static void neighbour_stale(void)
{
	must("ip neigh replace 192.0.2.2 lladdr $(ip netns exec peer cat /sys/class/net/v1/address) dev v0 nud stale");
}

/* Returns 0, or the errno if there is no connection. */
static int tcp_connect(const char *text)
{
	struct sockaddr_in addr = address(text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	err = connect(fd, (void *)&addr, sizeof(addr)) ? errno : 0;
	close(fd);
	return err;
}

/* The plug at the root also holds the ARP requests. */
static void arp_held(void)
{
	struct plug_state st;
	int peer = peer_make();

	must("tc qdisc add dev v0 root plug");
	is_u64(udp_send("192.0.2.2", 10), 10, "unknown neighbour: 10 sent");
	ok(neighbour_becomes("FAILED"), "its address is not found");
	st = plug_get(nl, "v0");
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), st.qlen, "nothing has left");
	is_u64(st.backlog, st.qlen * 42, "the plug holds nothing but ARP requests (%u)", st.qlen);
	is_u64(tcp_connect("192.0.2.2"), EHOSTUNREACH, "a new TCP connection: no route to host");
	ok(neighbour_becomes("FAILED"), "its address is not found");
	command_at("v0", TC_H_ROOT, TCQ_PLUG_RELEASE_INDEFINITE);
	ok(neighbour_becomes("REACHABLE"), "opened: it is found");
	is_u64(udp_recv(peer, 0), 0, "lost before the plug: none of the 10 arrives");
	is_u64(plug_get(nl, "v0").drops, 0, "which the plug cannot count");

	neighbour_stale();
	command_at("v0", TC_H_ROOT, TCQ_PLUG_BUFFER);
	is_u64(udp_send("192.0.2.2", 10), 10, "stale neighbour: 10 sent");
	ok(neighbour_becomes("FAILED"), "it does not answer");
	is_u64(udp_send("192.0.2.2", 10), 10, "10 more");
	ok(neighbour_becomes("FAILED"), "nor now");
	command_at("v0", TC_H_ROOT, TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(udp_recv(peer, 10), 10, "lost before the plug: the first 10 arrive");
	peer_end(peer);
}

/* ARP goes to another band, which prio always serves, and serves first. */
static void arp_beside(const char *filters)
{
	const __u32 band = 0x10004;
	int peer = peer_make();

	must("tc qdisc add dev v0 root handle 1: prio bands 4");
	must("tc qdisc add dev v0 parent 1:4 handle 40: plug");
	must("%s", filters);
	is_u64(udp_send("192.0.2.2", 10), 10, "unknown neighbour: 10 sent");
	ok(neighbour_becomes("REACHABLE"), "its address is found");
	neighbour_stale();
	is_u64(udp_send("192.0.2.2", 10), 10, "stale neighbour: 10 sent");
	ok(neighbour_becomes("REACHABLE"), "it answers");
	is_u64(state_at("v0", band).qlen, 20, "the plug holds all 20");
	is_u64(udp_recv(peer, 0), 0, "I1: none has left");
	command_at("v0", band, TCQ_PLUG_RELEASE_INDEFINITE);
	is_u64(udp_recv(peer, 20), 20, "opened: all 20 arrive");
	peer_end(peer);
}

static void test_arp(void)
{
	diag("ARP is held with the rest");
	arp_held();
	diag("IPv4 through the plug, all else beside it");
	arp_beside("tc filter add dev v0 parent 1: protocol ip matchall classid 1:4");
	diag("ARP beside the plug, all else through it");
	arp_beside("tc filter add dev v0 parent 1: protocol arp prio 1 matchall classid 1:1 && tc filter add dev v0 parent 1: protocol all prio 2 matchall classid 1:4");
}

/* ---- copies ---- */

/* Makes the devices pa and pb, and a wire that sees the packets leaving pb. */
static void copy_setup(struct wire *copy)
{
	dummy_make(DEV);
	must("ip link add pb mtu 65000 type dummy && ip link set pb up");
	wire_open(copy, "pb");
}

static void copies_mirror(void)
{
	struct wire copy;

	diag("a mirror on egress copies before the plug");
	copy_setup(&copy);
	must("tc qdisc add dev " DEV " clsact && tc filter add dev " DEV " egress matchall action mirred egress mirror dev pb");
	must("tc qdisc add dev " DEV " root plug");
	wire_open(&w, DEV);
	wire_send(&w, 10, 60);
	wire_silent(&w, "I1: the device itself, and a tap there");
	is_u64(wire_recv(&copy, 10), 10, "the copies are out while the packets are held");
	command_at(DEV, TC_H_ROOT, TCQ_PLUG_RELEASE_INDEFINITE);
	wire_leaves(&w, 10, "a tap sees them when they leave");
	wire_silent(&copy, "no second copy");
	wire_finish(&w, DEV);
	wire_finish(&copy, "pb");
}

/* A mirror cannot be behind the plug on the same device. A plug on the second
 * device holds the copies.
 */
static void copies_plug(void)
{
	struct wire copy;

	diag("a plug on the mirror's device holds the copies");
	copy_setup(&copy);
	must("tc qdisc add dev " DEV " clsact && tc filter add dev " DEV " egress matchall action mirred egress mirror dev pb");
	must("tc qdisc add dev " DEV " root plug && tc qdisc add dev pb root plug");
	wire_open(&w, DEV);
	wire_send(&w, 10, 60);
	wire_silent(&w, "the packets");
	wire_silent(&copy, "the copies");
	is_u64(plug_get(nl, "pb").qlen, 10, "held");
	wire_finish(&w, DEV);
	wire_finish(&copy, "pb");
}

static void copies_nft(void)
{
	struct wire copy;

	diag("so does netfilter's hook on egress");
	if (sh("nft add table netdev t 2> /dev/null && nft 'add chain netdev t c { type filter hook egress device lo priority 0; }' 2> /dev/null && nft delete table netdev t")) {
		skip("no nft, or no hook on egress in this kernel");
		return;
	}
	copy_setup(&copy);
	must("nft add table netdev t && nft 'add chain netdev t c { type filter hook egress device " DEV " priority 0; }' && nft add rule netdev t c dup to pb");
	must("tc qdisc add dev " DEV " root plug");
	wire_open(&w, DEV);
	wire_send(&w, 10, 60);
	wire_silent(&w, "I1: the device itself");
	is_u64(wire_recv(&copy, 10), 10, "the copies are out while the packets are held");
	must("nft delete table netdev t");
	wire_finish(&w, DEV);
	wire_finish(&copy, "pb");
}

/* Joins the group 239.1.1.1 on the device; a sender only selects the device. */
static void join(int fd, bool sender)
{
	struct ip_mreqn group = { .imr_ifindex = if_nametoindex(DEV) };

	inet_pton(AF_INET, "239.1.1.1", &group.imr_multiaddr);
	if (sender ? setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)) :
		     setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		bail("multicast: %s", strerror(errno));
}

static void copies_multicast(void)
{
	struct sockaddr_in any = address("239.1.1.1");
	int rx = udp_socket(), tx = udp_socket(), i;

	diag("multicast: who listens on this host has it at once");
	dummy_make(DEV);
	must("ip addr add 192.0.2.1/24 dev " DEV " && tc qdisc add dev " DEV " root plug");
	join(rx, false);
	join(tx, true);
	if (bind(rx, (void *)&any, sizeof(any)))
		bail("bind: %s", strerror(errno));
	for (i = 0; i < 5; i++)
		sendto(tx, "datagram", 8, 0, (void *)&any, sizeof(any));
	is_u64(udp_recv(rx, 5), 5, "the host's own listener has all of them");
	ok(plug_get(nl, DEV).qlen >= 5, "while they are held");
	is_u64(plug_get(nl, DEV).sent_packets, 0, "I1: none has left");
	close(rx);
	close(tx);
	link_delete(DEV);
}

static void test_copies(void)
{
	copies_mirror();
	copies_plug();
	copies_nft();
	copies_multicast();
}

/* ---- pages of files ---- */

#define FILE_LEN 1000

static int file_fd;

static void file_write(char c)
{
	char room[FILE_LEN];

	memset(room, c, sizeof(room));
	if (pwrite(file_fd, room, sizeof(room), 0) != sizeof(room))
		bail("file: %s", strerror(errno));
}

static bool send_by_file(int fd)
{
	off_t from = 0;

	return sendfile(fd, file_fd, &from, FILE_LEN) == FILE_LEN;
}

static bool send_by_copy(int fd)
{
	char room[FILE_LEN];

	return pread(file_fd, room, sizeof(room), 0) == sizeof(room) &&
	       send(fd, room, sizeof(room), 0) == sizeof(room);
}

/* Sends a file full of 'A' by @send_it. The file is overwritten with 'B' while the
 * packet is in a plug or in the receiver's queue. Returns what arrives. '-': nothing,
 * because the checksum is that of the old content. '?': a mixture.
 */
static char arrives(int tx, int rx, bool (*send_it)(int fd), bool plug)
{
	char room[FILE_LEN];
	size_t got = 0;
	ssize_t len;

	if (plug)
		must("tc qdisc add dev v0 root plug");
	file_write('A');
	if (!send_it(tx))
		bail("send: %s", strerror(errno));
	file_write('B');
	if (plug && plug_get(nl, "v0").qlen != 1)
		bail("the plug holds %u", plug_get(nl, "v0").qlen);
	if (plug)
		must("tc qdisc change dev v0 root plug release_indefinite");
	for (; got < sizeof(room); got += len) {
		len = recv(rx, room + got, sizeof(room) - got, 0);
		if (len <= 0)
			break;
	}
	if (plug)
		must("tc qdisc del dev v0 root");
	if (got < sizeof(room)) {
		sh("ip netns exec peer grep Udp: /proc/net/snmp");
		return '-';
	}
	return room[0] == room[FILE_LEN - 1] ? room[0] : '?';
}

static void spliced(int tx, int rx, const char *protocol)
{
	char shared = arrives(tx, rx, send_by_file, false);

	ok(strchr("AB-", shared), "%s: sendfile(), overwritten on its way: %s", protocol,
	   shared == 'A' ? "this kernel had copied it" :
	   shared == 'B' ? "what was written later arrives" : "it does not arrive");
	is_u64(arrives(tx, rx, send_by_copy, true), 'A',
	       "%s: send(): the plug holds what was sent", protocol);
	is_u64(arrives(tx, rx, send_by_file, true), shared,
	       "%s: sendfile(): with a plug as without: '%c'", protocol, shared);
}

/* The same on a TCP connection that sends small pieces of data at once. */
static void spliced_tcp(void)
{
	struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_in any = address("0.0.0.0"), there = address("192.0.2.2");
	int tx = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), listening, rx;
	int before = enter_netns("peer"), one = 1;

	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listening, (void *)&any, sizeof(any)) || listen(listening, 1))
		bail("listen: %s", strerror(errno));
	leave_netns(before);
	if (connect(tx, (void *)&there, sizeof(there)))
		bail("connect: %s", strerror(errno));
	rx = accept(listening, NULL, NULL);
	if (rx < 0)
		bail("accept: %s", strerror(errno));
	setsockopt(rx, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(tx, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	must("echo 0 > /proc/sys/net/ipv4/tcp_autocorking");
	spliced(tx, rx, "TCP");
	must("echo 1 > /proc/sys/net/ipv4/tcp_autocorking");
	close(tx);
	close(rx);
	close(listening);
}

static void test_splice(void)
{
	struct sockaddr_in there = address("192.0.2.2");
	struct timeval patience = { .tv_sec = 10 };
	int peer = peer_make(), tx = udp_socket();

	diag("the pages of a file are the file's");
	must("ip neigh replace 192.0.2.2 lladdr $(ip netns exec peer cat /sys/class/net/v1/address) dev v0 nud permanent");
	file_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file_fd < 0)
		bail("a file in /tmp: %s", strerror(errno));
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(tx, (void *)&there, sizeof(there)))
		bail("connect: %s", strerror(errno));
	spliced(tx, peer, "UDP");
	spliced_tcp();
	close(file_fd);
	close(tx);
	peer_end(peer);
}

/* ---- the default qdisc ---- */

/* Unlike a dummy, an ifb gets a default qdisc. It receives packets from mirred. */
static void default_device(unsigned int queues)
{
	must("ip link add pi numtxqueues %u type ifb && ip link set pi mtu 65000 up", queues);
	must("ip link add pd mtu 65000 type dummy && ip link set pd up && tc qdisc add dev pd clsact && tc filter add dev pd egress matchall action mirred egress redirect dev pi");
}

static void default_root(void)
{
	struct tc_plug_qopt qopt = { .action = TCQ_PLUG_RELEASE_INDEFINITE };
	struct plug_msg open_it = {
		.dev = "pi", .options = &qopt, .options_len = sizeof(qopt),
	};
	struct plug_state st;
	struct wire in;

	default_device(1);
	wire_open(&in, "pd");
	wire_open(&w, "pi");
	wire_send(&in, 10, 60);
	wire_silent(&w, "I1: a device that comes up has a closed plug");
	st = state_at("pi", TC_H_ROOT);
	ok(!strcmp(st.kind, "plug") && st.handle == 0 && st.ctl.released == st.ctl.epoch - 1,
	   "with the handle 0:");
	is_u64(st.qlen, 10, "which holds everything");

	is_u64(-plug_cmd(nl, "pi", TCQ_PLUG_RELEASE_INDEFINITE, 0), ENOENT,
	       "as the root's qdisc it cannot be addressed");
	is_u64(-nl_request(nl, &open_it, NULL), EINVAL, "nor by its handle");
	ok(sh("tc qdisc del dev pi root 2> /dev/null"), "nor deleted");
	ok(sh("plugctl open pi"), "plugctl cannot open it");
	sh("plugctl show pi; tc -s qdisc show dev pi");
	wire_silent(&w, "I1: all of that");
	is_u64(state_at("pi", TC_H_ROOT).qlen, 10, "and it holds what it held");

	must("tc qdisc replace dev pi root handle 1: plug release_indefinite");
	wire_silent(&w, "I1: replaced by another, what it held is lost");
	wire_send(&in, 5, 60);
	wire_leaves(&w, 5, "what comes later");
	wire_close(&in);
	wire_close(&w);
	must("ip link del pd && ip link del pi");
}

static void default_mq(void)
{
	struct plug_state list[8];
	unsigned int n, i, plugs = 0, parents = 0, qlen = 0;
	struct wire in;

	default_device(2);
	wire_open(&in, "pd");
	wire_open(&w, "pi");
	wire_send(&in, 10, 60);
	wire_silent(&w, "I1: two transmit queues");
	n = qdisc_list(nl, "pi", list, 8);
	for (i = 0; i < n; i++) {
		if (strcmp(list[i].kind, "plug"))
			continue;
		plugs++;
		parents += list[i].parent;
		qlen += list[i].qlen;
		is_u64(list[i].handle, 0, "a plug with the handle 0");
	}
	ok(plugs == 2 && parents == 1 + 2, "one for each, below :1 and :2");
	is_u64(qlen, 10, "which hold everything");
	ok(sh("tc qdisc change dev pi parent :1 plug release_indefinite 2> /dev/null"),
	   "by its parent it cannot be addressed");
	sh("plugctl show pi; tc qdisc show dev pi");
	must("tc qdisc replace dev pi root handle 1: mq");
	wire_send(&in, 10, 60);
	wire_silent(&w, "I1: an mq with a handle, what was held is lost");
	ok(sh("tc qdisc change dev pi parent 1:1 plug release_indefinite 2> /dev/null"),
	   "whose plugs have none and cannot be addressed either");
	must("tc qdisc replace dev pi parent 1:1 handle 41: plug release_indefinite && tc qdisc replace dev pi parent 1:2 handle 42: plug release_indefinite");
	wire_silent(&w, "I1: replaced, what was held is lost");
	wire_send(&in, 10, 60);
	wire_leaves(&w, 10, "what comes later");
	wire_close(&in);
	wire_close(&w);
	must("ip link del pd && ip link del pi");
}

static void test_default(void)
{
	char before[32] = "";
	FILE *f = fopen("/proc/sys/net/core/default_qdisc", "r");

	diag("plug as the default qdisc");
	if (!f || fscanf(f, "%31s", before) != 1)
		bail("net.core.default_qdisc: %s", strerror(errno));
	fclose(f);
	link_clear("pd");
	link_clear("pi");
	must("echo plug > /proc/sys/net/core/default_qdisc");
	default_root();
	default_mq();
	must("echo %s > /proc/sys/net/core/default_qdisc", before);
}

static const struct test tests[] = {
	{ "resets", test_resets },
	{ "stopped", test_stopped },
	{ "netns", test_netns },
	{ "arp", test_arp },
	{ "copies", test_copies },
	{ "splice", test_splice },
	{ "default", test_default },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
