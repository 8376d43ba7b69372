/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <net/pkt_sched.h>

#ifndef PLUG_COMPAT_NET_PKT_SCHED_H
#define PLUG_COMPAT_NET_PKT_SCHED_H

/* Newer kernels load the module by this alias, older ones by its name. */
#ifndef MODULE_ALIAS_NET_SCH
#define MODULE_ALIAS_NET_SCH(id)	MODULE_ALIAS("net-sch-" id)
#endif /* MODULE_ALIAS_NET_SCH */

#endif /* PLUG_COMPAT_NET_PKT_SCHED_H */
