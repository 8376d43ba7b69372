// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plug below every classful qdisc that can have one as a child, while
 * everything happens at once: senders run on all processors, together with random
 * commands, changes of the parent, a link that goes down and up, replacing the plug
 * by a pfifo and back, and deletion of the class and of the root. race.h explains
 * how a packet that left too early is detected (I1, I4). At the end of each phase
 * the senders stop; then all held packets leave with the last release (I5), and the
 * counts of the root are 0.
 *
 *	race-children [SECONDS [PARENT [WAY]]]	(10) for each parent, or for one; but
 *						at least until enough was done
 *
 * PARENT may be "all". WAY has the same meaning as in race.c.
 */
#include "parents.h"
#include "traffic.h"

#define PHASE_MS	200

enum change { PARENT, LINK, GRAFT, END, ROOT, CHANGES };

static const char *const change_names[CHANGES] = {
	"changes of the parent", "changes of the link", "grafts", "ends of the class",
	"ends of the root",
};

struct child {
	const struct parent *parent;
	struct traffic	traffic;
	struct commander commander;
	int		nl;
	__u64		seed;

	/* Results; those of the reader are in struct traffic. */
	unsigned int	phases, stuck, miscounted, refused, failed;
	unsigned int	turn, changes[CHANGES];
};

/* ---- commands to all plugs of a parent ---- */

static void expect_obeyed(struct child *c, int err)
{
	if (err && !c->refused++)
		diag("%s: a command was answered with %d", c->parent->name, err);
}

static void buffer(struct child *c)
{
	expect_obeyed(c, say_buffer(&c->commander, &c->traffic.ledger));
}

static void release_one(struct child *c)
{
	expect_obeyed(c, say_release_one(&c->commander, &c->traffic.ledger));
}

static void open_all(struct child *c)
{
	expect_obeyed(c, say_open(&c->commander, &c->traffic.ledger));
}

/* DISCARD does not drop packets that a parent has not passed on to the plug yet. */
static void discard(struct child *c)
{
	if (!c->parent->delays)
		traffic_lose(&c->traffic);
	expect_obeyed(c, say_discard(&c->commander, &c->traffic.ledger));
}

static void limit(struct child *c)
{
	expect_obeyed(c, commander_say(&c->commander, TCQ_PLUG_LIMIT,
				       100000 + dice(&c->seed, 1000000)));
}

/* ---- changes ---- */

static void change(struct child *c, const char *command)
{
	if (quiet_sh("%s", command) && !c->failed++)
		diag("%s: this failed: %s", c->parent->name, command);
}

/* Call it before the plugs end. From now on new packets may leave, until there are
 * plugs again. Held packets must not leave. But from 7.x on, a packet may still be on
 * its way to the root when a class changes. Then it goes where the new class sends
 * it. It is dropped only if the root ends, too.
 */
static void plugs_end(struct child *c, bool root_too)
{
	if (root_too || (!c->parent->delays && kernel_is_before(7, 0)))
		traffic_lose(&c->traffic);
	ledger_ask(&c->traffic.ledger, c->traffic.ledger.epoch);
}

static void plugs_begin(struct child *c, const char *verb)
{
	ledger_next(&c->traffic.ledger);
	change(c, plugs_attach(c->parent, verb));
	ledger_acked(&c->traffic.ledger);
}

static bool possible(const struct parent *p, enum change what)
{
	return (what != LINK || !p->dies_in_reset) && (what != END || p->end);
}

/* One change after the other, so that each is made even on a slow machine. */
static void change_something(struct child *c)
{
	const struct parent *p = c->parent;
	enum change what = c->turn++ % CHANGES;

	if (!possible(p, what))
		return;
	c->changes[what]++;
	switch (what) {
	case PARENT:
		change(c, p->change);
		return;
	case LINK:
		link_change(&c->traffic, &c->seed);
		return;
	case GRAFT:
		plugs_end(c, false);
		change(c, plugs_graft_away(p));
		plugs_begin(c, "replace");
		return;
	case END:
		plugs_end(c, false);
		change(c, p->end);
		break;
	default:
		plugs_end(c, true);
	}
	change(c, "tc qdisc del dev " DEV " root");
	change(c, p->attach);
	plugs_begin(c, "add");
}

/* Changes are rare, because the programs that make them take as long as a hundred
 * commands.
 */
static void step(struct child *c)
{
	struct ledger *l = &c->traffic.ledger;
	unsigned int n = dice(&c->seed, 1000);

	if (l->epoch - l->released > 50)
		n = 600;
	if (n < 500)
		buffer(c);
	else if (n < 900)
		release_one(c);
	else if (n < 930)
		open_all(c);
	else if (n < 950)
		discard(c);
	else if (n < 980)
		limit(c);
	else if (n < 985)
		change_something(c);
}

/* ---- accounts ---- */

static struct plug_state root(struct child *c)
{
	struct plug_state st;

	if (!qdisc_get(c->nl, DEV, TC_H_ROOT, &st))
		bail("no root qdisc");
	return st;
}

/* Whether all packets have reached the plugs: a netem delays its packets. */
static bool all_in_plugs(struct child *c)
{
	return held(c->nl, c->parent).qlen == root(c).qlen;
}

static bool nothing_held(struct child *c)
{
	return !held(c->nl, c->parent).qlen && !root(c).qlen;
}

static bool wait_until(struct child *c, bool (*what)(struct child *c))
{
	struct hope hope = { 0 };

	while (!what(c))
		if (!hopeful(c->traffic.left, &hope))
			return false;
	return true;
}

static void settle(struct child *c)
{
	struct ledger *l = &c->traffic.ledger;

	traffic_pause(&c->traffic);
	wait_until(c, all_in_plugs);
	expect_obeyed(c, say_release_closed(&c->commander, l));
	c->phases++;
	if (!wait_until(c, nothing_held)) {
		if (!c->stuck++)
			diag("%s: all was released, and %u packets stay, %u by the root's count",
			     c->parent->name, held(c->nl, c->parent).qlen, root(c).qlen);
		open_all(c);
		wait_until(c, nothing_held);
		buffer(c);
	} else if (held(c->nl, c->parent).backlog ||
		   (root(c).backlog && !c->parent->no_backlog)) {
		if (!c->miscounted++)
			diag("%s: nothing is held, and the root counts %u bytes",
			     c->parent->name, root(c).backlog);
	}
	traffic_account(&c->traffic);
	traffic_resume(&c->traffic);
}

/* ---- one parent ---- */

static void child_open(struct child *c, const struct parent *p, enum way way)
{
	memset(c, 0, sizeof(*c));
	c->parent = p;
	c->nl = nl_open();
	c->seed = now_ns() | 1;
	parent_device(p);
	must("%s", p->attach);
	must("%s", plugs_attach(p, "add"));
	commander_open(&c->commander, DEV);
	c->commander.way = way;
	c->commander.plugs = plugs(p);
	memcpy(c->commander.at, p->at, sizeof(p->at));
	/* Two plugs number their epochs differently; no command here names an
	 * epoch, so the ledger uses its own numbers.
	 */
	traffic_open(&c->traffic, DEV, 1);
}

static void child_close(struct child *c)
{
	commander_close(&c->commander);
	close(c->nl);
	link_delete(DEV);
}

static bool enough(struct child *c)
{
	return atomic_load(&c->traffic.left) && c->commander.count > 100 &&
	       (c->commander.way == BY_TC || c->commander.by_family > 20) &&
	       c->turn >= CHANGES;
}

static void report(struct child *c)
{
	const char *name = c->parent->name;
	struct traffic *t = &c->traffic;
	unsigned int i;

	diag("%s: %llu commands, %llu messages of the family, %u phases", name,
	     c->commander.count, c->commander.by_family, c->phases);
	ok(enough(c), "%s: packets and commands", name);
	for (i = 0; i < CHANGES; i++)
		if (possible(c->parent, i))
			ok(c->changes[i], "%s: %u %s", name, c->changes[i], change_names[i]);
	/* With two queues there are two plugs, and no order between them. */
	traffic_report(t, name, plugs(c->parent) == 1);
	is_u64(c->stuck, 0, "%s: I5: what was released leaves", name);
	is_u64(c->miscounted, 0, "%s: I3: the root counts no bytes when nothing is held", name);
	is_u64(c->refused, 0, "%s: every command was obeyed", name);
	is_u64(c->failed, 0, "%s: every change was made", name);
}

static void race(const struct parent *p, unsigned int seconds, enum way way)
{
	static struct child c;
	struct hope hope = { 0 };
	__u64 end = now_ns() + seconds * 1000000000ULL, phase_end;

	if (parent_is_skipped(p))
		return;
	if (p->may_not_count && kernel_is_before(6, 1)) {
		skip("%s: this kernel's does not count its child's packets", p->name);
		return;
	}
	if (p->oopses_in_change && kernel_is_before(6, 1)) {
		skip("%s: this kernel's crashes in a change, whatever its child", p->name);
		return;
	}
	child_open(&c, p, way);
	traffic_start(&c.traffic);
	while (now_ns() < end || (!enough(&c) && hopeful(c.traffic.left, &hope))) {
		for (phase_end = now_ns() + PHASE_MS * 1000000ULL; now_ns() < phase_end; )
			step(&c);
		/* At least one change, even if a slow machine makes few steps. */
		change_something(&c);
		settle(&c);
	}
	traffic_end(&c.traffic);
	report(&c);
	child_close(&c);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
	const char *which = argc > 2 ? argv[2] : "all";
	enum way way = argc > 3 ? way_of(argv[3]) : BY_TC;
	const struct parent *p;

	allow_bursts();
	for (p = parents; p->name; p++)
		if (!strcmp(which, "all") || !strcmp(which, p->name))
			race(p, seconds, way);
	return done_testing();
}
