// SPDX-License-Identifier: GPL-2.0-or-later
/* The sockets: what is sent over them and what comes back. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "attr.h"
#include "netlink.h"
#include "parse.h"
#include "plugctl.h"

/* The kernel fills a dump's buffer up to 32 KiB when it is offered that much. */
#define RECEIVE_SIZE	32768

/* What one unread answer costs of the receive room, at most. */
#define ACK_ROOM	1280
#define ECHO_ROOM	(ACK_ROOM + 4096)
#define STATE_ROOM	2048	/* of the family, an acknowledgement as well */

/* The kernel takes no message larger than the send room, 208 KiB by default. */
#define SEND_MAX	(128 * 1024)

#define DUMP_TRIES	32

#define NETNS_DIR	"/run/netns/"

static void set_flag(struct netlink *nl, int option)
{
	int on = 1;

	/* Kernels that lack it answer with less: no reason to stop. */
	setsockopt(nl->fd, SOL_NETLINK, option, &on, sizeof(on));
}

/*
 * Only the socket moves: it stays in the namespace it was made in, and this
 * process, with what "run" starts, stays where it was.
 */
static int enter_netns(struct plugctl *ctx, int *back)
{
	const char *name = ctx->opt.netns;
	char path[4096];
	int fd, n;

	if (!*name)
		return complain_usage(ctx, "the name of the network namespace is empty");
	n = snprintf(path, sizeof(path), "%s%s",
		     strchr(name, '/') ? "" : NETNS_DIR, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return complain(ctx, STATUS_USAGE, name,
				"the name of a network namespace is not that long: see ip netns list");
	*back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*back < 0)
		return complain(ctx, STATUS_NO_ACCESS, "/proc/self/ns/net",
				"%s: -n needs /proc mounted", strerror(errno));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain(ctx, errno == EACCES ? STATUS_NO_ACCESS : STATUS_REFUSED,
			 name, "no such network namespace (%s: %s): see ip netns list",
			 path, strerror(errno));
		close(*back);
		return ctx->status;
	}
	n = setns(fd, CLONE_NEWNET) ? errno : 0;
	close(fd);
	if (!n)
		return STATUS_OK;
	close(*back);
	if (n == EINVAL)
		return complain(ctx, STATUS_REFUSED, name,
				"%s is no network namespace: see ip netns list", path);
	return complain(ctx, STATUS_NO_ACCESS, name,
			"cannot enter the network namespace: %s: run plugctl as root",
			strerror(n));
}

/*
 * Whoever starts us without standard output is not to find it in the socket:
 * what nobody opened stays closed for writing.
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
 * Connected to the kernel: who has CAP_NET_ADMIN in the namespace could send
 * here otherwise. It binds the socket as well, and costs no more than that.
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

static size_t receive_room(int fd)
{
	socklen_t len = sizeof(int);
	int room = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &len) || room < 0)
		return 0;
	return (size_t)room;
}

static void socket_free(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->requests);
	free(nl->buf);
	free(nl);
}

static struct netlink *socket_new(struct plugctl *ctx, int bus)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int error;

	if (nl)
		nl->buf = malloc(RECEIVE_SIZE);
	if (!nl || !nl->buf) {
		complain_memory(ctx);
		goto out_free;
	}
	nl->socket = open_above_stdio(bus);
	if (!nl->socket) {
		complain(ctx, STATUS_NO_ACCESS, NULL,
			 "no netlink socket: %s: is this system allowed to use AF_NETLINK?",
			 strerror(errno));
		goto out_free;
	}
	nl->fd = mnl_socket_get_fd(nl->socket);
	error = connect_socket(nl);
	if (error) {
		complain(ctx, STATUS_NO_ACCESS, NULL,
			 "cannot connect the netlink socket: %s: is this system allowed to use AF_NETLINK?",
			 strerror(error));
		goto out_free;
	}
	set_flag(nl, NETLINK_EXT_ACK);
	set_flag(nl, NETLINK_CAP_ACK);
	return nl;

out_free:
	socket_free(nl);
	return NULL;
}

static int leave_netns(struct plugctl *ctx, int back)
{
	int error = setns(back, CLONE_NEWNET) ? errno : 0;

	close(back);
	if (!error)
		return STATUS_OK;
	return complain(ctx, STATUS_NO_ACCESS, ctx->opt.netns,
			"cannot leave the network namespace again: %s",
			strerror(error));
}

/* Both at once: by the time of the second the name may be another namespace's. */
int netlink_open(struct plugctl *ctx)
{
	int back = -1, left = STATUS_OK;

	if (ctx->nl)
		return STATUS_OK;
	if (ctx->opt.netns && enter_netns(ctx, &back))
		return ctx->status;
	ctx->nl = socket_new(ctx, NETLINK_ROUTE);
	if (ctx->nl)
		ctx->generic = socket_new(ctx, NETLINK_GENERIC);
	if (back >= 0)
		left = leave_netns(ctx, back);
	if (!left && ctx->generic)
		return STATUS_OK;
	netlink_close(ctx);
	return ctx->status ? ctx->status : STATUS_NO_ACCESS;
}

void netlink_close(struct plugctl *ctx)
{
	socket_free(ctx->nl);
	socket_free(ctx->generic);
	ctx->nl = NULL;
	ctx->generic = NULL;
}

ssize_t netlink_receive(struct netlink *nl)
{
	ssize_t len;

	/*
	 * recv() and send(), which cost the kernel less than the calls with an
	 * address that libmnl makes: the socket is connected to the kernel.
	 */
	do {
		len = recv(nl->fd, nl->buf, RECEIVE_SIZE, MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	if (len > RECEIVE_SIZE) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

int netlink_errno(const struct nlmsghdr *nlh)
{
	int error;

	if (message_len(nlh) < sizeof(error))
		return EBADMSG;
	memcpy(&error, message_payload(nlh), sizeof(error));
	if (error > 0 || error < -4095)
		return EBADMSG;
	return -error;
}

static void parse_extack(const struct nlmsghdr *nlh, struct answer *answer)
{
	const struct nlmsgerr *err = message_payload(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (message_len(nlh) < skip)
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(err->msg))
			return;
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	}
	skip = NLMSG_ALIGN(skip);
	if (skip >= message_len(nlh))
		return;
	attr_for_each(attr, (const char *)message_payload(nlh) + skip,
		      message_len(nlh) - skip) {
		size_t len = attr_len(attr);

		if (attr_type(attr) != NLMSGERR_ATTR_MSG || !len)
			continue;
		if (len > sizeof(answer->text) - 1)
			len = sizeof(answer->text) - 1;
		memcpy(answer->text, attr_payload(attr), len);
		answer->text[len] = '\0';
	}
}

/* The state after a command, and with that the end of the answer. */
static void parse_state_answer(const struct nlmsghdr *nlh, struct answer *answer)
{
	answer->complete = true;
	answer->echoed = !plug_parse(nlh, &answer->state);
}

/* Where one qdisc takes another's place, both are told. */
static void parse_echo(const struct nlmsghdr *nlh, struct answer *answer)
{
	if (!qdisc_parse(nlh, &answer->state) && qdisc_is_plug(&answer->state))
		answer->echoed = true;
}

int answer_parse(const struct nlmsghdr *nlh, uint16_t family, unsigned int seq,
		 unsigned int n, struct answer *answers)
{
	unsigned int i = nlh->nlmsg_seq - seq;
	struct answer *answer;

	if (i >= n)
		return -1;
	answer = &answers[i];
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		answer->error = netlink_errno(nlh);
		answer->complete = true;
		parse_extack(nlh, answer);
	} else if (family && nlh->nlmsg_type == family) {
		parse_state_answer(nlh, answer);
	} else if (!family && nlh->nlmsg_type == RTM_NEWQDISC) {
		parse_echo(nlh, answer);
	}
	return (int)i;
}

/* Returns how many more messages are answered now. */
static unsigned int take_answers(struct netlink *nl, int len, unsigned int seq,
				 unsigned int n, struct answer *answers)
{
	const struct nlmsghdr *nlh;
	unsigned int count = 0;

	message_for_each(nlh, nl->buf, len) {
		bool before;
		int i;

		if (nlh->nlmsg_pid != nl->portid || nlh->nlmsg_seq - seq >= n)
			continue;
		before = answers[nlh->nlmsg_seq - seq].complete;
		i = answer_parse(nlh, nl->family, seq, n, answers);
		if (i >= 0 && !before && answers[i].complete)
			count++;
	}
	return count;
}

static int receive_answers(struct netlink *nl, unsigned int seq, unsigned int n,
			   struct answer *answers)
{
	unsigned int left = n;

	while (left) {
		ssize_t len = netlink_receive(nl);

		if (len < 0)
			return errno;
		left -= take_answers(nl, (int)len, seq, n, answers);
	}
	return 0;
}

/*
 * The answers to one sendmsg() all wait to be read at once. Ask for room; as
 * root of the machine it is granted, elsewhere fewer are sent at a time.
 */
static unsigned int how_many_at_once(struct netlink *nl, unsigned int n, bool echo)
{
	const size_t each = nl->family ? STATE_ROOM :
			    echo ? ECHO_ROOM : ACK_ROOM;
	unsigned int most = SEND_MAX / QDISC_MESSAGE_MAX;
	int want;

	if (n > most)
		n = most;
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

static int grow_requests(struct netlink *nl, unsigned int n)
{
	size_t room = (size_t)n * QDISC_MESSAGE_MAX;
	char *requests;

	if (room <= nl->requests_room)
		return 0;
	requests = realloc(nl->requests, room);
	if (!requests)
		return ENOMEM;
	nl->requests = requests;
	nl->requests_room = room;
	return 0;
}

int netlink_exchange(struct netlink *nl, unsigned int n, bool echo,
		     struct nlmsghdr *(*build)(void *buf, unsigned int i,
					       void *data),
		     void *data, struct answer *answers)
{
	unsigned int most = how_many_at_once(nl, n, echo);
	unsigned int done, i;

	if (grow_requests(nl, most))
		return ENOMEM;
	for (done = 0; done < n; done += i) {
		unsigned int seq = nl->seq + 1;
		size_t len = 0;
		int error;

		for (i = 0; i < most && done + i < n; i++) {
			struct nlmsghdr *nlh;

			nlh = build(nl->requests + len, done + i, data);
			nlh->nlmsg_seq = ++nl->seq;
			if (nl->family)
				nlh->nlmsg_type = nl->family;
			len += NLMSG_ALIGN(nlh->nlmsg_len);
		}
		if (send(nl->fd, nl->requests, len, 0) < 0)
			return errno;
		error = receive_answers(nl, seq, i, answers + done);
		if (error)
			return error;
	}
	return 0;
}

static int parse_dumped(const struct netlink *nl, const struct nlmsghdr *nlh,
			bool plugs_only, struct qdisc_state *state)
{
	if (nl->family)
		return nlh->nlmsg_type == nl->family ? plug_parse(nlh, state) : -1;
	if (qdisc_parse(nlh, state))
		return -1;
	return plugs_only && !qdisc_is_plug(state) ? -1 : 0;
}

/* Returns 0 when more is to come, 1 at the end, or a negative errno. */
static int take_dump(struct netlink *nl, int len, bool plugs_only,
		     struct qdisc_list *list, bool *changed)
{
	const struct nlmsghdr *nlh;
	struct qdisc_state state;

	message_for_each(nlh, nl->buf, len) {
		if (nlh->nlmsg_pid != nl->portid || nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*changed = true;
		if (nlh->nlmsg_type == NLMSG_DONE) {
			/* Carries the errno when the dump failed half-way. */
			if (message_len(nlh) >= sizeof(int) &&
			    netlink_errno(nlh))
				return -netlink_errno(nlh);
			return 1;
		}
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			int error = netlink_errno(nlh);

			return error ? -error : 1;
		}
		if (parse_dumped(nl, nlh, plugs_only, &state))
			continue;
		if (!qdisc_list_add(list, &state))
			return -ENOMEM;
	}
	return 0;
}

static int dump_once(struct netlink *nl, int ifindex, bool plugs_only,
		     struct qdisc_list *list, bool *changed)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh;
	int ret = 0;

	if (nl->family) {
		nlh = message_dump_plugs(buf, ifindex);
		nlh->nlmsg_type = nl->family;
	} else {
		nlh = message_dump(buf, ifindex);
	}
	nlh->nlmsg_seq = ++nl->seq;
	if (send(nl->fd, nlh, nlh->nlmsg_len, 0) < 0)
		return errno;
	while (!ret) {
		ssize_t len = netlink_receive(nl);

		if (len < 0)
			return errno;
		ret = take_dump(nl, (int)len, plugs_only, list, changed);
	}
	return ret < 0 ? -ret : 0;
}

int netlink_dump(struct netlink *nl, int ifindex, bool plugs_only,
		 struct qdisc_list *list)
{
	int tries, error = 0;

	for (tries = 0; tries < DUMP_TRIES; tries++) {
		bool changed = false;

		list->n = 0;
		error = dump_once(nl, ifindex, plugs_only, list, &changed);
		/* Another dump may still run on this socket after an error. */
		if (error == EBUSY || (!error && changed))
			continue;
		break;
	}
	/* Still changing: what we have may lack a qdisc, so nobody may use it. */
	if (!error && tries == DUMP_TRIES)
		error = EAGAIN;
	qdisc_list_sort(list);
	return error;
}

/* Returns 0 until the answer has come, then the index, or a negative errno. */
static int take_link(const struct netlink *nl, int len)
{
	const struct nlmsghdr *nlh;
	struct ifinfomsg ifi;

	message_for_each(nlh, nl->buf, len) {
		if (nlh->nlmsg_pid != nl->portid || nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return -netlink_errno(nlh);
		if (nlh->nlmsg_type != RTM_NEWLINK ||
		    message_len(nlh) < sizeof(ifi))
			continue;
		memcpy(&ifi, message_payload(nlh), sizeof(ifi));
		return ifi.ifi_index;
	}
	return 0;
}

/*
 * A device's alternative names alone may be more than the room for a message.
 * Of those only the beginning is read, and that is all there.
 */
static ssize_t receive_beginning(struct netlink *nl)
{
	ssize_t len = netlink_receive(nl);

	if (len >= 0 || errno != EMSGSIZE)
		return len;
	((struct nlmsghdr *)nl->buf)->nlmsg_len = RECEIVE_SIZE;
	return RECEIVE_SIZE;
}

/* What no ioctl() takes: names longer than IFNAMSIZ, or with a colon in them. */
static int find_altname(struct netlink *nl, const char *name)
{
	char buf[MESSAGE_MAX];
	struct nlmsghdr *nlh = message_find_altname(buf, name);
	int ifindex = 0;

	nlh->nlmsg_seq = ++nl->seq;
	if (send(nl->fd, nlh, nlh->nlmsg_len, 0) < 0)
		return 0;
	while (!ifindex) {
		ssize_t len = receive_beginning(nl);

		if (len < 0)
			return 0;
		ifindex = take_link(nl, (int)len);
	}
	if (ifindex > 0)
		return ifindex;
	errno = -ifindex;
	return 0;
}

/*
 * ioctl() on the netlink socket: it looks in the socket's own namespace, takes
 * alternative names since they exist, and costs a tenth of RTM_GETLINK.
 */
int netlink_ifindex(struct netlink *nl, const char *name)
{
	bool colon = false;
	struct ifreq ifr;
	size_t len;

	for (len = 0; name[len]; len++)
		colon |= name[len] == ':';
	if (len == 0 || len >= DEVICE_NAME_MAX) {
		errno = ENODEV;
		return 0;
	}
	/* ioctl() reads no further than a colon, which only altnames may have. */
	if (len >= IFNAMSIZ || colon)
		return find_altname(nl, name);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, len);
	return ioctl(nl->fd, SIOCGIFINDEX, &ifr) ? 0 : ifr.ifr_ifindex;
}

char *netlink_ifname(struct netlink *nl, int ifindex, char *text)
{
	struct ifreq ifr = { .ifr_ifindex = ifindex };

	if (ioctl(nl->fd, SIOCGIFNAME, &ifr))
		return NULL;
	memcpy(text, ifr.ifr_name, IFNAMSIZ);
	text[IFNAMSIZ - 1] = '\0';
	make_printable(text);
	return text;
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) ? errno : 0;
}
