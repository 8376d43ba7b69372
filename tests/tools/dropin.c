// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module as a replacement for the in-tree module: rtnetlink messages must be the
 * same, byte for byte, in both directions. Each scene is played first with one
 * module and then with the other, in the same kernel. Everything that the kernel
 * sends to us is compared: answers, echoes, notifications and dumps. The sockets'
 * ports, the sequence numbers and the device's number are the same both times. So
 * only two fields have to be masked: the drops, which differ on purpose
 * (mask_drops()), and the number of a tap device, which the kernel chooses.
 *
 *	dropin states		a plug in each state
 *	dropin alone		a plug in each state that only our module has
 *	dropin requests		which requests are accepted, and the errors of the others
 *	dropin differences	all deliberate differences
 *	dropin readers		what tc, tc monitor and nl-qdisc-list print for the states
 *
 * The scenes have only steps that the in-tree module does right. No two epochs of
 * unequal size wait together, as that module forgets where one ends. Nothing is
 * released after a reset, as it counts packets that are gone. No packet is sent to a
 * plug that was created with an action other than LIMIT, as it ignores the action.
 * Steps that the in-tree module does wrong are played only with our module. Of those
 * only the form is compared: which attributes there are, and how long each is.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/gen_stats.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"
#include "tap.h"

#define DEV "pa"
#define IFINDEX 77
#define HANDLE 0x20000

enum { INTREE, OURS, MODULES };

static const char * const names[] = { "in-tree", "ours" };

static int ifindex;	/* of the device: IFINDEX if we can choose it */

/* ---- what was recorded ---- */

#define RECORDS 2048
#define ROOM 4096

struct record {
	char		what[128];
	size_t		len;
	char		bytes[ROOM];
};

static struct tape {
	struct record	records[RECORDS];
	unsigned int	n;
} tapes[MODULES], *tape;

static struct record *record_new(const char *what, const char *source)
{
	struct record *r = &tape->records[tape->n++];

	if (tape->n > RECORDS)
		bail("too many records");
	memset(r, 0, sizeof(*r));
	snprintf(r->what, sizeof(r->what), "%s: %s", what, source);
	return r;
}

static void record_add(struct record *r, const void *bytes, size_t len)
{
	if (r->len + len > ROOM)
		bail("%s: too long", r->what);
	memcpy(r->bytes + r->len, bytes, len);
	r->len += len;
}

/* Records whole messages; replaces the number of a tap device by that of our dummy.
 */
static void record_messages(struct record *r, void *bytes, size_t len)
{
	struct nlmsghdr *nlh = bytes;
	ssize_t left = len;

	for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
		struct tcmsg *tcm = NLMSG_DATA(nlh);

		if ((nlh->nlmsg_type == RTM_NEWQDISC || nlh->nlmsg_type == RTM_DELQDISC) &&
		    tcm->tcm_ifindex == ifindex)
			tcm->tcm_ifindex = IFINDEX;
		record_add(r, nlh, nlh->nlmsg_len);
	}
}

static void show_bytes(const char *name, const struct record *r, size_t from)
{
	char line[3 * 48 + 1];
	size_t i, n = 0;

	for (i = from & ~3; i < r->len && n < sizeof(line) - 3; i++)
		n += snprintf(line + n, sizeof(line) - n, "%02x%s", (__u8)r->bytes[i],
			      i % 4 == 3 ? " " : "");
	diag("%s: %zu bytes, from %zu on: %.*s", name, r->len, from & ~3, (int)n, line);
}

static bool same_record(const struct record *a, const struct record *b)
{
	size_t at = 0;

	if (a->len == b->len && !memcmp(a->bytes, b->bytes, a->len))
		return true;
	while (at < a->len && at < b->len && a->bytes[at] == b->bytes[at])
		at++;
	show_bytes(names[INTREE], a, at);
	show_bytes(names[OURS], b, at);
	return false;
}

/* Compares the records of both modules. @each: one test point for each record,
 * otherwise one for all.
 */
static void compare(bool each)
{
	const struct tape *a = &tapes[INTREE], *b = &tapes[OURS];
	unsigned int i, bad = 0;

	is_u64(b->n, a->n, "as many records of both modules");
	for (i = 0; i < a->n && i < b->n; i++) {
		bool same = !strcmp(a->records[i].what, b->records[i].what) &&
			    same_record(&a->records[i], &b->records[i]);

		if (each)
			ok(same, "%s", a->records[i].what);
		else if (!same && !bad++)
			diag("first: %s", a->records[i].what);
	}
	if (!each)
		is_u64(bad, 0, "%u records are the same of both modules", a->n);
}

/* ---- one module, one pair of sockets ---- */

static int module;
static int nl;			/* requests */
static int events;		/* RTNLGRP_TC */
static __u32 seq;
static struct wire w;

/* Opens a netlink socket with a given port, because the kernel's messages contain it.
 */
static int socket_open(__u32 port, __u32 groups)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups,
	};
	int fd = nl_open();

	if (bind(fd, (void *)&addr, sizeof(addr)))
		bail("netlink port %x: %s", port, strerror(errno));
	return fd;
}

static void module_load(int which)
{
	const char *intree = getenv("PLUG_INTREE_KO");

	module = which;
	tape = &tapes[which];
	tape->n = 0;
	seq = 0;
	link_clear(DEV);
	plug_forget();
	if (which == INTREE)
		must("insmod %s", intree ? intree : "(PLUG_INTREE_KO is not set)");
	else
		must("modprobe sch_plug");
	nl = socket_open(0x70000001, 0);
	events = socket_open(0x70000002, 1 << (RTNLGRP_TC - 1));
}

static void module_unload(void)
{
	close(nl);
	close(events);
	must("rmmod sch_plug");
}

static void both(void (*play)(void))
{
	for (module = 0; module < MODULES; module++) {
		diag("with the %s module", names[module]);
		module_load(module);
		play();
		module_unload();
	}
}

/* Makes the dummy device. @more: more arguments for ip link. */
static void device(const char *more)
{
	must("ip link add " DEV " index %d mtu 65000 txqueuelen 1000 %s type dummy && "
	     "ip link set " DEV " up", IFINDEX, more);
	ifindex = IFINDEX;
	wire_open(&w, DEV);
}

static void device_end(void)
{
	is_u64(w.reordered, 0, "I2: in order, each once");
	wire_close(&w);
	link_delete(DEV);
}

/* ---- requests ---- */

struct request {
	const char	*what;
	__u16		type;		/* 0: RTM_NEWQDISC */
	__u16		flags;
	__u32		parent;		/* 0: TC_H_ROOT */
	__u32		handle;		/* 0: HANDLE */
	const char	*kind;		/* NULL: plug; "": none */
	bool		nested;
	int		len;		/* of options; -1: no TCA_OPTIONS */
	char		options[64];
	__u16		more;		/* one more attribute, of 4 bytes */
};

#define CREATE	(NLM_F_CREATE | NLM_F_EXCL)

static struct request plain(const char *what, __u16 flags, int action, __u32 limit)
{
	struct tc_plug_qopt qopt = { .action = action, .limit = limit };
	struct request r = { .what = what, .flags = flags, .len = sizeof(qopt) };

	memcpy(r.options, &qopt, sizeof(qopt));
	return r;
}

static size_t build(const struct request *r, char *buf)
{
	const char *kind = r->kind ? r->kind : "plug";
	struct nlmsghdr *nlh = (void *)buf;
	struct tcmsg *tcm = NLMSG_DATA(nlh);
	size_t len = NLMSG_LENGTH(sizeof(*tcm));

	memset(buf, 0, len);
	nlh->nlmsg_type = r->type ? r->type : RTM_NEWQDISC;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | r->flags;
	nlh->nlmsg_seq = ++seq;
	tcm->tcm_ifindex = ifindex;
	tcm->tcm_parent = r->parent ? r->parent : TC_H_ROOT;
	tcm->tcm_handle = r->handle ? r->handle : HANDLE;
	if (kind[0])
		len += attr_at(buf + len, TCA_KIND, kind, strlen(kind) + 1);
	if (r->len >= 0)
		len += attr_at(buf + len, TCA_OPTIONS | (r->nested ? NLA_F_NESTED : 0),
			       r->options, r->len);
	if (r->more)
		len += attr_at(buf + len, r->more, "\1\0\0\0", 4);
	nlh->nlmsg_len = len;
	return len;
}

/* Records an acknowledgment. If it is an error, records only its number, because only
 * our module adds a text.
 */
static void record_ack(struct record *r, const struct nlmsghdr *nlh, int err)
{
	char line[32];

	if (!err)
		record_add(r, nlh, nlh->nlmsg_len);
	else
		record_add(r, line, snprintf(line, sizeof(line), "error %d", err));
}

/* Records messages up to the acknowledgment; returns its error, and in *@words
 * whether it has a text.
 */
static int answers(struct record *r, bool *words)
{
	static char buf[65536] __attribute__((aligned(8)));

	for (;;) {
		struct nlmsghdr *nlh = (void *)buf;
		ssize_t got = recv(nl, buf, sizeof(buf), 0);
		int err;

		if (got < 0)
			bail("no answer: %s", strerror(errno));
		for (; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_type != NLMSG_ERROR) {
				record_messages(r, nlh, nlh->nlmsg_len);
				continue;
			}
			err = ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			if (words)
				*words = nlh->nlmsg_flags & NLM_F_ACK_TLVS;
			record_ack(r, nlh, err);
			return err;
		}
	}
}

static void notified(struct record *r)
{
	static char buf[65536] __attribute__((aligned(8)));
	ssize_t got;

	while ((got = recv(events, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		record_messages(r, buf, got);
	if (errno != EAGAIN)
		bail("notifications: %s", strerror(errno));
}

/* Drops notifications about commands of other programs, whose ports differ. */
static void forget_notified(void)
{
	struct record unused = { .what = "others" };

	notified(&unused);
}

#define TC_ATTRS(nlh)	((char *)NLMSG_DATA(nlh) + NLMSG_ALIGN(sizeof(struct tcmsg)))
#define TC_SIZE(nlh)	((nlh)->nlmsg_len - NLMSG_LENGTH(sizeof(struct tcmsg)))

static bool is_plug(const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = NLMSG_DATA(nlh);
	const char *kind;
	size_t len;

	if (nlh->nlmsg_type != RTM_NEWQDISC || tcm->tcm_ifindex != ifindex)
		return false;
	kind = attr_find(TC_ATTRS(nlh), TC_SIZE(nlh), TCA_KIND, &len);
	return kind && !strcmp(kind, "plug");
}

static void dump(struct record *r)
{
	static char buf[262144] __attribute__((aligned(8)));

	qdisc_ask(nl, ifindex, ++seq);
	for (;;) {
		struct nlmsghdr *nlh = (void *)buf;
		ssize_t got = recv(nl, buf, sizeof(buf), 0);

		if (got < 0)
			bail("dump: %s", strerror(errno));
		for (; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return;
			if (is_plug(nlh))
				record_messages(r, nlh, nlh->nlmsg_len);
		}
	}
}

/* In scenes with readers: records what they print about the same state. */
static void (*look_too)(const char *what);

/* Records the state from a dump. */
static struct record *look(const char *what)
{
	struct record *r = record_new(what, "dump");

	dump(r);
	if (look_too)
		look_too(what);
	return r;
}

/* Sends a request and records the answers; returns the error. */
static int say(const struct request *r)
{
	static char buf[1024] __attribute__((aligned(8)));
	size_t len = build(r, buf);
	int err;

	if (send(nl, buf, len, 0) < 0)
		bail("send: %s", strerror(errno));
	err = answers(record_new(r->what, "answer"), NULL);
	notified(record_new(r->what, "notification"));
	return err;
}

static void command_at(__u32 parent, const char *what, int action, __u32 limit)
{
	struct request r = plain(what, NLM_F_ECHO, action, limit);

	r.parent = parent;
	if (say(&r))
		bail("%s is refused", what);
	look(what);
}

static void command(const char *what, int action, __u32 limit)
{
	command_at(0, what, action, limit);
}

static void create_at(__u32 parent, const char *what)
{
	struct request r = {
		.what = what, .flags = CREATE | NLM_F_ECHO, .parent = parent, .len = -1,
	};

	if (say(&r))
		bail("%s is refused", what);
	look(what);
}

/* ---- the one field ---- */

/* Sets the drops in a message to 0; returns what they were. A reset drops the held
 * packets. Our module counts them, in "drops" of both forms of the statistics and
 * nowhere else; the in-tree module does not.
 */
static unsigned int mask_drops(struct nlmsghdr *nlh)
{
	struct gnet_stats_queue *queue;
	struct tc_stats *old;
	unsigned int drops = 0;
	const void *stats;
	size_t len;

	old = (void *)attr_find(TC_ATTRS(nlh), TC_SIZE(nlh), TCA_STATS, &len);
	if (old)
		old->drops = 0;
	stats = attr_find(TC_ATTRS(nlh), TC_SIZE(nlh), TCA_STATS2, &len);
	queue = stats ? (void *)attr_find(stats, len, TCA_STATS_QUEUE, &len) : NULL;
	if (queue) {
		drops = queue->drops;
		queue->drops = 0;
	}
	return drops;
}

/* Masks the drops in all records from @first on, and checks those in the last
 * message, which reports the deletion. Both modules count @others drops; ours also
 * counts @want packets dropped by resets. Kernels before 7.3 reset the qdisc before
 * they report the deletion: there our module also counts the @held packets.
 */
static void masked_from(unsigned int first, unsigned int others, unsigned int want,
			unsigned int held)
{
	unsigned int i, seen = 0;

	for (i = first; i < tape->n; i++) {
		struct record *r = &tape->records[i];
		struct nlmsghdr *nlh = (void *)r->bytes;
		ssize_t left = r->len;

		if (r->len < NLMSG_HDRLEN || !strncmp(r->bytes, "error", 5))
			continue;
		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_type != RTM_NEWQDISC && nlh->nlmsg_type != RTM_DELQDISC)
				continue;
			seen = mask_drops(nlh);
		}
	}
	want = others + (module == OURS ? want : 0);
	held = module == OURS ? held : 0;
	if (!ok(seen == want || seen == want + held,
		"%s: packets dropped by resets that are counted", names[module]))
		diag("got %u, want %u or %u", seen, want, want + held);
}

/* ---- states ---- */

static void leave(unsigned int n)
{
	is_u64(wire_recv(&w, n) + wire_drain(&w, QUIET_MS), n, "%s: %u leave", names[module], n);
}

/* Sets the values of all statistics to 0. The attributes and their lengths stay. */
static void no_figures(struct nlmsghdr *nlh)
{
	struct attrs a = { 0 };
	const void *data;
	size_t len;

	data = attr_find(TC_ATTRS(nlh), TC_SIZE(nlh), TCA_STATS, &len);
	if (data)
		memset((void *)data, 0, len);
	a.at = attr_find(TC_ATTRS(nlh), TC_SIZE(nlh), TCA_STATS2, &a.left);
	if (!a.at)
		return;
	while (attr_next(&a, &data, &len) >= 0)
		memset((void *)data, 0, len);
}

/* Lets packets leave. They leave in the background, so the number that remains at
 * the time of the answer is not known: compare the answer without its figures. The
 * figures are compared in a dump, after the packets have left.
 */
static void let_go(__u32 parent, const char *what, int action)
{
	struct request r = plain(what, NLM_F_ECHO, action, 0);
	unsigned int first = tape->n;

	r.parent = parent;
	if (say(&r))
		bail("%s is refused", what);
	for (; first < tape->n; first++) {
		struct nlmsghdr *nlh = (void *)tape->records[first].bytes;
		ssize_t left = tape->records[first].len;

		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			if (nlh->nlmsg_type == RTM_NEWQDISC)
				no_figures(nlh);
	}
}

static void release_at(__u32 parent, const char *what, int action, unsigned int n)
{
	let_go(parent, what, action);
	leave(n);
	look(what);
}

static void release(const char *what, int action, unsigned int n)
{
	release_at(0, what, action, n);
}

static void delete_at(__u32 parent, const char *what)
{
	struct request r = {
		.what = what, .type = RTM_DELQDISC, .parent = parent, .len = -1,
	};

	if (say(&r))
		bail("%s is refused", what);
	look(what);
}

/* Creates a plug with each action; does not test which packets it holds. */
static void play_creation(void)
{
	static const struct {
		const char *what;
		int action;
		__u32 limit;
	} rows[] = {
		{ "create, BUFFER", TCQ_PLUG_BUFFER, 0 },
		{ "create, BUFFER with limit", TCQ_PLUG_BUFFER, 5000 },
		{ "create, RELEASE_ONE", TCQ_PLUG_RELEASE_ONE, 5000 },
		{ "create, RELEASE_INDEFINITE", TCQ_PLUG_RELEASE_INDEFINITE, 5000 },
		{ "create, LIMIT", TCQ_PLUG_LIMIT, 5000 },
		{ "create, LIMIT 0", TCQ_PLUG_LIMIT, 0 },
		{ "create, LIMIT 2^32 - 1", TCQ_PLUG_LIMIT, UINT_MAX },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct request r = plain(rows[i].what, CREATE | (i & 1 ? NLM_F_ECHO : 0),
					 rows[i].action, rows[i].limit);

		r.nested = i & 2;
		if (say(&r))
			bail("%s is refused", r.what);
		look(r.what);
		delete_at(0, "delete what was created by an action");
	}
}

static void play_closed(void)
{
	create_at(0, "create without options");
	wire_send(&w, 2, 100);
	look("closed, the first epoch has packets");
	command("BUFFER", TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 2, 200);
	command("BUFFER with a limit", TCQ_PLUG_BUFFER, 77);
	wire_send(&w, 3, 100);
	look("closed, several epochs have packets");
	leave(0);
	release("RELEASE_ONE of several", TCQ_PLUG_RELEASE_ONE, 2);
	release("RELEASE_INDEFINITE", TCQ_PLUG_RELEASE_INDEFINITE, 5);
	wire_send(&w, 4, 300);
	leave(4);
	look("open, packets have passed");
	command("BUFFER closes", TCQ_PLUG_BUFFER, 0);
	command("LIMIT 1000", TCQ_PLUG_LIMIT, 1000);
	is_u64(wire_send(&w, 12, 100), 10, "%s: ten of twelve fit", names[module]);
	look("full, the limit has dropped some");
	command("BUFFER", TCQ_PLUG_BUFFER, 0);
	release("RELEASE_ONE", TCQ_PLUG_RELEASE_ONE, 10);
}

static void play_repeated(void)
{
	struct request r = { .what = "replace without options", .len = -1,
			     .flags = NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ECHO };
	struct request get = { .what = "get of one", .type = RTM_GETQDISC, .len = -1 };

	wire_send(&w, 3, 100);
	say(&r);
	look(r.what);
	r.what = "change without options";
	r.flags = NLM_F_ECHO;
	say(&r);
	look(r.what);
	r = plain("replace, BUFFER", NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ECHO,
		  TCQ_PLUG_BUFFER, 0);
	say(&r);
	look(r.what);
	say(&get);
}

/* A reset with packets held. There is no release after it: see the top of this file.
 */
static void play_reset(void)
{
	unsigned int first = tape->n;

	must("ip link set " DEV " down");
	look("link down, what was held has been dropped");
	command("BUFFER while the link is down", TCQ_PLUG_BUFFER, 0);
	must("ip link set " DEV " up");
	look("link up again");
	wire_send(&w, 2, 100);
	look("link up again, new packets");
	delete_at(0, "delete with packets in it");
	masked_from(first, 2, 3, 2);
}

static void play_root(void)
{
	device("");
	play_creation();
	play_closed();
	play_repeated();
	play_reset();
	device_end();
}

/* Plays a plug below @parent, a class of another qdisc. */
static void play_below(__u32 parent, const char *what)
{
	char line[8][128];
	unsigned int i = 0, first;

#define STEP(name) (snprintf(line[i], sizeof(line[i]), "%s: " name, what), line[i++])
	create_at(parent, STEP("create"));
	wire_send(&w, 2, 100);
	command_at(parent, STEP("BUFFER"), TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 3, 100);
	release_at(parent, STEP("RELEASE_ONE"), TCQ_PLUG_RELEASE_ONE, 2);
	release_at(parent, STEP("RELEASE_INDEFINITE"), TCQ_PLUG_RELEASE_INDEFINITE, 3);
	command_at(parent, STEP("BUFFER closes"), TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 1, 100);
	first = tape->n;
	delete_at(parent, STEP("delete with a packet in it"));
	masked_from(first, 0, 0, 1);
#undef STEP
}

static void play_prio(void)
{
	device("");
	must("tc qdisc add dev " DEV " root handle 1: prio priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1");
	forget_notified();
	play_below(0x10002, "below prio");
	device_end();
}

static void play_mq(void)
{
	__u32 parent;

	device("numtxqueues 2");
	must("tc qdisc add dev " DEV " root handle 1: mq");
	/* All frames go to one queue, which the kernel's hash selects. */
	must("tc qdisc add dev " DEV " parent 1:1 handle 10: pfifo && "
	     "tc qdisc add dev " DEV " parent 1:2 handle 11: pfifo");
	wire_send(&w, 1, 100);
	leave(1);
	parent = quiet_sh("tc -s qdisc show dev " DEV " | grep -A 1 ' 10: ' | grep -q 'Sent 100 '") ?
		 0x10002 : 0x10001;
	must("tc qdisc del dev " DEV " parent 1:1 && tc qdisc del dev " DEV " parent 1:2");
	forget_notified();
	play_below(parent, "below mq");
	device_end();
}

/* htb lets the first packets pass, and then hardly any. It does not peek: below
 * parents that do, some in-tree modules count packets as sent that have not left.
 */
static void play_backlog(void)
{
	unsigned int sent, first;

	device("");
	must("tc qdisc add dev " DEV " root handle 1: htb default 1 && "
	     "tc class add dev " DEV " parent 1: classid 1:1 htb rate 8bit burst 2000 "
	     "cburst 2000 quantum 1514");
	forget_notified();
	create_at(0x10001, "below htb: create");
	command_at(0x10001, "below htb: RELEASE_INDEFINITE", TCQ_PLUG_RELEASE_INDEFINITE, 0);
	wire_send(&w, 10, 900);
	sent = wire_drain(&w, QUIET_MS);
	ok(sent && sent < 10, "%s: %u of ten pass htb", names[module], sent);
	look("open with a backlog");
	command_at(0x10001, "a backlog is stopped", TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 2, 900);
	look("a backlog is stopped, and more behind it");
	first = tape->n;
	delete_at(0x10001, "delete with a backlog");
	masked_from(first, 0, 0, 10 - sent + 2);
	device_end();
}

/* A tap with several queues, from which nobody reads: it hands packets back. */
static void play_handed_back(void)
{
	unsigned int first, held;
	struct plug_state st;
	struct tap tap;

	tap_attach(&tap, IFF_MULTI_QUEUE);
	if (!tap.stops) {
		skip("this kernel's tap device drops what it does not take");
		close(tap.fd);
		return;
	}
	must("ip link set pt txqueuelen 8 up");
	ifindex = if_nametoindex("pt");
	wire_open(&w, "pt");
	create_at(0, "not read: create");
	wire_send(&w, 50, 60);
	let_go(0, "not read: RELEASE_INDEFINITE", TCQ_PLUG_RELEASE_INDEFINITE);
	wire_drain(&w, QUIET_MS);
	look("not read: packets handed back");
	if (!qdisc_get(nl, "pt", TC_H_ROOT, &st))
		bail("no qdisc");
	ok(st.requeues, "%s: the driver has handed packets back", names[module]);
	held = st.qlen;
	command("not read: BUFFER, with packets handed back", TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 3, 60);
	look("not read: and more behind them");
	first = tape->n;
	delete_at(0, "not read: delete");
	masked_from(first, 0, 0, held + 3);
	wire_close(&w);
	close(tap.fd);
}

/* ---- what the in-tree module does not do right: the form ---- */

/* Lists the attributes of a message, with their lengths. */
static void form_of(const char *attrs, size_t size, int depth, char *out, size_t room)
{
	size_t n = strlen(out);

	while (size >= NLA_HDRLEN) {
		const struct nlattr *nla = (const void *)attrs;
		int type = nla->nla_type & NLA_TYPE_MASK;
		size_t step = NLA_ALIGN(nla->nla_len);

		if (nla->nla_len < NLA_HDRLEN || nla->nla_len > size)
			bail("a broken attribute");
		n += snprintf(out + n, room - n, " %d:%d", type, nla->nla_len);
		if (!depth && type == TCA_STATS2) {
			snprintf(out + n, room - n, "(");
			form_of(attrs + NLA_HDRLEN, nla->nla_len - NLA_HDRLEN, 1, out, room);
			n = strlen(out);
			n += snprintf(out + n, room - n, ")");
		}
		if (step >= size)
			return;
		attrs += step;
		size -= step;
	}
}

static void form_is(const struct record *r, const char *want)
{
	const struct nlmsghdr *nlh = (const void *)r->bytes;
	char form[512] = "";

	form_of(TC_ATTRS(nlh), TC_SIZE(nlh), 0, form, sizeof(form));
	if (!ok(r->len == nlh->nlmsg_len && !strcmp(form, want), "form of %s", r->what))
		diag("%u of %zu bytes, attributes%s, not%s", nlh->nlmsg_len, r->len, form, want);
}

static void in_form(const char *want, const char *what)
{
	form_is(look(what), want);
}

/* Checks that commands through the family have caused no rtnetlink notifications. */
static void unsaid(const char *what)
{
	struct record *r = record_new(what, "notification");

	notified(r);
	is_u64(r->len, 0, "%s: not a word of it by rtnetlink", what);
}

static void alone(const char *want)
{
	struct control_state st;
	struct control c = control_open();
	__u64 id = control_find(&c, DEV, TC_H_ROOT).id;
	struct control_reply reply;
	unsigned int i;

	for (i = 1; i <= 5; i++) {
		wire_send(&w, i, 100);
		command("one epoch more", TCQ_PLUG_BUFFER, 0);
	}
	in_form(want, "five epochs of unequal size");
	command("RELEASE_ONE of five", TCQ_PLUG_RELEASE_ONE, 0);
	leave(1);
	in_form(want, "the first of five has left");
	is_u64(control_get(&c, id, &reply), 0, "GET");
	st = reply.state;
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, st.released + 2, NULL), 0,
	       "RELEASE_UPTO by the family");
	leave(5);
	in_form(want, "two more have left");
	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, st.released + 3, NULL), 0,
	       "DISCARD by the family");
	in_form(want, "one has been discarded");
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_DISCARD, NULL), 0, "OWN");
	in_form(want, "with an owner");
	is_u64(control_limit(&c, id, 1, NULL), 0, "LIMIT by the family");
	in_form(want, "with a limit of 1");
	unsaid("four commands by the family");
	must("ip link set " DEV " down && ip link set " DEV " up");
	command("RELEASE_ONE after a reset", TCQ_PLUG_RELEASE_ONE, 0);
	in_form(want, "released after a reset");
	is_u64(control_do(&c, id, TCQ_PLUG_RELEASE_INDEFINITE, NULL), 0, "open by the family");
	in_form(want, "open by the family");
	control_close(&c);
	unsaid("the plug opens and its owner ends");
}

static void test_alone(void)
{
	const struct nlmsghdr *nlh;
	const struct record *r;
	char want[512] = "";

	module_load(INTREE);
	device("");
	create_at(0, "create");
	r = look("a plug");
	nlh = (const void *)r->bytes;
	form_of(TC_ATTRS(nlh), TC_SIZE(nlh), 0, want, sizeof(want));
	diag("attributes of the in-tree module's plug:%s", want);
	device_end();
	module_unload();

	module_load(OURS);
	device("");
	create_at(0, "create");
	alone(want);
	device_end();
	module_unload();
}

static void test_states(void)
{
	static void (* const plays[])(void) = {
		play_root, play_prio, play_mq, play_backlog, play_handed_back,
	};
	size_t i;

	for (i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		both(plays[i]);
		compare(true);
	}
}

/* ---- requests ---- */

static struct request form(const char *what, __u16 flags, int action, int len)
{
	struct request r = plain(what, flags, action, 5000);

	if (len > (int)sizeof(struct tc_plug_qopt))
		memset(r.options + sizeof(struct tc_plug_qopt), 0xff,
		       len - sizeof(struct tc_plug_qopt));
	r.len = len;
	return r;
}

static const int known[] = {
	TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_INDEFINITE, TCQ_PLUG_LIMIT,
};

static const int unknown[] = {
	-1, 4, 5, 255, TCQ_PLUG_DISCARD, TCQ_PLUG_RELEASE_UPTO, 258, 0x10000, INT_MAX, INT_MIN,
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Sends each form of a message, to create a plug or to change one. The plug is empty:
 * "dropin states" tests what happens to packets.
 */
static void send_forms(__u16 flags, const char *to)
{
	char what[80];
	int i, len;

	for (i = 0; i < 2 * (int)N(known); i++) {
		for (len = 0; len <= 64; len += len < 12 ? 1 : 13) {
			struct request r = form(what, flags, known[i / 2], len);

			r.nested = i & 1;
			snprintf(what, sizeof(what), "%s, action %d, %d bytes%s", to,
				 known[i / 2], len, i & 1 ? ", nested" : "");
			if (!say(&r) && flags & NLM_F_EXCL)
				delete_at(0, what);
			look(what);
		}
	}
}

/* Sends requests that the core checks, not the module. */
static void send_others(void)
{
	const struct tc_plug_qopt qopt = { .action = TCQ_PLUG_BUFFER };
	static const struct request rows[] = {
		{ "without a kind", 0, 0, 0, 0, "", .len = 8 },
		{ "of another kind", 0, 0, 0, 0, "pfifo", .len = 8 },
		{ "of no kind there is", 0, 0, 0, 0, "plug?", .len = 8 },
		{ "a longer kind", 0, 0, 0, 0, "plugplugplugplugplug", .len = 8 },
		{ "another handle", 0, 0, 0, 0x30000, NULL, .len = 8 },
		{ "another parent", 0, 0, 0x30001, 0, NULL, .len = 8 },
		{ "another handle, to create", 0, NLM_F_CREATE, 0, 0x30000, NULL, .len = 8 },
		{ "EXCL", 0, NLM_F_EXCL, 0, 0, NULL, .len = 8 },
		{ "CREATE and EXCL", 0, CREATE, 0, 0, NULL, .len = 8 },
		{ "REPLACE", 0, NLM_F_REPLACE, 0, 0, NULL, .len = 8 },
		{ "CREATE and REPLACE", 0, NLM_F_CREATE | NLM_F_REPLACE, 0, 0, NULL, .len = 8 },
		{ "without options", 0, 0, 0, 0, NULL, .len = -1 },
		{ "with TCA_RATE of 4 bytes", 0, 0, 0, 0, NULL, .len = 8, .more = TCA_RATE },
		{ "with TCA_STAB of 4 bytes", 0, 0, 0, 0, NULL, .len = 8, .more = TCA_STAB },
		{ "with TCA_INGRESS_BLOCK", 0, 0, 0, 0, NULL, .len = 8, .more = TCA_INGRESS_BLOCK },
		{ "with an unknown attribute", 0, 0, 0, 0, NULL, .len = 8, .more = 60 },
		{ "delete of another kind", RTM_DELQDISC, 0, 0, 0, "pfifo", .len = -1 },
		{ "delete of another handle", RTM_DELQDISC, 0, 0, 0x30000, NULL, .len = -1 },
		{ "get of another handle", RTM_GETQDISC, 0, 0, 0x30000, NULL, .len = -1 },
		{ "a class of it", RTM_NEWTCLASS, NLM_F_CREATE, 0x20000, 0x20001, NULL, .len = 8 },
		{ "a filter of it", RTM_NEWTFILTER, NLM_F_CREATE, 0x20000, 1, "u32", .len = 8 },
	};
	size_t i;

	for (i = 0; i < N(rows); i++) {
		struct request r = rows[i];

		if (r.len > 0)
			memcpy(r.options, &qopt, sizeof(qopt));
		say(&r);
		look(r.what);
	}
}

static void play_requests(void)
{
	char what[80];
	size_t i;

	device("");
	send_forms(CREATE, "create");
	create_at(0, "create without options");
	send_forms(0, "change");
	for (i = 0; i < 2 * N(unknown); i++) {
		struct request r = plain(what, 0, unknown[i / 2], 5000);

		snprintf(what, sizeof(what), "change, action %d%s", unknown[i / 2],
			 i & 1 ? ", nested" : "");
		r.nested = i & 1;
		say(&r);
		look(what);
	}
	send_others();
	device_end();
}

static void test_requests(void)
{
	both(play_requests);
	compare(false);
}

/* ---- differences ---- */

/* Creates a plug; returns how many of three frames it holds, -1 after an error. */
static int holds(int action, __u32 limit)
{
	struct request r = plain("create", CREATE, action, limit);
	struct plug_state st;

	if (say(&r))
		return -1;
	wire_send(&w, 3, 100);
	wire_drain(&w, QUIET_MS);
	return qdisc_get(nl, DEV, TC_H_ROOT, &st) ? (int)st.qlen : -1;
}

static int create_unknown(int action)
{
	struct request r = plain("create", CREATE, action, 5000);

	return -say(&r);
}

static int create_77(void) { return create_unknown(77); }
static int create_discard(void) { return create_unknown(TCQ_PLUG_DISCARD); }
static int create_upto(void) { return create_unknown(TCQ_PLUG_RELEASE_UPTO); }
static int buffer_0(void) { return holds(TCQ_PLUG_BUFFER, 0); }
static int limit_0(void) { return holds(TCQ_PLUG_LIMIT, 0); }
static int open_5000(void) { return holds(TCQ_PLUG_RELEASE_INDEFINITE, 5000); }

static int change_limit_0(void)
{
	struct request r = plain("LIMIT 0", 0, TCQ_PLUG_LIMIT, 0);
	struct plug_state st;

	create_at(0, "create");
	say(&r);
	wire_send(&w, 3, 100);
	return qdisc_get(nl, DEV, TC_H_ROOT, &st) ? (int)st.qlen : -1;
}

static int short_queue(void)
{
	struct plug_state st;

	must("ip link set " DEV " mtu 1500 txqueuelen 1");
	create_at(0, "create");
	wire_send(&w, 3, 1000);
	return qdisc_get(nl, DEV, TC_H_ROOT, &st) ? (int)st.qlen : -1;
}

static int reset_drops(void)
{
	struct plug_state st;

	create_at(0, "create");
	wire_send(&w, 3, 100);
	must("ip link set " DEV " down");
	return qdisc_get(nl, DEV, TC_H_ROOT, &st) ? (int)st.drops : -1;
}

static int has_words(const struct request *r)
{
	static char buf[1024] __attribute__((aligned(8)));
	size_t len = build(r, buf);
	bool words = false;

	if (send(nl, buf, len, 0) < 0)
		bail("send: %s", strerror(errno));
	return answers(record_new(r->what, "answer"), &words) ? words : -1;
}

static int words_action(void)
{
	struct request r = plain("change", 0, 77, 0);

	create_at(0, "create");
	return has_words(&r);
}

static int words_short(void)
{
	struct request r = form("change", 0, TCQ_PLUG_BUFFER, 7);

	create_at(0, "create");
	return has_words(&r);
}

/* All differences from the in-tree module, except its faults. */
static const struct difference {
	const char	*what;
	int		(*measure)(void);
	int		is[MODULES];
} differences[] = {
	{ "error of a creation with action 77", create_77, { 0, EINVAL } },
	{ "error of a creation with DISCARD", create_discard, { 0, EINVAL } },
	{ "error of a creation with RELEASE_UPTO", create_upto, { 0, EINVAL } },
	{ "of three frames held after a creation with BUFFER and limit 0", buffer_0, { 0, 3 } },
	{ "the same with LIMIT 0", limit_0, { 0, 3 } },
	{ "the same with RELEASE_INDEFINITE: it is open", open_5000, { 3, 0 } },
	{ "of three frames held after LIMIT 0: the default", change_limit_0, { 0, 3 } },
	{ "of three frames of 1000 bytes held with a queue length of 1", short_queue, { 1, 3 } },
	{ "of three held frames counted as dropped by a reset", reset_drops, { 0, 3 } },
	{ "a reason for EINVAL: unknown action", words_action, { 0, 1 } },
	{ "a reason for EINVAL: short options", words_short, { 0, 1 } },
};

static void play_differences(void)
{
	size_t i;

	for (i = 0; i < N(differences); i++) {
		device("");
		is_u64(differences[i].measure(), differences[i].is[module], "%s: %s",
		       names[module], differences[i].what);
		wire_close(&w);
		link_delete(DEV);
		forget_notified();
	}
}

static void test_differences(void)
{
	both(play_differences);
}

/* ---- readers ---- */

static void reader_says(const char *command, const char *what)
{
	struct record *r = record_new(what, command);
	FILE *reader = popen(command, "r");
	char part[1024];
	size_t n;

	while (reader && (n = fread(part, 1, sizeof(part), reader)) > 0)
		record_add(r, part, n);
	if (!reader || pclose(reader) || !r->len)
		bail("%s failed", command);
}

static void readers_look(const char *what)
{
	reader_says("tc -j -s -d qdisc show dev " DEV, what);
	reader_says("tc -s -d qdisc show dev " DEV, what);
	reader_says("nl-qdisc-list --dev=" DEV " --details --stats", what);
}

#define MONITOR "/tmp/monitor"

/* The handle of a qdisc on lo: a message about it shows how far tc monitor has read.
 */
static const char *mark;

static bool monitor_has_mark(void)
{
	return !quiet_sh("grep -q %s: " MONITOR, mark);
}

static bool monitor_hears(void)
{
	return !quiet_sh("tc qdisc replace dev lo root handle 6665: pfifo && "
			 "[ -s " MONITOR " ]");
}

static void monitor_mark(const char *handle)
{
	mark = handle;
	must("tc qdisc replace dev lo root handle %s: pfifo", mark);
	if (!wait_for(monitor_has_mark))
		bail("tc monitor does not say %s", mark);
}

static pid_t monitor_start(void)
{
	pid_t pid;

	unlink(MONITOR);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "-c", "exec tc -j monitor >> " MONITOR, NULL);
		_exit(127);
	}
	if (!wait_for(monitor_hears))
		bail("tc monitor hears nothing");
	monitor_mark("6666");
	if (truncate(MONITOR, 0))
		bail(MONITOR ": %s", strerror(errno));
	return pid;
}

static void monitor_end(pid_t pid)
{
	monitor_mark("7777");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	must("tc qdisc del dev lo root");
	reader_says("cat " MONITOR, "tc -j monitor");
	diag("%.200s", tape->records[tape->n - 1].bytes);
}

static void play_readers(void)
{
	pid_t monitor;

	device("");
	monitor = monitor_start();
	forget_notified();
	look_too = readers_look;
	play_closed();
	play_repeated();
	look_too = NULL;
	release("the last RELEASE_INDEFINITE", TCQ_PLUG_RELEASE_INDEFINITE, 3);
	delete_at(0, "delete");
	monitor_end(monitor);
	device_end();
}

static void test_readers(void)
{
	both(play_readers);
	compare(true);
}

static const struct test tests[] = {
	{ "states", test_states },
	{ "alone", test_alone },
	{ "requests", test_requests },
	{ "differences", test_differences },
	{ "readers", test_readers },
};

int main(int argc, char **argv)
{
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
