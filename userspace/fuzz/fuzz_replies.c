// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses dumps and answers that the kernel might send, and prints the plugs. */
#include "fuzz.h"

#include "../kernel/guest.h"
#include "../report/report.h"

/* Any number except NLMSG_ERROR and the types of rtnetlink. */
#define FAMILY	30

static void print(FILE *null, const struct qdisc_state *state)
{
	struct out out = { .file = null };

	print_plug(&out, "eth0", state);
	print_fields(&out, "eth0", state);
	out.json = true;
	print_plug(&out, "eth0", state);
	must(out.depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_ingress ingress = { 0 };
	struct answer answer = { 0 };
	struct guest_link link;
	struct kernel kernel = { 0 };
	FILE *null = fopen("/dev/null", "w");
	struct qdisc_state state;
	const struct nlmsghdr *nlh;
	int len = (int)size;
	uint32_t action;
	char *buf;

	/* The copy is aligned, and a read beyond its end is detected. */
	buf = malloc(size ? size : 1);
	must(buf && null);
	memcpy(buf, data, size);
	message_for_each(nlh, buf, len) {
		if (!qdisc_parse(nlh, &state)) {
			must(memchr(state.kind, 0, sizeof(state.kind)));
			must(!state.has_state && !state.stats_known);
			print(null, &state);
		}
		if (!plug_parse(nlh, &state)) {
			must(qdisc_is_plug(&state) && state.has_state && state.id);
			must(state.epoch && state.released <= state.epoch);
			must(state.open == (state.epoch == state.released));
			plug_event(nlh, &action);
			print(null, &state);
		}
		if (guest_parse_link(nlh, &link)) {
			must(memchr(link.name, 0, sizeof(link.name)));
			must(memchr(link.kind, 0, sizeof(link.kind)));
			must(memchr(link.guest_name, 0, sizeof(link.guest_name)));
			must(!link.guest || !strcmp(link.kind, "ifb"));
		}
		guest_parse_filter(nlh, &ingress);
		answer_parse(nlh, 0, &answer);
		answer_parse(nlh, FAMILY, &answer);
		must(!family_parse(&kernel, nlh) || kernel.family);
		netlink_errno(nlh);
	}
	fclose(null);
	free(buf);
	return 0;
}
