// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a command takes while other processes change devices. A pair of BUFFER
 * and RELEASE_ONE is sent each 200.1 us: by the family and by RTM_NEWQDISC, to our
 * module and to the kernel's own. The VM counts instructions (count.h), so a
 * nanosecond here is an instruction, and nothing depends on the host.
 *
 *	latency ROUNDS [WAY [SCENE]]
 *
 * A round measures each way in each scene once, or only those that are named. Prints
 * "figure VALUE NAME..." lines, see figure(), for all rounds together, and the
 * preemption that the kernel has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/ethtool_netlink.h>
#include <linux/if_link.h>

#include "command.h"
#include "count.h"

#define DEV		"pa"
#define OTHER_MODULE	"/other_family.ko"
#define GROUP		7
#define DEVICES		200
/* In nanoseconds. The 4 ms between timer interrupts are no multiple of it, so that
 * these hit every part of a pair in turn.
 */
#define PERIOD		200100
#define PRIORITY	50

enum { PAIRS = 2500, MAX_ROUNDS = 10 };

static int nl;
static struct control control;
static volatile bool *stop;	/* shared with the processes of a storm */

/* ---- messages to rtnetlink and to other families ---- */

struct message {
	union {
		struct nlmsghdr nlh;
		char	buf[512];
	};
};

static void *message_put(struct message *m, const void *data, size_t len)
{
	char *at = m->buf + NLMSG_ALIGN(m->nlh.nlmsg_len);

	memset(at, 0, NLMSG_ALIGN(len));
	if (data)
		memcpy(at, data, len);
	m->nlh.nlmsg_len = at + len - m->buf;
	return at;
}

static void message_attr(struct message *m, __u16 type, const void *data, size_t len)
{
	m->nlh.nlmsg_len = NLMSG_ALIGN(m->nlh.nlmsg_len);
	m->nlh.nlmsg_len += attr_at(m->buf + m->nlh.nlmsg_len, type, data, len);
}

static struct message message(__u16 type, __u16 flags)
{
	struct message m = {
		.nlh = {
			.nlmsg_len = NLMSG_HDRLEN,
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
	};

	return m;
}

static struct message link_message(__u16 type, __u16 flags, const struct ifinfomsg *ifi)
{
	struct message m = message(type, NLM_F_ACK | flags);

	message_put(&m, ifi, sizeof(*ifi));
	return m;
}

static __u16 family_number(int fd, const char *name)
{
	struct genlmsghdr genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct message m = message(GENL_ID_CTRL, 0);
	char buf[16384], *at, *end;
	ssize_t got;

	message_put(&m, &genl, sizeof(genl));
	message_attr(&m, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	if (send(fd, &m, m.nlh.nlmsg_len, 0) < 0)
		bail("send: %s", strerror(errno));
	got = recv(fd, buf, sizeof(buf), 0);
	end = buf + got;
	for (at = buf + NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN < end;) {
		const struct nlattr *nla = (const void *)at;
		__u16 number;

		memcpy(&number, at + NLA_HDRLEN, sizeof(number));
		if (nla->nla_type == CTRL_ATTR_FAMILY_ID)
			return number;
		at += NLA_ALIGN(nla->nla_len);
	}
	bail("no family %s", name);
}

/* ---- storms: processes that change devices ---- */

/* Creates and deletes veth pairs, one by one. */
static void veth_pairs(void)
{
	const struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP }, any = {};
	struct message add = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up);
	struct message del = link_message(RTM_DELLINK, 0, &any);
	char kind[NLA_HDRLEN + 8];
	int fd = nl_open();

	message_attr(&add, IFLA_IFNAME, "storm", 6);
	message_attr(&add, IFLA_LINKINFO, kind,
		     attr_at(kind, IFLA_INFO_KIND, "veth", 5));
	message_attr(&del, IFLA_IFNAME, "storm", 6);
	while (!*stop) {
		exchange(fd, &add.nlh);
		exchange(fd, &del.nlh);
	}
}

/* Creates devices one by one, and deletes all of them at once. */
static void delete_group(void)
{
	const struct ifinfomsg any = {};
	struct message add = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any);
	struct message del = link_message(RTM_DELLINK, 0, &any);
	const __u32 group = GROUP;
	char kind[NLA_HDRLEN + 8];
	int fd = nl_open(), i;

	message_attr(&add, IFLA_GROUP, &group, sizeof(group));
	message_attr(&add, IFLA_LINKINFO, kind,
		     attr_at(kind, IFLA_INFO_KIND, "dummy", 6));
	message_attr(&del, IFLA_GROUP, &group, sizeof(group));
	while (!*stop) {
		for (i = 0; i < DEVICES; i++)
			exchange(fd, &add.nlh);
		exchange(fd, &del.nlh);
	}
}

/* Loads and unloads a module that has a generic netlink family. */
static void load_module(void)
{
	int fd = open(OTHER_MODULE, O_RDONLY | O_CLOEXEC);

	while (!*stop)
		if (syscall(SYS_finit_module, fd, "", 0) ||
		    syscall(SYS_delete_module, "other_family", O_NONBLOCK))
			bail(OTHER_MODULE ": %s", strerror(errno));
}

/* Sends requests to another family, which takes RTNL for them. */
static void ask_ethtool(void)
{
	struct genlmsghdr genl = { .cmd = ETHTOOL_MSG_LINKINFO_GET, .version = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct message get = message(family_number(fd, "ethtool"), 0);
	char header[NLA_HDRLEN + 8], answer[8192];

	message_put(&get, &genl, sizeof(genl));
	message_attr(&get, ETHTOOL_A_LINKINFO_HEADER | NLA_F_NESTED, header,
		     attr_at(header, ETHTOOL_A_HEADER_DEV_NAME, DEV, sizeof(DEV)));
	/* For a dummy device the answer is an error, which is enough here. */
	while (!*stop)
		if (send(fd, &get, get.nlh.nlmsg_len, 0) < 0 ||
		    recv(fd, answer, sizeof(answer), 0) < 0)
			bail("ethtool: %s", strerror(errno));
}

enum { STORMS = 3 };

static const struct scene {
	const char	*name;
	void		(*storms[STORMS])(void);	/* a process each */
} scenes[] = {
	{ "quiet",	{ NULL } },
	{ "veth",	{ veth_pairs } },
	{ "delete",	{ delete_group } },
	{ "modules",	{ load_module } },
	{ "cb_lock",	{ delete_group, load_module, ask_ethtool } },
};

#define N_SCENES	(sizeof(scenes) / sizeof(scenes[0]))

static unsigned int start_storm(const struct scene *s)
{
	unsigned int n;

	*stop = false;
	for (n = 0; n < STORMS && s->storms[n]; n++) {
		pid_t pid = fork();

		if (pid < 0)
			bail("fork: %s", strerror(errno));
		if (!pid) {
			s->storms[n]();
			_exit(0);
		}
	}
	return n;
}

static void end_storm(unsigned int n)
{
	int status;

	*stop = true;
	while (n--)
		if (wait(&status) < 0 || status)
			bail("one of the storm ended with status %x", status);
}

/* ---- the ways a command goes ---- */

static const struct way {
	const char	*name;
	const char	*module;
} ways[] = {
	{ "family",	"modprobe sch_plug" },
	{ "ours",	"modprobe sch_plug" },
	{ "intree",	"insmod $PLUG_INTREE_KO" },
};

#define N_WAYS	(sizeof(ways) / sizeof(ways[0]))

struct sender {
	int			fd;
	struct nlmsghdr		*buffer, *release;
	struct command		by_tc[2];
	struct family_command	by_family[2];
};

static void sender_make(struct sender *s, const struct way *w)
{
	__u64 id;

	if (strcmp(w->name, "family")) {
		s->fd = nl;
		s->by_tc[0] = command(DEV, TCQ_PLUG_BUFFER);
		s->by_tc[1] = command(DEV, TCQ_PLUG_RELEASE_ONE);
		s->buffer = &s->by_tc[0].nlh;
		s->release = &s->by_tc[1].nlh;
		return;
	}
	id = control_find(&control, DEV, TC_H_ROOT).id;
	s->fd = control.nl;
	s->by_family[0] = family_change(&control, id, TCQ_PLUG_BUFFER);
	s->by_family[1] = family_change(&control, id, TCQ_PLUG_RELEASE_ONE);
	s->buffer = &s->by_family[0].nlh;
	s->release = &s->by_family[1].nlh;
}

/* ---- measuring ---- */

struct samples {
	unsigned int	commands, pairs;
	__u64		command[MAX_ROUNDS * PAIRS * 2];	/* send() to answer */
	__u64		pair[MAX_ROUNDS * PAIRS];	/* due time to last answer */
};

static struct samples samples[N_WAYS][N_SCENES];

static void set_scheduler(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		bail("sched_setscheduler: %s", strerror(errno));
}

static __u64 timed(int fd, struct nlmsghdr *nlh)
{
	__u64 start = instructions();

	exchange(fd, nlh);
	return instructions() - start;
}

/* Sends a pair each PERIOD. A pair that took longer than that counts as late once: the
 * next pair is due at its end.
 */
static void send_pairs(struct sender *s, struct samples *v)
{
	__u64 due = now_ns() + PERIOD, now;
	struct timespec ts;
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		ts.tv_sec = due / 1000000000;
		ts.tv_nsec = due % 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		v->command[v->commands++] = timed(s->fd, s->buffer);
		v->command[v->commands++] = timed(s->fd, s->release);
		now = now_ns();
		v->pair[v->pairs++] = now - due;
		due = due + PERIOD > now ? due + PERIOD : now;
	}
}

static void measure(const struct way *w, const struct scene *scene, struct samples *v)
{
	struct sender s = {};
	unsigned int storm, i;

	sender_make(&s, w);
	/* Wait for background work that the steps before have left. */
	sleep_ms(1000);
	for (i = 0; i < 10; i++)
		exchange(s.fd, s.buffer);
	storm = start_storm(scene);
	sleep_ms(20);
	set_scheduler(SCHED_FIFO, PRIORITY);
	send_pairs(&s, v);
	set_scheduler(SCHED_OTHER, 0);
	end_storm(storm);
}

static void measure_way(const struct way *w, const char *only, struct samples *v)
{
	bool ours = strcmp(w->name, "intree");
	unsigned int i;

	must("%s", w->module);
	must("tc qdisc add dev " DEV " root handle 1: plug");
	/* Only our module has a family. */
	if (control_try_open(&control) != ours)
		bail("this is not the module it should be");
	for (i = 0; i < N_SCENES; i++)
		if (!only || !strcmp(only, scenes[i].name))
			measure(w, &scenes[i], &v[i]);
	if (ours)
		control_close(&control);
	must("tc qdisc del dev " DEV " root");
	must("rmmod sch_plug");
}

/* ---- the result ---- */

static void distribution(__u64 *v, unsigned int n, const char *what,
			 const struct way *w, const struct scene *s)
{
	qsort(v, n, sizeof(*v), compare_u64);
	figure((double)v[n / 2], "%s %s %s p50", what, w->name, s->name);
	figure((double)v[n - 1 - n / 100], "%s %s %s p99", what, w->name, s->name);
	figure((double)v[n - 1], "%s %s %s max", what, w->name, s->name);
}

/* The file has, for example, "none voluntary (full)". Prints the word in brackets. */
static void print_preemption(void)
{
	char buf[128] = "", *at;
	int fd = open("/sys/kernel/debug/sched/preempt", O_RDONLY);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		bail("no PREEMPT_DYNAMIC: %s", strerror(errno));
	close(fd);
	at = strchr(buf, '(');
	printf("preemption %s\n", at ? strtok(at + 1, ")") : "?");
}

static void print_samples(const struct way *w, const struct scene *s, struct samples *v)
{
	if (!v->commands)
		return;
	distribution(v->command, v->commands, "command", w, s);
	distribution(v->pair, v->pairs, "pair", w, s);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? atoi(argv[1]) : 0, i, j;
	const char *way = argc > 2 ? argv[2] : NULL;
	const char *scene = argc > 3 ? argv[3] : NULL;

	if (!rounds || rounds > MAX_ROUNDS)
		bail("usage: latency ROUNDS [WAY [SCENE]]");
	stop = mmap(NULL, sizeof(*stop), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Lock all memory: there must be no page fault during a measurement. */
	if (stop == MAP_FAILED || mlockall(MCL_CURRENT | MCL_FUTURE))
		bail("memory: %s", strerror(errno));
	nl = nl_open();
	dummy_make(DEV);
	print_preemption();
	/* Wait: the kernel goes on booting for a while, in threads of its own. */
	sleep_ms(30000);
	count_check();
	while (rounds--)
		for (i = 0; i < N_WAYS; i++)
			if (!way || !strcmp(way, ways[i].name))
				measure_way(&ways[i], scene, samples[i]);
	for (i = 0; i < N_WAYS; i++)
		for (j = 0; j < N_SCENES; j++)
			print_samples(&ways[i], &scenes[j], &samples[i][j]);
	ok(true, "measured");
	return done_testing();
}
