// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines of a batch, through everything up to the socket: words, options,
 * commands and their arguments. netlink_stub.c stands for the kernel.
 */
#include "fuzz.h"

#include "../parse.h"
#include "../plugctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugctl ctx = { .file = "fuzz", .line = 1 };
	char *words[64], *line = malloc(size + 1);
	FILE *null = fopen("/dev/null", "w");
	int n;

	must(line && null);
	memcpy(line, data, size);
	line[size] = '\0';
	ctx.out.file = null;
	ctx.err = null;
	n = split_line(line, words, sizeof(words) / sizeof(words[0]));
	if (n > 0) {
		/* version reads files, and nothing of what was typed. */
		if (strcmp(words[0], "version"))
			run_words(&ctx, words, n);
		must(ctx.out.depth == 0);
		must(ctx.status == STATUS_OK || ctx.status <= STATUS_NO_ACCESS ||
		     ctx.status == STATUS_TIMEOUT);
	}
	fclose(null);
	free(line);
	return 0;
}
