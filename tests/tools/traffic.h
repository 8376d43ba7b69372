/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered frames from all processors at once, through packet sockets on one
 * device, and a reader that judges each departing frame by the ledger of race.h
 * (I1, I3, I4) and by its number (I2).
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "race.h"

#define SENDERS_MAX	8
#define LOSSES		(1 << 15)	/* recorded */

struct sender {
	struct traffic	*traffic;
	unsigned int	id;
	int		fd;
	_Atomic __u64	tried;		/* send() calls that found the link up */
	_Atomic __u64	refused;	/* of these, refused for want of room */
	_Atomic __u64	done;		/* the last number whose send() has returned */
	__u64		last;		/* last number seen leaving; only for the reader */
};

struct traffic {
	char		dev[16];
	struct ledger	ledger;		/* kept by the commander */
	unsigned int	senders;
	struct sender	sender[SENDERS_MAX];
	int		rx;
	pthread_t	threads[SENDERS_MAX], reader;

	_Atomic bool	send, stop;
	_Atomic unsigned int idle;	/* senders that have paused */
	_Atomic __u64	left;		/* frames seen leaving */
	_Atomic __u64	gone;		/* dropped, or held for long: not waited for */

	__u32		losses;		/* only for the commander */
	/* The last number that each sender had finished when loss N came. */
	_Atomic __u64	lost[LOSSES][SENDERS_MAX];

	/* Results of the reader. */
	_Atomic __u64	early, worst, reordered, raised;
};

/* Opens sockets on @dev, which must exist and be up, with one sender for each
 * processor. The ledger begins with a new, closed plug, which fills @epoch. @t must
 * be all zero, or traffic_end() must have been called.
 */
void traffic_open(struct traffic *t, const char *dev, __u64 epoch);
/* Run the senders and the reader; the senders can be paused in between. */
void traffic_start(struct traffic *t);
void traffic_pause(struct traffic *t);
void traffic_resume(struct traffic *t);
void traffic_end(struct traffic *t);

/* Call it before an event that loses all packets that are not released: DISCARD, a
 * reset, deletion of the plug. Packets that were sent before this call, and are not
 * released, must never leave.
 */
void traffic_lose(struct traffic *t);

/* Closes what traffic_end() left open, and makes test points of the reader's
 * results. @ordered: checks the order, too (I2), as there is only one queue.
 */
void traffic_report(struct traffic *t, const char *name, bool ordered);

/* The number of send() calls so far that found the link up. */
__u64 traffic_tried(struct traffic *t);
/* Counts all packets that were not seen leaving as gone. Call it when no more of
 * them are expected to leave.
 */
void traffic_account(struct traffic *t);

/* Whether to go on waiting for packets. True as long as @left grows, and for 10 s
 * longer: a slow machine gets the time that it needs. Sleeps a moment. Initialise
 * the struct with zeros.
 */
struct hope {
	__u64	left, end;
};

bool hopeful(__u64 left, struct hope *hope);

/* Changes the MTU or the tx queue length, or takes the link down and up. Held
 * packets are lost when the link goes down, and in some kernels when the tx queue
 * length changes.
 */
void link_change(struct traffic *t, __u64 *seed);

/* Opens a packet socket that sees the packets leaving @dev (NULL: any device), with
 * their times; a read ends after a tenth of a second without packets.
 */
int departures_open(const char *dev);
/* Test point: no packet was missed. */
void departures_close(int fd);
/* When the packet left, by the clock of wall_ns(). */
__u64 departure(struct msghdr *m);

/* From 7.x on, packets that a processor sends while another has the qdisc's lock
 * wait in front of the qdisc. If too many wait, they are dropped. A processor of a
 * VM may stop for a long time while it has the lock. So this makes room for more.
 */
void allow_bursts(void);

#endif /* TRAFFIC_H */
