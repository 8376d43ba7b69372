// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a plug while it is in use: its device is removed or moved to another
 * network namespace, or its namespace ends, while senders run on all processors,
 * commands and dumps go on, and packets are held. Meanwhile a thread tries to
 * unload the module. There must be no report in the kernel log, which the harness
 * checks. No use count and no packet may stay: at the end it must be possible to
 * unload the module (I3).
 *
 * A packet in a qdisc keeps its socket, and a socket keeps its namespace. So a
 * namespace does not end while a plug in it holds packets of the namespace's own
 * sockets, with any module. It does end if the packets come from elsewhere, for
 * example from a virtual machine. If the namespace has to end by itself in a round,
 * mirred makes such packets.
 *
 *	race-gone [SECONDS]	(10)
 */
#include "race.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/if_ether.h>

static const char *const ends[] = {
	"the process exits, and its namespace with it",
	"the process is killed",
	"the device is deleted",
	"the device is moved to another namespace",
	"the plug is deleted, then the device",
};

#define ENDS (sizeof(ends) / sizeof(ends[0]))

static _Atomic bool stop;
static _Atomic __u64 unloaded, in_use;
static _Atomic unsigned int failed_in_a_row;
static unsigned int failed_adds;

/* ---- in a separate namespace: only answers are checked here ---- */

static void *flood(void *arg)
{
	struct wire *w = arg;

	for (;;)
		wire_send(w, 10, 60 + now_ns() % 1000);
	return NULL;
}

static void *ask(void *arg)
{
	struct plug_state st;
	int nl = nl_open();

	for (;;)
		qdisc_get(nl, "pg", TC_H_ROOT, &st);
	return NULL;
}

static void *command(void *arg)
{
	struct commander c;
	__u64 seed = now_ns() | 1;

	commander_open(&c, "pg");
	c.way = BY_CHANCE;
	for (;;) {
		int action = dice(&seed, 7), err;

		action = action == 3 ? TCQ_PLUG_BUFFER : action == 4 ? TCQ_PLUG_DISCARD :
			 action == 5 ? TCQ_PLUG_RELEASE_UPTO : action == 6 ? TCQ_PLUG_BUFFER : action;
		err = commander_say(&c, action, dice(&seed, 100));
		/* EINVAL: the epoch has not ended; the others: the plug is gone. */
		if (err && err != -EINVAL && err != -ENODEV && err != -ENOENT) {
			diag("action %d was answered with %d", action, err);
			_exit(3);
		}
	}
	return NULL;
}

static void child(unsigned int how, unsigned int cpus)
{
	static struct wire wires[8];
	bool elsewhere = how < 2;	/* packets are not of our sockets; see above */
	unsigned int i;

	if (unshare(CLONE_NEWNET))
		_exit(4);
	if (quiet_sh("ip link add pg type dummy && ip link set pg up"))
		_exit(5);
	/* Several tries: the module may be unloaded after the kernel has found it,
	 * but before the kernel uses it.
	 */
	for (i = 0; i < 50; i++)
		if (!quiet_sh("tc qdisc add dev pg root handle 1: plug limit 1000000 2> /dev/null"))
			break;
	if (i == 50)
		_exit(6);
	if (elsewhere &&
	    quiet_sh("ip link add pd type dummy && ip link set pd up && tc qdisc add dev pd clsact && tc filter add dev pd egress matchall action mirred egress mirror dev pg"))
		_exit(8);
	for (i = 0; i < cpus && i < 8; i++) {
		wire_open(&wires[i], elsewhere ? "pd" : "pg");
		thread(flood, &wires[i]);
	}
	thread(command, NULL);
	thread(ask, NULL);
	sleep_ms(50 + now_ns() % 200);
	switch (how) {
	case 1:
		raise(SIGKILL);
		break;
	case 2:
		quiet_sh("ip link del pg");
		break;
	case 3:
		if (quiet_sh("ip link set pg netns %d", getppid()))
			_exit(7);
		break;
	case 4:
		quiet_sh("tc qdisc del dev pg root; ip link del pg");
		break;
	}
	sleep_ms(20);
	_exit(0);
}

/* ---- outside ---- */

static void *unload(void *arg)
{
	while (!atomic_load(&stop)) {
		if (!syscall(SYS_delete_module, "sch_plug", O_NONBLOCK)) {
			atomic_fetch_add(&unloaded, 1);
			/* Give the others time to load the module again. */
			sleep_ms(300 * (1 + atomic_load(&failed_in_a_row)));
		} else if (errno == EWOULDBLOCK || errno == EBUSY) {
			atomic_fetch_add(&in_use, 1);
		}
		usleep(3000);
	}
	return NULL;
}

/* Waits until the module can be unloaded: a namespace is cleaned up in the
 * background after the process has left it.
 */
static bool unloads(void)
{
	__u64 end = now_ns() + 30000000000ULL;

	while (now_ns() < end) {
		if (!syscall(SYS_delete_module, "sch_plug", O_NONBLOCK) || errno == ENOENT)
			return true;
		sleep_ms(20);
	}
	diag("delete_module: %s", strerror(errno));
	sh("lsmod; ls /sys/class/net");
	return false;
}

static void still_works(void)
{
	struct wire w;
	int nl = nl_open();

	dummy_make("pa");
	must("tc qdisc add dev pa root plug");
	wire_open(&w, "pa");
	wire_send(&w, 5, 100);
	is_u64(wire_drain(&w, QUIET_MS), 0, "a new plug, loaded again, holds");
	plug_cmd(nl, "pa", TCQ_PLUG_RELEASE_INDEFINITE, 0);
	is_u64(wire_recv(&w, 5), 5, "and releases");
	link_delete("pa");
}

static bool all_done(const unsigned int *done)
{
	unsigned int i;

	for (i = 0; i < ENDS; i++)
		if (!done[i])
			return false;
	return true;
}

int main(int argc, char **argv)
{
	__u64 end = now_ns() + (argc > 1 ? atoi(argv[1]) : 10) * 1000000000ULL;
	unsigned int rounds = 0, bad = 0, done[ENDS] = { }, i;
	pthread_t unloader = thread(unload, NULL);
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (now_ns() < end || (!all_done(done) && bad < 20)) {
		unsigned int how = rounds++ % ENDS;

		fflush(stdout);
		pid = fork();
		if (!pid)
			child(how, sysconf(_SC_NPROCESSORS_ONLN));
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && !WEXITSTATUS(status)) {
			done[how]++;
		} else if (how == 1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
			done[how]++;
		} else if (WIFEXITED(status) && WEXITSTATUS(status) == 6) {
			failed_adds++;
			atomic_fetch_add(&failed_in_a_row, 1);
			continue;
		} else {
			diag("round %u (%s): status %#x", rounds, ends[how], status);
			bad++;
		}
		atomic_store(&failed_in_a_row, 0);
		quiet_sh("[ ! -e /sys/class/net/pg ] || ip link del pg");
	}
	atomic_store(&stop, true);
	pthread_join(unloader, NULL);

	diag("%u rounds; the module was unloaded %llu times and in use %llu times; %u times it was gone whenever it was wanted",
	     rounds, unloaded, in_use, failed_adds);
	for (i = 0; i < ENDS; i++)
		ok(done[i] > 0, "%u times: %s", done[i], ends[i]);
	is_u64(bad, 0, "nothing unexpected was answered");
	ok(in_use > 0, "a module in use was asked to go, and stayed");
	ok(unloads(), "I3: nothing holds the module at the end");
	still_works();
	return done_testing();
}
