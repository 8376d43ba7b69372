// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs that use a plug today: sends the messages of each, and checks the
 * state of the plug and one frame sent after each message (I1, I2, I3). The bytes
 * were recorded from the running programs if Debian has them, and otherwise taken
 * from their sources (libxl, micro-checkpointing, HAProxy's tool, Yelp's recipe),
 * byte for byte. For the many other agents and tools there is one typical sequence.
 * Placeholders: IIIIIIII is the interface, SSSSSSSS the sequence number, PPPPPPPP
 * the sender's netlink port. All messages are little-endian, as are the machines
 * that run this test.
 *
 * Without an argument: all clients; else the client with that name.
 */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "plugtest.h"

static int nl;
static const char *dev;
static struct wire w;

/* struct tcmsg, between nlmsghdr and the attributes: family, interface, handle,
 * parent, info.
 */
#define TCM(handle, parent) "00000000 IIIIIIII " handle parent " 00000000 "
#define NONE	"00000000 "
#define ROOT	"ffffffff "
#define H1	"00000100 "
#define H2	"00000200 "
#define H40	"00004000 "
#define P14	"04000100 "
#define KIND	"09000100 706c756700 000000 "

/* TCA_OPTIONS, without and with NLA_F_NESTED, before {action, limit} */
#define OPT	"0c000200 "
#define NEST	"0c000280 "
#define BUFFER	"00000000 "
#define RELEASE	"01000000 "
#define OPEN	"02000000 "
#define LIMIT	"03000000 "
#define L0	"00000000 "
#define L10000	"10270000 "
#define L1MB	"40420f00 "
#define L10MB	"80969800 "
#define L125MB	"40597307 "

#define DEFAULT 65014000

struct step {
	const char *what;
	const char *bytes;
	struct after after;
};

/* iproute2: sends options and handle only if they are on its command line */
#define TC_ADD		"30000000 2400 0506 SSSSSSSS 00000000 " TCM(NONE, ROOT) KIND
#define TC_CHANGE	"3c000000 2400 0500 SSSSSSSS 00000000 " TCM(NONE, ROOT) KIND OPT
#define TC_REPLACE	"3c000000 2400 0505 SSSSSSSS 00000000 " TCM(NONE, ROOT) KIND OPT

static const struct step tc[] = {
	{ "add dev pa root plug", TC_ADD, { 1, 0, DEFAULT, 0 } },
	{ "change dev pa root plug block", TC_CHANGE BUFFER L0, { 2, 0, DEFAULT, 0 } },
	{ "change dev pa root plug release", TC_CHANGE RELEASE L0, { 2, 1, DEFAULT, 1 } },
	{ "change dev pa root plug limit 1000000 block", TC_CHANGE BUFFER L1MB,
	  { 3, 1, DEFAULT, 0 } },
	{ "change dev pa root plug limit 1000000", TC_CHANGE LIMIT L1MB, { 3, 1, 1000000, 0 } },
	{ "change dev pa root plug release_indefinite", TC_CHANGE OPEN L0,
	  { 3, 3, 1000000, 4 } },
	{ "replace dev pa root plug block", TC_REPLACE BUFFER L0, { 4, 3, 1000000, 1 } },
	{ "replace dev pa root plug release_indefinite", TC_REPLACE OPEN L0,
	  { 4, 4, 1000000, 1 } },
	{ }
};

/* As in the kernel's own tests. */
#define TC_HANDLE	"3c000000 2400 0500 SSSSSSSS 00000000 " TCM(H2, NONE) KIND OPT

static const struct step tc_handle[] = {
	{ "add dev pa root handle 2: plug",
	  "30000000 2400 0506 SSSSSSSS 00000000 " TCM(H2, ROOT) KIND, { 1, 0, DEFAULT, 0 } },
	{ "change dev pa handle 2:0 plug block", TC_HANDLE BUFFER L0, { 2, 0, DEFAULT, 0 } },
	{ "change dev pa handle 2:0 plug release", TC_HANDLE RELEASE L0, { 2, 1, DEFAULT, 1 } },
	{ "change dev pa handle 2:0 plug limit 10000", TC_HANDLE LIMIT L10000,
	  { 2, 1, 10000, 0 } },
	{ "change dev pa handle 2:0 plug release_indefinite", TC_HANDLE OPEN L0,
	  { 2, 2, 10000, 3 } },
	{ }
};

/* libnl: always sends the options, with the limit if one was set before */
#define NL(flags)	"3c000000 2400 " flags " SSSSSSSS PPPPPPPP "

static const struct step libnl[] = {
	{ "nl-qdisc-add --dev=pa --parent=root plug",
	  NL("0506") TCM(NONE, ROOT) KIND NEST BUFFER L0, { 1, 0, DEFAULT, 0 } },
	{ "--update plug --limit=10000000",
	  NL("0504") TCM(NONE, ROOT) KIND NEST LIMIT L10MB, { 1, 0, 10000000, 0 } },
	{ "--update-only plug --buffer",
	  NL("0500") TCM(NONE, ROOT) KIND NEST BUFFER L0, { 2, 0, 10000000, 0 } },
	{ "--update-only plug --release-one",
	  NL("0500") TCM(NONE, ROOT) KIND NEST RELEASE L0, { 2, 1, 10000000, 2 } },
	{ "--replace plug --release-indefinite",
	  NL("0505") TCM(NONE, ROOT) KIND NEST OPEN L0, { 2, 2, 10000000, 2 } },
	{ "--update-only plug --limit=10000 --buffer",
	  NL("0500") TCM(NONE, ROOT) KIND NEST BUFFER L10000, { 3, 2, 10000000, 1 } },
	{ }
};

/* libnl before 3.5, which does not set NLA_F_NESTED */
static const struct step libnl_old[] = {
	{ "nl-qdisc-add --dev=pa --parent=root --id=1: plug --limit=10000000",
	  NL("0506") TCM(H1, ROOT) KIND OPT LIMIT L10MB, { 1, 0, 10000000, 0 } },
	{ "--update-only plug --buffer",
	  NL("0500") TCM(H1, ROOT) KIND OPT BUFFER L0, { 2, 0, 10000000, 0 } },
	{ "--update-only plug --release-one",
	  NL("0500") TCM(H1, ROOT) KIND OPT RELEASE L0, { 2, 1, 10000000, 1 } },
	{ "--update-only plug --release-indefinite",
	  NL("0500") TCM(H1, ROOT) KIND OPT OPEN L0, { 2, 2, 10000000, 2 } },
	{ }
};

/* Xen: remus-netbuf-setup runs nl-qdisc-add. Then libxl sends messages with the
 * handle and the parent from a dump: BUFFER when a checkpoint is taken, RELEASE_ONE
 * when the backup has it. The last three messages are without NLM_F_ACK.
 */
#define XL		NL("0500") TCM(H1, ROOT) KIND NEST
#define XL_NO_ACK	NL("0100") TCM(H1, ROOT) KIND NEST

static const struct step xen[] = {
	{ "setup: add", NL("0506") TCM(H1, ROOT) KIND NEST BUFFER L0, { 1, 0, DEFAULT, 0 } },
	{ "setup: limit", NL("0504") TCM(NONE, ROOT) KIND NEST LIMIT L10MB, { 1, 0, 10000000, 0 } },
	{ "checkpoint 1", XL BUFFER L0, { 2, 0, 10000000, 0 } },
	{ "commit 1", XL RELEASE L0, { 2, 1, 10000000, 2 } },
	{ "checkpoint 2", XL BUFFER L0, { 3, 1, 10000000, 0 } },
	{ "commit 2", XL RELEASE L0, { 3, 2, 10000000, 2 } },
	{ "checkpoint 3", XL_NO_ACK BUFFER L0, { 4, 2, 10000000, 0 } },
	{ "commit 3", XL_NO_ACK RELEASE L0, { 4, 3, 10000000, 2 } },
	{ "commit 3 again", XL_NO_ACK RELEASE L0, { 4, 3, 10000000, 0 } },
	{ }
};

static const struct step microcheckpointing[] = {
	{ "create", NL("0507") TCM(NONE, ROOT) KIND NEST BUFFER L0, { 1, 0, DEFAULT, 0 } },
	{ "limit", NL("0505") TCM(NONE, ROOT) KIND NEST LIMIT L125MB, { 1, 0, 125000000, 0 } },
	{ "off", NL("0505") TCM(NONE, ROOT) KIND NEST OPEN L125MB, { 1, 1, 125000000, 2 } },
	{ "start", NL("0505") TCM(NONE, ROOT) KIND NEST BUFFER L125MB, { 2, 1, 125000000, 1 } },
	{ "start", NL("0505") TCM(NONE, ROOT) KIND NEST BUFFER L125MB, { 3, 1, 125000000, 0 } },
	{ "flush", NL("0505") TCM(NONE, ROOT) KIND NEST RELEASE L125MB, { 3, 2, 125000000, 1 } },
	{ "start", NL("0505") TCM(NONE, ROOT) KIND NEST BUFFER L125MB, { 4, 2, 125000000, 0 } },
	{ "flush", NL("0505") TCM(NONE, ROOT) KIND NEST RELEASE L125MB, { 4, 3, 125000000, 2 } },
	{ }
};

/* HAProxy's tool: the plug is below a prio, in band 4 */
#define HA	NL("0500") TCM(H40, P14) KIND OPT

static const struct step haproxy[] = {
	{ "create", NL("0504") TCM(H40, P14) KIND OPT LIMIT L1MB, { 1, 0, 1000000, 0 } },
	{ "open", HA OPEN L0, { 1, 1, 1000000, 1 } },
	{ "buffer", HA BUFFER L0, { 2, 1, 1000000, 1 } },
	{ "open", HA OPEN L0, { 2, 2, 1000000, 1 } },
	{ }
};

/* Yelp's recipe: the same parent, and limit 10000 in every message but the first */
static const struct step yelp[] = {
	{ "create", NL("0504") TCM(H40, P14) KIND NEST LIMIT L1MB, { 1, 0, 1000000, 0 } },
	{ "open", NL("0500") TCM(H40, P14) KIND NEST OPEN L10000, { 1, 1, 1000000, 1 } },
	{ "buffer", NL("0500") TCM(H40, P14) KIND NEST BUFFER L10000, { 2, 1, 1000000, 1 } },
	{ "open", NL("0500") TCM(H40, P14) KIND NEST OPEN L10000, { 2, 2, 1000000, 1 } },
	{ }
};

#define PY(flags)	"3c000000 2400 " flags " SSSSSSSS PPPPPPPP " TCM(NONE, ROOT) KIND OPT

static const struct step pyroute2[] = {
	{ "tc('add', 'plug')",
	  "30000000 2400 0506 SSSSSSSS PPPPPPPP " TCM(NONE, ROOT) KIND, { 1, 0, DEFAULT, 0 } },
	{ "change, limit=10000, which is BUFFER", PY("0501") BUFFER L10000, { 2, 0, DEFAULT, 0 } },
	{ "change, TCQ_PLUG_RELEASE_ONE", PY("0501") RELEASE L0, { 2, 1, DEFAULT, 1 } },
	{ "change, TCQ_PLUG_LIMIT, limit=10000", PY("0501") LIMIT L10000, { 2, 1, 10000, 0 } },
	{ "replace, TCQ_PLUG_RELEASE_INDEFINITE", PY("0505") OPEN L0, { 2, 2, 10000, 3 } },
	{ }
};

/* ---- sending them ---- */

static size_t unhex(const char *hex, char *out)
{
	char pair[3] = "";
	size_t n = 0;
	__u32 ifindex = if_nametoindex(dev), port;
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);

	getsockname(nl, (void *)&addr, &len);
	port = addr.nl_pid;
	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		if (strchr("ISP", *hex)) {
			__u32 value = *hex == 'I' ? ifindex : *hex == 'P' ? port : 0;

			memcpy(out + n, &value, 4);
			n += 4;
			hex += 8;
			continue;
		}
		memcpy(pair, hex, 2);
		out[n++] = strtoul(pair, NULL, 16);
		hex += 2;
	}
	return n;
}

/* Sends the message @hex; returns 0 or a negative errno. Without NLM_F_ACK, the
 * command is executed when send() returns, and the kernel answers only if it refuses
 * the command.
 */
static int send_step(const char *hex)
{
	static char msg[256] __attribute__((aligned(4)));
	size_t len = unhex(hex, msg);
	struct nlmsghdr *nlh = (void *)msg;
	char answer[512];

	if (nlh->nlmsg_len != len)
		bail("a message of %zu bytes says %u", len, nlh->nlmsg_len);
	if (nlh->nlmsg_flags & NLM_F_ACK)
		return nl_raw(nl, msg, len, NULL);
	if (send(nl, msg, len, 0) < 0)
		return -errno;
	if (recv(nl, answer, sizeof(answer), MSG_DONTWAIT) >= 0)
		return -EPROTO;
	return 0;
}

static void play(const char *client, const struct step *step, __u32 parent)
{
	bool open = false;

	for (; step->what; step++) {
		diag("%s: %s", client, step->what);
		is_u64(-send_step(step->bytes), 0, "%s: %s", client, step->what);
		open = wire_after(&w, nl, dev, parent, &step->after);
	}
	if (open)
		is_u64(wire_recv(&w, 1), 1, "the last leaves");
}

/* Whether the output of tc -s, which these clients read, contains @what. */
static bool tc_says(const char *what)
{
	char line[256];
	bool found = false;
	FILE *tc;

	snprintf(line, sizeof(line), "tc -s qdisc show dev %s", dev);
	tc = popen(line, "r");
	while (tc && fgets(line, sizeof(line), tc))
		found |= strstr(line, what) != NULL;
	return tc && !pclose(tc) && found;
}

/* Agents in guests, migration and chaos tools. They create a plug without options,
 * send commands without flags, and delete the plug, in some cases with packets in
 * it. The test sends as many commands as such a tool in a few minutes.
 */
static void agents(void)
{
	struct tc_plug_qopt qopt = { };
	struct plug_msg add = {
		.dev = dev, .parent = TC_H_ROOT, .flags = NLM_F_CREATE | NLM_F_EXCL,
	}, change = {
		.dev = dev, .parent = TC_H_ROOT, .options = &qopt, .options_len = sizeof(qopt),
	}, del = {
		.dev = dev, .parent = TC_H_ROOT, .type = RTM_DELQDISC,
	};
	unsigned int i, got = 0, refused = 0;

	is_u64(-nl_request(nl, &add, NULL), 0, "agents: add without options");
	for (i = 0; i < 1000; i++) {
		wire_send(&w, 3, 100);
		qopt.action = TCQ_PLUG_BUFFER;
		refused += nl_request(nl, &change, NULL) != 0;
		qopt.action = TCQ_PLUG_RELEASE_ONE;
		refused += nl_request(nl, &change, NULL) != 0;
		got += wire_recv(&w, 3);
	}
	is_u64(refused, 0, "agents: 2000 commands");
	is_u64(got, 3000, "agents: each epoch leaves with its release");

	qopt.action = TCQ_PLUG_LIMIT;
	qopt.limit = 300;
	is_u64(-nl_request(nl, &change, NULL), 0, "agents: limit 300");
	is_u64(wire_send(&w, 5, 100), 3, "agents: three of five frames of 100 bytes fit");
	ok(tc_says("dropped 2") && tc_says("backlog 300b 3p"), "agents: tc tells both");
	is_u64(-nl_request(nl, &del, NULL), 0, "agents: delete");
	is_u64(wire_drain(&w, QUIET_MS), 0, "agents: I1: what was held does not leave");
	wire_send(&w, 2, 100);
	is_u64(wire_recv(&w, 2), 2, "agents: without plug packets pass");
}

static const struct client {
	const char *name;
	const struct step *steps;
	bool on_lo;		/* in band 4 of a prio on lo; else at the root of a dummy */
} clients[] = {
	{ "tc", tc, false },
	{ "tc-handle", tc_handle, false },
	{ "libnl", libnl, false },
	{ "libnl-old", libnl_old, false },
	{ "xen", xen, false },
	{ "micro-checkpointing", microcheckpointing, false },
	{ "haproxy", haproxy, true },
	{ "yelp", yelp, true },
	{ "pyroute2", pyroute2, false },
	{ "agents", NULL, false },
};

/* On lo a packet socket sees each frame twice. Here it sees the frame only when it
 * comes back, not when it leaves.
 */
static void device_open(const struct client *c)
{
	int one = 1;

	dev = c->on_lo ? "lo" : "pa";
	plug_forget();
	if (c->on_lo)
		must("ip link set lo up && tc qdisc add dev lo root handle 1: prio bands 4 "
		     "priomap 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3");
	else
		dummy_make(dev);
	wire_open(&w, dev);
	if (c->on_lo && setsockopt(w.rx, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)))
		bail("PACKET_IGNORE_OUTGOING: %s", strerror(errno));
}

static void device_close(const struct client *c)
{
	wire_close(&w);
	if (c->on_lo)
		must("tc qdisc del dev lo root");
	else
		link_delete(dev);
}

static void drive(const struct client *c)
{
	device_open(c);
	if (c->steps)
		play(c->name, c->steps, c->on_lo ? 0x10004 : TC_H_ROOT);
	else
		agents();
	is_u64(w.reordered, 0, "I2: in order, each once");
	device_close(c);
}

int main(int argc, char **argv)
{
	size_t i;

	nl = nl_open();
	for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (argc < 2 || !strcmp(argv[1], clients[i].name))
			drive(&clients[i]);
	return done_testing();
}
