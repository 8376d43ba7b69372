// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor: a line for every change. Two sockets: one is told of changes by the
 * kernel, the other asks it for what is there, at the start, and whenever
 * something happened of which the kernel does not tell all.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/rtnetlink.h>

#include "attr.h"
#include "netlink.h"
#include "parse.h"
#include "plugctl.h"
#include "print.h"
#include "target.h"

/* Enough for a burst of a thousand changes; not granted to everybody. */
#define RECEIVE_ROOM	(1024 * 1024)

#define EVENT_TEXT_MAX	128

struct known {
	struct qdisc_state state;
	char name[IF_NAMESIZE];
	bool seen;		/* while comparing with a dump */
};

struct monitor {
	struct plugctl *ctx;
	struct netlink *events;
	char *const *names;	/* only these devices, if any are named */
	int *ifindexes;
	int n;
	struct known *known;
	size_t count;
	size_t room;
};

static bool is_wanted(const struct monitor *mon, int ifindex)
{
	int i;

	for (i = 0; i < mon->n; i++)
		if (mon->ifindexes[i] == ifindex)
			return true;
	return !mon->n;
}

/* A parent of 0: the kernel tells the one that the command named, if any. */
static struct known *find_known(const struct monitor *mon,
				const struct qdisc_state *state)
{
	size_t i;

	for (i = 0; i < mon->count; i++)
		if (mon->known[i].state.ifindex == state->ifindex &&
		    mon->known[i].state.handle == state->handle &&
		    (!state->parent ||
		     mon->known[i].state.parent == state->parent))
			return &mon->known[i];
	return NULL;
}

static struct known *add_known(struct monitor *mon,
			       const struct qdisc_state *state)
{
	struct known *known;

	if (mon->count == mon->room) {
		size_t room = mon->room ? 2 * mon->room : 16;

		known = realloc(mon->known, room * sizeof(*known));
		if (!known)
			return NULL;
		mon->known = known;
		mon->room = room;
	}
	known = &mon->known[mon->count++];
	known->state = *state;
	known->seen = true;
	if (!netlink_ifname(mon->ctx->nl, state->ifindex, known->name))
		snprintf(known->name, sizeof(known->name), "if%d",
			 state->ifindex);
	return known;
}

static void drop_known(struct monitor *mon, struct known *known)
{
	*known = mon->known[--mon->count];
}

static void print_time(struct out *out)
{
	char text[32], fraction[16];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	snprintf(fraction, sizeof(fraction), ".%06u",
		 (unsigned int)now.tv_nsec / 1000);
	out_text(out, "%s%s ", text, fraction);
	out_u64(out, "time_ns", NULL, (uint64_t)now.tv_sec * 1000000000 +
		(uint64_t)now.tv_nsec);
}

static void print_event(struct monitor *mon, const char *event,
			const struct known *known)
{
	struct out *out = &mon->ctx->out;

	out_object(out, NULL);
	print_time(out);
	out_str(out, "event", NULL, event);
	if (out->json) {
		out_object(out, "plug");
		print_plug_members(out, known->name, &known->state);
		out_end(out);
	} else {
		char handle[16];

		snprintf(handle, sizeof(handle), "%x:", known->state.handle >> 16);
		out_text(out, "%s %s %s: ", known->name, handle, event);
		print_brief(out, &known->state);
	}
	out_end(out);
	/* Nobody reads any more: nothing to go on for. */
	if (!out_flush(out) && !mon->ctx->status)
		complain_output(mon->ctx);
}

static void add_word(char *text, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, EVENT_TEXT_MAX - len, "%s%s", len ? "," : "", word);
}

#define add_if_more(text, old, new, field, word)			\
	do {								\
		if ((new)->xstats.field > (old)->xstats.field)		\
			add_word(text, word);				\
	} while (0)

/*
 * The counters tell which command it was. "" when none has grown: old news,
 * which a dump has told meanwhile.
 */
static void name_change(char text[EVENT_TEXT_MAX], const struct qdisc_state *old,
			const struct qdisc_state *new)
{
	text[0] = '\0';
	if (!qdisc_knows(new, release_upto_cmds)) {
		add_word(text, "change");
		return;
	}
	add_if_more(text, old, new, buffer_cmds, "buffer");
	add_if_more(text, old, new, release_one_cmds, "release");
	add_if_more(text, old, new, release_upto_cmds, "release-upto");
	add_if_more(text, old, new, release_indefinite_cmds, "open");
	add_if_more(text, old, new, limit_cmds, "limit");
	add_if_more(text, old, new, discard_cmds, "discard");
}

static void take_state(struct monitor *mon, const struct qdisc_state *state)
{
	struct known *known = find_known(mon, state);
	char text[EVENT_TEXT_MAX];
	uint32_t parent;

	if (!known) {
		known = add_known(mon, state);
		if (known)
			print_event(mon, "attach", known);
		return;
	}
	known->seen = true;
	name_change(text, &known->state, state);
	if (!text[0])
		return;
	parent = known->state.parent;
	known->state = *state;
	known->state.parent = parent;
	print_event(mon, text, known);
}

/*
 * Ask for what is there. quietly: at the start, when nothing was known before.
 * Otherwise what differs is told as if the kernel had told it.
 */
static int look(struct monitor *mon, bool quietly)
{
	struct qdisc_list list = { 0 };
	size_t i;
	int error;

	error = netlink_dump(mon->ctx->nl, 0, true, &list);
	if (error) {
		qdisc_list_free(&list);
		return complain_netlink(mon->ctx, error);
	}
	for (i = 0; i < mon->count; i++)
		mon->known[i].seen = false;
	for (i = 0; i < list.n; i++) {
		if (!is_wanted(mon, list.v[i].ifindex))
			continue;
		if (quietly)
			add_known(mon, &list.v[i]);
		else if (list.v[i].told || !find_known(mon, &list.v[i]))
			take_state(mon, &list.v[i]);
		else
			find_known(mon, &list.v[i])->seen = true;
	}
	for (i = mon->count; i-- > 0; ) {
		if (mon->known[i].seen)
			continue;
		print_event(mon, "detach", &mon->known[i]);
		drop_known(mon, &mon->known[i]);
	}
	qdisc_list_free(&list);
	return mon->ctx->status;
}

static void forget_device(struct monitor *mon, int ifindex)
{
	size_t i;

	for (i = mon->count; i-- > 0; ) {
		if (mon->known[i].state.ifindex != ifindex)
			continue;
		print_event(mon, "detach", &mon->known[i]);
		drop_known(mon, &mon->known[i]);
	}
}

/* A device may get another name; or the name that is waited for, another device. */
static void take_name(struct monitor *mon, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = message_payload(nlh);
	const struct nlattr *attr;
	char name[IF_NAMESIZE];
	size_t i;
	int k;

	attr_for_each(attr, ifi + 1, message_len(nlh) - sizeof(*ifi))
		if (attr_type(attr) == IFLA_IFNAME)
			break;
	if (!attr_ok(attr, (const char *)nlh + nlh->nlmsg_len - (const char *)attr))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)attr_len(attr),
		 (const char *)attr_payload(attr));
	for (k = 0; k < mon->n; k++)
		if (!strcmp(mon->names[k], name))
			mon->ifindexes[k] = ifi->ifi_index;
	make_printable(name);
	for (i = 0; i < mon->count; i++)
		if (mon->known[i].state.ifindex == ifi->ifi_index)
			memcpy(mon->known[i].name, name, sizeof(name));
}

static bool has_known(const struct monitor *mon, int ifindex)
{
	size_t i;

	for (i = 0; i < mon->count; i++)
		if (mon->known[i].state.ifindex == ifindex)
			return true;
	return false;
}

/* Returns whether to ask for what is there. */
static bool take_plug(struct monitor *mon, const struct nlmsghdr *nlh,
		      const struct qdisc_state *state)
{
	struct known *known;

	known = find_known(mon, state);
	if (nlh->nlmsg_type == RTM_NEWQDISC) {
		if (!known && !state->parent)
			return true;
		take_state(mon, state);
	} else if (known) {
		known->state = *state;
		print_event(mon, "detach", known);
		drop_known(mon, known);
	}
	return false;
}

/*
 * Returns whether to ask for what is there. When a qdisc or a class goes or
 * changes, plugs below it may go with it, of which the kernel says nothing.
 */
static bool take_message(struct monitor *mon, const struct nlmsghdr *nlh)
{
	struct qdisc_state state;
	const struct ifinfomsg *ifi;
	const struct tcmsg *tcm;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		if (message_len(nlh) >= sizeof(*ifi))
			take_name(mon, nlh);
		return false;
	case RTM_DELLINK:
		if (message_len(nlh) < sizeof(*ifi))
			return false;
		ifi = message_payload(nlh);
		/* A bridge takes leave of a port in the same words. */
		if (ifi->ifi_family == AF_UNSPEC)
			forget_device(mon, ifi->ifi_index);
		return false;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
		if (!qdisc_parse(nlh, &state) && qdisc_is_plug(&state)) {
			return is_wanted(mon, state.ifindex) &&
			       take_plug(mon, nlh, &state);
		}
		break;
	case RTM_NEWTCLASS:
	case RTM_DELTCLASS:
		break;
	default:
		return false;
	}
	if (message_len(nlh) < sizeof(*tcm))
		return false;
	tcm = message_payload(nlh);
	return has_known(mon, tcm->tcm_ifindex);
}

/* What still waits is older than what a dump will tell: it would only confuse. */
static void drop_events(struct monitor *mon)
{
	char byte;

	for (;;) {
		if (recv(mon->events->fd, &byte, 1, MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			return;
	}
}

static int take_events(struct monitor *mon)
{
	ssize_t size = netlink_receive(mon->events);
	const struct nlmsghdr *nlh;
	bool again = false;
	int len;

	if (size < 0 && errno == ENOBUFS) {
		note(mon->ctx, NULL,
		     "changes came faster than they could be read, some are lost: looking afresh");
		drop_events(mon);
		return look(mon, false);
	}
	/* A device with names without end: what it was shows in what is there. */
	if (size < 0 && errno == EMSGSIZE)
		return look(mon, false);
	if (size < 0)
		return complain_netlink(mon->ctx, errno);
	len = (int)size;
	message_for_each(nlh, mon->events->buf, len)
		again |= take_message(mon, nlh);
	if (again)
		look(mon, false);
	return mon->ctx->status;
}

static int listen_to(struct monitor *mon)
{
	int room = RECEIVE_ROOM;
	int error;

	if (setsockopt(mon->events->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
		       sizeof(room)))
		setsockopt(mon->events->fd, SOL_SOCKET, SO_RCVBUF, &room,
			   sizeof(room));
	error = netlink_join(mon->events, RTNLGRP_TC);
	if (!error)
		error = netlink_join(mon->events, RTNLGRP_LINK);
	return error ? complain_netlink(mon->ctx, error) : STATUS_OK;
}

static int open_sockets(struct monitor *mon)
{
	struct plugctl *ctx = mon->ctx;

	if (netlink_open(ctx))
		return STATUS_NO_ACCESS;
	mon->events = ctx->nl;
	ctx->nl = NULL;
	if (netlink_open(ctx))
		return STATUS_NO_ACCESS;
	return listen_to(mon);
}

int cmd_monitor(struct plugctl *ctx, const struct args *args)
{
	struct monitor mon = { .ctx = ctx, .names = args->v, .n = args->n };
	struct netlink *queries;
	int i;

	mon.ifindexes = calloc((size_t)args->n + 1, sizeof(*mon.ifindexes));
	if (!mon.ifindexes)
		return complain_memory(ctx);
	if (open_sockets(&mon))
		goto out;
	for (i = 0; i < args->n; i++) {
		mon.ifindexes[i] = find_device(ctx, args->v[i]);
		if (!mon.ifindexes[i])
			goto out;
	}
	if (!look(&mon, true))
		while (!take_events(&mon))
			;
out:
	queries = ctx->nl;
	ctx->nl = mon.events;
	netlink_close(ctx);
	ctx->nl = queries;
	free(mon.known);
	free(mon.ifindexes);
	return ctx->status;
}
