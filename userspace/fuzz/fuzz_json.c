// SPDX-License-Identifier: GPL-2.0-or-later
/* For any state of any device, the output must be JSON with the same values. */
#include "fuzz.h"

#include <json-c/json.h>

#include "../report/report.h"

static void check(const char *text, const char *name,
		  const struct qdisc_state *state)
{
	struct json_object *value = json_tokener_parse(text), *member;

	must(value);
	must(json_object_object_get_ex(value, "device", &member));
	must(!strcmp(json_object_get_string(member), name));
	must(json_object_object_get_ex(value, "held_bytes", &member));
	must(json_object_get_int64(member) == state->held_bytes);
	if (state->has_state) {
		must(json_object_object_get_ex(value, "epoch", &member));
		must(json_object_get_int64(member) == (state->epoch > INT64_MAX ?
			INT64_MAX : (int64_t)state->epoch));
		must(json_object_object_get_ex(value, "stopped_packets", &member));
		must(json_object_get_int64(member) == state->stopped_packets);
	}
	json_object_put(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct out out = { .json = true };
	struct qdisc_state state;
	char name[32], *text = NULL;
	size_t len = 0, rest, i;

	if (size < sizeof(state))
		return 0;
	memcpy(&state, data, sizeof(state));
	/* A bool must be 0 or 1. */
	memset(&state.has_state, data[0] & 1, sizeof(state.has_state));
	memset(&state.open, data[0] >> 1 & 1, sizeof(state.open));
	memset(&state.has_sent, data[0] >> 2 & 1, sizeof(state.has_sent));
	rest = size - sizeof(state);
	if (rest >= sizeof(name))
		rest = sizeof(name) - 1;
	memcpy(name, data + sizeof(state), rest);
	name[rest] = '\0';
	/* A device name may have any bytes. Only ASCII is the same in JSON. */
	for (i = 0; i < rest; i++)
		name[i] &= 0x7f;

	out.file = open_memstream(&text, &len);
	must(out.file);
	print_plug(&out, name, &state);
	must(out.depth == 0 && !out.failed);
	fclose(out.file);
	check(text, name, &state);
	free(text);
	return 0;
}
