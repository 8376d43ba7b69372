// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs the programs tc, tc -batch, nl-qdisc-add, -list and -delete, and checks the
 * plug and one frame sent after each command (I1, I2, I5). clients.c sends the same
 * bytes without the programs; functional/client-pyroute2.py tests pyroute2.
 *
 * Without an argument: all programs; else one of tc, tc-batch and libnl.
 */
#include <string.h>

#include "plugtest.h"

#define DEV "pa"

static int nl;
static struct wire w;

struct step {
	const char *command;
	struct after after;
};

#define DEFAULT 65014000

static const struct step tc[] = {
	{ "tc qdisc add dev pa root plug", { 1, 0, DEFAULT, 0 } },
	{ "tc qdisc change dev pa root plug block", { 2, 0, DEFAULT, 0 } },
	{ "tc qdisc change dev pa root plug release", { 2, 1, DEFAULT, 1 } },
	{ "tc qdisc change dev pa root plug limit 1m block", { 3, 1, DEFAULT, 0 } },
	{ "tc qdisc change dev pa root plug block limit 1m", { 3, 1, 1048576, 0 } },
	{ "tc qdisc change dev pa root plug", { 3, 1, 1048576, 0 } },
	{ "tc qdisc change dev pa root plug release_indefinite", { 3, 3, 1048576, 5 } },
	{ "tc qdisc replace dev pa root plug block", { 4, 3, 1048576, 1 } },
	{ "tc qdisc del dev pa root && tc qdisc add dev pa root handle 2: plug "
	  "release_indefinite", { 5, 5, DEFAULT, 0 } },
	{ "tc qdisc change dev pa handle 2:0 plug block", { 6, 5, DEFAULT, 1 } },
	{ "tc qdisc change dev pa handle 2:0 plug release_indefinite", { 6, 6, DEFAULT, 1 } },
	{ "! tc qdisc change dev pa root plug typo 2> /dev/null", { 6, 6, DEFAULT, 1 } },
	{ "tc -s -d qdisc show dev pa | grep -q '^qdisc plug 2: root'", { 6, 6, DEFAULT, 1 } },
	{ "tc -s -j qdisc show dev pa | grep -q '\"kind\":\"plug\"'", { 6, 6, DEFAULT, 1 } },
	{ }
};

static const struct step batch[] = {
	{ "echo 'qdisc add dev pa root plug limit 5000' | tc -batch -", { 1, 0, 5000, 0 } },
	{ "printf 'qdisc change dev pa root plug block\\n"
	  "qdisc change dev pa root plug release\\n"
	  "qdisc change dev pa root plug block\\n' | tc -batch -", { 3, 1, 5000, 1 } },
	{ "printf 'qdisc change dev pa root plug release\\n"
	  "qdisc change dev pa root plug release_indefinite\\n' | tc -batch -",
	  { 3, 3, 5000, 1 } },
	{ }
};

#define NL "nl-qdisc-add --dev=pa --parent=root "

static const struct step libnl[] = {
	{ NL "plug", { 1, 0, DEFAULT, 0 } },
	{ NL "--update plug --limit=10000000", { 1, 0, 10000000, 0 } },
	{ NL "--update-only plug --buffer", { 2, 0, 10000000, 0 } },
	{ NL "--update-only plug --release-one", { 2, 1, 10000000, 2 } },
	{ NL "--update-only plug --limit=5 --buffer", { 3, 1, 10000000, 0 } },
	{ NL "--replace plug --release-indefinite", { 3, 3, 10000000, 3 } },
	{ "nl-qdisc-list --dev=pa --details --stats | grep -q 'plug dev pa'",
	  { 3, 3, 10000000, 1 } },
	{ "nl-qdisc-delete --yes --dev=pa --parent=root && "
	  NL "--id=1: plug --limit=9000", { 4, 3, 9000, 1 } },
	{ NL "--id=1: --update-only plug --release-indefinite", { 4, 4, 9000, 1 } },
	{ }
};

static void play(const char *program, const struct step *step)
{
	bool open = false;

	for (; step->command; step++) {
		is_u64(sh("%s", step->command), 0, "%s: the command", program);
		open = wire_after(&w, nl, DEV, TC_H_ROOT, &step->after);
	}
	if (open)
		is_u64(wire_recv(&w, 1), 1, "the last leaves");
}

static const struct {
	const char *name;
	const struct step *steps;
} programs[] = {
	{ "tc", tc },
	{ "tc-batch", batch },
	{ "libnl", libnl },
};

int main(int argc, char **argv)
{
	size_t i;

	nl = nl_open();
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (argc > 1 && strcmp(argv[1], programs[i].name))
			continue;
		dummy_make(DEV);
		wire_open(&w, DEV);
		play(programs[i].name, programs[i].steps);
		is_u64(w.reordered, 0, "I2: in order, each once");
		wire_close(&w);
		link_delete(DEV);
	}
	return done_testing();
}
