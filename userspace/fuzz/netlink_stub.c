// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fake kernel without devices. If a fuzzer sets fuzz_devices, there are the devices
 * a (one plug), b (three plugs), c (none) and d (a plug of the in-tree module).
 * Depending on fuzz_seed, the kernel accepts a command, refuses it, or does not
 * answer. Most commands are accepted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "../cli/plugctl.h"

bool fuzz_devices;
uint32_t fuzz_seed;

static const struct qdisc_state plugs[] = {
	{ .ifindex = 2, .handle = 0x80010000, .parent = 0xffffffff, .kind = PLUG_KIND,
	  .has_state = true, .id = 11, .epoch = 7, .released = 5, .limit = 10000000 },
	{ .ifindex = 3, .handle = 0x80010000, .parent = 0x10003, .kind = PLUG_KIND,
	  .has_state = true, .id = 12, .open = true, .epoch = 1, .released = 1, .limit = 1 },
	{ .ifindex = 3, .handle = 0x80020000, .parent = 0x10004, .kind = PLUG_KIND,
	  .has_state = true, .id = 13, .epoch = 9, .held_packets = 3, .head_epoch = 9,
	  .tail_epoch = 9, .limit = 5000 },
	{ .ifindex = 3, .handle = 0x80030000, .parent = 0x10005, .kind = PLUG_KIND,
	  .has_state = true, .id = 14, .epoch = 3, .released = 2, .held_packets = 4, .head_epoch = 2,
	  .tail_epoch = 2, .stopped_packets = 4, .limit = 5000 },
	{ .ifindex = 5, .handle = 0x10000, .parent = 0xffffffff, .kind = PLUG_KIND },
};

#define PLUGS	(sizeof(plugs) / sizeof(plugs[0]))

static uint32_t chance(uint32_t n)
{
	fuzz_seed = fuzz_seed * 1664525 + 1013904223;
	return (fuzz_seed >> 16) % n;
}

bool kernel_open(struct kernel *kernel, const char *netns,
		 struct open_failure *failure)
{
	(void)netns, (void)failure;
	kernel->is_open = true;
	return true;
}

int kernel_lock(struct kernel *kernel, uint64_t deadline,
		char path[LOCK_PATH_MAX], int *lock)
{
	(void)kernel, (void)deadline, (void)path;
	*lock = -1;
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	forget_targets(kernel);
	kernel->is_open = false;
}

static void answer_one(const struct order *order, struct answer *answer)
{
	char buf[MESSAGE_MAX];

	must(message_order(buf, order)->nlmsg_len <= ORDER_MAX);
	if (!chance(30))
		return;
	answer->complete = true;
	if (!chance(10)) {
		answer->error = chance(2) ? ENOENT : EINVAL;
		snprintf(answer->text, sizeof(answer->text), "no\n%c", (int)chance(256));
		return;
	}
	if ((order->echo || order_is_generic(order)) && chance(8)) {
		answer->has_state = true;
		answer->state = plugs[chance(PLUGS)];
		answer->state.stats_known = chance(1 << 16);
	}
}

int kernel_exchange(struct kernel *kernel, const struct order *orders,
		    struct answer *answers, unsigned int n)
{
	unsigned int i;

	(void)kernel;
	memset(answers, 0, n * sizeof(*answers));
	for (i = 0; i < n; i++) {
		if (!chance(100))
			return ENOBUFS;
		answer_one(&orders[i], &answers[i]);
	}
	return 0;
}

int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	struct qdisc_state *v;
	size_t i;

	(void)kernel, (void)ifindex;
	list->n = 0;
	if (!fuzz_devices)
		return 0;
	if (!chance(50))
		return EAGAIN;
	v = realloc(list->v, sizeof(plugs));
	must(v);
	list->v = v;
	for (i = 0; i < PLUGS; i++)
		if (chance(10))
			list->v[list->n++] = plugs[i];
	return 0;
}

int kernel_find_family(struct kernel *kernel)
{
	(void)kernel;
	return fuzz_devices && chance(10) ? 0 : ENOENT;
}

int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	return kernel_find_family(kernel) ? ENOENT :
	       kernel_dump_qdiscs(kernel, ifindex, list);
}

/* This stub has no guests: every dump is empty. */
int kernel_dump(struct kernel *kernel, struct nlmsghdr *request,
		handle_fn *handle, void *data)
{
	(void)kernel, (void)request;
	handle(data, NULL);
	return chance(50) ? 0 : EAGAIN;
}

int kernel_request(struct kernel *kernel, struct nlmsghdr *request,
		   struct answer *answer)
{
	(void)kernel, (void)request;
	memset(answer, 0, sizeof(*answer));
	return 0;
}

int kernel_ifindex(struct kernel *kernel, const char *name)
{
	(void)kernel;
	if (fuzz_devices && name[0] >= 'a' && name[0] <= 'd' && !name[1] && chance(20))
		return name[0] - 'a' + 2;
	errno = chance(10) ? ENODEV : ENOBUFS;
	return 0;
}

char *kernel_ifname(struct kernel *kernel, int ifindex, char *text)
{
	(void)kernel;
	if (ifindex < 2 || ifindex > 5 || !chance(20))
		return NULL;
	snprintf(text, 2, "%c", 'a' + ifindex - 2);
	return text;
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	(void)nl, (void)group;
	return EPERM;
}

bool netlink_has_joined(const struct netlink *nl, unsigned int group)
{
	(void)nl, (void)group;
	return false;
}

ssize_t netlink_receive(struct netlink *nl)
{
	(void)nl;
	errno = EIO;
	return -1;
}
