// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I1, I2, I3, I4, I5, I6 while everything happens at once: senders on all
 * processors, through packet sockets, and commands at full speed. race.h explains
 * how a packet that left too early is detected. At the end of each phase the
 * senders stop, and all packets must be accounted for and leave with the last
 * release.
 *
 *	race MODE [SECONDS [DEVICES [WAY]]]
 *
 *	alternate	BUFFER and RELEASE_ONE strictly in turn, one epoch waiting:
 *			normal use, in which the in-tree module leaks
 *	open		RELEASE_INDEFINITE and BUFFER in turn: to the bypass of an
 *			open plug, and back
 *	random		all commands, up to 50 epochs waiting, dumps in another thread
 *	flap		as random, and the link goes down and up, the tx queue length
 *			and the MTU change
 *	renew		as random, and the plug is replaced or deleted and added
 *
 * SECONDS (10), but at least until everything was done once. DEVICES (1 to 4; 1)
 * devices at the same time, each with its own senders and commands. WAY is the
 * interface for commands that both interfaces have: tc (the default), family, or
 * mixed, which is random for each command.
 */
#include "traffic.h"

#define DEVICES_MAX	4
#define PHASE_MS	1000

enum mode { ALTERNATE, OPEN, RANDOM, FLAP, RENEW };

static const char *const modes[] = { "alternate", "open", "random", "flap", "renew" };

#define MODES (sizeof(modes) / sizeof(modes[0]))

/* The actions of a commander. */
enum action { BUFFER, RELEASE_ONE, LIMIT, OPEN_ALL, DISCARD, UPTO, LINK, NEW, ACTIONS };

struct device {
	struct traffic	traffic;
	struct commander commander;
	enum mode	mode;
	unsigned int	seconds;
	int		nl;
	__u64		seed;
	unsigned int	handle;

	/* Results; those of the reader are in struct traffic. */
	__u64		refused, unaccounted, stuck_phases, phases;
	unsigned int	done[ACTIONS];
	_Atomic unsigned int dumps;
};

/* ---- commands ---- */

static void expect(struct device *d, int err, int want)
{
	if (err == want)
		return;
	if (!d->refused++)
		diag("%s: a command was answered with %d, not %d", d->traffic.dev, err, want);
}

static void say_upto(struct device *d)
{
	struct ledger *l = &d->traffic.ledger;
	__u64 epoch = l->released + dice(&d->seed, 5);
	bool valid = epoch < l->epoch || epoch <= l->released;

	if (valid && epoch > l->released)
		ledger_ask(l, epoch);
	expect(d, commander_say(&d->commander, TCQ_PLUG_RELEASE_UPTO, epoch),
	       valid ? 0 : -EINVAL);
}

/* Replaces the plug by another one, or deletes it for a moment. */
static void renew(struct device *d)
{
	struct ledger *l = &d->traffic.ledger;
	struct plug_msg msg = {
		.dev = d->traffic.dev, .parent = TC_H_ROOT,
		.flags = NLM_F_CREATE | NLM_F_REPLACE,
	};
	struct plug_state before = plug_get(d->nl, d->traffic.dev);

	traffic_lose(&d->traffic);
	if (dice(&d->seed, 2)) {
		/* From now on new packets may leave, until there is a plug again.
		 */
		ledger_ask(l, l->epoch);
		msg.type = RTM_DELQDISC;
		msg.flags = 0;
		expect(d, nl_request(d->nl, &msg, NULL), 0);
		msg.type = 0;
		msg.flags = NLM_F_CREATE | NLM_F_EXCL;
	}
	d->handle = d->handle % 9 + 1;
	msg.handle = d->handle << 16;
	expect(d, nl_request(d->nl, &msg, NULL), 0);
	ledger_renew(l, plug_get(d->nl, d->traffic.dev).ctl.epoch);
	/* A release for the old plug must release nothing in the new one: the epoch
	 * number does not match, nor does the plug's id.
	 */
	expect(d, commander_say(&d->commander, TCQ_PLUG_RELEASE_UPTO, before.ctl.epoch), 0);
	expect(d, control_do(control_here(false), before.ctl.id,
			     TCQ_PLUG_RELEASE_INDEFINITE, NULL), -ENOENT);
}

/* The weights say how often an action is chosen. LINK and NEW are rare, because they
 * take the kernel longer than commands.
 */
static const struct {
	const char	*name;
	unsigned int	weight;
	enum mode	from, upto;	/* the modes with this action */
} actions[] = {
	[BUFFER]	= { "BUFFER",		2000, RANDOM, RENEW },
	[RELEASE_ONE]	= { "RELEASE_ONE",	1360, RANDOM, RENEW },
	[LIMIT]		= { "LIMIT",		 120, RANDOM, RENEW },
	[OPEN_ALL]	= { "RELEASE_INDEFINITE", 120, RANDOM, RENEW },
	[DISCARD]	= { "DISCARD",		  80, RANDOM, RENEW },
	[UPTO]		= { "RELEASE_UPTO",	 240, RANDOM, RENEW },
	[LINK]		= { "changes of the link", 10, FLAP, FLAP },
	[NEW]		= { "new plugs",	  10, RENEW, RENEW },
};

static bool does(const struct device *d, enum action action)
{
	return d->mode >= actions[action].from && d->mode <= actions[action].upto;
}

static bool did_all(const struct device *d)
{
	unsigned int i;

	for (i = 0; i < ACTIONS; i++)
		if (does(d, i) && !d->done[i])
			return false;
	return true;
}

static enum action choose(struct device *d)
{
	unsigned int sum = 0, i, n;

	if (d->traffic.ledger.epoch - d->traffic.ledger.released > 50)
		return RELEASE_ONE;
	for (i = 0; i < ACTIONS; i++)
		if (does(d, i))
			sum += actions[i].weight;
	n = dice(&d->seed, sum);
	for (i = 0; !does(d, i) || n >= actions[i].weight; i++)
		if (does(d, i))
			n -= actions[i].weight;
	return i;
}

static void act(struct device *d, enum action action)
{
	struct commander *c = &d->commander;

	d->done[action]++;
	switch (action) {
	case BUFFER:
		expect(d, say_buffer(c, &d->traffic.ledger), 0);
		break;
	case RELEASE_ONE:
		expect(d, say_release_one(c, &d->traffic.ledger), 0);
		break;
	case OPEN_ALL:
		expect(d, say_open(c, &d->traffic.ledger), 0);
		break;
	case UPTO:
		say_upto(d);
		break;
	case DISCARD:
		traffic_lose(&d->traffic);
		expect(d, say_discard(c, &d->traffic.ledger), 0);
		break;
	case LIMIT:
		expect(d, commander_say(c, TCQ_PLUG_LIMIT, 100000 + dice(&d->seed, 1000000)), 0);
		break;
	case LINK:
		link_change(&d->traffic, &d->seed);
		break;
	default:
		renew(d);
	}
}

/* Plays two actions in turn, or random ones, until @end. */
static void storm(struct device *d, __u64 end)
{
	static const enum action turns[][2] = {
		[ALTERNATE] = { BUFFER, RELEASE_ONE },
		[OPEN] = { OPEN_ALL, BUFFER },
	};
	unsigned int i;

	/* At least both turns, however busy the machine is. */
	for (i = 0; i < 2 || now_ns() < end; i++)
		act(d, d->mode < RANDOM ? turns[d->mode][i % 2] : choose(d));
}

/* ---- accounts ---- */

/* Packets that were sent, but neither left, nor were dropped, nor are held. */
static __u64 missing(struct device *d)
{
	struct plug_state st = plug_get(d->nl, d->traffic.dev);

	return traffic_tried(&d->traffic) - atomic_load(&d->traffic.left) - st.drops - st.qlen;
}

/* Whether all dropped packets are counted: link changes and deletions drop packets
 * without counting them.
 */
static bool exact(const struct device *d)
{
	return d->mode < FLAP;
}

static bool is_settled(struct device *d)
{
	struct plug_state st = plug_get(d->nl, d->traffic.dev);

	return !st.qlen && (!exact(d) || !missing(d));
}

static bool wait_empty(struct device *d)
{
	struct hope hope = { 0 };

	while (!is_settled(d))
		if (!hopeful(d->traffic.left, &hope))
			return false;
	return true;
}

/* Pauses the senders. All packets must be accounted for. Then sends BUFFER, and one
 * release for each waiting epoch. All held packets must leave, although no other
 * packet is sent (I5, I6).
 */
static void settle(struct device *d)
{
	struct ledger *l = &d->traffic.ledger;
	struct hope hope = { 0 };
	__u64 lost;

	traffic_pause(&d->traffic);
	/* Released packets leave during the check, and may seem to be missing. One
	 * check without missing packets is enough.
	 */
	do
		lost = exact(d) ? missing(d) : 0;
	while (lost && hopeful(d->traffic.left, &hope));
	/* Keep the number of the first phase with unaccounted packets. */
	if (!d->unaccounted)
		d->unaccounted = lost;

	expect(d, say_release_closed(&d->commander, l), 0);
	d->phases++;
	if (!wait_empty(d)) {
		struct plug_state st = plug_get(d->nl, d->traffic.dev);

		diag("%s: %u packets stay although all epochs were released", d->traffic.dev, st.qlen);
		d->stuck_phases++;
		say_open(&d->commander, l);
		wait_empty(d);
		say_buffer(&d->commander, l);	/* closed and empty: needs no release */
	}
	traffic_account(&d->traffic);
	traffic_resume(&d->traffic);
}

static void *dumper_main(void *arg)
{
	struct device *d = arg;
	struct plug_state st;
	int nl = nl_open();

	while (!atomic_load(&d->traffic.stop)) {
		if (qdisc_get(nl, d->traffic.dev, TC_H_ROOT, &st))
			d->dumps++;
		usleep(500);
	}
	close(nl);
	return NULL;
}

/* ---- one device ---- */

static void device_open(struct device *d, unsigned int n, enum mode mode, unsigned int seconds,
			enum way way)
{
	struct plug_state st;
	char name[16];

	snprintf(name, sizeof(name), "pa%u", n);
	d->mode = mode;
	d->seconds = seconds;
	d->handle = 1;
	d->seed = now_ns() | 1;
	dummy_make(name);
	must("tc qdisc add dev %s root handle 1: plug limit 10000000", name);
	d->nl = nl_open();
	commander_open(&d->commander, name);
	d->commander.way = way;
	/* The in-tree module does not number its epochs; any number is fine. */
	st = plug_get(d->nl, name);
	traffic_open(&d->traffic, name, st.has_state ? st.ctl.epoch : 1);
}

static void *device_main(void *arg)
{
	struct device *d = arg;
	__u64 end = now_ns() + d->seconds * 1000000000ULL;
	pthread_t dumper = 0;

	traffic_start(&d->traffic);
	if (d->mode >= RANDOM)
		dumper = thread(dumper_main, d);
	do {
		storm(d, now_ns() + PHASE_MS * 1000000ULL);
		settle(d);
	} while (now_ns() < end || !did_all(d) || !atomic_load(&d->traffic.left));
	traffic_end(&d->traffic);
	if (d->mode >= RANDOM)
		pthread_join(dumper, NULL);
	return NULL;
}

static void device_report(struct device *d)
{
	struct traffic *t = &d->traffic;
	unsigned int i;

	diag("%s: %llu commands, %llu by the family, %u dumps, %llu phases", t->dev,
	     d->commander.count, d->commander.by_family, d->dumps, d->phases);
	ok(atomic_load(&t->left) && d->commander.count, "%s: packets and commands", t->dev);
	if (d->commander.way != BY_TC)
		ok(d->commander.by_family > d->commander.count / 4, "%s: by the family as well", t->dev);
	for (i = 0; i < ACTIONS; i++)
		if (does(d, i))
			diag("%s: %u %s", t->dev, d->done[i], actions[i].name);
	if (d->mode >= RANDOM)
		ok(did_all(d) && d->dumps, "%s: everything was done, and seen", t->dev);
	traffic_report(t, t->dev, true);
	if (exact(d))
		is_u64(d->unaccounted, 0, "%s: I3: every packet is accounted for", t->dev);
	is_u64(d->stuck_phases, 0, "%s: I5: what was released leaves", t->dev);
	is_u64(d->refused, 0, "%s: every command was answered as it should be", t->dev);
	link_delete(t->dev);
}

/* A number from the command line, or the default. */
static unsigned int number(int argc, char **argv, int i, unsigned int otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned int seconds = number(argc, argv, 2, 10), n = number(argc, argv, 3, 1);
	static struct device devices[DEVICES_MAX];
	pthread_t threads[DEVICES_MAX];
	enum way way = argc > 4 ? way_of(argv[4]) : BY_TC;
	unsigned int i, mode = 0;

	while (argc > 1 && mode < MODES && strcmp(argv[1], modes[mode]))
		mode++;
	if (argc < 2 || mode == MODES || !seconds || n < 1 || n > DEVICES_MAX)
		bail("usage: see the top of race.c");
	allow_bursts();
	for (i = 0; i < n; i++)
		device_open(&devices[i], i, mode, seconds, way);
	diag("%s: %u senders a device, %u devices", modes[mode], devices[0].traffic.senders, n);
	for (i = 0; i < n; i++)
		threads[i] = thread(device_main, &devices[i]);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < n; i++)
		device_report(&devices[i]);
	return done_testing();
}
