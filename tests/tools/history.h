/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests in which several commanders send commands to one plug: decides whether
 * a packet left too early, or an answer was wrong.
 *
 * An answer of the family says how many commands the plug has executed. So it gives
 * the position of the command in the order of execution, whoever sent it. All
 * answers together are the history of the plug. The history is replayed: every
 * number must occur once, and after each command the epochs must be the result of
 * that command.
 *
 * The replay shows which command released an epoch. A packet carries the id of the
 * plug and the epoch being filled, as in the last answer before its send(); it
 * belongs to that epoch or to a later one. It must not leave before the command
 * that released the epoch was sent. There is one exception: a packet that leaves
 * after the deletion of the plug was requested may have come after the deletion.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <linux/types.h>

#define ANSWERS_MAX	40000
#define DEPARTURES_MAX	40000
#define LIVES_MAX	40000

/* The value of answer.action for GET */
#define GET_ONE		(-1)

struct answer {
	__u64	id;
	__u64	commands, epoch, released;
	__u64	asked;		/* wall_ns() before the request */
	__u64	last;		/* with TCQ_PLUG_RELEASE_UPTO */
	int	action;
};

/* The time at which the first packet of this plug and epoch left. */
struct departure {
	__u64	id, epoch;
	__u64	when;
};

struct life {
	__u64	id;
	__u64	end;		/* wall_ns() before its deletion was requested */
};

/* What is known of a plug after some of its commands. */
struct known {
	bool	any;
	__u64	id, commands, epoch, released;
};

struct history {
	struct answer		answers[ANSWERS_MAX];
	struct departure	departures[DEPARTURES_MAX];
	struct life		lives[LIVES_MAX];	/* of the deleted plugs, in order */
	unsigned int		n_answers, n_departures, n_lives;
	struct known		known;			/* the youngest plug */

	/* Results. */
	unsigned long long	replayed, judged, wrong, early, overflows;
};

/* May be called from any thread. */
void history_answer(struct history *h, const struct answer *a);
void history_departure(struct history *h, const struct departure *d);
/* Call it before the deletion of a plug is requested. */
void history_end(struct history *h, __u64 id);

/* Whether little room is left. Then call history_replay(). */
bool history_is_full(struct history *h);

/* Replays all answers, judges all departures, and adds to the results. Commanders
 * and senders must be idle. Afterwards only the newest plug's state is kept.
 */
void history_replay(struct history *h);

#endif /* HISTORY_H */
