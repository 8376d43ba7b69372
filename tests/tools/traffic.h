/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered frames from all processors at once, through packet sockets on one
 * device, and a reader that judges each one that leaves by the ledger of race.h
 * (I1, I3, I4) and by its number (I2).
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "race.h"

#define SENDERS_MAX	8
#define LOSSES		(1 << 15)	/* remembered */

struct sender {
	struct traffic	*traffic;
	unsigned int	id;
	int		fd;
	_Atomic __u64	tried;		/* send() calls that found the link up */
	_Atomic __u64	refused;	/* of these, for want of room */
	_Atomic __u64	done;		/* the last number whose send() has returned */
	__u64		last;		/* number last seen leaving; the reader's */
};

struct traffic {
	char		dev[16];
	struct ledger	ledger;		/* the commander's to keep */
	unsigned int	senders;
	struct sender	sender[SENDERS_MAX];
	int		rx;
	pthread_t	threads[SENDERS_MAX], reader;

	_Atomic bool	send, stop;
	_Atomic unsigned int idle;	/* senders that have paused */
	_Atomic __u64	left;		/* frames seen leaving */
	_Atomic __u64	gone;		/* not waited for: dropped, or held for long */

	__u32		losses;		/* the commander's */
	/* The last number of each sender that was done when loss N came. */
	_Atomic __u64	lost[LOSSES][SENDERS_MAX];

	/* The reader's findings. */
	_Atomic __u64	early, worst, reordered, raised;
};

/* Opens sockets on @dev, which is there and up, one sender for each processor.
 * The ledger begins with a new, closed plug, which fills @epoch. @t is all zero,
 * or has ended.
 */
void traffic_open(struct traffic *t, const char *dev, __u64 epoch);
/* Senders and reader run; with a pause of the senders in between if wanted. */
void traffic_start(struct traffic *t);
void traffic_pause(struct traffic *t);
void traffic_resume(struct traffic *t);
void traffic_end(struct traffic *t);

/* Before what loses all packets that are not released: DISCARD, a reset, the end
 * of the plug. What has been sent by now and is not released must not leave.
 */
void traffic_lose(struct traffic *t);

/* Closes what traffic_end() left. Test points for what the reader saw; @ordered: one queue, so one order (I2). */
void traffic_report(struct traffic *t, const char *name, bool ordered);

/* send() calls so far that found the link up. */
__u64 traffic_tried(struct traffic *t);
/* With senders paused and nothing queued: what is not seen to have left is gone. */
void traffic_account(struct traffic *t);

/* Whether there is still hope that more comes: as long as the number that has
 * @left grows, however slowly the machine runs, and 10 s beyond. Sleeps a
 * moment. Begin with zeros.
 */
struct hope {
	__u64	left, end;
};

bool hopeful(__u64 left, struct hope *hope);

/* Another MTU or tx queue length, or the link goes down and up, which loses what
 * is held; kernels differ in whether a tx queue length does.
 */
void link_change(struct traffic *t, __u64 *seed);

/* A packet socket that sees what leaves @dev (NULL: any device), and when; reading
 * from it ends after a tenth of a second without any.
 */
int departures_open(const char *dev);
/* A test point: none was missed. */
void departures_close(int fd);
/* When it left, by wall_ns()'s clock. */
__u64 departure(struct msghdr *m);

/* From 7.x on, what a processor sends while another has the lock waits in front
 * of the qdisc, and is dropped there when there is too much of it: a processor
 * of a VM may stand still for long. This makes room.
 */
void allow_bursts(void);

#endif /* TRAFFIC_H */
