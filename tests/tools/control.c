// SPDX-License-Identifier: GPL-2.0-or-later
/* See control.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "control.h"

static __u64 number(const void *data, size_t len)
{
	__u64 u64 = 0;
	__u32 u32;

	if (len == sizeof(u32)) {
		memcpy(&u32, data, sizeof(u32));
		return u32;
	}
	if (len == sizeof(u64))
		memcpy(&u64, data, sizeof(u64));
	return u64;
}

static void stats_parse(struct control_state *st, const void *data, size_t len)
{
	struct attrs a = { data, len };
	int type;

	while ((type = attr_next(&a, &data, &len)) >= 0) {
		if (type > SCH_PLUG_A_STATS_MAX || type == SCH_PLUG_A_STATS_PAD)
			continue;
		st->stats[type] = number(data, len);
		st->n_stats++;
	}
}

static void state_attr(struct control_state *st, int type, const void *data, size_t len)
{
	__u64 value = number(data, len);

	if (type <= SCH_PLUG_A_MAX)
		st->has |= 1ULL << type;
	switch (type) {
	case SCH_PLUG_A_ID:		st->id = value; break;
	case SCH_PLUG_A_IFINDEX:	st->ifindex = value; break;
	case SCH_PLUG_A_HANDLE:		st->handle = value; break;
	case SCH_PLUG_A_PARENT:		st->parent = value; break;
	case SCH_PLUG_A_ACTION:		st->action = value; break;
	case SCH_PLUG_A_LIMIT:		st->limit = value; break;
	case SCH_PLUG_A_AT_EXIT:	st->at_exit = value; break;
	case SCH_PLUG_A_OWNER:		st->owner = value; break;
	case SCH_PLUG_A_EPOCH:		st->epoch = value; break;
	case SCH_PLUG_A_RELEASED:	st->released = value; break;
	case SCH_PLUG_A_HEAD_EPOCH:	st->head_epoch = value; break;
	case SCH_PLUG_A_TAIL_EPOCH:	st->tail_epoch = value; break;
	case SCH_PLUG_A_STOPPED:	st->stopped = value; break;
	case SCH_PLUG_A_QLEN:		st->qlen = value; break;
	case SCH_PLUG_A_BACKLOG:	st->backlog = value; break;
	case SCH_PLUG_A_COMMANDS:	st->commands = value; break;
	case SCH_PLUG_A_STATS:		stats_parse(st, data, len); break;
	}
}

static struct attrs genl_attrs(const struct nlmsghdr *nlh)
{
	return (struct attrs){ (const char *)NLMSG_DATA(nlh) + GENL_HDRLEN,
			       nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN) };
}

static void state_parse(struct control_state *st, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	struct attrs a = genl_attrs(nlh);
	const void *data;
	size_t len;
	int type;

	memset(st, 0, sizeof(*st));
	st->cmd = genl->cmd;
	while ((type = attr_next(&a, &data, &len)) >= 0)
		state_attr(st, type, data, len);
}

/* Parses the attributes of an error, or of the end of a dump. @fixed bytes of payload
 * come before them.
 */
static void tlvs_parse(struct control_reply *reply, const struct nlmsghdr *nlh, size_t fixed)
{
	struct attrs a = { (const char *)NLMSG_DATA(nlh) + NLMSG_ALIGN(fixed), 0 };
	const void *data;
	size_t len;
	int type;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    nlh->nlmsg_len < NLMSG_LENGTH(NLMSG_ALIGN(fixed)))
		return;
	a.left = nlh->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(fixed));
	while ((type = attr_next(&a, &data, &len)) >= 0) {
		if (type == NLMSGERR_ATTR_MSG)
			snprintf(reply->extack, sizeof(reply->extack), "%.*s", (int)len,
				 (const char *)data);
		else if (type == NLMSGERR_ATTR_OFFS)
			reply->bad_offset = number(data, len);
		else if (type == NLMSGERR_ATTR_MISS_TYPE)
			reply->missing = number(data, len);
	}
}

/* ---- requests ---- */

static __thread __u32 seq;

void control_start(struct control_request *req, const struct control *c, __u8 cmd,
		   __u16 flags)
{
	struct nlmsghdr *nlh = (void *)req->buf;
	struct genlmsghdr *genl = NLMSG_DATA(nlh);

	memset(req, 0, sizeof(*req));
	req->len = NLMSG_LENGTH(GENL_HDRLEN);
	nlh->nlmsg_type = c->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	genl->cmd = cmd;
	genl->version = SCH_PLUG_FAMILY_VERSION;
}

void control_raw(struct control_request *req, __u16 type, const void *data, size_t len)
{
	if (req->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(req->buf))
		bail("a request that is too long");
	req->len += attr_at(req->buf + req->len, type, data, len);
}

void control_u32(struct control_request *req, __u16 type, __u32 value)
{
	control_raw(req, type, &value, sizeof(value));
}

void control_u64(struct control_request *req, __u16 type, __u64 value)
{
	control_raw(req, type, &value, sizeof(value));
}

#define NO_END	10000	/* a dump with more answers does not end */

int control_send(struct control_request *req, const struct control *c,
		 struct control_reply *reply,
		 void (*each)(const struct control_state *state, void *arg), void *arg)
{
	static __thread char buf[65536] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = (void *)req->buf;
	struct control_reply dummy;

	if (!reply)
		reply = &dummy;
	memset(reply, 0, sizeof(*reply));
	reply->bad_offset = reply->missing = -1;
	nlh->nlmsg_len = req->len;
	nlh->nlmsg_seq = ++seq;
	if (send(c->nl, req->buf, req->len, 0) < 0)
		return -errno;

	for (;;) {
		ssize_t got = recv(c->nl, buf, sizeof(buf), 0);

		if (got < 0)
			return -errno;
		for (nlh = (void *)buf; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				reply->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				tlvs_parse(reply, nlh, sizeof(struct nlmsgerr));
				return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			}
			if (nlh->nlmsg_type == NLMSG_DONE) {
				tlvs_parse(reply, nlh, sizeof(int));
				return *(int *)NLMSG_DATA(nlh);
			}
			if (++reply->states > NO_END)
				return -EOVERFLOW;
			state_parse(&reply->state, nlh);
			if (each)
				each(&reply->state, arg);
		}
	}
}

static int by_id(const struct control *c, __u8 cmd, __u64 id, __u16 type, __u32 value,
		 struct control_reply *reply)
{
	struct control_request req;

	control_start(&req, c, cmd, NLM_F_ECHO);
	control_u64(&req, SCH_PLUG_A_ID, id);
	if (type)
		control_u32(&req, type, value);
	return control_send(&req, c, reply, NULL, NULL);
}

int control_get(const struct control *c, __u64 id, struct control_reply *reply)
{
	return by_id(c, SCH_PLUG_CMD_GET, id, 0, 0, reply);
}

struct control_state control_look(const struct control *c, __u64 id)
{
	struct control_reply reply;
	int err = control_get(c, id, &reply);

	if (err)
		bail("GET: %s", strerror(-err));
	return reply.state;
}

int control_do(const struct control *c, __u64 id, __u32 action,
	       struct control_reply *reply)
{
	return by_id(c, SCH_PLUG_CMD_CHANGE, id, SCH_PLUG_A_ACTION, action, reply);
}

int control_own(const struct control *c, __u64 id, __u32 at_exit,
		struct control_reply *reply)
{
	return by_id(c, SCH_PLUG_CMD_OWN, id, SCH_PLUG_A_AT_EXIT, at_exit, reply);
}

int control_change(const struct control *c, __u64 id, __u32 action, const __u64 *arg,
		   struct control_reply *reply)
{
	struct control_request req;

	control_start(&req, c, SCH_PLUG_CMD_CHANGE, NLM_F_ECHO);
	control_u64(&req, SCH_PLUG_A_ID, id);
	control_u32(&req, SCH_PLUG_A_ACTION, action);
	if (arg && action == TCQ_PLUG_LIMIT)
		control_u32(&req, SCH_PLUG_A_LIMIT, *arg);
	else if (arg)
		control_u64(&req, SCH_PLUG_A_LAST, *arg);
	return control_send(&req, c, reply, NULL, NULL);
}

int control_limit(const struct control *c, __u64 id, __u32 limit,
		  struct control_reply *reply)
{
	__u64 arg = limit;

	return control_change(c, id, TCQ_PLUG_LIMIT, &arg, reply);
}

int control_upto(const struct control *c, __u64 id, __u32 action, __u64 last,
		 struct control_reply *reply)
{
	return control_change(c, id, action, &last, reply);
}

struct listing {
	struct control_state	*list;
	unsigned int		n, max;
};

static void list_one(const struct control_state *state, void *arg)
{
	struct listing *l = arg;

	if (l->n < l->max)
		l->list[l->n] = *state;
	l->n++;
}

/* Dumps all plugs, or those of @ifindex, into @l. Returns 0 or a negative errno. If
 * plugs are created or deleted meanwhile, the dump is repeated.
 */
static int try_dump(const struct control *c, __u32 ifindex, struct listing *l)
{
	struct control_reply reply;
	struct control_request req;
	unsigned int tries = 100;
	int err;

	do {
		l->n = 0;
		control_start(&req, c, SCH_PLUG_CMD_GET, NLM_F_DUMP);
		if (ifindex)
			control_u32(&req, SCH_PLUG_A_IFINDEX, ifindex);
		err = control_send(&req, c, &reply, list_one, l);
		if (!tries--)
			bail("a dump is interrupted each time");
	} while (!err && reply.interrupted);
	return err;
}

unsigned int control_dump(const struct control *c, __u32 ifindex,
			  struct control_state *list, unsigned int max)
{
	struct listing l = { list, 0, max };
	int err = try_dump(c, ifindex, &l);

	if (err && err != -EOVERFLOW)
		bail("dump: %s", strerror(-err));
	return l.n;
}

bool control_look_up(const struct control *c, __u32 ifindex, __u32 parent,
		     struct control_state *state)
{
	static __thread struct control_state list[64];
	struct listing l = { list, 0, 64 };
	unsigned int i;

	state->id = 0;
	if (try_dump(c, ifindex, &l))
		return false;
	for (i = 0; i < l.n && i < l.max; i++)
		if (list[i].parent == parent && list[i].id > state->id)
			*state = list[i];
	return state->id;
}

struct control_state control_find(const struct control *c, const char *dev, __u32 parent)
{
	struct control_state state;

	if (!control_look_up(c, if_nametoindex(dev), parent, &state))
		bail("%s has no plug at %x:%x", dev, parent >> 16, parent & 0xffff);
	return state;
}

/* ---- the socket ---- */

/* Returns the number of the events group, which is the family's only one; 0: the
 * family has another group.
 */
static __u32 group_parse(const void *data, size_t len)
{
	struct attrs a = { data, len };
	__u32 id = 0;
	bool is_it = false;
	int type;

	/* The attribute is a list of groups. The first is enough. */
	if (attr_next(&a, &data, &len) < 0)
		return 0;
	a = (struct attrs){ data, len };
	while ((type = attr_next(&a, &data, &len)) >= 0) {
		if (type == CTRL_ATTR_MCAST_GRP_ID)
			id = number(data, len);
		else if (type == CTRL_ATTR_MCAST_GRP_NAME)
			is_it = !strcmp(data, SCH_PLUG_MCGRP_EVENTS);
	}
	return is_it ? id : 0;
}

static void family_parse(struct control *c, const struct nlmsghdr *nlh, const char *name)
{
	struct attrs a = genl_attrs(nlh);
	__u16 family = 0;
	__u32 events = 0;
	bool is_it = false;
	const void *data;
	size_t len;
	int type;

	while ((type = attr_next(&a, &data, &len)) >= 0) {
		if (type == CTRL_ATTR_FAMILY_NAME)
			is_it = !strcmp(data, name);
		else if (type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, data, sizeof(family));
		else if (type == CTRL_ATTR_MCAST_GROUPS)
			events = group_parse(data, len);
	}
	if (is_it) {
		c->family = family;
		c->events = events;
	}
}

/* Finds the family with that name in a dump of all families; false: there is none. A
 * request for an unknown family by its name would make the kernel start modprobe
 * each time.
 */
static bool resolve(struct control *c, const char *name)
{
	static __thread char buf[65536] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = (void *)buf;
	struct control_request req;
	ssize_t got;

	c->family = GENL_ID_CTRL;
	control_start(&req, c, CTRL_CMD_GETFAMILY, NLM_F_DUMP);
	((struct nlmsghdr *)req.buf)->nlmsg_len = req.len;
	((struct nlmsghdr *)req.buf)->nlmsg_seq = ++seq;
	c->family = 0;
	if (send(c->nl, req.buf, req.len, 0) < 0)
		return false;
	while ((got = recv(c->nl, buf, sizeof(buf), 0)) >= 0)
		for (nlh = (void *)buf; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type != GENL_ID_CTRL)
				return c->family;
			family_parse(c, nlh, name);
		}
	return false;
}

static void socket_open(struct control *c)
{
	struct timeval limit = { .tv_sec = 30 };
	int one = 1;

	memset(c, 0, sizeof(*c));
	c->nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (c->nl < 0)
		bail("netlink socket: %s", strerror(errno));
	setsockopt(c->nl, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(c->nl, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(c->nl, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

bool control_try_family(struct control *c, const char *name)
{
	socket_open(c);
	if (resolve(c, name))
		return true;
	close(c->nl);
	return false;
}

bool control_try_open(struct control *c)
{
	return control_try_family(c, SCH_PLUG_FAMILY_NAME);
}

struct control control_open(void)
{
	struct control c;

	if (!control_try_open(&c))
		bail("there is no family " SCH_PLUG_FAMILY_NAME);
	return c;
}

void control_close(struct control *c)
{
	close(c->nl);
}

/* The client of control_here(), its process, and the network namespace in which its
 * socket was opened. The socket stays there.
 */
struct here {
	struct control	c;
	pid_t		pid;	/* 0: none yet */
	dev_t		dev;
	ino_t		ino;
};

static __thread struct here here;

const struct control *control_here(bool again)
{
	struct stat ns;

	if (stat("/proc/thread-self/ns/net", &ns))
		bail("the present network namespace: %s", strerror(errno));
	if (here.pid != getpid() || here.dev != ns.st_dev || here.ino != ns.st_ino) {
		if (here.pid)
			close(here.c.nl);
		socket_open(&here.c);
		here.pid = getpid();
		here.dev = ns.st_dev;
		here.ino = ns.st_ino;
	}
	if ((again || !here.c.family) && !resolve(&here.c, SCH_PLUG_FAMILY_NAME))
		return NULL;
	return &here.c;
}

int control_list(__u32 ifindex, struct control_state *list, unsigned int max)
{
	struct listing l = { list, 0, max };
	const struct control *c;
	unsigned int tries;
	int err = 0;

	for (tries = 0; tries < 10; tries++) {
		c = control_here(tries);
		if (!c)
			return -1;
		err = try_dump(c, ifindex, &l);
		if (!err)
			return l.n < max ? l.n : max;
	}
	bail("dump: %s", strerror(-err));
}

void control_listen(const struct control *c)
{
	if (setsockopt(c->nl, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &c->events,
		       sizeof(c->events)))
		bail("group %u: %s", c->events, strerror(errno));
}

bool control_event(const struct control *c, struct control_state *state)
{
	char buf[8192] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = (void *)buf;

	if (recv(c->nl, buf, sizeof(buf), MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN)
			bail("events: %s", strerror(errno));
		return false;
	}
	state_parse(state, nlh);
	return true;
}
