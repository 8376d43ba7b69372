// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A generic netlink family for tests. Each request to any family takes a lock for
 * reading; to register or unregister this family takes the same lock for writing.
 * The family can also hold RTNL: operation 1 takes RTNL, and releases it when
 * operation 2 comes. After 20 seconds operation 1 ends in any case, so that no test
 * waits for ever.
 */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

static DECLARE_COMPLETION(let_go);

static int other_hold(struct sk_buff *skb, struct genl_info *info)
{
	rtnl_lock();
	wait_for_completion_timeout(&let_go, 20 * HZ);
	rtnl_unlock();
	return 0;
}

static int other_let_go(struct sk_buff *skb, struct genl_info *info)
{
	complete(&let_go);
	return 0;
}

static const struct genl_ops other_ops[] = {
	{ .cmd = 1, .flags = GENL_ADMIN_PERM, .doit = other_hold },
	{ .cmd = 2, .flags = GENL_ADMIN_PERM, .doit = other_let_go },
};

static struct genl_family other_family __ro_after_init = {
	.name		= "plug_other",
	.version	= 1,
	.parallel_ops	= true,
	.ops		= other_ops,
	.n_ops		= ARRAY_SIZE(other_ops),
	.module		= THIS_MODULE,
};

static int __init other_family_init(void)
{
	return genl_register_family(&other_family);
}

static void __exit other_family_exit(void)
{
	genl_unregister_family(&other_family);
}

module_init(other_family_init)
module_exit(other_family_exit)
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A generic netlink family for tests of sch_plug");
