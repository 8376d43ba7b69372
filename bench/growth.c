// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures whether a packet or a command costs more if a plug holds more: 100 to a
 * million packets, 100 to 100,000 waiting epochs, and up to 1,000 plugs on the host.
 * Also measures how much memory a held packet and a waiting epoch take, and what it
 * costs to learn the state of one plug on a host with 1,000 other devices.
 *
 *	growth SIZE MODULE
 *
 * MODULE is ours or intree. The in-tree module cannot keep more than two epochs
 * apart and does not report them, so less is measured. Frames have SIZE bytes.
 * Prints "figure VALUE NAME..." lines, see figure():
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

/* What there is while something is measured; @epochs are those that wait. */
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

/* Waits until the queue is drained. There is one processor, so that is done when this
 * process runs again.
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

/* Opens the plug and waits until it is empty. A million packets take more than a
 * second of the VM's time.
 */
static void empty(void)
{
	unsigned int seconds = 10;

	issue_action(TCQ_PLUG_RELEASE_INDEFINITE);
	do
		sleep_ms(1000);
	while (held() && --seconds);
	expect_held(0, "by an open plug");
}

/* Closes the plug and fills it. The epochs that wait are empty, and all packets are in
 * the one being filled, so that nothing is drained while commands are counted.
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

/* Returns the instructions of @ask, which is exchange() or dump(). */
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

/* The same for RELEASE_UPTO. Each command names the oldest epoch that waits. */
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
	/* Some kernels dump all devices. With more plugs there are more devices. */
	if (s->plugs == 1)
		command_figure(cost_of(dump, nl, &qdiscs.nlh), "dump", module, s);
	expect_held(s->packets, "after the commands");
	empty();
}

/* ---- packets ---- */

/* CHUNK is so small that the allocator serves it from what a processor keeps. */
enum { CHUNK = 32, RUNS = 7, SMALL = 32, LARGE = 192 };

/* Returns the instructions of a whole send() into a plug that holds packets. */
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

/* Releases small and large epochs at the head; the rest stays behind them. The
 * difference between large and small leaves out the command. Not for the in-tree
 * module, which cannot keep so many epochs apart.
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

/* Returns the bytes of all slab objects in use. SLUB also counts objects that a
 * processor keeps for later, so it has to give those back first.
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

/* The in-tree module only links the packets to each other. If ours needs more memory
 * than that for a packet, it shows as a difference between the two.
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
	/* Do the same before counting, because messages leave objects in the caches. */
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

/* Measures three ways to learn the state of one plug. To RTM_GETQDISC with the number
 * of a device, 6.1 answers with all qdiscs of the host, 7.3 with those of the device.
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
	/* Wait: the kernel goes on booting for a while, in threads of its own. */
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
