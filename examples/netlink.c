// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends one command directly to a plug, and prints the state of the plug after it,
 * through the generic netlink family. It needs only libmnl and the installed
 * header.
 *
 *	netlink DEV|id=ID buffer|release|open|discard|upto [EPOCH]
 *
 * A controller does three things, each in one function here:
 *
 *	find_family()	once: asks the kernel for the family's number
 *	find_plug()	once for each device: the plug at its root, and its id
 *	command()	again and again, by the id
 *
 * An id belongs to one plug and is never used again. If somebody deletes or
 * replaces the plug, a command with its id fails with ENOENT and does nothing. The
 * controller does not know the new plug and the packets it holds: it has to end, or
 * begin again with find_plug() and forget the epoch numbers of the old plug. So use
 * an EPOCH only together with the id that was printed with it.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/pkt_sched_plug.h>

struct plug {
	uint64_t id;		/* 0: none */
	uint32_t parent;
	uint64_t epoch;
	uint64_t released;
};

struct client {
	struct mnl_socket *nl;
	uint16_t family;
	unsigned int seq;
};

/* ---- requests ---- */

/* Begins a request in @buf with its two headers; attributes follow. */
static struct nlmsghdr *start(struct client *client, char *buf, uint16_t type,
			      uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++client->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = SCH_PLUG_FAMILY_VERSION;
	return nlh;
}

static bool ends_dump(const char *buf, ssize_t len)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_type == NLMSG_DONE)
			return true;
	return false;
}

/* Sends a request, and calls @handle for each answer, until libmnl finds the
 * acknowledgment, an error or the end of a dump. Returns -1 and errno for an error;
 * EINTR for a dump during which something has changed.
 */
static int exchange(struct client *client, const struct nlmsghdr *nlh,
		    mnl_cb_t handle, void *data)
{
	bool interrupted = false;
	char buf[8192];
	int ret = MNL_CB_OK;

	if (mnl_socket_sendto(client->nl, nlh, nlh->nlmsg_len) < 0)
		return -1;
	while (ret > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(client->nl, buf, sizeof(buf));

		if (len < 0)
			return -1;
		ret = mnl_cb_run(buf, (size_t)len, client->seq,
				 mnl_socket_get_portid(client->nl), handle, data);
		if (ret < 0 && errno == EINTR) {
			/* The rest of the dump must not be taken for the next answer. */
			interrupted = true;
			ret = ends_dump(buf, len) ? MNL_CB_STOP : MNL_CB_OK;
		}
	}
	if (interrupted && ret >= 0) {
		errno = EINTR;
		return -1;
	}
	return ret;
}

/* ---- answers ---- */

/* Returns the state in an answer. Unknown attributes are ignored: a newer module may
 * send more of them.
 */
static struct plug parse_plug(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	struct plug plug = { 0 };

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case SCH_PLUG_A_ID:
			plug.id = mnl_attr_get_u64(attr);
			break;
		case SCH_PLUG_A_PARENT:
			plug.parent = mnl_attr_get_u32(attr);
			break;
		case SCH_PLUG_A_EPOCH:
			plug.epoch = mnl_attr_get_u64(attr);
			break;
		case SCH_PLUG_A_RELEASED:
			plug.released = mnl_attr_get_u64(attr);
			break;
		}
	}
	return plug;
}

static int handle_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint16_t *family = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* Takes the plug at the root. A device can also have plugs below another qdisc. */
static int handle_dump(const struct nlmsghdr *nlh, void *data)
{
	struct plug plug = parse_plug(nlh), *root = data;

	if (plug.parent == TC_H_ROOT)
		*root = plug;
	return MNL_CB_OK;
}

static int handle_state(const struct nlmsghdr *nlh, void *data)
{
	*(struct plug *)data = parse_plug(nlh);
	return MNL_CB_OK;
}

/* ---- what a controller does ---- */

/* The family's number changes with a reboot, and when the module is loaded again. */
static int find_family(struct client *client)
{
	char buf[256];
	struct nlmsghdr *nlh = start(client, buf, GENL_ID_CTRL,
				     CTRL_CMD_GETFAMILY, NLM_F_ACK);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SCH_PLUG_FAMILY_NAME);
	return exchange(client, nlh, handle_family, &client->family);
}

static int find_plug(struct client *client, const char *dev, struct plug *plug)
{
	unsigned int ifindex = if_nametoindex(dev);
	char buf[256];
	struct nlmsghdr *nlh;
	int ret;

	if (!ifindex)
		return -1;
	do {
		plug->id = 0;
		nlh = start(client, buf, client->family, SCH_PLUG_CMD_GET, NLM_F_DUMP);
		mnl_attr_put_u32(nlh, SCH_PLUG_A_IFINDEX, ifindex);
		ret = exchange(client, nlh, handle_dump, plug);
		/* EINTR: during the dump, plugs were created or deleted. One may be
		 * missing, so ask again.
		 */
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0 && !plug->id) {
		errno = ENOENT;
		return -1;
	}
	return ret;
}

/* @plug->id selects the plug. The other members are set to the state after the
 * command, which the kernel sends because of NLM_F_ECHO. Without NLM_F_ECHO it sends
 * only the acknowledgment, which is faster.
 */
static int command(struct client *client, struct plug *plug, uint32_t action,
		   const uint64_t *last)
{
	char buf[256];
	struct nlmsghdr *nlh = start(client, buf, client->family,
				     SCH_PLUG_CMD_CHANGE, NLM_F_ACK | NLM_F_ECHO);

	mnl_attr_put_u64(nlh, SCH_PLUG_A_ID, plug->id);
	mnl_attr_put_u32(nlh, SCH_PLUG_A_ACTION, action);
	if (last)
		mnl_attr_put_u64(nlh, SCH_PLUG_A_LAST, *last);
	return exchange(client, nlh, handle_state, plug);
}

/* ---- the command line ---- */

static int action_of(const char *word)
{
	static const struct {
		const char *word;
		int action;
	} actions[] = {
		{ "buffer", TCQ_PLUG_BUFFER },
		{ "release", TCQ_PLUG_RELEASE_ONE },
		{ "open", TCQ_PLUG_RELEASE_INDEFINITE },
		{ "discard", TCQ_PLUG_DISCARD },
		{ "upto", TCQ_PLUG_RELEASE_UPTO },
	};
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(actions[i].word, word))
			return actions[i].action;
	return -1;
}

static bool parse_u64(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

static int run(struct client *client, const char *where, int action,
	       const uint64_t *last)
{
	struct plug plug = { 0 };

	if (find_family(client)) {
		fprintf(stderr, "no family %s: is the module loaded?\n",
			SCH_PLUG_FAMILY_NAME);
		return 3;
	}
	if (!strncmp(where, "id=", 3)) {
		parse_u64(where + 3, &plug.id);
	} else if (find_plug(client, where, &plug)) {
		fprintf(stderr, "%s: %s\n", where, errno == ENOENT ?
			"no plug at the root" : strerror(errno));
		return 2;
	}
	if (command(client, &plug, (uint32_t)action, last)) {
		fprintf(stderr, "%s: %s\n", where, errno == ENOENT ?
			"the plug was deleted or replaced; nothing was done" :
			strerror(errno));
		return 2;
	}
	printf("id %" PRIu64 "\nepoch %" PRIu64 "\nreleased %" PRIu64 "\n",
	       plug.id, plug.epoch, plug.released);
	return 0;
}

int main(int argc, char **argv)
{
	struct client client = { 0 };
	uint64_t last, id;
	int action, ret;

	action = argc < 3 || argc > 4 ? -1 : action_of(argv[2]);
	if (action < 0 || (argc == 4 && !parse_u64(argv[3], &last)) ||
	    (!strncmp(argv[1], "id=", 3) && !parse_u64(argv[1] + 3, &id))) {
		fprintf(stderr, "usage: netlink DEV|id=ID buffer|release|open|discard|upto [EPOCH]\n");
		return 1;
	}
	client.nl = mnl_socket_open(NETLINK_GENERIC);
	if (!client.nl || mnl_socket_bind(client.nl, 0, MNL_SOCKET_AUTOPID)) {
		perror("netlink");
		return 3;
	}
	ret = run(&client, argv[1], action, argc == 4 ? &last : NULL);
	mnl_socket_close(client.nl);
	return ret;
}
