/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading netlink messages and attributes. libmnl has the same, but as
 * functions: each one used is a symbol to look up at every start, and together
 * they were more than a single command spends in the kernel.
 */
#ifndef PLUGCTL_ATTR_H
#define PLUGCTL_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

static inline const void *attr_payload(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static inline size_t attr_len(const struct nlattr *attr)
{
	return attr->nla_len - (size_t)NLA_HDRLEN;
}

static inline int attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

/* left: bytes from attr to the end of what holds it. */
static inline bool attr_ok(const struct nlattr *attr, ptrdiff_t left)
{
	return left >= (ptrdiff_t)sizeof(*attr) &&
	       attr->nla_len >= sizeof(*attr) && attr->nla_len <= left;
}

static inline const struct nlattr *attr_next(const struct nlattr *attr)
{
	return (const void *)((const char *)attr + NLA_ALIGN(attr->nla_len));
}

#define attr_for_each(attr, payload, len)				\
	for ((attr) = (const void *)(payload);				\
	     attr_ok((attr), (const char *)(payload) + (len) -		\
			     (const char *)(attr));			\
	     (attr) = attr_next(attr))

static inline const void *message_payload(const struct nlmsghdr *nlh)
{
	return (const char *)nlh + NLMSG_HDRLEN;
}

static inline size_t message_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len - (size_t)NLMSG_HDRLEN;
}

/*
 * Unlike mnl_nlmsg_ok(), which takes a length of 2^31 and up for a negative
 * number, and goes round in circles from there.
 */
static inline bool message_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)len;
}

static inline const struct nlmsghdr *message_next(const struct nlmsghdr *nlh,
						  int *len)
{
	*len -= (int)NLMSG_ALIGN(nlh->nlmsg_len);
	return (const void *)((const char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));
}

#define message_for_each(nlh, buf, len)					\
	for ((nlh) = (const void *)(buf); message_ok(nlh, len);		\
	     (nlh) = message_next(nlh, &(len)))

#endif
