// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests I1, I2, I3, I5, I6, I8 and the statistics with random sequences of everything
 * that a user and the network stack can do to a plug. After each step the plug is
 * compared with the reference in model_ref.h: first every frame that left (the right
 * one, in order, once), then all that the kernel reports about the plug, through both
 * interfaces, including every counter. Commands that both interfaces have go through
 * one of them at random. Every so often, and at the end, nothing must leave for
 * QUIET_MS.
 *
 *	model [--leaf] [--seed S] [--steps N]	N steps (3000), a new plug each 500;
 *					the seed is printed and by default new
 *	model --replay STEP; STEP...	executes these steps on a new plug;
 *					--intree before it: checks only the frames;
 *					--hurry before it: on all processors, up
 *					to ten times, because steps that follow
 *					at once (&) depend on timing
 *	model --intree [--seed S]	finds the known faults of the in-tree
 *					module, or fails. That module has four
 *					commands and reports no state, so only
 *					the frames are checked
 *
 * With --leaf the plug is not the root. It is the qdisc of the first of two transmit
 * queues below an mqprio, and there are steps that change the qdisc of the other
 * queue.
 *
 * A failing sequence is replayed with fewer and fewer steps and frames, until
 * neither one step nor two can be left out. The result is printed as commands to
 * type and as an argument for --replay.
 *
 * The frames are observed where they leave a dummy device, in the order in which
 * they leave. This process stays on one processor, so that nothing runs in parallel
 * with a step: race.c tests races, not this program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>

#include "control.h"
#include "model_ref.h"

#define DEV		"pa"
#define ROUND		500	/* steps with one plug */
#define MAX_FRAMES	100000	/* in one round */
#define NO_OPTIONS	-2	/* as an action: a message without TCA_OPTIONS */

/* ---- steps ---- */

enum kind {
	SEND, GSO, BUFFER, RELEASE_ONE, OPEN, UPTO, DISCARD, DISCARD_UPTO, LIMIT,
	BAD, STALE, DOWN, UP, TXQLEN, MTU, TSO, CLSACT, SIBLING, REPLACE, RENEW, QUIET, KINDS
};

static const struct {
	const char *name;
	int args;
	const char *command;	/* for a user to type; may contain the arguments */
} kinds[KINDS] = {
	[SEND]		= { "send", 2, "send %d frames of %d bytes" },
	[GSO]		= { "gso", 3, "send %d GSO packets of %d segments with %d bytes each" },
	[BUFFER]	= { "buffer", 0, "tc qdisc change dev " DEV " root plug block" },
	[RELEASE_ONE]	= { "release_one", 0, "tc qdisc change dev " DEV " root plug release" },
	[OPEN]		= { "open", 0, "tc qdisc change dev " DEV " root plug release_indefinite" },
	[UPTO]		= { "upto", 1, "RELEASE_UPTO with the number of the last released epoch %+d" },
	[DISCARD]	= { "discard", 0, "DISCARD" },
	[DISCARD_UPTO]	= { "discard_upto", 1, "DISCARD up to the number of the last released epoch %+d" },
	[LIMIT]		= { "limit", 1, "tc qdisc change dev " DEV " root plug limit %u" },
	[BAD]		= { "bad", 1, "a message with action %d" },
	[STALE]		= { "stale", 1, "action %d to the id of an earlier plug" },
	[DOWN]		= { "down", 0, "ip link set " DEV " down" },
	[UP]		= { "up", 0, "ip link set " DEV " up" },
	[TXQLEN]	= { "txqlen", 1, "ip link set " DEV " txqueuelen %d" },
	[MTU]		= { "mtu", 1, "ip link set " DEV " mtu %d" },
	[TSO]		= { "tso", 1, "ethtool -K " DEV " tso %d" },
	[CLSACT]	= { "clsact", 1, "tc qdisc (0: del, 1: replace) dev " DEV " clsact: %d" },
	[SIBLING]	= { "sibling", 1, "tc qdisc replace dev " DEV " parent 100:2, 0: pfifo, 1: bfifo: %d" },
	[REPLACE]	= { "replace", 2, "tc qdisc replace dev " DEV " root plug, action %d (-2: no options), handle %d:" },
	[RENEW]		= { "renew", 2, "tc qdisc replace dev " DEV " root with another handle, limit %u, action %d" },
	[QUIET]		= { "quiet", 0, "wait" },
};

/* @family: the command goes through the family, although tc has it too. @at_once:
 * the next step follows without checking the result of this one.
 */
struct step {
	enum kind	kind;
	unsigned int	arg[3];
	bool		family;
	bool		at_once;
};

struct steps {
	unsigned int	n;
	struct step	step[ROUND];
};

static size_t step_print(char *buf, size_t size, const struct step *s)
{
	size_t len = snprintf(buf, size, "%s", kinds[s->kind].name);
	int i;

	for (i = 0; i < kinds[s->kind].args; i++)
		len += snprintf(buf + len, size - len, " %d", (int)s->arg[i]);
	if (s->family)
		len += snprintf(buf + len, size - len, " family");
	if (s->at_once)
		len += snprintf(buf + len, size - len, " &");
	return len;
}

static void steps_print(char *buf, size_t size, const struct steps *all)
{
	size_t len = 0;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i < all->n && len + 80 < size; i++) {
		if (i)
			len += snprintf(buf + len, size - len, "; ");
		len += step_print(buf + len, size - len, &all->step[i]);
	}
}

static void step_parse(struct step *s, char *text)
{
	char *save, *word = strtok_r(text, " \n", &save);
	int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; word && i < KINDS && strcmp(word, kinds[i].name); i++)
		;
	if (!word || i == KINDS)
		bail("no such step: %s", word ? word : "(empty)");
	s->kind = i;
	for (i = 0; (word = strtok_r(NULL, " \n", &save)); ) {
		if (!strcmp(word, "&"))
			s->at_once = true;
		else if (!strcmp(word, "family"))
			s->family = true;
		else if (i < kinds[s->kind].args)
			s->arg[i++] = strtoll(word, NULL, 0);
	}
	if (i != kinds[s->kind].args)
		bail("%s wants %d numbers", kinds[s->kind].name, kinds[s->kind].args);
}

static void steps_parse(struct steps *all, char *text)
{
	char *save, *part;

	for (part = strtok_r(text, ";", &save); part && all->n < ROUND;
	     part = strtok_r(NULL, ";", &save))
		step_parse(&all->step[all->n++], part);
}

/* Prints the steps as commands that a user can type. */
static void steps_show(const struct steps *all)
{
	unsigned int i;
	char line[256];

	for (i = 0; i < all->n; i++) {
		const struct step *s = &all->step[i];

		snprintf(line, sizeof(line), kinds[s->kind].command,
			 s->arg[0], s->arg[1], s->arg[2]);
		diag("  %2u. %s%s%s", i + 1, line, s->family ? " (by the family)" : "",
		     s->at_once ? ", and at once" : "");
	}
}

/* ---- the world ---- */

/* The kinds of errors. Only the first error of a round is kept. */
enum wrong { NOTHING, LEAK, ORDER, LOST, STUCK, REFUSAL, DUMP };

static const char *const wrong_names[] = {
	"nothing",
	"I1: a packet left that had not been released",
	"I2: packets left in another order, or twice",
	"I3: an accepted packet was lost",
	"I5: a released packet does not leave",
	"an answer is not the expected one",
	"the plug's state is not the expected one",
};

struct due {
	__u32	number;
	__u16	segments, mss;	/* segments 0: not GSO */
};

/* One plug and its reference, during one round. */
static struct {
	int		nl, ctl, tx, rx;
	struct ref	ref;
	__u32		next;			/* number of the next packet */
	unsigned int	due_head, due_tail, segment;
	unsigned int	handle;
	__u32		parent;			/* of the plug */
	struct control	control;
	__u64		id;			/* of the plug; 0: no family */
	bool		txqlen_resets, graft_resets, clsact, sibling;
	/* Packets sent through an open plug. Some of them may have been queued, if
	 * a separate thread runs the queue (PREEMPT_RT).
	 */
	__u64		open_packets, open_bytes;
	enum wrong	wrong;
	char		text[256];
	unsigned long long steps, frames, commands, by_family, fates[DROPPED + 1];
} w;

static struct ref_packet packets[MAX_FRAMES + 1];
static struct due sent[MAX_FRAMES + 1], due[MAX_FRAMES + 1];

static bool intree, realtime;
static unsigned int patience_ms = 10000;	/* for events that have to happen */
static unsigned int one_waiting;		/* BUFFER only if no epoch waits */
static bool each_settles;			/* check the result of each step */

static void __attribute__((format(printf, 2, 3)))
wrong(enum wrong what, const char *fmt, ...)
{
	va_list ap;

	if (w.wrong)
		return;
	w.wrong = what;
	va_start(ap, fmt);
	vsnprintf(w.text, sizeof(w.text), fmt, ap);
	va_end(ap);
}

/* ---- the device ---- */

static struct ifreq ifreq_for(void)
{
	struct ifreq ifr = { };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), DEV);
	return ifr;
}

static void dev_ioctl(unsigned long request, struct ifreq *ifr)
{
	if (ioctl(w.ctl, request, ifr))
		bail("ioctl %#lx on " DEV ": %s", request, strerror(errno));
}

static void dev_up(bool up)
{
	struct ifreq ifr = ifreq_for();
	int err;
	socklen_t len = sizeof(err);

	dev_ioctl(SIOCGIFFLAGS, &ifr);
	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags &= ~IFF_UP;
	dev_ioctl(SIOCSIFFLAGS, &ifr);
	/* When the link goes down, the sockets get an error. */
	getsockopt(w.tx, SOL_SOCKET, SO_ERROR, &err, &len);
	getsockopt(w.rx, SOL_SOCKET, SO_ERROR, &err, &len);
}

static void dev_txqlen(unsigned int txqlen)
{
	struct ifreq ifr = ifreq_for();

	ifr.ifr_qlen = txqlen;
	dev_ioctl(SIOCSIFTXQLEN, &ifr);
}

static void dev_mtu(unsigned int mtu)
{
	struct ifreq ifr = ifreq_for();

	ifr.ifr_mtu = mtu;
	dev_ioctl(SIOCSIFMTU, &ifr);
}

/* ---- frames ---- */

struct plain_frame {
	struct ethhdr	eth;
	__u32		number;
} __attribute__((packed));

struct tcp_frame {
	struct ethhdr	eth;
	struct iphdr	ip;
	struct tcphdr	tcp;
	char		payload[];
} __attribute__((packed));

/* At the start of each segment's payload. */
struct stamp {
	__u32	number;
	__u32	segment;
};

static union {
	struct {
		struct virtio_net_hdr vnet;
		union {
			struct plain_frame plain;
			struct tcp_frame tcp;
		};
	} __attribute__((packed));
	char room[65536 + 64];
} out;

static size_t plain_build(__u32 number, size_t size)
{
	memset(&out, 0, sizeof(out.vnet) + sizeof(out.tcp));
	memset(out.plain.eth.h_dest, 0xff, ETH_ALEN);
	out.plain.eth.h_source[0] = 2;
	out.plain.eth.h_proto = htons(FRAME_TYPE);
	out.plain.number = number;
	return size;
}

static size_t gso_build(__u32 number, unsigned int segments, unsigned int mss)
{
	size_t size = sizeof(out.tcp) + segments * mss;
	unsigned int i;

	plain_build(number, size);
	out.vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	out.vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	out.vnet.hdr_len = sizeof(out.tcp);
	out.vnet.gso_size = mss;
	out.vnet.csum_start = offsetof(struct tcp_frame, tcp);
	out.vnet.csum_offset = offsetof(struct tcphdr, check);
	out.tcp.eth.h_proto = htons(ETH_P_IP);
	out.tcp.ip.version = 4;
	out.tcp.ip.ihl = 5;
	out.tcp.ip.ttl = 1;
	out.tcp.ip.protocol = IPPROTO_TCP;
	out.tcp.ip.tot_len = htons(size - sizeof(struct ethhdr));
	out.tcp.tcp.doff = 5;
	out.tcp.tcp.ack = 1;
	for (i = 0; i < segments; i++) {
		struct stamp stamp = { number, i };

		memcpy(out.tcp.payload + i * mss, &stamp, sizeof(stamp));
	}
	return size;
}

static void due_collect(__u32 from)
{
	__u32 i;

	/* Packets leave in the order of their numbers. */
	for (i = from; i < w.next; i++)
		if (packets[i].fate == DUE) {
			packets[i].fate = LEFT;
			due[w.due_tail++] = sent[i];
		}
}

static void frame_send(size_t size, size_t counts, __u32 segments, __u32 mss)
{
	bool was_open = ref_open(&w.ref);
	__u32 number = w.next++;
	enum fate fate;
	ssize_t got;

	sent[number] = (struct due){ number, segments, mss };
	ref_send(&w.ref, number, counts);
	fate = packets[number].fate;
	if (was_open && fate == DUE) {
		w.open_packets++;
		w.open_bytes += counts;
	}
	got = send(w.tx, &out, sizeof(out.vnet) + size, 0);
	if (got < 0 && errno != ENOBUFS && errno != ENETDOWN)
		bail("send of %zu bytes: %s", size, strerror(errno));
	if ((got >= 0) != (fate != REFUSED))
		wrong(REFUSAL, "packet %u of %zu bytes was %s", number, counts,
		      got >= 0 ? "accepted" : "refused");
	due_collect(number);
}

static const char *const fate_names[] = {
	"was never sent", "was refused", "is held", "is due", "has left", "was dropped",
};

/* Checks that a frame that left is the next one expected. */
static void frame_check(__u32 number, __u32 segment, size_t size, bool tcp)
{
	const struct due *d = &due[w.due_head];
	bool whole = tcp && d->segments && size == sizeof(struct tcp_frame) +
					   d->segments * d->mss;
	enum fate fate = number < w.next ? packets[number].fate : UNSENT;

	w.frames++;
	if (w.due_head < w.due_tail && d->number == number &&
	    tcp == !!d->segments && segment == w.segment) {
		if (!tcp || whole || ++w.segment == d->segments) {
			w.due_head++;
			w.segment = 0;
		}
		return;
	}
	if (fate == HELD)
		wrong(LEAK, "packet %u of epoch %llu left, released is %llu", number,
		      packets[number].epoch, w.ref.released);
	else
		wrong(ORDER, "packet %u (segment %u), which %s, left", number, segment,
		      fate_names[fate]);
}

/* Checks one frame, if one comes within @ms. False: none came. */
static bool frame_take(int ms)
{
	struct pollfd pfd = { .fd = w.rx, .events = POLLIN };
	union {
		struct plain_frame plain;
		struct {
			struct tcp_frame tcp;
			struct stamp stamp;
		} __attribute__((packed));
	} in;
	ssize_t size;

	if (ms && poll(&pfd, 1, ms) != 1)
		return false;
	size = recv(w.rx, &in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && errno != EAGAIN && errno != ENETDOWN)
		bail("recv: %s", strerror(errno));
	if (size < 0)
		return errno == ENETDOWN;
	if (in.plain.eth.h_proto == htons(FRAME_TYPE))
		frame_check(in.plain.number, 0, size, false);
	else if (in.plain.eth.h_proto == htons(ETH_P_IP) && size > (ssize_t)sizeof(in.tcp))
		frame_check(in.stamp.number, in.stamp.segment, size, true);
	return true;
}

static void silence(void)
{
	while (frame_take(QUIET_MS))
		;
}

/* ---- checking the plug ---- */

#define COMPARE(field, got, want) do {						\
	if ((__u64)(got) != (__u64)(want))					\
		wrong(DUMP, "%s is %llu, not %llu", field,			\
		      (unsigned long long)(got), (unsigned long long)(want));	\
} while (0)

#define COMPARE_STAT(NAME) \
	COMPARE(#NAME, c->stats[SCH_PLUG_A_STATS_##NAME], REF_STAT(r, NAME))

/* Packets sent through an open plug may count as queued; see open_packets. */
static void compare_queued(const struct control_state *c, struct ref *r)
{
	__u64 now = c->stats[SCH_PLUG_A_STATS_QUEUED_PACKETS];
	__u64 extra = now - REF_STAT(r, QUEUED_PACKETS);

	if (realtime && extra && extra <= w.open_packets) {
		REF_STAT(r, QUEUED_PACKETS) = now;
		REF_STAT(r, QUEUED_BYTES) = c->stats[SCH_PLUG_A_STATS_QUEUED_BYTES];
		if (c->stats[SCH_PLUG_A_STATS_MAX_BACKLOG] <= w.open_bytes)
			REF_STAT(r, MAX_BACKLOG) = c->stats[SCH_PLUG_A_STATS_MAX_BACKLOG];
	}
	w.open_packets = w.open_bytes = 0;
	COMPARE_STAT(QUEUED_PACKETS);
	COMPARE_STAT(QUEUED_BYTES);
	COMPARE_STAT(MAX_BACKLOG);
}

/* Checks the numbers that each message of the family has. */
static void compare_numbers(const struct control_state *c)
{
	struct ref *r = &w.ref;

	COMPARE("id", c->id, w.id);
	COMPARE("ifindex", c->ifindex, if_nametoindex(DEV));
	COMPARE("the family's handle", c->handle, w.handle << 16);
	COMPARE("the family's parent", c->parent, w.parent);
	COMPARE("limit", c->limit, r->limit);
	COMPARE("epoch", c->epoch, r->epoch);
	COMPARE("released", c->released, r->released);
	COMPARE("commands", c->commands, ref_commands(r));
	COMPARE("owner", c->has & (1 << SCH_PLUG_A_OWNER), 0);
}

/* Checks what the family reports for an idle plug. */
static void compare_family(const struct control_state *c)
{
	struct ref *r = &w.ref;

	compare_numbers(c);
	COMPARE("the family's qlen", c->qlen, r->qlen);
	COMPARE("the family's backlog", c->backlog, r->backlog);
	COMPARE("stopped", c->stopped, r->stopped);
	COMPARE_STAT(DROPS_LIMIT);
	COMPARE_STAT(DROPS_RESET);
	COMPARE_STAT(DROPS_DISCARD);
	COMPARE_STAT(COPY_FAILURES);
	COMPARE_STAT(BUFFER_CMDS);
	COMPARE_STAT(RELEASE_ONE_CMDS);
	COMPARE_STAT(RELEASE_INDEFINITE_CMDS);
	COMPARE_STAT(LIMIT_CMDS);
	COMPARE_STAT(DISCARD_CMDS);
	COMPARE_STAT(RELEASE_UPTO_CMDS);
	COMPARE("closed for some time", !!c->stats[SCH_PLUG_A_STATS_CLOSED_AGE], !ref_open(r));
	COMPARE("statistics", c->n_stats, SCH_PLUG_A_STATS_MAX - 1 - ref_open(r));
	compare_queued(c, r);
}

/* Checks GET of the plug: the module has separate code for GET and for dumps. */
static void compare_get(void)
{
	struct control_reply reply;
	int err = control_get(&w.control, w.id, &reply);

	COMPARE("error of GET", -err, 0);
	if (!err)
		compare_family(&reply.state);
}

static void compare(const struct plug_state *st)
{
	struct ref *r = &w.ref;

	COMPARE("handle", st->handle, w.handle << 16);
	COMPARE("TCA_OPTIONS", st->has_options, false);
	COMPARE("TCA_STATS_APP", st->has_xstats, false);
	COMPARE("qlen", st->qlen, r->qlen);
	COMPARE("backlog", st->backlog, r->backlog);
	COMPARE("bytes sent", st->sent_bytes, r->sent_bytes);
	COMPARE("drops", st->drops, REF_STAT(r, DROPS_LIMIT) + REF_STAT(r, DROPS_RESET) +
				    REF_STAT(r, DROPS_DISCARD));
	COMPARE("known to the family", st->has_state, true);
	compare_family(&st->ctl);
	COMPARE("head epoch", st->ctl.head_epoch, r->qlen ? packets[r->head].epoch : 0);
	COMPARE("tail epoch", st->ctl.tail_epoch, r->qlen ? packets[r->tail].epoch : 0);
	compare_get();
}

/* BUFFER may have shut the valve before all due packets had left. Returns how many
 * packets are held again because of this.
 */
static unsigned int held_after_all(const struct plug_state *st)
{
	return w.ref.shut && st->qlen > w.ref.qlen ? st->qlen - w.ref.qlen : 0;
}

static void stop_due(unsigned int n)
{
	while (n--)
		ref_stop(&w.ref, due[--w.due_tail].number);
}

static struct plug_state look(void)
{
	struct plug_state st;

	if (!qdisc_get(w.nl, DEV, w.parent, &st) || strcmp(st.kind, "plug"))
		bail("there is no plug");
	return st;
}

/* Waits until all due frames have left, then compares. It gives up when no frame has
 * left for patience_ms.
 */
static void settle(void)
{
	__u64 end = now_ns() + patience_ms * 1000000ULL;
	struct plug_state st;
	unsigned int stopped;

	for (;;) {
		while (!w.wrong && frame_take(0))
			end = now_ns() + patience_ms * 1000000ULL;
		st = look();
		if (w.wrong)
			return;
		stopped = held_after_all(&st);
		if (st.qlen == w.ref.qlen + stopped &&
		    w.due_tail - w.due_head == stopped)
			break;
		if (st.qlen < w.ref.qlen)
			silence();	/* to see which ones left */
		if (st.qlen < w.ref.qlen)
			wrong(LOST, "%u packets in the queue, not %u", st.qlen, w.ref.qlen);
		if (now_ns() > end && st.qlen > w.ref.qlen && !w.ref.shut)
			wrong(STUCK, "packet %u does not leave; %u in the queue, not %u",
			      due[w.due_head].number, st.qlen, w.ref.qlen);
		if (now_ns() > end)
			wrong(LOST, "packet %u is not in the queue and did not leave",
			      due[w.due_head].number);
		frame_take(1);
	}
	stop_due(stopped);
	if (!intree)
		compare(&st);
}

/* ---- executing steps ---- */

/* Sends a command by rtnetlink, like tc. */
static int message(int action, __u32 limit, __u16 flags, unsigned int handle)
{
	struct tc_plug_qopt qopt = { .action = action, .limit = limit };
	struct plug_msg msg = {
		.dev = DEV, .parent = w.parent, .flags = flags,
		.handle = handle << 16,
		.options = action == NO_OPTIONS ? NULL : &qopt,
		.options_len = sizeof(qopt),
	};

	return nl_request(w.nl, &msg, NULL);
}

/* Sends a command through the family; checks the state in the answer. */
static int request(int action, const __u64 *arg)
{
	struct control_reply reply;
	int err = control_change(&w.control, w.id, action, arg, &reply);

	w.by_family++;
	COMPARE("answers", reply.states, !err);
	if (!err)
		compare_numbers(&reply.state);
	return err;
}

static void answered(int action, int got, int want)
{
	if (got != want)
		wrong(REFUSAL, "action %d was answered with %d, not %d", action, got, want);
	w.commands++;
}

/* Executes one command in the kernel and in the reference. */
static void command(const struct step *s, int action, const __u64 *arg)
{
	bool only_family = action == TCQ_PLUG_RELEASE_UPTO || action == TCQ_PLUG_DISCARD;
	__u32 oldest = w.ref.head;
	int got, want = ref_command(&w.ref, action, arg);

	if (s->family || only_family)
		got = request(action, arg);
	else
		got = message(action, arg ? *arg : 0, 0, 0);
	answered(action, got, want);
	due_collect(oldest);
}

/* The step has the epoch relative to the last one released. */
static void command_upto(const struct step *s, int action)
{
	__u64 epoch = w.ref.released + (int)s->arg[0];

	command(s, action, &epoch);
}

/* Sends an action that the interface must refuse. TCQ_PLUG_DISCARD always goes by
 * rtnetlink, because the family would accept it.
 */
static void command_bad(const struct step *s)
{
	int action = s->arg[0];

	if (s->family && action != TCQ_PLUG_DISCARD)
		answered(action, request(action, NULL), -EINVAL);
	else
		answered(action, message(action, 0, 0, 0), -EINVAL);
}

/* Sends an action to the previous id. Ids only grow, so no plug has it. */
static void command_stale(const struct step *s)
{
	int action = s->arg[0];

	answered(action, control_do(&w.control, w.id - 1, action, NULL), -ENOENT);
}

/* Changes the plug by a message that would create one if there were none. */
static void replace(int action, unsigned int handle)
{
	__u32 oldest = w.ref.head;
	__u64 limit = 0;
	int want = action == NO_OPTIONS ? 0 : ref_command(&w.ref, action, &limit);

	answered(action, message(action, limit, NLM_F_CREATE | NLM_F_REPLACE, handle), want);
	due_collect(oldest);
}

static void send_step(const struct step *s)
{
	unsigned int i, segments = s->kind == GSO ? s->arg[1] : 0;
	unsigned int mss = s->kind == GSO ? s->arg[2] : 0;
	size_t size;

	for (i = 0; i < s->arg[0] && !w.wrong && w.next < MAX_FRAMES; i++) {
		size = segments ? gso_build(w.next, segments, mss) :
				  plain_build(w.next, s->arg[1]);
		/* The qdisc counts the headers that segmentation will add. */
		frame_send(size, size + (segments ? segments - 1 : 0) * sizeof(struct tcp_frame),
			   segments, mss);
	}
}

/* Like must(), without output: there are hundreds of these commands. */
static void __attribute__((format(printf, 1, 2)))
must_quietly(const char *fmt, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (quiet_sh("%s", command))
		bail("this failed: %s", command);
}

static __u64 new_id(void)
{
	__u64 id = control_find(&w.control, DEV, w.parent).id;

	if (id <= w.id)
		wrong(DUMP, "the id %llu is not above %llu", id, w.id);
	return id;
}

static void renew(unsigned int limit, bool open)
{
	int action = open ? TCQ_PLUG_RELEASE_INDEFINITE : TCQ_PLUG_BUFFER;
	int err;

	w.handle = w.handle % 2 + 1;
	err = message(action, limit, NLM_F_CREATE | NLM_F_REPLACE, w.handle);
	if (err)
		bail("a new plug: %s", strerror(-err));
	if (!intree)
		w.id = new_id();
	ref_create(&w.ref, limit, open);
}

/* Attaches a new qdisc beside the plug. */
static void graft(const char *what)
{
	must_quietly("tc qdisc replace dev " DEV " %s", what);
	ref_attach(&w.ref);
	if (w.graft_resets && w.ref.link_up)
		ref_reset(&w.ref);
}

/* Attaches a qdisc to the other queue. One of the same kind would only be changed. */
static void sibling(bool bfifo)
{
	if (w.parent == TC_H_ROOT || bfifo == w.sibling)
		return;
	w.sibling = bfifo;
	graft(bfifo ? "parent 100:2 bfifo" : "parent 100:2 pfifo");
}

static void clsact(bool on)
{
	if (on == w.clsact)
		return;
	w.clsact = on;
	if (on) {
		graft("clsact");
		return;
	}
	must_quietly("tc qdisc del dev " DEV " clsact");
	if (w.graft_resets && w.ref.link_up)
		ref_reset(&w.ref);
}

static void step_do(const struct step *s)
{
	struct ref *r = &w.ref;

	switch (s->kind) {
	case SEND:
	case GSO:
		send_step(s);
		break;
	case BUFFER:
		if (!one_waiting || r->released + 1 >= r->epoch)
			command(s, TCQ_PLUG_BUFFER, NULL);
		break;
	case RELEASE_ONE:
		command(s, TCQ_PLUG_RELEASE_ONE, NULL);
		break;
	case OPEN:
		command(s, TCQ_PLUG_RELEASE_INDEFINITE, NULL);
		break;
	case UPTO:
		command_upto(s, TCQ_PLUG_RELEASE_UPTO);
		break;
	case DISCARD:
		command(s, TCQ_PLUG_DISCARD, NULL);
		break;
	case DISCARD_UPTO:
		command_upto(s, TCQ_PLUG_DISCARD);
		break;
	case LIMIT:
		command(s, TCQ_PLUG_LIMIT, &(__u64){ s->arg[0] });
		break;
	case BAD:
		command_bad(s);
		break;
	case STALE:
		command_stale(s);
		break;
	case DOWN:
		dev_up(false);
		ref_link(r, false);
		break;
	case UP:
		dev_up(true);
		ref_link(r, true);
		break;
	case TXQLEN:
		dev_txqlen(s->arg[0]);
		ref_txqlen(r, s->arg[0]);
		break;
	case MTU:
		dev_mtu(s->arg[0]);
		r->mtu = s->arg[0];
		break;
	case TSO:
		link_tso(DEV, s->arg[0]);
		break;
	case CLSACT:
		clsact(s->arg[0]);
		break;
	case SIBLING:
		sibling(s->arg[0]);
		break;
	case REPLACE:
		replace(s->arg[0], s->arg[1] ? w.handle : 0);
		break;
	case RENEW:
		renew(s->arg[0], s->arg[1]);
		break;
	case QUIET:
		silence();
		break;
	case KINDS:
		break;
	}
}

/* Whether the next step may follow at once. It must be a command: the effect of a
 * send or a reset would depend on how many released packets have left.
 */
static bool may_hurry(const struct steps *all, unsigned int i)
{
	const struct step *next = &all->step[i + 1];

	return all->step[i].at_once && !each_settles && i + 1 < all->n &&
	       next->kind >= BUFFER && next->kind <= STALE;
}

static void count_fates(void)
{
	__u32 i;

	for (i = 1; i < w.next; i++)
		w.fates[packets[i].fate]++;
}

/* Begins a round: sets up the device with a new plug, and numbers packets from 1. */
static void start(void)
{
	memset(packets, 0, sizeof(packets[0]) * (w.next + 1));
	memset(w.text, 0, sizeof(w.text));
	w.wrong = NOTHING;
	w.next = 1;
	w.due_head = w.due_tail = w.segment = 0;
	w.open_packets = w.open_bytes = 0;
	w.ref = (struct ref){ .packet = packets, .txqlen = 1000, .mtu = 9000,
			      .last_epoch = w.ref.last_epoch, .link_up = true,
			      .txqlen_resets = w.txqlen_resets };
	dev_up(true);
	dev_txqlen(1000);
	dev_mtu(9000);
	link_tso(DEV, true);
	clsact(false);
	sibling(false);
	renew(20000000, false);
	/* Drop frames that the previous plug may have sent until it was deleted. */
	while (recv(w.rx, &out, sizeof(out), MSG_DONTWAIT) >= 0 || errno == ENETDOWN)
		;
}

/* Runs all steps on a new plug; returns the number of steps executed. */
static unsigned int run(const struct steps *all)
{
	unsigned int i;

	start();
	for (i = 0; i < all->n && !w.wrong; i++) {
		step_do(&all->step[i]);
		if (!w.wrong && !may_hurry(all, i))
			settle();
	}
	if (!w.wrong)
		silence();
	count_fates();
	w.steps += i;
	return i;
}

/* Runs on the first @n processors from now on. */
static void processors(unsigned int n)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	while (n--)
		CPU_SET(n, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		bail("sched_setaffinity: %s", strerror(errno));
}

/* ---- random steps ---- */

static __u64 chance;

static __u64 chance_next(void)
{
	__u64 z = chance += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static unsigned int upto(unsigned int n)
{
	return chance_next() % n;
}

static unsigned int pick(unsigned int n, const unsigned int *of)
{
	return of[upto(n)];
}

#define PICK(...) pick(sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int), \
		       (unsigned int[]){ __VA_ARGS__ })

static const unsigned int weights[KINDS] = {
	[SEND] = 300, [GSO] = 60, [BUFFER] = 170, [RELEASE_ONE] = 130, [OPEN] = 20,
	[UPTO] = 60, [DISCARD] = 20, [DISCARD_UPTO] = 40, [LIMIT] = 30, [BAD] = 10, [STALE] = 10, [DOWN] = 4, [UP] = 40,
	[TXQLEN] = 4, [MTU] = 4, [TSO] = 4, [CLSACT] = 4, [SIBLING] = 4, [REPLACE] = 30, [RENEW] = 4, [QUIET] = 1,
};

static enum kind kind_random(const unsigned int *weight)
{
	unsigned int sum = 0, i;

	for (i = 0; i < KINDS; i++)
		sum += weight[i];
	sum = upto(sum);
	for (i = 0; sum >= weight[i]; i++)
		sum -= weight[i];
	return i;
}

/* Whether both interfaces have this command. */
static bool has_both(enum kind kind)
{
	switch (kind) {
	case BUFFER:
	case RELEASE_ONE:
	case OPEN:
	case LIMIT:
	case BAD:
		return true;
	default:
		return false;
	}
}

static void step_random(struct step *s, const unsigned int *weight)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind_random(weight);
	s->at_once = s->kind >= BUFFER && s->kind <= STALE && !upto(3);
	s->family = !intree && has_both(s->kind) && upto(2);
	switch (s->kind) {
	case SEND:
		s->arg[0] = PICK(1, 1, 1, 2, 3, 5, 20, 100);
		s->arg[1] = PICK(60, 60, 61, 100, 1000, 1514, 9014);
		break;
	case GSO:
		s->arg[0] = PICK(1, 1, 1, 2, 5);
		s->arg[1] = PICK(2, 2, 3, 10, 44);
		s->arg[2] = PICK(100, 536, 1448);
		break;
	case UPTO:
		s->arg[0] = PICK(-100, -1, 0, 1, 1, 1, 2, 3, 4);
		break;
	case DISCARD_UPTO:
		s->arg[0] = PICK(-100, -1, 0, 1, 1, 1, 2, 2, 3, 1000);
		break;
	case STALE:
		s->arg[0] = PICK(TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE,
				 TCQ_PLUG_RELEASE_INDEFINITE, TCQ_PLUG_DISCARD);
		break;
	case LIMIT:
		s->arg[0] = PICK(0, 0, 1, 200, 2000, 20000, 200000, 20000000, ~0U);
		break;
	case BAD:
		s->arg[0] = PICK(4, 5, 255, TCQ_PLUG_DISCARD, TCQ_PLUG_RELEASE_UPTO, 258, -1,
				 0x80000000, 0x10000);
		break;
	case TXQLEN:
		s->arg[0] = PICK(0, 1, 1000, 5000, 30000);
		break;
	case MTU:
		s->arg[0] = PICK(9000, 20000, 65000);
		break;
	case TSO:
	case CLSACT:
	case SIBLING:
		s->arg[0] = upto(2);
		break;
	case REPLACE:
		s->arg[0] = PICK(NO_OPTIONS, TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE,
				 TCQ_PLUG_RELEASE_INDEFINITE, TCQ_PLUG_LIMIT);
		s->arg[1] = upto(2);
		break;
	case RENEW:
		s->arg[0] = PICK(0, 5000, 20000000);
		s->arg[1] = upto(2);
		break;
	default:
		break;
	}
}

/* Makes @n random steps from the seed. */
static void steps_random(struct steps *all, __u64 seed, unsigned int n,
			 const unsigned int *weight)
{
	chance = seed;
	for (all->n = 0; all->n < n; all->n++)
		step_random(&all->step[all->n], weight);
}

/* ---- shrinking ---- */

#define PAIRS_MAX 12	/* with this many steps or fewer, try to leave out each pair */

static unsigned int tries = 1;
static bool keep_numbers;	/* do not shrink frames: the timing depends on them */

/* Whether these steps fail with the error @what, in one of @tries runs. */
static bool fails(const struct steps *all, enum wrong what)
{
	unsigned int i;

	for (i = 0; i < tries; i++) {
		run(all);
		if (w.wrong == what)
			return true;
	}
	return false;
}

static bool without(struct steps *all, unsigned int from, unsigned int n, enum wrong what)
{
	struct steps less = *all;

	memmove(&less.step[from], &less.step[from + n],
		(less.n - from - n) * sizeof(less.step[0]));
	less.n -= n;
	if (!fails(&less, what))
		return false;
	*all = less;
	return true;
}

/* Leaves out two steps that only make sense together, like link down and up. */
static bool without_two(struct steps *all, enum wrong what)
{
	unsigned int i, j;
	struct steps less;

	for (i = 0; i + 1 < all->n; i++) {
		less = *all;
		memmove(&less.step[i], &less.step[i + 1],
			(--less.n - i) * sizeof(less.step[0]));
		for (j = i; j < less.n; j++) {
			if (!without(&less, j, 1, what))
				continue;
			*all = less;
			return true;
		}
	}
	return false;
}

static bool lower(struct steps *all, unsigned int i, unsigned int arg, unsigned int value,
		  enum wrong what)
{
	struct steps less = *all;

	if (less.step[i].arg[arg] <= value)
		return false;
	less.step[i].arg[arg] = value;
	if (!fails(&less, what))
		return false;
	*all = less;
	return true;
}

/* Tries step @i with fewer or smaller frames, without following at once, and through
 * tc, which users can type. Returns whether one of these still fails.
 */
static bool simplify(struct steps *all, unsigned int i, enum wrong what)
{
	struct step *s = &all->step[i];
	struct steps less;
	bool any = false;

	if (!keep_numbers && (s->kind == SEND || s->kind == GSO)) {
		any |= lower(all, i, 0, 1, what) || lower(all, i, 0, 2, what) ||
		       lower(all, i, 0, s->arg[0] / 2, what) ||
		       lower(all, i, 0, s->arg[0] - 1, what);
		any |= s->kind == SEND && lower(all, i, 1, 60, what);
		any |= s->kind == GSO && lower(all, i, 1, 2, what);
		any |= s->kind == GSO && lower(all, i, 2, 100, what);
	}
	if (s->at_once) {
		less = *all;
		less.step[i].at_once = false;
		if (fails(&less, what)) {
			*all = less;
			any = true;
		}
	}
	if (s->family) {
		less = *all;
		less.step[i].family = false;
		if (fails(&less, what)) {
			*all = less;
			any = true;
		}
	}
	return any;
}

static void shrink(struct steps *all, enum wrong what)
{
	unsigned int n, i;
	bool any;

	do {
		any = false;
		for (n = all->n / 2 ? all->n / 2 : 1; n; n /= 2)
			for (i = all->n; i-- > 0; )
				if (i + n <= all->n)
					any |= without(all, i, n, what);
		for (i = 0; i < all->n; i++)
			any |= simplify(all, i, what);
		if (!any && all->n <= PAIRS_MAX)
			any = without_two(all, what);
	} while (any);
}

static void report(struct steps *all, unsigned int done, __u64 seed)
{
	char text[16384];
	enum wrong what = w.wrong;

	diag("%s: step %u: %s", wrong_names[what], done, w.text);
	all->n = done;
	steps_print(text, sizeof(text), all);
	diag("seed %llu; all steps: 'bin/model --replay %s'", (unsigned long long)seed, text);
	if (!fails(all, what)) {
		diag("the same steps do not fail again: a race");
		return;
	}
	shrink(all, what);
	run(all);
	diag("the shortest sequence that fails (%u steps): %s", all->n, w.text);
	steps_show(all);
	steps_print(text, sizeof(text), all);
	diag("tests/vm/run KERNEL 'bin/model --replay %s'", text);
}

/* Uses all processors, and tries a sequence ten times. A step that follows at once
 * has an effect only if a release is still under way on another processor, and often
 * it is not.
 */
static void be_hasty(void)
{
	tries = 10;
	processors(sysconf(_SC_NPROCESSORS_ONLN));
}

/* ---- runs ---- */

/* Whether @change resets the qdiscs of the device, as it does in many kernels. This
 * is tried with a netem that holds a packet.
 */
static bool resets(void (*change)(void), const char *what)
{
	struct plug_state st;
	bool found;

	must("tc qdisc add dev " DEV " root netem delay 250s");
	if (send(w.tx, &out, sizeof(out.vnet) + plain_build(1, 60), 0) < 0)
		bail("send: %s", strerror(errno));
	change();
	found = qdisc_get(w.nl, DEV, TC_H_ROOT, &st);
	if (!found || strcmp(st.kind, "netem") || st.qlen > 1)
		bail("no netem to see what %s does", what);
	must("tc qdisc del dev " DEV " root");
	diag("%s %s a qdisc in this kernel", what, st.qlen ? "does not reset" : "resets");
	return !st.qlen;
}

static void another_txqlen(void)
{
	dev_txqlen(77);
}

static void another_clsact(void)
{
	must("tc qdisc add dev " DEV " clsact && tc qdisc del dev " DEV " clsact");
}

static void device_make(void)
{
	link_clear(DEV);
	plug_forget();
	must("ip link add " DEV " numtxqueues 2 mtu 65000 type dummy && ip link set " DEV " up");
}

/* All frames have priority 0, so they go through the first queue. */
static void become_leaf(void)
{
	must("tc qdisc add dev " DEV " root handle 100: mqprio num_tc 2 map 0 0 0 0 1 1 1 1 0 queues 1@0 1@1 hw 0");
	must("tc qdisc add dev " DEV " parent 100:2 pfifo");
	w.parent = 0x1000001;
}

static void setup(bool leaf)
{
	struct wire wire;
	int one = 1;

	processors(1);
	realtime = !access("/sys/kernel/realtime", R_OK);

	device_make();
	wire_open(&wire, DEV);
	w.tx = wire.tx;
	w.rx = wire.rx;
	w.nl = nl_open();
	w.ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w.ctl < 0 || setsockopt(w.tx, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		bail("sockets: %s", strerror(errno));
	w.next = 1;
	w.txqlen_resets = resets(another_txqlen, "another txqueuelen");
	w.graft_resets = resets(another_clsact, "a clsact");
	w.parent = TC_H_ROOT;
	if (leaf)
		become_leaf();
}

/* Loads the module, as no plug has done it yet, and opens the family. */
static void family_open(void)
{
	must("modprobe sch_plug");
	w.control = control_open();
}

static void run_random(__u64 seed, unsigned int steps)
{
	static struct steps all;
	unsigned int done = 0, now;
	__u64 s;

	diag("model --seed %llu --steps %u", (unsigned long long)seed, steps);
	for (s = seed; done < steps; s++) {
		steps_random(&all, s, steps - done < ROUND ? steps - done : ROUND, weights);
		now = run(&all);
		done += now;
		if (w.wrong) {
			report(&all, now, s);
			break;
		}
	}
	diag("%llu commands, %llu by the family; of the packets %llu left, %llu were refused, %llu dropped",
	     w.commands, w.by_family, w.fates[LEFT], w.fates[REFUSED], w.fates[DROPPED]);
	ok(done >= steps, "%u steps: all as the reference says", done);
	if (steps >= ROUND)
		ok(w.by_family && w.by_family < w.commands, "commands went by both interfaces");
}

/* ---- the module that comes with kernels ---- */

/* The known faults of the in-tree module, and the settings that find them. In the
 * first row the module is used as it was meant to be, and nothing must be found:
 * this row detects false alarms of the checker.
 */
static const struct hunt {
	const char	*name;
	enum wrong	what;
	unsigned int	one_waiting;	/* BUFFER only when no epoch waits */
	bool		hurry;		/* steps follow at once */
	unsigned int	steps;		/* in a round */
	unsigned int	burst;		/* frames in one send, at most */
	unsigned int	link;		/* weight of link down and up */
	unsigned int	open;		/* weight of RELEASE_INDEFINITE */
} hunts[] = {
	{ "one epoch waits, nothing else happens", NOTHING, 1, false, 40, 5, 0, 10 },
	{ "several epochs wait", LEAK, 0, false, 40, 5, 0, 0 },
	{ "several epochs wait", STUCK, 0, false, 40, 5, 0, 0 },
	{ "the link goes down and up, one epoch waits", LEAK, 1, false, 40, 5, 20, 0 },
	{ "BUFFER comes right after a release, one epoch waits", STUCK, 1, true, 10, 20000, 0, 40 },
};

static void hunt_steps(struct steps *all, const struct hunt *h, __u64 seed)
{
	unsigned int weight[KINDS] = {
		[SEND] = 50, [BUFFER] = 50, [RELEASE_ONE] = 40, [OPEN] = h->open,
		[DOWN] = h->link, [UP] = h->link, [LIMIT] = 2,
	};
	unsigned int i;

	steps_random(all, seed, h->steps, weight);
	for (i = 0; i < all->n; i++) {
		struct step *s = &all->step[i];

		if (s->kind == SEND) {
			s->arg[0] = 1 + upto(h->burst);
			s->arg[1] = 60;
		} else if (s->kind == LIMIT) {
			s->arg[0] = PICK(100000, 20000000);
		}
		s->at_once = h->hurry && (s->kind == OPEN || s->kind == RELEASE_ONE);
	}
}

/* Runs rounds until several have failed as @h says. Shrinks each of these, and keeps
 * the shortest in @best. Returns whether any has failed.
 */
static bool hunt_one(const struct hunt *h, __u64 seed, struct steps *best)
{
	static struct steps all;
	/* A round with hurry is short, and rarely has the right steps: run more. */
	const unsigned int rounds = h->hurry ? 200 : 60;
	unsigned int round, found = 0, done;

	best->n = ~0U;
	for (round = 0; round < rounds && found < (h->hurry ? 3 : 10); round++) {
		hunt_steps(&all, h, seed + round);
		done = run(&all);
		if (!w.wrong)
			continue;
		if (h->what == NOTHING) {
			report(&all, done, seed + round);
			return true;
		}
		all.n = done;
		if (w.wrong != h->what || !fails(&all, h->what))
			continue;
		found++;
		shrink(&all, h->what);
		if (all.n < best->n)
			*best = all;
	}
	return found;
}

static void hunt_show(unsigned int n, const struct hunt *h, struct steps *best)
{
	char text[4096];
	unsigned int i;

	patience_ms = 2000;
	for (i = 0; i < 10 && !fails(best, h->what); i++)
		;
	ok(w.wrong == h->what, "found: %s, when %s", wrong_names[h->what], h->name);
	if (w.wrong != h->what)
		return;
	steps_print(text, sizeof(text), best);
	diag("fault %u when %s", n, h->name);
	diag("fault %u what %s", n, wrong_names[h->what]);
	diag("fault %u seen %s", n, w.text);
	diag("fault %u replay %s", n, text);
	for (i = 0; i < best->n; i++) {
		const struct step *s = &best->step[i];

		snprintf(text, sizeof(text), kinds[s->kind].command,
			 s->arg[0], s->arg[1], s->arg[2]);
		diag("fault %u step %s%s", n, text, s->at_once ? ", and at once" : "");
	}
}

static void run_hunts(__u64 seed)
{
	static struct steps best;
	unsigned int i;

	for (i = 0; i < sizeof(hunts) / sizeof(hunts[0]); i++) {
		const struct hunt *h = &hunts[i];
		bool found;

		patience_ms = 200;
		one_waiting = h->one_waiting;
		each_settles = !h->hurry;
		keep_numbers = h->hurry;
		tries = 2;
		processors(1);
		if (h->hurry)
			be_hasty();
		w.steps = 0;
		found = hunt_one(h, seed, &best);
		diag("%llu steps: %s", w.steps, h->name);
		if (h->what == NOTHING)
			ok(!found, "nothing wrong when %s", h->name);
		else if (found)
			hunt_show(i, h, &best);
		else
			ok(false, "found: %s, when %s", wrong_names[h->what], h->name);
	}
}

/* Runs the steps in @words, which may be one argument or several. */
static void run_replay(char **words)
{
	static char text[65536];
	static struct steps all;
	unsigned int done;
	size_t len = 0;

	for (; *words && len < sizeof(text) - 1; words++)
		len += snprintf(text + len, sizeof(text) - len, "%s ", *words);
	steps_parse(&all, text);
	do
		done = run(&all);
	while (!w.wrong && --tries);
	if (w.wrong)
		diag("step %u: %s: %s", done, wrong_names[w.wrong], w.text);
	steps_print(text, sizeof(text), &all);
	ok(!w.wrong, "as the reference says: %s", text);
}

int main(int argc, char **argv)
{
	__u64 seed = 0;
	unsigned int steps = 3000;
	char **replay = NULL;
	bool hurry = false, leaf = false;
	int i;

	for (i = 1; i < argc && !replay; i++) {
		if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--steps") && i + 1 < argc)
			steps = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--replay") && i + 1 < argc)
			replay = argv + i + 1;
		else if (!strcmp(argv[i], "--intree"))
			intree = true;
		else if (!strcmp(argv[i], "--leaf"))
			leaf = true;
		else if (!strcmp(argv[i], "--hurry"))
			hurry = true;
		else
			bail("usage: see the top of model.c");
	}
	if (!seed)
		seed = intree ? 1 : now_ns() % 1000000000;
	setup(leaf);
	if (!intree)
		family_open();
	if (hurry)
		be_hasty();
	if (replay)
		run_replay(replay);
	else if (intree)
		run_hunts(seed);
	else
		run_random(seed, steps);
	link_delete(DEV);
	return done_testing();
}
