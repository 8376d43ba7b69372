/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <net/sch_generic.h>

#ifndef PLUG_COMPAT_NET_SCH_GENERIC_H
#define PLUG_COMPAT_NET_SCH_GENERIC_H

#include <compat-config.h>

#if !PLUG_COMPAT_QDISC_DROP_OVERLIMIT_EXISTS
#if PLUG_COMPAT_SKB_DROP_REASON_QDISC_OVERLIMIT_EXISTS
#define QDISC_DROP_OVERLIMIT	SKB_DROP_REASON_QDISC_OVERLIMIT
#else /* !PLUG_COMPAT_SKB_DROP_REASON_QDISC_OVERLIMIT_EXISTS */
#define QDISC_DROP_OVERLIMIT	0

static inline int qdisc_drop_reason(struct sk_buff *skb, struct Qdisc *sch,
				    struct sk_buff **to_free, int reason)
{
	return qdisc_drop(skb, sch, to_free);
}
#endif /* PLUG_COMPAT_SKB_DROP_REASON_QDISC_OVERLIMIT_EXISTS */
#endif /* !PLUG_COMPAT_QDISC_DROP_OVERLIMIT_EXISTS */

#endif /* PLUG_COMPAT_NET_SCH_GENERIC_H */
