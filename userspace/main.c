// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing but main(): everything else is linked into the tests as well. */
#include "plugctl.h"

int main(int argc, char **argv)
{
	struct plugctl ctx = {
		.out.file = stdout,
		.err = stderr,
	};

	return plugctl_main(&ctx, argc, argv);
}
