// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rtnetlink, rule by rule: which messages create a plug, what each command does to
 * the state, which messages are refused and with which text, and that a refusal
 * changes nothing (I1: no packet leaves because of it). The state is read through
 * the family. dropin.c tests that rtnetlink reports no more than with the in-tree
 * module.
 *
 * Three of these are safety tests, which the in-tree module must fail: "limit-64bit",
 * "limit-gso" and "link".
 *
 * Without an argument: all tests. With one: the test of that name.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>

#include "plugtest.h"

#define DEV "pa"
#define DEFAULT_FLOOR 10000000

static int nl;
static struct wire w;
static struct plug_reply reply;

/* ---- messages ---- */

struct options {
	char bytes[128];
	size_t len;
};

static struct options options(int action, __u32 limit)
{
	struct tc_plug_qopt qopt = { .action = action, .limit = limit };
	struct options o = { .len = sizeof(qopt) };

	memcpy(o.bytes, &qopt, sizeof(qopt));
	return o;
}

static int create(const struct options *o, bool nested)
{
	struct plug_msg msg = {
		.dev = DEV, .parent = TC_H_ROOT, .handle = 0x10000,
		.flags = NLM_F_CREATE | NLM_F_EXCL, .nested = nested,
		.options = o ? o->bytes : NULL, .options_len = o ? o->len : 0,
	};

	return nl_request(nl, &msg, &reply);
}

static int change(const struct options *o, bool nested)
{
	struct plug_msg msg = {
		.dev = DEV, .parent = TC_H_ROOT, .nested = nested,
		.options = o->bytes, .options_len = o->len,
	};

	return nl_request(nl, &msg, &reply);
}

static int command(int action, __u32 limit)
{
	struct options o = options(action, limit);

	return change(&o, false);
}

static void obeyed(int action, const char *what)
{
	is_u64(-command(action, 0), 0, "%s", what);
}

/* The offset that the kernel must report for a bad TCA_OPTIONS, which comes after the
 * headers and TCA_KIND.
 */
#define AT_OPTIONS (NLMSG_LENGTH(sizeof(struct tcmsg)) + NLA_HDRLEN + NLA_ALIGN(sizeof("plug")))

/* ---- state ---- */

static struct plug_state get(void)
{
	return plug_get(nl, DEV);
}

static void is_epochs(__u64 epoch, __u64 released, const char *what)
{
	struct plug_state st = get();

	ok(st.ctl.epoch == epoch && st.ctl.released == released, "%s: epoch %llu, released %llu, %s", what, epoch, released,
	   epoch == released ? "open" : "closed");
	if (st.ctl.epoch != epoch || st.ctl.released != released)
		diag("epoch %llu, released %llu", st.ctl.epoch, st.ctl.released);
}

/* Checks the refusal of @o by an existing plug: error, text, offset. The plug must
 * not change, and no packet may leave.
 */
static void refused(const struct options *o, bool nested, const char *words,
		    int offset, const char *what)
{
	struct plug_state before = get(), after;

	is_u64(-change(o, nested), EINVAL, "%s: EINVAL", what);
	if (!ok(reply.extack[0] && strstr(reply.extack, words), "%s: says \"%s\"", what, words))
		diag("says \"%s\"", reply.extack);
	is_u64(reply.bad_offset, offset, "%s: and where", what);
	after = get();
	ok(plug_same(&before, &after), "%s: nothing has changed", what);
	is_u64(wire_drain(&w, QUIET_MS), 0, "I1: %s: nothing leaves", what);
}

static void start_bare(void)
{
	dummy_make(DEV);
	wire_open(&w, DEV);
}

static void start(void)
{
	start_bare();
	is_u64(-create(NULL, false), 0, "create");
}

/* Deletes the plug and unloads the module: the next plug begins at epoch 1 again. */
static void no_plug(void)
{
	must("tc qdisc del dev " DEV " root");
	plug_forget();
}

/* ---- create ---- */

static void created(const struct options *o, bool nested, bool open,
		    __u32 limit, const char *what)
{
	struct plug_state st;
	__u64 counted = 0;
	int i;

	is_u64(-create(o, nested), 0, "create %s%s", what, nested ? ", nested" : "");
	is_epochs(1, open, what);
	st = get();
	is_u64(st.ctl.limit, limit, "%s: limit", what);
	for (i = 1; i <= SCH_PLUG_A_STATS_MAX; i++)
		if (i != SCH_PLUG_A_STATS_CLOSED_AGE)
			counted += st.ctl.stats[i];
	ok(!counted && !st.ctl.commands, "%s: is no command", what);
	is_u64(st.ctl.n_stats, SCH_PLUG_A_STATS_MAX - 1 - open,
	       "%s: closed for some time, or open and for none", what);
	wire_send(&w, 2, 100);
	if (open)
		wire_leaves(&w, 2, what);
	else
		is_u64(wire_drain(&w, QUIET_MS), 0, "I1: %s: nothing leaves", what);
	no_plug();
}

static void test_create(void)
{
	static const struct {
		int action;
		__u32 limit;
		bool open;
		const char *what;
	} rows[] = {
		{ TCQ_PLUG_BUFFER, 0, false, "BUFFER" },
		{ TCQ_PLUG_BUFFER, 5000, false, "BUFFER with limit" },
		{ TCQ_PLUG_RELEASE_ONE, 0, false, "RELEASE_ONE" },
		{ TCQ_PLUG_RELEASE_ONE, 5000, false, "RELEASE_ONE with limit" },
		{ TCQ_PLUG_RELEASE_INDEFINITE, 0, true, "RELEASE_INDEFINITE" },
		{ TCQ_PLUG_RELEASE_INDEFINITE, 5000, true,
		  "RELEASE_INDEFINITE with limit" },
		{ TCQ_PLUG_LIMIT, 0, false, "LIMIT 0" },
		{ TCQ_PLUG_LIMIT, 5000, false, "LIMIT 5000" },
		{ TCQ_PLUG_LIMIT, UINT_MAX, false, "LIMIT 2^32 - 1" },
	};
	/* (MTU of dummy_make() + Ethernet header) x tx queue length */
	const __u32 usual = (65000 + 14) * 1000;
	struct options o;
	size_t i;

	diag("create: closed, but for RELEASE_INDEFINITE");
	start_bare();
	created(NULL, false, false, usual, "no options");
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 2;

		o = options(rows[row].action, rows[row].limit);
		created(&o, i & 1, rows[row].open,
			rows[row].limit ? rows[row].limit : usual, rows[row].what);
	}
	o = options(TCQ_PLUG_RELEASE_INDEFINITE, 5000);
	memset(o.bytes + o.len, 0xff, 40);
	o.len += 40;
	created(&o, false, true, 5000, "with bytes after the struct");
	wire_finish(&w, DEV);
}

static void create_refused(const struct options *o, bool nested,
			   const char *words, int offset, const char *what)
{
	struct plug_state st;

	is_u64(-create(o, nested), EINVAL, "create %s: EINVAL", what);
	if (!ok(reply.extack[0] && strstr(reply.extack, words), "create %s: says \"%s\"", what, words))
		diag("says \"%s\"", reply.extack);
	is_u64(reply.bad_offset, offset, "create %s: and where", what);
	ok(!qdisc_get(nl, DEV, TC_H_ROOT, &st) || strcmp(st.kind, "plug"),
	   "create %s: nothing is created", what);
}

static void test_create_refused(void)
{
	static const int unknown[] = {
		-1, 4, 5, 255, TCQ_PLUG_DISCARD, TCQ_PLUG_RELEASE_UPTO, 258, 0x10000,
		INT_MAX, INT_MIN,
	};
	struct plug_state before, after;
	struct options o;
	char what[64];
	size_t i;

	diag("create: what is refused");
	start_bare();
	for (i = 0; i < 16; i++) {
		o = options(TCQ_PLUG_BUFFER, 0);
		o.len = i / 2;
		snprintf(what, sizeof(what), "with %zu bytes%s", o.len,
			 i & 1 ? ", nested" : "");
		create_refused(&o, i & 1, "shorter than tc_plug_qopt", AT_OPTIONS, what);
	}
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		o = options(unknown[i], 0);
		snprintf(what, sizeof(what), "with action %d", unknown[i]);
		create_refused(&o, false, "Unknown action", AT_OPTIONS, what);
	}
	is_u64(-create(NULL, false), 0, "create");
	wire_send(&w, 3, 100);
	before = get();
	o = options(TCQ_PLUG_RELEASE_INDEFINITE, 0);
	is_u64(-create(&o, false), EEXIST, "a second time: EEXIST");
	after = get();
	ok(plug_same(&before, &after), "the plug there is stays as it is");
	wire_silent(&w, "I1: created a second time");
	wire_finish(&w, DEV);
}

/* ---- limit ---- */

static void limit_is(__u32 want, const char *what)
{
	is_u64(get().ctl.limit, want, "%s", what);
}

static void default_limit(const char *link, __u32 want, const char *what)
{
	must("ip link set " DEV " %s", link);
	is_u64(-create(NULL, false), 0, "create on %s", what);
	limit_is(want, what);
	no_plug();
}

static void test_default_limit(void)
{
	diag("the default limit: tx queue length x (MTU + header), 10,000,000 and up");
	must("modprobe ifb numifbs=0");
	must("ip link add " DEV " type dummy && ip link set " DEV " up");
	default_limit("txqueuelen 1000 mtu 1500", DEFAULT_FLOOR, "1000 x 1514");
	default_limit("txqueuelen 10000 mtu 1500", 15140000, "10000 x 1514");
	default_limit("txqueuelen 10000 mtu 986", DEFAULT_FLOOR, "10000 x 1000");
	default_limit("txqueuelen 10000 mtu 987", 10010000, "10000 x 1001");
	default_limit("txqueuelen 0 mtu 1500", DEFAULT_FLOOR, "0 x 1514");
	default_limit("txqueuelen 4294 mtu 999986", 4294000000U,
		      "4294 x 1000000, just below 2^32");
	default_limit("txqueuelen 4295 mtu 999986", UINT_MAX,
		      "4295 x 1000000, just above 2^32");
	default_limit("txqueuelen 16384 mtu 262130", UINT_MAX,
		      "16384 x 262144, 2^32");
	default_limit("txqueuelen 32767 mtu 1000000000", UINT_MAX,
		      "32767 x 1000000014");

	diag("it is taken when it is asked for, not again when the device changes");
	must("ip link set " DEV " txqueuelen 10000 mtu 1500");
	is_u64(-create(NULL, false), 0, "create");
	must("ip link set " DEV " mtu 3000");
	must("ip link set " DEV " txqueuelen 20000");
	limit_is(15140000, "the limit outlives a change of the device");
	is_u64(-command(TCQ_PLUG_LIMIT, 0), 0, "LIMIT 0");
	limit_is(20000 * 3014, "LIMIT 0: the default as it would be now");
	is_u64(-command(TCQ_PLUG_LIMIT, 1), 0, "LIMIT 1");
	limit_is(1, "LIMIT 1: no least limit for who asks");
	link_delete(DEV);

	must("ip link add " DEV " type ifb && ip link set " DEV " up");
	is_u64(-create(NULL, false), 0, "create on an ifb");
	limit_is(DEFAULT_FLOOR, "an ifb");
	link_delete(DEV);
}

static void test_limit(void)
{
	diag("the limit: bytes, exact, for what comes next");
	start();
	is_u64(-command(TCQ_PLUG_BUFFER, 77), 0, "BUFFER with limit 77");
	is_u64(-command(TCQ_PLUG_RELEASE_ONE, 77), 0, "RELEASE_ONE with limit 77");
	is_u64(-command(TCQ_PLUG_RELEASE_INDEFINITE, 77), 0,
	       "RELEASE_INDEFINITE with limit 77");
	is_u64(-command(TCQ_PLUG_BUFFER, 77), 0, "BUFFER with limit 77");
	limit_is(65014000, "limit is ignored where it is not asked for");

	is_u64(-command(TCQ_PLUG_LIMIT, 1000), 0, "LIMIT 1000");
	is_u64(wire_send(&w, 9, 100), 9, "900 bytes fit");
	is_u64(wire_send(&w, 1, 101), 0, "101 more do not");
	is_u64(wire_send(&w, 1, 100), 1, "100 more do");
	is_u64(wire_send(&w, 1, 60), 0, "then it is full");
	is_u64(-command(TCQ_PLUG_LIMIT, 500), 0, "LIMIT 500");
	is_u64(get().backlog, 1000, "drops nothing that is held");
	is_u64(wire_send(&w, 1, 60), 0, "but accepts nothing");
	is_u64(-command(TCQ_PLUG_LIMIT, 1060), 0, "LIMIT 1060");
	is_u64(wire_send(&w, 2, 60), 1, "room for one");
	is_u64(-command(TCQ_PLUG_LIMIT, 0), 0, "LIMIT 0");
	is_u64(wire_send(&w, 5, 60), 5, "is the default");
	wire_silent(&w, "I1: limits");
	is_epochs(3, 2, "LIMIT changes no epoch");
	obeyed(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_leaves(&w, 16, "what was accepted");
	wire_finish(&w, DEV);
}

/* A size table makes each frame count as 1 MiB, the maximum in newer kernels. With
 * the 4096th frame the sum would reach 2^32.
 */
static void test_limit_64bit(void)
{
	const __u64 counted = 1 << 20, fit = 4095;
	struct tc_sizespec spec = {
		.cell_log = 11, .size_log = 10, .mtu = 2048, .tsize = 1,
	};
	struct options o = options(TCQ_PLUG_BUFFER, UINT_MAX);
	__u16 size = counted >> 10;
	struct nlattr nest = { .nla_type = TCA_STAB | NLA_F_NESTED };
	char stab[64];
	struct plug_msg msg = {
		.dev = DEV, .parent = TC_H_ROOT, .handle = 0x10000,
		.flags = NLM_F_CREATE | NLM_F_EXCL,
		.options = o.bytes, .options_len = o.len, .more = stab,
	};
	struct plug_state st;

	diag("limit 2^32 - 1: the sum does not wrap");
	start_bare();
	msg.more_len = NLA_HDRLEN;
	msg.more_len += attr_at(stab + msg.more_len, TCA_STAB_BASE, &spec, sizeof(spec));
	msg.more_len += attr_at(stab + msg.more_len, TCA_STAB_DATA, &size, sizeof(size));
	nest.nla_len = msg.more_len;
	memcpy(stab, &nest, sizeof(nest));
	is_u64(-nl_request(nl, &msg, &reply), 0, "create with a size table");
	is_u64(wire_send(&w, 5000, 100), fit, "4095 frames of 1 MiB fit");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &st), "the qdisc is there");
	is_u64(st.backlog, fit * counted, "backlog");
	is_u64(st.qlen, fit, "packets held");
	is_u64(st.drops, 5000 - fit, "dropped");
	is_u64(PLUG_STAT(st, MAX_BACKLOG), fit * counted, "max_backlog");
	is_u64(PLUG_STAT(st, QUEUED_BYTES), fit * counted, "queued_bytes");
	wire_silent(&w, "I1: so far");
	obeyed(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_leaves(&w, fit, "what was accepted");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &st) && !st.backlog && !st.qlen,
	   "the backlog is 0 again");
	wire_finish(&w, DEV);
}

/* Sends one IPv4/TCP packet that the device has to cut into @segs segments of 1000
 * bytes. False: the qdisc dropped it.
 */
static bool send_gso(unsigned int segs)
{
	static struct {
		struct virtio_net_hdr vnet;
		struct ethhdr eth;
		struct iphdr ip;
		struct tcphdr tcp;
		char data[60000];
	} __attribute__((packed)) p;
	const int headers = sizeof(p.eth) + sizeof(p.ip) + sizeof(p.tcp);
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex(DEV), .sll_halen = ETH_ALEN,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	size_t len = sizeof(p.vnet) + headers + segs * 1000;
	bool sent;

	memset(&p, 0, sizeof(p));
	p.vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	p.vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	p.vnet.hdr_len = headers;
	p.vnet.gso_size = 1000;
	p.vnet.csum_start = sizeof(p.eth) + sizeof(p.ip);
	p.vnet.csum_offset = offsetof(struct tcphdr, check);
	memset(p.eth.h_dest, 0xff, ETH_ALEN);
	p.eth.h_proto = htons(ETH_P_IP);
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 64;
	p.ip.protocol = IPPROTO_TCP;
	p.ip.tot_len = htons(len - sizeof(p.vnet) - sizeof(p.eth));
	p.ip.saddr = htonl(0x0a000001);
	p.ip.daddr = htonl(0x0a000002);
	p.tcp.doff = 5;
	p.tcp.ack = 1;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		bail("PACKET_VNET_HDR: %s", strerror(errno));
	sent = sendto(fd, &p, len, 0, (void *)&addr, sizeof(addr)) == (ssize_t)len;
	if (!sent && errno != ENOBUFS)
		bail("sending a GSO packet: %s", strerror(errno));
	close(fd);
	return sent;
}

static void test_limit_gso(void)
{
	const __u32 wire_bytes = 4 * (54 + 1000);
	struct plug_state st;

	diag("a GSO packet counts for what it puts on the wire");
	start_bare();
	must("tc qdisc add dev " DEV " root handle 1: plug limit %u", wire_bytes - 1);
	ok(!send_gso(4), "four segments do not fit below %u bytes", wire_bytes);
	ok(command(TCQ_PLUG_LIMIT, wire_bytes) == 0, "LIMIT %u", wire_bytes);
	ok(send_gso(4), "four segments fit");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &st), "the qdisc is there");
	is_u64(st.backlog, wire_bytes, "backlog");
	is_u64(st.qlen, 1, "one packet");
	is_u64(wire_send(&w, 1, 60), 0, "it is full");
	obeyed(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &st), "the qdisc is there");
	is_u64(st.backlog, 0, "backlog after it has left");
	is_u64(st.sent_bytes, wire_bytes, "bytes sent");
	wire_finish(&w, DEV);
}

/* ---- the form of a command ---- */

/* Sends each action of tc in each length, with and without NLA_F_NESTED. Bytes after
 * the struct are ignored.
 */
static void test_forms(void)
{
	__u64 epoch = 1, released = 0;
	bool all = true;
	size_t len;
	int i;

	diag("payloads of 8 to 64 bytes, nested or not");
	start();
	for (i = 0; i < 2; i++) {
		for (len = 8; len <= 64; len++) {
			struct options o = options(TCQ_PLUG_BUFFER, 123);
			struct plug_state st;

			memset(o.bytes + 8, 0xff, len - 8);
			o.len = len;
			all &= !change(&o, i);
			st = get();
			all &= st.ctl.epoch == ++epoch && st.ctl.released == released;

			memcpy(o.bytes, &(int){ TCQ_PLUG_RELEASE_ONE }, sizeof(int));
			all &= !change(&o, i);
			st = get();
			all &= st.ctl.epoch == epoch && st.ctl.released == ++released;

			memcpy(o.bytes, &(int){ TCQ_PLUG_RELEASE_INDEFINITE }, sizeof(int));
			all &= !change(&o, i);
			st = get();
			all &= st.ctl.epoch == epoch && st.ctl.released == (released = epoch);

			memcpy(o.bytes, &(int){ TCQ_PLUG_BUFFER }, sizeof(int));
			all &= !change(&o, i);
			epoch++;

			memcpy(o.bytes, &(int){ TCQ_PLUG_LIMIT }, sizeof(int));
			all &= !change(&o, i);
			st = get();
			all &= st.ctl.epoch == epoch && st.ctl.limit == 123;

			if (!all) {
				diag("%zu bytes, %snested", len, i ? "" : "not ");
				i = 2;
				break;
			}
		}
	}
	ok(all, "each old action is obeyed in each form");
	wire_finish(&w, DEV);
}

/* Sends BUFFER with each way to address the qdisc. */
static void test_address(void)
{
	static const struct {
		const char *what;
		__u32 parent, handle;
		__u16 flags;
	} rows[] = {
		{ "root", TC_H_ROOT, 0, 0 },
		{ "root and handle", TC_H_ROOT, 0x20000, 0 },
		{ "handle 2:0, no parent", 0, 0x20000, 0 },
		{ "root, CREATE", TC_H_ROOT, 0, NLM_F_CREATE },
		{ "root and handle, CREATE", TC_H_ROOT, 0x20000, NLM_F_CREATE },
		{ "handle, CREATE", 0, 0x20000, NLM_F_CREATE },
		{ "root, CREATE and REPLACE", TC_H_ROOT, 0, NLM_F_CREATE | NLM_F_REPLACE },
		{ "root and handle, CREATE and REPLACE", TC_H_ROOT, 0x20000,
		  NLM_F_CREATE | NLM_F_REPLACE },
		{ "root, REPLACE", TC_H_ROOT, 0, NLM_F_REPLACE },
	};
	struct options o = options(TCQ_PLUG_BUFFER, 0);
	struct plug_msg msg = {
		.dev = DEV, .options = o.bytes, .options_len = o.len,
	};
	struct plug_state st;
	size_t i;

	diag("addresses");
	start_bare();
	must("tc qdisc add dev " DEV " root handle 2: plug");
	wire_send(&w, 1, 100);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		msg.parent = rows[i].parent;
		msg.handle = rows[i].handle;
		msg.flags = rows[i].flags;
		is_u64(-nl_request(nl, &msg, NULL), 0, "BUFFER, %s", rows[i].what);
		st = get();
		ok(st.ctl.epoch == i + 2 && st.qlen == 1 && st.handle == 0x20000,
		   "%s: the plug got it", rows[i].what);
	}
	wire_silent(&w, "I1: so addressed");
	msg.parent = 0;
	msg.handle = 0x30000;
	msg.flags = 0;
	is_u64(-nl_request(nl, &msg, NULL), ENOENT, "a handle that is not there: ENOENT");
	no_plug();

	must("tc qdisc add dev " DEV " root handle 1: prio");
	must("tc qdisc add dev " DEV " parent 1:2 handle 40: plug");
	for (i = 0; i < 3; i++) {
		msg.parent = i == 2 ? 0 : 0x10002;
		msg.handle = i == 0 ? 0 : 0x400000;
		is_u64(-nl_request(nl, &msg, NULL), 0, "BUFFER to a child, %s",
		       i == 0 ? "parent" : i == 1 ? "parent and handle" : "handle");
		ok(qdisc_get(nl, DEV, 0x10002, &st) && st.ctl.epoch == i + 2,
		   "the child got it");
	}
	wire_finish(&w, DEV);
}

static void test_refused(void)
{
	static const int unknown[] = {
		-1, 4, 5, 255, TCQ_PLUG_DISCARD, TCQ_PLUG_RELEASE_UPTO, 258, 0x10000,
		INT_MAX, INT_MIN,
	};
	struct options o;
	char what[64];
	size_t i;

	diag("what an existing plug refuses, and that it changes nothing");
	start();
	wire_send(&w, 1, 100);
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 2, 100);
	for (i = 0; i < 16; i++) {
		o = options(TCQ_PLUG_RELEASE_INDEFINITE, 0);
		o.len = i / 2;
		snprintf(what, sizeof(what), "%zu bytes%s", o.len, i & 1 ? ", nested" : "");
		refused(&o, i & 1, "shorter than tc_plug_qopt", AT_OPTIONS, what);
	}
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		o = options(unknown[i], 5);
		snprintf(what, sizeof(what), "action %d", unknown[i]);
		refused(&o, i & 1, "Unknown action", AT_OPTIONS, what);
		/* An earlier version took an attribute after the struct. */
		o.len += attr_at(o.bytes + o.len, 2, &(__u64){ 1 }, sizeof(__u64));
		refused(&o, i & 1, "Unknown action", AT_OPTIONS, what);
	}
	obeyed(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_leaves(&w, 3, "all of it");
	wire_finish(&w, DEV);
}

static void test_no_options(void)
{
	struct plug_msg msg = { .dev = DEV, .parent = TC_H_ROOT };
	struct plug_state before, after;

	diag("a change without TCA_OPTIONS: the core says yes and asks nobody");
	start();
	wire_send(&w, 1, 100);
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	before = get();
	is_u64(-nl_request(nl, &msg, &reply), 0, "change without options");
	msg.flags = NLM_F_CREATE | NLM_F_REPLACE;
	is_u64(-nl_request(nl, &msg, &reply), 0, "replace without options");
	after = get();
	ok(plug_same(&before, &after), "nothing has changed");
	wire_silent(&w, "I1: no options");
	wire_finish(&w, DEV);
}

/* ---- answers of the kernel ---- */

/* Sends a command with NLM_F_ECHO. The echo must be of this plug, with @qlen packets,
 * and without attributes that the in-tree module does not have.
 */
static void echoed(struct options o, __u32 qlen, const char *what)
{
	struct plug_msg msg = {
		.dev = DEV, .parent = TC_H_ROOT, .flags = NLM_F_ECHO,
		.options = o.bytes, .options_len = o.len,
	};

	is_u64(-nl_request(nl, &msg, &reply), 0, "%s", what);
	ok(reply.echoed && !strcmp(reply.echo.kind, "plug") && reply.echo.handle == 0x10000,
	   "%s: an echo", what);
	is_u64(reply.echo.qlen, qlen, "%s: what is held after it", what);
	ok(!reply.echo.has_options && !reply.echo.has_xstats, "%s: nothing of ours in it", what);
}

static void test_echo(void)
{
	struct options bad = options(TCQ_PLUG_RELEASE_UPTO, 0);
	struct plug_msg msg = {
		.dev = DEV, .parent = TC_H_ROOT, .flags = NLM_F_ECHO,
		.options = bad.bytes, .options_len = bad.len,
	};

	diag("NLM_F_ECHO");
	start();
	wire_send(&w, 2, 100);
	echoed(options(TCQ_PLUG_BUFFER, 0), 2, "BUFFER");
	wire_send(&w, 3, 100);
	echoed(options(TCQ_PLUG_BUFFER, 0), 5, "BUFFER");
	echoed(options(TCQ_PLUG_LIMIT, 7000), 5, "LIMIT");
	obeyed(TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	wire_leaves(&w, 2, "one epoch");
	echoed(options(TCQ_PLUG_LIMIT, 0), 3, "LIMIT");
	is_u64(-nl_request(nl, &msg, &reply), EINVAL, "a refusal");
	ok(!reply.echoed, "echoes nothing");
	wire_finish(&w, DEV);
}

/* ---- events outside the plug ---- */

static void test_replace(void)
{
	struct plug_state before, after;

	diag("replace by the same kind keeps the plug");
	start();
	wire_send(&w, 3, 100);
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 2, 100);
	before = get();
	must("tc qdisc replace dev " DEV " root plug");
	must("tc qdisc replace dev " DEV " root handle 1: plug");
	after = get();
	ok(plug_same(&before, &after), "nothing has changed");
	must("tc qdisc replace dev " DEV " root plug block");
	is_epochs(3, 0, "replace is a command");
	wire_silent(&w, "I1: replaced");
	must("tc qdisc replace dev " DEV " root handle 1: plug release");
	is_epochs(3, 1, "replace is a command");
	wire_leaves(&w, 3, "the first epoch");

	diag("another handle makes another plug");
	must("tc qdisc replace dev " DEV " root handle 9: plug");
	is_epochs(4, 3, "the new plug, above the numbers of the old one");
	is_u64(get().qlen, 0, "is empty");
	wire_silent(&w, "I1: the old one's packets are gone");
	wire_send(&w, 1, 100);
	wire_silent(&w, "I1: and the new one is closed");
	wire_finish(&w, DEV);
}

static void steady(const char *what, const char *cmd)
{
	struct plug_state before = get(), after;

	must("%s", cmd);
	is_u64(wire_drain(&w, QUIET_MS), 0, "I1: %s: nothing leaves", what);
	after = get();
	ok(after.ctl.epoch == before.ctl.epoch &&
	   after.ctl.released == before.ctl.released,
	   "%s: the same epochs", what);
	is_u64(after.qlen + PLUG_STAT(after, DROPS_RESET),
	       before.qlen + PLUG_STAT(before, DROPS_RESET),
	       "I3: %s: each packet is held or counted as dropped by a reset", what);
}

static void test_link(void)
{
	diag("I1, I4: the device changes between BUFFER and RELEASE_ONE");
	start();
	wire_send(&w, 4, 100);
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	wire_send(&w, 5, 100);
	steady("MTU", "ip link set " DEV " mtu 3000");
	is_u64(get().qlen, 9, "a new MTU drops nothing");
	steady("tx queue length", "ip link set " DEV " txqueuelen 77");
	steady("down and up", "ip link set " DEV " down && ip link set " DEV " up");
	is_u64(get().qlen, 0, "down drops all");
	is_u64(PLUG_STAT(get(), DROPS_RESET), 9, "and counts it");
	wire_send(&w, 2, 100);
	steady("tx queue length", "ip link set " DEV " txqueuelen 88");
	wire_send(&w, 2, 100);
	obeyed(TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	wire_silent(&w, "I1: I4: the epoch that ended before is empty by now");

	diag("commands while the link is down");
	must("ip link set " DEV " down");
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	obeyed(TCQ_PLUG_BUFFER, "BUFFER");
	obeyed(TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	obeyed(TCQ_PLUG_RELEASE_ONE, "RELEASE_ONE");
	is_epochs(4, 3, "obeyed");
	must("ip link set " DEV " up");
	wire_send(&w, 2, 100);
	wire_silent(&w, "I1: up again, closed");
	obeyed(TCQ_PLUG_RELEASE_INDEFINITE, "RELEASE_INDEFINITE");
	wire_leaves(&w, 2, "open");
	must("ip link set " DEV " down && ip link set " DEV " up");
	is_epochs(4, 4, "open before, open after");
	wire_send(&w, 3, 100);
	wire_leaves(&w, 3, "open");
	no_plug();

	diag("created on a device that is down");
	must("ip link set " DEV " down");
	is_u64(-create(NULL, false), 0, "create");
	must("ip link set " DEV " up");
	wire_send(&w, 1, 100);
	wire_silent(&w, "I1: closed");
	wire_finish(&w, DEV);
}

static const struct test tests[] = {
	{ "create", test_create },
	{ "create-refused", test_create_refused },
	{ "default-limit", test_default_limit },
	{ "limit", test_limit },
	{ "limit-64bit", test_limit_64bit },
	{ "limit-gso", test_limit_gso },
	{ "forms", test_forms },
	{ "address", test_address },
	{ "refused", test_refused },
	{ "no-options", test_no_options },
	{ "echo", test_echo },
	{ "replace", test_replace },
	{ "link", test_link },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
