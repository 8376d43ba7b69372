// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Input that no correct program sends, through both interfaces: every length of
 * message and of options, every action; attributes with wrong types, lengths, flags
 * and nesting, attributes that are missing, repeated or cut short, random trees of
 * attributes, and headers with reserved bits set. The senders are root, a user
 * without rights, and the root of a user namespace, who can only reach the devices
 * there. A refused message changes nothing (I1, I4); an accepted one does what it
 * says, and nothing else. For each message the test computes whether it must be
 * accepted, from the rules in <linux/pkt_sched_plug.h>.
 *
 *	badinput [COUNT [FLOOD [SEED]]]	COUNT random messages (20000), with a check
 *					of the plug after each; then FLOOD more
 *					(0) with few checks, for kernels that
 *					check themselves
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
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"

#define DEV "pa"
#define OTHER "pb"		/* has no plug */

static int nl;
static struct control ctl;
static struct wire w;
static struct plug_reply reply;
static int ifindex;		/* of DEV; does not change */
static __u64 id;		/* id and limit of its plug do not change either */
static __u32 default_limit;
static bool checks_header;	/* this kernel checks the reserved fields of a header */

/* ---- what a message may do ---- */

/* Returns the state of the plug, from a dump: GET of a single plug does not report
 * the packets' epochs.
 */
static struct control_state look(void)
{
	struct control_state list[2];

	if (control_dump(&ctl, ifindex, list, 2) != 1)
		bail(DEV " should have one plug");
	return list[0];
}

/* Waits until all packets that may leave have left, and returns the state. */
static struct control_state settled(void)
{
	struct control_state st;

	do {
		st = look();
	} while (st.qlen && st.head_epoch <= st.released && !st.stopped);
	return st;
}

/* Compares everything except the age, which changes with time. */
static bool same(const struct control_state *a, const struct control_state *b)
{
	struct control_state x = *a, y = *b;

	x.stats[SCH_PLUG_A_STATS_CLOSED_AGE] = y.stats[SCH_PLUG_A_STATS_CLOSED_AGE] = 0;
	return !memcmp(&x, &y, sizeof(x));
}

static bool unchanged(const struct control_state *before)
{
	struct control_state after = look();

	return same(before, &after);
}

/* The meaning of a message, for either interface. */
struct command {
	bool	refused;	/* must be refused; then the rest has no meaning */
	bool	nothing;	/* accepted, and has no effect on the queue */
	__u32	action;
	__u32	limit;
	bool	has_last;
	__u64	last;
};

static bool is_refused(const struct command *cmd, const struct control_state *st)
{
	if (cmd->refused || cmd->nothing)
		return cmd->refused;
	switch (cmd->action) {
	case TCQ_PLUG_BUFFER:
	case TCQ_PLUG_RELEASE_ONE:
	case TCQ_PLUG_RELEASE_INDEFINITE:
	case TCQ_PLUG_LIMIT:
		return false;
	case TCQ_PLUG_RELEASE_UPTO:
		return cmd->last >= st->epoch && cmd->last > st->released;
	case TCQ_PLUG_DISCARD:
		return cmd->has_last && cmd->last > st->epoch;
	}
	return true;
}

/* Checks what an accepted command has done to the numbers and the limit. */
static bool did_what_it_says(const struct command *cmd, const struct control_state *before,
			     const struct control_state *after)
{
	__u64 epoch = before->epoch, released = before->released;
	__u64 last = cmd->has_last ? cmd->last : epoch;
	__u32 limit = before->limit;

	if (cmd->nothing)
		return after->commands == before->commands && after->epoch == epoch &&
		       after->released == released && after->limit == limit &&
		       after->qlen == before->qlen;
	switch (cmd->action) {
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
		limit = cmd->limit ? cmd->limit : default_limit;
		break;
	case TCQ_PLUG_DISCARD:
		if (last <= released)
			break;
		released = last;
		epoch += last == epoch;
		break;
	case TCQ_PLUG_RELEASE_UPTO:
		if (last > released)
			released = last;
		break;
	}
	return after->epoch == epoch && after->released == released &&
	       after->limit == limit && after->commands == before->commands + 1;
}

/* Checks the answer to a message, @err, and its effect. @state is the state before
 * the message, and is set to the state after it.
 */
static bool answered_right(const struct command *cmd, int err, struct control_state *state)
{
	const struct control_state before = *state;

	if (is_refused(cmd, &before) != !!err)
		return false;
	if (err)
		return unchanged(&before);
	*state = settled();
	return did_what_it_says(cmd, &before, state);
}

/* Returns what TCA_OPTIONS mean. Rtnetlink accepts only the first four actions, and
 * ignores bytes after the struct.
 */
static struct command tc_command(const char *options, size_t len)
{
	struct tc_plug_qopt qopt;
	struct command cmd = { .refused = true };

	if (len < sizeof(qopt))
		return cmd;
	memcpy(&qopt, options, sizeof(qopt));
	cmd.action = qopt.action;
	cmd.limit = qopt.limit;
	cmd.refused = qopt.action < TCQ_PLUG_BUFFER || qopt.action > TCQ_PLUG_LIMIT;
	return cmd;
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
	struct control_state state = settled();
	unsigned int len, a, fill, bad = 0, refused = 0, accepted = 0;
	char options[64];

	diag("options of 0 to 64 bytes, %zu actions, three fillings", N_ACTIONS);
	for (len = 0; len <= sizeof(options); len++) {
		for (a = 0; a < N_ACTIONS * 3 * 2; a++) {
			struct tc_plug_qopt qopt = {
				.action = actions[a / 6], .limit = 1000000,
			};
			struct plug_msg msg = {
				.ifindex = ifindex, .parent = TC_H_ROOT, .nested = a & 1,
				.options = options, .options_len = len,
			};
			struct command cmd;
			bool right;
			int err;

			fill = a / 2 % 3;
			memset(options, fill == 0 ? 0 : fill == 1 ? 0xff : 0x0c,
			       sizeof(options));
			memcpy(options, &qopt, sizeof(qopt));
			cmd = tc_command(options, len);
			err = nl_request(nl, &msg, &reply);
			right = answered_right(&cmd, err, &state);
			if (err)
				right &= err == -EINVAL && reply.extack[0];
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

/* Sends a netlink message cut to each length, with each length in its header. The
 * kernel may answer or not, so this does not wait for answers. The first @whole bytes
 * of the message are a complete BUFFER.
 */
static void cut(int fd, void *msg, unsigned int size, unsigned int whole, const char *which)
{
	struct control_state before = settled(), after;
	struct nlmsghdr *nlh = msg;
	unsigned int sent, said, whole_ones = 0;
	char answer[1024];

	diag("%s: messages of 0 to %u bytes that say they have 0 to 72", which, size);
	for (sent = 0; sent <= size; sent++) {
		for (said = 0; said <= 72; said++) {
			nlh->nlmsg_len = said;
			if (send(fd, msg, sent, 0) < 0 && errno != EINVAL && errno != ENODATA)
				bail("send: %s", strerror(errno));
			while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
				;
			/* A complete message, maybe with zeros after it. */
			whole_ones += said >= whole && sent >= said;
		}
	}
	after = settled();
	if (!ok(whole_ones && after.released == before.released &&
		after.epoch == before.epoch + whole_ones,
		"%s: only the %u whole ones were obeyed", which, whole_ones))
		diag("the epoch was %llu and is %llu", before.epoch, after.epoch);
}

static void test_cut(void)
{
	struct {
		struct nlmsghdr nlh;
		struct tcmsg tcm;
		char attrs[28];
	} tc = {
		.nlh = {
			.nlmsg_type = RTM_NEWQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.tcm = { .tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT },
	};
	struct tc_plug_qopt qopt = { .action = TCQ_PLUG_BUFFER };
	struct control_request req;
	unsigned int full;

	full = tc.attrs - (char *)&tc;
	full += attr_at((char *)&tc + full, TCA_KIND, "plug", 5);
	full += attr_at((char *)&tc + full, TCA_OPTIONS, &qopt, sizeof(qopt));
	cut(nl, &tc, sizeof(tc), full, "rtnetlink");

	control_start(&req, &ctl, SCH_PLUG_CMD_CHANGE, 0);
	control_u64(&req, SCH_PLUG_A_ID, id);
	control_u32(&req, SCH_PLUG_A_ACTION, TCQ_PLUG_BUFFER);
	/* The family refuses bytes after the attributes, so there are none. */
	cut(ctl.nl, req.buf, req.len, req.len, "the family");
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

/* Writes attributes with random types, lengths and contents, at most @room bytes;
 * returns how many bytes.
 */
static size_t random_attrs(char *at, size_t room, unsigned int depth)
{
	size_t used = 0;
	unsigned int i, n = pick(5);

	for (i = 0; i < n && room - used >= 32; i++) {
		static const __u16 flags[] = { 0, 0, 0, NLA_F_NESTED, NLA_F_NET_BYTEORDER };
		struct nlattr nla = { .nla_type = pick(SCH_PLUG_A_MAX + 3) };
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
	if (pick(3) == 0)
		len += random_attrs(options + len, room - len, 3);
	switch (pick(20)) {
	case 0:
		return pick(9);
	case 1:
		return len - pick(4);
	}
	return len;
}

/* Sends a random message to the plug; returns the error. Most parts of it are valid,
 * because a message with many errors is refused too early.
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
	/* With flags, a wrong handle or kind would create a new qdisc. */
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
		/* TCA_STAB and TCA_RATE would have an effect in the core. */
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

/* ---- random messages of the family ---- */

/* A random message of the family. */
struct random_request {
	struct control_request	req;
	bool			odd_header;	/* has reserved bits set */
};

static void add_attr(struct control_request *req, __u16 type, __u64 value, size_t len)
{
	if (req->len + NLA_HDRLEN + 16 <= sizeof(req->buf))
		control_raw(req, type, &value, len);
}

static __u64 near_epoch(const struct control_state *st)
{
	switch (pick(6)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL >> pick(64);
	default:
		return st->released + pick(6) - 2;
	}
}

static __u32 some_action(void)
{
	return pick(8) ? actions[pick(6)] : actions[pick(N_ACTIONS)];
}

/* Adds the attributes that the operation takes, most of the time. */
static void usual_attrs(struct control_request *req, __u8 cmd, const struct control_state *st)
{
	__u32 action = some_action();

	if (pick(20))
		add_attr(req, SCH_PLUG_A_ID, pick(30) ? id : id + random(), 8);
	if (cmd == SCH_PLUG_CMD_OWN && pick(20))
		add_attr(req, SCH_PLUG_A_AT_EXIT, pick(4), 4);
	if (cmd != SCH_PLUG_CMD_CHANGE)
		return;
	if (pick(20))
		add_attr(req, SCH_PLUG_A_ACTION, action, 4);
	if (pick(20) == 0)
		action = some_action();
	if (action == TCQ_PLUG_LIMIT)
		add_attr(req, SCH_PLUG_A_LIMIT, pick(4) ? 100000 + pick(100000) : random(), 4);
	if (action == TCQ_PLUG_RELEASE_UPTO || (action == TCQ_PLUG_DISCARD && pick(3)))
		add_attr(req, SCH_PLUG_A_LAST, near_epoch(st), 8);
}

/* Makes one attribute wrong, adds or repeats one, or cuts off the end. */
static void spoil(struct control_request *req, const struct control_state *st)
{
	const size_t first = NLMSG_LENGTH(GENL_HDRLEN);
	struct nlattr *nla = (void *)(req->buf + first);

	switch (pick(7)) {
	case 0:
		add_attr(req, pick(SCH_PLUG_A_MAX + 3), random(), pick(17));
		break;
	case 1:
		add_attr(req, SCH_PLUG_A_ACTION, some_action(), 4);
		break;
	case 2:
		add_attr(req, SCH_PLUG_A_LAST, near_epoch(st), 8);
		break;
	case 3:
		req->len -= req->len > first ? pick(9) % (req->len - first) : 0;
		break;
	case 4:
		req->len += random_attrs(req->buf + req->len,
					 sizeof(req->buf) - req->len, 3);
		break;
	case 5:
		if (req->len > first)
			nla->nla_type |= pick(2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
		break;
	case 6:
		if (req->len > first)
			nla->nla_len = wrong_len(nla->nla_len);
		break;
	}
}

static void random_request(struct random_request *r, const struct control_state *st)
{
	static const __u8 cmds[] = {
		SCH_PLUG_CMD_GET, SCH_PLUG_CMD_CHANGE, SCH_PLUG_CMD_CHANGE,
		SCH_PLUG_CMD_CHANGE, SCH_PLUG_CMD_CHANGE, SCH_PLUG_CMD_OWN,
	};
	__u8 cmd = pick(30) ? cmds[pick(6)] : pick(256);
	struct nlmsghdr *nlh = (void *)r->req.buf;
	struct genlmsghdr *genl = NLMSG_DATA(nlh);

	r->odd_header = false;
	control_start(&r->req, &ctl, cmd, pick(2) ? 0 : NLM_F_ECHO);
	if (pick(30) == 0)
		genl->version = pick(256);
	if (pick(30) == 0) {
		genl->reserved = 1 + pick(65535);
		r->odd_header = true;
	}
	if (pick(30) == 0) {
		nlh->nlmsg_flags |= 0x800;
		r->odd_header = true;
	}
	usual_attrs(&r->req, cmd, st);
	if (pick(3) == 0)
		spoil(&r->req, st);
}

/* Reads the attributes like a strict parser: the last of a kind counts. False: an
 * attribute is invalid, or something follows them.
 */
static bool read_attrs(const struct control_request *req, const void *found[])
{
	const char *p = req->buf + NLMSG_LENGTH(GENL_HDRLEN);
	size_t left = req->buf + req->len - p;

	while (left >= NLA_HDRLEN) {
		struct nlattr nla;
		size_t step;
		int type;

		memcpy(&nla, p, sizeof(nla));
		if (nla.nla_len < NLA_HDRLEN || nla.nla_len > left)
			return false;
		type = nla.nla_type & NLA_TYPE_MASK;
		switch (type) {
		case SCH_PLUG_A_ID:
		case SCH_PLUG_A_LAST:
			if (nla.nla_len != NLA_HDRLEN + 8)
				return false;
			break;
		case SCH_PLUG_A_IFINDEX:
		case SCH_PLUG_A_ACTION:
		case SCH_PLUG_A_LIMIT:
		case SCH_PLUG_A_AT_EXIT:
			if (nla.nla_len != NLA_HDRLEN + 4)
				return false;
			break;
		default:
			return false;
		}
		if (nla.nla_type & NLA_F_NESTED)
			return false;
		found[type] = p + NLA_HDRLEN;
		step = NLA_ALIGN(nla.nla_len);
		p += step;
		left -= left < step ? left : step;
	}
	return !left;
}

/* Returns which attributes are present, as bits: 1 << SCH_PLUG_A_*. */
static __u32 present(const void * const found[])
{
	__u32 there = 0;
	int i;

	for (i = 0; i <= SCH_PLUG_A_MAX; i++)
		there |= found[i] ? 1U << i : 0;
	return there;
}

#define HAS(name) (1U << SCH_PLUG_A_##name)

static struct command change_command(const void * const found[], __u32 there)
{
	struct command cmd = { .refused = true };
	__u32 want = HAS(ID) | HAS(ACTION);

	if (!(there & HAS(ACTION)))
		return cmd;
	memcpy(&cmd.action, found[SCH_PLUG_A_ACTION], 4);
	if (there & HAS(LIMIT))
		memcpy(&cmd.limit, found[SCH_PLUG_A_LIMIT], 4);
	cmd.has_last = there & HAS(LAST);
	if (cmd.has_last)
		memcpy(&cmd.last, found[SCH_PLUG_A_LAST], 8);
	if (cmd.action == TCQ_PLUG_LIMIT)
		want |= HAS(LIMIT);
	if (cmd.action == TCQ_PLUG_RELEASE_UPTO ||
	    (cmd.action == TCQ_PLUG_DISCARD && cmd.has_last))
		want |= HAS(LAST);
	cmd.refused = there != want;
	return cmd;
}

/* Returns what a request means, if its sender has the right to send commands. */
static struct command family_command(const struct random_request *r)
{
	const struct genlmsghdr *genl = NLMSG_DATA((struct nlmsghdr *)r->req.buf);
	const void *found[SCH_PLUG_A_MAX + 1] = { };
	struct command cmd = { .refused = true };
	__u32 there, at_exit;
	__u64 which;

	if ((r->odd_header && checks_header) || !read_attrs(&r->req, found) ||
	    !found[SCH_PLUG_A_ID])
		return cmd;
	memcpy(&which, found[SCH_PLUG_A_ID], 8);
	if (which != id)
		return cmd;
	there = present(found);
	switch (genl->cmd) {
	case SCH_PLUG_CMD_GET:
		cmd.nothing = true;
		cmd.refused = there != HAS(ID);
		return cmd;
	case SCH_PLUG_CMD_CHANGE:
		return change_command(found, there);
	case SCH_PLUG_CMD_OWN:
		cmd.nothing = true;
		if (there != (HAS(ID) | HAS(AT_EXIT)))
			return cmd;
		memcpy(&at_exit, found[SCH_PLUG_A_AT_EXIT], 4);
		cmd.refused = at_exit > SCH_PLUG_AT_EXIT_DISCARD;
		return cmd;
	}
	return cmd;
}

static void show_request(const struct random_request *r, int err)
{
	char line[2 * sizeof(r->req.buf) + 1] = "";
	size_t i;

	for (i = 0; i < r->req.len; i++)
		snprintf(line + 2 * i, 3, "%02x", (__u8)r->req.buf[i]);
	diag("family %s: %d", line, err);
}

/* Sends a request and sets *@err; returns whether the answer has a valid form. */
static bool send_request(struct random_request *r, int *err)
{
	const struct nlmsghdr *nlh = (void *)r->req.buf;
	const __u8 cmd = ((struct genlmsghdr *)NLMSG_DATA(nlh))->cmd;
	struct control_reply answer;

	*err = control_send(&r->req, &ctl, &answer, NULL, NULL);
	if (!*err)
		return answer.states ==
		       (cmd == SCH_PLUG_CMD_GET || nlh->nlmsg_flags & NLM_F_ECHO);
	if (*err == -EOPNOTSUPP)
		return true;
	return (*err == -EINVAL || *err == -ENOENT || *err == -EPERM) && !answer.states &&
	       (*err == -EPERM || r->odd_header || answer.extack[0]);
}

static bool storm_request(struct control_state *state, int *err)
{
	struct random_request r;
	struct command cmd;
	bool right;

	random_request(&r, state);
	cmd = family_command(&r);
	right = send_request(&r, err) && answered_right(&cmd, *err, state);
	if (!right)
		show_request(&r, *err);
	return right;
}

static bool storm_message(struct control_state *state, int *err)
{
	struct plug_msg msg;
	struct command cmd;
	bool right;

	*err = random_message(&msg);
	cmd = tc_command(msg.options, msg.options_len);
	/* The core may refuse a message that the plug would accept. */
	if (*err)
		right = unchanged(state);
	else
		right = answered_right(&cmd, *err, state);
	if (!right)
		show(&msg, *err);
	return right;
}

/* Sends random messages and checks the plug after each; returns how many were
 * answered wrongly. Most of the time the plug holds packets.
 */
static unsigned int storm(unsigned int count, unsigned int seed)
{
	unsigned int i, bad = 0, refused[2] = { }, accepted[2] = { };
	struct control_state state = settled();

	srandom(seed);
	for (i = 0; i < count && bad < 10; i++) {
		bool family = pick(2), right = true;
		int err;

		if (pick(20) == 0) {
			right = unchanged(&state);
			wire_send(&w, pick(10), 100);
			state = settled();
		}
		right &= family ? storm_request(&state, &err) : storm_message(&state, &err);
		refused[family] += !!err;
		accepted[family] += !err;
		if (!right && !bad++)
			diag("message %u of seed %u", i, seed);
		if (i % 1000 == 0)
			wire_drain(&w, 0);
	}
	diag("seed %u: rtnetlink accepted %u, refused %u; the family %u, %u", seed,
	     accepted[0], refused[0], accepted[1], refused[1]);
	return bad + (!accepted[0] || !refused[0] || !accepted[1] || !refused[1]);
}

/* Sends random messages; returns how many errors it saw. The plug is checked only
 * after every 1000 messages, and only for impossible numbers.
 */
static unsigned int flood(unsigned int count, unsigned int seed)
{
	unsigned int i, bad = 0, refused = 0, accepted = 0;
	struct control_state state = settled();
	struct random_request r;
	struct plug_msg msg;
	int err;

	srandom(seed);
	for (i = 0; i < count; i++) {
		if (pick(2)) {
			err = random_message(&msg);
		} else {
			random_request(&r, &state);
			bad += !send_request(&r, &err);
		}
		refused += !!err;
		accepted += !err;
		if (pick(20) == 0)
			wire_send(&w, pick(10), 100);
		if (i % 1000)
			continue;
		wire_drain(&w, 0);
		state = settled();
		bad += state.released > state.epoch || !state.limit ||
		       (state.qlen && state.tail_epoch > state.epoch);
	}
	diag("flood, seed %u: %u accepted, %u refused", seed, accepted, refused);
	return bad + (!accepted || !refused);
}

/* Sends random messages that create a plug; returns how many were answered wrongly.
 * After a refusal there must be no plug. Otherwise there must be one, in the state
 * that the action asks for.
 */
static unsigned int create_storm(unsigned int count, unsigned int seed)
{
	unsigned int i, bad = 0, refused = 0, accepted = 0, other = if_nametoindex(OTHER);
	char options[1024] = "";
	__u64 last = 0;

	srandom(seed);
	for (i = 0; i < count; i++) {
		struct plug_msg msg = {
			.ifindex = other, .parent = TC_H_ROOT, .handle = 0x10000,
			.flags = NLM_F_CREATE | NLM_F_EXCL, .nested = pick(2),
			.options = options,
		};
		struct plug_msg del = {
			.ifindex = other, .parent = TC_H_ROOT, .type = RTM_DELQDISC,
		};
		struct control_state st;
		struct command cmd;
		unsigned int there;
		bool right;
		int err;

		msg.options_len = random_options(options, sizeof(options));
		cmd = tc_command(options, msg.options_len);
		err = nl_request(nl, &msg, &reply);
		there = control_dump(&ctl, other, &st, 1);
		right = there == !err && cmd.refused == !!err;
		if (there) {
			right &= st.epoch > last && !st.commands &&
				 st.released == st.epoch -
						(cmd.action != TCQ_PLUG_RELEASE_INDEFINITE);
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

static void plug_known(void)
{
	struct control_state st;

	wire_open(&w, DEV);
	ifindex = if_nametoindex(DEV);
	st = look();
	id = st.id;
	default_limit = st.limit;
}

/* Runs @as in a child process; returns its result, up to 99. */
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

/* Whether @err is right for a user without rights: EPERM for CHANGE and OWN, even if
 * they are invalid. Everybody may send GET.
 */
static bool nobody_may_not(const struct random_request *r, int err)
{
	const struct genlmsghdr *genl = NLMSG_DATA((struct nlmsghdr *)r->req.buf);

	if (r->odd_header && checks_header)
		return err;
	if (genl->cmd == SCH_PLUG_CMD_CHANGE || genl->cmd == SCH_PLUG_CMD_OWN)
		return err == -EPERM;
	return genl->cmd == SCH_PLUG_CMD_GET ? family_command(r).refused == !!err :
					       err == -EOPNOTSUPP;
}

static unsigned int as_nobody(unsigned int count)
{
	unsigned int i, bad = 0;
	struct control_state state = look();
	struct random_request r;
	struct plug_msg msg;

	become_nobody();
	nl = nl_open();
	ctl = control_open();
	srandom(7);
	for (i = 0; i < count; i++) {
		int err = random_message(&msg);

		if (err != -EPERM && !bad++)
			show(&msg, err);
		random_request(&r, &state);
		if ((!send_request(&r, &err) || !nobody_may_not(&r, err)) && !bad++)
			show_request(&r, err);
	}
	return bad;
}

/* A user who is root of his own namespaces can reach only devices there. The name and
 * the number of our device mean nothing there.
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
	ctl = control_open();
	len += attr_at((char *)&raw + len, TCA_KIND, "plug", 5);
	len += attr_at((char *)&raw + len, TCA_OPTIONS, &qopt, sizeof(qopt));
	raw.nlh.nlmsg_len = len;
	bad = nl_raw(nl, &raw, len, NULL) != -ENODEV;
	bad += nl_request(nl, &msg, NULL) != -ENODEV;
	bad += control_do(&ctl, id, TCQ_PLUG_RELEASE_INDEFINITE, NULL) != -ENOENT;
	if (bad)
		diag("the outer namespace's device answered");

	if (sh("ip link add dummy9 type dummy && ip link set lo up && "
	       "ip link add " DEV " type dummy && ip link set " DEV " up && "
	       "tc qdisc add dev " DEV " root handle 1: plug"))
		return bad + 1;
	plug_known();
	return bad + storm(count, 11);
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
	unsigned int more = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	unsigned int seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	struct control_state before, after;
	struct control_request req;

	nl = nl_open();
	dummy_make(DEV);
	dummy_make(OTHER);
	must("tc qdisc add dev " DEV " root handle 1: plug");
	ctl = control_open();
	plug_known();
	control_start(&req, &ctl, SCH_PLUG_CMD_GET, 0);
	control_u64(&req, SCH_PLUG_A_ID, id);
	((struct genlmsghdr *)NLMSG_DATA((struct nlmsghdr *)req.buf))->reserved = 1;
	checks_header = control_send(&req, &ctl, NULL, NULL, NULL);
	diag("this kernel %s what is reserved in a header",
	     checks_header ? "refuses" : "does not look at");

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
	ok(same(&before, &after), "neither has changed anything here");
	is_u64(wire_drain(&w, QUIET_MS), 0, "I1: nothing has left");
	plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_INDEFINITE, 0);
	is_u64(wire_recv(&w, before.qlen), before.qlen, "what was held leaves");
	is_u64(w.reordered, 0, "I2: in order, each once");
	link_delete(DEV);
	link_delete(OTHER);
	return done_testing();
}
