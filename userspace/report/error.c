// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints messages, one line each, to stderr, and explains the kernel's errors. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../cli/options.h"
#include "report.h"
#include "text.h"

#define WHERE_TEXT_MAX		256
#define MESSAGE_TEXT_MAX	1024
#define LINE_TEXT_MAX		(3 * WHERE_TEXT_MAX + MESSAGE_TEXT_MAX)

static void write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		text += written;
		len -= (size_t)written;
	}
}

static void hold(struct messages *messages, const char *line, size_t len)
{
	if (!messages->held)
		messages->held = open_memstream(&messages->text, &messages->len);
	if (messages->held)
		fwrite(line, 1, len, messages->held);
}

void messages_write(struct messages *messages)
{
	messages->hold = false;
	if (!messages->held)
		return;
	fclose(messages->held);
	messages->held = NULL;
	write_all(messages->fd, messages->text, messages->len);
	free(messages->text);
}

/*
 * Prints one line. where and text must be printable already. Earlier output is flushed
 * first, so that the order is right if output and messages go to one file.
 */
static void say(struct request *req, const char *where, const char *text)
{
	struct messages *messages = &req->session->messages;
	char line[LINE_TEXT_MAX], file[WHERE_TEXT_MAX + 32] = "";
	int len;

	if (req->file) {
		snprintf(file, sizeof(file), "%.*s:%lu: ", WHERE_TEXT_MAX - 1,
			 req->file, req->line);
		make_printable(file);
	}
	len = snprintf(line, sizeof(line), "plugctl: %s%s%s%s\n", file, where,
		       *where ? ": " : "", text);
	if (messages->hold) {
		hold(messages, line, (size_t)len);
		return;
	}
	fflush(req->session->out.file);
	write_all(messages->fd, line, (size_t)len);
}

static void collect(struct request *req, int status, const char *where,
		    const char *text)
{
	struct json_object *error = json_object_new_object();

	if (!req->errors)
		req->errors = json_object_new_array();
	if (*where)
		json_object_object_add(error, "device",
				       json_object_new_string(where));
	json_object_object_add(error, "message", json_object_new_string(text));
	json_object_object_add(error, "status", json_object_new_int(status));
	json_object_array_add(req->errors, error);
}

static void vcomplain(struct request *req, int status, const char *where,
		      const char *format, va_list ap)
{
	char text[MESSAGE_TEXT_MAX], where_text[WHERE_TEXT_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	make_printable(text);
	snprintf(where_text, sizeof(where_text), "%s", where ? where : "");
	make_printable(where_text);
	say(req, where_text, text);
	if (!status)
		return;
	if (req->file && req->session->out.json)
		collect(req, status, where_text, text);
	if (status > req->status)
		req->status = status;
}

int complain(struct request *req, int status, const char *where,
	     const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(req, status, where, format, ap);
	va_end(ap);
	return status;
}

void note(struct request *req, const char *where, const char *format, ...)
{
	va_list ap;

	if (req->options.quiet)
		return;
	va_start(ap, format);
	vcomplain(req, STATUS_OK, where, format, ap);
	va_end(ap);
}

int complain_usage(struct request *req, const char *format, ...)
{
	const struct command *command = req->command;
	char text[MESSAGE_TEXT_MAX], usage[USAGE_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!command)
		return complain(req, STATUS_USAGE, NULL, "%s: see plugctl help",
				text);
	format_usage(usage, command);
	return complain(req, STATUS_USAGE, NULL, "%s: usage: %s", text, usage);
}

int complain_memory(struct request *req)
{
	return complain(req, STATUS_NO_ACCESS, NULL,
			"out of memory: free some and try again");
}

int complain_output(struct request *req)
{
	return complain(req, STATUS_REFUSED, NULL,
			"cannot write the output: is the disk full, the pipe closed?");
}

/* The status that complain_netlink() has, for messages with another text. */
static int netlink_status(int error)
{
	return error == ENOMEM || error == EPERM || error == EACCES ?
	       STATUS_NO_ACCESS : STATUS_REFUSED;
}

int complain_netlink(struct request *req, int error)
{
	switch (error) {
	case EAGAIN:
		return complain(req, STATUS_REFUSED, NULL,
				"the list of qdiscs changed faster than it could be read: try again");
	case ENOBUFS:
		return complain(req, STATUS_REFUSED, NULL,
				"the kernel's answers did not fit into the socket: name fewer devices at once");
	case ENOMEM:
		return complain_memory(req);
	case EPERM:
	case EACCES:
		return complain(req, STATUS_NO_ACCESS, NULL,
				"netlink: %s: run plugctl as root", strerror(error));
	case EOPNOTSUPP:
		return complain(req, STATUS_REFUSED, NULL,
				"netlink: %s: does this kernel have CONFIG_NET_SCHED?",
				strerror(error));
	default:
		return complain(req, STATUS_REFUSED, NULL,
				"netlink: %s: try again, and see dmesg",
				strerror(error));
	}
}

int complain_open(struct request *req, const struct open_failure *failure)
{
	const char *why = strerror(failure->error), *name = req->options.netns;

	switch (failure->what) {
	case OPEN_MEMORY:
		return complain_memory(req);
	case OPEN_SOCKET:
		return complain(req, STATUS_NO_ACCESS, NULL,
				"no netlink socket: %s: is this system allowed to use AF_NETLINK?",
				why);
	case OPEN_CONNECT:
		return complain(req, STATUS_NO_ACCESS, NULL,
				"cannot connect the netlink socket: %s: is this system allowed to use AF_NETLINK?",
				why);
	case OPEN_PROC:
		return complain(req, STATUS_NO_ACCESS, "/proc/self/ns/net",
				"%s: -n needs /proc mounted", why);
	case OPEN_NAME_EMPTY:
		return complain_usage(req, "the name of the network namespace is empty");
	case OPEN_NAME_LONG:
		return complain(req, STATUS_USAGE, name,
				"the name of the network namespace is too long: see ip netns list");
	case OPEN_NETNS:
		return complain(req, failure->error == EACCES ?
				STATUS_NO_ACCESS : STATUS_REFUSED, name,
				"no such network namespace (%s: %s): see ip netns list",
				failure->path, why);
	case OPEN_NOT_NETNS:
		return complain(req, STATUS_REFUSED, name,
				"%s is no network namespace: see ip netns list",
				failure->path);
	case OPEN_ENTER:
		return complain(req, STATUS_NO_ACCESS, name,
				"cannot enter the network namespace: %s: run plugctl as root",
				why);
	default:
		return complain(req, STATUS_NO_ACCESS, name,
				"cannot leave the network namespace again: %s",
				why);
	}
}

static const char *advice(int error)
{
	switch (error) {
	case ENODEV:
	case ENXIO:
		return "see ip link";
	case ENOENT:
		return "see tc qdisc show and tc class show";
	case EOPNOTSUPP:
		return "this kernel was built without CONFIG_NET_SCHED";
	case EINVAL:
		return "plugctl show prints its state, plugctl(8) says what is allowed";
	case EBUSY:
	case EAGAIN:
	case ENOMEM:
	case ENOBUFS:
		return "try again";
	default:
		return "see plugctl show";
	}
}

int complain_refusal(struct request *req, const char *where, int error,
		     const char *text)
{
	if (error == EPERM)
		return complain(req, STATUS_NO_ACCESS, where,
				"permission denied: run plugctl as root or with CAP_NET_ADMIN");
	if (*text)
		return complain(req, STATUS_REFUSED, where,
				"the kernel refused: %s (%s): %s", text,
				strerror(error), advice(error));
	return complain(req, STATUS_REFUSED, where, "the kernel refused: %s: %s",
			strerror(error), advice(error));
}

void format_advice(char advice[ADVICE_MAX], const struct module_info *info)
{
	const char *release = info->release;

	if (info->loaded)
		snprintf(advice, ADVICE_MAX,
			 "sch_plug is loaded, but registered no qdisc: see dmesg, then modprobe -r sch_plug and try again");
	else if (!info->path[0] && info->elsewhere[0])
		snprintf(advice, ADVICE_MAX,
			 "sch_plug is not built for the running kernel %s, only for others such as %s: install this kernel's headers and run dkms autoinstall -k %s, or boot that kernel",
			 release, info->elsewhere, release);
	else if (!info->path[0])
		snprintf(advice, ADVICE_MAX,
			 "the module sch_plug is not installed for kernel %s%s: install sch-plug-dkms (XCP-ng: sch-plug-module-alt)",
			 release, info->has_modules ? "" : " (which has no /lib/modules folder here: in a container, install it on the host)");
	else if (info->loading_disabled)
		snprintf(advice, ADVICE_MAX,
			 "kernel.modules_disabled is 1, so %s cannot be loaded: load sch_plug at boot, before that is set",
			 info->path);
	else if (info->locked_down)
		snprintf(advice, ADVICE_MAX,
			 "Secure Boot or lockdown keeps %s from loading, which is %s: enrol the key that DKMS signs with (mokutil --import), reboot, see dmesg",
			 info->path, info->path_unsigned ? "unsigned" :
			 "not signed with a key that this machine trusts");
	else
		snprintf(advice, ADVICE_MAX,
			 "sch_plug is installed (%s), but was not loaded: modprobe sch_plug, as root on the host, shows why; if it works, look for a blacklist in /etc/modprobe.d",
			 info->path);
}

int complain_kind(struct request *req, const char *where)
{
	struct module_info info;
	char advice[ADVICE_MAX];

	module_look(&info, "", NULL);
	format_advice(advice, &info);
	return complain(req, STATUS_REFUSED, where,
			"the kernel does not know the qdisc kind plug: %s", advice);
}

static int complain_no_device(struct request *req, const struct target *target)
{
	if (strlen(target->name) >= IFNAMSIZ)
		return complain(req, STATUS_REFUSED, target->name,
				"no such device (the name is too long for a device, which has at most %d characters, and nothing has it as alternative name): see ip link",
				IFNAMSIZ - 1);
	return complain(req, STATUS_REFUSED, target->name,
			"no such device: see ip link");
}

static int complain_no_plug(struct request *req, const char *name)
{
	if (req->options.selector.have_parent || req->options.selector.have_handle)
		return complain(req, STATUS_REFUSED, name,
				"no plug at that parent or handle: plugctl show %s lists those it has",
				name);
	return complain(req, STATUS_REFUSED, name,
			"has no plug: attach one with plugctl add %s", name);
}

static int complain_several(struct request *req, const struct target *target)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, target->at.handle);
	format_parent(parent, target->at.parent);
	return complain(req, STATUS_REFUSED, target->name,
			"has %u plugs: say which with --handle or --parent (one is --handle %s --parent %s, plugctl show %s lists all)%s",
			target->count, handle, parent, target->name,
			req->command->options & TAKES_ALL ? ", or take --all" : "");
}

static int complain_unable(struct request *req, const struct target *target)
{
	if (req->options.rtnl)
		return complain(req, STATUS_REFUSED, target->name,
				"rtnetlink cannot do this: leave out --rtnl");
	return complain(req, STATUS_REFUSED, target->name,
			"the in-tree sch_plug is loaded, which cannot do this: load the one of sch-plug (plugctl version shows which is there)");
}

int complain_target(struct request *req, struct target *target)
{
	const char *name = target->name, *why = strerror(target->error);

	if (target->reported)
		return STATUS_OK;
	target->reported = true;
	switch (target->failed) {
	case TARGET_OK:
		if (target->text[0])
			note(req, name, "warning: %s", target->text);
		target->text[0] = '\0';
		target->reported = false;
		return STATUS_OK;
	case TARGET_NO_DEVICE:
		return complain_no_device(req, target);
	case TARGET_NAME_TOO_LONG:
		return complain(req, STATUS_REFUSED, name,
				"no device name is that long (the most is %d characters, %d for an alternative name): see ip link",
				IFNAMSIZ - 1, DEVICE_NAME_MAX - 1);
	case TARGET_NO_PLUG:
		return complain_no_plug(req, name);
	case TARGET_SEVERAL:
		return complain_several(req, target);
	case TARGET_DEFAULT:
		return complain(req, STATUS_REFUSED, name,
				"its plug is the kernel's default qdisc, which takes no commands: attach one with plugctl add %s",
				name);
	case TARGET_GONE:
		return complain(req, STATUS_REFUSED, name,
				"the plug is gone (%s): see plugctl show",
				target->text[0] ? target->text : why);
	case TARGET_REPLACED:
		return complain(req, STATUS_REFUSED, name,
				"the plug was replaced by another one, which has other epochs: see plugctl show %s",
				name);
	case TARGET_UNABLE:
		return complain_unable(req, target);
	case TARGET_REFUSED:
		return complain_refusal(req, name, target->error, target->text);
	case TARGET_NOT_SENT:
		return complain(req, STATUS_REFUSED, name,
				"the command could not be sent (%s), so nothing was done: try again",
				why);
	case TARGET_NO_ANSWER:
		return complain(req, STATUS_REFUSED, name,
				"no answer, it may have been done or not (%s): see plugctl show %s",
				why, name);
	case TARGET_UNCHECKED:
		return complain(req, netlink_status(target->error), name,
				"its state could not be read (%s), so nothing was done to it: try again",
				why);
	case TARGET_NOT_OWNED:
		return complain(req, STATUS_REFUSED, name,
				"--at-exit: %s: the command was not sent",
				target->error == EBUSY ?
				"the plug belongs to another program" :
				target->error == EOPNOTSUPP ?
				"this takes the module of sch-plug" : why);
	case TARGET_DUPLICATE:
	case TARGET_NAMED:
		break;
	}
	return STATUS_OK;
}
