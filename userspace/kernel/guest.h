/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests. The packets that a virtual machine or a container sends come *in* through
 * its device on this host (a vif, a tap, a veth end). A plug on that device holds only
 * what goes out. So we redirect the ingress of the device to an ifb. The ifb has the
 * plug, and passes the packets back to the device, as if they had just come in.
 *
 * Nothing is stored outside the kernel. Our filters are recognised by their handle,
 * and our ifb by its alias, which names the guest's device. So the next command can
 * complete or remove an interrupted set-up.
 */
#ifndef PLUGCTL_GUEST_H
#define PLUGCTL_GUEST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

/* One more than the highest priority of our filters. */
#define GUEST_PRIORITY_END	3

/* The ingress of one device. */
struct guest_ingress {
	bool redirected;	/* a filter of ours redirects it */
	int ifb;		/* target of the redirect; 0: that ifb is gone */
	uint32_t action;	/* index of the action that redirects */
	bool made_qdisc;	/* we also attached the clsact */
	bool passes_arp;
	uint32_t foreign;	/* lowest priority of other programs' filters; 0: none */
	bool foreign_egress;
	bool has_qdisc;		/* ingress or clsact, whoever attached it */
};

/* What we need to know of a device. */
struct guest_link {
	int ifindex;
	char name[IF_NAMESIZE];
	char kind[16];		/* "veth", "ifb"; "": a device of a driver */
	bool up;
	bool has_alias;
	bool is_port;		/* a port of a card that switches packets itself */
	/* The guest's ifindex, from the alias of our ifb. 0: not our ifb. */
	int guest;
	char guest_name[IF_NAMESIZE];
	bool made_qdisc;	/* we also attached the guest's clsact */
};

struct guest_links {
	struct guest_link *v;
	size_t n;
	size_t room;
};

/* Lists all devices. Returns an errno. The caller frees links->v. */
int guest_list_links(struct kernel *kernel, struct guest_links *links);
const struct guest_link *guest_find_link(const struct guest_links *links, int ifindex);

/* Reads the ingress of a device. Returns an errno; ENODEV: no such device. */
int guest_look(struct kernel *kernel, int ifindex, struct guest_ingress *ingress);

/* Whether a filter of another program gets packets before the redirect does. */
bool guest_has_earlier_filter(const struct guest_ingress *ingress);

/*
 * Finds the ifb to which we redirect the device's ingress; 0: not a guest's device.
 * Returns an errno.
 */
int guest_ifb(struct kernel *kernel, int ifindex, int *ifb);

/*
 * The steps of the set-up. Each returns an errno, and the kernel's message in the
 * answer. guest_label() marks an ifb as ours, and brings it up.
 */
int guest_add_ifb(struct kernel *kernel, const char *name, struct answer *answer);
int guest_label(struct kernel *kernel, int ifb, int guest, const char *guest_name,
		bool made_qdisc, struct answer *answer);
int guest_del_link(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_add_qdisc(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_del_qdisc(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_redirect(struct kernel *kernel, int ifindex, int ifb, bool made_qdisc,
		   struct answer *answer);
/* Changes the action of the existing redirect. No packet gets past it meanwhile. */
int guest_redirect_again(struct kernel *kernel, uint32_t action, int ifb,
			 bool made_qdisc, struct answer *answer);
int guest_del_redirect(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_pass_arp(struct kernel *kernel, int ifindex, struct answer *answer);
int guest_hold_arp(struct kernel *kernel, int ifindex, struct answer *answer);

/* Each parses one message of a dump. Returns whether the message is of that kind. */
bool guest_parse_link(const struct nlmsghdr *nlh, struct guest_link *link);
bool guest_parse_filter(const struct nlmsghdr *nlh, struct guest_ingress *ingress);

#endif
