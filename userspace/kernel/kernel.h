/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as plugctl sees it: two sockets, one way to send. Nothing in this
 * folder prints: functions return an errno (0: done) or fill in what went wrong,
 * and report/ puts it into words.
 */
#ifndef PLUGCTL_KERNEL_H
#define PLUGCTL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "state.h"

#define EXTACK_TEXT_MAX	256

struct mnl_socket;

struct netlink {
	int fd;
	struct mnl_socket *socket;
	unsigned int portid;
	unsigned int seq;
	size_t receive_room;	/* what the kernel grants for unread messages */
	char *buf;		/* for what is received */
};

struct cached;

struct kernel {
	bool is_open;
	bool rtnl_only;		/* do not look for the family */
	struct netlink route;
	struct netlink generic;
	/* The numbers of the family and of its events; 0: not known to be there. */
	uint16_t family;
	uint32_t group;
	/* In a batch: plugs found before, see find.c. */
	bool caching;
	unsigned long moment;
	struct cached *cache;
	size_t n_cached;
	size_t cache_room;
};

/* What kernel_open() could not do. */
struct open_failure {
	enum {
		OPEN_MEMORY, OPEN_SOCKET, OPEN_CONNECT, OPEN_PROC,
		OPEN_NAME_EMPTY, OPEN_NAME_LONG, OPEN_NETNS, OPEN_NOT_NETNS,
		OPEN_ENTER, OPEN_LEAVE,
	} what;
	int error;
	char path[256];		/* of the namespace */
};

/*
 * Both sockets, in the network namespace of that name or path (NULL: this one).
 * Does nothing if they are open. Returns false, and why.
 */
bool kernel_open(struct kernel *kernel, const char *netns,
		 struct open_failure *failure);
void kernel_close(struct kernel *kernel);

/* Where the files are that kernel_lock() makes. */
#define LOCK_DIR	"/run"
#define LOCK_PATH_MAX	64

/*
 * For what takes several steps: one process at a time in that namespace. Waits
 * until deadline (of clock_now()). Returns an errno, EWOULDBLOCK: another one still
 * has it; path is the file that it was about. Close *lock.
 */
int kernel_lock(struct kernel *kernel, uint64_t deadline,
		char path[LOCK_PATH_MAX], int *lock);

/*
 * Whether the kernel has the family: decides which interface is spoken. The
 * answer is kept until kernel_find_family() asks again.
 */
bool kernel_has_family(struct kernel *kernel);
bool kernel_find_family(struct kernel *kernel);

/* The answer to one order. */
struct answer {
	bool complete;
	int error;			/* an errno, 0: done; or the socket's */
	char text[EXTACK_TEXT_MAX];	/* the kernel's own words, or "" */
	bool has_state;			/* it was answered with the state */
	struct qdisc_state state;
};

/*
 * The one way to send: n orders, with one system call there and as few as it
 * takes back. Returns an errno when a socket itself fails; the answers say how
 * each order fared.
 */
int kernel_exchange(struct kernel *kernel, const struct order *orders,
		    struct answer *answers, unsigned int n);

/* One message of rtnetlink with NLM_F_ACK. Returns its errno, or the socket's. */
int kernel_request(struct kernel *kernel, struct nlmsghdr *request,
		   struct answer *answer);

/*
 * A dump by rtnetlink, asked for until nothing has changed while it was read. Each
 * message is handed over, and NULL before the first: it begins (again). An errno
 * of the handler ends it.
 */
typedef int handle_fn(void *data, const struct nlmsghdr *nlh);
int kernel_dump(struct kernel *kernel, struct nlmsghdr *request,
		handle_fn *handle, void *data);

/* A growing array of qdiscs. Free v. */
struct qdisc_list {
	struct qdisc_state *v;
	size_t n;
	size_t room;
};

/*
 * Of one device, or of all: every qdisc, by rtnetlink; or every plug, by the
 * family, which must be there (ENOENT: it is not). EAGAIN: the list changed
 * while it was read, each time it was tried.
 */
int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list);
int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list);

/* 0 when there is no such device: errno says why. */
int kernel_ifindex(struct kernel *kernel, const char *name);

/* For output. NULL when it is gone; text has room for IF_NAMESIZE. */
char *kernel_ifname(struct kernel *kernel, int ifindex, char *text);

/* For monitor: events of a multicast group, and reading them. */
int netlink_join(struct netlink *nl, unsigned int group);
ssize_t netlink_receive(struct netlink *nl);

/* NLMSG_DONE's or NLMSG_ERROR's errno, as a positive number. */
int netlink_errno(const struct nlmsghdr *nlh);

/* For the tests and fuzzers: one message of an answer. */
void answer_parse(const struct nlmsghdr *nlh, uint16_t family,
		  struct answer *answer);
bool family_parse(struct kernel *kernel, const struct nlmsghdr *nlh);

/*
 * Unlike mnl_nlmsg_ok(), which takes a length of 2^31 and up for a negative
 * number, and never ends from there.
 */
static inline bool message_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)len;
}

static inline const struct nlmsghdr *message_next(const struct nlmsghdr *nlh,
						  int *len)
{
	*len -= (int)NLMSG_ALIGN(nlh->nlmsg_len);
	return (const void *)((const char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));
}

#define message_for_each(nlh, buf, len)					\
	for ((nlh) = (const void *)(buf); message_ok(nlh, len);		\
	     (nlh) = message_next(nlh, &(len)))

#endif
