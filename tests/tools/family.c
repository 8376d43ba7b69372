// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generic netlink family: each operation, each action, each error; which plugs
 * it can reach; permissions; owners; events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "control.h"

#define DEV "pa"

static int nl;
static struct control c;
static struct wire w;

static void attach(const char *how)
{
	must("tc qdisc add dev " DEV " root handle 1: plug %s", how);
}

/* Makes a device with a plug, the first since the module was loaded; returns its id.
 */
static __u64 start(void)
{
	dummy_make(DEV);
	attach("limit 10000000");
	c = control_open();
	wire_open(&w, DEV);
	return control_find(&c, DEV, TC_H_ROOT).id;
}

static void finish(void)
{
	control_close(&c);
	wire_finish(&w, DEV);
}

/* Linux 6.1 and newer report which attribute is missing. */
static bool says_missing(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 1);
}

static void numbers(__u64 epoch, __u64 released, const struct control_state *st,
		    const char *what)
{
	if (!ok(st->epoch == epoch && st->released == released,
		"%s: epoch %llu, released %llu", what, epoch, released))
		diag("epoch %llu, released %llu", st->epoch, st->released);
}

/* Compares two states, except for the age, which changes by itself. */
static bool same(const struct control_state *a, const struct control_state *b)
{
	struct control_state x = *a, y = *b;

	x.stats[SCH_PLUG_A_STATS_CLOSED_AGE] = y.stats[SCH_PLUG_A_STATS_CLOSED_AGE] = 0;
	return !memcmp(&x, &y, sizeof(x));
}

/* Checks the epochs of the oldest and the newest packet in a dump. 0: the queue is
 * empty, and the attribute is absent.
 */
static void ends(__u64 head, __u64 tail, const char *what)
{
	struct control_state st = control_find(&c, DEV, TC_H_ROOT);

	if (!ok(st.head_epoch == head && st.tail_epoch == tail &&
		!!(st.has & (1 << SCH_PLUG_A_HEAD_EPOCH)) == !!head &&
		!!(st.has & (1 << SCH_PLUG_A_TAIL_EPOCH)) == !!tail,
		"%s: oldest packet of epoch %llu, newest of %llu", what, head, tail))
		diag("oldest %llu, newest %llu", st.head_epoch, st.tail_epoch);
}

/* ---- GET ---- */

/* A dump reports the parent, by which other programs find their plug. */
static void test_place(void)
{
	struct control_state list[2];

	diag("the place of a plug");
	dummy_make(DEV);
	attach("");
	c = control_open();
	wire_open(&w, DEV);
	is_u64(control_dump(&c, 0, list, 2), 1, "one plug");
	is_u64(list[0].parent, TC_H_ROOT, "root of the device");
	is_u64(list[0].handle, 0x10000, "its handle");
	is_u64(list[0].ifindex, if_nametoindex(DEV), "its device");
	finish();
}

static void test_get(void)
{
	__u64 id = start(), other;
	struct control_state st, list[4];
	struct plug_state tc;
	struct control_reply reply;

	diag("GET");
	ok(id != 0, "a plug has an id");
	is_u64(wire_send(&w, 3, 100), 3, "three frames are held");
	is_u64(control_get(&c, id, &reply), 0, "GET by id");
	is_u64(reply.states, 1, "one answer");
	st = reply.state;
	tc = plug_get(nl, DEV);
	is_u64(st.cmd, SCH_PLUG_CMD_GET, "of GET");
	is_u64(st.id, id, "the id");
	is_u64(st.ifindex, if_nametoindex(DEV), "the device");
	is_u64(st.handle, tc.handle, "the handle");
	is_u64(st.parent, TC_H_ROOT, "the parent");
	is_u64(st.limit, 10000000, "the limit");
	is_u64(st.epoch, tc.ctl.epoch, "the epoch");
	is_u64(st.released, tc.ctl.released, "the last one released");
	is_u64(st.qlen, 3, "packets");
	is_u64(st.backlog, 300, "bytes");
	is_u64(st.stopped, 0, "none stopped");
	is_u64(st.commands, 0, "no command so far");
	ok(!(st.has & (1 << SCH_PLUG_A_OWNER)), "no owner");
	ok(st.has & (1 << SCH_PLUG_A_STATS), "statistics");
	is_u64(st.n_stats, SCH_PLUG_A_STATS_MAX - 1, "all of them");
	is_u64(st.stats[SCH_PLUG_A_STATS_QUEUED_PACKETS], 3, "of these packets");
	is_u64(st.stats[SCH_PLUG_A_STATS_QUEUED_BYTES], 300, "of their bytes");

	must("ip link add pb type dummy && tc qdisc add dev pb root plug release_indefinite");
	is_u64(control_dump(&c, 0, list, 4), 2, "a dump has both plugs");
	is_u64(control_dump(&c, if_nametoindex("pb"), list, 4), 1, "or those of one device");
	other = list[0].id;
	is_u64(list[0].ifindex, if_nametoindex("pb"), "of that device");
	is_u64(list[0].epoch, list[0].released, "the other one is open");
	is_u64(list[0].n_stats, SCH_PLUG_A_STATS_MAX - 2, "and has not been closed for any time");
	is_u64(control_dump(&c, if_nametoindex("lo"), list, 4), 0, "a device without one");
	ok(other != id, "two plugs have two ids");
	st = control_find(&c, DEV, TC_H_ROOT);
	is_u64(st.head_epoch, 1, "a dump tells the epoch of the oldest packet");
	is_u64(st.tail_epoch, 1, "and of the newest");
	link_delete("pb");
	is_u64(control_get(&c, other, &reply), -ENOENT, "its device gone, it is gone");
	is_u64(control_dump(&c, 0, list, 4), 1, "from the dump too");
	finish();
}

/* Called for each state of a dump. At the first state it runs the command; the last
 * states of a long dump are in a later message.
 */
static void meanwhile(const struct control_state *st, void *command)
{
	const char **todo = command;

	if (*todo)
		must("%s", *todo);
	*todo = NULL;
}

static void dump_during(const char *command, bool interrupted, const char *what)
{
	struct control_request req;
	struct control_reply reply;

	control_start(&req, &c, SCH_PLUG_CMD_GET, NLM_F_DUMP);
	is_u64(control_send(&req, &c, &reply, meanwhile, &command), 0, "a dump, and %s", what);
	is_u64(reply.interrupted, interrupted, "it was %sinterrupted", interrupted ? "" : "not ");
}

/* Returns for how many plugs of @list GET by id finds no plug, or another one. */
static unsigned int not_found(const struct control_state *list, unsigned int n)
{
	struct control_reply reply;
	unsigned int i, bad = 0;

	for (i = 0; i < n; i++)
		bad += control_get(&c, list[i].id, &reply) || reply.state.id != list[i].id ||
		       reply.state.ifindex != list[i].ifindex;
	return bad;
}

/* More plugs than one message of a dump can hold, each on its own device. */
static void test_many(void)
{
	struct control_state list[256];
	unsigned int i, j, n, twice = 0;

	diag("a dump of many");
	start();
	must("for i in $(seq 199); do echo link add q$i type dummy; done | ip -batch -");
	must("for i in $(seq 199); do echo qdisc add dev q$i root plug; done | tc -batch -");
	n = control_dump(&c, 0, list, 256);
	is_u64(n, 200, "a dump of 200 plugs");
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			twice += list[i].id == list[j].id;
	is_u64(twice, 0, "each once");
	is_u64(not_found(list, n), 0, "GET finds each by its id");
	dump_during(NULL, false, "nothing beside it");
	dump_during("tc qdisc change dev q1 root plug block", false, "a command");
	dump_during("tc qdisc del dev q1 root", true, "a plug that goes");
	dump_during("tc qdisc add dev q1 root plug", true, "one that comes");
	must("ip netns add other");
	dump_during("tc -n other qdisc add dev lo root plug", false,
		    "one that comes in another namespace");
	must("ip netns del other");
	/* Each time other plugs are the first of a message. */
	for (i = 2; i < 10; i++) {
		must("tc qdisc del dev q%u root", i);
		is_u64(control_dump(&c, 0, NULL, 0), 201 - i, "a dump of those that are left");
	}
	must("for i in $(seq 199); do echo link del q$i; done | ip -batch -");
	is_u64(control_dump(&c, 0, list + n, 256 - n), 1, "and of the one that is left");
	is_u64(not_found(list, n), n - 1, "GET finds that one and no other");
	finish();
}

/* ---- CHANGE ---- */

static void change(__u64 id, __u32 action, __u64 epoch, __u64 released, const char *what)
{
	struct control_reply reply;
	int err = control_do(&c, id, action, &reply);

	is_u64(err, 0, "%s", what);
	is_u64(reply.states, 1, "%s: one answer", what);
	is_u64(reply.state.cmd, SCH_PLUG_CMD_CHANGE, "%s: of CHANGE", what);
	is_u64(reply.state.id, id, "%s: of this plug", what);
	numbers(epoch, released, &reply.state, what);
}

static void test_change(void)
{
	__u64 id = start();
	struct control_reply reply;

	diag("CHANGE");
	wire_send(&w, 2, 100);
	change(id, TCQ_PLUG_BUFFER, 2, 0, "BUFFER");
	wire_send(&w, 3, 100);
	wire_silent(&w, "I1: BUFFER");
	change(id, TCQ_PLUG_RELEASE_ONE, 2, 1, "RELEASE_ONE");
	wire_leaves(&w, 2, "I5: the first epoch");
	change(id, TCQ_PLUG_RELEASE_ONE, 2, 1, "RELEASE_ONE without an epoch");
	wire_silent(&w, "I1: no epoch waits");

	change(id, TCQ_PLUG_BUFFER, 3, 1, "BUFFER");
	wire_send(&w, 4, 100);
	change(id, TCQ_PLUG_BUFFER, 4, 1, "BUFFER");
	wire_send(&w, 5, 100);
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 3, &reply), 0, "RELEASE_UPTO 3");
	numbers(4, 3, &reply.state, "RELEASE_UPTO");
	wire_leaves(&w, 7, "two epochs");
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 3, &reply), 0, "and again");
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 0, &reply), 0, "0");
	numbers(4, 3, &reply.state, "nothing more");
	wire_silent(&w, "nothing more");

	is_u64(control_limit(&c, id, 700, &reply), 0, "LIMIT");
	is_u64(reply.state.limit, 700, "the limit");
	is_u64(wire_send(&w, 10, 100), 2, "two more fit");
	is_u64(control_limit(&c, id, 0, &reply), 0, "LIMIT 0");
	ok(reply.state.limit >= 10000000, "the default");

	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 4, 4, "RELEASE_INDEFINITE");
	wire_leaves(&w, 7, "all");
	wire_send(&w, 1, 100);
	wire_leaves(&w, 1, "and what comes later");
	change(id, TCQ_PLUG_BUFFER, 5, 4, "BUFFER closes");
	wire_send(&w, 1, 100);
	wire_silent(&w, "I1: closed");
	change(id, TCQ_PLUG_RELEASE_ONE, 5, 4, "RELEASE_ONE opens the valve");
	change(id, TCQ_PLUG_BUFFER, 6, 4, "BUFFER");
	change(id, TCQ_PLUG_DISCARD, 7, 6, "DISCARD");
	wire_silent(&w, "I1: discarded");
	is_u64(control_look(&c, id).qlen, 0, "none is held");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_DROPS_DISCARD], 1, "one was dropped");
	is_u64(control_look(&c, id).commands, 15, "so many commands");
	finish();
}

/* Sends a request with these flags and checks the answers, in order: s, a state; a,
 * an acknowledgment; e, an error. All answers have come when send() returns.
 */
static void answered(struct control_request *req, __u16 flags, const char *expected)
{
	static char buf[8192] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = (void *)req->buf;
	const __u8 cmd = ((struct genlmsghdr *)NLMSG_DATA(nlh))->cmd;
	char got[8] = "";
	size_t n = 0;
	ssize_t len;

	nlh->nlmsg_len = req->len;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if (send(c.nl, req->buf, req->len, 0) < 0)
		bail("send: %s", strerror(errno));
	while ((len = recv(c.nl, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
		for (nlh = (void *)buf; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
			if (n < sizeof(got) - 1)
				got[n++] = nlh->nlmsg_type != NLMSG_ERROR ? 's' :
					   *(int *)NLMSG_DATA(nlh) ? 'e' : 'a';
	ok(!strcmp(got, expected), "command %u, flags %#x: \"%s\" expected, \"%s\" came",
	   cmd, flags, expected, got);
}

static void test_echo(void)
{
	static const struct {
		__u16		flags;
		const char	*obeyed, *refused;
	} rows[] = {
		{ 0, "", "e" },
		{ NLM_F_ACK, "a", "e" },
		{ NLM_F_ECHO, "s", "e" },
		{ NLM_F_ACK | NLM_F_ECHO, "sa", "e" },
	};
	__u64 id = start(), before = control_look(&c, id).commands;
	unsigned int i;

	diag("what commands are answered with");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct control_request change, own, stale;

		control_start(&change, &c, SCH_PLUG_CMD_CHANGE, 0);
		control_u64(&change, SCH_PLUG_A_ID, id);
		control_u32(&change, SCH_PLUG_A_ACTION, TCQ_PLUG_BUFFER);
		answered(&change, rows[i].flags, rows[i].obeyed);
		control_start(&own, &c, SCH_PLUG_CMD_OWN, 0);
		control_u64(&own, SCH_PLUG_A_ID, id);
		control_u32(&own, SCH_PLUG_A_AT_EXIT, SCH_PLUG_AT_EXIT_KEEP);
		answered(&own, rows[i].flags, rows[i].obeyed);
		control_start(&stale, &c, SCH_PLUG_CMD_CHANGE, 0);
		control_u64(&stale, SCH_PLUG_A_ID, id + 1000);
		control_u32(&stale, SCH_PLUG_A_ACTION, TCQ_PLUG_BUFFER);
		answered(&stale, rows[i].flags, rows[i].refused);
	}
	is_u64(control_look(&c, id).commands - before, i, "each was obeyed, asked for an answer or not");
	finish();
}

/* Epochs 1 to 4 with 1, 2, 4 and 8 frames; epoch 4 is being filled. */
static __u64 four_epochs(void)
{
	__u64 id = start();
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (i)
			control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
		wire_send(&w, 1 << i, 100);
	}
	return id;
}

static void discard_upto(__u64 id, __u64 last, __u64 epoch, __u64 released, __u32 qlen,
			 const char *what)
{
	struct control_reply reply;

	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, last, &reply), 0, "%s", what);
	numbers(epoch, released, &reply.state, what);
	is_u64(reply.state.qlen, qlen, "%s: packets held", what);
	is_u64(reply.state.backlog, 100 * qlen, "%s: bytes held", what);
	is_u64(wire_drain(&w, QUIET_MS), 0, "%s: nothing leaves", what);
}

static void test_discard(void)
{
	__u64 id = four_epochs();
	struct control_reply reply;

	diag("DISCARD up to an epoch");
	discard_upto(id, 0, 4, 0, 15, "DISCARD up to 0");
	discard_upto(id, 2, 4, 2, 12, "up to 2 of 4");
	discard_upto(id, 2, 4, 2, 12, "the same again");
	discard_upto(id, 1, 4, 2, 12, "an older one");
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 3, NULL), 0, "RELEASE_UPTO 3");
	wire_leaves(&w, 4, "I1: the third");
	discard_upto(id, 3, 4, 3, 8, "what was released");
	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, 5, &reply), -EINVAL,
	       "an epoch that has not begun");
	ok(reply.extack[0], "says why");
	is_u64(reply.bad_offset, NLMSG_LENGTH(GENL_HDRLEN) + 12 + 8, "and what");
	discard_upto(id, 4, 5, 4, 0, "the one being filled");
	wire_send(&w, 3, 100);
	discard_upto(id, 4, 5, 4, 3, "and again, its answer lost");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 5, 5, "RELEASE_INDEFINITE");
	wire_leaves(&w, 3, "what came after the rollback");
	discard_upto(id, 5, 5, 5, 0, "an open plug");
	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, 6, NULL), -EINVAL, "has no epoch 6");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_DROPS_DISCARD], 11, "I3: all were counted");
	finish();

	diag("what the valve has stopped");
	id = start();
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 1, 1, "RELEASE_INDEFINITE");
	change(id, TCQ_PLUG_BUFFER, 2, 1, "BUFFER");
	wire_send(&w, 2, 100);
	change(id, TCQ_PLUG_BUFFER, 3, 1, "BUFFER");
	wire_send(&w, 3, 100);
	discard_upto(id, 2, 3, 2, 3, "the middle one");
	change(id, TCQ_PLUG_RELEASE_ONE, 3, 2, "RELEASE_ONE without an epoch");
	wire_silent(&w, "I1: the third");
	change(id, TCQ_PLUG_BUFFER, 4, 2, "BUFFER");
	change(id, TCQ_PLUG_RELEASE_ONE, 4, 3, "RELEASE_ONE");
	wire_leaves(&w, 3, "the third");
	finish();
}

static void test_discard_all(void)
{
	__u64 id = start();
	struct plug_state tc;

	diag("DISCARD of all: drops what is not released, forgets the epochs that wait");
	change(id, TCQ_PLUG_DISCARD, 2, 1, "DISCARD of an empty plug");
	wire_send(&w, 1, 100);
	change(id, TCQ_PLUG_BUFFER, 3, 1, "BUFFER");
	wire_send(&w, 2, 100);
	change(id, TCQ_PLUG_BUFFER, 4, 1, "BUFFER");
	wire_send(&w, 4, 100);
	change(id, TCQ_PLUG_DISCARD, 5, 4, "DISCARD");
	ends(0, 0, "empty");
	tc = plug_get(nl, DEV);
	is_u64(tc.qlen, 0, "no packets held");
	is_u64(tc.backlog, 0, "no bytes held");
	is_u64(PLUG_STAT(tc, DROPS_DISCARD), 7, "drops_discard");
	is_u64(tc.drops, 7, "I3: tc counts them as well");
	wire_silent(&w, "I1: after DISCARD");
	wire_send(&w, 8, 100);
	change(id, TCQ_PLUG_RELEASE_ONE, 5, 4, "RELEASE_ONE");
	wire_silent(&w, "I1: no epoch waits, still closed");
	change(id, TCQ_PLUG_BUFFER, 6, 4, "BUFFER");
	wire_send(&w, 1, 100);
	change(id, TCQ_PLUG_RELEASE_ONE, 6, 5, "RELEASE_ONE");
	wire_leaves(&w, 8, "the epoch after DISCARD, whole");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 6, 6, "RELEASE_INDEFINITE");
	wire_leaves(&w, 1, "the rest");
	change(id, TCQ_PLUG_DISCARD, 6, 6, "DISCARD of an open plug");
	wire_send(&w, 3, 100);
	wire_leaves(&w, 3, "open");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_DROPS_DISCARD], 7, "drops_discard as before");
	finish();
}

/* tbf lets the first packets pass, and then hardly any. So released packets stay in
 * the plug below it.
 */
static void test_discard_released(void)
{
	struct plug_state st, tbf;
	unsigned int sent;
	__u64 id;

	diag("DISCARD leaves released packets that have not been sent");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: tbf rate 8bit burst 2000 limit 100000");
	must("tc qdisc add dev " DEV " parent 1:1 handle 2: plug");
	c = control_open();
	wire_open(&w, DEV);
	id = control_find(&c, DEV, 0x10001).id;
	wire_send(&w, 10, 1000);
	change(id, TCQ_PLUG_BUFFER, 2, 0, "BUFFER");
	wire_send(&w, 5, 1000);
	change(id, TCQ_PLUG_BUFFER, 3, 0, "BUFFER");
	wire_send(&w, 3, 1000);
	change(id, TCQ_PLUG_RELEASE_ONE, 3, 1, "RELEASE_ONE");
	sent = wire_drain(&w, QUIET_MS);
	ok(sent >= 1 && sent < 10, "some of ten leave (%u)", sent);
	ok(qdisc_get(nl, DEV, 0x10001, &st) && st.ctl.qlen == 18 - sent &&
	   st.ctl.head_epoch == 1 && st.ctl.tail_epoch == 3, "the others are there");

	change(id, TCQ_PLUG_DISCARD, 4, 3, "DISCARD");
	sent += wire_drain(&w, QUIET_MS);
	ok(qdisc_get(nl, DEV, 0x10001, &st) && qdisc_get(nl, DEV, TC_H_ROOT, &tbf),
	   "both are there");
	is_u64(st.ctl.qlen, 10 - sent, "the released stay");
	is_u64(st.ctl.backlog, (10 - sent) * 1000, "and their bytes");
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 8, "the others are dropped");
	is_u64(tbf.qlen, 10 - sent, "the parent has the same packets");
	is_u64(tbf.backlog, (10 - sent) * 1000, "and bytes");
	ok(st.ctl.head_epoch == 1 && st.ctl.tail_epoch == 1, "epochs");
	change(id, TCQ_PLUG_DISCARD, 5, 4, "DISCARD again");
	ok(qdisc_get(nl, DEV, 0x10001, &st) && st.ctl.qlen == 10 - sent &&
	   PLUG_STAT(st, DROPS_DISCARD) == 8, "the released stay");
	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, 1, NULL), 0, "DISCARD up to 1, released");
	is_u64(control_look(&c, id).qlen, 10 - sent, "they stay");
	/* tbf uses its new rate from the next packet on. */
	must("tc qdisc change dev " DEV " root handle 1: tbf rate 1gbit burst 100000 limit 100000");
	wire_send(&w, 2, 1000);
	sent += wire_recv(&w, 10 - sent);
	is_u64(sent + wire_drain(&w, QUIET_MS), 10, "I3: the released leave, no other");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &tbf) && tbf.qlen == 2 && tbf.backlog == 2000,
	   "two that came later are held");
	finish();
}

static void upto(__u64 id, __u64 last, __u64 epoch, __u64 released, unsigned int leave,
		 const char *what)
{
	struct control_reply reply;

	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, last, &reply), 0, "%s", what);
	numbers(epoch, released, &reply.state, what);
	wire_leaves(&w, leave, what);
}

static void no_upto(__u64 id, __u64 last, const char *what)
{
	struct control_state before = control_look(&c, id), after;
	struct control_reply reply;

	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, last, &reply), -EINVAL, "%s", what);
	ok(strstr(reply.extack, "The epoch to release has not been closed"), "%s: says why", what);
	is_u64(reply.bad_offset, NLMSG_LENGTH(GENL_HDRLEN) + 12 + 8, "%s: and what", what);
	after = control_look(&c, id);
	ok(same(&before, &after), "%s: nothing has changed", what);
	wire_silent(&w, what);
}

static void test_upto(void)
{
	__u64 id = start();
	unsigned int i;

	diag("RELEASE_UPTO");
	for (i = 1; i <= 6; i++) {
		wire_send(&w, i, 100);
		change(id, TCQ_PLUG_BUFFER, i + 1, 0, "BUFFER");
	}
	upto(id, 0, 7, 0, 0, "RELEASE_UPTO 0");
	upto(id, 1, 7, 1, 1, "RELEASE_UPTO 1");
	upto(id, 1, 7, 1, 0, "RELEASE_UPTO 1 again");
	upto(id, 4, 7, 4, 2 + 3 + 4, "RELEASE_UPTO 4, three epochs");
	upto(id, 2, 7, 4, 0, "RELEASE_UPTO 2, released long ago");
	wire_send(&w, 7, 100);
	no_upto(id, 7, "the epoch being filled");
	no_upto(id, 8, "the epoch after it");
	no_upto(id, ~0ULL, "epoch 2^64 - 1");
	upto(id, 6, 7, 6, 5 + 6, "RELEASE_UPTO 6, all that wait");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS], 6, "six were obeyed");

	diag("an open plug has released the epoch that it fills");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 7, 7, "RELEASE_INDEFINITE");
	wire_leaves(&w, 7, "the rest");
	upto(id, 7, 7, 7, 0, "RELEASE_UPTO 7");
	no_upto(id, 8, "the next epoch of an open plug");
	finish();
}

/* RELEASE_UPTO while the valve is shut: there a release takes RTNL. */
static void test_upto_shut(void)
{
	__u64 id = start();

	diag("RELEASE_UPTO after an open plug was closed");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 1, 1, "RELEASE_INDEFINITE");
	change(id, TCQ_PLUG_BUFFER, 2, 1, "BUFFER");
	wire_send(&w, 2, 100);
	no_upto(id, 2, "the epoch being filled");
	no_upto(id, 3, "the epoch after it");
	upto(id, 1, 2, 1, 0, "RELEASE_UPTO 1");
	finish();
}

static void test_ends(void)
{
	__u64 id = start();

	diag("a dump: epochs of the oldest and the newest packet");
	ends(0, 0, "empty: neither is there");
	wire_send(&w, 1, 100);
	ends(1, 1, "one packet");
	change(id, TCQ_PLUG_BUFFER, 2, 0, "BUFFER");
	ends(1, 1, "no packet in the new epoch yet");
	change(id, TCQ_PLUG_BUFFER, 3, 0, "BUFFER");
	wire_send(&w, 1, 100);
	ends(1, 3, "an empty epoch between");
	change(id, TCQ_PLUG_RELEASE_ONE, 3, 1, "RELEASE_ONE");
	wire_leaves(&w, 1, "the first");
	ends(3, 3, "the first has left");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 3, 3, "RELEASE_INDEFINITE");
	wire_leaves(&w, 1, "the other");
	ends(0, 0, "all have left");
	finish();
}

/* ---- errors ---- */

struct request {
	const char	*what;
	__u8		cmd;
	bool		id;
	int		action;		/* -1: none */
	__u16		type;		/* one more attribute; 0: none */
	__u8		len;
	__u64		value;
	int		err;
	int		missing;	/* attribute reported as missing; 0: none */
	bool		offset;		/* the kernel reports the last one as bad */
};

static const struct request bad[] = {
	{ "GET without an id", SCH_PLUG_CMD_GET, false, -1, 0, 0, 0, -EINVAL, SCH_PLUG_A_ID, false },
	{ "GET with a device", SCH_PLUG_CMD_GET, true, -1, SCH_PLUG_A_IFINDEX, 4, 1, -EINVAL, 0, true },
	{ "GET with half an id", SCH_PLUG_CMD_GET, false, -1, SCH_PLUG_A_ID, 4, 1, -EINVAL, 0, true },
	{ "GET with an unknown attribute", SCH_PLUG_CMD_GET, true, -1, 60, 4, 1, -EINVAL, 0, true },
	{ "CHANGE without an id", SCH_PLUG_CMD_CHANGE, false, TCQ_PLUG_BUFFER, 0, 0, 0, -EINVAL, SCH_PLUG_A_ID, false },
	{ "CHANGE without an action", SCH_PLUG_CMD_CHANGE, true, -1, 0, 0, 0, -EINVAL, SCH_PLUG_A_ACTION, false },
	{ "CHANGE with action 4", SCH_PLUG_CMD_CHANGE, true, 4, 0, 0, 0, -EINVAL, 0, true },
	{ "CHANGE with action 258", SCH_PLUG_CMD_CHANGE, true, 258, 0, 0, 0, -EINVAL, 0, true },
	{ "CHANGE with the last action", SCH_PLUG_CMD_CHANGE, true, 0x7fffffff, 0, 0, 0, -EINVAL, 0, true },
	{ "BUFFER with a limit", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_BUFFER, SCH_PLUG_A_LIMIT, 4, 1, -EINVAL, 0, true },
	{ "RELEASE_ONE with an epoch", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_RELEASE_ONE, SCH_PLUG_A_LAST, 8, 1, -EINVAL, 0, true },
	{ "RELEASE_UPTO without an epoch", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_RELEASE_UPTO, 0, 0, 0, -EINVAL, SCH_PLUG_A_LAST, false },
	{ "RELEASE_UPTO the epoch being filled", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_RELEASE_UPTO, SCH_PLUG_A_LAST, 8, 2, -EINVAL, 0, true },
	{ "RELEASE_UPTO what has not begun", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_RELEASE_UPTO, SCH_PLUG_A_LAST, 8, ~0ULL, -EINVAL, 0, true },
	{ "DISCARD what has not begun", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_DISCARD, SCH_PLUG_A_LAST, 8, ~0ULL, -EINVAL, 0, true },
	{ "DISCARD with a limit", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_DISCARD, SCH_PLUG_A_LIMIT, 4, 1, -EINVAL, 0, true },
	{ "LIMIT without a limit", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_LIMIT, 0, 0, 0, -EINVAL, SCH_PLUG_A_LIMIT, false },
	{ "BUFFER and what the kernel tells", SCH_PLUG_CMD_CHANGE, true, TCQ_PLUG_BUFFER, SCH_PLUG_A_EPOCH, 8, 1, -EINVAL, 0, true },
	{ "OWN without an exit", SCH_PLUG_CMD_OWN, true, -1, 0, 0, 0, -EINVAL, SCH_PLUG_A_AT_EXIT, false },
	{ "OWN with an unknown exit", SCH_PLUG_CMD_OWN, true, -1, SCH_PLUG_A_AT_EXIT, 4, 3, -EINVAL, 0, true },
	{ "OWN with an action", SCH_PLUG_CMD_OWN, true, TCQ_PLUG_BUFFER, 0, 0, 0, -EINVAL, SCH_PLUG_A_AT_EXIT, false },
	{ "no such operation", SCH_PLUG_CMD_MAX + 1, true, -1, 0, 0, 0, -EOPNOTSUPP, 0, false },
	{ "an event is no operation", SCH_PLUG_CMD_CHANGE_NTF, true, -1, 0, 0, 0, -EOPNOTSUPP, 0, false },
};

static int send_bad(const struct request *r, __u64 id, struct control_reply *reply, int *last)
{
	struct control_request req;

	control_start(&req, &c, r->cmd, 0);
	*last = req.len;
	if (r->id)
		control_u64(&req, SCH_PLUG_A_ID, id);
	if (r->action >= 0) {
		*last = req.len;
		control_u32(&req, SCH_PLUG_A_ACTION, r->action);
	}
	if (r->type) {
		*last = req.len;
		control_raw(&req, r->type, &r->value, r->len);
	}
	return control_send(&req, &c, reply, NULL, NULL);
}

static void test_errors(void)
{
	struct control_state before, after;
	struct control_reply reply;
	__u64 id = start();
	bool all = says_missing();
	unsigned int i;
	int last, err;

	diag("what is refused");
	wire_send(&w, 1, 100);
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	wire_send(&w, 1, 100);
	before = control_look(&c, id);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct request *r = &bad[i];

		err = send_bad(r, id, &reply, &last);
		is_u64(err, r->err, "%s", r->what);
		if (r->err != -EOPNOTSUPP)
			ok(reply.extack[0], "%s: says why: %s", r->what, reply.extack);
		if (r->missing && all)
			is_u64(reply.missing, r->missing, "%s: which is missing", r->what);
		if (r->offset)
			is_u64(reply.bad_offset, last, "%s: which is wrong", r->what);
	}
	if (!all)
		skip("this kernel cannot say which attribute is missing");
	after = control_look(&c, id);
	ok(same(&before, &after), "nothing has changed");
	wire_silent(&w, "nothing was done");
	finish();
}

static int bad_dump(__u16 type, size_t len, struct control_reply *reply)
{
	struct control_request req;
	__u64 value = 1;

	control_start(&req, &c, SCH_PLUG_CMD_GET, NLM_F_DUMP);
	control_raw(&req, type, &value, len);
	return control_send(&req, &c, reply, NULL, NULL);
}

/* Whether this kernel reports the attribute for which it refuses a dump. Linux 6.13
 * and newer do, and late stable versions of older ones. To find out, this asks for a
 * dump of devices with an IFLA_MASTER of one byte, which every kernel refuses.
 */
static bool dump_reports_attr(void)
{
	struct control rtnl = { .nl = nl_open(), .family = RTM_GETLINK };
	struct control_request req;
	struct control_reply reply;
	const char half = 0;
	const int on = 1;

	if (setsockopt(rtnl.nl, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)))
		bail("NETLINK_GET_STRICT_CHK: %s", strerror(errno));
	control_start(&req, &rtnl, 0, NLM_F_DUMP);
	req.len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	memset(NLMSG_DATA((struct nlmsghdr *)req.buf), 0, sizeof(struct ifinfomsg));
	control_raw(&req, IFLA_MASTER, &half, sizeof(half));
	if (!control_send(&req, &rtnl, &reply, NULL, NULL))
		bail("a dump of devices with a wrong attribute is not refused");
	close(rtnl.nl);
	return reply.bad_offset >= 0;
}

static void test_bad_dump(void)
{
	struct control_reply reply;

	diag("dumps that are refused");
	start();
	is_u64(bad_dump(SCH_PLUG_A_ID, 8, &reply), -EINVAL, "a dump of an id");
	ok(reply.extack[0], "says why: %s", reply.extack);
	is_u64(reply.bad_offset, dump_reports_attr() ? (int)NLMSG_LENGTH(GENL_HDRLEN) : -1,
	       "and which attribute, if this kernel reports it");
	is_u64(bad_dump(SCH_PLUG_A_IFINDEX, 2, &reply), -EINVAL, "a dump of half a device");
	is_u64(bad_dump(60, 4, &reply), -EINVAL, "a dump with an unknown attribute");
	finish();
}

/* ---- attributes ---- */

struct operation {
	const char	*what;
	__u8		cmd;
	__u32		action;		/* of CHANGE */
	__u16		attrs[3];	/* that the operation takes, the id first */
};

static const struct operation operations[] = {
	{ "GET", SCH_PLUG_CMD_GET, 0, { SCH_PLUG_A_ID } },
	{ "BUFFER", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_BUFFER, { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION } },
	{ "RELEASE_ONE", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_RELEASE_ONE,
	  { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION } },
	{ "RELEASE_INDEFINITE", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_RELEASE_INDEFINITE,
	  { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION } },
	{ "LIMIT", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_LIMIT,
	  { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION, SCH_PLUG_A_LIMIT } },
	{ "RELEASE_UPTO", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_RELEASE_UPTO,
	  { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION, SCH_PLUG_A_LAST } },
	{ "DISCARD", SCH_PLUG_CMD_CHANGE, TCQ_PLUG_DISCARD,
	  { SCH_PLUG_A_ID, SCH_PLUG_A_ACTION, SCH_PLUG_A_LAST } },
	{ "OWN", SCH_PLUG_CMD_OWN, 0, { SCH_PLUG_A_ID, SCH_PLUG_A_AT_EXIT } },
};

static size_t right_len(__u16 attr)
{
	return attr == SCH_PLUG_A_ID || attr == SCH_PLUG_A_LAST ? 8 : 4;
}

/* Sends all attributes that @op takes, with valid values. Only @attr is different:
 * it has @flags and @len bytes, or is left out if @len is -1. If @op does not take
 * @attr, it is added at the end. Sets *@at to the position of @attr; returns the error.
 */
static int send_with(const struct operation *op, __u64 id, __u16 attr, __u16 flags, int len,
		     int *at, struct control_reply *reply)
{
	bool done = false;
	struct control_request req;
	char value[64];
	int i;

	control_start(&req, &c, op->cmd, 0);
	for (i = 0; i < 3 && op->attrs[i]; i++) {
		bool it = op->attrs[i] == attr;
		__u64 v = op->attrs[i] == SCH_PLUG_A_ID ? id :
			  op->attrs[i] == SCH_PLUG_A_ACTION ? op->action : 1;

		memset(value, 0, sizeof(value));
		memcpy(value, &v, sizeof(v));
		done |= it;
		if (it)
			*at = req.len;
		if (!it)
			control_raw(&req, op->attrs[i], value, right_len(op->attrs[i]));
		else if (len >= 0)
			control_raw(&req, attr | flags, value, len);
	}
	if (!done) {
		*at = req.len;
		memset(value, 0, sizeof(value));
		control_raw(&req, attr | flags, value, len);
	}
	return control_send(&req, &c, reply, NULL, NULL);
}

static bool takes(const struct operation *op, __u16 attr)
{
	return attr == op->attrs[0] || attr == op->attrs[1] || attr == op->attrs[2];
}

/* Sends each attribute that @op takes with each wrong length and with a wrong flag,
 * and each attribute that @op does not take. Returns how many were answered wrongly.
 */
static unsigned int wrong_attrs(const struct operation *op, __u64 id)
{
	struct control_reply reply;
	unsigned int attr, bad = 0, n = 0;
	int len, at, err;

	for (attr = 0; attr < SCH_PLUG_A_MAX + 4; attr++) {
		for (len = 0; len <= 16; len++) {
			bool ours = takes(op, attr);

			if (ours && len == (int)right_len(attr))
				err = send_with(op, id, attr, NLA_F_NESTED, len, &at, &reply);
			else
				err = send_with(op, id, attr, 0, len, &at, &reply);
			n++;
			if (err == -EINVAL && reply.extack[0] && reply.bad_offset == at)
				continue;
			if (!bad++)
				diag("first: attribute %u of %d bytes at %d: %d \"%s\" at %d",
				     attr, len, at, err, reply.extack, reply.bad_offset);
		}
	}
	diag("%s: %u messages", op->what, n);
	return bad;
}

/* Leaves out each attribute that @op needs. Only the last one of DISCARD is optional.
 */
static void left_out(const struct operation *op, __u64 id)
{
	struct control_reply reply;
	int i, at, err;

	for (i = 0; i < 3 && op->attrs[i]; i++) {
		if (op->action == TCQ_PLUG_DISCARD && i == 2)
			continue;
		err = send_with(op, id, op->attrs[i], 0, -1, &at, &reply);
		is_u64(err, -EINVAL, "%s without attribute %u", op->what, op->attrs[i]);
		ok(reply.extack[0], "%s: says why: %s", op->what, reply.extack);
		if (says_missing())
			is_u64(reply.missing, op->attrs[i], "%s: which is missing", op->what);
	}
}

static void test_attributes(void)
{
	struct control_state before, after;
	__u64 id = start();
	unsigned int i;

	diag("attributes of wrong lengths, missing, and out of place");
	wire_send(&w, 1, 100);
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	wire_send(&w, 1, 100);
	before = control_look(&c, id);
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		is_u64(wrong_attrs(&operations[i], id), 0,
		       "%s: each is refused, with a reason and where", operations[i].what);
		left_out(&operations[i], id);
	}
	if (!says_missing())
		skip("this kernel cannot say which attribute is missing");
	after = control_look(&c, id);
	ok(same(&before, &after), "nothing has changed");
	wire_silent(&w, "nothing was done");
	finish();
}

/* ---- identity ---- */

static void stale(__u64 id, const char *what)
{
	static const __u32 actions[] = {
		TCQ_PLUG_BUFFER, TCQ_PLUG_RELEASE_ONE, TCQ_PLUG_RELEASE_INDEFINITE,
		TCQ_PLUG_DISCARD,
	};
	struct control_state before = control_find(&c, DEV, TC_H_ROOT), after;
	struct control_reply reply;
	unsigned int i;

	is_u64(control_get(&c, id, &reply), -ENOENT, "%s: GET", what);
	ok(reply.extack[0], "says why: %s", reply.extack);
	is_u64(reply.bad_offset, NLMSG_LENGTH(GENL_HDRLEN), "and what");
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		is_u64(control_do(&c, id, actions[i], NULL), -ENOENT, "%s: action %u", what,
		       actions[i]);
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 1, NULL), -ENOENT, "%s: UPTO", what);
	is_u64(control_upto(&c, id, TCQ_PLUG_DISCARD, 1, NULL), -ENOENT, "%s: DISCARD", what);
	is_u64(control_limit(&c, id, 1, NULL), -ENOENT, "%s: LIMIT", what);
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_OPEN, NULL), -ENOENT, "%s: OWN", what);
	wire_silent(&w, what);
	after = control_find(&c, DEV, TC_H_ROOT);
	ok(same(&before, &after), "%s: nothing has changed", what);
}

static void test_identity(void)
{
	__u64 id = start(), next, last;
	int i;

	diag("identity");
	must("tc qdisc del dev " DEV " root");
	is_u64(control_get(&c, id, NULL), -ENOENT, "deleted");
	attach("limit 10000000");
	next = control_find(&c, DEV, TC_H_ROOT).id;
	ok(next > id, "another plug in the same place has another id");
	wire_send(&w, 2, 100);
	plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 2, 100);
	stale(id, "an old id");

	must("tc qdisc replace dev " DEV " root handle 2: plug limit 10000000");
	last = control_find(&c, DEV, TC_H_ROOT).id;
	ok(last != next && last != id, "also when it is replaced");
	is_u64(control_get(&c, next, NULL), -ENOENT, "the one before is gone");
	must("tc qdisc change dev " DEV " root plug block");
	is_u64(control_find(&c, DEV, TC_H_ROOT).id, last, "a command changes no id");

	for (i = 0; i < 3; i++) {
		must("tc qdisc del dev " DEV " root");
		control_close(&c);
		must("rmmod sch_plug");
		ok(!control_try_open(&c), "the family goes with the module");
		attach("limit 10000000");
		c = control_open();
		next = control_find(&c, DEV, TC_H_ROOT).id;
		ok(next > last, "I8: an id that no plug had before the module was loaded again");
		last = next;
	}
	wire_send(&w, 1, 100);
	stale(id, "an id of an earlier module");
	finish();
}

/* Two plugs on one device, below prio. */
static void test_leaf(void)
{
	struct control_reply reply;
	struct plug_state root;
	__u64 a, b;

	diag("two below prio");
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: prio priomap 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1");
	must("tc qdisc add dev " DEV " parent 1:1 handle 10: plug");
	must("tc qdisc add dev " DEV " parent 1:2 handle 20: plug");
	c = control_open();
	wire_open(&w, DEV);
	a = control_find(&c, DEV, TC_H_MAKE(1 << 16, 1)).id;
	b = control_find(&c, DEV, TC_H_MAKE(1 << 16, 2)).id;
	ok(a != b, "two ids");
	wire_send(&w, 2, 100);
	is_u64(control_look(&c, b).qlen, 2, "the second holds them");
	is_u64(control_do(&c, b, TCQ_PLUG_BUFFER, &reply), 0, "BUFFER");
	is_u64(reply.state.handle, 0x200000, "to the second");
	wire_send(&w, 1, 100);
	is_u64(control_do(&c, a, TCQ_PLUG_BUFFER, NULL), 0, "BUFFER to the first");
	is_u64(control_do(&c, a, TCQ_PLUG_RELEASE_ONE, NULL), 0, "RELEASE_ONE to the first");
	wire_silent(&w, "I1: it was the other one");
	is_u64(control_do(&c, b, TCQ_PLUG_RELEASE_ONE, NULL), 0, "RELEASE_ONE to the second");
	wire_leaves(&w, 2, "I5: its first epoch");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &root), "their parent");
	is_u64(root.qlen, 1, "I3: has seen them leave, and counts what is left");
	is_u64(control_do(&c, b, TCQ_PLUG_DISCARD, NULL), 0, "DISCARD to the second");
	ok(qdisc_get(nl, DEV, TC_H_ROOT, &root), "their parent");
	is_u64(root.qlen, 0, "I3: counts no packet that was dropped");
	is_u64(root.backlog, 0, "I3: and no byte of it");
	must("tc qdisc del dev " DEV " root");
	is_u64(control_get(&c, a, NULL), -ENOENT, "with the parent the first goes");
	is_u64(control_get(&c, b, NULL), -ENOENT, "and the second");
	finish();
}

/* Commands while the link is down, and after it is up again. */
static void test_link(void)
{
	__u64 id = start();

	diag("the link goes down and up");
	wire_send(&w, 2, 100);
	must("ip link set " DEV " down");
	is_u64(control_do(&c, id, TCQ_PLUG_BUFFER, NULL), 0, "BUFFER while it is down");
	must("ip link set " DEV " up");
	wire_send(&w, 3, 100);
	change(id, TCQ_PLUG_RELEASE_ONE, 2, 1, "RELEASE_ONE");
	wire_silent(&w, "I1, I4: the second epoch");
	change(id, TCQ_PLUG_BUFFER, 3, 1, "BUFFER");
	change(id, TCQ_PLUG_RELEASE_ONE, 3, 2, "RELEASE_ONE");
	wire_leaves(&w, 3, "I5: the second epoch");
	wire_send(&w, 2, 100);
	must("ip link set " DEV " down");
	change(id, TCQ_PLUG_BUFFER, 4, 2, "down: BUFFER");
	is_u64(control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 3, NULL), 0, "down: RELEASE_UPTO 3");
	change(id, TCQ_PLUG_DISCARD, 5, 4, "down: DISCARD");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_DROPS_RESET], 4, "I3: the resets dropped them");
	is_u64(control_look(&c, id).stats[SCH_PLUG_A_STATS_DROPS_DISCARD], 0, "and left none to discard");
	must("ip link set " DEV " up");
	wire_send(&w, 2, 100);
	wire_silent(&w, "I1: up again, closed");
	change(id, TCQ_PLUG_RELEASE_INDEFINITE, 5, 5, "RELEASE_INDEFINITE");
	wire_leaves(&w, 2, "open");
	finish();
}

/* ---- permissions ---- */

/* Runs @what in a child, whose exit status is the number of errors. */
static void in_child(int (*what)(__u64 id), __u64 id, const char *text)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		fflush(stdout);
		_exit(what(id));
	}
	waitpid(pid, &status, 0);
	if (!ok(WIFEXITED(status) && !WEXITSTATUS(status), "%s", text))
		diag("status %x", status);
}

static int as_nobody(__u64 id)
{
	struct control_state list[2];
	struct control n;
	int bad = 0;

	if (setgid(65534) || setuid(65534) || !control_try_open(&n))
		return 99;
	bad += control_get(&n, id, NULL) != 0;
	bad += control_dump(&n, 0, list, 2) != 1;
	bad += control_do(&n, id, TCQ_PLUG_RELEASE_INDEFINITE, NULL) != -EPERM;
	bad += control_do(&n, id, TCQ_PLUG_BUFFER, NULL) != -EPERM;
	bad += control_own(&n, id, SCH_PLUG_AT_EXIT_OPEN, NULL) != -EPERM;
	return bad;
}

static int nothing_seen(const struct control *n, __u64 id)
{
	struct control_state list[2];
	int bad = 0;

	bad += control_get(n, id, NULL) != -ENOENT;
	bad += control_dump(n, 0, list, 2) != 0;
	bad += control_do(n, id, TCQ_PLUG_RELEASE_INDEFINITE, NULL) != -ENOENT;
	bad += control_do(n, id, TCQ_PLUG_BUFFER, NULL) != -ENOENT;
	bad += control_own(n, id, SCH_PLUG_AT_EXIT_OPEN, NULL) != -ENOENT;
	return bad;
}

static int elsewhere(__u64 id)
{
	struct control n;

	if (unshare(CLONE_NEWNET) || !control_try_open(&n))
		return 99;
	return nothing_seen(&n, id);
}

/* A user who is root in his own user namespace, but nobody in ours. */
static int in_user_namespace(__u64 id)
{
	struct control here, there;
	int bad = 0;

	if (setgid(65534) || setuid(65534) || unshare(CLONE_NEWUSER) ||
	    !control_try_open(&here))
		return 99;
	bad += control_do(&here, id, TCQ_PLUG_BUFFER, NULL) != -EPERM;
	if (unshare(CLONE_NEWNET) || !control_try_open(&there))
		return 98;
	return bad + nothing_seen(&there, id);
}

/* A user who is root in his own namespaces may send commands to his own plug. */
static int of_his_own(__u64 id)
{
	struct control_reply reply;
	struct control n;
	__u64 own;
	int bad = 0;

	if (!become_root_of_namespaces() || !control_try_open(&n) ||
	    quiet_sh("ip link add " DEV " type dummy && tc qdisc add dev " DEV " root plug"))
		return 99;
	own = control_find(&n, DEV, TC_H_ROOT).id;
	bad += own == id;
	bad += control_do(&n, own, TCQ_PLUG_BUFFER, &reply) != 0;
	bad += reply.state.released + 2 != reply.state.epoch;
	bad += control_upto(&n, own, TCQ_PLUG_RELEASE_UPTO, reply.state.epoch - 1, NULL) != 0;
	bad += control_own(&n, own, SCH_PLUG_AT_EXIT_OPEN, NULL) != 0;
	bad += control_do(&n, id, TCQ_PLUG_BUFFER, NULL) != -ENOENT;
	return bad;
}

static void test_permissions(void)
{
	__u64 id = start();
	struct control_state before = control_look(&c, id), after;

	diag("who may");
	in_child(as_nobody, id, "nobody may look, and no more");
	in_child(elsewhere, id, "another network namespace sees nothing");
	in_child(in_user_namespace, id, "nor does who is root in a user namespace");
	in_child(of_his_own, id, "whom a plug of his own obeys");
	after = control_look(&c, id);
	ok(same(&before, &after), "nothing has changed");
	finish();
}

/* ---- owner ---- */

enum ending { EXITS, KILLED, EXECS, CLOSES };

/* Makes a process the owner of the plug, ends it as @how says, and waits for its end.
 */
static void owner(__u64 id, __u32 at_exit, enum ending how)
{
	int ready[2], end[2];
	char byte;
	pid_t pid;

	if (pipe(ready) || pipe(end))
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		struct control n = control_open();

		close(end[1]);
		if (control_own(&n, id, at_exit, NULL) || write(ready[1], "", 1) != 1)
			_exit(1);
		if (read(end[0], &byte, 1) < 0)
			_exit(2);
		if (how == EXECS)
			execlp("true", "true", NULL);
		if (how == CLOSES) {
			/* The at-exit action is done before close() returns. */
			control_close(&n);
			if (write(ready[1], "", 1) != 1)
				_exit(3);
			for (;;)
				pause();
		}
		_exit(0);
	}
	close(end[0]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("the owner could not own");
	if (how == KILLED)
		kill(pid, SIGKILL);
	else
		close(end[1]);
	if (how == CLOSES && read(ready[0], &byte, 1) != 1)
		bail("the owner could not close");
	if (how == CLOSES)
		kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	if (how == KILLED)
		close(end[1]);
}

static void owner_ends(__u32 at_exit, enum ending how, const char *what)
{
	__u64 id = start();

	diag("an owner that %s", what);
	wire_send(&w, 2, 100);
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	wire_send(&w, 3, 100);
	owner(id, at_exit, how);
	ok(!(control_look(&c, id).has & (1 << SCH_PLUG_A_OWNER)), "%s: has none", what);
	switch (at_exit) {
	case SCH_PLUG_AT_EXIT_OPEN:
		numbers(2, 2, &(struct control_state){ .epoch = control_look(&c, id).epoch,
			.released = control_look(&c, id).released }, what);
		wire_leaves(&w, 5, what);
		break;
	case SCH_PLUG_AT_EXIT_DISCARD:
		is_u64(control_look(&c, id).qlen, 0, "%s: none is held", what);
		is_u64(control_look(&c, id).epoch, 3, "%s: epoch", what);
		is_u64(control_look(&c, id).released, 2, "%s: closed", what);
		wire_silent(&w, what);
		break;
	default:
		is_u64(control_look(&c, id).qlen, 5, "%s: all are held", what);
		wire_silent(&w, what);
	}
	finish();
}

static void test_owner(void)
{
	struct control other;
	struct control_reply reply;
	struct control_state st;
	__u64 id = start();

	diag("OWN");
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_DISCARD, &reply), 0, "OWN");
	ok(reply.state.owner != 0, "has an owner");
	is_u64(reply.state.at_exit, SCH_PLUG_AT_EXIT_DISCARD, "and what is done at its exit");
	other = control_open();
	is_u64(control_own(&other, id, SCH_PLUG_AT_EXIT_OPEN, &reply), -EBUSY, "a second owner");
	ok(reply.extack[0], "says why: %s", reply.extack);
	is_u64(control_do(&other, id, TCQ_PLUG_BUFFER, NULL), 0, "may command it");
	is_u64(control_look(&c, id).at_exit, SCH_PLUG_AT_EXIT_DISCARD, "nothing else has changed");
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_OPEN, NULL), 0, "OWN again");
	is_u64(control_look(&c, id).at_exit, SCH_PLUG_AT_EXIT_OPEN, "with another choice");
	control_close(&c);
	c = other;
	st = control_look(&c, id);
	is_u64(st.epoch, st.released, "closed, and the plug is open");
	is_u64(st.owner, 0, "nobody's");
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_KEEP, NULL), 0, "free for the next");

	diag("the plug goes first");
	must("tc qdisc del dev " DEV " root");
	attach("limit 10000000");
	wire_send(&w, 1, 100);
	control_close(&c);
	wire_silent(&w, "another plug is not its owner's");
	c = control_open();
	id = control_find(&c, DEV, TC_H_ROOT).id;
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_DISCARD, NULL), 0, "OWN");
	must("tc qdisc del dev " DEV " root");
	must("rmmod sch_plug");
	control_close(&c);
	attach("limit 10000000");
	c = control_open();
	finish();

	owner_ends(SCH_PLUG_AT_EXIT_KEEP, EXITS, "exits, keep");
	owner_ends(SCH_PLUG_AT_EXIT_OPEN, EXITS, "exits, open");
	owner_ends(SCH_PLUG_AT_EXIT_DISCARD, EXITS, "exits, discard");
	owner_ends(SCH_PLUG_AT_EXIT_KEEP, KILLED, "is killed, keep");
	owner_ends(SCH_PLUG_AT_EXIT_OPEN, KILLED, "is killed, open");
	owner_ends(SCH_PLUG_AT_EXIT_DISCARD, KILLED, "is killed, discard");
	owner_ends(SCH_PLUG_AT_EXIT_OPEN, EXECS, "calls exec, open");
	owner_ends(SCH_PLUG_AT_EXIT_DISCARD, CLOSES, "closes its socket, discard");
}

static void test_owner_races(void)
{
	__u64 id = start();
	struct control other;
	struct control_reply reply;

	diag("the plug goes before its owner does");
	is_u64(control_own(&c, id, SCH_PLUG_AT_EXIT_OPEN, NULL), 0, "OWN");
	must("tc qdisc replace dev " DEV " root handle 2: pfifo");
	must("tc qdisc replace dev " DEV " root handle 3: plug limit 10000000");
	other = control_open();
	is_u64(control_own(&other, control_find(&other, DEV, TC_H_ROOT).id,
			   SCH_PLUG_AT_EXIT_KEEP, &reply), 0, "its successor is nobody's");
	wire_send(&w, 1, 100);
	control_close(&c);
	c = other;
	wire_silent(&w, "replaced: its successor is not opened");

	diag("the module is asked to go while a plug has an owner");
	ok(sh("rmmod sch_plug 2> /dev/null"), "it stays");
	is_u64(control_look(&c, control_find(&c, DEV, TC_H_ROOT).id).at_exit, SCH_PLUG_AT_EXIT_KEEP,
	       "and the plug its owner's");

	diag("the device goes");
	must("ip link add gone0 type dummy && ip link set gone0 up");
	must("tc qdisc add dev gone0 root handle 1: plug");
	other = control_open();
	id = control_find(&other, "gone0", TC_H_ROOT).id;
	is_u64(control_own(&other, id, SCH_PLUG_AT_EXIT_OPEN, NULL), 0, "OWN");
	must("ip link del gone0");
	is_u64(control_do(&other, id, TCQ_PLUG_BUFFER, NULL), -ENOENT, "its plug is gone");
	control_close(&other);
	finish();
	must("rmmod sch_plug");
	must("modprobe sch_plug");
}

/* ---- RTNL ---- */

/* A function that runs in another thread, and may wait in the kernel. */
struct background {
	void		(*run)(void *arg);
	void		*arg;
	pthread_t	thread;
	atomic_int	tid;
	atomic_bool	done;
};

static void *background_main(void *arg)
{
	struct background *b = arg;

	atomic_store(&b->tid, syscall(SYS_gettid));
	b->run(b->arg);
	atomic_store(&b->done, true);
	return NULL;
}

static bool is_waiting(struct background *b)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&b->tid));
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'D';
}

static void background_start(struct background *b, void (*run)(void *arg), void *arg)
{
	memset(b, 0, sizeof(*b));
	b->run = run;
	b->arg = arg;
	if (pthread_create(&b->thread, NULL, background_main, b))
		bail("no thread");
}

/* True: the thread waits in the kernel, and not only for a moment. False: it is done.
 */
static bool background_waits(struct background *b)
{
	unsigned int waiting = 0;

	while (waiting < 30) {
		if (atomic_load(&b->done))
			return false;
		waiting = is_waiting(b) ? waiting + 1 : 0;
		sleep_ms(1);
	}
	return true;
}

static void other_family(__u8 cmd)
{
	struct control_request req;
	struct control other;

	if (!control_try_family(&other, "plug_other"))
		bail("no family plug_other");
	control_start(&req, &other, cmd, 0);
	if (control_send(&req, &other, NULL, NULL, NULL))
		bail("plug_other: operation %u", cmd);
	close(other.nl);
}

static void hold_rtnl(void *arg)
{
	other_family(1);
}

struct needy {
	const char *what;
	__u8	cmd;
	__u32	action;
	__u16	type;		/* of an additional attribute, or 0 */
	__u64	value;
	__u64	id;
	int	err;
};

static void send_needy(void *arg)
{
	struct needy *n = arg;
	struct control_request req;
	struct control own = control_open();

	control_start(&req, &own, n->cmd, 0);
	control_u64(&req, SCH_PLUG_A_ID, n->id);
	if (n->cmd == SCH_PLUG_CMD_CHANGE)
		control_u32(&req, SCH_PLUG_A_ACTION, n->action);
	if (n->type == SCH_PLUG_A_LAST)
		control_u64(&req, n->type, n->value);
	else if (n->type)
		control_u32(&req, n->type, n->value);
	n->err = control_send(&req, &own, NULL, NULL, NULL);
	close(own.nl);
}

/* Which operations wait while another task holds RTNL, and which do not. */
static void test_rtnl(void)
{
	static struct needy free_of_it[] = {
		{ .what = "BUFFER", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_BUFFER },
		{ .what = "RELEASE_ONE", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_RELEASE_ONE },
		{ .what = "RELEASE_UPTO", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_RELEASE_UPTO, .type = SCH_PLUG_A_LAST, .value = 1 },
		{ .what = "GET", .cmd = SCH_PLUG_CMD_GET },
	}, needy[] = {
		{ .what = "DISCARD", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_DISCARD },
		{ .what = "LIMIT", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_LIMIT, .type = SCH_PLUG_A_LIMIT, .value = 10000 },
		{ .what = "OWN", .cmd = SCH_PLUG_CMD_OWN,
		  .type = SCH_PLUG_A_AT_EXIT, .value = SCH_PLUG_AT_EXIT_KEEP },
		{ .what = "RELEASE_INDEFINITE", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_RELEASE_INDEFINITE },
		{ .what = "BUFFER that closes", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_BUFFER },
		{ .what = "RELEASE_ONE that opens the valve", .cmd = SCH_PLUG_CMD_CHANGE,
		  .action = TCQ_PLUG_RELEASE_ONE },
	};
	struct background holder, waiter;
	__u64 id = start();
	unsigned int i;

	diag("who waits for RTNL");
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	must("insmod /other_family.ko");
	background_start(&holder, hold_rtnl, NULL);
	ok(background_waits(&holder), "somebody has it");
	/* If one of these waited, the holder would be done before it. */
	for (i = 0; i < sizeof(free_of_it) / sizeof(free_of_it[0]); i++) {
		free_of_it[i].id = id;
		send_needy(&free_of_it[i]);
		ok(!atomic_load(&holder.done) && !free_of_it[i].err, "%s does not",
		   free_of_it[i].what);
	}
	other_family(2);
	pthread_join(holder.thread, NULL);

	for (i = 0; i < sizeof(needy) / sizeof(needy[0]); i++) {
		needy[i].id = id;
		background_start(&holder, hold_rtnl, NULL);
		background_waits(&holder);
		background_start(&waiter, send_needy, &needy[i]);
		ok(background_waits(&waiter), "%s does", needy[i].what);
		other_family(2);
		pthread_join(holder.thread, NULL);
		pthread_join(waiter.thread, NULL);
		is_u64(needy[i].err, 0, "%s is done then", needy[i].what);
	}
	must("rmmod other_family");
	finish();
}

/* ---- events ---- */

static void event(const struct control *e, __u8 cmd, __u64 id, __u64 epoch, __u64 released,
		  const char *what)
{
	struct control_state st;

	if (!ok(control_event(e, &st), "%s: an event", what))
		return;
	is_u64(st.cmd, cmd, "%s: which", what);
	is_u64(!!st.n_stats, cmd == SCH_PLUG_CMD_DETACH_NTF, "%s: statistics", what);
	if (id)
		is_u64(st.id, id, "%s: of which plug", what);
	numbers(epoch, released, &st, what);
	is_u64(st.ifindex, if_nametoindex(DEV), "%s: device", what);
}

static void changed(const struct control *e, __u32 action, __u64 id, __u64 epoch,
		    __u64 released, const char *what)
{
	struct control_state st;

	if (!ok(control_event(e, &st), "%s: an event", what))
		return;
	is_u64(st.cmd, SCH_PLUG_CMD_CHANGE_NTF, "%s: which", what);
	is_u64(st.action, action, "%s: action", what);
	is_u64(st.id, id, "%s: of which plug", what);
	numbers(epoch, released, &st, what);
}

static void no_event(const struct control *e, const char *what)
{
	struct control_state st;

	if (!ok(!control_event(e, &st), "%s: no event", what))
		diag("command %u of %llu", st.cmd, st.id);
}

static void test_events(void)
{
	struct control e, o;
	__u64 id = start();

	diag("events, each there when the command has been answered");
	e = control_open();
	ok(e.events != 0, "there is a group");
	control_listen(&e);
	no_event(&e, "before");
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	changed(&e, TCQ_PLUG_BUFFER, id, 2, 0, "the family's BUFFER");
	plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0);
	changed(&e, TCQ_PLUG_BUFFER, id, 3, 0, "tc's BUFFER");
	control_do(&c, id, TCQ_PLUG_RELEASE_ONE, NULL);
	changed(&e, TCQ_PLUG_RELEASE_ONE, id, 3, 1, "the family's RELEASE_ONE");
	plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_ONE, 0);
	changed(&e, TCQ_PLUG_RELEASE_ONE, id, 3, 2, "tc's RELEASE_ONE");
	control_limit(&c, id, 5000, NULL);
	changed(&e, TCQ_PLUG_LIMIT, id, 3, 2, "LIMIT");
	control_do(&c, id, TCQ_PLUG_DISCARD, NULL);
	changed(&e, TCQ_PLUG_DISCARD, id, 4, 3, "DISCARD");
	control_upto(&c, id, TCQ_PLUG_RELEASE_UPTO, 1, NULL);
	changed(&e, TCQ_PLUG_RELEASE_UPTO, id, 4, 3, "RELEASE_UPTO");
	plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_INDEFINITE, 0);
	changed(&e, TCQ_PLUG_RELEASE_INDEFINITE, id, 4, 4, "tc's RELEASE_INDEFINITE");
	control_do(&c, id, TCQ_PLUG_BUFFER, NULL);
	changed(&e, TCQ_PLUG_BUFFER, id, 5, 4, "BUFFER that closes");
	control_do(&c, id, 77, NULL);
	control_get(&c, id, NULL);
	plug_cmd(nl, DEV, 77, 0);
	no_event(&e, "what is refused, and GET");

	o = control_open();
	control_own(&o, id, SCH_PLUG_AT_EXIT_DISCARD, NULL);
	no_event(&e, "OWN");
	control_close(&o);
	event(&e, SCH_PLUG_CMD_OWNER_LOST_NTF, id, 6, 5, "the owner is gone");
	no_event(&e, "and that is all");

	must("tc qdisc replace dev " DEV " root handle 2: plug release_indefinite");
	event(&e, SCH_PLUG_CMD_ATTACH_NTF, 0, 7, 7, "the new plug");
	event(&e, SCH_PLUG_CMD_DETACH_NTF, id, 6, 5, "the old one");
	no_event(&e, "and that is all");
	must("tc qdisc del dev " DEV " root");
	event(&e, SCH_PLUG_CMD_DETACH_NTF, 0, 7, 7, "deleted");
	sh("tc qdisc add dev " DEV " root plug limit 10 nonsense 2> /dev/null");
	no_event(&e, "none was made");
	control_close(&e);
	finish();
}

/* A listener does not read until its queue is full. Then the listener gets an error;
 * the sender of the commands does not notice. The listener reads the events in its
 * queue, and asks for the current state.
 */
static void test_slow(void)
{
	struct control_state st, last = { 0 };
	int small = 1, told = 0, i;
	__u64 id = start();
	struct control e;

	diag("a listener that is too slow");
	e = control_open();
	control_listen(&e);
	setsockopt(e.nl, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (i = 0; i < 100; i++)
		if (control_do(&c, id, TCQ_PLUG_BUFFER, NULL))
			break;
	is_u64(i, 100, "a hundred commands, each obeyed and answered");
	for (i = 0; i < 200; i++) {
		char buf[8192] __attribute__((aligned(8)));

		if (recv(e.nl, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			continue;
		if (errno == ENOBUFS)
			told++;
		else if (errno == EAGAIN)
			break;
	}
	is_u64(told, 1, "ENOBUFS, once");
	control_do(&c, id, TCQ_PLUG_RELEASE_ONE, NULL);
	ok(control_event(&e, &st) && st.action == TCQ_PLUG_RELEASE_ONE && st.released == 1,
	   "and then it hears again");
	is_u64(control_dump(&e, 0, &last, 1), 1, "a dump by the same socket");
	numbers(101, 1, &last, "tells what it missed");
	is_u64(last.commands, 101, "and how many commands there were");
	control_close(&e);
	finish();
}

/* ---- */

static const struct test tests[] = {
	{ "place", test_place },
	{ "get", test_get },
	{ "many", test_many },
	{ "change", test_change },
	{ "echo", test_echo },
	{ "discard", test_discard },
	{ "discard-all", test_discard_all },
	{ "discard-released", test_discard_released },
	{ "upto", test_upto },
	{ "upto-shut", test_upto_shut },
	{ "ends", test_ends },
	{ "errors", test_errors },
	{ "attributes", test_attributes },
	{ "dumps", test_bad_dump },
	{ "identity", test_identity },
	{ "leaf", test_leaf },
	{ "link", test_link },
	{ "permissions", test_permissions },
	{ "owner", test_owner },
	{ "owner-races", test_owner_races },
	{ "rtnl", test_rtnl },
	{ "events", test_events },
	{ "slow", test_slow },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
