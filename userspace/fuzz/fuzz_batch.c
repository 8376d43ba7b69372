// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a whole batch: the reader, the cache of plugs, answers in JSON. netlink_stub.c
 * replaces the kernel. The first byte of the input selects the options. The next three
 * bytes select what the kernel does. The lines follow.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cli/plugctl.h"

/* There must be one complete answer for each line. */
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
	struct plugctl session = { .messages.fd = open("/dev/null", O_WRONLY) };
	struct request req = { .session = &session };
	char *words[5], path[32], *text = NULL;
	int fd, status, n = 0;
	size_t len;

	if (size < 4) {
		close(session.messages.fd);
		return 0;
	}
	session.out.file = open_memstream(&text, &len);
	fd = memfd_create("batch", 0);
	must(session.out.file && fd >= 0);
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

	status = execute(&req, words, n);
	must(session.out.depth == 0);
	must(status <= STATUS_NOT_OPEN || status == STATUS_TIMEOUT);
	fclose(session.out.file);
	if (data[0] & 2)
		check_answers(text, len);
	kernel_close(&session.kernel);
	free(text);
	close(fd);
	close(session.messages.fd);
	return 0;
}
