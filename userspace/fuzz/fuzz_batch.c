// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole batch: the reader, the memory of addresses, lines that are sent together,
 * answers in JSON. netlink_stub.c stands for the kernel. The first byte says
 * which options, the next three what the kernel does; the lines follow.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../memory.h"
#include "../plugctl.h"

/* An answer a line, and each a whole one. */
static void check_answers(const char *text, size_t len)
{
	const char *end;

	for (; len; text = end + 1) {
		end = memchr(text, '\n', len);
		must(end && text[0] == '{' && end[-1] == '}');
		len -= (size_t)(end + 1 - text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugctl ctx = { 0 };
	char *words[4], path[32], *text = NULL;
	FILE *null = fopen("/dev/null", "w");
	int fd, n = 0;
	size_t len;

	if (size < 4) {
		fclose(null);
		return 0;
	}
	ctx.out.file = open_memstream(&text, &len);
	ctx.err = null;
	fd = memfd_create("batch", 0);
	must(null && ctx.out.file && fd >= 0);
	must(write(fd, data + 4, size - 4) == (ssize_t)(size - 4));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fuzz_devices = true;
	fuzz_seed = data[1] | data[2] << 8 | (uint32_t)data[3] << 16;
	if (data[0] & 1)
		words[n++] = "--force";
	if (data[0] & 2)
		words[n++] = "-j";
	words[n++] = "batch";
	words[n++] = path;

	run_words(&ctx, words, n);
	must(ctx.out.depth == 0);
	must(ctx.status <= STATUS_NO_ACCESS || ctx.status == STATUS_TIMEOUT);
	fclose(ctx.out.file);
	if (data[0] & 2)
		check_answers(text, len);
	memory_free(ctx.memory);
	free(text);
	close(fd);
	fclose(null);
	return 0;
}
