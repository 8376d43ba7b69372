// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ignoring NUMBER[,NUMBER]... PROGRAM...	runs the program with these signals
 *						ignored; not every shell can do this
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugtest.h"

int main(int argc, char **argv)
{
	char *number;

	if (argc < 3)
		bail("usage: ignoring NUMBER[,NUMBER]... PROGRAM...");
	for (number = strtok(argv[1], ","); number; number = strtok(NULL, ","))
		if (signal(atoi(number), SIG_IGN) == SIG_ERR)
			bail("cannot ignore %s", number);
	execvp(argv[2], argv + 2);
	return 127;
}
