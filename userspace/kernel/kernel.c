// SPDX-License-Identifier: GPL-2.0-or-later
/* The sockets: sends messages and reads answers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include "array.h"
#include "kernel.h"
#include "target.h"

/* If a buffer has this room, the kernel puts that much of a dump into it. */
#define RECEIVE_SIZE	32768

/* The most receive room that one unread answer takes. */
#define ANSWER_ROOM	2048
#define ECHO_ROOM	5376

/* The kernel accepts no message larger than the send room, 208 KiB by default. */
#define SEND_MAX	(128 * 1024)

#define DUMP_TRIES	32

#define NETNS_DIR	"/run/netns/"

static bool fail(struct open_failure *failure, int what, int error)
{
	failure->what = what;
	failure->error = error;
	return false;
}

/*
 * Enters a network namespace, to create the sockets there: sockets stay where they
 * were created. *back is a descriptor of our own namespace. The caller returns there,
 * so this process, and the program that "run" starts, stay in their own namespace.
 */
static bool enter_netns(const char *name, int *back, struct open_failure *failure)
{
	int fd, n;

	if (!*name)
		return fail(failure, OPEN_NAME_EMPTY, 0);
	n = snprintf(failure->path, sizeof(failure->path), "%s%s",
		     strchr(name, '/') ? "" : NETNS_DIR, name);
	if (n < 0 || (size_t)n >= sizeof(failure->path))
		return fail(failure, OPEN_NAME_LONG, 0);
	*back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*back < 0)
		return fail(failure, OPEN_PROC, errno);
	fd = open(failure->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fail(failure, OPEN_NETNS, errno);
		goto out_back;
	}
	n = setns(fd, CLONE_NEWNET) ? errno : 0;
	close(fd);
	if (!n)
		return true;
	fail(failure, n == EINVAL ? OPEN_NOT_NETNS : OPEN_ENTER, n);
out_back:
	close(*back);
	*back = -1;
	return false;
}

/*
 * If our standard output is closed, the socket could get its number, and output would
 * go into the socket. So we first fill the free numbers up to 2 with descriptors that
 * cannot be written to.
 */
static struct mnl_socket *open_above_stdio(int bus)
{
	struct mnl_socket *socket;

	for (;;) {
		socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
		if (!socket || mnl_socket_get_fd(socket) > STDERR_FILENO)
			return socket;
		mnl_socket_close(socket);
		if (open("/dev/null", O_RDONLY) < 0)
			return NULL;
	}
}

/*
 * Connects the socket to the kernel: otherwise anyone with CAP_NET_ADMIN in the
 * namespace could send messages to it. connect() also binds the socket, and costs
 * no more than bind().
 */
static int connect_socket(struct netlink *nl)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(addr);

	if (connect(nl->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(nl->fd, (struct sockaddr *)&addr, &len))
		return errno;
	nl->portid = addr.nl_pid;
	return 0;
}

static bool netlink_open(struct netlink *nl, int bus, struct open_failure *failure)
{
	int on = 1, error;

	nl->buf = malloc(RECEIVE_SIZE);
	if (!nl->buf)
		return fail(failure, OPEN_MEMORY, ENOMEM);
	nl->socket = open_above_stdio(bus);
	if (!nl->socket)
		return fail(failure, OPEN_SOCKET, errno);
	nl->fd = mnl_socket_get_fd(nl->socket);
	error = connect_socket(nl);
	if (error)
		return fail(failure, OPEN_CONNECT, error);
	/* Kernels without these options give other answers, which we can read, too. */
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	return true;
}

static void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->buf);
	memset(nl, 0, sizeof(*nl));
}

/* Opens both sockets at once: later the name may belong to another namespace. */
bool kernel_open(struct kernel *kernel, const char *netns,
		 struct open_failure *failure)
{
	int back = -1;
	bool ok;

	if (kernel->is_open)
		return true;
	failure->path[0] = '\0';
	if (netns && !enter_netns(netns, &back, failure))
		return false;
	ok = netlink_open(&kernel->route, NETLINK_ROUTE, failure) &&
	     netlink_open(&kernel->generic, NETLINK_GENERIC, failure);
	if (back >= 0) {
		if (setns(back, CLONE_NEWNET))
			ok = fail(failure, OPEN_LEAVE, errno);
		close(back);
	}
	kernel->is_open = true;
	if (!ok)
		kernel_close(kernel);
	return ok;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel->is_open)
		return;
	netlink_close(&kernel->route);
	netlink_close(&kernel->generic);
	forget_targets(kernel);
	kernel->is_open = false;
}

ssize_t netlink_receive(struct netlink *nl)
{
	ssize_t len;

	do {
		len = recv(nl->fd, nl->buf, RECEIVE_SIZE, MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	if (len > RECEIVE_SIZE) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

static int send_message(struct netlink *nl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_seq = ++nl->seq;
	return send(nl->fd, nlh, nlh->nlmsg_len, 0) < 0 ? errno : 0;
}

static bool is_answer(const struct netlink *nl, const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_pid == nl->portid && nlh->nlmsg_seq == nl->seq;
}

int netlink_errno(const struct nlmsghdr *nlh)
{
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return EBADMSG;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error > 0 || error < -4095)
		return EBADMSG;
	return -error;
}

static void parse_extack(const struct nlmsghdr *nlh, struct answer *answer)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || len < skip)
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(err->msg))
			return;
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	}
	skip = NLMSG_ALIGN(skip);
	if (skip >= len)
		return;
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, skip),
				  len - skip) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(answer->text, sizeof(answer->text), "%.*s",
				 (int)mnl_attr_get_payload_len(attr),
				 (const char *)mnl_attr_get_payload(attr));
	}
}

/* If one qdisc replaces another, rtnetlink reports both: only a plug counts. */
static void parse_echo(const struct nlmsghdr *nlh, struct answer *answer)
{
	struct qdisc_state state;

	if (qdisc_parse(nlh, &state) || !qdisc_is_plug(&state))
		return;
	answer->state = state;
	answer->has_state = true;
}

/* family is 0 for rtnetlink. The state is the last message of the family's answer. */
void answer_parse(const struct nlmsghdr *nlh, uint16_t family,
		  struct answer *answer)
{
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		answer->error = netlink_errno(nlh);
		answer->complete = true;
		parse_extack(nlh, answer);
	} else if (family && nlh->nlmsg_type == family) {
		answer->complete = true;
		answer->has_state = !plug_parse(nlh, &answer->state);
	} else if (!family && nlh->nlmsg_type == RTM_NEWQDISC) {
		parse_echo(nlh, answer);
	}
}

/* Reads until each of the n messages, numbered from seq, is answered. */
static int receive_answers(struct netlink *nl, uint16_t family, unsigned int seq,
			   struct answer *answers, unsigned int n)
{
	const struct nlmsghdr *nlh;
	unsigned int left = n;

	while (left) {
		int len = (int)netlink_receive(nl);

		if (len < 0)
			return errno;
		message_for_each(nlh, nl->buf, len) {
			unsigned int i = nlh->nlmsg_seq - seq;

			if (nlh->nlmsg_pid != nl->portid || i >= n ||
			    answers[i].complete)
				continue;
			answer_parse(nlh, family, &answers[i]);
			left -= answers[i].complete;
		}
	}
	return 0;
}

static size_t receive_room(int fd)
{
	socklen_t len = sizeof(int);
	int room = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len) || room < 0)
		return 0;
	return (size_t)room;
}

/*
 * Returns how many of n messages to send at once. All their answers wait in the socket
 * at the same time, so we ask for more receive room. Only root on the host gets it.
 * Without it, fewer messages are sent at a time.
 */
static unsigned int max_in_flight(struct netlink *nl, unsigned int n, bool echo)
{
	const size_t each = echo ? ECHO_ROOM : ANSWER_ROOM;
	int want;

	if (n > SEND_MAX / ORDER_MAX)
		n = SEND_MAX / ORDER_MAX;
	if (n == 1)
		return 1;
	if (!nl->receive_room)
		nl->receive_room = receive_room(nl->fd);
	if (n * each > nl->receive_room) {
		want = (int)(n * each);
		if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &want,
			       sizeof(want)))
			setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &want,
				   sizeof(want));
		nl->receive_room = receive_room(nl->fd);
	}
	if (n * each <= nl->receive_room)
		return n;
	n = (unsigned int)(nl->receive_room / each);
	return n ? n : 1;
}

/* Sends n orders with one send(), all by the same interface. Reads the answers. */
static int exchange_some(struct kernel *kernel, bool generic,
			 const struct order *orders, struct answer *answers,
			 unsigned int n)
{
	struct netlink *nl = generic ? &kernel->generic : &kernel->route;
	const uint16_t family = generic ? kernel->family : 0;
	const unsigned int seq = nl->seq + 1;
	char one[ORDER_MAX], *buf = one;
	size_t len = 0;
	unsigned int i;
	int error = 0;

	if (n > 1)
		buf = malloc((size_t)n * ORDER_MAX);
	if (!buf)
		return ENOMEM;
	for (i = 0; i < n; i++) {
		struct nlmsghdr *nlh = message_order(buf + len, &orders[i]);

		nlh->nlmsg_seq = ++nl->seq;
		if (generic)
			nlh->nlmsg_type = family;
		len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	if (send(nl->fd, buf, len, 0) < 0)
		error = errno;
	for (i = 0; i < n; i++)
		answers[i].sent = !error;
	if (!error)
		error = receive_answers(nl, family, seq, answers, n);
	if (buf != one)
		free(buf);
	return error;
}

int kernel_request(struct kernel *kernel, struct nlmsghdr *request,
		   struct answer *answer)
{
	struct netlink *nl = &kernel->route;
	int error;

	memset(answer, 0, sizeof(*answer));
	error = send_message(nl, request);
	if (!error)
		error = receive_answers(nl, 0, nl->seq, answer, 1);
	if (error)
		answer->error = error;
	return answer->error;
}

int kernel_exchange(struct kernel *kernel, const struct order *orders,
		    struct answer *answers, unsigned int n)
{
	unsigned int done, count, most;
	int error = 0;
	bool generic;

	for (done = 0; done < n; done++) {
		answers[done].sent = false;
		answers[done].complete = false;
		answers[done].error = 0;
		answers[done].text[0] = '\0';
		answers[done].has_state = false;
	}
	for (done = 0; done < n && !error; done += count) {
		generic = order_is_generic(&orders[done]);
		most = max_in_flight(generic ? &kernel->generic : &kernel->route,
				     n - done, orders[done].echo);
		for (count = 1; count < most; count++)
			if (order_is_generic(&orders[done + count]) != generic)
				break;
		error = exchange_some(kernel, generic, orders + done,
				      answers + done, count);
	}
	for (count = 0; count < n && error; count++)
		if (!answers[count].complete)
			answers[count].error = error;
	return error;
}

/* Returns the number of the group if it is the one for events, otherwise 0. */
static uint32_t parse_group(const struct nlattr *group)
{
	const struct nlattr *attr;
	bool events = false;
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, group) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    len == sizeof(id))
			id = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			 len == sizeof(SCH_PLUG_MCGRP_EVENTS))
			events = !memcmp(mnl_attr_get_payload(attr),
					 SCH_PLUG_MCGRP_EVENTS, len);
	}
	return events ? id : 0;
}

/* Reads the numbers of the family and its group. Returns false if there are none. */
bool family_parse(struct kernel *kernel, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *group;

	kernel->family = 0;
	kernel->group = 0;
	if (nlh->nlmsg_type != GENL_ID_CTRL ||
	    mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return false;
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN),
				  mnl_nlmsg_get_payload_len(nlh) - GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint16_t)) {
			kernel->family = mnl_attr_get_u16(attr);
		} else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS) {
			mnl_attr_for_each_nested(group, attr)
				if (!kernel->group)
					kernel->group = parse_group(group);
		}
	}
	return kernel->family;
}

/* Reads the answer to message_find_family(). Returns an errno. */
static int handle_family(struct kernel *kernel, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return netlink_errno(nlh);
	if (!family_parse(kernel, nlh))
		return EBADMSG;
	kernel->no_family = false;
	kernel->plugs_without_family = false;
	return 0;
}

int kernel_find_family(struct kernel *kernel)
{
	struct netlink *nl = &kernel->generic;
	const struct nlmsghdr *nlh;
	char buf[MESSAGE_MAX];
	int error;

	kernel->family = 0;
	kernel->no_family = true;
	if (kernel->rtnl_only)
		return ENOENT;
	error = send_message(nl, message_find_family(buf));
	while (!error) {
		int len = (int)netlink_receive(nl);

		if (len < 0)
			return errno;
		message_for_each(nlh, nl->buf, len)
			if (is_answer(nl, nlh))
				return handle_family(kernel, nlh);
	}
	return error;
}

static int add_qdisc(struct qdisc_list *list, const struct qdisc_state *state)
{
	void *v = array_grow(list->v, &list->room, list->n, sizeof(*list->v));

	if (!v)
		return ENOMEM;
	list->v = v;
	list->v[list->n++] = *state;
	return 0;
}

struct dump {
	struct netlink *nl;
	handle_fn *handle;
	void *data;
	bool changed;		/* the list changed while it was read */
	bool done;
};

/* Handles one message of the dump. */
static int handle_dumped(struct dump *dump, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		dump->changed = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
		dump->done = true;
		/* The message has the errno if the dump failed half-way. */
		return mnl_nlmsg_get_payload_len(nlh) < sizeof(int) ? 0 :
		       netlink_errno(nlh);
	case NLMSG_ERROR:
		dump->done = true;
		return netlink_errno(nlh);
	}
	return dump->handle(dump->data, nlh);
}

static int dump_once(struct dump *dump, struct nlmsghdr *request)
{
	struct netlink *nl = dump->nl;
	const struct nlmsghdr *nlh;
	int error;

	dump->changed = false;
	dump->done = false;
	error = dump->handle(dump->data, NULL);
	if (!error)
		error = send_message(nl, request);
	while (!error && !dump->done) {
		int len = (int)netlink_receive(nl);

		if (len < 0)
			return errno;
		message_for_each(nlh, nl->buf, len) {
			if (!is_answer(nl, nlh) || dump->done)
				continue;
			error = handle_dumped(dump, nlh);
			if (error)
				break;
		}
	}
	return error;
}

static int dump_until_whole(struct dump *dump, struct nlmsghdr *request)
{
	int tries, error;

	for (tries = 0; tries < DUMP_TRIES; tries++) {
		error = dump_once(dump, request);
		/* EBUSY: after an error, another dump still runs on this socket. */
		if (error != EBUSY && (error || !dump->changed))
			return error;
	}
	/* Still changing: the list may be incomplete, so it must not be used. */
	return error ? error : EAGAIN;
}

int kernel_dump(struct kernel *kernel, struct nlmsghdr *request,
		handle_fn *handle, void *data)
{
	struct dump dump = {
		.nl = &kernel->route, .handle = handle, .data = data,
	};

	return dump_until_whole(&dump, request);
}

/* Messages that are not about a qdisc are skipped. */
static int handle_qdisc(void *data, const struct nlmsghdr *nlh)
{
	struct qdisc_list *list = data;
	struct qdisc_state state;

	if (nlh)
		return qdisc_parse(nlh, &state) ? 0 : add_qdisc(list, &state);
	list->n = 0;
	return 0;
}

int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	char buf[MESSAGE_MAX];

	return kernel_dump(kernel, message_dump_qdiscs(buf, ifindex),
			   handle_qdisc, list);
}

/* On the generic socket we dump nothing but plugs. */
static int handle_plug(void *data, const struct nlmsghdr *nlh)
{
	struct qdisc_list *list = data;
	struct qdisc_state state;

	if (nlh)
		return plug_parse(nlh, &state) ? 0 : add_qdisc(list, &state);
	list->n = 0;
	return 0;
}

int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	struct dump dump = {
		.nl = &kernel->generic, .handle = handle_plug, .data = list,
	};
	struct nlmsghdr *nlh;
	char buf[MESSAGE_MAX];
	int error = 0;

	if (!kernel->family)
		error = kernel->no_family ? ENOENT : kernel_find_family(kernel);
	if (error)
		return error;
	nlh = message_dump_plugs(buf, ifindex);
	nlh->nlmsg_type = kernel->family;
	error = dump_until_whole(&dump, nlh);
	if (error != ENOENT)
		return error;
	/* If the module was loaded again, its family has a new number. */
	error = kernel_find_family(kernel);
	if (error)
		return error;
	nlh->nlmsg_type = kernel->family;
	return dump_until_whole(&dump, nlh);
}

/* Returns 0 before the answer has come, then the index or a negative errno. */
static int handle_link(const struct netlink *nl, int len)
{
	const struct nlmsghdr *nlh;
	struct ifinfomsg ifi;

	message_for_each(nlh, nl->buf, len) {
		if (!is_answer(nl, nlh))
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return -netlink_errno(nlh);
		if (nlh->nlmsg_type != RTM_NEWLINK ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(ifi))
			continue;
		memcpy(&ifi, mnl_nlmsg_get_payload(nlh), sizeof(ifi));
		return ifi.ifi_index;
	}
	return 0;
}

/*
 * Finds names that ioctl() does not accept: longer than IFNAMSIZ, or with a colon. A
 * device may have more names than our buffer can hold. Then only the beginning of the
 * message is read, which has the index.
 */
static int find_altname(struct netlink *nl, const char *name)
{
	char buf[MESSAGE_MAX];
	int ifindex = 0;

	errno = send_message(nl, message_find_altname(buf, name));
	if (errno)
		return 0;
	while (!ifindex) {
		ssize_t len = netlink_receive(nl);

		if (len < 0 && errno == EMSGSIZE) {
			len = RECEIVE_SIZE;
			((struct nlmsghdr *)nl->buf)->nlmsg_len = RECEIVE_SIZE;
		}
		if (len < 0)
			return 0;
		ifindex = handle_link(nl, (int)len);
	}
	if (ifindex > 0)
		return ifindex;
	errno = -ifindex;
	return 0;
}

/*
 * Uses ioctl() on the netlink socket. The ioctl looks in the namespace of the socket,
 * accepts alternative names on all kernels that have them, and costs a tenth of
 * RTM_GETLINK.
 */
int kernel_ifindex(struct kernel *kernel, const char *name)
{
	const size_t len = strlen(name);
	struct ifreq ifr = { 0 };

	errno = ENODEV;
	if (len == 0 || len >= DEVICE_NAME_MAX)
		return 0;
	/* ioctl() stops at a colon, which only alternative names may have. */
	if (len >= IFNAMSIZ || strchr(name, ':'))
		return find_altname(&kernel->route, name);
	memcpy(ifr.ifr_name, name, len);
	return ioctl(kernel->route.fd, SIOCGIFINDEX, &ifr) ? 0 : ifr.ifr_ifindex;
}

char *kernel_ifname(struct kernel *kernel, int ifindex, char *text)
{
	struct ifreq ifr = { .ifr_ifindex = ifindex };

	if (ioctl(kernel->route.fd, SIOCGIFNAME, &ifr))
		return NULL;
	memcpy(text, ifr.ifr_name, IFNAMSIZ);
	text[IFNAMSIZ - 1] = '\0';
	return text;
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	return mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) ? errno : 0;
}

/* Groups beyond the room count as not joined: joining again does no harm. */
bool netlink_has_joined(const struct netlink *nl, unsigned int group)
{
	uint32_t joined[32] = { 0 };
	socklen_t size = sizeof(joined);

	if (!group || group > sizeof(joined) * CHAR_BIT ||
	    mnl_socket_getsockopt(nl->socket, NETLINK_LIST_MEMBERSHIPS, joined, &size))
		return false;
	group--;
	return joined[group / 32] & (1U << group % 32);
}
