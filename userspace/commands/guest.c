// SPDX-License-Identifier: GPL-2.0-or-later
/* Holds the packets that a guest sends; kernel/guest.h explains how. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pkt_sched.h>

#include "../cli/parse.h"
#include "../kernel/guest.h"
#include "../report/report.h"
#include "../report/text.h"
#include "commands.h"

/*
 * Name of the ifb, only for people: "ifb-" and the beginning of the guest's name,
 * as 15 characters allow. The other one is used if that name is taken.
 */
#define IFB_NAME	"ifb-%.11s"
#define IFB_OTHER_NAME	"ifb-%d"

/* Selects the plug of an ifb. */
static const struct selector at_root = { .have_parent = true, .parent = TC_H_ROOT };

struct guest_words {
	char **names;		/* of devices */
	unsigned int n;
	uint32_t limit;		/* 0: no limit given */
	bool except_arp;
	bool open;
};

/* One device that is being made a guest, or no longer a guest. */
struct guest {
	struct target device;
	struct target ifb;	/* with the device's name; at is the ifb's */
	struct guest_link link;
	struct guest_ingress ingress;
	const struct guest_link *old;	/* an existing ifb of this guest */
	/* Created by this command, and removed if a later step fails. */
	bool made_ifb;
	bool made_qdisc;
	bool made_arp;
};

static bool is_keyword(const char *word)
{
	return !strcmp(word, "limit") || !strcmp(word, "except") ||
	       !strcmp(word, "open") || !strcmp(word, "closed");
}

static int parse_keyword(struct request *req, int *i, struct guest_words *words)
{
	const char *word = req->words[*i];
	const char *value = *i + 1 < req->n ? req->words[*i + 1] : NULL;

	if (!strcmp(word, "open") || !strcmp(word, "closed")) {
		words->open = word[0] == 'o';
		return STATUS_OK;
	}
	if (!is_keyword(word))
		return complain_usage(req, "unknown argument '%s' (the devices come first)",
				      word);
	if (!value)
		return complain_usage(req, "'%s' needs a value", word);
	++*i;
	if (!strcmp(word, "limit"))
		return parse_limit(req, value, &words->limit);
	if (strcmp(value, "arp"))
		return complain_usage(req, "'except %s': only arp can be let past",
				      value);
	words->except_arp = true;
	return STATUS_OK;
}

static int parse_guest_words(struct request *req, struct guest_words *words)
{
	int i, status = STATUS_OK;

	memset(words, 0, sizeof(*words));
	words->names = req->words + 1;
	for (i = 1; i < req->n && !is_keyword(req->words[i]); i++)
		words->n++;
	for (; i < req->n && !status; i++)
		status = parse_keyword(req, &i, words);
	return status;
}

static int guest_parse(struct request *req)
{
	const char *what = req->n ? req->words[0] : "";
	struct guest_words words;
	int status;

	if (strcmp(what, "add") && strcmp(what, "del") && strcmp(what, "show"))
		return complain_usage(req, "add, del or show");
	status = parse_guest_words(req, &words);
	if (status)
		return status;
	if (what[0] != 's' && !words.n)
		return complain_usage(req, "no device named");
	if (what[0] != 'a' && (int)words.n < req->n - 1)
		return complain_usage(req, "'%s' is of use with guest add only",
				      req->words[1 + words.n]);
	return STATUS_OK;
}

/* ---- the existing set-up ---- */

/* The ifb that an earlier command created for that device, complete or not. */
static const struct guest_link *find_ifb_of(const struct guest_links *links, int guest)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (links->v[i].guest == guest)
			return &links->v[i];
	return NULL;
}

static uint32_t held_by(struct kernel *kernel, int ifindex)
{
	struct qdisc_list list = { 0 };
	uint32_t held = 0;
	size_t i;

	if (!dump_plugs(kernel, ifindex, false, &list))
		for (i = 0; i < list.n; i++)
			if (list.v[i].ifindex == ifindex)
				held += list.v[i].held_packets;
	free(list.v);
	return held;
}

/*
 * If a guest's device is gone, its filters are gone too, but its ifb still exists.
 * The packets that the ifb holds can no longer return to the device.
 */
static void sweep(struct request *req, const struct guest_links *links)
{
	struct kernel *kernel = &req->session->kernel;
	struct answer answer;
	size_t i;

	for (i = 0; i < links->n; i++) {
		const struct guest_link *ifb = &links->v[i];
		uint32_t held;

		if (!ifb->guest || guest_find_link(links, ifb->guest))
			continue;
		held = held_by(kernel, ifb->ifindex);
		if (!guest_del_link(kernel, ifb->ifindex, &answer))
			note(req, ifb->guest_name, "the guest's device is gone: removed %s, with %"
			     PRIu32 " packets that it held", ifb->name, held);
		else if (answer.error != ENODEV)
			complain_refusal(req, ifb->name, answer.error, answer.text);
	}
}

/* Returns a status, 0 even if there is no such device: see device.failed. */
static int look(struct request *req, const char *name,
		const struct guest_links *links, struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	const struct guest_link *link;
	int error;

	memset(guest, 0, sizeof(*guest));
	guest->device.name = name;
	if (!find_device(kernel, &guest->device))
		return STATUS_OK;
	link = guest_find_link(links, guest->device.named);
	error = link ? guest_look(kernel, guest->device.named, &guest->ingress) :
		ENODEV;
	if (error == ENODEV) {
		guest->device.failed = TARGET_NO_DEVICE;
		return STATUS_OK;
	}
	if (error)
		return complain_netlink(req, error);
	guest->link = *link;
	guest->old = guest->ingress.ifb ? guest_find_link(links, guest->ingress.ifb) :
		     find_ifb_of(links, guest->device.named);
	guest->ifb.name = name;
	guest->ifb.named = guest->device.named;
	guest->ifb.at.ifindex = guest->old ? guest->old->ifindex : 0;
	return STATUS_OK;
}

/* ---- add ---- */

/*
 * The number of functions of a card; /sys does not show devices of other
 * namespaces.
 */
static unsigned long count_functions(const struct request *req, const char *name)
{
	char path[64], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/sriov_numvfs", name);
	file = req->options.netns ? NULL : fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strtoul(text, NULL, 10);
}

static int complain_unsuited(struct request *req, const struct guest *guest)
{
	const struct guest_link *link = &guest->link;
	const char *name = guest->device.name;
	const unsigned long functions = count_functions(req, link->name);

	if (!strcmp(link->kind, "macvtap") || !strcmp(link->kind, "ipvtap"))
		return complain(req, STATUS_REFUSED, name,
				"a %s sends by its own queue: plugctl add %s holds what its guest sends",
				link->kind, name);
	if (!strcmp(link->kind, "ifb"))
		return complain(req, STATUS_REFUSED, name,
				"an ifb is nobody's guest: name the device whose packets it gets");
	if (functions)
		return complain(req, STATUS_REFUSED, name,
				"a network card with %lu virtual functions: what guests send by those passes no queue of this host and cannot be held",
				functions);
	if (link->is_port)
		return complain(req, STATUS_REFUSED, name,
				"a port of a card that switches by itself: what it forwards passes no queue of this host and cannot be held");
	return STATUS_OK;
}

static int complain_step(struct request *req, const struct guest *guest,
			 const char *what, const struct answer *answer)
{
	const char *name = guest->device.name;

	if (answer->error == ENODEV)
		return complain(req, STATUS_REFUSED, name,
				"the device went away meanwhile");
	if ((answer->error == EOPNOTSUPP || answer->error == ENOENT) &&
	    !strstr(answer->text, "shared"))
		return complain(req, STATUS_REFUSED, name,
				"%s: this kernel has none (%s): install the package with the kernel's other modules (on Fedora kernel-modules-extra, on Debian the kernel that is not called cloud)",
				what, answer->text[0] ? answer->text :
				strerror(answer->error));
	return complain_refusal(req, name, answer->error, answer->text);
}

/* An interrupted command may have left an ifb with that name. */
static int make_ifb(struct request *req, const struct guest_links *links,
		    struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	char name[IF_NAMESIZE];
	struct answer answer;
	size_t i;

	if (guest->old)
		return STATUS_OK;
	snprintf(name, sizeof(name), IFB_NAME, guest->link.name);
	for (i = 0; i < links->n; i++) {
		const struct guest_link *link = &links->v[i];

		if (strcmp(link->name, name) || strcmp(link->kind, "ifb") ||
		    link->up || link->has_alias)
			continue;
		guest->ifb.at.ifindex = link->ifindex;
		return STATUS_OK;
	}
	if (guest_add_ifb(kernel, name, &answer) == EEXIST) {
		snprintf(name, sizeof(name), IFB_OTHER_NAME, guest->device.named);
		guest_add_ifb(kernel, name, &answer);
	}
	if (answer.error)
		return complain_step(req, guest, "ifb devices", &answer);
	guest->ifb.at.ifindex = kernel_ifindex(kernel, name);
	guest->made_ifb = true;
	return STATUS_OK;
}

/* The qdisc was attached by this command, or by an earlier one. */
static bool owns_qdisc(const struct guest *guest)
{
	const struct guest_link *old = guest->old;

	return !guest->ingress.has_qdisc || guest->ingress.made_qdisc ||
	       (old && old->guest && old->made_qdisc);
}

static int label_ifb(struct request *req, struct guest *guest)
{
	const struct guest_link *old = guest->old;
	const bool ours = owns_qdisc(guest);
	struct answer answer;

	if (old && old->up && old->guest == guest->device.named &&
	    old->made_qdisc == ours)
		return STATUS_OK;
	if (guest_label(&req->session->kernel, guest->ifb.at.ifindex,
			guest->device.named, guest->link.name, ours, &answer))
		return complain_step(req, guest, "ifb devices", &answer);
	return STATUS_OK;
}

/* An existing plug keeps its state: a script may repeat "add". */
static int make_plug(struct request *req, const struct guest_words *words,
		     struct guest *guest)
{
	const struct action limit = { .code = TCQ_PLUG_LIMIT, .limit = words->limit };
	struct kernel *kernel = &req->session->kernel;
	int error;

	error = refresh_targets(kernel, &at_root, &guest->ifb, 1);
	if (error)
		return complain_netlink(req, error);
	if (guest->ifb.failed == TARGET_GONE) {
		int status;

		guest->ifb.failed = TARGET_OK;
		req->attachment.parent = TC_H_ROOT;
		req->attachment.limit = words->limit;
		req->attachment.open = words->open;
		status = attach_plug(req, &guest->ifb);
		return status ? status : complain_target(req, &guest->ifb);
	}
	if (!words->limit)
		return STATUS_OK;
	change_targets(kernel, &at_root, &guest->ifb, 1, &limit, false);
	return complain_target(req, &guest->ifb);
}

static int make_qdisc(struct request *req, struct guest *guest)
{
	struct answer answer;

	if (guest->ingress.has_qdisc)
		return STATUS_OK;
	if (guest_add_qdisc(&req->session->kernel, guest->device.named, &answer))
		return complain_step(req, guest, "the qdisc clsact", &answer);
	guest->made_qdisc = true;
	return STATUS_OK;
}

static int make_filters(struct request *req, const struct guest_words *words,
			struct guest *guest)
{
	const struct guest_ingress *ingress = &guest->ingress;
	struct kernel *kernel = &req->session->kernel;
	const int device = guest->device.named;
	struct answer answer = { 0 };

	if (ingress->passes_arp && !words->except_arp)
		guest_hold_arp(kernel, device, &answer);
	else if (!ingress->passes_arp && words->except_arp)
		guest->made_arp = !guest_pass_arp(kernel, device, &answer);
	if (!answer.error && !ingress->redirected)
		guest_redirect(kernel, device, guest->ifb.at.ifindex,
			       owns_qdisc(guest), &answer);
	else if (!answer.error && ingress->ifb != guest->ifb.at.ifindex)
		guest_redirect_again(kernel, ingress->action,
				     guest->ifb.at.ifindex, owns_qdisc(guest),
				     &answer);
	return answer.error ?
	       complain_step(req, guest, "the filter matchall or the action mirred",
			     &answer) : STATUS_OK;
}

/* Removes only what this command has created: no packets are in it. */
static void take_back(struct request *req, const struct guest *guest)
{
	struct kernel *kernel = &req->session->kernel;
	struct answer answer;

	if (guest->made_arp)
		guest_hold_arp(kernel, guest->device.named, &answer);
	if (guest->made_qdisc)
		guest_del_qdisc(kernel, guest->device.named, &answer);
	if (guest->made_ifb && guest->ifb.at.ifindex)
		guest_del_link(kernel, guest->ifb.at.ifindex, &answer);
}

/* No step changes what exists already, and packets are redirected last. */
static int make_guest(struct request *req, const struct guest_links *links,
		      const struct guest_words *words, struct guest *guest)
{
	int status;

	status = make_ifb(req, links, guest);
	if (!status)
		status = label_ifb(req, guest);
	if (!status)
		status = make_plug(req, words, guest);
	if (!status)
		status = make_qdisc(req, guest);
	if (!status)
		status = make_filters(req, words, guest);
	if (status)
		take_back(req, guest);
	return status;
}

/* The device's own plug holds packets for the guest. */
static int refuse_reset(struct request *req, const struct guest *guest)
{
	const char *name = guest->device.name;
	uint32_t held;

	if (guest->ingress.has_qdisc || req->options.force)
		return STATUS_OK;
	held = held_by(&req->session->kernel, guest->device.named);
	if (!held)
		return STATUS_OK;
	return complain(req, STATUS_REFUSED, name,
			"its own plug holds %" PRIu32 " packets to the guest, which up to Linux 6.12 is dropped when clsact is attached: plugctl open %s first, or --force",
			held, name);
}

static int add_one(struct request *req, const struct guest_links *links,
		   const struct guest_words *words, const char *name)
{
	struct guest guest;
	int status;

	status = look(req, name, links, &guest);
	if (status || guest.device.failed)
		return status ? status : complain_target(req, &guest.device);
	status = complain_unsuited(req, &guest);
	if (status)
		return status;
	if (guest.ingress.foreign && guest.ingress.foreign < GUEST_PRIORITY_END)
		return complain(req, STATUS_REFUSED, name,
				"somebody's ingress filter has priority %" PRIu32 ", and packets it takes would get past the plug: give it %d or more (tc filter show dev %s ingress)",
				guest.ingress.foreign, GUEST_PRIORITY_END, name);
	status = refuse_reset(req, &guest);
	if (status)
		return status;
	if (guest.ingress.foreign && !guest.ingress.redirected)
		note(req, name, "ingress filters of others are there, and see no packets until plugctl guest del %s",
		     name);
	return make_guest(req, links, words, &guest);
}

/* ---- del ---- */

/*
 * Packets that came while the filters were removed leave before the ifb is deleted.
 */
static int drain_ifb(struct request *req, struct guest *guest)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const uint64_t deadline = clock_now() + (req->options.have_timeout ?
						 req->options.timeout : DEL_PATIENCE);
	struct kernel *kernel = &req->session->kernel;
	int error;

	if (req->options.force || guest->ifb.failed)
		return STATUS_OK;
	change_targets(kernel, &at_root, &guest->ifb, 1, &open, false);
	if (guest->ifb.failed && guest->ifb.failed != TARGET_GONE)
		return complain_target(req, &guest->ifb);
	error = drain_targets(kernel, &at_root, &guest->ifb, 1, deadline);
	if (error && error != ETIMEDOUT)
		return complain_netlink(req, error);
	refuse_held(req, &guest->ifb, error == ETIMEDOUT);
	return guest->ifb.failed == TARGET_NAMED ? req->status : STATUS_OK;
}

/* If somebody else has detached the plug from the ifb, it holds nothing. */
static int check_ifb(struct request *req, struct guest *guest)
{
	int error;

	if (!guest->old || req->options.force) {
		guest->ifb.failed = TARGET_GONE;
		return STATUS_OK;
	}
	error = refresh_targets(&req->session->kernel, &at_root, &guest->ifb, 1);
	if (error)
		return complain_netlink(req, error);
	/* The in-tree module does not report what was released. */
	refuse_held(req, &guest->ifb, !guest->ifb.state.has_state);
	return guest->ifb.failed == TARGET_NAMED ? req->status : STATUS_OK;
}

/* We have attached the qdisc, and no other program has a filter in it. */
static bool may_del_qdisc(struct request *req, const struct guest *guest)
{
	struct guest_ingress now;

	return owns_qdisc(guest) && guest->ingress.has_qdisc &&
	       !guest_look(&req->session->kernel, guest->device.named, &now) &&
	       now.has_qdisc && !now.foreign && !now.foreign_egress;
}

/* Somebody else may have done it first. */
static bool is_done(const struct answer *answer)
{
	return !answer->error || answer->error == ENOENT || answer->error == ENODEV;
}

static int unmake_guest(struct request *req, struct guest *guest)
{
	const struct guest_ingress *ingress = &guest->ingress;
	struct kernel *kernel = &req->session->kernel;
	const char *name = guest->device.name;
	const int device = guest->device.named;
	struct answer answer = { 0 };
	int status;

	if (ingress->redirected)
		guest_del_redirect(kernel, device, &answer);
	if (is_done(&answer) && ingress->passes_arp)
		guest_hold_arp(kernel, device, &answer);
	if (!is_done(&answer))
		return complain_refusal(req, name, answer.error, answer.text);
	status = drain_ifb(req, guest);
	if (status)
		return status;
	if (may_del_qdisc(req, guest))
		guest_del_qdisc(kernel, device, &answer);
	if (!is_done(&answer))
		return complain_refusal(req, name, answer.error, answer.text);
	if (guest->old)
		guest_del_link(kernel, guest->old->ifindex, &answer);
	return is_done(&answer) ? STATUS_OK :
	       complain_refusal(req, name, answer.error, answer.text);
}

static int del_one(struct request *req, const struct guest_links *links,
		   const char *name)
{
	struct guest guest;
	int status;

	status = look(req, name, links, &guest);
	if (status)
		return status;
	if (guest.device.failed == TARGET_NO_DEVICE) {
		note(req, name, "no such device, and nothing is left of it");
		return STATUS_OK;
	}
	if (guest.device.failed)
		return complain_target(req, &guest.device);
	if (!guest.ingress.redirected && !guest.ingress.passes_arp && !guest.old) {
		note(req, name, "is no guest's already");
		return STATUS_OK;
	}
	status = check_ifb(req, &guest);
	return status ? status : unmake_guest(req, &guest);
}

/* ---- show ---- */

static const char *what_is_wrong(const struct guest_link *link, bool redirected,
				 const struct qdisc_list *plugs)
{
	if (!link)
		return ": the device is gone, plugctl guest del removes the rest";
	if (!redirected)
		return ": packets are not sent there, plugctl guest add mends it";
	if (!plugs->n)
		return ": it has no plug, plugctl guest add mends it";
	return "";
}

static void show_one(struct request *req, const struct guest_link *ifb,
		     const struct guest_link *link)
{
	struct kernel *kernel = &req->session->kernel;
	struct out *out = &req->session->out;
	struct guest_ingress ingress = { 0 };
	struct qdisc_list list = { 0 };
	char name[IF_NAMESIZE];
	bool redirected;
	int error = 0;

	snprintf(name, sizeof(name), "%s", link ? link->name : ifb->guest_name);
	make_printable(name);
	if (link)
		error = guest_look(kernel, ifb->guest, &ingress);
	if (!error)
		error = dump_plugs(kernel, ifb->ifindex, out->json, &list);
	if (error) {
		complain_netlink(req, error);
		goto out;
	}
	redirected = ingress.redirected && ingress.ifb == ifb->ifindex;
	out_object(out, NULL);
	out_str(out, "device", "%s  guest", name);
	out_str(out, "ifb", ", by %s", ifb->name);
	out_bool(out, "redirected", redirected);
	out_bool(out, "except_arp", ingress.passes_arp);
	out_text(out, "%s%s\n", ingress.passes_arp ? ", except arp" : "",
		 what_is_wrong(link, redirected, &list));
	if (list.n && out->json) {
		out_object(out, "plug");
		print_plug_members(out, ifb->name, &list.v[0]);
		out_end(out);
	} else if (list.n) {
		print_plug(out, ifb->name, &list.v[0]);
	}
	out_end(out);
out:
	free(list.v);
}

static bool is_of(const struct guest_link *ifb, const struct guest_link *link,
		  const char *name)
{
	return (link && !strcmp(link->name, name)) || !strcmp(ifb->guest_name, name);
}

/* Shows the guest with that name, or all. Returns whether there is any. */
static bool show_named(struct request *req, const struct guest_links *links,
		       const char *name)
{
	bool found = false;
	size_t i;

	for (i = 0; i < links->n; i++) {
		const struct guest_link *ifb = &links->v[i], *link;

		link = guest_find_link(links, ifb->guest);
		if (!ifb->guest || (name && !is_of(ifb, link, name)))
			continue;
		show_one(req, ifb, link);
		found = true;
	}
	return found;
}

static void show_all(struct request *req, const struct guest_links *links,
		     const struct guest_words *words)
{
	struct out *out = &req->session->out;
	unsigned int i;

	out_array(out, "guests");
	if (!words->n)
		show_named(req, links, NULL);
	for (i = 0; i < words->n; i++) {
		const char *name = words->names[i];

		if (!show_named(req, links, name))
			complain(req, STATUS_REFUSED, name,
				 "is no guest's: plugctl guest show lists those that are");
	}
	out_end(out);
}

/* Returns the keyword that the word is almost, or NULL. */
static const char *nearest_keyword(const char *word)
{
	static const char *const keywords[] = {
		"limit", "except", "open", "closed",
	};
	unsigned int i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (edit_distance(word, keywords[i]) <= (keywords[i][4] ? 2U : 1U))
			return keywords[i];
	return NULL;
}

/*
 * Looks for all devices before anything is created: "guest add vif1 excpt arp" must
 * not be executed as "guest add vif1", which would hold the guest's ARP.
 */
static int check_devices(struct request *req, const struct guest_words *words)
{
	int status = STATUS_OK;
	unsigned int i;

	for (i = 0; i < words->n; i++) {
		struct target device = { .name = words->names[i] };
		const char *keyword;

		if (find_device(&req->session->kernel, &device))
			continue;
		keyword = device.failed == TARGET_NO_DEVICE ?
			  nearest_keyword(device.name) : NULL;
		if (keyword)
			return complain_usage(req, "'%s' is no device: was \"%s\" meant? Nothing was done",
					      device.name, keyword);
		status = worse(status, complain_target(req, &device));
	}
	if (status && words->n > 1)
		note(req, NULL, "no guest was added, as not all devices are there");
	return status;
}

/* Reads everything again, because the previous device has changed it. */
static int change_one(struct request *req, const struct guest_words *words,
		      const char *name)
{
	struct guest_links links = { 0 };
	const int error = guest_list_links(&req->session->kernel, &links);
	int status;

	if (error)
		status = complain_netlink(req, error);
	else if (req->words[0][0] == 'a')
		status = add_one(req, &links, words, name);
	else
		status = del_one(req, &links, name);
	free(links.v);
	return status;
}

/* Two commands for one device would each see the other's incomplete set-up. */
static int lock_guests(struct request *req, int *lock)
{
	const uint64_t deadline = clock_now() + (req->options.have_timeout ?
						 req->options.timeout : DEL_PATIENCE);
	char path[LOCK_PATH_MAX];
	const int error = kernel_lock(&req->session->kernel, deadline, path, lock);

	if (!error)
		return STATUS_OK;
	if (error == EWOULDBLOCK)
		return complain(req, STATUS_TIMEOUT, NULL,
				"another plugctl guest add or del is at work, and does not end: see fuser -v %s",
				path);
	if (error == EPERM || error == EACCES)
		return complain(req, STATUS_NO_ACCESS, path,
				"cannot be locked: %s: run plugctl as root, which this file has to belong to",
				strerror(error));
	return complain(req, STATUS_REFUSED, path,
			"cannot be locked: %s: it has to be a file in a folder that can be written to",
			strerror(error));
}

static int guest_run(struct request *req)
{
	struct guest_links links = { 0 };
	struct guest_words words;
	int error, lock = -1;
	unsigned int i;

	parse_guest_words(req, &words);
	if (req->words[0][0] == 'a') {
		const int status = check_devices(req, &words);

		if (status)
			return status;
	}
	if (req->words[0][0] != 's' && lock_guests(req, &lock))
		return STATUS_OK;
	error = guest_list_links(&req->session->kernel, &links);
	if (error) {
		complain_netlink(req, error);
	} else if (req->words[0][0] == 's') {
		show_all(req, &links, &words);
	} else {
		sweep(req, &links);
		for (i = 0; i < words.n; i++)
			change_one(req, &words, words.names[i]);
	}
	free(links.v);
	if (lock >= 0)
		close(lock);
	return STATUS_OK;
}

const struct command cmd_guest = {
	.name = "guest",
	.usage = "add|del|show [VIF...] [limit SIZE] [except arp] [open|closed]",
	.summary = "hold what a guest sends by its vif, tap or veth on this host",
	.details =
"add: everything that comes in by VIF goes through a plug on an ifb of its own,\n"
"made for it, and then on as before. Afterwards VIF names that plug in every\n"
"command. Can be repeated, and finishes what was left half done. \"except arp\":\n"
"ARP is not held. del: undoes all of it; refuses while packets are held that were\n"
"not released, unless with --force. What is left of a guest whose device went away\n"
"first is removed by the next add or del of any.\n",
	.keywords = "limit except arp open closed",
	.completion = COMPLETE_DEVICE,
	.options = TAKES_FORCE | TAKES_TIMEOUT,
	.targets = DEVICES,
	.parse = guest_parse,
	.run = guest_run,
};
