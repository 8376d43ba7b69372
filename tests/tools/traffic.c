// SPDX-License-Identifier: GPL-2.0-or-later
/* See traffic.h. */
#include "traffic.h"

#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define UNDER_WAY	20000	/* most packets sent and not yet judged */
#define BATCH		64	/* frames that the reader receives at once */
#define PATIENCE_NS	10000000000ULL
#define STALL_NS	20000000ULL

struct frame {
	struct ethhdr	eth;
	__u16		sender;
	__u64		number;
	__u64		epoch;
} __attribute__((packed));

__u64 traffic_tried(struct traffic *t)
{
	__u64 n = 0;
	unsigned int i;

	for (i = 0; i < t->senders; i++)
		n += atomic_load(&t->sender[i].tried);
	return n;
}

static __u64 refused(struct traffic *t)
{
	__u64 n = 0;
	unsigned int i;

	for (i = 0; i < t->senders; i++)
		n += atomic_load(&t->sender[i].refused);
	return n;
}

/* Whether too many packets were sent and not yet judged. The answer may be wrong:
 * some packets that were dropped in the kernel are only counted later, by
 * traffic_account().
 */
static bool too_many(struct traffic *t)
{
	return traffic_tried(t) > atomic_load(&t->left) + atomic_load(&t->gone) +
				  refused(t) + UNDER_WAY;
}

/* Makes a sender wait until the reader keeps up. Packets that were dropped in the
 * kernel never come: if nothing comes for a while, the wait ends.
 */
static void wait_for_reader(struct traffic *t)
{
	__u64 left = 0, seen, end = 0;

	while (too_many(t) && atomic_load(&t->send) && !atomic_load(&t->stop)) {
		seen = atomic_load(&t->left);
		if (!end || seen != left)
			end = now_ns() + STALL_NS;
		else if (now_ns() > end)
			traffic_account(t);
		left = seen;
		sched_yield();
	}
}

void traffic_account(struct traffic *t)
{
	atomic_store(&t->gone, traffic_tried(t) - atomic_load(&t->left) - refused(t));
}

/* ---- senders ---- */

static void pause_here(struct traffic *t)
{
	atomic_fetch_add(&t->idle, 1);
	while (!atomic_load(&t->send) && !atomic_load(&t->stop))
		sleep_ms(1);
	atomic_fetch_sub(&t->idle, 1);
}

/* Sends frames of different sizes; the data after the header does not matter. */
static void *sender_main(void *arg)
{
	struct sender *s = arg;
	struct traffic *t = s->traffic;
	__u64 seed = now_ns() + s->id + 1;
	union {
		struct frame frame;
		char room[2000];
	} u = { .frame = { .eth.h_proto = htons(FRAME_TYPE), .sender = s->id } };

	memset(u.frame.eth.h_dest, 0xff, ETH_ALEN);
	on_cpu(s->id);
	while (!atomic_load(&t->stop)) {
		/* After a pause check again: the next may have begun. */
		if (!atomic_load(&t->send)) {
			pause_here(t);
			continue;
		}
		u.frame.number++;
		u.frame.epoch = ledger_stamp(&t->ledger);
		if (send(s->fd, &u, 60 + dice(&seed, 600), 0) < 0) {
			if (errno == ENETDOWN || errno == ENXIO)
				continue;
			if (errno != ENOBUFS)
				bail("send: %s", strerror(errno));
			atomic_fetch_add(&s->refused, 1);
		}
		atomic_fetch_add(&s->tried, 1);
		atomic_store(&s->done, u.frame.number);
		wait_for_reader(t);
	}
	return NULL;
}

/* ---- departing frames ---- */

int departures_open(const char *dev)
{
	struct timeval limit = { .tv_usec = 100000 };
	int fd = packet_socket(dev, ETH_P_ALL), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		bail("the socket that sees departures: %s", strerror(errno));
	return fd;
}

__u64 departure(struct msghdr *m)
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

static void judge_early(struct traffic *t, const struct frame *f, __u64 early)
{
	char by[24];

	snprintf(by, sizeof(by), "%llu", early / 1000);
	if (atomic_fetch_add(&t->early, 1) < 5)
		diag("%s: sender %u's packet %llu, sent after BUFFER began epoch %llu, left %s%s",
		     t->dev, f->sender, f->number, f->epoch,
		     early > NOT_YET / 2 ? "unreleased" : "before its release, by us: ",
		     early > NOT_YET / 2 ? "" : by);
	if (early < NOT_YET / 2 && early > atomic_load(&t->worst))
		atomic_store(&t->worst, early);
}

/* Whether a frame that leaves was sent before an event that has lost it. */
static bool is_raised(struct traffic *t, const struct frame *f)
{
	__u32 loss = atomic_load(&t->ledger.lost[f->epoch % EPOCHS]);

	return loss && f->number <= atomic_load(&t->lost[loss % LOSSES][f->sender]);
}

static void judge(struct traffic *t, const struct frame *f, __u64 when)
{
	struct sender *s;
	__u64 early;

	/* Frames of the system itself, for example IPv6. */
	if (f->eth.h_proto != htons(FRAME_TYPE) || f->sender >= t->senders)
		return;
	s = &t->sender[f->sender];
	if (f->number <= s->last)
		atomic_fetch_add(&t->reordered, 1);
	s->last = f->number;
	early = ledger_early(&t->ledger, f->epoch, when);
	if (early)
		judge_early(t, f, early);
	if (is_raised(t, f) && atomic_fetch_add(&t->raised, 1) < 5)
		diag("%s: sender %u's packet %llu of epoch %llu or later was sent, lost, and left",
		     t->dev, f->sender, f->number, f->epoch);
	atomic_fetch_add(&t->left, 1);
}

static void *reader_main(void *arg)
{
	struct traffic *t = arg;
	static __thread struct frame frame[BATCH];
	static __thread char control[BATCH][64];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int i, n;

	while (!atomic_load(&t->stop)) {
		memset(m, 0, sizeof(m));
		for (i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ &frame[i], sizeof(frame[i]) };
			m[i].msg_hdr.msg_iov = &iov[i];
			m[i].msg_hdr.msg_iovlen = 1;
			m[i].msg_hdr.msg_control = control[i];
			m[i].msg_hdr.msg_controllen = sizeof(control[i]);
		}
		n = recvmmsg(t->rx, m, BATCH, MSG_WAITFORONE, NULL);
		for (i = 0; i < n; i++)
			judge(t, &frame[i], departure(&m[i].msg_hdr));
	}
	return NULL;
}

void traffic_lose(struct traffic *t)
{
	__u32 loss = ++t->losses;
	unsigned int i;

	for (i = 0; i < t->senders; i++)
		atomic_store(&t->lost[loss % LOSSES][i], atomic_load(&t->sender[i].done));
	ledger_lose(&t->ledger, loss);
}

bool hopeful(__u64 left, struct hope *hope)
{
	__u64 now = now_ns();

	if (left != hope->left || !hope->end)
		hope->end = now + PATIENCE_NS;
	hope->left = left;
	sleep_ms(1);
	return now < hope->end;
}

/* ---- the whole traffic ---- */

void traffic_open(struct traffic *t, const char *dev, __u64 epoch)
{
	unsigned int i, cpus = sysconf(_SC_NPROCESSORS_ONLN);

	memset(t, 0, sizeof(*t));
	snprintf(t->dev, sizeof(t->dev), "%s", dev);
	ledger_start(&t->ledger, epoch);
	t->senders = cpus < SENDERS_MAX ? cpus : SENDERS_MAX;
	t->rx = departures_open(dev);
	for (i = 0; i < t->senders; i++)
		t->sender[i] = (struct sender){
			.traffic = t, .id = i, .fd = packet_socket(dev, 0),
		};
}

void traffic_start(struct traffic *t)
{
	unsigned int i;

	t->reader = thread(reader_main, t);
	atomic_store(&t->send, true);
	for (i = 0; i < t->senders; i++)
		t->threads[i] = thread(sender_main, &t->sender[i]);
}

void traffic_pause(struct traffic *t)
{
	atomic_store(&t->send, false);
	while (atomic_load(&t->idle) < t->senders)
		sleep_ms(1);
}

void traffic_resume(struct traffic *t)
{
	atomic_store(&t->send, true);
}

void traffic_end(struct traffic *t)
{
	unsigned int i;

	atomic_store(&t->stop, true);
	for (i = 0; i < t->senders; i++) {
		pthread_join(t->threads[i], NULL);
		close(t->sender[i].fd);
	}
	pthread_join(t->reader, NULL);
}

/* The number of frames for which the reader's socket had no room: they were not
 * judged.
 */
static unsigned int unseen(int fd)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		bail("PACKET_STATISTICS: %s", strerror(errno));
	return stats.tp_drops;
}

void departures_close(int fd)
{
	is_u64(unseen(fd), 0, "every frame that left was looked at");
	close(fd);
}

void traffic_report(struct traffic *t, const char *name, bool ordered)
{
	departures_close(t->rx);
	diag("%s: %llu packets tried, %llu left, %u losses; %llu us too early at most", name,
	     traffic_tried(t), atomic_load(&t->left), t->losses, t->worst / 1000);
	is_u64(t->early, 0, "%s: I1, I4: no packet left before its release was asked for", name);
	if (t->losses)
		is_u64(t->raised, 0, "%s: I3: none that was dropped left after all", name);
	if (ordered)
		is_u64(t->reordered, 0, "%s: I2: each sender's packets in order, each once", name);
}

void link_change(struct traffic *t, __u64 *seed)
{
	struct ifreq ifr = { };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", t->dev);
	switch (dice(seed, 4)) {
	case 0:
		ifr.ifr_mtu = 2000 + dice(seed, 1000);
		err = ioctl(fd, SIOCSIFMTU, &ifr);
		break;
	case 1:
		ifr.ifr_qlen = 1 + dice(seed, 1000);
		err = ioctl(fd, SIOCSIFTXQLEN, &ifr);
		break;
	default:
		traffic_lose(t);
		ifr.ifr_flags = 0;
		err = ioctl(fd, SIOCSIFFLAGS, &ifr);
		ifr.ifr_flags = IFF_UP;
		err |= ioctl(fd, SIOCSIFFLAGS, &ifr);
		break;
	}
	if (err)
		bail("a change of %s: %s", t->dev, strerror(errno));
	close(fd);
}

void allow_bursts(void)
{
	sh("f=/proc/sys/net/core/qdisc_max_burst; [ ! -e $f ] || echo 1000000 > $f");
}
