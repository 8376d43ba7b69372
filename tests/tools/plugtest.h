/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library of the tests that run in the VM: TAP, commands, raw netlink messages
 * to the plug qdisc, and a wire for numbered frames. Each test is one C file here,
 * linked statically. It runs as root in a VM, which it may break.
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
/* A test point that prints both values if they differ. */
bool is_u64(__u64 got, __u64 want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A test point that cannot be tested here, with the reason. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something that the test needs is missing: ends the test as failed. */
void bail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Whether a point has failed so far. */
bool any_failed(void);
/* Prints the plan; returns the value for main() to return. */
int done_testing(void);

struct test {
	const char	*name;
	void		(*run)(void);
};

/* Runs the test that the first argument names, or all; then done_testing(). */
int run_tests(const struct test *tests, size_t n, int argc, char **argv);

/* ---- the system ---- */

/* Runs a shell command and prints it as a comment; returns its exit status. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Like sh(), but prints nothing: for hundreds of commands. */
int quiet_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Like sh(), but ends the test if the command fails. */
void must(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* CLOCK_MONOTONIC in nanoseconds. */
__u64 now_ns(void);
void sleep_ms(unsigned int ms);
/* Waits until the condition is true, 10 s at most; returns whether it is. */
bool wait_for(bool (*what)(void));

/* Writes the text to a file such as those in /proc. False, after a diag(), if that
 * fails.
 */
bool put(const char *path, const char *text);
/* From now on this process has no rights. */
void become_nobody(void);
/* From now on this process has rights only in its own user and network namespaces,
 * without IPv6; false if that is not possible.
 */
bool become_root_of_namespaces(void);
/* A new network namespace for this process, without IPv6. */
bool network_namespace(void);

/* ---- netlink ---- */

#define EXTACK_LEN 160
#define PLUGS_MAX 2		/* the most that a test has below one parent */

/* One RTM_NEWQDISC, RTM_DELQDISC or other tc message, as raw as it gets. */
struct plug_msg {
	const char	*dev;
	int		ifindex;	/* 0: look up that of dev each time */
	__u32		parent;		/* 0: sent as 0 */
	__u32		handle;
	__u16		type;		/* 0: RTM_NEWQDISC */
	__u16		flags;		/* in addition to NLM_F_REQUEST | NLM_F_ACK */
	const char	*kind;		/* NULL: "plug"; "": no TCA_KIND */
	const void	*options;	/* NULL: no TCA_OPTIONS */
	size_t		options_len;
	bool		nested;		/* NLA_F_NESTED on TCA_OPTIONS */
	const void	*more;		/* more attributes, as attr_at() writes them */
	size_t		more_len;
};

/* A message of the family about one plug; absent values are 0. */
struct control_state {
	__u8	cmd;		/* SCH_PLUG_CMD_* */
	__u64	has;		/* 1 << SCH_PLUG_A_* for each attribute present */
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

/* The state of one qdisc from the kernel: first from rtnetlink, then, for a plug,
 * from the family. The two messages are from different moments: while packets or
 * commands are under way, compare values in @ctl only with each other.
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

	bool		has_state;	/* ctl is set: not with the in-tree module */
	struct control_state ctl;
};

/* PLUG_STAT(st, QUEUED_PACKETS): a statistic of a struct plug_state. */
#define PLUG_STAT(st, NAME) ((st).ctl.stats[SCH_PLUG_A_STATS_##NAME])

struct plug_reply {
	char		extack[EXTACK_LEN];	/* "" if none */
	int		bad_offset;		/* NLMSGERR_ATTR_OFFS, -1 if none */
	bool		echoed;
	struct plug_state echo;			/* with NLM_F_ECHO; only the rtnetlink part */
};

/* Writes one attribute to @at. It takes 4 + @len bytes, rounded up to a multiple of
 * 4; returns that number.
 */
size_t attr_at(void *at, __u16 type, const void *data, size_t len);

/* Attributes that have not been read yet. */
struct attrs {
	const char	*at;
	size_t		left;
};

/* Reads the next attribute: sets *@data and *@len, and returns the type; -1 if there
 * is none.
 */
int attr_next(struct attrs *a, const void **data, size_t *len);
/* Finds the first attribute of @type in @size bytes of attributes. Returns its
 * payload, with the length in *@len; NULL if there is none.
 */
const void *attr_find(const void *attrs, size_t size, __u16 type, size_t *len);

/* Opens a netlink socket in the current network namespace, with extack and cap_ack
 * on.
 */
int nl_open(void);
/* Sends a message; returns 0 or a negative errno from the answer. @reply may be
 * NULL.
 */
int nl_request(int nl, const struct plug_msg *msg, struct plug_reply *reply);
/* Sends the complete netlink message in @buf, and reads the answer. */
int nl_raw(int nl, void *buf, size_t len, struct plug_reply *reply);

struct control_reply;	/* see control.h */

/* Sends a command through the family to the plug at @parent of @dev, after finding
 * its id. Returns 0 or a negative errno, -EOPNOTSUPP without the family. @arg is
 * the limit for TCQ_PLUG_LIMIT, otherwise an epoch; NULL: none is sent. @reply may
 * be NULL.
 */
int plug_change(const char *dev, __u32 parent, int action, const __u64 *arg,
		struct control_reply *reply);

/* Sends a command to the plug at @parent of @dev: DISCARD through the family, all
 * others by rtnetlink. Returns 0 or a negative errno.
 */
int plug_cmd_at(int nl, const char *dev, __u32 parent, int action, __u32 limit);
/* The same for the root plug. */
int plug_cmd(int nl, const char *dev, int action, __u32 limit);
/* Send RELEASE_UPTO, or DISCARD up to @epoch, to the root plug, through the family.
 */
int plug_upto(int nl, const char *dev, __u64 epoch, struct control_reply *reply);
int plug_discard_upto(int nl, const char *dev, __u64 epoch,
		      struct control_reply *reply);

/* Reads the state of the qdisc at @parent of @dev (TC_H_ROOT for the root), from
 * dumps of both interfaces; false if tc shows no qdisc there.
 */
bool qdisc_get(int nl, const char *dev, __u32 parent, struct plug_state *state);
/* Requests a dump of the qdiscs of @ifindex; some kernels answer with those of all
 * devices.
 */
void qdisc_ask(int nl, int ifindex, __u32 seq);
/* Lists all qdiscs of @dev that tc shows, up to @max; returns how many. */
unsigned int qdisc_list(int nl, const char *dev, struct plug_state *list,
			unsigned int max);
/* Whether two dumps are equal, except for CLOSED_AGE, which changes with time. */
bool plug_same(const struct plug_state *a, const struct plug_state *b);
/* Reads the state of the root plug; ends the test if there is none. */
struct plug_state plug_get(int nl, const char *dev);

/* ---- frames ---- */

#define FRAME_TYPE	0x88b5	/* for experiments, IEEE 802 */

/* A packet socket that sends on a device, and one that sees the frames leaving the
 * same device. Between the two, only the qdisc affects order and loss. At the other
 * end of a veth, the queues of the processors would also reorder frames.
 */
struct wire {
	int	tx, rx;
	__u64	next;		/* number of the next frame to send, from 1 */
	__u64	expect;		/* number that the next frame received must have */
	unsigned int reordered;	/* frames that came with a lower number, or twice */
	__u8	dest;		/* last byte of the address to send to; 0xff at first */
};

/* Unloads the module if no plug is left. Then the next plug numbers its epochs from
 * 1.
 */
void plug_forget(void);

/* Makes a dummy device for frames of up to 65000 bytes, and brings it up. Calls
 * plug_forget() first.
 */
void dummy_make(const char *dev);
void link_delete(const char *dev);
/* Deletes the device, if it exists. */
void link_clear(const char *dev);
/* Switches TCP segmentation offload. */
void link_tso(const char *dev, bool on);
/* Opens a packet socket with room for all frames of a test. @type 0: the socket sends
 * on @dev. Otherwise it sees the frames of @type that pass @dev, even while the link
 * of @dev changes. @dev NULL: any device.
 */
int packet_socket(const char *dev, __u16 type);
void wire_open(struct wire *w, const char *dev);
void wire_close(struct wire *w);
/* Sends @n frames of @size bytes (at least 60, including the Ethernet header, as
 * the qdisc counts). Returns how many the kernel accepted. A frame that is not
 * accepted uses up a number, too.
 */
unsigned int wire_send(struct wire *w, unsigned int n, size_t size);
/* Receives frames that have left, until there are @want or 10 s have passed without
 * one; returns how many.
 */
unsigned int wire_recv(struct wire *w, unsigned int want);
/* Receives all frames that leave, until @ms pass without one; returns how many. */
unsigned int wire_drain(struct wire *w, unsigned int ms);

/* Make test points. wire_leaves(): @want frames leave, and then no more.
 * wire_silent(): no frame leaves. wire_finish(): all came in order; deletes the
 * device.
 */
void wire_leaves(struct wire *w, unsigned int want, const char *what);
void wire_silent(struct wire *w, const char *what);
void wire_finish(struct wire *w, const char *dev);

/* The expected state of a plug after a client's command. */
struct after {
	__u64		epoch, released;
	__u32		limit;
	unsigned int	leave;	/* how many of the frames sent so far leave now */
};

/* Checks the frames that left, and the state of the plug. Then sends one frame.
 * Returns whether the plug is open.
 */
bool wire_after(struct wire *w, int nl, const char *dev, __u32 parent,
		const struct after *want);

/* How long no frame must come before a test concludes that none leaves. A slow VM
 * must be able to deliver a wrongly released frame in this time. If it is too
 * short, a test can pass when it should fail, but never the other way round.
 */
#define QUIET_MS 60

#endif /* PLUGTEST_H */
