// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For LD_PRELOAD: drops some answers that a program receives from the kernel, as if
 * there were no memory for them. LOSE_ANSWERS has their numbers, counted from 1 and
 * separated by commas. All are dropped while the file LOSE_WHILE exists.
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
	const char *lose = getenv("LOSE_ANSWERS"), *file = getenv("LOSE_WHILE");
	char number[16], list[64];
	ssize_t ret;

	ret = syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
	snprintf(number, sizeof(number), ",%u,", ++count);
	snprintf(list, sizeof(list), ",%s,", lose ? lose : "");
	if (ret >= 0 && (strstr(list, number) || (file && !access(file, F_OK)))) {
		errno = ENOBUFS;
		return -1;
	}
	return ret;
}
