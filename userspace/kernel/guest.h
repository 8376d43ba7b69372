/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests. What a virtual machine or a container sends comes *in* by its device on
 * this host (a vif, a tap, a veth end), and no qdisc of that device holds it. So
 * its ingress is redirected to an ifb of its own, which has the plug and gives
 * the packets back, as if they had just come in.
 *
 * What is ours is known by itself, in the kernel, and nowhere else: filters by
 * their handle, an ifb by its alias, which names the guest's device. So half of a
 * set-up can be finished or removed by whoever comes next.
 */
#ifndef PLUGCTL_GUEST_H
#define PLUGCTL_GUEST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

/* One more than the highest priority at which a filter of ours is. */
#define GUEST_PRIORITY_END	3

/* The ingress of one device. */
struct guest_ingress {
	bool redirected;	/* by us */
	int ifb;		/* where to; 0: that device is gone */
	uint32_t action;	/* the number of the action that does it */
	bool made_qdisc;	/* the clsact is ours too */
	bool passes_arp;
	uint32_t foreign;	/* the first priority of a filter of others; 0: none */
	bool foreign_egress;
	bool has_qdisc;		/* ingress or clsact, whoever attached it */
};

/* A device, as far as it matters here. */
struct guest_link {
	int ifindex;
	char name[IF_NAMESIZE];
	char kind[16];		/* "veth", "ifb"; "": a device of a driver */
	bool up;
	bool has_alias;
	bool is_port;		/* of a card that switches by itself */
	/* An ifb of ours, by its alias: whose. 0: it is none. */
	int guest;
	char guest_name[IF_NAMESIZE];
	bool made_qdisc;	/* the guest's clsact is ours too */
};

struct guest_links {
	struct guest_link *v;
	size_t n;
	size_t room;
};

/* All devices. Returns an errno. Free v. */
int guest_list_links(struct kernel *kernel, struct guest_links *links);
const struct guest_link *guest_find_link(const struct guest_links *links, int ifindex);

/* Returns an errno; ENODEV: no such device. */
int guest_look(struct kernel *kernel, int ifindex, struct guest_ingress *ingress);

/*
 * The ifb that a device's ingress is redirected to by us; 0: it is no guest's.
 * Returns an errno.
 */
int guest_ifb(struct kernel *kernel, int ifindex, int *ifb);

/*
 * The steps. Each returns an errno, and the kernel's words in the answer.
 * guest_label() makes an ifb ours, and brings it up.
 */
int guest_add_ifb(struct kernel *kernel, const char *name, struct answer *answer);
int guest_label(struct kernel *kernel, int ifb, int guest, const char *guest_name,
		bool made_qdisc, struct answer *answer);
int guest_del_link(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_add_qdisc(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_del_qdisc(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_redirect(struct kernel *kernel, int ifindex, int ifb, bool made_qdisc,
		   struct answer *answer);
/* The redirect that is there, by its action: it never lets a packet past. */
int guest_redirect_again(struct kernel *kernel, uint32_t action, int ifb,
			 bool made_qdisc, struct answer *answer);
int guest_del_redirect(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_pass_arp(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_hold_arp(struct kernel *kernel, int ifindex, struct answer *answer);

/* For the tests: one message of a dump. Each returns whether it is of that kind. */
bool guest_parse_link(const struct nlmsghdr *nlh, struct guest_link *link);
bool guest_parse_filter(const struct nlmsghdr *nlh, struct guest_ingress *ingress);

#endif
