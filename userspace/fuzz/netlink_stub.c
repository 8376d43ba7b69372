// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel without devices; or, for a fuzzer that sets fuzz_devices, with a (a
 * plug), b (three plugs), c (none) and d (one of the in-tree module), which obeys
 * most commands, refuses some and does not answer others: fuzz_seed decides.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "../family.h"
#include "../netlink.h"
#include "../plugctl.h"

bool fuzz_devices;
uint32_t fuzz_seed;

static const struct qdisc_state plugs[] = {
	{ .ifindex = 2, .handle = 0x80010000, .parent = 0xffffffff, .kind = PLUG_KIND,
	  .told = true, .id = 11, .epoch = 7, .released = 5, .limit = 10000000 },
	{ .ifindex = 3, .handle = 0x80010000, .parent = 0x10003, .kind = PLUG_KIND,
	  .told = true, .id = 12, .open = true, .epoch = 1, .released = 1, .limit = 1 },
	{ .ifindex = 3, .handle = 0x80020000, .parent = 0x10004, .kind = PLUG_KIND,
	  .told = true, .id = 13, .epoch = 9, .held_packets = 3, .head_epoch = 9,
	  .tail_epoch = 9, .limit = 5000 },
	{ .ifindex = 3, .handle = 0x80030000, .parent = 0x10005, .kind = PLUG_KIND,
	  .told = true, .id = 14, .epoch = 3, .released = 2, .held_packets = 4, .head_epoch = 2,
	  .tail_epoch = 2, .stopped_packets = 4, .limit = 5000 },
	{ .ifindex = 5, .handle = 0x10000, .parent = 0xffffffff, .kind = PLUG_KIND },
};

#define PLUGS	(sizeof(plugs) / sizeof(plugs[0]))

static uint32_t chance(uint32_t n)
{
	fuzz_seed = fuzz_seed * 1664525 + 1013904223;
	return (fuzz_seed >> 16) % n;
}

int netlink_open(struct plugctl *ctx)
{
	(void)ctx;
	return STATUS_OK;
}

void netlink_close(struct plugctl *ctx)
{
	(void)ctx;
}

static void answer_one(const struct nlmsghdr *nlh, bool echo, struct answer *answer)
{
	must(nlh->nlmsg_len <= QDISC_MESSAGE_MAX);
	/* Only an action for a plug of the family has no type yet. */
	if (!nlh->nlmsg_type)
		echo = true;
	if (!chance(30))
		return;
	answer->complete = true;
	if (!chance(10)) {
		answer->error = chance(2) ? ENOENT : EINVAL;
		snprintf(answer->text, sizeof(answer->text), "no\n%c", (int)chance(256));
		return;
	}
	if (echo && chance(8)) {
		answer->echoed = true;
		answer->state = plugs[chance(PLUGS)];
	}
}

int netlink_exchange(struct netlink *nl, unsigned int n, bool echo,
		     struct nlmsghdr *(*build)(void *buf, unsigned int i,
					       void *data),
		     void *data, struct answer *answers)
{
	char buf[MESSAGE_MAX];
	unsigned int i;

	(void)nl;
	for (i = 0; i < n; i++) {
		if (!chance(100))
			return ENOBUFS;
		answer_one(build(buf, i, data), echo, &answers[i]);
	}
	return 0;
}

int netlink_dump(struct netlink *nl, int ifindex, bool plugs_only,
		 struct qdisc_list *list)
{
	size_t i;

	(void)nl, (void)ifindex, (void)plugs_only;
	list->n = 0;
	if (!fuzz_devices)
		return 0;
	if (!chance(50))
		return EAGAIN;
	for (i = 0; i < PLUGS; i++)
		if (chance(10) && !qdisc_list_add(list, &plugs[i]))
			return ENOMEM;
	qdisc_list_sort(list);
	return 0;
}

int netlink_ifindex(struct netlink *nl, const char *name)
{
	(void)nl;
	if (fuzz_devices && name[0] >= 'a' && name[0] <= 'd' && !name[1] && chance(20))
		return name[0] - 'a' + 2;
	errno = ENODEV;
	return 0;
}

char *netlink_ifname(struct netlink *nl, int ifindex, char *text)
{
	(void)nl;
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

ssize_t netlink_receive(struct netlink *nl)
{
	(void)nl;
	errno = EIO;
	return -1;
}

bool family_find(struct netlink *nl)
{
	(void)nl;
	return fuzz_devices && chance(10);
}

bool family_find_again(struct netlink *nl)
{
	return family_find(nl);
}

bool family_get(struct netlink *nl, uint64_t id, struct qdisc_state *state)
{
	size_t i;

	(void)nl;
	for (i = 0; i < PLUGS; i++)
		if (plugs[i].id == id && chance(10)) {
			*state = plugs[i];
			state->stats_known = chance(1 << 16);
			return true;
		}
	return false;
}
