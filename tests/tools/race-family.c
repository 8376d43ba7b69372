// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The path without RTNL against operations that hold RTNL: four commanders, each
 * with its own generic netlink socket, send BUFFER, RELEASE_ONE, RELEASE_UPTO and
 * GET to a plug without a pause, and now and then to a deleted plug or to one that
 * does not exist yet. Meanwhile packets are sent, dumps are read, events come, and
 * the scene's change() is called again and again. history.h explains how answers and
 * packets are judged.
 *
 *	race-family [SECONDS [SCENE]]	(10) for each scene, or for one; but at least
 *					until some changes were made
 */
#include "control.h"
#include "history.h"
#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#define DEV		"pa"
#define COMMANDERS	4
#define PHASE_MS	200
#define PHASE_PACKETS	4000
#define CHANGES_MIN	3
#define NO_EPOCH	(1ULL << 62)
#define OTHER_MODULE	"/other_family.ko"

struct client {
	unsigned int		id;
	__u64			seed;
	struct control		c;
	struct known		seen;	/* the newest answer of the newest plug */
	pthread_t		thread;
};

struct frame {
	struct ethhdr	eth;
	__u64		id;
	__u64		epoch;
} __attribute__((packed));

struct scene {
	const char	*name;
	void		(*open)(void);	/* makes the device and the plug */
	void		(*change)(void);
	bool		exact;		/* the device never stops: counts are exact */
	bool		keeps;		/* the plug stays during change() */
};

static const struct scene *scene;
static struct history history;
static struct client clients[COMMANDERS], boss;
static int nl;
static unsigned int ifindex, turn, failed;

/* ---- shared by the threads ---- */

static _Atomic bool stop, pause_all;
static _Atomic unsigned int at_rest;
static _Atomic __u64 family;		/* its current number */

/* The ids of the current plug, of the last plug whose deletion was requested, and
 * of the last deleted one. Ids only grow, and there is one plug at a time.
 */
static _Atomic __u64 current, ending, gone;

/* The marks for packets that are sent now. */
static pthread_mutex_t mark_lock = PTHREAD_MUTEX_INITIALIZER;
static __u64 mark_id, mark_epoch;

static _Atomic __u64 sent, left, idle_reads;
static _Atomic __u64 obeyed, looked, stale, early_birds, events, dumps;
static _Atomic __u64 bad_answers;

static void mark(__u64 id, __u64 epoch)
{
	pthread_mutex_lock(&mark_lock);
	if (id > mark_id || (id == mark_id && epoch > mark_epoch)) {
		mark_id = id;
		mark_epoch = epoch;
	}
	pthread_mutex_unlock(&mark_lock);
}

/* Marks packets with @epoch, if they go to plug @id. */
static void mark_epoch_of(__u64 id, __u64 epoch)
{
	if (id == atomic_load(&current))
		mark(id, epoch);
}

static void rest(void)
{
	atomic_fetch_add(&at_rest, 1);
	while (atomic_load(&pause_all) && !atomic_load(&stop))
		sleep_ms(1);
	atomic_fetch_sub(&at_rest, 1);
}

static void complain(const char *what, __u64 id, int action, int err)
{
	if (atomic_fetch_add(&bad_answers, 1) < 5)
		diag("%s: plug %llu, action %d, answered with %d", what, id, action, err);
}

/* ---- commanders ---- */

struct order {
	__u64	id;
	int	action;
	__u64	last;
};

static int give(struct client *cl, const struct order *o, struct control_reply *reply)
{
	cl->c.family = atomic_load(&family);
	switch (o->action) {
	case GET_ONE:
		return control_get(&cl->c, o->id, reply);
	case TCQ_PLUG_RELEASE_UPTO:
		return control_upto(&cl->c, o->id, o->action, o->last, reply);
	}
	return control_do(&cl->c, o->id, o->action, reply);
}

static void note(struct client *cl, const struct order *o, __u64 asked,
		 const struct control_state *st)
{
	struct answer a = {
		.id = o->id, .commands = st->commands, .epoch = st->epoch,
		.released = st->released, .asked = asked, .last = o->last,
		.action = o->action,
	};

	history_answer(&history, &a);
	if (o->id >= cl->seen.id)
		cl->seen = (struct known){ true, a.id, a.commands, a.epoch, a.released };
	mark_epoch_of(a.id, a.epoch);
	atomic_fetch_add(o->action == GET_ONE ? &looked : &obeyed, 1);
}

/* Whether an answer is older than one that the same thread had before. */
static bool goes_back(const struct client *cl, const struct control_state *st)
{
	return cl->seen.id == st->id &&
	       (st->epoch < cl->seen.epoch || st->released < cl->seen.released ||
		st->commands < cl->seen.commands);
}

/* Sends an order, and checks in the answer what does not depend on other threads. */
static void order(struct client *cl, const struct order *o)
{
	bool was_there = o->id <= atomic_load(&current), was_gone = o->id <= atomic_load(&gone);
	struct control_reply reply;
	__u64 asked = wall_ns();
	int err = give(cl, o, &reply);

	if (!err && o->last >= NO_EPOCH)
		complain("an epoch that has not begun", o->id, o->action, err);
	else if (!err && was_gone)
		complain("a plug that was gone", o->id, o->action, err);
	else if (!err && (reply.states != 1 || reply.state.id != o->id ||
			  goes_back(cl, &reply.state)))
		complain("another answer than the one asked for", o->id, o->action, err);
	else if (!err)
		note(cl, o, asked, &reply.state);
	else if (err == -ENOENT && !was_there)
		atomic_fetch_add(&early_birds, 1);
	else if (err == -ENOENT && o->id <= atomic_load(&ending))
		atomic_fetch_add(&stale, 1);
	else if (err != -EINVAL || o->last < NO_EPOCH)
		complain("a plug that is there", o->id, o->action, err);
}

/* Returns the action for the plug o->id, and sets o->last. */
static int choose(struct client *cl, struct order *o)
{
	unsigned int n = dice(&cl->seed, 100);
	bool same = cl->seen.id == o->id;

	if (same && cl->seen.epoch - cl->seen.released > 50)
		n = 80;
	if (n < 35)
		return TCQ_PLUG_BUFFER;
	if (n < 60)
		return TCQ_PLUG_RELEASE_ONE;
	if (n < 78)
		return GET_ONE;
	/* This opens the plug. It needs RTNL, and so does the next BUFFER. */
	if (n == 99 && !dice(&cl->seed, 4))
		return TCQ_PLUG_RELEASE_INDEFINITE;
	/* This epoch has ended, whatever other threads do meanwhile. */
	o->last = same ? cl->seen.epoch - 1 : 0;
	if (n == 98)
		o->last = NO_EPOCH;
	return TCQ_PLUG_RELEASE_UPTO;
}

/* Sends an order to the current plug, to the next one, or to a deleted one. */
static void one_order(struct client *cl)
{
	unsigned int n = dice(&cl->seed, 20);
	struct order o = { .id = atomic_load(&current) };

	if (n < 2)
		o.id++;
	else if (n == 2)
		o.id -= dice(&cl->seed, 3) + 1;
	o.action = choose(cl, &o);
	order(cl, &o);
}

static void *client_main(void *arg)
{
	struct client *cl = arg;

	while (!atomic_load(&stop)) {
		if (atomic_load(&pause_all))
			rest();
		else if (history_is_full(&history))
			sleep_ms(1);
		else
			one_order(cl);
	}
	return NULL;
}

/* ---- observers ---- */

static void count_event(const struct control *e)
{
	char buf[8192];

	while (recv(e->nl, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		atomic_fetch_add(&events, 1);
}

/* The family may be gone, or have a new number. */
static void dump(struct client *cl)
{
	struct control_request req;

	cl->c.family = atomic_load(&family);
	control_start(&req, &cl->c, SCH_PLUG_CMD_GET, NLM_F_DUMP);
	if (!control_send(&req, &cl->c, NULL, NULL, NULL))
		atomic_fetch_add(&dumps, 1);
}

static void listen_to(struct control *e)
{
	if (control_try_open(e))
		setsockopt(e->nl, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &e->events,
			   sizeof(e->events));
	else
		memset(e, 0, sizeof(*e));
}

static void *watcher_main(void *arg)
{
	static struct client watcher;
	struct control e = { 0 };

	watcher.c = control_open();
	while (!atomic_load(&stop)) {
		if (e.family != atomic_load(&family)) {
			if (e.family)
				control_close(&e);
			listen_to(&e);
		}
		if (e.family)
			count_event(&e);
		dump(&watcher);
		usleep(2000);
	}
	if (e.family)
		control_close(&e);
	control_close(&watcher.c);
	return NULL;
}

/* ---- packets ---- */

/* Sends one frame with the current marks, to the device that is now called DEV. */
static void send_one(int fd, __u64 *seed)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = ETH_ALEN,
		.sll_protocol = htons(FRAME_TYPE),
	};
	union {
		struct frame frame;
		char room[1000];
	} u = { .frame = { .eth.h_proto = htons(FRAME_TYPE) } };

	memset(u.frame.eth.h_dest, 0xff, ETH_ALEN);
	pthread_mutex_lock(&mark_lock);
	u.frame.id = mark_id;
	u.frame.epoch = mark_epoch;
	pthread_mutex_unlock(&mark_lock);
	if (sendto(fd, &u, 60 + dice(seed, 600), 0, (void *)&to, sizeof(to)) >= 0 ||
	    errno == ENOBUFS)
		atomic_fetch_add(&sent, 1);
	else if (errno != ENETDOWN && errno != ENXIO && errno != ENODEV)
		bail("send: %s", strerror(errno));
}

static void *sender_main(void *arg)
{
	unsigned int i, n = 0;
	int fd = packet_socket(NULL, 0);
	__u64 seed = now_ns() | 1;

	while (!atomic_load(&stop)) {
		if (atomic_load(&pause_all)) {
			rest();
			n = 0;
		}
		for (i = 0; i < 8 && n < PHASE_PACKETS; i++, n++)
			send_one(fd, &seed);
		usleep(100);
	}
	close(fd);
	return NULL;
}

/* Waits for a packet; false: none came for a tenth of a second. */
static bool see_one(int fd, struct departure *d)
{
	struct sockaddr_ll from;
	struct frame f;
	char cbuf[64];
	struct iovec iov = { &f, sizeof(f) };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};

	memset(&f, 0, sizeof(f));
	if (recvmsg(fd, &m, 0) < 0)
		return false;
	d->id = 0;
	if (from.sll_pkttype == PACKET_OUTGOING && f.eth.h_proto == htons(FRAME_TYPE)) {
		*d = (struct departure){ f.id, f.epoch, departure(&m) };
		atomic_fetch_add(&left, 1);
	}
	return true;
}

/* Records only the first of several packets with the same marks. */
static void *reader_main(void *arg)
{
	struct departure last = { 0 }, d;
	int fd = *(int *)arg;

	while (!atomic_load(&stop)) {
		if (!see_one(fd, &d)) {
			atomic_fetch_add(&idle_reads, 1);
			continue;
		}
		if (!d.id || (d.id == last.id && d.epoch == last.epoch))
			continue;
		history_departure(&history, &d);
		last = d;
	}
	return NULL;
}

/* ---- plugs come and go ---- */

static void expect(int err, const char *what)
{
	if (err && !failed++)
		diag("%s: %s", what, strerror(-err));
}

static void plug_ends(void)
{
	__u64 id = atomic_load(&current);

	history_end(&history, id);
	atomic_store(&ending, id);
}

static void plug_is_gone(void)
{
	atomic_store(&gone, atomic_load(&ending));
}

/* Call it when there is a new plug at @parent of the device. From now on packets go
 * to that plug.
 */
static void plug_comes(__u32 parent)
{
	struct control_state st;

	ifindex = if_nametoindex(DEV);
	boss.c.family = atomic_load(&family);
	st = control_find(&boss.c, DEV, parent);
	/* If the module was loaded again, there is a gap before the new ids. */
	atomic_store(&ending, st.id - 1);
	atomic_store(&gone, st.id - 1);
	atomic_store(&current, st.id);
	mark(st.id, st.epoch);
	order(&boss, &(struct order){ .id = st.id, .action = GET_ONE });
}

static void qdisc(__u16 type, __u32 parent, __u32 handle, const char *kind, __u16 flags)
{
	static const struct tc_prio_qopt bands = {
		.bands = 3, .priomap = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	};
	struct plug_msg msg = {
		.dev = DEV, .type = type, .parent = parent, .handle = handle << 16,
		.kind = kind, .flags = flags,
	};

	if (!strcmp(kind, "prio")) {
		msg.options = &bands;
		msg.options_len = sizeof(bands);
	}
	expect(nl_request(nl, &msg, NULL), kind);
}

static void attach(__u32 parent, __u32 handle, const char *kind)
{
	qdisc(RTM_NEWQDISC, parent, handle, kind, NLM_F_CREATE | NLM_F_REPLACE);
}

static void detach(__u32 parent, const char *kind)
{
	qdisc(RTM_DELQDISC, parent, 0, kind, 0);
}

/* ---- scenes ---- */

static void open_root(void)
{
	dummy_make(DEV);
	attach(TC_H_ROOT, 1, "plug");
	boss.c = control_open();
	atomic_store(&family, boss.c.family);
	plug_comes(TC_H_ROOT);
}

static void change_nothing(void)
{
	sleep_ms(1);
}

static void change_renew(void)
{
	plug_ends();
	detach(TC_H_ROOT, "plug");
	plug_is_gone();
	attach(TC_H_ROOT, 1, "plug");
	plug_comes(TC_H_ROOT);
}

/* Replaces the plug by another plug, by a prio, and back. */
static void change_replace(void)
{
	plug_ends();
	if (turn % 2)
		attach(TC_H_ROOT, 2, "prio");
	attach(TC_H_ROOT, 3 + turn % 4, "plug");
	plug_is_gone();
	plug_comes(TC_H_ROOT);
}

/* Replaces the root by a prio with a plug below. */
static void below_prio(__u32 handle)
{
	attach(TC_H_ROOT, handle, "prio");
	plug_is_gone();
	attach(handle << 16 | 2, 0x10 + handle, "plug");
	plug_comes(handle << 16 | 2);
}

static void open_below(void)
{
	open_root();
	plug_ends();
	below_prio(2);
}

static void change_below(void)
{
	plug_ends();
	below_prio(3 + turn % 2);
}

static __u32 mq_leaf;

/* All our packets have the same headers, so they go to one leaf. Finds out which one,
 * and attaches the plug there.
 */
static void open_mq(void)
{
	int fd = packet_socket(NULL, 0);
	__u64 seed = 1;

	plug_forget();
	must("ip link add " DEV " numtxqueues 2 mtu 65000 type dummy && ip link set " DEV " up");
	must("tc qdisc add dev " DEV " root handle 1: mq");
	must("tc qdisc replace dev " DEV " parent 1:2 handle 20: pfifo limit 0");
	mq_leaf = 0x10001;
	attach(mq_leaf, 0x10, "plug");
	boss.c = control_open();
	atomic_store(&family, boss.c.family);
	ifindex = if_nametoindex(DEV);
	send_one(fd, &seed);
	if (!control_find(&boss.c, DEV, mq_leaf).qlen) {
		must("tc qdisc replace dev " DEV " parent 1:1 handle 21: pfifo limit 0");
		mq_leaf = 0x10002;
		attach(mq_leaf, 0x10, "plug");
	}
	plug_comes(mq_leaf);
	close(fd);
}

static void change_mq(void)
{
	plug_ends();
	if (turn % 2) {
		attach(mq_leaf, 0x30, "pfifo_fast");
		plug_is_gone();
	}
	attach(mq_leaf, 0x10 + turn % 4, "plug");
	plug_is_gone();
	plug_comes(mq_leaf);
}

static void change_clsact(void)
{
	qdisc(RTM_NEWQDISC, TC_H_CLSACT, 0xffff, "clsact", NLM_F_CREATE | NLM_F_EXCL);
	detach(TC_H_CLSACT, "clsact");
}

static void device_ioctl(unsigned long what, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), DEV);
	expect(ioctl(fd, what, ifr) ? -errno : 0, "a change of the device");
	close(fd);
}

static void change_flap(void)
{
	device_ioctl(SIOCSIFFLAGS, &(struct ifreq){ .ifr_flags = 0 });
	device_ioctl(SIOCSIFFLAGS, &(struct ifreq){ .ifr_flags = IFF_UP });
}

static void change_length(void)
{
	device_ioctl(SIOCSIFTXQLEN, &(struct ifreq){ .ifr_qlen = 100 + turn % 900 });
}

static void new_device(void)
{
	expect(quiet_sh("ip link add " DEV " type dummy && ip link set " DEV " up") ? -EIO : 0,
	       "a new device");
	attach(TC_H_ROOT, 1, "plug");
	plug_comes(TC_H_ROOT);
}

static void change_device(void)
{
	plug_ends();
	expect(quiet_sh("ip link del " DEV) ? -EIO : 0, "the device's end");
	plug_is_gone();
	new_device();
}

static void open_netns(void)
{
	must("ip netns add other");
	open_root();
}

static void change_netns(void)
{
	plug_ends();
	expect(quiet_sh("ip link set " DEV " netns other") ? -EIO : 0, "netns");
	plug_is_gone();
	expect(quiet_sh("ip -n other link del " DEV) ? -EIO : 0, "the moved device's end");
	new_device();
}

/* Ends a namespace with a plug in it, whose id comes after that of our plug. */
static void change_exit(void)
{
	expect(quiet_sh("ip netns add other && "
			"ip -n other link add pe type dummy && "
			"ip -n other link set pe up && "
			"tc -n other qdisc add dev pe root plug && "
			"ip netns del other") ? -EIO : 0, "a namespace's end");
}

/* Unloads the module. A dump may still hold a reference for a moment. */
static bool unload(void)
{
	__u64 end = now_ns() + 30000000000ULL;

	while (now_ns() < end) {
		if (!syscall(SYS_delete_module, "sch_plug", O_NONBLOCK))
			return true;
		if (errno != EWOULDBLOCK && errno != EBUSY)
			return errno == ENOENT;
		sleep_ms(1);
	}
	return false;
}

static void change_module(void)
{
	struct control c;

	plug_ends();
	detach(TC_H_ROOT, "plug");
	plug_is_gone();
	expect(unload() ? 0 : -EBUSY, "unload");
	attach(TC_H_ROOT, 1, "plug");
	if (!control_try_open(&c))
		bail("the module is loaded, and has no family");
	atomic_store(&family, c.family);
	control_close(&c);
	plug_comes(TC_H_ROOT);
}

/* Registers and unregisters another family. That takes a lock for writing, which all
 * requests take for reading.
 */
static void change_family(void)
{
	int fd = open(OTHER_MODULE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		bail(OTHER_MODULE ": %s", strerror(errno));
	expect(syscall(SYS_finit_module, fd, "", 0) ? -errno : 0, "another family");
	expect(syscall(SYS_delete_module, "other_family", O_NONBLOCK) ? -errno : 0,
	       "the other family's end");
	close(fd);
}

/* ---- accounts ---- */

static void pause_threads(void)
{
	atomic_store(&pause_all, true);
	while (atomic_load(&at_rest) < COMMANDERS + 1)
		sleep_ms(1);
}

static void resume_threads(void)
{
	atomic_store(&pause_all, false);
	while (atomic_load(&at_rest))
		sleep_ms(1);
}

static __u32 held(void)
{
	struct control_reply reply;

	boss.c.family = atomic_load(&family);
	if (control_get(&boss.c, atomic_load(&current), &reply))
		bail("the plug cannot be looked at");
	return reply.state.qlen;
}

/* Whether to go on waiting: as long as packets leave, and 10 s longer. */
static bool hopeful_now(__u64 *seen, __u64 *end)
{
	__u64 now = now_ns();

	if (*seen != atomic_load(&left) || !*end)
		*end = now + 10000000000ULL;
	*seen = atomic_load(&left);
	sleep_ms(1);
	return now < *end;
}

static bool all_left(void)
{
	__u64 seen = 0, end = 0;

	while (held())
		if (!hopeful_now(&seen, &end))
			return false;
	return true;
}

/* Packets that were sent, but neither left nor were dropped by the plug. */
static __u64 missing(void)
{
	struct plug_state st;

	if (!qdisc_get(nl, DEV, TC_H_ROOT, &st))
		bail("no root qdisc");
	return atomic_load(&sent) - atomic_load(&left) - st.drops - st.qlen;
}

static __u64 unaccounted(void)
{
	__u64 seen = 0, end = 0;

	while (missing())
		if (!hopeful_now(&seen, &end))
			return missing();
	return 0;
}

static void wait_for_reader(void)
{
	__u64 idle = atomic_load(&idle_reads);

	while (atomic_load(&idle_reads) < idle + 2)
		sleep_ms(5);
}

static unsigned int phases, stuck;
static __u64 lost;

static void *change_main(void *arg)
{
	scene->change();
	return arg;
}

/* Pauses the threads. After BUFFER and a release of all ended epochs, all held packets
 * must leave, although no other packet is sent. If the plug survives the scene's
 * changes, the release is sent during one of them.
 */
static void settle(void)
{
	__u64 id = atomic_load(&current);
	pthread_t changer;

	pause_threads();
	order(&boss, &(struct order){ .id = id, .action = TCQ_PLUG_BUFFER });
	if (scene->keeps) {
		changer = thread(change_main, NULL);
		usleep(dice(&boss.seed, 3000));
	}
	order(&boss, &(struct order){ .id = id, .action = TCQ_PLUG_RELEASE_UPTO,
				      .last = boss.seen.epoch - 1 });
	if (scene->keeps)
		pthread_join(changer, NULL);
	if (!all_left() && !stuck++)
		diag("%u packets stay although all epochs were released", held());
	if (scene->exact && !lost)
		lost = unaccounted();
	wait_for_reader();
	history_replay(&history);
	phases++;
	resume_threads();
}

/* ---- one scene ---- */

static void begin_scene(const struct scene *s)
{
	scene = s;
	memset(&history, 0, sizeof(history));
	turn = failed = phases = stuck = 0;
	stop = pause_all = false;
	sent = left = obeyed = looked = stale = early_birds = events = dumps = bad_answers = 0;
	current = ending = gone = lost = mark_id = mark_epoch = 0;
	memset(&boss, 0, sizeof(boss));
	boss.seed = now_ns() | 1;
	s->open();
	sent = 0;
}

static void start_clients(void)
{
	unsigned int i;

	for (i = 0; i < COMMANDERS; i++) {
		clients[i] = (struct client){ .id = i, .seed = (now_ns() << 3 | 1) + 2 * i };
		clients[i].c = control_open();
		clients[i].thread = thread(client_main, &clients[i]);
	}
}

static void end_clients(void)
{
	unsigned int i;

	for (i = 0; i < COMMANDERS; i++) {
		pthread_join(clients[i].thread, NULL);
		control_close(&clients[i].c);
	}
}

static void report(const char *name)
{
	diag("%s: %u changes, %u phases, %llu commands, %llu looks, %llu stale, %llu early, %llu events, %llu dumps, %llu of %llu packets left",
	     name, turn, phases, obeyed, looked, stale, early_birds, events, dumps, left, sent);
	ok(turn >= CHANGES_MIN && obeyed && looked && left && dumps && events,
	   "%s: changes, commands and packets", name);
	is_u64(history.overflows, 0, "%s: everything was looked at", name);
	is_u64(failed, 0, "%s: every change was made", name);
	is_u64(bad_answers, 0, "%s: I8: ENOENT to a plug that is gone and to no other", name);
	is_u64(history.wrong, 0, "%s: %llu answers make one history", name, history.replayed);
	is_u64(history.early, 0, "%s: I1, I4: no packet left before its release was asked for",
	       name);
	is_u64(stuck, 0, "%s: I5: what was released leaves", name);
	if (scene->exact)
		is_u64(lost, 0, "%s: I3: every packet is accounted for", name);
}

static void end_scene(const char *name)
{
	must("tc qdisc del dev " DEV " root");
	must("ip link del " DEV);
	quiet_sh("[ ! -e /run/netns/other ] || ip netns del other");
	ok(unload(), "%s: I3: nothing holds the module at the end", name);
	control_close(&boss.c);
}

static void play(const struct scene *s, unsigned int seconds)
{
	__u64 end = now_ns() + seconds * 1000000000ULL, phase_end;
	pthread_t watcher, sender, reader;
	int fd = departures_open(NULL);

	begin_scene(s);
	start_clients();
	watcher = thread(watcher_main, NULL);
	sender = thread(sender_main, NULL);
	reader = thread(reader_main, &fd);
	do {
		phase_end = now_ns() + PHASE_MS * 1000000ULL;
		do {
			turn++;
			s->change();
			usleep(dice(&boss.seed, 3000));
		} while (now_ns() < phase_end);
		settle();
	} while (now_ns() < end || turn < CHANGES_MIN || !events || !dumps);
	atomic_store(&stop, true);
	end_clients();
	pthread_join(watcher, NULL);
	pthread_join(sender, NULL);
	pthread_join(reader, NULL);
	close(fd);
	report(s->name);
	end_scene(s->name);
}

static const struct scene scenes[] = {
	{ "quiet", open_root, change_nothing, true },
	{ "renew", open_root, change_renew, false },
	{ "replace", open_root, change_replace, false },
	{ "below", open_below, change_below, false },
	{ "mq", open_mq, change_mq, false },
	{ "clsact", open_root, change_clsact, false, true },
	{ "flap", open_root, change_flap, false, true },
	{ "length", open_root, change_length, false, true },
	{ "device", open_root, change_device, false },
	{ "netns", open_netns, change_netns, false },
	{ "exit", open_root, change_exit, true },
	{ "module", open_root, change_module, false },
	{ "family", open_root, change_family, true },
};

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 10, i;

	nl = nl_open();
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (argc < 3 || !strcmp(argv[2], scenes[i].name))
			play(&scenes[i], seconds);
	return done_testing();
}
