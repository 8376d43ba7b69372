// SPDX-License-Identifier: GPL-2.0-or-later
/* This file has only main(). The tests link everything else. */
#include <unistd.h>

#include "plugctl.h"

int main(int argc, char **argv)
{
	struct plugctl session = {
		.out.file = stdout,
		.messages.fd = STDERR_FILENO,
	};

	return plugctl_main(&session, argc, argv);
}
