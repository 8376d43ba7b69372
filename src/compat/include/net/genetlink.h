/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <net/genetlink.h>

#ifndef PLUG_COMPAT_NET_GENETLINK_H
#define PLUG_COMPAT_NET_GENETLINK_H

#include <compat-config.h>

/* The policy belongs to the family or, on older kernels, to each operation. */
#if PLUG_COMPAT_GENL_FAMILY_HAS_POLICY
#define GENL_FAMILY_POLICY(p)	.policy = (p),
#define GENL_OP_POLICY(p)
#else /* !PLUG_COMPAT_GENL_FAMILY_HAS_POLICY */
#define GENL_FAMILY_POLICY(p)
#define GENL_OP_POLICY(p)	.policy = (p),
#endif /* PLUG_COMPAT_GENL_FAMILY_HAS_POLICY */

/* Older kernels cannot say which attribute is missing. */
#ifndef GENL_REQ_ATTR_CHECK
#define GENL_REQ_ATTR_CHECK(info, attr)	(!(info)->attrs[attr])
#endif /* GENL_REQ_ATTR_CHECK */

#endif /* PLUG_COMPAT_NET_GENETLINK_H */
