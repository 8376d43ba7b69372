// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a packet or a command costs more the more a plug holds: 100 to a million
 * packets, 100 to 100,000 epochs that wait, and as many as 1,000 plugs on the host.
 * Which memory a held packet and a waiting epoch take. And what it costs to
 * learn the state of one plug on a host with 1,000 other devices.
 *
 *	growth SIZE MODULE
 *
 * MODULE is ours or intree. The in-tree module cannot keep more than two epochs
 * apart and has no numbers to tell of, so it is asked for less. Frames have SIZE
 * bytes. Prints "figure VALUE NAME..." lines, see figure():
 *
 *	command COMMAND WAY PACKETS EPOCHS PLUGS
 *	packet in|out MODULE PACKETS EPOCHS PLUGS
 *	memory packet|epoch MODULE
 *	host qdiscs|plugs|get
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "command.h"
#include "count.h"
#include "setup.h"

#define DEV	"pa"
#define LIMIT	1000000000

enum { SAMPLES = 15, FEW_EPOCHS = 100 };

/* How much is there while something is measured. */
struct state {
	unsigned int packets, epochs, plugs;
};

static int nl, tx;
static bool ours;
static const char *module;
static struct control control;
static unsigned int frame_size;

static void issue_action(int action)
{
	struct command c = command(DEV, action);

	exchange(nl, &c.nlh);
}

static unsigned int held(void)
{
	return plug_get(nl, DEV).qlen;
}

/* With one processor, whoever drains the queue has done so when it is our turn
 * again.
 */
static void let_it_drain(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		sched_yield();
}

static void expect_held(unsigned int packets, const char *when)
{
	if (held() != packets)
		bail("%u packets are held %s, not %u", held(), when, packets);
}

/* A million packets take longer than a second of the VM's time. */
static void empty(void)
{
	unsigned int seconds = 10;

	issue_action(TCQ_PLUG_RELEASE_INDEFINITE);
	do
		sleep_ms(1000);
	while (held() && --seconds);
	expect_held(0, "by an open plug");
}

/* Closes the plug. The epochs that wait are empty, and all packets are in the one
 * being filled: nothing is drained while commands are counted.
 */
static void fill(const struct state *s)
{
	struct command buffer = command(DEV, TCQ_PLUG_BUFFER);
	unsigned int i;

	for (i = 0; i <= s->epochs; i++)
		exchange(nl, &buffer.nlh);
	send_frames(tx, frame_size, s->packets);
	expect_held(s->packets, "after they were sent");
}

/* ---- commands ---- */

static void command_figure(double instructions, const char *action, const char *way,
			   const struct state *s)
{
	figure(instructions, "command %s %s %u %u %u", action, way, s->packets,
	       s->epochs, s->plugs);
}

/* ask: exchange() or dump() */
static double cost_of(void (*ask)(int fd, struct nlmsghdr *nlh), int fd,
		      struct nlmsghdr *nlh)
{
	__u64 v[SAMPLES], start;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		start = instructions();
		ask(fd, nlh);
		v[i] = instructions() - start;
	}
	return median(v, SAMPLES);
}

/* Each names the epoch that is the oldest then. */
static double cost_of_upto(__u64 id)
{
	struct family_command c = family_change(&control, id, TCQ_PLUG_RELEASE_UPTO);
	__u64 last = control_find(&control, DEV, TC_H_ROOT).released;
	__u64 v[SAMPLES], start;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		last++;
		memcpy(c.last, &last, sizeof(last));
		start = instructions();
		exchange(control.nl, &c.nlh);
		v[i] = instructions() - start;
	}
	return median(v, SAMPLES);
}

static void measure_family(const struct state *s)
{
	const __u64 id = control_find(&control, DEV, TC_H_ROOT).id;
	struct family_command buffer = family_change(&control, id, TCQ_PLUG_BUFFER);
	struct family_command release = family_change(&control, id, TCQ_PLUG_RELEASE_ONE);
	struct family_command buffer_echo = family_echo(buffer);
	struct family_command release_echo = family_echo(release);
	struct family_command get = family_get(&control, id);

	command_figure(cost_of(exchange, control.nl, &buffer.nlh), "BUFFER", "family", s);
	command_figure(cost_of(exchange, control.nl, &release.nlh), "RELEASE_ONE", "family", s);
	command_figure(cost_of_upto(id), "RELEASE_UPTO", "family", s);
	command_figure(cost_of(exchange, control.nl, &buffer_echo.nlh), "BUFFER",
		       "family-echo", s);
	command_figure(cost_of(exchange, control.nl, &release_echo.nlh), "RELEASE_ONE",
		       "family-echo", s);
	command_figure(cost_of(exchange, control.nl, &get.nlh), "GET", "family", s);
}

static void measure_commands(const struct state *s)
{
	struct command buffer = command(DEV, TCQ_PLUG_BUFFER);
	struct command release = command(DEV, TCQ_PLUG_RELEASE_ONE);
	struct command limit = command(DEV, TCQ_PLUG_LIMIT);
	struct qdisc_dump qdiscs = qdisc_dump(DEV);

	limit.qopt.limit = LIMIT;
	fill(s);
	command_figure(cost_of(exchange, nl, &buffer.nlh), "BUFFER", module, s);
	command_figure(cost_of(exchange, nl, &release.nlh), "RELEASE_ONE", module, s);
	command_figure(cost_of(exchange, nl, &limit.nlh), "LIMIT", module, s);
	if (ours)
		measure_family(s);
	/* Of all devices, on some kernels: that grows with them, not with plugs. */
	if (s->plugs == 1)
		command_figure(cost_of(dump, nl, &qdiscs.nlh), "dump", module, s);
	expect_held(s->packets, "after the commands");
	empty();
}

/* ---- packets ---- */

/* So few that the allocator serves them out of what each processor keeps. */
enum { CHUNK = 32, RUNS = 7, SMALL = 32, LARGE = 192 };

/* A whole send() on a packet socket, on top of what is held already. */
static double cost_of_entering(void)
{
	__u64 v[RUNS], start;
	unsigned int i;

	for (i = 0; i < RUNS; i++) {
		start = instructions();
		send_frames(tx, frame_size, CHUNK);
		v[i] = instructions() - start;
	}
	return median(v, RUNS) / CHUNK;
}

static __u64 cost_of_release(unsigned int packets)
{
	const unsigned int before = held();
	__u64 start = instructions();

	issue_action(TCQ_PLUG_RELEASE_ONE);
	let_it_drain();
	start = instructions() - start;
	expect_held(before - packets, "after a release");
	return start;
}

/* A small and a large epoch at the head are released; the rest stays behind them.
 * The difference leaves out the command. The in-tree module cannot keep as many
 * epochs apart, and is not asked.
 */
static void measure_packets(const struct state *s)
{
	__u64 small[RUNS], large[RUNS];
	unsigned int i;

	issue_action(TCQ_PLUG_BUFFER);
	for (i = 0; i < RUNS; i++) {
		send_frames(tx, frame_size, SMALL);
		issue_action(TCQ_PLUG_BUFFER);
		send_frames(tx, frame_size, LARGE);
		issue_action(TCQ_PLUG_BUFFER);
	}
	for (i = 0; i < s->epochs; i++)
		issue_action(TCQ_PLUG_BUFFER);
	send_frames(tx, frame_size, s->packets);

	for (i = 0; i < RUNS; i++) {
		small[i] = cost_of_release(SMALL);
		large[i] = cost_of_release(LARGE);
	}
	figure((median(large, RUNS) - median(small, RUNS)) / (LARGE - SMALL),
	       "packet out %s %u %u %u", module, s->packets, s->epochs, s->plugs);
	expect_held(s->packets, "behind what was released");
	figure(cost_of_entering(), "packet in %s %u %u %u", module, s->packets,
	       s->epochs, s->plugs);
	empty();
}

static void measure(const struct state *s)
{
	measure_commands(s);
	if (ours)
		measure_packets(s);
}

/* ---- memory ---- */

/* Bytes of all objects in use, as SLUB knows them: it counts what a processor has
 * at hand as in use, so give that back first.
 */
static __u64 slab_bytes(void)
{
	unsigned long active, total, size;
	char line[512], name[64];
	__u64 bytes = 0;
	FILE *file;

	must("for cache in /sys/kernel/slab/*; do echo 1 > $cache/shrink || exit; done");
	file = fopen("/proc/slabinfo", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu %lu %lu", name, &active, &total, &size) == 4)
			bytes += (__u64)active * size;
	if (!file || !bytes)
		bail("/proc/slabinfo: %s", strerror(errno));
	fclose(file);
	return bytes;
}

enum { MANY = 100000 };

/* What a list needs beside the packets themselves shows as the difference between
 * the two modules: the in-tree one links the packets to each other and has nothing
 * else.
 */
static void measure_memory(void)
{
	struct state s = { MANY, 0, 1 };
	__u64 before = slab_bytes();

	fill(&s);
	figure((double)(__s64)(slab_bytes() - before) / MANY, "memory packet %s", module);
	empty();
	if (!ours)
		return;
	s = (struct state){ 0, MANY, 1 };
	/* Once before, for what the messages themselves leave in the caches. */
	fill(&s);
	empty();
	before = slab_bytes();
	fill(&s);
	figure((double)(__s64)(slab_bytes() - before) / MANY, "memory epoch %s", module);
	empty();
}

/* ---- a host with many devices ---- */

static void make_devices(unsigned int n, const char *command)
{
	FILE *file = fopen("/tmp/devices", "w");
	unsigned int i;

	for (i = 0; file && i < n; i++)
		fprintf(file, "link add many%u group 7 up type dummy\n", i);
	if (!file || fclose(file))
		bail("/tmp/devices: %s", strerror(errno));
	must("ip -b /tmp/devices");
	file = fopen("/tmp/plugs", "w");
	for (i = 0; file && command && i < n; i++)
		fprintf(file, command, i);
	if (!file || fclose(file))
		bail("/tmp/plugs: %s", strerror(errno));
	must("tc -b /tmp/plugs");
	sleep_ms(1000);
}

static void remove_devices(void)
{
	must("ip link del group 7");
	sleep_ms(1000);
}

static void measure_plugs(unsigned int plugs)
{
	const struct state s = { 100, FEW_EPOCHS, plugs };

	make_devices(plugs - 1, "qdisc add dev many%u root plug\n");
	measure(&s);
	remove_devices();
}

/* How to learn the state of one plug. RTM_GETQDISC with the device's number is
 * answered with all qdiscs of the host by 6.1, and with the device's by 7.3.
 */
static void measure_host(void)
{
	const __u64 id = control_find(&control, DEV, TC_H_ROOT).id;
	struct family_command get = family_get(&control, id);
	struct family_dump plugs = family_dump(&control, DEV);
	struct qdisc_dump qdiscs = qdisc_dump(DEV);

	make_devices(1000, NULL);
	figure(cost_of(dump, nl, &qdiscs.nlh), "host qdiscs");
	figure(cost_of(dump, control.nl, &plugs.nlh), "host plugs");
	figure(cost_of(exchange, control.nl, &get.nlh), "host get");
	remove_devices();
}

/* ---- */

static void measure_growth(void)
{
	unsigned int n;

	for (n = 100; n <= 1000000; n *= 10)
		measure(&(struct state){ n, FEW_EPOCHS, 1 });
	if (!ours)
		return;
	for (n = 10 * FEW_EPOCHS; n <= 100000; n *= 10)
		measure(&(struct state){ 100, n, 1 });
	for (n = 10; n <= 1000; n *= 10)
		measure_plugs(n);
	measure_host();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail("usage: growth SIZE ours|intree");
	frame_size = atoi(argv[1]);
	module = argv[2];
	ours = !strcmp(module, "ours");
	nl = nl_open();
	dummy_make(DEV);
	must("%s", ours ? "modprobe sch_plug" : "insmod $PLUG_INTREE_KO");
	must("tc qdisc add dev " DEV " root handle 1: plug limit %u", LIMIT);
	/* Only our module has a family. */
	if (control_try_open(&control) != ours)
		bail("this is not the module it should be");
	tx = frame_socket(DEV);
	/* A kernel goes on booting for a while, in threads of its own. */
	sleep_ms(30000);
	settle_allocator();
	count_check();
	measure_growth();
	measure_memory();
	if (ours)
		control_close(&control);
	link_delete(DEV);
	must("rmmod sch_plug");
	ok(true, "measured");
	return done_testing();
}
