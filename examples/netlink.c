// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One command to a plug straight over netlink, with the state after it in the
 * answer: libmnl and the installed header, nothing else.
 *
 *	netlink DEV HANDLE buffer|release|open|discard|upto [EPOCH]
 *
 * The plug is at the root of DEV; HANDLE is what plugctl show prints, such as
 * 8001. The number of the epoch is in the same answer as the acknowledgement.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/pkt_sched_plug.h>
#include <linux/rtnetlink.h>

#define SEQ	1

struct request {
	int ifindex;
	uint32_t handle;
	int action;
	uint64_t upto;
};

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

static struct nlmsghdr *build(char *buf, const struct request *request)
{
	struct tc_plug_qopt qopt = { .action = request->action };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlattr *options;
	struct tcmsg *tcm;

	nlh->nlmsg_type = RTM_NEWQDISC;
	/* Without CREATE and REPLACE: never anything but a change. */
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO;
	nlh->nlmsg_seq = SEQ;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_ifindex = request->ifindex;
	/* The handle alone: with a parent too, some kernels would move the plug. */
	tcm->tcm_handle = request->handle;
	mnl_attr_put_strz(nlh, TCA_KIND, "plug");
	/* The struct comes first inside TCA_OPTIONS, attributes follow it. */
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	memcpy(mnl_nlmsg_get_payload_tail(nlh), &qopt, sizeof(qopt));
	nlh->nlmsg_len += sizeof(qopt);
	if (request->action == TCQ_PLUG_RELEASE_UPTO)
		mnl_attr_put_u64(nlh, TCA_PLUG_EPOCH, request->upto);
	mnl_attr_nest_end(nlh, options);
	return nlh;
}

static void print_options(const struct nlattr *options)
{
	const char *payload = mnl_attr_get_payload(options);
	size_t skip = sizeof(struct tc_plug_qopt);
	const struct nlattr *attr;
	const void *attrs;
	uint64_t value;

	if (mnl_attr_get_payload_len(options) < skip)
		return;
	attrs = payload + skip;
	mnl_attr_for_each_payload(attrs, mnl_attr_get_payload_len(options) - skip) {
		if (mnl_attr_get_payload_len(attr) != sizeof(value))
			continue;
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));
		if (mnl_attr_get_type(attr) == TCA_PLUG_EPOCH)
			printf("epoch %" PRIu64 "\n", value);
		else if (mnl_attr_get_type(attr) == TCA_PLUG_RELEASED)
			printf("released %" PRIu64 "\n", value);
	}
}

/* Called for RTM_NEWQDISC; libmnl takes the acknowledgement itself. */
static int take_state(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	(void)data;
	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg))
		if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			print_options(attr);
	return MNL_CB_OK;
}

static int exchange(struct mnl_socket *nl, const struct nlmsghdr *nlh)
{
	char buf[8192];
	int ret = MNL_CB_OK;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -1;
	while (ret > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (len < 0)
			return -1;
		ret = mnl_cb_run(buf, (size_t)len, SEQ,
				 mnl_socket_get_portid(nl), take_state, NULL);
	}
	return ret;
}

int main(int argc, char **argv)
{
	struct request request = { 0 };
	struct mnl_socket *nl;
	char buf[256] = "", *end;
	int ret;

	if (argc < 4)
		goto usage;
	request.ifindex = (int)if_nametoindex(argv[1]);
	request.handle = (uint32_t)strtoul(argv[2], &end, 16) << 16;
	if (!request.handle || (*end && strcmp(end, ":")))
		goto usage;
	request.action = action_of(argv[3]);
	if (request.action < 0 ||
	    (request.action == TCQ_PLUG_RELEASE_UPTO) != (argc == 5))
		goto usage;
	if (argc == 5) {
		request.upto = strtoull(argv[4], &end, 10);
		if (end == argv[4] || *end)
			goto usage;
	}
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID)) {
		perror("netlink");
		return 3;
	}
	ret = exchange(nl, build(buf, &request));
	if (ret < 0 && errno == ENOENT)
		fprintf(stderr, "%s: no plug with the handle %s\n", argv[1],
			argv[2]);
	else if (ret < 0)
		perror(argv[1]);
	mnl_socket_close(nl);
	return ret < 0 ? 2 : 0;

usage:
	fprintf(stderr, "usage: netlink DEV HANDLE buffer|release|open|discard|upto [EPOCH]\n");
	return 1;
}
