/* SPDX-License-Identifier: GPL-2.0-or-later */
#include_next <linux/skbuff.h>

#ifndef PLUG_COMPAT_LINUX_SKBUFF_H
#define PLUG_COMPAT_LINUX_SKBUFF_H

#include <compat-config.h>

#if !PLUG_COMPAT_SKB_IS_DECRYPTED_EXISTS
static inline bool skb_is_decrypted(const struct sk_buff *skb)
{
#if PLUG_COMPAT_SK_BUFF_HAS_DECRYPTED
	return skb->decrypted;
#else /* !PLUG_COMPAT_SK_BUFF_HAS_DECRYPTED */
	return false;
#endif /* PLUG_COMPAT_SK_BUFF_HAS_DECRYPTED */
}
#endif /* !PLUG_COMPAT_SKB_IS_DECRYPTED_EXISTS */

#endif /* PLUG_COMPAT_LINUX_SKBUFF_H */
