// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes, times, epochs, handles, parents: if a value is accepted, its printed form must
 * give the same value.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "../cli/parse.h"
#include "../report/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *once, back[HANDLE_TEXT_MAX];
	uint32_t bytes, handle, parent, again;
	uint64_t ns, epoch;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';

	if (parse_size(text, &bytes)) {
		char plain[16];

		snprintf(plain, sizeof(plain), "%" PRIu32, bytes);
		must(parse_size(plain, &again) && again == bytes);
	}
	if (parse_time(text, &ns))
		must(ns <= INT64_MAX / 2);
	if (parse_epoch(text, &epoch)) {
		char plain[24], *zeros = text;

		while (zeros[0] == '0' && zeros[1])
			zeros++;
		snprintf(plain, sizeof(plain), "%" PRIu64, epoch);
		must(!strcmp(plain, zeros));
	}
	if (parse_handle(text, &handle)) {
		format_handle(back, handle);
		must(parse_handle(back, &again) && again == handle);
	}
	if (parse_parent(text, &parent)) {
		format_parent(back, parent);
		must(parse_parent(back, &again) && again == parent);
	}
	if (size < 40)
		must(edit_distance(text, text) == 0 || strlen(text) > 32);
	make_printable(text);
	must(strlen(text) <= size && !strpbrk(text, "\n\033\177\377"));
	once = strdup(text);
	must(once);
	make_printable(text);
	must(!strcmp(once, text));
	free(once);
	free(text);
	return 0;
}
