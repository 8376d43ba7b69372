// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole commands, with a kernel that does as the test says: the functions of
 * kernel/kernel.c and kernel/lock.c are here.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "../cli/reader.h"
#include "../kernel/guest.h"

#define FAKE_PLUGS	8
#define FAKE_ORDERS	32
#define WORDS_MAX	16

/* What the kernel has, what it is to refuse, and what it was asked. */
static struct {
	const char *names[5];	/* of the devices 1 to 5 */
	struct qdisc_state plugs[FAKE_PLUGS];
	unsigned int n;
	bool intree;
	unsigned int dumps;	/* so far */
	unsigned int fail_from;	/* dumps fail from this one on, 0: none does */
	unsigned int refuse;	/* kinds of orders, as bits */
	unsigned int fail_opens;	/* so many commands to open fail at first */
	bool unsent;		/* no command to a plug leaves plugctl */
	bool unanswered;	/* nor is one answered */
	struct order orders[FAKE_ORDERS];
	unsigned int n_orders;
	unsigned int requests;	/* of links, filters and other qdiscs */
	int guest;		/* device 5 is an ifb of that device's */
} fake;

bool kernel_open(struct kernel *kernel, const char *netns,
		 struct open_failure *failure)
{
	(void)netns, (void)failure;
	kernel->is_open = true;
	return true;
}

int kernel_lock(struct kernel *kernel, uint64_t deadline,
		char path[LOCK_PATH_MAX], int *lock)
{
	(void)kernel, (void)deadline, (void)path;
	*lock = -1;
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	free(kernel->cache);
	memset(kernel, 0, sizeof(*kernel));
}

bool kernel_has_family(struct kernel *kernel)
{
	return !fake.intree && !kernel->rtnl_only;
}

bool kernel_find_family(struct kernel *kernel)
{
	return kernel_has_family(kernel);
}

static struct qdisc_state *fake_find(const struct order *order)
{
	unsigned int i;

	for (i = 0; i < fake.n; i++)
		if (order->at.id ? fake.plugs[i].id == order->at.id :
		    fake.plugs[i].ifindex == order->at.ifindex &&
		    fake.plugs[i].handle == order->at.handle)
			return &fake.plugs[i];
	return NULL;
}

static void fake_attach(const struct order *order)
{
	const bool open = !fake.intree && !order->no_options &&
			  order->action.code == TCQ_PLUG_RELEASE_INDEFINITE;

	assert_true(fake.n < FAKE_PLUGS);
	fake.plugs[fake.n++] = (struct qdisc_state){
		.ifindex = order->at.ifindex, .handle = order->at.handle,
		.parent = order->at.parent, .kind = PLUG_KIND,
		.has_state = true, .id = 200 + fake.n, .limit = 1000,
		.epoch = 9, .released = open ? 9 : 8, .open = open,
	};
}

static int fake_do(const struct order *order, struct answer *answer)
{
	struct qdisc_state *plug = fake_find(order);

	if (fake.refuse >> order->kind & 1)
		return EINVAL;
	if (order->kind == ORDER_ADD) {
		fake_attach(order);
		return 0;
	}
	if (!plug)
		return ENOENT;
	if (order->kind == ORDER_DEL) {
		*plug = fake.plugs[--fake.n];
		return 0;
	}
	if (order->kind == ORDER_CHANGE &&
	    order->action.code == TCQ_PLUG_RELEASE_INDEFINITE) {
		if (fake.fail_opens && fake.fail_opens--)
			return EINVAL;
		plug->open = true;
		plug->released = plug->epoch;
	}
	answer->state = *plug;
	answer->has_state = true;
	return 0;
}

int kernel_exchange(struct kernel *kernel, const struct order *orders,
		    struct answer *answers, unsigned int n)
{
	unsigned int i;

	(void)kernel;
	for (i = 0; i < n; i++) {
		memset(&answers[i], 0, sizeof(answers[i]));
		if (fake.n_orders < FAKE_ORDERS)
			fake.orders[fake.n_orders++] = orders[i];
		answers[i].sent = !fake.unsent;
		answers[i].error = ENOBUFS;
		if (fake.unsent || fake.unanswered)
			continue;
		answers[i].complete = true;
		answers[i].error = fake_do(&orders[i], &answers[i]);
	}
	return fake.unsent || fake.unanswered ? ENOBUFS : 0;
}

/* How many orders of that kind there were. */
static unsigned int ordered(enum order_kind kind)
{
	unsigned int i, n = 0;

	for (i = 0; i < fake.n_orders; i++)
		n += fake.orders[i].kind == kind;
	return n;
}

static int fake_dump(int ifindex, bool family, struct qdisc_list *list)
{
	unsigned int i;

	list->n = 0;
	fake.dumps++;
	if (fake.fail_from && fake.dumps >= fake.fail_from)
		return ENOBUFS;
	free(list->v);
	list->v = calloc(FAKE_PLUGS, sizeof(*list->v));
	assert_non_null(list->v);
	for (i = 0; i < fake.n; i++) {
		if (ifindex && ifindex != fake.plugs[i].ifindex)
			continue;
		list->v[list->n] = fake.plugs[i];
		if (!family) {
			list->v[list->n].has_state = false;
			list->v[list->n].id = 0;
		}
		list->n++;
	}
	return 0;
}

int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	return kernel_has_family(kernel) ? fake_dump(ifindex, true, list) : ENOENT;
}

int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	(void)kernel;
	return fake_dump(ifindex, false, list);
}

static struct nlmsghdr *put_link(char *buf, int ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *info;
	char alias[32];

	nlh->nlmsg_type = RTM_NEWLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	ifi->ifi_flags = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, fake.names[ifindex - 1]);
	if (ifindex != 5 || !fake.guest)
		return nlh;
	snprintf(alias, sizeof(alias), "plugctl guest %d %s", fake.guest,
		 fake.names[fake.guest - 1]);
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "ifb");
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

/* There are no filters. */
int kernel_dump(struct kernel *kernel, struct nlmsghdr *request,
		handle_fn *handle, void *data)
{
	char buf[512];
	int i, error;

	(void)kernel;
	error = handle(data, NULL);
	for (i = 1; i <= 5 && request->nlmsg_type == RTM_GETLINK && !error; i++)
		if (fake.names[i - 1])
			error = handle(data, put_link(buf, i));
	return error;
}

int kernel_request(struct kernel *kernel, struct nlmsghdr *request,
		   struct answer *answer)
{
	(void)kernel, (void)request;
	memset(answer, 0, sizeof(*answer));
	fake.requests++;
	return 0;
}

int kernel_ifindex(struct kernel *kernel, const char *name)
{
	int i;

	(void)kernel;
	for (i = 0; i < 5; i++)
		if (fake.names[i] && !strcmp(fake.names[i], name))
			return i + 1;
	errno = ENODEV;
	return 0;
}

char *kernel_ifname(struct kernel *kernel, int ifindex, char *text)
{
	(void)kernel;
	if (ifindex < 1 || ifindex > 5 || !fake.names[ifindex - 1])
		return NULL;
	snprintf(text, IF_NAMESIZE, "%s", fake.names[ifindex - 1]);
	return text;
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	(void)nl, (void)group;
	return EPERM;
}

ssize_t netlink_receive(struct netlink *nl)
{
	(void)nl;
	errno = EIO;
	return -1;
}

/* Devices a to d, of which b and c have a closed plug. */
static void fake_reset(void)
{
	unsigned int i;

	memset(&fake, 0, sizeof(fake));
	fake.names[0] = "a";
	fake.names[1] = "b";
	fake.names[2] = "c";
	fake.names[3] = "d";
	fake.n = 2;
	for (i = 0; i < 2; i++)
		fake.plugs[i] = (struct qdisc_state){
			.ifindex = (int)i + 2, .kind = PLUG_KIND,
			.handle = 0x80010000, .parent = 0xffffffff,
			.has_state = true, .id = 100 + i, .epoch = 5,
			.released = 4, .limit = 1000,
		};
}

/* Each word in memory of its own, so that a read past its end is seen. */
static int run(struct capture *c, const char *line)
{
	char *words[WORDS_MAX + 1], *own[WORDS_MAX + 1], *copy = strdup(line), *save, *word;
	int n = 0, status;

	assert_non_null(copy);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(n < WORDS_MAX);
		words[n++] = strdup(word);
	}
	words[n] = NULL;
	free(copy);
	/* The command line's parser moves what is in words. */
	memcpy(own, words, sizeof(own));
	fake.dumps = 0;
	fake.n_orders = 0;
	status = plugctl_main(&c->session, n, words);
	capture_flush(c);
	while (n > 0)
		free(own[--n]);
	return status;
}

/* A line, its status, what it prints, and what it says, in part or up to the last newline. */
static void gives(const char *line, int status, const char *out, const char *err)
{
	struct capture *c = capture_new();
	const bool all = !*err || err[strlen(err) - 1] == '\n';
	const int got = run(c, line);

	if (got != status || (out && strcmp(c->out, out)) ||
	    (all ? strcmp(c->err, err) != 0 : !strstr(c->err, err)))
		fail_msg("%s: status %d, wanted %d; printed \"%s\", wanted \"%s\"; said \"%s\", wanted \"%s\"",
			 line, got, status, c->out, out ? out : "(anything)",
			 c->err, err);
	capture_free(c);
}

/* A batch, by the same measure. */
static void batch_gives(const char *options, const char *lines, int status,
			const char *out, const char *err)
{
	char command[64];
	const int fd = memfd_create("batch", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	snprintf(command, sizeof(command), "plugctl %s batch /proc/self/fd/%d",
		 options, fd);
	gives(command, status, out, err);
	close(fd);
}

/* A plug of which nobody knows whether it is open is not saved as a closed one. */
static void save_without_state(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl save b", 0, "add --keep b handle 8001: limit 1000\n", "");
	gives("plugctl --rtnl save b", 2, "",
	      "plugctl: b: whether the plug is open is not known by rtnetlink, so it was not saved: leave out --rtnl");
	fake.intree = true;
	gives("plugctl save", 2, "",
	      "plugctl: b: the in-tree module does not say whether the plug is open, so it was not saved: ");
	fake.names[4] = "ifb-a";
	fake.guest = 1;
	fake.n = 1;
	fake.plugs[0].ifindex = 5;
	gives("plugctl save", 2, "", "plugctl: a: the in-tree module does not say");
}

/* A plug that is to be open, and of which no state can be read once it is there. */
static void add_unread(void **unused)
{
	(void)unused;
	fake_reset();
	fake.intree = true;
	/* The first dump looks for what is there. */
	fake.fail_from = 2;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached and opened, but its state could not be read (No buffer space available): see plugctl show a");
	assert_int_equal(fake.n, 3);
	assert_true(fake.plugs[2].open);

	fake_reset();
	fake.intree = true;
	fake.fail_from = 2;
	fake.refuse = 1 << ORDER_CHANGE;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached, but could not be opened and was detached again (No buffer space available): try again");
	assert_int_equal(fake.n, 2);

	fake_reset();
	fake.intree = true;
	fake.fail_from = 2;
	fake.refuse = 1 << ORDER_CHANGE | 1 << ORDER_DEL;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the plug was attached, may be closed, and could neither be opened nor detached (No buffer space available): plugctl open a");
	assert_int_equal(fake.n, 3);

	/* One that is to be closed is what it is to be. */
	fake_reset();
	fake.fail_from = 2;
	gives("plugctl add a", 2, "",
	      "plugctl: a: the plug was attached, but its state could not be read (No buffer space available): see plugctl show a");
	assert_int_equal(fake.n, 3);
	assert_int_equal(ordered(ORDER_CHANGE), 0);
}

/* "upto" where it means nothing, and where it is not understood. */
static void mistyped_upto(void **unused)
{
	static const char *const lines[] = {
		"plugctl del b upto 3", "plugctl wait b upto 3", "plugctl open b upto 3",
		"plugctl release b up 3", "plugctl buffer b 3", "plugctl del --force b uptp 3",
		"plugctl run b upto 3 -- true", "plugctl -j del b upto 3",
	};
	unsigned int i;

	(void)unused;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake_reset();
		gives(lines[i], 1, "", "is no device: was \"upto EPOCH\" meant? Nothing was done");
		assert_int_equal(fake.n_orders, 0);
	}
}

/* "excpt arp" would be two devices, and the guest's ARP held. */
static void guest_add_mistyped(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl guest add a excpt arp", 1, "",
	      "plugctl: 'excpt' is no device: was \"except\" meant? Nothing was done: usage: ");
	assert_int_equal(fake.requests + fake.n_orders, 0);
	fake_reset();
	gives("plugctl guest add a nosuch0", 2, "", "plugctl: nosuch0: no such device");
	assert_int_equal(fake.requests + fake.n_orders, 0);
	fake_reset();
	gives("plugctl guest add a", 0, "", "");
	assert_true(fake.requests);
}

/* -j: an array, as with any command to plugs, also where there is none. */
static void json_of_failures(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl -j buffer nosuch0", 2, "[]\n", "plugctl: nosuch0: no such device");
	gives("plugctl -j add nosuch0", 2, "[]\n", "plugctl: nosuch0: no such device");
	gives("plugctl -j add b", 2, "[]\n", "plugctl: b: already has a plug");
	batch_gives("-j", "add nosuch0\n", 2,
		    "{\"line\":1,\"plugs\":[],\"command\":\"add\",\"ok\":false,\"errors\":[{\"device\":\"nosuch0\",\"message\":\"no such device: see ip link\",\"status\":2}]}\n",
		    "nosuch0: no such device");
}

static void json_of_a_script(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl -j save", 1, "", "plugctl: save prints a batch, not JSON: leave out -j: usage: ");
}

/* Closed is an answer, and no failure that ends a batch. */
static void is_open_in_a_batch(void **unused)
{
	(void)unused;
	fake_reset();
	batch_gives("", "is-open b\nopen c\nis-open c\n", 4, "", "");
	assert_true(fake.plugs[1].open);
	batch_gives("-j", "is-open b\nis-open c\nversion x\n", 1,
		    "{\"line\":1,\"open\":false,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":2,\"open\":true,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":3,\"command\":\"version\",\"ok\":false,\"errors\":[{\"message\":\"unexpected argument 'x': usage: plugctl version\",\"status\":1}]}\n",
		    ":3: unexpected argument");
	gives("plugctl is-open b", 4, "", "");
	gives("plugctl -j is-open b", 4, "", "");
}

/* Whatever ends it, a program that counts answers gets one. */
static void batch_cut_short(void **unused)
{
	char *lines = malloc(READER_LINE_MAX * 3 + 16);

	(void)unused;
	assert_non_null(lines);
	strcpy(lines, "is-open b\n");
	memset(lines + 10, 'x', READER_LINE_MAX * 3);
	lines[READER_LINE_MAX * 3 + 10] = '\0';
	fake_reset();
	batch_gives("-j", lines, 1,
		    "{\"line\":1,\"open\":false,\"command\":\"is-open\",\"ok\":true}\n"
		    "{\"line\":2,\"ok\":false,\"errors\":[{\"message\":\"this line is longer than 1048576 bytes: this is not a batch\",\"status\":1}]}\n",
		    ":2: this line is longer");
	free(lines);
	gives("plugctl -j batch /etc", 2,
	      "{\"line\":1,\"ok\":false,\"errors\":[{\"message\":\"cannot read on: Is a directory: what came before was executed\",\"status\":2}]}\n",
	      "plugctl: /etc:1: cannot read on: Is a directory: what came before was executed");
}

/* What a batch understands is saved, and what it does not is said. */
static void saved_names(void **unused)
{
	(void)unused;
	fake_reset();
	fake.names[1] = "a#b";
	fake.names[2] = "-c";
	gives("plugctl save", 0, "add --keep a#b handle 8001: limit 1000\n"
	      "add --keep -- -c handle 8001: limit 1000\n", "");
	fake.names[1] = "#b";
	fake.names[2] = "dev";
	gives("plugctl save", 2, "add --keep dev dev handle 8001: limit 1000\n",
	      "plugctl: #b: no line of a batch can name this device, so its plug was not saved: ");
	fake_reset();
	fake.names[1] = "x\377y";
	gives("plugctl save b", 2, "", "b: no such device");
	gives("plugctl save", 2, "add --keep c handle 8001: limit 1000\n",
	      "plugctl: x?y: no line of a batch can name this device");
	fake_reset();
	fake.names[0] = "limit";
	fake.names[4] = "ifb-limit";
	fake.guest = 1;
	fake.n = 1;
	fake.plugs[0].ifindex = 5;
	gives("plugctl save", 2, "", "plugctl: limit: no line of a batch can name this device");
}

/* A lone dash is a word, and has no letter behind it. */
static void complete_dash(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl complete -- batch - x", 0, NULL, "");
	gives("plugctl complete -- -", 0, NULL, "");
}

/* What of "guest" comes first, and what may follow then. */
static void complete_guest(void **unused)
{
	(void)unused;
	fake_reset();
	gives("plugctl complete -- guest a", 0, "add\thold what guests send: a plug on an ifb for each VIF\n", "");
	gives("plugctl complete -- guest add b", 0, "b\tdevice with a plug\n", "");
	gives("plugctl complete -- guest add b exc", 0, "except\t\n", "");
	gives("plugctl complete -- guest add b except a", 0, "arp\t\n", "");
	gives("plugctl complete -- guest add b c", 0, "c\tdevice with a plug\nclosed\t\n", "");
	gives("plugctl complete -- guest del b o", 0, "", "");
	gives("plugctl complete -- guest del b", 0, "b\tdevice with a plug\n", "");
}

/* A device may have any bytes in its name, and so may the ifb that is named after it. */
static void guest_with_odd_name(void **unused)
{
	(void)unused;
	fake_reset();
	fake.names[0] = "a\033[2J";
	fake.names[4] = "ifb-a\033[2J\377";
	fake.guest = 1;
	fake.n = 1;
	fake.plugs[0].ifindex = 5;
	gives("plugctl guest show", 0,
	      "a?[2J  guest, by ifb-a?[2J?: packets are not sent there, plugctl guest add repairs it\n"
	      "ifb-a?[2J?  plug 8001: root\n"
	      "  state    buffering epoch 5\n"
	      "  held     0 packets, 0 B of 1000 B (0.0%)\n"
	      "  dropped  \n", "");
	gives("plugctl -j guest show a", 2, "[]\n", "plugctl: a: is not the device of a guest");
}

/* What is said of a failure is what was done, once for each device. */
static void failures_said(void **unused)
{
	(void)unused;
	fake_reset();
	fake.unsent = true;
	gives("plugctl buffer b", 2, "",
	      "plugctl: b: the command could not be sent (No buffer space available), so nothing was done: try again\n");
	gives("plugctl del b", 2, "",
	      "plugctl: b: the command could not be sent (No buffer space available), so nothing was done: try again\n");
	gives("plugctl add a open", 2, "",
	      "plugctl: a: the command could not be sent (No buffer space available), so nothing was attached: try again\n");
	fake.unsent = false;
	fake.unanswered = true;
	gives("plugctl add a open", 2, "",
	      "plugctl: a: no answer, the plug may have been attached or not (No buffer space available): see plugctl show a\n");
	gives("plugctl buffer b", 2, "",
	      "plugctl: b: no answer, it may have been done or not (No buffer space available): see plugctl show b\n");
	fake_reset();
	fake.fail_from = 2;
	gives("plugctl del b", 2, "",
	      "plugctl: b: its state could not be read (No buffer space available), so nothing was done to it: try again\n");
	/* A plug that was opened in the end is not complained of. */
	fake_reset();
	fake.fail_opens = 2;
	gives("plugctl run b -- true", 0, "", "");
	assert_true(fake.plugs[0].open);
	fake_reset();
	fake.fail_opens = 9;
	gives("plugctl run b -- true", 2, "", "plugctl: b: the kernel refused: Invalid argument");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(save_without_state),
		cmocka_unit_test(add_unread),
		cmocka_unit_test(mistyped_upto),
		cmocka_unit_test(guest_add_mistyped),
		cmocka_unit_test(json_of_failures),
		cmocka_unit_test(json_of_a_script),
		cmocka_unit_test(is_open_in_a_batch),
		cmocka_unit_test(batch_cut_short),
		cmocka_unit_test(saved_names),
		cmocka_unit_test(complete_dash),
		cmocka_unit_test(complete_guest),
		cmocka_unit_test(guest_with_odd_name),
		cmocka_unit_test(failures_said),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
