// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I3 in figures: compares every statistic of the family, SCH_PLUG_A_STATS_*, and
 * the standard ones of tc with the packets that were sent, seen to leave, and
 * dropped for a known reason. CLOSED_AGE is compared with two readings of the same
 * clock around each event, so nothing depends on speed.
 *
 *	stats [TEST]		one test, or all
 *	stats random SEED STEPS the random workload, with this seed and length
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugtest.h"

#define DEV "pa"

static int nl;
static struct wire w;

static struct plug_state get(void)
{
	return plug_get(nl, DEV);
}

static void command(int action, __u32 limit)
{
	is_u64(-plug_cmd(nl, DEV, action, limit), 0, "action %d", action);
}

static void commands(int action, unsigned int n)
{
	while (n--)
		command(action, 0);
}

static void settle(unsigned int want)
{
	unsigned int got = wire_recv(&w, want);

	is_u64(got + wire_drain(&w, QUIET_MS), want, "%u leave", want);
}

static void start(const char *options)
{
	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root handle 1: plug %s", options);
	wire_open(&w, DEV);
}

/* ---- packets and bytes ---- */

static void test_queue(void)
{
	struct plug_state st;

	diag("queued, held, sent");
	start("limit 10000");
	wire_send(&w, 7, 100);
	wire_send(&w, 2, 250);
	st = get();
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 9, "queued_packets");
	is_u64(PLUG_STAT(st, QUEUED_BYTES), 1200, "queued_bytes");
	is_u64(PLUG_STAT(st, MAX_BACKLOG), 1200, "max_backlog");
	is_u64(st.qlen, 9, "qlen");
	is_u64(st.backlog, 1200, "backlog");
	is_u64(st.sent_packets, 0, "nothing sent");
	is_u64(st.sent_bytes, 0, "no bytes sent");

	command(TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 1, 300);
	command(TCQ_PLUG_RELEASE_ONE, 0);
	settle(9);
	st = get();
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 10, "queued_packets never falls");
	is_u64(PLUG_STAT(st, QUEUED_BYTES), 1500, "queued_bytes never falls");
	is_u64(PLUG_STAT(st, MAX_BACKLOG), 1500, "max_backlog never falls");
	is_u64(st.qlen, 1, "qlen");
	is_u64(st.backlog, 300, "backlog");
	is_u64(st.sent_packets, 9, "sent");
	is_u64(st.sent_bytes, 1200, "bytes sent");
	wire_send(&w, 1, 1000);
	is_u64(PLUG_STAT(get(), MAX_BACKLOG), 1500, "max_backlog: less than before is no record");
	is_u64(get().requeues, 0, "the device takes all");
	wire_finish(&w, DEV);
}

static void test_bypass(void)
{
	struct plug_state st;

	diag("open and empty: counted as sent, and not as queued");
	start("release_indefinite");
	wire_send(&w, 20, 100);
	settle(20);
	st = get();
	is_u64(st.sent_packets, 20, "sent");
	is_u64(st.sent_bytes, 2000, "bytes sent");
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 0, "queued_packets");
	is_u64(PLUG_STAT(st, QUEUED_BYTES), 0, "queued_bytes");
	is_u64(PLUG_STAT(st, MAX_BACKLOG), 0, "max_backlog");

	command(TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 5, 100);
	st = get();
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 5, "closed: queued_packets");
	is_u64(st.sent_packets, 20, "closed: sent");
	command(TCQ_PLUG_RELEASE_INDEFINITE, 0);
	settle(5);
	wire_send(&w, 3, 100);
	settle(3);
	st = get();
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 5, "opened again: bypassed again");
	is_u64(st.sent_packets, 28, "opened again: sent");
	must("ip link set " DEV " down && ip link set " DEV " up");
	wire_send(&w, 3, 100);
	settle(3);
	is_u64(PLUG_STAT(get(), QUEUED_PACKETS), 5, "bypassed after down and up as well");
	wire_finish(&w, DEV);
}

static void test_drops(void)
{
	struct plug_state st;

	diag("drops, by cause");
	start("limit 1000");
	wire_send(&w, 13, 100);
	st = get();
	is_u64(PLUG_STAT(st, DROPS_LIMIT), 3, "drops_limit");
	is_u64(st.drops, 3, "qstats.drops");
	is_u64(PLUG_STAT(st, QUEUED_PACKETS), 10, "a refused packet is not queued");

	command(TCQ_PLUG_BUFFER, 0);
	must("ip link set " DEV " down && ip link set " DEV " up");
	st = get();
	is_u64(PLUG_STAT(st, DROPS_RESET), 10, "drops_reset");
	is_u64(st.drops, 13, "qstats.drops has them too");
	is_u64(st.qlen, 0, "qlen");
	is_u64(st.backlog, 0, "backlog");

	wire_send(&w, 2, 100);
	command(TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 4, 100);
	command(TCQ_PLUG_DISCARD, 0);
	st = get();
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 6, "drops_discard");
	is_u64(PLUG_STAT(st, DROPS_RESET), 10, "drops_reset as before");
	is_u64(PLUG_STAT(st, DROPS_LIMIT), 3, "drops_limit as before");
	is_u64(st.drops, 19, "qstats.drops has all");
	is_u64(st.qlen, 0, "qlen");
	is_u64(st.backlog, 0, "backlog");
	is_u64(st.sent_packets, 0, "nothing sent");
	is_u64(PLUG_STAT(st, MAX_BACKLOG), 1000, "max_backlog outlives it all");

	wire_send(&w, 2, 100);
	command(TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 1, 250);
	is_u64(-plug_discard_upto(nl, DEV, st.ctl.epoch, NULL), 0, "DISCARD up to the first");
	st = get();
	is_u64(PLUG_STAT(st, DROPS_DISCARD), 8, "drops_discard: of that epoch alone");
	is_u64(st.drops, 21, "qstats.drops has them too");
	is_u64(st.qlen, 1, "qlen");
	is_u64(st.backlog, 250, "backlog");
	command(TCQ_PLUG_DISCARD, 0);
	must("ip link set " DEV " down && ip link set " DEV " up");
	is_u64(get().drops, 22, "a reset of an empty plug drops nothing");
	wire_finish(&w, DEV);
}

/* ---- commands ---- */

static void test_commands(void)
{
	struct plug_state got;

	diag("commands, by kind; what is refused is none");
	start("");
	commands(TCQ_PLUG_BUFFER, 3);
	commands(TCQ_PLUG_RELEASE_ONE, 1);
	commands(TCQ_PLUG_LIMIT, 7);
	is_u64(-plug_upto(nl, DEV, 2, NULL), 0, "RELEASE_UPTO 2");
	is_u64(-plug_upto(nl, DEV, 1, NULL), 0, "RELEASE_UPTO 1");
	is_u64(-plug_upto(nl, DEV, 99, NULL), EINVAL, "RELEASE_UPTO 99 is refused");
	is_u64(-plug_discard_upto(nl, DEV, 3, NULL), 0, "DISCARD up to 3");
	is_u64(-plug_discard_upto(nl, DEV, 99, NULL), EINVAL, "DISCARD up to 99 is refused");
	ok(plug_cmd(nl, DEV, 77, 0) < 0, "action 77 is refused");
	commands(TCQ_PLUG_DISCARD, 1);
	commands(TCQ_PLUG_RELEASE_ONE, 1);
	commands(TCQ_PLUG_RELEASE_INDEFINITE, 8);
	commands(TCQ_PLUG_DISCARD, 4);
	commands(TCQ_PLUG_RELEASE_ONE, 2);

	/* Each number is different, so that none can be mistaken for another. */
	got = get();
#define SAME(name, want) is_u64(PLUG_STAT(got, name), want, #name)
	SAME(BUFFER_CMDS, 3);
	SAME(RELEASE_ONE_CMDS, 4);
	SAME(RELEASE_INDEFINITE_CMDS, 8);
	SAME(LIMIT_CMDS, 7);
	SAME(DISCARD_CMDS, 6);
	SAME(RELEASE_UPTO_CMDS, 2);
#undef SAME
	is_u64(got.ctl.commands, 3 + 4 + 8 + 7 + 6 + 2, "and all together");
	wire_finish(&w, DEV);
}

/* ---- the age ---- */

/* An event happened between these two readings of the clock. */
struct moment {
	__u64 before, after;
};

static struct moment at(int action)
{
	struct moment m = { .before = now_ns() };

	command(action, 0);
	m.after = now_ns();
	return m;
}

static void is_age(__u64 age, struct moment asked, struct moment m, const char *what)
{
	if (!ok(age >= asked.before - m.after && age <= asked.after - m.before,
		"%s", what))
		diag("%llu, should be %llu to %llu", (unsigned long long)age,
		     (unsigned long long)(asked.before - m.after),
		     (unsigned long long)(asked.after - m.before));
}

static void closed_since(const struct moment *m, const char *what)
{
	struct moment asked = { .before = now_ns() };
	struct plug_state st = get();

	asked.after = now_ns();
	if (m)
		is_age(PLUG_STAT(st, CLOSED_AGE), asked, *m, what);
	else
		is_u64(st.ctl.n_stats, SCH_PLUG_A_STATS_MAX - 2, "%s", what);
}

static void test_closed_age(void)
{
	struct moment created, closed;

	diag("closed_age");
	dummy_make(DEV);
	wire_open(&w, DEV);
	created.before = now_ns();
	must("tc qdisc add dev " DEV " root handle 1: plug");
	created.after = now_ns();
	closed_since(&created, "since it was created closed");
	is_u64(get().ctl.n_stats, SCH_PLUG_A_STATS_MAX - 1, "and nothing else is missing");
	at(TCQ_PLUG_BUFFER);
	closed_since(&created, "BUFFER does not close what is closed");
	at(TCQ_PLUG_RELEASE_ONE);
	closed_since(&created, "RELEASE_ONE does not open");
	at(TCQ_PLUG_DISCARD);
	closed_since(&created, "DISCARD neither opens nor closes");
	must("ip link set " DEV " down && ip link set " DEV " up");
	closed_since(&created, "a link down and up neither");
	at(TCQ_PLUG_RELEASE_INDEFINITE);
	closed_since(NULL, "never while it is open");
	at(TCQ_PLUG_DISCARD);
	closed_since(NULL, "DISCARD does not close an open plug");
	closed = at(TCQ_PLUG_BUFFER);
	closed_since(&closed, "since BUFFER closed it");
	at(TCQ_PLUG_BUFFER);
	closed_since(&closed, "and not since the next");
	wire_finish(&w, DEV);

	start("release_indefinite");
	closed_since(NULL, "created open: never");
	wire_finish(&w, DEV);
}

/* ---- tc -s ---- */

static void test_tc(void)
{
	unsigned long long bytes = 0, packets = 0, drops = 0, backlog = 0, qlen = 0;
	char line[256];
	FILE *tc;

	diag("what tc -s shows");
	start("limit 1000000");
	wire_send(&w, 3, 100);
	command(TCQ_PLUG_BUFFER, 0);
	wire_send(&w, 40, 500);
	command(TCQ_PLUG_RELEASE_ONE, 0);
	settle(3);
	command(TCQ_PLUG_DISCARD, 0);
	wire_send(&w, 2, 700);
	tc = popen("tc -s qdisc show dev " DEV, "r");
	while (tc && fgets(line, sizeof(line), tc)) {
		diag("%.*s", (int)strcspn(line, "\n"), line);
		sscanf(line, " Sent %llu bytes %llu pkt (dropped %llu", &bytes,
		       &packets, &drops);
		sscanf(line, " backlog %llub %llup", &backlog, &qlen);
	}
	ok(tc && !pclose(tc), "tc -s qdisc show");
	is_u64(packets, 3, "packets sent");
	is_u64(bytes, 300, "bytes sent");
	is_u64(drops, 40, "dropped");
	is_u64(qlen, 2, "packets held");
	is_u64(backlog, 1400, "bytes held");
	wire_finish(&w, DEV);
}

/* ---- everything at random ---- */

/* What the random workload has done so far, by its own count. */
static struct {
	__u64 accepted, refused, left, reset, discarded;
	__u64 accepted_bytes_closed, accepted_closed;
} sum;

static bool balanced(const struct plug_state *st)
{
	const struct control_state *c = &st->ctl;

	return sum.accepted == sum.left + st->qlen + sum.reset + sum.discarded &&
	       st->sent_packets == sum.left &&
	       PLUG_STAT(*st, DROPS_LIMIT) == sum.refused &&
	       PLUG_STAT(*st, DROPS_RESET) == sum.reset &&
	       PLUG_STAT(*st, DROPS_DISCARD) == sum.discarded &&
	       st->drops == sum.refused + sum.reset + sum.discarded &&
	       PLUG_STAT(*st, QUEUED_PACKETS) >= sum.accepted_closed &&
	       PLUG_STAT(*st, QUEUED_PACKETS) <= sum.accepted &&
	       PLUG_STAT(*st, QUEUED_BYTES) >= sum.accepted_bytes_closed &&
	       PLUG_STAT(*st, MAX_BACKLOG) >= c->backlog &&
	       (c->qlen ? c->tail_epoch > c->released : !c->backlog);
}

static bool only_unreleased(void)
{
	struct plug_state st = get();

	return !st.ctl.qlen || st.ctl.head_epoch > st.ctl.released;
}

/* Sends DISCARD up to an epoch. The packets that remain show how many it dropped. */
static void discard_some(const struct plug_state *before)
{
	plug_discard_upto(nl, DEV, before->ctl.released + random() % 4, NULL);
	sum.discarded += before->qlen - get().qlen;
}

static void random_step(bool *down)
{
	struct plug_state st = get();
	bool open = st.ctl.epoch == st.ctl.released;
	unsigned int n = random() % 20, size = 60 + random() % 1000, accepted;

	switch (random() % 12) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (*down)
			break;
		accepted = wire_send(&w, n, size);
		sum.accepted += accepted;
		sum.refused += n - accepted;
		if (!open) {
			sum.accepted_closed += accepted;
			sum.accepted_bytes_closed += accepted * (__u64)size;
		}
		break;
	case 4:
	case 5:
		plug_cmd(nl, DEV, TCQ_PLUG_BUFFER, 0);
		break;
	case 6:
		plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_ONE, 0);
		break;
	case 7:
		plug_upto(nl, DEV, st.ctl.released + random() % 4, NULL);
		break;
	case 8:
		if (random() % 3 == 0)
			plug_cmd(nl, DEV, TCQ_PLUG_RELEASE_INDEFINITE, 0);
		break;
	case 9:
		switch (random() % 3) {
		case 0:
			sum.discarded += st.qlen;
			plug_cmd(nl, DEV, TCQ_PLUG_DISCARD, 0);
			break;
		case 1:
			discard_some(&st);
			break;
		}
		break;
	case 10:
		plug_cmd(nl, DEV, TCQ_PLUG_LIMIT, 1 + random() % 60000);
		break;
	case 11:
		if (random() % 3 == 0) {
			if (!*down)
				sum.reset += st.qlen;
			*down = !*down;
			if (system(*down ? "ip link set " DEV " down" :
					   "ip link set " DEV " up"))
				bail("ip link");
		}
		break;
	}
	/* Wait until all packets that may leave have left, and count those that have
	 * come.
	 */
	if (!*down && !wait_for(only_unreleased))
		bail("I5: released packets do not leave");
	sum.left += wire_drain(&w, 0);
}

static void test_random(unsigned int seed, unsigned int steps)
{
	struct plug_state st;
	bool down = false;
	unsigned int i;

	diag("seed %u, %u steps", seed, steps);
	memset(&sum, 0, sizeof(sum));
	srandom(seed);
	start("limit 20000");
	for (i = 0; i < steps; i++) {
		random_step(&down);
		st = get();
		if (!balanced(&st)) {
			/* Wait for frames that have left, but were not received. */
			sum.left += wire_drain(&w, QUIET_MS);
			st = get();
		}
		if (!balanced(&st))
			break;
	}
	if (!ok(i == steps, "seed %u: I3: the figures balance after each of %u steps",
		seed, steps)) {
		diag("step %u: accepted %llu refused %llu left %llu reset %llu discarded %llu",
		     i, sum.accepted, sum.refused, sum.left, sum.reset, sum.discarded);
		diag("qlen %u backlog %u sent %llu drops %u queued %llu limit %llu reset %llu discard %llu",
		     st.qlen, st.backlog, st.sent_packets, st.drops,
		     PLUG_STAT(st, QUEUED_PACKETS), PLUG_STAT(st, DROPS_LIMIT),
		     PLUG_STAT(st, DROPS_RESET), PLUG_STAT(st, DROPS_DISCARD));
	}
	ok(sum.accepted > 100 && sum.refused && sum.left && sum.reset && sum.discarded,
	   "seed %u: something of each kind happened", seed);
	if (down)
		must("ip link set " DEV " up");
	wire_finish(&w, DEV);
}

static void test_random_usual(void)
{
	unsigned int seed;

	for (seed = 1; seed <= 2; seed++)
		test_random(seed, 400);
}

static const struct test tests[] = {
	{ "queue", test_queue },
	{ "bypass", test_bypass },
	{ "drops", test_drops },
	{ "commands", test_commands },
	{ "closed-age", test_closed_age },
	{ "tc", test_tc },
	{ "random", test_random_usual },
};

int main(int argc, char **argv)
{
	nl = nl_open();
	if (argc == 4 && !strcmp(argv[1], "random")) {
		test_random(atoi(argv[2]), atoi(argv[3]));
		return done_testing();
	}
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
