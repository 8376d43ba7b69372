/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic netlink family sch_plug. It is there while our module is loaded;
 * with the in-tree one there is only rtnetlink.
 */
#ifndef PLUGCTL_FAMILY_H
#define PLUGCTL_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

/*
 * Whether the kernel has the family. It is asked once: the number is kept, also
 * when the module has gone. The kernel says ENOENT to that; then
 * family_find_again() asks once more.
 */
bool family_find(struct netlink *generic);
bool family_find_again(struct netlink *generic);

/* Takes the numbers out of the kernel's answer to that; false: there is none. */
bool family_parse(struct netlink *generic, const struct nlmsghdr *nlh);

/* One plug, with statistics. False: it is not there any more. */
bool family_get(struct netlink *generic, uint64_t id, struct qdisc_state *state);

#endif
