/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugctl's interface to the kernel: two sockets, and the functions that use them.
 * Nothing in this folder prints. Functions return an errno (0: done) or store the
 * failure, and report/ prints it.
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
	size_t receive_room;	/* bytes that the kernel allows for unread messages */
	char *buf;		/* for received messages */
};

struct cached;
struct target;

struct kernel {
	bool is_open;
	bool rtnl_only;		/* do not look for the family */
	struct netlink route;
	struct netlink generic;
	/* The numbers of the family and of its multicast group; 0: not known. */
	uint16_t family;
	uint32_t group;
	bool no_family;		/* this look-up did not find the family */
	bool plugs_without_family;	/* there are plugs, all of the in-tree module */
	/* batch --at-exit: we own every plug that gets a command. */
	bool own;
	uint32_t at_exit;
	/* Room for the targets of a request. The next request uses it again. */
	struct target *targets;
	unsigned int target_room;
	/* In a batch: plugs found before, see find.c. */
	bool caching;
	unsigned long moment;
	struct cached *cache;
	size_t n_cached;
	size_t cache_room;
};

/* The step of kernel_open() that failed. */
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
 * Opens both sockets, in the network namespace of that name or path (NULL: this
 * one). Does nothing if they are open. Returns false, and sets failure, if it fails.
 */
bool kernel_open(struct kernel *kernel, const char *netns,
		 struct open_failure *failure);
void kernel_close(struct kernel *kernel);

/* The folder of the files that kernel_lock() creates. */
#define LOCK_DIR	"/run"
#define LOCK_PATH_MAX	64

/*
 * Takes the lock for operations of several steps. One process at a time can have it
 * in a network namespace. Waits until the deadline (by clock_now()). Returns an
 * errno; EWOULDBLOCK: another process still holds the lock. path is the name of the
 * lock file, or "" if the error is about the socket. Close *lock to unlock.
 */
int kernel_lock(struct kernel *kernel, uint64_t deadline,
		char path[LOCK_PATH_MAX], int *lock);

/*
 * Asks the kernel for the numbers of the family. Returns an errno; ENOENT: there is
 * no family, so rtnetlink is used.
 */
int kernel_find_family(struct kernel *kernel);

/* The answer to one order. */
struct answer {
	bool sent;			/* false: the kernel never saw the order */
	bool complete;
	int error;			/* errno of the kernel or the socket; 0: done */
	char text[EXTACK_TEXT_MAX];	/* the kernel's message, or "" */
	bool has_state;			/* the answer has the state */
	struct qdisc_state state;
};

/*
 * Sends n orders, many with one system call, and reads the answers. Each answer has
 * the result of its order. Returns an errno if a socket itself fails.
 */
int kernel_exchange(struct kernel *kernel, const struct order *orders,
		    struct answer *answers, unsigned int n);

/*
 * Sends one rtnetlink message, which must have NLM_F_ACK, and reads the answer.
 * Returns the errno of the answer or of the socket.
 */
int kernel_request(struct kernel *kernel, struct nlmsghdr *request,
		   struct answer *answer);

/*
 * Reads an rtnetlink dump, and repeats it if the list changed while it was read. Calls
 * the handler with NULL whenever a dump begins, then with each message. If the handler
 * returns an errno, the dump ends. Returns an errno.
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
 * List every qdisc (by rtnetlink) or every plug (by the family) of one device, or
 * of all (ifindex 0). Return an errno. ENOENT: there is no family. EAGAIN: in each
 * attempt the list changed while it was read.
 */
int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list);
int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list);

/* Returns the ifindex of a device. 0: it was not found, and errno says why. */
int kernel_ifindex(struct kernel *kernel, const char *name);

/*
 * Returns the name of a device, in text, which has room for IF_NAMESIZE. NULL: the
 * device is gone.
 */
char *kernel_ifname(struct kernel *kernel, int ifindex, char *text);

/* For monitor: joins a multicast group, and reads its events. */
int netlink_join(struct netlink *nl, unsigned int group);
bool netlink_has_joined(const struct netlink *nl, unsigned int group);
ssize_t netlink_receive(struct netlink *nl);

/* The errno in NLMSG_DONE or NLMSG_ERROR, as a positive number. */
int netlink_errno(const struct nlmsghdr *nlh);

/* For the tests and fuzzers: parses one message of an answer. */
void answer_parse(const struct nlmsghdr *nlh, uint16_t family,
		  struct answer *answer);
bool family_parse(struct kernel *kernel, const struct nlmsghdr *nlh);

/*
 * Replaces mnl_nlmsg_ok(), which takes a length of 2^31 or more for a negative one: a
 * loop over the messages would then never end.
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
