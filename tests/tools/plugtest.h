/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests that run in the VM are made of: TAP, commands, raw netlink
 * messages to the plug qdisc, and a wire to send numbered frames through.
 * A test is one C file here, linked statically; it runs as root in a VM that
 * is its own to break.
 */
#ifndef PLUGTEST_H
#define PLUGTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <linux/pkt_sched.h>
#include <linux/pkt_sched_plug.h>

/* ---- TAP ---- */

/* One test point; returns @cond. */
bool ok(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A test point that says both values when they differ. */
bool is_u64(__u64 got, __u64 want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A test point for what cannot be tested here, and why. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something the test cannot do without is missing: ends it as failed. */
void bail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Whether a point has failed so far. */
bool any_failed(void);
/* Prints the plan; the value to return from main(). */
int done_testing(void);

struct test {
	const char	*name;
	void		(*run)(void);
};

/* The one that the first argument names, or all; then done_testing(). */
int run_tests(const struct test *tests, size_t n, int argc, char **argv);

/* ---- the system ---- */

/* Runs a shell command and shows it as a comment; its exit status. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same without the comment, for commands by the hundred. */
int quiet_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As sh(), and ends the test if it fails. */
void must(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* CLOCK_MONOTONIC in nanoseconds. */
__u64 now_ns(void);
void sleep_ms(unsigned int ms);
/* Waits until it holds, 10 s at most; whether it does. */
bool wait_for(bool (*what)(void));

/* Writes it to a file as /proc has them; says so if it cannot. */
bool put(const char *path, const char *text);
/* This process has no rights from now on. */
void become_nobody(void);
/* Nor outside of a user and a network namespace that are its own, without IPv6;
 * false if it cannot be had.
 */
bool become_root_of_namespaces(void);
/* A new network namespace for this process, without IPv6. */
bool network_namespace(void);

/* ---- netlink ---- */

#define EXTACK_LEN 160
#define PLUGS_MAX 2		/* that a test has below one parent */

/* One RTM_NEWQDISC, RTM_DELQDISC or other tc message, as raw as it gets. */
struct plug_msg {
	const char	*dev;
	int		ifindex;	/* 0: that of dev, asked for each time */
	__u32		parent;		/* 0: left 0 */
	__u32		handle;
	__u16		type;		/* 0: RTM_NEWQDISC */
	__u16		flags;		/* beside NLM_F_REQUEST | NLM_F_ACK */
	const char	*kind;		/* NULL: "plug"; "": no TCA_KIND */
	const void	*options;	/* NULL: no TCA_OPTIONS */
	size_t		options_len;
	bool		nested;		/* NLA_F_NESTED on TCA_OPTIONS */
	const void	*more;		/* attributes to follow, as attr_at() makes them */
	size_t		more_len;
};

/* A message of the family about one plug: 0 where it says nothing. */
struct control_state {
	__u8	cmd;		/* SCH_PLUG_CMD_* */
	__u64	has;		/* 1 << SCH_PLUG_A_* */
	__u64	id;
	__u32	ifindex, handle, parent;
	__u32	action;
	__u32	limit;
	__u32	at_exit, owner;
	__u64	epoch, released, head_epoch, tail_epoch;
	__u32	stopped, qlen, backlog;
	__u64	commands;
	unsigned int n_stats;
	__u64	stats[SCH_PLUG_A_STATS_MAX + 1];
};

/* What the kernel says of one qdisc: first rtnetlink, then, of a plug, the family.
 * Two messages are not of one moment: while packets or commands are under way,
 * compare what is in @ctl with nothing but what is in @ctl.
 */
struct plug_state {
	char		kind[16];
	__u32		handle;
	__u32		parent;
	bool		has_options;	/* TCA_OPTIONS */
	bool		has_xstats;	/* TCA_STATS_APP or TCA_XSTATS */
	__u64		sent_packets;
	__u64		sent_bytes;
	__u32		qlen;
	__u32		backlog;
	__u32		drops;
	__u32		overlimits;
	__u32		requeues;

	bool		has_state;	/* not with the in-tree module */
	struct control_state ctl;
};

/* PLUG_STAT(st, QUEUED_PACKETS): a statistic of a struct plug_state. */
#define PLUG_STAT(st, NAME) ((st).ctl.stats[SCH_PLUG_A_STATS_##NAME])

struct plug_reply {
	char		extack[EXTACK_LEN];	/* "" if none */
	int		bad_offset;		/* NLMSGERR_ATTR_OFFS, -1 if none */
	bool		echoed;
	struct plug_state echo;			/* with NLM_F_ECHO; rtnetlink's part */
};

/* Writes one attribute to @at, of which 4 + @len, rounded up to a multiple of 4,
 * bytes are used; returns how many.
 */
size_t attr_at(void *at, __u16 type, const void *data, size_t len);

/* Attributes that are still to be looked at. */
struct attrs {
	const char	*at;
	size_t		left;
};

/* The next attribute: its type, *@data and *@len; -1 when there is none. */
int attr_next(struct attrs *a, const void **data, size_t *len);
/* The first of @type among @size bytes of attributes: its payload, *@len its length;
 * NULL if there is none.
 */
const void *attr_find(const void *attrs, size_t size, __u16 type, size_t *len);

/* A netlink socket in the present network namespace, extack and cap_ack on. */
int nl_open(void);
/* Sends; 0 or a negative errno from the kernel's answer. @reply may be NULL. */
int nl_request(int nl, const struct plug_msg *msg, struct plug_reply *reply);
/* Sends what is in @buf, a whole netlink message, and reads the answer to it. */
int nl_raw(int nl, void *buf, size_t len, struct plug_reply *reply);

struct control_reply;	/* see control.h */

/* A command to the plug at @parent of @dev by the family, which finds its id: 0 or a
 * negative errno, -EOPNOTSUPP without the family. @arg is the limit of TCQ_PLUG_LIMIT
 * or else an epoch; NULL: none is sent. @reply may be NULL.
 */
int plug_change(const char *dev, __u32 parent, int action, const __u64 *arg,
		struct control_reply *reply);

/* A command to the plug at @parent of @dev, 0 or a negative errno: by rtnetlink,
 * DISCARD by the family.
 */
int plug_cmd_at(int nl, const char *dev, __u32 parent, int action, __u32 limit);
/* The same to the root plug. */
int plug_cmd(int nl, const char *dev, int action, __u32 limit);
/* RELEASE_UPTO, and DISCARD up to an epoch, of the root plug: by the family. */
int plug_upto(int nl, const char *dev, __u64 epoch, struct control_reply *reply);
int plug_discard_upto(int nl, const char *dev, __u64 epoch,
		      struct control_reply *reply);

/* The qdisc of @dev with that parent (TC_H_ROOT for the root): its state as both
 * interfaces dump it; false if tc does not show one.
 */
bool qdisc_get(int nl, const char *dev, __u32 parent, struct plug_state *state);
/* Asks for a dump of the qdiscs of @ifindex, which some kernels answer with all. */
void qdisc_ask(int nl, int ifindex, __u32 seq);
/* All qdiscs of @dev that tc shows, up to @max; how many. */
unsigned int qdisc_list(int nl, const char *dev, struct plug_state *list,
			unsigned int max);
/* Whether two dumps tell the same, the age aside, which time changes. */
bool plug_same(const struct plug_state *a, const struct plug_state *b);
/* The root plug's state; ends the test if there is none. */
struct plug_state plug_get(int nl, const char *dev);

/* ---- frames ---- */

#define FRAME_TYPE	0x88b5	/* for experiments, IEEE 802 */

/* A packet socket that sends on a device and one that sees what leaves it,
 * which is where order and loss are the qdisc's alone: behind a veth's receiver
 * stand queues for each processor, which reorder.
 */
struct wire {
	int	tx, rx;
	__u64	next;		/* number of the next frame to send, from 1 */
	__u64	expect;		/* number that the next frame received must have */
	unsigned int reordered;	/* frames that came with a lower number, or twice */
	__u8	dest;		/* last byte of the address to send to, first 0xff */
};

/* Unloads the module if no plug is left, so that the next one is its first:
 * epochs are numbered from 1.
 */
void plug_forget(void);

/* Makes a dummy device, up, for frames of up to 65000 bytes; plug_forget() first. */
void dummy_make(const char *dev);
void link_delete(const char *dev);
/* The same, if it is there at all. */
void link_clear(const char *dev);
/* With room for all that a test sends: to send on @dev (@type 0), or to see what
 * of @type passes it, also while its link changes. NULL: any device.
 */
int packet_socket(const char *dev, __u16 type);
void wire_open(struct wire *w, const char *dev);
void wire_close(struct wire *w);
/* Sends @n frames of @size bytes (60 and up, Ethernet header included, which is
 * what the qdisc counts); how many the kernel accepted. A frame that is dropped
 * on the way keeps its number.
 */
unsigned int wire_send(struct wire *w, unsigned int n, size_t size);
/* Takes what has left until @want frames are there or 10 s have passed without
 * one; how many.
 */
unsigned int wire_recv(struct wire *w, unsigned int want);
/* Takes all that leaves until @ms pass without a frame; how many. */
unsigned int wire_drain(struct wire *w, unsigned int ms);

/* Test points: so many leave, and then no more; none does; and at the end, all
 * came in order, and the device goes.
 */
void wire_leaves(struct wire *w, unsigned int want, const char *what);
void wire_silent(struct wire *w, const char *what);
void wire_finish(struct wire *w, const char *dev);

/* What is to be seen of a plug after a client's command. */
struct after {
	__u64		epoch, released;
	__u32		limit;
	unsigned int	leave;	/* of the frames sent one after each command */
};

/* Looks, and sends the next frame; whether the plug is open and lets it leave. */
bool wire_after(struct wire *w, int nl, const char *dev, __u32 parent,
		const struct after *want);

/* How long silence must last before it counts. Long enough for a slow VM to
 * deliver what was let go wrongly; a test that gets it wrong passes when it
 * should have failed, never the other way round.
 */
#define QUIET_MS 60

#endif /* PLUGTEST_H */
