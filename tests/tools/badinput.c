// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Input that no honest program sends: every length of message and of options,
 * every action, attributes with wrong types and lengths, random trees of them;
 * by root, by a user without rights, and by the root of a user namespace, to
 * whom only its own devices answer. A refusal changes nothing (I1, I4); what
 * is accepted does what its action says, and nothing else.
 *
 *	badinput [COUNT [FLOOD [SEED]]]	that many random messages (20000), with a look
 *					at the plug after each; and FLOOD more
 *					without (0), for kernels that look themselves
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "plugtest.h"

#define DEV "pa"
#define OTHER "pb"		/* has no plug */

static int nl;
static struct wire w;
static struct plug_reply reply;
static int ifindex;		/* of DEV: neither it */
static __u32 default_limit;	/* nor this of its plug ever changes */

/* ---- what a message may do ---- */

/* The state once all that may leave has left. */
static struct plug_state settled(void)
{
	struct plug_state st;

	do {
		st = plug_get(nl, DEV);
	} while (st.qlen && st.head_epoch <= st.released && !st.stopped);
	return st;
}

static bool is_action(int action)
{
	return (action >= TCQ_PLUG_BUFFER && action <= TCQ_PLUG_LIMIT) ||
	       action == TCQ_PLUG_DISCARD || action == TCQ_PLUG_RELEASE_UPTO;
}

/* What an accepted message with that tc_plug_qopt makes of the epochs and the
 * limit. How far RELEASE_UPTO went is for other tests to say.
 */
static bool did_what_it_says(const struct tc_plug_qopt *qopt,
			     const struct plug_state *before,
			     const struct plug_state *after)
{
	__u64 epoch = before->epoch, released = before->released;
	__u32 limit = before->qopt.limit;

	switch (qopt->action) {
	case TCQ_PLUG_BUFFER:
		epoch++;
		break;
	case TCQ_PLUG_RELEASE_ONE:
		released += released + 1 < epoch;
		break;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		released = epoch;
		break;
	case TCQ_PLUG_LIMIT:
		limit = qopt->limit ? qopt->limit : default_limit;
		break;
	case TCQ_PLUG_DISCARD:
		if (released != epoch)
			released = epoch++;
		break;
	case TCQ_PLUG_RELEASE_UPTO:
		released = after->released;
		if (released < before->released ||
		    (released >= epoch && released != before->released))
			return false;
		break;
	default:
		return false;
	}
	return after->epoch == epoch && after->released == released &&
	       after->qopt.limit == limit;
}

static bool unchanged(const struct plug_state *before)
{
	struct plug_state after = plug_get(nl, DEV);

	return plug_same(before, &after);
}

/* The message was accepted: @state was before it, and is now after it. */
static bool obeyed(const struct plug_msg *msg, struct plug_state *state)
{
	const struct plug_state before = *state;
	struct tc_plug_qopt qopt;

	*state = settled();
	if (msg->options_len < sizeof(qopt))
		return false;
	memcpy(&qopt, msg->options, sizeof(qopt));
	return did_what_it_says(&qopt, &before, state);
}

/* ---- lengths and actions ---- */

static const int actions[] = {
	TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_INDEFINITE,
	TCQ_PLUG_LIMIT, TCQ_PLUG_DISCARD, TCQ_PLUG_RELEASE_UPTO,
	-1, 4, 5, 127, 128, 255, 258, 259, 0x100, 0xffff, 0x10000, 0x1000000,
	0x7fffffff, -0x7fffffff - 1, -2, -256, -257,
};

#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static void test_lengths(void)
{
	unsigned int len, a, fill, bad = 0, refused = 0, accepted = 0;
	char options[64];

	diag("options of 0 to 64 bytes, %zu actions, three fillings", N_ACTIONS);
	for (len = 0; len <= sizeof(options); len++) {
		for (a = 0; a < N_ACTIONS * 3 * 2; a++) {
			struct tc_plug_qopt qopt = {
				.action = actions[a / 6], .limit = 1000000,
			};
			struct plug_state before = settled();
			struct plug_msg msg = {
				.dev = DEV, .parent = TC_H_ROOT, .nested = a & 1,
				.options = options, .options_len = len,
			};
			bool right;
			int err;

			fill = a / 2 % 3;
			memset(options, fill == 0 ? 0 : fill == 1 ? 0xff : 0x0c,
			       sizeof(options));
			memcpy(options, &qopt, sizeof(qopt));
			err = nl_request(nl, &msg, &reply);
			right = err ? unchanged(&before) : obeyed(&msg, &before);
			if (len < sizeof(qopt) || !is_action(qopt.action) ||
			    (qopt.action == TCQ_PLUG_DISCARD && len > sizeof(qopt)))
				right &= err == -EINVAL && reply.extack[0];
			else if (qopt.action != TCQ_PLUG_RELEASE_UPTO)
				right &= !err;
			refused += !!err;
			accepted += !err;
			if (!right && !bad++)
				diag("first: %u bytes, action %d, filling %u: %d",
				     len, qopt.action, fill, err);
		}
	}
	diag("%u accepted, %u refused", accepted, refused);
	is_u64(bad, 0, "every length and action is answered as it should be");
	ok(accepted && refused, "some were accepted and some refused");
}

/* The netlink message itself cut to any length, which the kernel may answer or
 * not: it is not waited for.
 */
static void test_cut(void)
{
	struct {
		struct nlmsghdr nlh;
		struct tcmsg tcm;
		char attrs[28];
	} whole = {
		.nlh = {
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.tcm = { .tcm_ifindex = if_nametoindex(DEV), .tcm_parent = TC_H_ROOT },
	};
	struct tc_plug_qopt qopt = { .action = TCQ_PLUG_BUFFER };
	struct plug_state before = settled(), after;
	unsigned int sent, said, whole_ones = 0, full;
	bool same = true;
	char answer[1024];

	diag("messages of 0 to 64 bytes that say they have 0 to 72");
	full = (char *)whole.attrs - (char *)&whole;
	full += attr_at((char *)&whole + full, TCA_KIND, "plug", 5);
	full += attr_at((char *)&whole + full, TCA_OPTIONS, &qopt, sizeof(qopt));
	for (sent = 0; sent <= sizeof(whole); sent++) {
		for (said = 0; said <= 72; said++) {
			whole.nlh.nlmsg_len = said;
			if (send(nl, &whole, sent, 0) < 0 && errno != EINVAL && errno != ENODATA)
				bail("send: %s", strerror(errno));
			while (recv(nl, answer, sizeof(answer), MSG_DONTWAIT) > 0)
				;
			/* Up to the alignment of the last attribute */
			whole_ones += said >= full && sent >= said;
		}
	}
	after = settled();
	same = after.released == before.released &&
	       after.epoch == before.epoch + whole_ones;
	if (!ok(same && whole_ones, "only the %u whole ones were obeyed", whole_ones))
		diag("the epoch was %llu and is %llu", (unsigned long long)before.epoch,
		     (unsigned long long)after.epoch);
}

/* ---- random messages ---- */

static unsigned int pick(unsigned int n)
{
	return random() % n;
}

/* A length near @right, or far from it. */
static unsigned int wrong_len(unsigned int right)
{
	switch (pick(8)) {
	case 0:
		return pick(16);
	case 1:
		return right + pick(9) - 4;
	case 2:
		return pick(65536);
	default:
		return right;
	}
}

/* Attributes with random types, lengths and contents, at most @room bytes. */
static size_t random_attrs(char *at, size_t room, unsigned int depth)
{
	size_t used = 0;
	unsigned int i, n = pick(5);

	for (i = 0; i < n && room - used >= 32; i++) {
		static const __u16 flags[] = { 0, 0, 0, NLA_F_NESTED, NLA_F_NET_BYTEORDER };
		struct nlattr nla = { .nla_type = pick(TCA_PLUG_MAX + 3) };
		__u64 value = pick(3) ? pick(2000) : ~0ULL >> pick(64);
		size_t len = 8;

		if (pick(20) == 0)
			nla.nla_type = pick(65536);
		nla.nla_type |= flags[pick(5)];
		if (depth && pick(4) == 0)
			len = random_attrs(at + used + NLA_HDRLEN, room - used - NLA_HDRLEN,
					   depth - 1);
		else
			memcpy(at + used + NLA_HDRLEN, &value, sizeof(value));
		nla.nla_len = wrong_len(NLA_HDRLEN + len);
		memcpy(at + used, &nla, sizeof(nla));
		used += NLA_ALIGN(NLA_HDRLEN + len);
	}
	return used;
}

static size_t random_options(char *options, size_t room)
{
	struct tc_plug_qopt qopt = {
		.action = pick(6) ? actions[pick(6)] : actions[pick(N_ACTIONS)],
		.limit = pick(4) ? 100000 + pick(100000) : (__u32)random(),
	};
	size_t len = sizeof(qopt);

	if (pick(50) == 0)
		qopt.action = random() * 2 + pick(2);
	memcpy(options, &qopt, sizeof(qopt));
	if (qopt.action == TCQ_PLUG_RELEASE_UPTO || pick(3) == 0)
		len += random_attrs(options + len, room - len, 3);
	switch (pick(20)) {
	case 0:
		return pick(9);
	case 1:
		return len - pick(4);
	}
	return len;
}

/* A message to the plug, most of it right: what is wrong everywhere does not
 * get far.
 */
static int random_message(struct plug_msg *msg)
{
	static char options[1024], more[512];
	static const __u16 flags[] = { 0, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_ECHO,
				       NLM_F_CREATE | NLM_F_REPLACE, NLM_F_EXCL };
	static const __u32 parents[] = { TC_H_ROOT, TC_H_ROOT, TC_H_ROOT, 0 };

	memset(options, pick(2) ? 0 : 0xa5, sizeof(options));
	*msg = (struct plug_msg){
		.ifindex = ifindex, .parent = parents[pick(4)], .nested = pick(2),
		.flags = flags[pick(6)], .options = options,
	};
	msg->handle = !msg->parent || pick(3) == 0 ? 0x10000 : 0;
	msg->options_len = random_options(options, sizeof(options));
	if (pick(100) == 0)
		msg->handle = random();
	/* A strange parent or handle, or kind, would make a new qdisc. */
	if (msg->handle & ~0x10000)
		msg->flags = 0;
	if (pick(500) == 0) {
		msg->kind = "";
	} else if (pick(2000) == 0) {
		msg->kind = "plug?";
		msg->flags = 0;
		msg->handle = 0x10000;
	}
	if (pick(20) == 0) {
		struct nlattr nla = { .nla_type = 0x1f & random() };

		nla.nla_len = wrong_len(12);
		/* TCA_STAB and TCA_RATE would be obeyed: not the plug's. */
		if (nla.nla_type == TCA_STAB || nla.nla_type == TCA_RATE ||
		    nla.nla_type == TCA_KIND || nla.nla_type == TCA_OPTIONS)
			nla.nla_type = TCA_DUMP_FLAGS;
		memset(more, 0, sizeof(more));
		memcpy(more, &nla, sizeof(nla));
		msg->more = more;
		msg->more_len = 12;
	}
	return nl_request(nl, msg, &reply);
}

static void show(const struct plug_msg *msg, int err)
{
	const unsigned char *p = msg->options;
	char line[600];
	size_t i, n = 0;

	for (i = 0; i < msg->options_len && n < sizeof(line) - 4; i++)
		n += snprintf(line + n, sizeof(line) - n, "%02x", p[i]);
	diag("parent %x handle %x flags %x kind %s, %zu bytes %s: %d %s", msg->parent,
	     msg->handle, msg->flags, msg->kind ? msg->kind : "plug",
	     msg->options_len, n ? line : "", err, reply.extack);
}

/* How many were answered wrongly; the plug holds packets most of the time. */
static unsigned int storm(unsigned int count, unsigned int seed)
{
	unsigned int i, bad = 0, refused = 0, accepted = 0;
	struct plug_state state = settled();

	srandom(seed);
	for (i = 0; i < count; i++) {
		struct plug_msg msg;
		bool right = true;
		int err;

		if (pick(20) == 0) {
			right = unchanged(&state);
			wire_send(&w, pick(10), 100);
			state = settled();
		}
		err = random_message(&msg);
		refused += !!err;
		accepted += !err;
		right &= err ? unchanged(&state) : obeyed(&msg, &state);
		if (!right && !bad++) {
			diag("message %u of seed %u", i, seed);
			show(&msg, err);
		}
		if (i % 1000 == 0)
			wire_drain(&w, 0);
	}
	diag("seed %u: %u accepted, %u refused", seed, accepted, refused);
	return bad + (!accepted || !refused);
}

/* Nothing is known of the plug after each of these but that it is one. */
static unsigned int flood(unsigned int count, unsigned int seed)
{
	unsigned int i, bad = 0, refused = 0, accepted = 0;
	struct plug_state state;
	struct plug_msg msg;

	srandom(seed);
	for (i = 0; i < count; i++) {
		if (random_message(&msg))
			refused++;
		else
			accepted++;
		if (pick(20) == 0)
			wire_send(&w, pick(10), 100);
		if (i % 1000)
			continue;
		wire_drain(&w, 0);
		state = settled();
		bad += state.released > state.epoch || !state.qopt.limit ||
		       (state.qlen && state.tail_epoch > state.epoch);
	}
	diag("flood, seed %u: %u accepted, %u refused", seed, accepted, refused);
	return bad + (!accepted || !refused);
}

/* The same at create: refused, there is no plug; accepted, there is one, and it
 * is as its action says.
 */
static unsigned int create_storm(unsigned int count, unsigned int seed)
{
	char options[1024] = "";
	unsigned int i, bad = 0, refused = 0, accepted = 0;
	__u64 last = 0;

	srandom(seed);
	for (i = 0; i < count; i++) {
		struct plug_msg msg = {
			.dev = OTHER, .parent = TC_H_ROOT, .handle = 0x10000,
			.flags = NLM_F_CREATE | NLM_F_EXCL, .nested = pick(2),
			.options = options,
		};
		struct plug_msg del = {
			.dev = OTHER, .parent = TC_H_ROOT, .type = RTM_DELQDISC,
		};
		struct tc_plug_qopt qopt;
		struct plug_state st;
		bool there, right;
		int err;

		msg.options_len = random_options(options, sizeof(options));
		memcpy(&qopt, options, sizeof(qopt));
		err = nl_request(nl, &msg, &reply);
		there = qdisc_get(nl, OTHER, TC_H_ROOT, &st) && !strcmp(st.kind, "plug");
		right = there == !err;
		if (there) {
			right &= qopt.action >= TCQ_PLUG_BUFFER &&
				 qopt.action <= TCQ_PLUG_LIMIT && st.epoch > last &&
				 st.released == st.epoch -
						(qopt.action != TCQ_PLUG_RELEASE_INDEFINITE);
			last = st.epoch;
			right &= !nl_request(nl, &del, NULL);
		}
		refused += !!err;
		accepted += !err;
		if (!right && !bad++)
			show(&msg, err);
	}
	diag("create, seed %u: %u accepted, %u refused", seed, accepted, refused);
	return bad + (!accepted || !refused);
}

/* ---- other senders ---- */

/* Runs @as in a process of its own; what it returns, up to 99. */
static unsigned int in_child(unsigned int (*as)(unsigned int), unsigned int count)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		unsigned int bad = as(count);

		fflush(stdout);
		_exit(bad > 99 ? 99 : bad);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* Whatever a user without rights sends: EPERM, but for what is not even a
 * message.
 */
static unsigned int as_nobody(unsigned int count)
{
	unsigned int i, bad = 0;
	struct plug_msg msg;

	become_nobody();
	nl = nl_open();
	srandom(7);
	for (i = 0; i < count; i++) {
		int err = random_message(&msg);

		if (err != -EPERM && !bad++)
			show(&msg, err);
	}
	return bad;
}

/* A user who is root of namespaces of his own: his device answers him, and only
 * that: this one's name and number mean another there, or none.
 */
static unsigned int in_namespace(unsigned int count)
{
	unsigned int outside = if_nametoindex(DEV), bad;
	struct plug_msg msg = { .dev = DEV, .parent = TC_H_ROOT };
	struct {
		struct nlmsghdr nlh;
		struct tcmsg tcm;
		char attrs[32];
	} raw = {
		.nlh = {
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.tcm = { .tcm_ifindex = outside, .tcm_parent = TC_H_ROOT },
	};
	struct tc_plug_qopt qopt = { .action = TCQ_PLUG_RELEASE_INDEFINITE };
	size_t len = (char *)raw.attrs - (char *)&raw;

	if (!become_root_of_namespaces())
		return 1;
	nl = nl_open();
	len += attr_at((char *)&raw + len, TCA_KIND, "plug", 5);
	len += attr_at((char *)&raw + len, TCA_OPTIONS, &qopt, sizeof(qopt));
	raw.nlh.nlmsg_len = len;
	bad = nl_raw(nl, &raw, len, NULL) != -ENODEV;
	bad += nl_request(nl, &msg, NULL) != -ENODEV;
	if (bad)
		diag("the outer namespace's device answered");

	if (sh("ip link add dummy9 type dummy && ip link set lo up && "
	       "ip link add " DEV " type dummy && ip link set " DEV " up && "
	       "tc qdisc add dev " DEV " root handle 1: plug"))
		return bad + 1;
	wire_open(&w, DEV);
	ifindex = if_nametoindex(DEV);
	default_limit = plug_get(nl, DEV).qopt.limit;
	return bad + storm(count, 11);
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
	unsigned int more = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	unsigned int seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	struct plug_state before, after;

	nl = nl_open();
	dummy_make(DEV);
	dummy_make(OTHER);
	must("tc qdisc add dev " DEV " root handle 1: plug");
	wire_open(&w, DEV);
	ifindex = if_nametoindex(DEV);
	default_limit = plug_get(nl, DEV).qopt.limit;

	test_lengths();
	test_cut();
	is_u64(storm(count, seed), 0, "seed %u: %u random messages", seed, count);
	if (more)
		is_u64(flood(more, seed + 1), 0, "seed %u: %u more", seed + 1, more);
	is_u64(create_storm(count / 10, seed), 0, "seed %u: %u random creations", seed,
	       count / 10);

	plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0);
	plug_cmd(nl, DEV, TCQ_PLUG_LIMIT, 0);
	wire_drain(&w, QUIET_MS);
	wire_send(&w, 3, 100);
	before = settled();
	is_u64(in_child(as_nobody, count / 10), 0, "a user without rights: EPERM");
	is_u64(in_child(in_namespace, count / 10), 0, "the root of a user namespace");
	after = settled();
	ok(plug_same(&before, &after), "neither has changed anything here");
	is_u64(wire_drain(&w, QUIET_MS), 0, "I1: nothing has left");
	plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_INDEFINITE, 0);
	is_u64(wire_recv(&w, 3), 3, "what was held leaves");
	is_u64(w.reordered, 0, "I2: in order, each once");
	link_delete(DEV);
	link_delete(OTHER);
	return done_testing();
}
