/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the generic netlink family sch_plug, without a library.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "plugtest.h"

struct control_reply {
	char	extack[EXTACK_LEN];	/* "" if none */
	int	bad_offset;		/* NLMSGERR_ATTR_OFFS, -1 if none */
	int	missing;		/* NLMSGERR_ATTR_MISS_TYPE, -1 if none */
	unsigned int states;		/* messages that came before the end */
	bool	interrupted;		/* the dump had NLM_F_DUMP_INTR */
	struct control_state state;	/* the last state */
};

/* A socket, and the numbers that this kernel has assigned to the family. */
struct control {
	int	nl;
	__u16	family;
	__u32	events;		/* the number of its multicast group */
};

/* Resolves the family in the current network namespace; false: there is none. */
bool control_try_open(struct control *c);
/* The same for another family. */
bool control_try_family(struct control *c, const char *name);
/* Like control_try_open(), but ends the test if there is no family. */
struct control control_open(void);
void control_close(struct control *c);

/* A request. Build it with control_start(), and control_u32(), control_u64() or
 * control_raw() for each attribute. Then send it with control_send(), which returns
 * 0 or a negative errno. @reply may be NULL. @each, if not NULL, is called for each
 * state that the kernel sends.
 */
struct control_request {
	char	buf[512] __attribute__((aligned(8)));
	size_t	len;
};

void control_start(struct control_request *req, const struct control *c, __u8 cmd,
		   __u16 flags);
void control_u32(struct control_request *req, __u16 type, __u32 value);
void control_u64(struct control_request *req, __u16 type, __u64 value);
void control_raw(struct control_request *req, __u16 type, const void *data, size_t len);
int control_send(struct control_request *req, const struct control *c,
		 struct control_reply *reply,
		 void (*each)(const struct control_state *state, void *arg), void *arg);

/* The operations. */
int control_get(const struct control *c, __u64 id, struct control_reply *reply);
/* Like control_get(), but ends the test if there is no such plug. */
struct control_state control_look(const struct control *c, __u64 id);
int control_do(const struct control *c, __u64 id, __u32 action,
	       struct control_reply *reply);
int control_limit(const struct control *c, __u64 id, __u32 limit,
		  struct control_reply *reply);
int control_upto(const struct control *c, __u64 id, __u32 action, __u64 last,
		 struct control_reply *reply);
/* Any action. @arg is the limit for TCQ_PLUG_LIMIT, otherwise an epoch; NULL: none.
 */
int control_change(const struct control *c, __u64 id, __u32 action, const __u64 *arg,
		   struct control_reply *reply);
int control_own(const struct control *c, __u64 id, __u32 at_exit,
		struct control_reply *reply);
/* Lists all plugs, or those of @ifindex if it is not 0, up to @max; returns how
 * many there are.
 */
unsigned int control_dump(const struct control *c, __u32 ifindex,
			  struct control_state *list, unsigned int max);
/* Finds the newest plug at @parent of @ifindex; false if there is none, or the
 * family is gone.
 */
bool control_look_up(const struct control *c, __u32 ifindex, __u32 parent,
		     struct control_state *state);
/* Finds the plug at @parent of @dev; ends the test if there is none. */
struct control_state control_find(const struct control *c, const char *dev, __u32 parent);

/* Returns this thread's client in the current network namespace; NULL: there is no
 * family. The client is kept until the thread forks or enters another namespace. If
 * the module was loaded again, the client still has the family's old numbers: with
 * @again they are looked up again.
 */
const struct control *control_here(bool again);
/* Like control_dump(), with the client of control_here(). Returns @max at most; -1:
 * there is no family.
 */
int control_list(__u32 ifindex, struct control_state *list, unsigned int max);

/* From now on this socket receives events; send no requests through it. */
void control_listen(const struct control *c);
/* Reads the next event, without waiting; false: there is none. */
bool control_event(const struct control *c, struct control_state *state);

#endif /* CONTROL_H */
