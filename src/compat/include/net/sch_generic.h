/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <net/sch_generic.h>

#ifndef PLUG_COMPAT_NET_SCH_GENERIC_H
#define PLUG_COMPAT_NET_SCH_GENERIC_H

#include <compat-config.h>

/* Waits for those who put packets of other senders into a queue: only kernels
 * with a deferred list have any. May sleep.
 */
static inline void plug_wait_for_deferred(void)
{
#if PLUG_COMPAT_QDISC_HAS_DEFER_LIST
	synchronize_net();
#endif /* PLUG_COMPAT_QDISC_HAS_DEFER_LIST */
}

/* Whether a qdisc that was reached in an RCU section may be locked there.
 * Kernels where it may not also destroy some qdiscs while they hold the root
 * lock.
 */
static inline bool qdisc_freed_by_rcu(void)
{
	return PLUG_COMPAT_QDISC_IS_FREED_BY_RCU;
}

#endif /* PLUG_COMPAT_NET_SCH_GENERIC_H */
