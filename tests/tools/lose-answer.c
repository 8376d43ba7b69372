// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For LD_PRELOAD: of the answers that a program receives from the kernel, the
 * ones whose numbers LOSE_ANSWERS names (counted from 1, with commas) are lost, as
 * they are when there is no memory for them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	static unsigned int count;
	const char *lose = getenv("LOSE_ANSWERS");
	char number[16], list[64];
	ssize_t ret;

	ret = syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
	snprintf(number, sizeof(number), ",%u,", ++count);
	snprintf(list, sizeof(list), ",%s,", lose ? lose : "");
	if (ret >= 0 && strstr(list, number)) {
		errno = ENOBUFS;
		return -1;
	}
	return ret;
}
