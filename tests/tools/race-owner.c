// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An owner that ends while it is busy: its threads send commands to the plug
 * through the family, and packets are sent. At a random moment the process or its
 * control group is killed, or it ends together with its network namespace. The
 * action that it requested with OWN must then be done, exactly once.
 *
 * A namespace does not end while a plug in it holds packets of the namespace's own
 * sockets (race-gone.c). So if an owner ends with its namespace, and its action is
 * not done, the module cannot be unloaded. No packets are sent there if the action
 * is to keep them.
 *
 *	race-owner [SECONDS] (10) and until each end occurred with each action
 */
#include "control.h"
#include "traffic.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DEV		"pa"
#define GROUP		"/tmp/groups/owner"
#define COMMANDERS	3
#define CHOICES		3

enum ending { KILLED, GROUP_KILLED, NAMESPACE, ENDINGS };

static const char *const endings[ENDINGS] = {
	"is killed", "is killed with its control group", "ends with its namespace",
};

static const char *const choices[CHOICES] = {
	[SCH_PLUG_AT_EXIT_KEEP] = "keep", [SCH_PLUG_AT_EXIT_OPEN] = "open",
	[SCH_PLUG_AT_EXIT_DISCARD] = "discard",
};

static struct control c;
static struct wire w;
static int nl;
static _Atomic bool stop;
static _Atomic __u64 sent;
static __u64 left;
static unsigned int rounds[ENDINGS][CHOICES];
static unsigned int bad_states, uncounted, leaks, bad_ends, stuck;

static void complain(unsigned int *count, const char *what, __u32 choice)
{
	if (!(*count)++)
		diag("%s: %s", choices[choice], what);
}

/* ---- the owner ---- */

static void *command(void *arg)
{
	struct control own = control_open();
	__u64 id = *(__u64 *)arg, seed = now_ns() | 1;
	struct control_reply reply;

	for (;;)
		if (control_do(&own, id, TCQ_PLUG_BUFFER, &reply) ||
		    (!dice(&seed, 3) &&
		     control_upto(&own, id, TCQ_PLUG_RELEASE_UPTO, reply.state.epoch - 1,
				  &reply)))
			_exit(3);
	return NULL;
}

static void *send_on(void *arg)
{
	for (;;)
		wire_send(arg, 10, 100);
	return NULL;
}

/* Makes a plug in a new network namespace, which only the owner uses. Returns its
 * id.
 */
static __u64 plug_of_its_own(__u32 choice)
{
	static struct wire own;
	struct control n;
	__u64 id;

	if (!network_namespace() ||
	    quiet_sh("ip link add " DEV " type dummy && ip link set " DEV " up && tc qdisc add dev " DEV " root plug"))
		_exit(4);
	n = control_open();
	id = control_find(&n, DEV, TC_H_ROOT).id;
	control_close(&n);
	if (choice != SCH_PLUG_AT_EXIT_KEEP) {
		wire_open(&own, DEV);
		thread(send_on, &own);
	}
	return id;
}

static void owner(__u64 id, __u32 choice, enum ending how, int ready)
{
	struct control own;
	unsigned int i;

	if (how == GROUP_KILLED && !put(GROUP "/cgroup.procs", "0"))
		_exit(5);
	if (how == NAMESPACE)
		id = plug_of_its_own(choice);
	own = control_open();
	if (control_own(&own, id, choice, NULL))
		_exit(6);
	for (i = 0; i < COMMANDERS; i++)
		thread(command, &id);
	if (write(ready, "", 1) != 1)
		_exit(7);
	for (;;)
		pause();
}

/* Starts an owner, waits a moment, and ends it; false: it ended by itself. */
static bool let_end(__u64 id, __u32 choice, enum ending how)
{
	int ready[2], status = 0;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		bail("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		owner(id, choice, how, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		usleep(now_ns() % 30000);
	close(ready[0]);
	if (how != GROUP_KILLED)
		kill(pid, SIGKILL);
	else if (!put(GROUP "/cgroup.kill", "1"))
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (!bad_ends++)
		diag("an owner that %s: status %#x", endings[how], status);
	return false;
}

/* ---- packets ---- */

static void *sender_main(void *arg)
{
	while (!atomic_load(&stop)) {
		wire_send(&w, 4, 100);
		atomic_fetch_add(&sent, 4);
		usleep(500);
	}
	return NULL;
}

/* Packets that were sent, but neither left, nor were dropped, nor are held. */
static __u64 missing(__u64 id)
{
	struct plug_state st;

	left += wire_drain(&w, 1);
	if (!qdisc_get(nl, DEV, TC_H_ROOT, &st))
		bail("no plug %llu", id);
	return atomic_load(&sent) - left - st.drops - st.qlen;
}

static void account(__u64 id, __u32 choice)
{
	struct hope hope = { 0 };

	while (missing(id))
		if (!hopeful(left, &hope)) {
			complain(&uncounted, "packets are not accounted for", choice);
			return;
		}
}

/* Whether all packets that must leave have left: all if the plug was opened,
 * otherwise the released ones. control_find() reads a dump, which has the epoch of
 * the oldest packet held.
 */
static bool has_left(__u32 choice)
{
	struct control_state st = control_find(&c, DEV, TC_H_ROOT);

	if (choice == SCH_PLUG_AT_EXIT_OPEN)
		return !st.qlen;
	return !st.head_epoch || st.head_epoch > st.released;
}

static void check_packets(__u64 id, __u32 choice)
{
	struct hope hope = { 0 };

	while (!has_left(choice)) {
		left += wire_drain(&w, 1);
		if (!hopeful(left, &hope)) {
			complain(&stuck, "packets stay that were released", choice);
			return;
		}
	}
	account(id, choice);
	if (wire_drain(&w, QUIET_MS))
		complain(&leaks, "packets left that were not released", choice);
}

/* ---- checks after the end ---- */

static bool is_done(const struct control_state *st, __u32 choice)
{
	const __u64 *n = st->stats;

	if ((st->has & (1 << SCH_PLUG_A_OWNER)) ||
	    n[SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS] != (choice == SCH_PLUG_AT_EXIT_OPEN) ||
	    n[SCH_PLUG_A_STATS_DISCARD_CMDS] != (choice == SCH_PLUG_AT_EXIT_DISCARD))
		return false;
	switch (choice) {
	case SCH_PLUG_AT_EXIT_OPEN:
		return st->released == st->epoch;
	case SCH_PLUG_AT_EXIT_DISCARD:
		return st->released + 1 == st->epoch;
	}
	return st->released < st->epoch;
}

static void check_state(__u64 id, __u32 choice)
{
	struct control_state st = control_look(&c, id), later;
	struct control next;

	if (!is_done(&st, choice))
		complain(&bad_states, "not that, or not once, or not all", choice);
	next = control_open();
	if (control_own(&next, id, SCH_PLUG_AT_EXIT_KEEP, NULL))
		complain(&bad_states, "the next cannot own it", choice);
	control_close(&next);
	later = control_look(&c, id);
	if (later.epoch != st.epoch || later.released != st.released ||
	    later.commands != st.commands)
		complain(&bad_states, "and goes on", choice);
}

/* ---- a round ---- */

static void plug_and_end(__u32 choice, enum ending how)
{
	pthread_t sender;
	__u64 id;

	dummy_make(DEV);
	must("tc qdisc add dev " DEV " root plug limit 100000000");
	c = control_open();
	id = control_find(&c, DEV, TC_H_ROOT).id;
	wire_open(&w, DEV);
	sent = left = 0;
	stop = false;
	sender = thread(sender_main, NULL);
	if (let_end(id, choice, how)) {
		check_state(id, choice);
		rounds[how][choice]++;
	}
	stop = true;
	pthread_join(sender, NULL);
	check_packets(id, choice);
	wire_close(&w);
	control_close(&c);
	link_delete(DEV);
}

static void round_of(__u32 choice, enum ending how)
{
	if (how != NAMESPACE)
		plug_and_end(choice, how);
	else if (let_end(0, choice, how))
		rounds[how][choice]++;
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
	return false;
}

static bool have_group_kill(void)
{
	mkdir("/tmp/groups", 0755);
	if (mount("none", "/tmp/groups", "cgroup2", 0, NULL) || mkdir(GROUP, 0755))
		return false;
	return !access(GROUP "/cgroup.kill", W_OK);
}

static void report(enum ending how)
{
	unsigned int i;

	for (i = 0; i < CHOICES; i++)
		ok(rounds[how][i], "%u times: an owner %s, %s", rounds[how][i], endings[how],
		   choices[i]);
}

int main(int argc, char **argv)
{
	__u64 end = now_ns() + (argc > 1 ? atoi(argv[1]) : 10) * 1000000000ULL;
	bool groups = have_group_kill();
	unsigned int how, i;

	nl = nl_open();
	do {
		for (how = 0; how < ENDINGS; how++)
			for (i = 0; i < CHOICES && (groups || how != GROUP_KILLED); i++)
				round_of(i, how);
	} while (now_ns() < end && !bad_ends);
	for (how = 0; how < ENDINGS; how++)
		if (groups || how != GROUP_KILLED)
			report(how);
	if (!groups)
		skip("no cgroup.kill in this kernel");
	is_u64(bad_ends, 0, "each ended when it was killed, and not before");
	is_u64(bad_states, 0, "what was asked for was done, once, and nothing else");
	is_u64(uncounted, 0, "I3: every packet is accounted for");
	is_u64(leaks, 0, "I1: what was not released does not leave");
	is_u64(stuck, 0, "I5: what was released leaves");
	ok(unloads(), "I3: nothing holds the module at the end");
	return done_testing();
}
