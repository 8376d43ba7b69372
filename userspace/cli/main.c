// SPDX-License-Identifier: GPL-2.0-or-later
/* Only main() is here: everything else is linked into the tests as well. */
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
