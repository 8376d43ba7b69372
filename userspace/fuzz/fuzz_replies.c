// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel might send: dumps and answers, taken apart and printed. */
#include "fuzz.h"

#include "../attr.h"
#include "../family.h"
#include "../netlink.h"
#include "../print.h"

#define ANSWERS	4

/* Any number that is neither NLMSG_ERROR's nor rtnetlink's. */
#define FAMILY	30

static void print(FILE *null, const struct qdisc_state *state)
{
	struct out out = { .file = null };
	char why[JSON_ERROR_MAX];

	print_plug(&out, "eth0", state);
	print_fields(&out, "eth0", state);
	must(out_use_json(&out, false, why));
	print_plug(&out, "eth0", state);
	must(out.depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer answers[ANSWERS] = { 0 };
	struct netlink generic = { 0 };
	FILE *null = fopen("/dev/null", "w");
	struct qdisc_state state;
	const struct nlmsghdr *nlh;
	int len = (int)size;
	uint32_t action;
	char *buf;

	/* A copy: aligned, and with nothing behind it that might be read. */
	buf = malloc(size ? size : 1);
	must(buf && null);
	memcpy(buf, data, size);
	message_for_each(nlh, buf, len) {
		if (!qdisc_parse(nlh, &state)) {
			must(memchr(state.kind, 0, sizeof(state.kind)));
			must(!state.told && !state.stats_known);
			print(null, &state);
		}
		if (!plug_parse(nlh, &state)) {
			must(qdisc_is_plug(&state) && state.told && state.id);
			must(state.epoch && state.released <= state.epoch);
			must(state.open == (state.epoch == state.released));
			plug_event(nlh, &action);
			print(null, &state);
		}
		answer_parse(nlh, 0, 0, ANSWERS, answers);
		answer_parse(nlh, FAMILY, 0, ANSWERS, answers);
		must(!family_parse(&generic, nlh) || generic.family);
		netlink_errno(nlh);
	}
	fclose(null);
	free(buf);
	return 0;
}
