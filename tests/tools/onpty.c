// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a program on its own terminal, as the session leader. Waits until the program
 * has printed "ready". Then does what a user might do:
 *
 *	onpty ctrl-c PROGRAM...		presses Ctrl-C
 *	onpty hang-up PROGRAM...	closes the terminal
 *
 * Exits with the program's status, or 128 plus the number of the signal that ended
 * it.
 */
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugtest.h"

static void wait_until_ready(int terminal)
{
	char said[4096];
	size_t len = 0;
	ssize_t ret;

	said[0] = '\0';
	while (!strstr(said, "ready")) {
		ret = read(terminal, said + len, sizeof(said) - 1 - len);
		if (ret <= 0)
			bail("never ready, said: %s", said);
		len += ret;
		said[len] = '\0';
	}
}

int main(int argc, char **argv)
{
	int terminal, status;
	char rest[4096];
	pid_t pid;

	if (argc < 3)
		bail("usage: onpty ctrl-c|hang-up PROGRAM...");
	pid = forkpty(&terminal, NULL, NULL, NULL);
	if (pid < 0)
		bail("forkpty failed");
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	wait_until_ready(terminal);
	if (!strcmp(argv[1], "hang-up")) {
		close(terminal);
	} else {
		if (write(terminal, "\003", 1) != 1)
			bail("cannot press Ctrl-C");
		/* Further output must not block the program. */
		while (read(terminal, rest, sizeof(rest)) > 0)
			;
	}
	if (waitpid(pid, &status, 0) != pid)
		bail("lost it");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
