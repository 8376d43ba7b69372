/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <linux/netlink.h>

#ifndef PLUG_COMPAT_LINUX_NETLINK_H
#define PLUG_COMPAT_LINUX_NETLINK_H

#include <compat-config.h>

/* Where the error message for a dump request goes; NULL: nowhere. */
static inline struct netlink_ext_ack *
netlink_callback_extack(struct netlink_callback *cb)
{
#if PLUG_COMPAT_NETLINK_CALLBACK_HAS_EXTACK
	return cb->extack;
#else /* !PLUG_COMPAT_NETLINK_CALLBACK_HAS_EXTACK */
	return NULL;
#endif /* PLUG_COMPAT_NETLINK_CALLBACK_HAS_EXTACK */
}

#endif /* PLUG_COMPAT_LINUX_NETLINK_H */
