// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor: a line for every change. Where there is the family sch_plug, its events
 * tell all; rtnetlink then only tells of devices. With the in-tree module there is
 * rtnetlink, which does not tell all that happens. Other sockets than those that
 * listen ask for what is there: at the start, and whenever that is needed.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/rtnetlink.h>

#include "attr.h"
#include "family.h"
#include "netlink.h"
#include "parse.h"
#include "plugctl.h"
#include "print.h"
#include "target.h"

/* Enough for a burst of a thousand changes; not granted to everybody. */
#define RECEIVE_ROOM	(1024 * 1024)

#define EVENT_TEXT_MAX	128

/* Plugs that there is room for at first. */
#define KNOWN_ROOM	16

struct known {
	struct qdisc_state state;
	/* As far as they were printed, by SCH_PLUG_A_STATS_*: of commands only. */
	uint64_t counters[SCH_PLUG_A_STATS_MAX + 1];
	uint64_t old_commands;	/* events up to here are old news */
	char name[IF_NAMESIZE];
	bool seen;		/* while comparing with a dump */
};

struct monitor {
	struct plugctl *ctx;
	struct netlink *events;
	struct netlink *changes;	/* the family's */
	uint16_t family;	/* whose events come; 0: it is not there */
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

/* A parent of 0: rtnetlink tells the one that the command named, if any. */
static bool is_same(const struct qdisc_state *known,
		    const struct qdisc_state *state)
{
	if (known->id || state->id)
		return known->id == state->id;
	return known->ifindex == state->ifindex &&
	       known->handle == state->handle &&
	       (!state->parent || known->parent == state->parent);
}

static struct known *find_known(const struct monitor *mon,
				const struct qdisc_state *state)
{
	size_t i;

	for (i = 0; i < mon->count; i++)
		if (is_same(&mon->known[i].state, state))
			return &mon->known[i];
	return NULL;
}

static struct known *add_known(struct monitor *mon,
			       const struct qdisc_state *state)
{
	struct known *known;

	if (mon->count == mon->room) {
		size_t room = 2 * mon->room;

		known = realloc(mon->known, room * sizeof(*known));
		if (!known)
			return NULL;
		mon->known = known;
		mon->room = room;
	}
	known = &mon->known[mon->count++];
	known->state = *state;
	memcpy(known->counters, state->stats, sizeof(known->counters));
	known->old_commands = state->commands;
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
	struct qdisc_state state = known->state;

	if (out->json)
		add_statistics(mon->ctx, &state);
	out_object(out, NULL);
	print_time(out);
	out_str(out, "event", NULL, event);
	if (out->json) {
		out_object(out, "plug");
		print_plug_members(out, known->name, &state);
		out_end(out);
	} else {
		char handle[16];

		snprintf(handle, sizeof(handle), "%x:", state.handle >> 16);
		out_text(out, "%s %s %s: ", known->name, handle, event);
		print_brief(out, &state);
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

/* By the action that an event tells of, in the order in which they are named. */
static const struct {
	uint32_t action;
	int counter;
	char name[16];
} commands_told[] = {
	{ TCQ_PLUG_BUFFER, SCH_PLUG_A_STATS_BUFFER_CMDS, "buffer" },
	{ TCQ_PLUG_RELEASE_ONE, SCH_PLUG_A_STATS_RELEASE_ONE_CMDS, "release" },
	{ TCQ_PLUG_RELEASE_UPTO, SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS,
	  "release-upto" },
	{ TCQ_PLUG_RELEASE_INDEFINITE, SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS,
	  "open" },
	{ TCQ_PLUG_LIMIT, SCH_PLUG_A_STATS_LIMIT_CMDS, "limit" },
	{ TCQ_PLUG_DISCARD, SCH_PLUG_A_STATS_DISCARD_CMDS, "discard" },
};

#define COMMANDS_TOLD	(sizeof(commands_told) / sizeof(commands_told[0]))

/* The counters tell which commands there were. "" when none has grown. */
static void name_change(char text[EVENT_TEXT_MAX], const struct known *known,
			const struct qdisc_state *new)
{
	size_t i;

	text[0] = '\0';
	if (!new->told)
		add_word(text, "change");
	for (i = 0; new->told && i < COMMANDS_TOLD; i++)
		if (new->stats[commands_told[i].counter] >
		    known->counters[commands_told[i].counter])
			add_word(text, commands_told[i].name);
}

/* Of a dump, or of an event of rtnetlink. */
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
	known->old_commands = state->commands;
	name_change(text, known, state);
	if (!text[0])
		return;
	parent = known->state.parent;
	known->state = *state;
	if (!state->parent)
		known->state.parent = parent;
	memcpy(known->counters, state->stats, sizeof(known->counters));
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

	error = dump_plugs(mon->ctx, 0, mon->ctx->opt.json, &list);
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

/*
 * Whether the family tells of plugs, from now on. While there is one of its plugs
 * its module cannot go; otherwise it may have come, gone, or come again.
 */
static bool follow_family(struct monitor *mon)
{
	struct netlink *queries = mon->ctx->generic;

	if (mon->family && mon->count)
		return true;
	if (!family_find_again(queries)) {
		mon->family = 0;
		return false;
	}
	if (mon->family != queries->family &&
	    !netlink_join(mon->changes, queries->group))
		mon->family = queries->family;
	return mon->family;
}

/* Rtnetlink tells of a plug. Returns whether to ask for what is there. */
static bool take_plug(struct monitor *mon, const struct nlmsghdr *nlh,
		      const struct qdisc_state *state)
{
	const uint16_t family = mon->family;
	struct known *known;

	if (follow_family(mon))
		return mon->family != family;
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
 * changes, plugs below it may go with it, of which rtnetlink says nothing.
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
	if (mon->family || message_len(nlh) < sizeof(*tcm))
		return false;
	tcm = message_payload(nlh);
	return has_known(mon, tcm->tcm_ifindex);
}

/* The state after a command, with what is known of the counters. */
static void take_command(struct monitor *mon, struct known *known,
			 const struct qdisc_state *state, uint32_t action)
{
	const char *name = "change";
	size_t i;

	if (state->commands <= known->old_commands)
		return;
	for (i = 0; i < COMMANDS_TOLD; i++) {
		if (commands_told[i].action != action)
			continue;
		known->counters[commands_told[i].counter]++;
		name = commands_told[i].name;
	}
	known->state = *state;
	print_event(mon, name, known);
}

/* An event of the family. Returns whether to ask for what is there. */
static bool take_change(struct monitor *mon, const struct nlmsghdr *nlh)
{
	struct qdisc_state state;
	struct known *known;
	uint32_t action;
	uint8_t event;

	if (nlh->nlmsg_type != mon->family || plug_parse(nlh, &state) ||
	    !is_wanted(mon, state.ifindex))
		return false;
	known = find_known(mon, &state);
	event = plug_event(nlh, &action);
	if (event == SCH_PLUG_CMD_ATTACH_NTF && !known) {
		take_state(mon, &state);
	} else if (event == SCH_PLUG_CMD_DETACH_NTF && known) {
		known->state = state;
		print_event(mon, "detach", known);
		drop_known(mon, known);
	} else if (event == SCH_PLUG_CMD_CHANGE_NTF && known) {
		take_command(mon, known, &state, action);
	} else if (event == SCH_PLUG_CMD_OWNER_LOST_NTF && known) {
		known->state = state;
		print_event(mon, "owner-lost", known);
	}
	/* A device that was renamed, and is one of those named now. */
	return !known && event == SCH_PLUG_CMD_CHANGE_NTF;
}

/* What still waits is older than what a dump will tell: it would only confuse. */
static void drop_events(struct netlink *nl)
{
	char byte;

	for (;;) {
		if (recv(nl->fd, &byte, 1, MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			return;
	}
}

static int resync(struct monitor *mon)
{
	note(mon->ctx, NULL,
	     "changes came faster than they could be read, some are lost: looking afresh");
	drop_events(mon->events);
	drop_events(mon->changes);
	return look(mon, false);
}

static int take_events(struct monitor *mon)
{
	ssize_t size = netlink_receive(mon->events);
	const struct nlmsghdr *nlh;
	bool again = false;
	int len;

	if (size < 0 && errno == ENOBUFS)
		return resync(mon);
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

/*
 * Taken from its socket first, and looked at when rtnetlink has told all that it
 * had to tell until then: a device gets its name before it gets a plug.
 */
static int take_changes(struct monitor *mon)
{
	struct pollfd events = { .fd = mon->events->fd, .events = POLLIN };
	ssize_t size = netlink_receive(mon->changes);
	const struct nlmsghdr *nlh;
	bool again = false;
	int len;

	if (size < 0 && errno == ENOBUFS)
		return resync(mon);
	if (size < 0)
		return complain_netlink(mon->ctx, errno);
	while (poll(&events, 1, 0) > 0)
		if (take_events(mon))
			return mon->ctx->status;
	len = (int)size;
	message_for_each(nlh, mon->changes->buf, len)
		again |= take_change(mon, nlh);
	if (again)
		look(mon, false);
	return mon->ctx->status;
}

static int wait_events(struct monitor *mon)
{
	struct pollfd fds[] = {
		{ .fd = mon->changes->fd, .events = POLLIN },
		{ .fd = mon->events->fd, .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		return complain(mon->ctx, STATUS_REFUSED, NULL,
				"cannot wait for changes: %s", strerror(errno));
	if (fds[0].revents)
		return take_changes(mon);
	return fds[1].revents ? take_events(mon) : STATUS_OK;
}

static void make_room(const struct netlink *nl)
{
	int room = RECEIVE_ROOM;

	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int listen_to(struct monitor *mon)
{
	int error;

	make_room(mon->events);
	make_room(mon->changes);
	follow_family(mon);
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
	mon->changes = ctx->generic;
	ctx->nl = NULL;
	ctx->generic = NULL;
	if (netlink_open(ctx))
		return STATUS_NO_ACCESS;
	return listen_to(mon);
}

int cmd_monitor(struct plugctl *ctx, const struct args *args)
{
	struct monitor mon = {
		.ctx = ctx, .names = args->v, .n = args->n, .room = KNOWN_ROOM,
	};
	struct netlink *queries, *family_queries;
	int i;

	mon.ifindexes = calloc((size_t)args->n + 1, sizeof(*mon.ifindexes));
	mon.known = calloc(KNOWN_ROOM, sizeof(*mon.known));
	if (!mon.ifindexes || !mon.known) {
		complain_memory(ctx);
		goto out_free;
	}
	if (open_sockets(&mon))
		goto out;
	for (i = 0; i < args->n; i++) {
		mon.ifindexes[i] = find_device(ctx, args->v[i]);
		if (!mon.ifindexes[i])
			goto out;
	}
	if (!look(&mon, true))
		while (!wait_events(&mon))
			;
out:
	queries = ctx->nl;
	family_queries = ctx->generic;
	ctx->nl = mon.events;
	ctx->generic = mon.changes;
	netlink_close(ctx);
	ctx->nl = queries;
	ctx->generic = family_queries;
out_free:
	free(mon.known);
	free(mon.ifindexes);
	return ctx->status;
}
