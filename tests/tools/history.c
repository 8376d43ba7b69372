// SPDX-License-Identifier: GPL-2.0-or-later
/* See history.h. */
#include "history.h"
#include "race.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void history_answer(struct history *h, const struct answer *a)
{
	pthread_mutex_lock(&lock);
	if (h->n_answers < ANSWERS_MAX)
		h->answers[h->n_answers++] = *a;
	else
		h->overflows++;
	pthread_mutex_unlock(&lock);
}

void history_departure(struct history *h, const struct departure *d)
{
	pthread_mutex_lock(&lock);
	if (h->n_departures < DEPARTURES_MAX)
		h->departures[h->n_departures++] = *d;
	else
		h->overflows++;
	pthread_mutex_unlock(&lock);
}

void history_end(struct history *h, __u64 id)
{
	pthread_mutex_lock(&lock);
	if (h->n_lives < LIVES_MAX)
		h->lives[h->n_lives++] = (struct life){ id, wall_ns() };
	else
		h->overflows++;
	pthread_mutex_unlock(&lock);
}

bool history_is_full(struct history *h)
{
	bool full;

	pthread_mutex_lock(&lock);
	full = h->n_answers > ANSWERS_MAX * 3 / 4 || h->n_lives > LIVES_MAX * 3 / 4 ||
	       h->n_departures > DEPARTURES_MAX * 3 / 4;
	pthread_mutex_unlock(&lock);
	return full;
}

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

/* The order of execution. A GET comes after the command whose state it saw. */
static int by_order(const void *l, const void *r)
{
	const struct answer *a = l, *b = r;
	int diff = compare(a->id, b->id);

	if (!diff)
		diff = compare(a->commands, b->commands);
	return diff ? diff : (a->action == GET_ONE) - (b->action == GET_ONE);
}

static int by_epoch(const void *l, const void *r)
{
	const struct departure *a = l, *b = r;
	int diff = compare(a->id, b->id);

	return diff ? diff : compare(a->epoch, b->epoch);
}

static int by_id(const void *l, const void *r)
{
	return compare(((const struct life *)l)->id, ((const struct life *)r)->id);
}

static __u64 end_of(struct history *h, __u64 id)
{
	struct life key = { .id = id };
	struct life *life = bsearch(&key, h->lives, h->n_lives, sizeof(key), by_id);

	return life ? life->end : NOT_YET;
}

/* ---- answers ---- */

/* A new plug is closed, and none of its epochs is released. */
static void begin(struct known *k, const struct answer *a)
{
	k->any = true;
	k->id = a->id;
	k->commands = 0;
	k->epoch = a->epoch - (a->action == TCQ_PLUG_BUFFER);
	k->released = k->epoch - 1;
}

static void obey(struct known *k, const struct answer *a)
{
	k->commands++;
	switch (a->action) {
	case TCQ_PLUG_BUFFER:
		k->epoch++;
		break;
	case TCQ_PLUG_RELEASE_ONE:
		k->released += k->released + 1 < k->epoch;
		break;
	case TCQ_PLUG_RELEASE_UPTO:
		if (k->released < a->last)
			k->released = a->last;
		break;
	case TCQ_PLUG_RELEASE_INDEFINITE:
		k->released = k->epoch;
		break;
	}
}

static void check(struct history *h, struct known *k, const struct answer *a)
{
	h->replayed++;
	if (a->commands == k->commands && a->epoch == k->epoch &&
	    a->released == k->released)
		return;
	if (h->wrong++ < 5)
		diag("plug %llu, action %d, last %llu: command %llu, epoch %llu, released %llu; the replay has %llu, %llu, %llu",
		     a->id, a->action, a->last, a->commands, a->epoch, a->released,
		     k->commands, k->epoch, k->released);
	/* Do not report one fault a thousand times. */
	k->commands = a->commands;
	k->epoch = a->epoch;
	k->released = a->released;
}

/* ---- packets ---- */

static void judge(struct history *h, const struct departure *d, __u64 asked)
{
	__u64 end = end_of(h, d->id);

	h->judged++;
	if (d->when >= asked || d->when >= end || h->early++ >= 5)
		return;
	diag("a packet sent after plug %llu had begun epoch %llu left %s", d->id, d->epoch,
	     asked == NOT_YET ? "unreleased" : "before its release");
}

/* Judges the departures from @d on whose epochs are released by now, as @k has it.
 * @asked: when the release was requested. Returns the number of the next departure.
 */
static unsigned int judge_upto(struct history *h, unsigned int d, const struct known *k,
			       __u64 asked)
{
	for (; d < h->n_departures && h->departures[d].id == k->id &&
	     h->departures[d].epoch <= k->released; d++)
		judge(h, &h->departures[d], asked);
	return d;
}

/* Replays the answers of one plug from @*a on, with its departures from @*d on. */
static void replay_one(struct history *h, unsigned int *a, unsigned int *d, __u64 id)
{
	struct known k = { .id = id };

	/* Packets released before the last replay may leave late. */
	if (h->known.id == id) {
		k = h->known;
		*d = judge_upto(h, *d, &k, 0);
	}
	for (; *a < h->n_answers && h->answers[*a].id == id; ++*a) {
		const struct answer *at = &h->answers[*a];

		if (!k.any)
			begin(&k, at);
		if (at->action != GET_ONE)
			obey(&k, at);
		check(h, &k, at);
		*d = judge_upto(h, *d, &k, at->asked);
	}
	for (; *d < h->n_departures && h->departures[*d].id == id; ++*d)
		/* No release is known. If the plug is older than the last
		 * replay, its packet was only seen late.
		 */
		judge(h, &h->departures[*d], id < h->known.id ? 0 : NOT_YET);
	if (k.any)
		h->known = k;
}

/* Plugs older than the newest one are no longer judged. */
static void forget(struct history *h)
{
	unsigned int i, n = 0;

	for (i = 0; i < h->n_lives; i++)
		if (h->lives[i].id >= h->known.id)
			h->lives[n++] = h->lives[i];
	h->n_lives = n;
	h->n_answers = h->n_departures = 0;
}

void history_replay(struct history *h)
{
	unsigned int a = 0, d = 0;

	pthread_mutex_lock(&lock);
	qsort(h->answers, h->n_answers, sizeof(h->answers[0]), by_order);
	qsort(h->departures, h->n_departures, sizeof(h->departures[0]), by_epoch);
	while (a < h->n_answers || d < h->n_departures) {
		__u64 id = a < h->n_answers ? h->answers[a].id : NOT_YET;

		if (d < h->n_departures && h->departures[d].id < id)
			id = h->departures[d].id;
		replay_one(h, &a, &d, id);
	}
	forget(h);
	pthread_mutex_unlock(&lock);
}
