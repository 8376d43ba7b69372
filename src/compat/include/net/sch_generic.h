/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <net/sch_generic.h>

#ifndef PLUG_COMPAT_NET_SCH_GENERIC_H
#define PLUG_COMPAT_NET_SCH_GENERIC_H

#include <compat-config.h>

/* Waits until packets that were deferred in front of a qdisc are in its queue:
 * another sender enqueues them. Only kernels with a defer_list have such
 * packets. May sleep.
 */
static inline void plug_wait_for_deferred(void)
{
#if PLUG_COMPAT_QDISC_HAS_DEFER_LIST
	synchronize_net();
#endif /* PLUG_COMPAT_QDISC_HAS_DEFER_LIST */
}

/* Whether a qdisc that was found in an RCU section may be locked there. Older
 * kernels free a qdisc without waiting for RCU, or destroy some qdiscs while
 * they hold the root lock.
 */
static inline bool qdisc_freed_by_rcu(void)
{
	return PLUG_COMPAT_QDISC_IS_FREED_BY_RCU;
}

#endif /* PLUG_COMPAT_NET_SCH_GENERIC_H */
