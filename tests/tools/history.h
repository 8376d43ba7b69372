/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How it is decided, with several commanders for one plug, that a packet left too
 * early, or that an answer was wrong.
 *
 * An answer of the family says how many commands its plug has obeyed. That is the
 * command's place in the order in which the plug obeyed them, whoever sent them.
 * So all answers together are the plug's history. It is replayed: every number
 * occurs once, and after each command the epochs are what that command makes of
 * those before it.
 *
 * The replay says which command released an epoch. A packet bears the plug's id
 * and the epoch that was being filled, as the last answer before its send() had
 * it; it belongs to that epoch or to a later one. It must not leave before that
 * command was sent, unless the plug's end was asked for: then the packet may have
 * come after it.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <linux/types.h>

#define ANSWERS_MAX	40000
#define DEPARTURES_MAX	40000
#define LIVES_MAX	40000

/* struct answer.action of GET */
#define GET_ONE		(-1)

struct answer {
	__u64	id;
	__u64	commands, epoch, released;
	__u64	asked;		/* wall_ns() before the request */
	__u64	last;		/* with TCQ_PLUG_RELEASE_UPTO */
	int	action;
};

/* The first of the packets with these two marks. */
struct departure {
	__u64	id, epoch;
	__u64	when;
};

struct life {
	__u64	id;
	__u64	end;		/* wall_ns() before its end was asked for */
};

/* What is known of a plug after some of its commands. */
struct known {
	bool	any;
	__u64	id, commands, epoch, released;
};

struct history {
	struct answer		answers[ANSWERS_MAX];
	struct departure	departures[DEPARTURES_MAX];
	struct life		lives[LIVES_MAX];	/* of those that ended, in order */
	unsigned int		n_answers, n_departures, n_lives;
	struct known		known;			/* the youngest plug */

	/* What was found. */
	unsigned long long	replayed, judged, wrong, early, overflows;
};

/* From any thread. */
void history_answer(struct history *h, const struct answer *a);
void history_departure(struct history *h, const struct departure *d);
/* Before the end of a plug is asked for. */
void history_end(struct history *h, __u64 id);

/* Little room is left until the next replay. */
bool history_is_full(struct history *h);

/* With commanders and senders at rest. Forgets all but the youngest plug's state. */
void history_replay(struct history *h);

#endif /* HISTORY_H */
