// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A generic netlink family that does nothing. Its coming and going takes, for
 * writing, the lock that every request to every family takes for reading.
 */
#include <linux/module.h>
#include <net/genetlink.h>

static struct genl_family other_family __ro_after_init = {
	.name		= "plug_other",
	.version	= 1,
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
MODULE_DESCRIPTION("A generic netlink family that does nothing");
