// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor: prints a line for every change. If there is the family sch_plug, its
 * events report all changes of plugs, and rtnetlink is only used for devices. With
 * the in-tree module there is only rtnetlink, which does not report everything. Events
 * and requests have separate sockets. The current state is requested at the start, and
 * whenever events are not enough.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "../kernel/array.h"
#include "../kernel/guest.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/* Enough for a burst of a thousand changes; not every user gets this much. */
#define RECEIVE_ROOM	(1024 * 1024)

#define EVENT_TEXT_MAX	128

#define RESYNC_PAUSE_MS	100

struct known {
	struct qdisc_state state;
	/* Commands printed so far, indexed by SCH_PLUG_A_STATS_*. */
	uint64_t counters[SCH_PLUG_A_STATS_MAX + 1];
	uint64_t old_commands;	/* events up to this command are old */
	char name[IF_NAMESIZE];
	bool seen;		/* used while comparing with a dump */
};

struct monitor {
	struct request *req;
	struct kernel *kernel;		/* for requests */
	struct kernel listener;		/* only receives events */
	bool broken;			/* the reader of our output is gone */
	uint16_t family;	/* the family that sends events; 0: there is none */
	char *const *names;	/* print only these devices, if any */
	int n;
	int *watched;		/* devices that have, or had, one of the names */
	size_t n_watched;
	size_t watched_room;
	struct known *known;
	size_t count;
	size_t room;
};

static bool is_wanted(const struct monitor *mon, int ifindex)
{
	size_t i;

	for (i = 0; i < mon->n_watched; i++)
		if (mon->watched[i] == ifindex)
			return true;
	return !mon->n;
}

/* Watches a device from now on, under any name. Returns whether it is new. */
static bool watch(struct monitor *mon, int ifindex)
{
	int *watched;

	if (is_wanted(mon, ifindex))
		return false;
	watched = array_grow(mon->watched, &mon->watched_room, mon->n_watched,
			     sizeof(*watched));
	if (!watched)
		return false;
	mon->watched = watched;
	mon->watched[mon->n_watched++] = ifindex;
	return true;
}

static void unwatch(struct monitor *mon, int ifindex)
{
	size_t i;

	for (i = mon->n_watched; i-- > 0; )
		if (mon->watched[i] == ifindex)
			mon->watched[i] = mon->watched[--mon->n_watched];
}

/*
 * Whether both states are of the same plug. In events of rtnetlink the parent is 0,
 * unless the command named it.
 */
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
	char name[IF_NAMESIZE];
	struct known *known;

	known = array_grow(mon->known, &mon->room, mon->count, sizeof(*known));
	if (!known)
		return NULL;
	mon->known = known;
	known += mon->count++;
	known->state = *state;
	memcpy(known->counters, state->stats, sizeof(known->counters));
	known->old_commands = state->commands;
	known->seen = true;
	snprintf(name, sizeof(name), "if%d", state->ifindex);
	device_name(mon->kernel, state->ifindex, name, known->name);
	return known;
}

static void drop_known(struct monitor *mon, struct known *known)
{
	*known = mon->known[--mon->count];
}

static void print_time(struct out *out, bool with_date)
{
	char text[32], fraction[16], zone[16] = "";
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), with_date ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S",
		 &tm);
	if (with_date)
		strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(fraction, sizeof(fraction), ".%06u",
		 (unsigned int)now.tv_nsec / 1000);
	out_text(out, "%s%s%s ", text, fraction, zone);
	out_u64(out, "time_ns", NULL, (uint64_t)now.tv_sec * 1000000000 +
		(uint64_t)now.tv_nsec);
}

static void print_event(struct monitor *mon, const char *event,
			const struct known *known)
{
	const struct qdisc_state *state = &known->state;
	struct out *out = &mon->req->session->out;

	/* The counters are not read: they would be those of a later moment. */
	out_object(out, NULL);
	print_time(out, mon->req->options.times);
	out_str(out, "event", NULL, event);
	if (out->json) {
		out_object(out, "plug");
		print_plug_members(out, known->name, state);
		out_end(out);
	} else {
		char handle[HANDLE_TEXT_MAX];

		format_handle(handle, state->handle);
		out_text(out, "%s %s %s: ", known->name, handle, event);
		print_brief(out, state);
	}
	out_end(out);
	/* The reader is gone: stop. */
	if (!out_flush(out))
		mon->broken = true;
}

static void add_word(char *text, const char *word)
{
	append_text(text, EVENT_TEXT_MAX, "%s%s", *text ? "," : "", word);
}

/* The actions that events report, in the order in which they are printed. */
static const struct {
	uint32_t action;
	int counter;
	char name[16];
} reported[] = {
	{ TCQ_PLUG_BUFFER, SCH_PLUG_A_STATS_BUFFER_CMDS, "buffer" },
	{ TCQ_PLUG_RELEASE_ONE, SCH_PLUG_A_STATS_RELEASE_ONE_CMDS, "release" },
	{ TCQ_PLUG_RELEASE_UPTO, SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS,
	  "release-upto" },
	{ TCQ_PLUG_RELEASE_INDEFINITE, SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS,
	  "open" },
	{ TCQ_PLUG_LIMIT, SCH_PLUG_A_STATS_LIMIT_CMDS, "limit" },
	{ TCQ_PLUG_DISCARD, SCH_PLUG_A_STATS_DISCARD_CMDS, "discard" },
};

#define REPORTED	(sizeof(reported) / sizeof(reported[0]))

/* Names the commands that were executed. "": no counter of commands has grown. */
static void name_change(char text[EVENT_TEXT_MAX], const struct known *known,
			const struct qdisc_state *new)
{
	size_t i;

	text[0] = '\0';
	if (!new->has_state)
		add_word(text, "change");
	for (i = 0; new->has_state && i < REPORTED; i++)
		if (new->stats[reported[i].counter] >
		    known->counters[reported[i].counter])
			add_word(text, reported[i].name);
}

/* Handles a state from a dump, or from an event of rtnetlink. */
static void handle_state(struct monitor *mon, const struct qdisc_state *state)
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
 * Reads the current state. initial: at the start, when nothing was known before.
 * Otherwise all differences are printed as if the kernel had reported them.
 */
static int resync(struct monitor *mon, bool initial)
{
	struct qdisc_list list = { 0 };
	int error, i;
	size_t k;

	for (i = 0; i < mon->n; i++) {
		int ifb, ifindex = kernel_ifindex(mon->kernel, mon->names[i]);

		if (!ifindex)
			continue;
		watch(mon, ifindex);
		/* For a guest, also the ifb that has its plug. */
		error = guest_ifb(mon->kernel, ifindex, &ifb);
		if (error)
			goto out;
		if (ifb)
			watch(mon, ifb);
	}
	do {
		error = dump_plugs(mon->kernel, 0, mon->req->session->out.json, &list);
		/* Plugs come and go too fast for one list. */
	} while (error == EAGAIN && !poll(NULL, 0, RESYNC_PAUSE_MS));
	if (error)
		goto out;
	for (k = 0; k < mon->count; k++)
		mon->known[k].seen = false;
	for (k = 0; k < list.n; k++) {
		struct known *known = find_known(mon, &list.v[k]);

		if (!is_wanted(mon, list.v[k].ifindex))
			continue;
		if (initial)
			add_known(mon, &list.v[k]);
		else if (list.v[k].has_state || !known)
			handle_state(mon, &list.v[k]);
		else
			known->seen = true;
	}
	for (k = mon->count; k-- > 0; ) {
		if (mon->known[k].seen)
			continue;
		print_event(mon, "detach", &mon->known[k]);
		drop_known(mon, &mon->known[k]);
	}
out:
	free(list.v);
	return error ? complain_netlink(mon->req, error) : STATUS_OK;
}

/*
 * The family has reported the end of its plugs before this, with their last state.
 * That event may still have to be handled.
 */
static void forget_device(struct monitor *mon, int ifindex)
{
	size_t i;

	for (i = mon->count; i-- > 0; ) {
		if (mon->known[i].state.ifindex != ifindex ||
		    (mon->family && mon->known[i].state.has_state))
			continue;
		print_event(mon, "detach", &mon->known[i]);
		drop_known(mon, &mon->known[i]);
	}
	unwatch(mon, ifindex);
}

/*
 * A device may be renamed, or a watched name may pass to another device, which may
 * then have plugs that are new to us. Returns whether to call resync().
 */
static bool handle_name(struct monitor *mon, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	char name[IF_NAMESIZE] = "";
	const struct nlattr *attr;
	struct guest_link link;
	bool again = false;
	size_t i;
	int k;

	/* A guest's ifb has its alias before it has a plug. */
	if (guest_parse_link(nlh, &link) && link.guest && mon->n &&
	    is_wanted(mon, link.guest))
		again = watch(mon, link.ifindex);
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(*ifi)),
				  mnl_nlmsg_get_payload_len(nlh) - sizeof(*ifi))
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			snprintf(name, sizeof(name), "%.*s",
				 (int)mnl_attr_get_payload_len(attr),
				 (const char *)mnl_attr_get_payload(attr));
	if (!name[0])
		return false;
	for (k = 0; k < mon->n; k++)
		if (!strcmp(mon->names[k], name))
			again |= watch(mon, ifi->ifi_index);
	make_printable(name);
	for (i = 0; i < mon->count; i++)
		if (mon->known[i].state.ifindex == ifi->ifi_index)
			memcpy(mon->known[i].name, name, sizeof(name));
	return again;
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
 * Returns whether the family reports plugs. Without plugs, the module may have been
 * loaded, unloaded, or loaded again: then looks for the family, and joins its events.
 * The module cannot be unloaded while it has a plug.
 */
static bool follow_family(struct monitor *mon, bool *joined)
{
	struct netlink *nl = &mon->listener.generic;

	*joined = false;
	if (mon->family && mon->count)
		return true;
	if (kernel_find_family(mon->kernel)) {
		mon->family = 0;
		return false;
	}
	/*
	 * A group loses its members when the module is unloaded. A kernel that gives
	 * out the same number again (4.19 does) shows that only here.
	 */
	if (mon->family == mon->kernel->family &&
	    netlink_has_joined(nl, mon->kernel->group))
		return true;
	mon->family = 0;
	if (!netlink_join(nl, mon->kernel->group))
		mon->family = mon->kernel->family;
	*joined = mon->family;
	return *joined;
}

/* Handles a plug that rtnetlink reports. Returns whether to call resync(). */
static bool handle_plug(struct monitor *mon, const struct nlmsghdr *nlh,
		      const struct qdisc_state *state)
{
	struct known *known;
	bool joined;

	if (follow_family(mon, &joined))
		return joined;
	known = find_known(mon, state);
	if (nlh->nlmsg_type == RTM_NEWQDISC) {
		if (!known && !state->parent)
			return true;
		handle_state(mon, state);
	} else if (known) {
		known->state = *state;
		print_event(mon, "detach", known);
		drop_known(mon, known);
	}
	return false;
}

/*
 * Returns whether to call resync(). When a qdisc or a class is deleted or changed,
 * plugs below it may go away, which rtnetlink does not report.
 */
static bool handle_message(struct monitor *mon, const struct nlmsghdr *nlh)
{
	struct qdisc_state state;
	const struct ifinfomsg *ifi;
	const struct tcmsg *tcm;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*ifi))
			return handle_name(mon, nlh);
		return false;
	case RTM_DELLINK:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
			return false;
		ifi = mnl_nlmsg_get_payload(nlh);
		/* A bridge reports the removal of a port with the same message. */
		if (ifi->ifi_family == AF_UNSPEC)
			forget_device(mon, ifi->ifi_index);
		return false;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
		if (!qdisc_parse(nlh, &state) && qdisc_is_plug(&state)) {
			return is_wanted(mon, state.ifindex) &&
			       handle_plug(mon, nlh, &state);
		}
		break;
	case RTM_NEWTCLASS:
	case RTM_DELTCLASS:
		break;
	default:
		return false;
	}
	if (mon->family || mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm))
		return false;
	tcm = mnl_nlmsg_get_payload(nlh);
	return has_known(mon, tcm->tcm_ifindex);
}

/* Counts a command as printed. Returns its name, "change" if the action is unknown. */
static const char *count_command(struct known *known, uint32_t action)
{
	size_t i;

	for (i = 0; i < REPORTED; i++) {
		if (reported[i].action != action)
			continue;
		known->counters[reported[i].counter]++;
		return reported[i].name;
	}
	return "change";
}

/* Handles the state after a command. */
static void handle_command(struct monitor *mon, struct known *known,
			 const struct qdisc_state *state, uint32_t action)
{
	if (state->commands <= known->old_commands)
		return;
	known->state = *state;
	print_event(mon, count_command(known, action), known);
}

/* The end of an owner counts as the command that was executed then. */
static void handle_owner_lost(struct monitor *mon, struct known *known,
			      const struct qdisc_state *state)
{
	if (state->commands > known->old_commands) {
		if (state->at_exit == SCH_PLUG_AT_EXIT_OPEN)
			count_command(known, TCQ_PLUG_RELEASE_INDEFINITE);
		else if (state->at_exit == SCH_PLUG_AT_EXIT_DISCARD)
			count_command(known, TCQ_PLUG_DISCARD);
	}
	known->state = *state;
	print_event(mon, "owner-lost", known);
}

/* Handles an event of the family. Returns whether to call resync(). */
static bool handle_change(struct monitor *mon, const struct nlmsghdr *nlh)
{
	struct qdisc_state state;
	struct known *known;
	uint32_t action;
	uint8_t event;
	bool joined;

	if (nlh->nlmsg_type != mon->family || plug_parse(nlh, &state))
		return false;
	known = find_known(mon, &state);
	if (!known && !is_wanted(mon, state.ifindex))
		return false;
	event = plug_event(nlh, &action);
	if (event == SCH_PLUG_CMD_ATTACH_NTF && !known) {
		handle_state(mon, &state);
	} else if (event == SCH_PLUG_CMD_DETACH_NTF && known) {
		known->state = state;
		print_event(mon, "detach", known);
		drop_known(mon, known);
		/* The module may have been loaded again, with a plug, meanwhile. */
		follow_family(mon, &joined);
		return joined;
	} else if (event == SCH_PLUG_CMD_CHANGE_NTF && known) {
		handle_command(mon, known, &state, action);
	} else if (event == SCH_PLUG_CMD_OWNER_LOST_NTF && known) {
		handle_owner_lost(mon, known, &state);
	}
	/* A command to an unknown plug: its device may have got a watched name. */
	return !known && event == SCH_PLUG_CMD_CHANGE_NTF;
}

/* Drops the events that still wait: a dump will have newer states. */
static void drop_events(struct netlink *nl)
{
	char byte;

	for (;;) {
		if (recv(nl->fd, &byte, 1, MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			return;
	}
}

static int resync_after_loss(struct monitor *mon)
{
	note(mon->req, NULL,
	     "changes came faster than they could be read, some are lost: resyncing");
	drop_events(&mon->listener.route);
	drop_events(&mon->listener.generic);
	return resync(mon, false);
}

static int handle_events(struct monitor *mon)
{
	struct netlink *nl = &mon->listener.route;
	int len = (int)netlink_receive(nl);
	const struct nlmsghdr *nlh;
	bool again = false;

	if (len < 0 && errno == ENOBUFS)
		return resync_after_loss(mon);
	/* The device has too many names for the buffer: resync() finds the change. */
	if (len < 0 && errno == EMSGSIZE)
		return resync(mon, false);
	if (len < 0)
		return complain_netlink(mon->req, errno);
	message_for_each(nlh, nl->buf, len)
		again |= handle_message(mon, nlh);
	return again ? resync(mon, false) : STATUS_OK;
}

/*
 * Reads events of the family, then handles all events of rtnetlink up to now, and then
 * those of the family. The order matters: a device gets its name before its plug.
 */
static int handle_changes(struct monitor *mon)
{
	struct pollfd events = { .fd = mon->listener.route.fd, .events = POLLIN };
	struct netlink *nl = &mon->listener.generic;
	int status, len = (int)netlink_receive(nl);
	const struct nlmsghdr *nlh;
	bool again = false;

	if (len < 0 && errno == ENOBUFS)
		return resync_after_loss(mon);
	if (len < 0)
		return complain_netlink(mon->req, errno);
	while (poll(&events, 1, 0) > 0) {
		status = handle_events(mon);
		if (status)
			return status;
	}
	message_for_each(nlh, nl->buf, len)
		again |= handle_change(mon, nlh);
	return again ? resync(mon, false) : STATUS_OK;
}

static int wait_events(struct monitor *mon)
{
	struct pollfd fds[] = {
		{ .fd = mon->listener.generic.fd, .events = POLLIN },
		{ .fd = mon->listener.route.fd, .events = POLLIN },
	};

	/* The reader is gone: stop. */
	if (mon->broken)
		return complain_output(mon->req);
	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		return complain(mon->req, STATUS_REFUSED, NULL,
				"cannot wait for changes: %s", strerror(errno));
	if (fds[0].revents)
		return handle_changes(mon);
	return fds[1].revents ? handle_events(mon) : STATUS_OK;
}

static void make_room(const struct netlink *nl)
{
	int room = RECEIVE_ROOM;

	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static int listen_to(struct monitor *mon)
{
	struct open_failure failure;
	bool joined;
	int error;

	if (!kernel_open(&mon->listener, mon->req->options.netns, &failure))
		return complain_open(mon->req, &failure);
	make_room(&mon->listener.route);
	make_room(&mon->listener.generic);
	follow_family(mon, &joined);
	error = netlink_join(&mon->listener.route, RTNLGRP_TC);
	if (!error)
		error = netlink_join(&mon->listener.route, RTNLGRP_LINK);
	return error ? complain_netlink(mon->req, error) : STATUS_OK;
}

static int monitor_run(struct request *req)
{
	struct monitor mon = {
		.req = req, .kernel = &req->session->kernel,
		.names = req->words, .n = req->n,
	};
	int status, i;

	status = listen_to(&mon);
	for (i = 0; i < req->n && !status; i++) {
		struct target target = { .name = req->words[i] };

		if (!find_device(mon.kernel, &target))
			status = complain_target(req, &target);
	}
	if (!status)
		status = resync(&mon, true);
	while (!status)
		status = wait_events(&mon);
	kernel_close(&mon.listener);
	free(mon.known);
	free(mon.watched);
	return status;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.usage = "[DEV...]",
	.summary = "print a line for every change, as it happens",
	.completion = COMPLETE_PLUGGED,
	.options = TAKES_TIMES | NOT_IN_BATCH,
	.targets = DEVICES,
	.run = monitor_run,
};
