// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints plugs in several states as JSON, one per line, for check-schema. */
#include "check.h"

static void sample(const struct qdisc_state *state)
{
	struct out out = { .file = stdout, .json = true };

	out_array(&out, NULL);
	print_plug(&out, "eth0", state);
	print_plug(&out, "a \"name\"", state);
	out_end(&out);
}

int main(void)
{
	struct qdisc_state state = sample_plug();

	sample(&state);
	state.open = true;
	state.released = state.epoch;
	state.head_epoch = 0;
	state.tail_epoch = 0;
	state.stopped_packets = 0;
	state.stats_known &= ~(1U << SCH_PLUG_A_STATS_CLOSED_AGE);
	state.parent = 0x00010004;
	sample(&state);
	state.stats_known = 0;
	sample(&state);
	state.owner = 4711;
	state.at_exit = SCH_PLUG_AT_EXIT_OPEN;
	sample(&state);
	state.owner = 0;
	state.has_sent = false;
	sample(&state);
	state.has_sent = true;
	state.has_state = false;
	sample(&state);
	return 0;
}
