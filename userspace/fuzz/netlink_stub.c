// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel without devices. */
#include <errno.h>

#include "../netlink.h"
#include "../plugctl.h"

int netlink_open(struct plugctl *ctx)
{
	(void)ctx;
	return STATUS_OK;
}

void netlink_close(struct plugctl *ctx)
{
	(void)ctx;
}

int netlink_exchange(struct netlink *nl, unsigned int n, bool echo,
		     struct nlmsghdr *(*build)(void *buf, unsigned int i,
					       void *data),
		     void *data, struct answer *answers)
{
	(void)nl, (void)n, (void)echo, (void)build, (void)data, (void)answers;
	return EIO;
}

int netlink_dump(struct netlink *nl, int ifindex, bool plugs_only,
		 struct qdisc_list *list)
{
	(void)nl, (void)ifindex, (void)plugs_only, (void)list;
	return 0;
}

int netlink_ifindex(struct netlink *nl, const char *name)
{
	(void)nl, (void)name;
	errno = ENODEV;
	return 0;
}

char *netlink_ifname(struct netlink *nl, int ifindex, char *text)
{
	(void)nl, (void)ifindex, (void)text;
	return NULL;
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
