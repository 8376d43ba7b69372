// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I1, I2, I3, I4, I5, I6 while everything happens at once: senders on all
 * processors through packet sockets against commands at full speed. race.h
 * says how it is decided that a packet left too early. At the end of each
 * phase the senders stop, and all packets must be accounted for and leave with
 * the last release.
 *
 *	race MODE [SECONDS [DEVICES]]
 *
 *	alternate	BUFFER and RELEASE_ONE strictly in turn, one epoch waiting:
 *			nothing but plain use, and the in-tree module leaks
 *	open		RELEASE_INDEFINITE and BUFFER in turn: the way past an open
 *			plug, and back
 *	random		all commands, up to 50 epochs waiting, dumps in another thread
 *	flap		the same, and the link goes down and up, the tx queue length
 *			and the MTU change
 *	renew		the same, and the plug is replaced or deleted and added
 *
 * SECONDS (10) with DEVICES (1 to 4; 1) devices side by side, each with its own
 * senders and commands.
 */
#include "race.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define FRAME_TYPE	0x88b5
#define MAX_SENDERS	8
#define MAX_DEVICES	4
#define PHASE_MS	1000
#define UNDER_WAY	20000	/* packets sent and not yet looked at, at most */

enum mode { ALTERNATE, OPEN, RANDOM, FLAP, RENEW };

static const char *const modes[] = { "alternate", "open", "random", "flap", "renew" };

#define MODES (sizeof(modes) / sizeof(modes[0]))

struct frame {
	struct ethhdr	eth;
	__u16		sender;
	__u32		phase;
	__u64		number;
	__u64		epoch;
} __attribute__((packed));

struct device;

struct sender {
	struct device	*dev;
	unsigned int	id;
	int		fd;
	_Atomic __u64	tried;		/* send() calls that found the link up */
	_Atomic __u64	refused;	/* of these, for want of room */
	__u64		last;		/* number last seen leaving; the reader's */
};

struct device {
	char		name[16];
	enum mode	mode;
	unsigned int	seconds;
	unsigned int	senders;
	struct sender	sender[MAX_SENDERS];
	struct ledger	ledger;
	struct commander commander;
	int		nl, rx;
	__u64		seed;
	unsigned int	handle;

	_Atomic bool	send, stop;
	_Atomic unsigned int idle;	/* senders that have paused */
	_Atomic __u64	left;		/* frames seen leaving */
	_Atomic __u64	gone;		/* dropped, refused not counted, before this phase */

	/* The reader's findings. */
	_Atomic __u64	early, worst, reordered, foreign;
	/* The commander's. */
	__u64		refused, unaccounted, stuck, stuck_phases, phases;
	__u64		lowest_qlen, dumps;
};

static __u64 tried(struct device *d)
{
	__u64 n = 0;
	unsigned int i;

	for (i = 0; i < d->senders; i++)
		n += atomic_load(&d->sender[i].tried);
	return n;
}

/* Sent and not yet looked at, as far as is known: of the packets dropped in
 * the kernel, some are only counted when a phase ends.
 */
static bool too_many(struct device *d)
{
	__u64 gone = atomic_load(&d->left) + atomic_load(&d->gone);
	unsigned int i;

	for (i = 0; i < d->senders; i++)
		gone += atomic_load(&d->sender[i].refused);
	return tried(d) > gone + UNDER_WAY;
}

/* ---- senders ---- */

static void pause_here(struct device *d)
{
	atomic_fetch_add(&d->idle, 1);
	while (!atomic_load(&d->send) && !atomic_load(&d->stop))
		sleep_ms(1);
	atomic_fetch_sub(&d->idle, 1);
}

/* Of different sizes; the contents follow the header and do not matter. */
static void *sender_main(void *arg)
{
	struct sender *s = arg;
	struct device *d = s->dev;
	__u64 seed = d->seed + s->id + 1;
	union {
		struct frame frame;
		char room[2000];
	} u = { .frame = { .eth.h_proto = htons(FRAME_TYPE), .sender = s->id } };

	memset(u.frame.eth.h_dest, 0xff, ETH_ALEN);
	on_cpu(s->id);
	while (!atomic_load(&d->stop)) {
		if (!atomic_load(&d->send))
			pause_here(d);
		u.frame.number++;
		u.frame.epoch = ledger_stamp(&d->ledger);
		if (send(s->fd, &u, 60 + dice(&seed, 600), 0) < 0) {
			if (errno == ENETDOWN || errno == ENXIO)
				continue;
			if (errno != ENOBUFS)
				bail("send: %s", strerror(errno));
			atomic_fetch_add(&s->refused, 1);
		}
		atomic_fetch_add(&s->tried, 1);
		while (too_many(d) && atomic_load(&d->send) && !atomic_load(&d->stop))
			sched_yield();
	}
	return NULL;
}

/* ---- what leaves ---- */

static void frame_judge(struct device *d, const struct frame *f, __u64 left)
{
	struct sender *s;
	__u64 early;

	if (f->eth.h_proto != htons(FRAME_TYPE) || f->sender >= d->senders) {
		atomic_fetch_add(&d->foreign, 1);
		return;
	}
	s = &d->sender[f->sender];
	if (f->number <= s->last)
		atomic_fetch_add(&d->reordered, 1);
	s->last = f->number;
	early = ledger_early(&d->ledger, f->epoch, left);
	if (early) {
		if (atomic_fetch_add(&d->early, 1) < 5)
			diag("%s: sender %u's packet %llu, sent after BUFFER began epoch %llu, left %s%llu us",
			     d->name, f->sender, f->number, f->epoch,
			     early > NOT_YET / 2 ? "unreleased; " : "before its release, by ",
			     early > NOT_YET / 2 ? 0 : early / 1000);
		if (early < NOT_YET / 2 && early > atomic_load(&d->worst))
			atomic_store(&d->worst, early);
	}
	atomic_fetch_add(&d->left, 1);
}

static __u64 departure(struct msghdr *m)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
		}
	bail("a frame without the time of its departure");
}

#define BATCH 64

static void *reader_main(void *arg)
{
	struct device *d = arg;
	static __thread struct frame frame[BATCH];
	static __thread char control[BATCH][64];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int i, n;

	while (!atomic_load(&d->stop)) {
		memset(m, 0, sizeof(m));
		for (i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ &frame[i], sizeof(frame[i]) };
			m[i].msg_hdr.msg_iov = &iov[i];
			m[i].msg_hdr.msg_iovlen = 1;
			m[i].msg_hdr.msg_control = control[i];
			m[i].msg_hdr.msg_controllen = sizeof(control[i]);
		}
		n = recvmmsg(d->rx, m, BATCH, MSG_WAITFORONE, NULL);
		for (i = 0; i < n; i++)
			frame_judge(d, &frame[i], departure(&m[i].msg_hdr));
	}
	return NULL;
}

/* ---- commands ---- */

static void expect(struct device *d, int err, int want)
{
	if (err == want)
		return;
	if (!d->refused++)
		diag("%s: a command was answered with %d, not %d", d->name, err, want);
}

static void say_upto(struct device *d)
{
	struct ledger *l = &d->ledger;
	__u64 epoch = l->released + dice(&d->seed, 5);
	bool valid = epoch < l->epoch || epoch <= l->released;

	if (valid)
		ledger_ask(l, epoch);
	expect(d, commander_say(&d->commander, TCQ_PLUG_RELEASE_UPTO, 0, epoch),
	       valid ? 0 : -EINVAL);
}

static void say_discard(struct device *d)
{
	struct ledger *l = &d->ledger;
	bool open = l->released == l->epoch;

	if (!open) {
		ledger_ask(l, l->epoch);
		ledger_next(l);
	}
	expect(d, commander_say(&d->commander, TCQ_PLUG_DISCARD, 0, 0), 0);
	ledger_acked(l);
}

static void link_change(struct device *d)
{
	struct ifreq ifr = { };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", d->name);
	switch (dice(&d->seed, 4)) {
	case 0:
		ifr.ifr_mtu = 2000 + dice(&d->seed, 1000);
		err = ioctl(fd, SIOCSIFMTU, &ifr);
		break;
	case 1:
		ifr.ifr_qlen = 1 + dice(&d->seed, 1000);
		err = ioctl(fd, SIOCSIFTXQLEN, &ifr);
		break;
	default:
		ifr.ifr_flags = 0;
		err = ioctl(fd, SIOCSIFFLAGS, &ifr);
		ifr.ifr_flags = IFF_UP;
		err |= ioctl(fd, SIOCSIFFLAGS, &ifr);
		break;
	}
	if (err)
		bail("a change of %s: %s", d->name, strerror(errno));
	close(fd);
}

/* Another plug in its place, or none for a moment. */
static void renew(struct device *d)
{
	struct ledger *l = &d->ledger;
	struct plug_msg msg = {
		.dev = d->name, .parent = TC_H_ROOT,
		.flags = NLM_F_CREATE | NLM_F_REPLACE,
	};

	ledger_ask(l, l->epoch);
	if (dice(&d->seed, 2)) {
		msg.type = RTM_DELQDISC;
		msg.flags = 0;
		expect(d, nl_request(d->nl, &msg, NULL), 0);
		msg.type = 0;
		msg.flags = NLM_F_CREATE | NLM_F_EXCL;
	}
	d->handle = d->handle % 9 + 1;
	msg.handle = d->handle << 16;
	ledger_next(l);
	expect(d, nl_request(d->nl, &msg, NULL), 0);
	ledger_acked(l);
	/* Old epochs have no number in the new plug. */
}

/* The epochs of a renewed plug begin with 1 again, those of the ledger do not:
 * what takes a number is left out then.
 */
static void say_random(struct device *d)
{
	struct commander *c = &d->commander;
	struct ledger *l = &d->ledger;
	unsigned int n = dice(&d->seed, 100);

	if (l->epoch - l->released > 50)
		n = 60;
	if (n < 50)
		expect(d, say_buffer(c, l), 0);
	else if (n < 84)
		expect(d, say_release_one(c, l), 0);
	else if (n < 90 && d->mode != RENEW)
		say_upto(d);
	else if (n < 93)
		expect(d, say_open(c, l), 0);
	else if (n < 95)
		say_discard(d);
	else if (n < 98)
		expect(d, commander_say(c, TCQ_PLUG_LIMIT, 100000 + dice(&d->seed, 1000000), 0), 0);
	else if (n < 99 && d->mode == FLAP && !dice(&d->seed, 4))
		link_change(d);
	else if (n < 99 && d->mode == RENEW && !dice(&d->seed, 4))
		renew(d);
}

static void storm(struct device *d, __u64 end)
{
	struct commander *c = &d->commander;
	struct ledger *l = &d->ledger;

	while (now_ns() < end) {
		switch (d->mode) {
		case ALTERNATE:
			expect(d, say_buffer(c, l), 0);
			expect(d, say_release_one(c, l), 0);
			break;
		case OPEN:
			expect(d, say_open(c, l), 0);
			expect(d, say_buffer(c, l), 0);
			break;
		default:
			say_random(d);
		}
	}
}

/* ---- accounts ---- */

/* What has been sent, has left, was dropped or is held. */
static __u64 missing(struct device *d)
{
	struct plug_state st = plug_get(d->nl, d->name);

	return tried(d) - atomic_load(&d->left) - st.drops - st.qlen;
}

/* Link changes and deletions drop packets that nobody counts. */
static bool exact(const struct device *d)
{
	return d->mode < FLAP;
}

#define PATIENCE_NS 10000000000ULL

/* Whether there is still hope: as long as frames come in, however slowly. */
struct hope {
	__u64 left, end;
};

static bool hopeful(struct device *d, struct hope *hope)
{
	__u64 left = atomic_load(&d->left), now = now_ns();

	if (left != hope->left || !hope->end)
		hope->end = now + PATIENCE_NS;
	hope->left = left;
	sleep_ms(1);
	return now < hope->end;
}

static bool is_settled(struct device *d)
{
	struct plug_state st = plug_get(d->nl, d->name);

	return !st.qlen && (!exact(d) || !missing(d));
}

static bool wait_empty(struct device *d)
{
	struct hope hope = { 0 };

	while (!is_settled(d))
		if (!hopeful(d, &hope))
			return false;
	return true;
}

static void account_gone(struct device *d)
{
	__u64 refused = 0;
	unsigned int i;

	for (i = 0; i < d->senders; i++)
		refused += atomic_load(&d->sender[i].refused);
	atomic_store(&d->gone, tried(d) - atomic_load(&d->left) - refused);
}

/* The senders stop. Everything that was sent is somewhere; after BUFFER and as
 * many releases as epochs wait, all of it leaves, without any other packet
 * (I5, I6).
 */
static void settle(struct device *d)
{
	struct ledger *l = &d->ledger;
	struct hope hope = { 0 };

	atomic_store(&d->send, false);
	while (atomic_load(&d->idle) < d->senders)
		sleep_ms(1);
	while (exact(d) && missing(d) && hopeful(d, &hope))
		;
	/* In packets, of the first phase that has any. */
	if (exact(d) && missing(d) && !d->unaccounted)
		d->unaccounted = missing(d);

	expect(d, say_buffer(&d->commander, l), 0);
	while (l->released + 1 < l->epoch)
		expect(d, say_release_one(&d->commander, l), 0);
	d->phases++;
	if (!wait_empty(d)) {
		struct plug_state st = plug_get(d->nl, d->name);

		diag("%s: %u packets stay although all epochs were released", d->name, st.qlen);
		d->stuck += st.qlen;
		d->stuck_phases++;
		say_open(&d->commander, l);
		wait_empty(d);
		say_buffer(&d->commander, l);
	}
	account_gone(d);
	atomic_store(&d->send, true);
}

static void *dumper_main(void *arg)
{
	struct device *d = arg;
	struct plug_state st;
	int nl = nl_open();

	while (!atomic_load(&d->stop)) {
		if (qdisc_get(nl, d->name, TC_H_ROOT, &st))
			d->dumps++;
		usleep(500);
	}
	close(nl);
	return NULL;
}

/* ---- one device ---- */

static void device_open(struct device *d, unsigned int n, enum mode mode, unsigned int senders)
{
	struct wire wire;
	unsigned int i;
	int one = 1;

	snprintf(d->name, sizeof(d->name), "pa%u", n);
	d->mode = mode;
	d->senders = senders;
	d->handle = 1;
	d->seed = now_ns() | 1;
	dummy_make(d->name);
	must("tc qdisc add dev %s root handle 1: plug limit 10000000", d->name);
	d->nl = nl_open();
	commander_open(&d->commander, d->name);
	ledger_start(&d->ledger);
	wire_open(&wire, d->name);
	d->rx = wire.rx;
	if (setsockopt(d->rx, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
		bail("SO_TIMESTAMPNS: %s", strerror(errno));
	for (i = 0; i < senders; i++) {
		d->sender[i] = (struct sender){
			.dev = d, .id = i, .fd = packet_socket(d->name, 0),
		};
	}
}

static void *device_main(void *arg)
{
	struct device *d = arg;
	struct timeval limit = { .tv_usec = 100000 };
	pthread_t senders[MAX_SENDERS], reader, dumper = 0;
	__u64 end = now_ns() + d->seconds * 1000000000ULL;
	unsigned int i;

	setsockopt(d->rx, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	reader = thread(reader_main, d);
	atomic_store(&d->send, true);
	for (i = 0; i < d->senders; i++)
		senders[i] = thread(sender_main, &d->sender[i]);
	if (d->mode >= RANDOM)
		dumper = thread(dumper_main, d);
	while (now_ns() < end) {
		storm(d, now_ns() + PHASE_MS * 1000000ULL);
		settle(d);
	}
	atomic_store(&d->stop, true);
	for (i = 0; i < d->senders; i++)
		pthread_join(senders[i], NULL);
	pthread_join(reader, NULL);
	if (d->mode >= RANDOM)
		pthread_join(dumper, NULL);
	return NULL;
}

static void device_report(struct device *d)
{
	diag("%s: %llu packets tried, %llu left, %llu commands, %llu dumps, %llu phases", d->name,
	     tried(d), atomic_load(&d->left), d->commander.count, d->dumps, d->phases);
	ok(atomic_load(&d->left) && d->commander.count, "%s: something happened",
	   d->name);
	is_u64(d->early, 0, "%s: I1, I4: no packet left before its release was asked for",
	       d->name);
	is_u64(d->reordered, 0, "%s: I2: each sender's packets in order, each once", d->name);
	if (exact(d))
		is_u64(d->unaccounted, 0, "%s: I3: every packet is accounted for", d->name);
	is_u64(d->stuck_phases, 0, "%s: I5: what was released leaves", d->name);
	is_u64(d->refused, 0, "%s: every command was answered as it should be", d->name);
	link_delete(d->name);
}

/* A number of the command line, or what is meant without it. */
static unsigned int number(int argc, char **argv, int i, unsigned int otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned int seconds = number(argc, argv, 2, 10), n = number(argc, argv, 3, 1);
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), i, mode = 0;
	static struct device devices[MAX_DEVICES];
	pthread_t threads[MAX_DEVICES];

	while (argc > 1 && mode < MODES && strcmp(argv[1], modes[mode]))
		mode++;
	if (argc < 2 || mode == MODES || !seconds || n < 1 || n > MAX_DEVICES)
		bail("usage: see the top of race.c");
	/* From 7.x on, what a processor sends while another has the lock waits in
	 * front of the qdisc, and is dropped there when there is too much of it:
	 * a processor of this VM may stand still for long.
	 */
	sh("f=/proc/sys/net/core/qdisc_max_burst; [ ! -e $f ] || echo 1000000 > $f");
	for (i = 0; i < n; i++) {
		devices[i].seconds = seconds;
		device_open(&devices[i], i, mode, cpus < MAX_SENDERS ? cpus : MAX_SENDERS);
	}
	diag("%s: %u senders, %u processors, %u devices", modes[mode], cpus, cpus, n);
	for (i = 0; i < n; i++)
		threads[i] = thread(device_main, &devices[i]);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < n; i++)
		device_report(&devices[i]);
	return done_testing();
}
