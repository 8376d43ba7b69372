// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one line of a batch: words, options, the command and its arguments.
 * netlink_stub.c replaces the kernel.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "../cli/parse.h"
#include "../cli/plugctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugctl session = { .messages.fd = open("/dev/null", O_WRONLY) };
	struct request req = { .session = &session, .file = "fuzz", .line = 1 };
	char *words[64], *line = malloc(size + 1);
	FILE *null = fopen("/dev/null", "w");
	int n, status;

	must(line && null);
	memcpy(line, data, size);
	line[size] = '\0';
	session.out.file = null;
	n = split_line(line, words, sizeof(words) / sizeof(words[0]));
	/* "version" reads files, but does not use the input. */
	if (n > 0 && strcmp(words[0], "version")) {
		status = execute(&req, words, n);
		must(session.out.depth == 0);
		must(status <= STATUS_NO_ACCESS || status == STATUS_TIMEOUT);
	}
	kernel_close(&session.kernel);
	close(session.messages.fd);
	fclose(null);
	free(line);
	return 0;
}
