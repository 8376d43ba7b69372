// SPDX-License-Identifier: GPL-2.0-or-later
/* See plugtest.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include "control.h"

/* ---- TAP ---- */

static unsigned int points, failures;

static bool vok(bool cond, const char *fmt, va_list ap)
{
	printf("%sok %u - ", cond ? "" : "not ", ++points);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	failures += !cond;
	return cond;
}

bool any_failed(void)
{
	return failures != 0;
}

bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vok(cond, fmt, ap);
	va_end(ap);
	return cond;
}

bool is_u64(__u64 got, __u64 want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vok(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		diag("got %llu, want %llu", (unsigned long long)got,
		     (unsigned long long)want);
	return got == want;
}

void skip(const char *fmt, ...)
{
	va_list ap;

	printf("ok %u # SKIP ", ++points);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void bail(const char *fmt, ...)
{
	va_list ap;

	printf("not ok %u - cannot go on: ", ++points);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n1..%u\n", points);
	fflush(stdout);
	exit(1);
}

int done_testing(void)
{
	if (!points)
		bail("nothing was run: is there a test of that name?");
	printf("1..%u\n", points);
	return any_failed();
}

int run_tests(const struct test *tests, size_t n, int argc, char **argv)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (argc < 2 || !strcmp(argv[1], tests[i].name))
			tests[i].run();
	return done_testing();
}

/* ---- the system ---- */

static int vsh(bool show, const char *fmt, va_list ap)
{
	char cmd[2048];
	int status;

	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	if (show)
		diag("$ %s", cmd);
	status = system(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int sh(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = vsh(true, fmt, ap);
	va_end(ap);
	return status;
}

int quiet_sh(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = vsh(false, fmt, ap);
	va_end(ap);
	return status;
}

void must(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = vsh(true, fmt, ap);
	va_end(ap);
	if (status)
		bail("the last command ended with %d", status);
}

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

bool wait_for(bool (*what)(void))
{
	__u64 end = now_ns() + 10000000000ULL;

	while (now_ns() < end) {
		if (what())
			return true;
		sleep_ms(5);
	}
	return false;
}

bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!done)
		diag("%s: %s", path, strerror(errno));
	close(fd);
	return done;
}

#define NOBODY 65534

void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(98);
	/* Otherwise /proc/self would still belong to root. */
	prctl(PR_SET_DUMPABLE, 1);
}

#define NO_IPV6 "/proc/sys/net/ipv6/conf/default/disable_ipv6"

bool network_namespace(void)
{
	if (unshare(CLONE_NEWNET)) {
		diag("unshare: %s", strerror(errno));
		return false;
	}
	/* IPv6 would send packets of its own. The VM disables it outside, too. */
	return access(NO_IPV6, F_OK) || put(NO_IPV6, "1");
}

bool become_root_of_namespaces(void)
{
	become_nobody();
	if (unshare(CLONE_NEWUSER)) {
		diag("unshare: %s", strerror(errno));
		return false;
	}
	return put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/uid_map", "0 65534 1") &&
	       put("/proc/self/gid_map", "0 65534 1") && network_namespace();
}

/* ---- netlink ---- */

int nl_open(void)
{
	struct timeval limit = { .tv_sec = 30 };
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int one = 1;

	if (nl < 0)
		bail("netlink socket: %s", strerror(errno));
	setsockopt(nl, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return nl;
}

size_t attr_at(void *at, __u16 type, const void *data, size_t len)
{
	struct nlattr nla = { .nla_type = type, .nla_len = NLA_HDRLEN + len };

	memset(at, 0, NLA_ALIGN(nla.nla_len));
	memcpy(at, &nla, sizeof(nla));
	if (len)
		memcpy((char *)at + NLA_HDRLEN, data, len);
	return NLA_ALIGN(nla.nla_len);
}

static void attr_put(struct nlmsghdr *nlh, __u16 type, const void *data, size_t len)
{
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len);
	nlh->nlmsg_len += attr_at((char *)nlh + nlh->nlmsg_len, type, data, len);
}

int attr_next(struct attrs *a, const void **data, size_t *len)
{
	const struct nlattr *nla = (const void *)a->at;
	size_t step;

	if (a->left < NLA_HDRLEN || nla->nla_len < NLA_HDRLEN || nla->nla_len > a->left)
		return -1;
	*data = a->at + NLA_HDRLEN;
	*len = nla->nla_len - NLA_HDRLEN;
	step = NLA_ALIGN(nla->nla_len);
	a->left -= step < a->left ? step : a->left;
	a->at += step;
	return nla->nla_type & NLA_TYPE_MASK;
}

const void *attr_find(const void *attrs, size_t size, __u16 type, size_t *len)
{
	struct attrs a = { attrs, size };
	const void *data;
	int found;

	while ((found = attr_next(&a, &data, len)) >= 0)
		if (found == type)
			return data;
	return NULL;
}

static void copy_some(void *to, size_t size, const void *from, size_t len)
{
	memset(to, 0, size);
	if (from)
		memcpy(to, from, len < size ? len : size);
}

static void stats_parse(struct plug_state *st, const void *stats, size_t size)
{
	struct gnet_stats_basic basic;
	struct gnet_stats_queue queue;
	const void *p;
	size_t len = 0;

	p = attr_find(stats, size, TCA_STATS_BASIC, &len);
	copy_some(&basic, sizeof(basic), p, len);
	st->sent_bytes = basic.bytes;
	st->sent_packets = basic.packets;

	p = attr_find(stats, size, TCA_STATS_QUEUE, &len);
	copy_some(&queue, sizeof(queue), p, len);
	st->qlen = queue.qlen;
	st->backlog = queue.backlog;
	st->drops = queue.drops;
	st->overlimits = queue.overlimits;
	st->requeues = queue.requeues;

	if (attr_find(stats, size, TCA_STATS_APP, &len))
		st->has_xstats = true;
}

static void state_parse(struct plug_state *st, const struct nlmsghdr *nlh)
{
	const struct tcmsg *tcm = NLMSG_DATA(nlh);
	const char *attrs = (const char *)tcm + NLMSG_ALIGN(sizeof(*tcm));
	size_t size = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(*tcm));
	const void *p;
	size_t len;

	memset(st, 0, sizeof(*st));
	st->handle = tcm->tcm_handle;
	st->parent = tcm->tcm_parent;

	p = attr_find(attrs, size, TCA_KIND, &len);
	if (p)
		snprintf(st->kind, sizeof(st->kind), "%s", (const char *)p);
	st->has_options = attr_find(attrs, size, TCA_OPTIONS, &len);
	st->has_xstats = attr_find(attrs, size, TCA_XSTATS, &len);
	p = attr_find(attrs, size, TCA_STATS2, &len);
	if (p)
		stats_parse(st, p, len);
}

static void error_parse(struct plug_reply *reply, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t skip = NLMSG_ALIGN(sizeof(*err)), len;
	const char *attrs = (const char *)err + skip;
	const void *p;
	__u32 offset;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		attrs += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	if (attrs > (const char *)nlh + nlh->nlmsg_len)
		return;
	skip = attrs - (const char *)nlh;

	p = attr_find(attrs, nlh->nlmsg_len - skip, NLMSGERR_ATTR_MSG, &len);
	if (p)
		snprintf(reply->extack, sizeof(reply->extack), "%.*s", (int)len,
			 (const char *)p);
	p = attr_find(attrs, nlh->nlmsg_len - skip, NLMSGERR_ATTR_OFFS, &len);
	if (p && len == sizeof(offset)) {
		memcpy(&offset, p, sizeof(offset));
		reply->bad_offset = offset;
	}
}

/* Reads messages up to the answer to @seq. Returns 0 or a negative errno. */
static int answer(int nl, __u32 seq, struct plug_reply *reply)
{
	static __thread char buf[65536];

	for (;;) {
		ssize_t got = recv(nl, buf, sizeof(buf), 0);
		struct nlmsghdr *nlh = (void *)buf;

		if (got < 0)
			return -errno;
		for (; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == RTM_NEWQDISC) {
				reply->echoed = true;
				state_parse(&reply->echo, nlh);
			} else if (nlh->nlmsg_type == NLMSG_ERROR) {
				error_parse(reply, nlh);
				return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			}
		}
	}
}

int nl_raw(int nl, void *buf, size_t len, struct plug_reply *reply)
{
	static __thread __u32 seq;
	struct plug_reply dummy;
	struct nlmsghdr *nlh = buf;

	if (!reply)
		reply = &dummy;
	memset(reply, 0, sizeof(*reply));
	reply->bad_offset = -1;
	nlh->nlmsg_seq = ++seq;
	if (send(nl, buf, len, 0) < 0)
		return -errno;
	return answer(nl, nlh->nlmsg_seq, reply);
}

int nl_request(int nl, const struct plug_msg *msg, struct plug_reply *reply)
{
	static __thread char buf[65536] __attribute__((aligned(8)));
	const char *kind = msg->kind ? msg->kind : "plug";
	struct nlmsghdr *nlh = (void *)buf;
	struct tcmsg *tcm = NLMSG_DATA(nlh);

	memset(buf, 0, NLMSG_SPACE(sizeof(*tcm)));
	nlh->nlmsg_type = msg->type ? msg->type : RTM_NEWQDISC;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | msg->flags;
	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(*tcm));
	tcm->tcm_ifindex = msg->ifindex ? msg->ifindex : (int)if_nametoindex(msg->dev);
	tcm->tcm_parent = msg->parent;
	tcm->tcm_handle = msg->handle;
	if (kind[0])
		attr_put(nlh, TCA_KIND, kind, strlen(kind) + 1);
	if (msg->options)
		attr_put(nlh, TCA_OPTIONS | (msg->nested ? NLA_F_NESTED : 0),
			 msg->options, msg->options_len);
	if (msg->more) {
		memcpy(buf + nlh->nlmsg_len, msg->more, msg->more_len);
		nlh->nlmsg_len += msg->more_len;
	}
	return nl_raw(nl, buf, nlh->nlmsg_len, reply);
}

int plug_change(const char *dev, __u32 parent, int action, const __u64 *arg,
		struct control_reply *reply)
{
	int ifindex = if_nametoindex(dev), again;
	const struct control *c;
	struct control_state state;

	if (reply)
		memset(reply, 0, sizeof(*reply));
	for (again = 0; again < 2; again++) {
		c = control_here(again);
		if (!c)
			return -EOPNOTSUPP;
		if (control_look_up(c, ifindex, parent, &state))
			return control_change(c, state.id, action, arg, reply);
	}
	return -ENOENT;
}

int plug_cmd_at(int nl, const char *dev, __u32 parent, int action, __u32 limit)
{
	struct tc_plug_qopt qopt = { .action = action, .limit = limit };
	struct plug_msg msg = {
		.dev = dev, .parent = parent,
		.options = &qopt, .options_len = sizeof(qopt),
	};

	if (action == TCQ_PLUG_DISCARD)
		return plug_change(dev, parent, action, NULL, NULL);
	return nl_request(nl, &msg, NULL);
}

int plug_cmd(int nl, const char *dev, int action, __u32 limit)
{
	return plug_cmd_at(nl, dev, TC_H_ROOT, action, limit);
}

int plug_upto(int nl, const char *dev, __u64 epoch, struct control_reply *reply)
{
	return plug_change(dev, TC_H_ROOT, TCQ_PLUG_RELEASE_UPTO, &epoch, reply);
}

int plug_discard_upto(int nl, const char *dev, __u64 epoch,
		      struct control_reply *reply)
{
	return plug_change(dev, TC_H_ROOT, TCQ_PLUG_DISCARD, &epoch, reply);
}

/* Adds the state from the family to the plugs in the list from tc. If two plugs have
 * the same handle and parent, takes the newer one: the other is being deleted.
 */
static void add_states(struct plug_state *list, unsigned int n, int ifindex)
{
	static __thread struct control_state all[256];
	unsigned int i, any = 0;
	int j, plugs;

	for (i = 0; i < n; i++)
		any += !strcmp(list[i].kind, "plug");
	if (!any)
		return;
	plugs = control_list(ifindex, all, 256);
	for (i = 0; i < n; i++) {
		struct plug_state *st = &list[i];

		for (j = 0; j < plugs; j++) {
			if (strcmp(st->kind, "plug") || all[j].handle != st->handle ||
			    all[j].parent != st->parent || all[j].id < st->ctl.id)
				continue;
			st->has_state = true;
			st->ctl = all[j];
		}
	}
}

void qdisc_ask(int nl, int ifindex, __u32 seq)
{
	struct {
		struct nlmsghdr nlh;
		struct tcmsg tcm;
	} req = {
		.nlh = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETQDISC,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = seq,
		},
		.tcm.tcm_ifindex = ifindex,
	};

	if (send(nl, &req, sizeof(req), 0) < 0)
		bail("dump request: %s", strerror(errno));
}

unsigned int qdisc_list(int nl, const char *dev, struct plug_state *list,
			unsigned int max)
{
	static __thread char buf[262144] __attribute__((aligned(8)));
	static __thread __u32 seq = 0x40000000;
	int ifindex = if_nametoindex(dev);
	unsigned int n = 0;

	qdisc_ask(nl, ifindex, ++seq);
	for (;;) {
		struct nlmsghdr *nlh = (void *)buf;
		ssize_t got = recv(nl, buf, sizeof(buf), 0);

		if (got < 0)
			bail("dump: %s", strerror(errno));
		for (; NLMSG_OK(nlh, got); nlh = NLMSG_NEXT(nlh, got)) {
			struct tcmsg *tcm = NLMSG_DATA(nlh);

			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE) {
				add_states(list, n, ifindex);
				return n;
			}
			if (nlh->nlmsg_type != RTM_NEWQDISC || n == max ||
			    tcm->tcm_ifindex != ifindex)
				continue;
			state_parse(&list[n++], nlh);
		}
	}
}

bool qdisc_get(int nl, const char *dev, __u32 parent, struct plug_state *state)
{
	static __thread struct plug_state list[64];
	unsigned int i, n = qdisc_list(nl, dev, list, 64);

	for (i = 0; i < n; i++) {
		if (list[i].parent == parent) {
			*state = list[i];
			return true;
		}
	}
	return false;
}

bool plug_same(const struct plug_state *a, const struct plug_state *b)
{
	struct plug_state x = *a, y = *b;

	PLUG_STAT(x, CLOSED_AGE) = PLUG_STAT(y, CLOSED_AGE) = 0;
	return !memcmp(&x, &y, sizeof(x));
}

struct plug_state plug_get(int nl, const char *dev)
{
	struct plug_state state;

	if (!qdisc_get(nl, dev, TC_H_ROOT, &state) || strcmp(state.kind, "plug"))
		bail("%s has no plug at its root", dev);
	return state;
}

/* ---- frames ---- */

/* The EtherType is an experimental one that nothing else in the VM uses. */
struct frame {
	struct ethhdr eth;
	__u64 number;
} __attribute__((packed));

/* An interrupted test may have left its device. */
void link_clear(const char *dev)
{
	if (if_nametoindex(dev))
		quiet_sh("ip link del %s", dev);
}

void plug_forget(void)
{
	quiet_sh("rmmod sch_plug 2> /dev/null");
}

void dummy_make(const char *dev)
{
	link_clear(dev);
	plug_forget();
	must("ip link add %s mtu 65000 type dummy && ip link set %s up", dev, dev);
}

void link_delete(const char *dev)
{
	must("ip link del %s", dev);
}

void link_tso(const char *dev, bool on)
{
	struct ethtool_value value = { .cmd = ETHTOOL_STSO, .data = on };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		bail("tso: %s", strerror(errno));
	close(fd);
}

/* Filters the frames of one device. A socket that is bound to the device would see
 * nothing while the link is down, nor in the moment after, when a qdisc starts again.
 */
static void see_only(int fd, unsigned int ifindex)
{
	struct sock_filter is_it[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ifindex, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0U),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { sizeof(is_it) / sizeof(is_it[0]), is_it };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		bail("SO_ATTACH_FILTER: %s", strerror(errno));
}

int packet_socket(const char *dev, __u16 type)
{
	unsigned int ifindex = dev ? if_nametoindex(dev) : 0;
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(type),
		.sll_ifindex = type ? 0 : ifindex,
	};
	int big = 1 << 30, fd;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0 && type && dev)
		see_only(fd, ifindex);
	if (fd < 0 || (dev && !ifindex) || bind(fd, (void *)&addr, sizeof(addr)))
		bail("packet socket on %s: %s", dev ? dev : "any device", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	return fd;
}

void wire_open(struct wire *w, const char *dev)
{
	memset(w, 0, sizeof(*w));
	w->tx = packet_socket(dev, 0);
	w->rx = packet_socket(dev, ETH_P_ALL);
	w->next = w->expect = 1;
	w->dest = 0xff;
}

void wire_close(struct wire *w)
{
	close(w->tx);
	close(w->rx);
}

unsigned int wire_send(struct wire *w, unsigned int n, size_t size)
{
	static union {
		struct frame frame;
		char room[65536];
	} u;
	unsigned int i, accepted = 0;

	memset(u.frame.eth.h_dest, 0xff, ETH_ALEN);
	u.frame.eth.h_dest[ETH_ALEN - 1] = w->dest;
	memset(u.frame.eth.h_source, 0x02, ETH_ALEN);
	u.frame.eth.h_proto = htons(FRAME_TYPE);
	for (i = 0; i < n; i++) {
		u.frame.number = w->next++;
		if (send(w->tx, &u, size, 0) == (ssize_t)size)
			accepted++;
		else if (errno != ENOBUFS && errno != ENETDOWN && errno != ENXIO)
			bail("send: %s", strerror(errno));
	}
	return accepted;
}

/* Reads one frame; false if none comes within @ms. */
static bool wire_one(struct wire *w, int ms)
{
	struct pollfd pfd = { .fd = w->rx, .events = POLLIN };
	struct frame frame;

	do {
		if (poll(&pfd, 1, ms) != 1)
			return false;
		if (recv(w->rx, &frame, sizeof(frame), 0) < 0) {
			if (errno == ENETDOWN)
				continue;
			bail("recv: %s", strerror(errno));
		}
	} while (frame.eth.h_proto != htons(FRAME_TYPE));
	if (frame.number < w->expect)
		w->reordered++;
	else
		w->expect = frame.number + 1;
	return true;
}

unsigned int wire_recv(struct wire *w, unsigned int want)
{
	unsigned int got = 0;

	while (got < want && wire_one(w, 10000))
		got++;
	return got;
}

unsigned int wire_drain(struct wire *w, unsigned int ms)
{
	unsigned int got = 0;

	while (wire_one(w, ms))
		got++;
	return got;
}

void wire_leaves(struct wire *w, unsigned int want, const char *what)
{
	unsigned int got = wire_recv(w, want);

	is_u64(got + wire_drain(w, QUIET_MS), want, "%s: %u leave", what, want);
}

void wire_silent(struct wire *w, const char *what)
{
	is_u64(wire_drain(w, QUIET_MS), 0, "%s: nothing leaves", what);
}

void wire_finish(struct wire *w, const char *dev)
{
	is_u64(w->reordered, 0, "I2: in order, each once");
	wire_close(w);
	link_delete(dev);
}

bool wire_after(struct wire *w, int nl, const char *dev, __u32 parent,
		const struct after *want)
{
	unsigned int got = wire_recv(w, want->leave);
	struct plug_state st;

	is_u64(got + wire_drain(w, QUIET_MS), want->leave, "I1, I5: %u leave",
	       want->leave);
	if (!qdisc_get(nl, dev, parent, &st) || strcmp(st.kind, "plug"))
		bail("there is no plug");
	if (!ok(st.ctl.epoch == want->epoch && st.ctl.released == want->released &&
		st.ctl.limit == want->limit, "epoch %llu, released %llu, limit %u",
		(unsigned long long)want->epoch,
		(unsigned long long)want->released, want->limit))
		diag("epoch %llu, released %llu, limit %u",
		     (unsigned long long)st.ctl.epoch,
		     (unsigned long long)st.ctl.released, st.ctl.limit);
	is_u64(wire_send(w, 1, 100), 1, "one frame is sent");
	return st.ctl.epoch == st.ctl.released;
}
