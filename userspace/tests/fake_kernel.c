// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kernel.h"

#include <errno.h>
#include <net/if.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#define WORDS_MAX	16

struct fake_kernel fake;

void fake_devices(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.names[0] = "a";
	fake.names[1] = "b";
	fake.names[2] = "c";
	fake.names[3] = "d";
}

/* Adds a plug, closed and empty. The first plug has the id 100. */
void fake_plug(int ifindex, uint32_t handle, uint32_t parent)
{
	assert_true(fake.n < FAKE_PLUGS);
	fake.plugs[fake.n] = (struct qdisc_state){
		.ifindex = ifindex, .kind = PLUG_KIND, .handle = handle,
		.parent = parent, .has_state = true, .id = 100 + fake.n,
		.epoch = 5, .released = 4, .limit = 1000,
	};
	fake.n++;
}

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
	forget_targets(kernel);
	memset(kernel, 0, sizeof(*kernel));
}

int kernel_find_family(struct kernel *kernel)
{
	fake.asked++;
	return fake.intree || kernel->rtnl_only ? ENOENT : 0;
}

static struct qdisc_state *find_plug(const struct order *order)
{
	unsigned int i;

	for (i = 0; i < fake.n; i++)
		if (order->at.id ? fake.plugs[i].id == order->at.id :
		    fake.plugs[i].ifindex == order->at.ifindex &&
		    fake.plugs[i].handle == order->at.handle)
			return &fake.plugs[i];
	return NULL;
}

static void attach(const struct order *order)
{
	const bool open = !fake.intree && !order->no_options &&
			  order->action.code == TCQ_PLUG_RELEASE_INDEFINITE;
	struct qdisc_state *plug = &fake.plugs[fake.n];

	fake_plug(order->at.ifindex, order->at.handle, order->at.parent);
	plug->id = 200 + fake.n;
	plug->epoch = 9;
	plug->released = open ? 9 : 8;
	plug->open = open;
}

static int change(struct qdisc_state *plug, const struct order *order)
{
	if (order->action.code == TCQ_PLUG_RELEASE_INDEFINITE) {
		if (fake.fail_opens && fake.fail_opens--)
			return EINVAL;
		plug->open = true;
		plug->released = plug->epoch;
	}
	fake.changed++;
	fake.changed_id = plug->id;
	return 0;
}

/* Returns the errno that the kernel answers. */
static int execute_order(const struct order *order, struct answer *answer)
{
	struct qdisc_state *plug = find_plug(order);
	int error = 0;

	if (fake.refuse >> order->kind & 1)
		return EINVAL;
	if (order->kind == ORDER_ADD) {
		attach(order);
		return 0;
	}
	if (!plug)
		return ENOENT;
	switch (order->kind) {
	case ORDER_DEL:
		fake.deleted++;
		*plug = fake.plugs[--fake.n];
		return 0;
	case ORDER_OWN:
		fake.owned += !fake.own_error;
		error = fake.own_error;
		break;
	case ORDER_CHANGE:
		error = change(plug, order);
		break;
	default:
		break;
	}
	if (error)
		return error;
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
		answers[i].error = execute_order(&orders[i], &answers[i]);
	}
	return fake.unsent || fake.unanswered ? ENOBUFS : 0;
}

unsigned int ordered(enum order_kind kind)
{
	unsigned int i, n = 0;

	for (i = 0; i < fake.n_orders; i++)
		n += fake.orders[i].kind == kind;
	return n;
}

/* Lists the plugs of a device, or of all (ifindex 0). */
static int dump(int ifindex, struct qdisc_list *list)
{
	unsigned int i;

	list->n = 0;
	fake.dumps++;
	if (fake.fail_from && fake.dumps >= fake.fail_from)
		return fake.dump_error ? fake.dump_error : ENOBUFS;
	if (fake.renew_at == fake.dumps)
		fake.plugs[fake.renewed].id = 200;
	free(list->v);
	list->v = calloc(FAKE_PLUGS, sizeof(*list->v));
	assert_non_null(list->v);
	for (i = 0; i < fake.n; i++)
		if (!ifindex || ifindex == fake.plugs[i].ifindex)
			list->v[list->n++] = fake.plugs[i];
	return 0;
}

int kernel_dump_family(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	return fake.intree || kernel->rtnl_only ? ENOENT : dump(ifindex, list);
}

/* Like some kernels, lists the qdiscs of other devices, too. */
int kernel_dump_qdiscs(struct kernel *kernel, int ifindex,
		       struct qdisc_list *list)
{
	int error = dump(0, list);
	size_t i;

	(void)kernel, (void)ifindex;
	for (i = 0; i < list->n; i++) {
		list->v[i].has_state = false;
		list->v[i].id = 0;
		list->v[i].has_sent = true;
		list->v[i].sent_packets = (uint64_t)list->v[i].ifindex;
	}
	return error;
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
	if (ifindex != FAKE_DEVICES || !fake.labelled)
		return nlh;
	snprintf(alias, sizeof(alias), "plugctl guest %d %s", fake.labelled,
		 fake.names[fake.labelled - 1]);
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "ifb");
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static const struct nlmsghdr *put_redirect(char *buf)
{
	const struct tc_mirred mirred = { .ifindex = (uint32_t)fake.ifb };
	struct nlattr *options, *actions, *action, *nested;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm;

	nlh->nlmsg_type = RTM_NEWTFILTER;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_handle = 0x706c7567;
	tcm->tcm_info = 2 << 16;
	mnl_attr_put_strz(nlh, TCA_KIND, "matchall");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	actions = mnl_attr_nest_start(nlh, TCA_MATCHALL_ACT);
	action = mnl_attr_nest_start(nlh, 1);
	nested = mnl_attr_nest_start(nlh, TCA_ACT_OPTIONS);
	mnl_attr_put(nlh, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	mnl_attr_nest_end(nlh, nested);
	mnl_attr_nest_end(nlh, action);
	mnl_attr_nest_end(nlh, actions);
	mnl_attr_nest_end(nlh, options);
	return nlh;
}

static int dump_links(handle_fn *handle, void *data)
{
	char buf[512];
	int i, error = 0;

	if (fake.link)
		return handle(data, fake.link);
	for (i = 1; i <= FAKE_DEVICES && !error; i++)
		if (fake.names[i - 1])
			error = handle(data, put_link(buf, i));
	return error;
}

static int dump_filters(int ifindex, handle_fn *handle, void *data)
{
	char buf[512];

	if (fake.filter_error)
		return fake.filter_error;
	return fake.guest && fake.guest == ifindex ?
	       handle(data, put_redirect(buf)) : 0;
}

int kernel_dump(struct kernel *kernel, struct nlmsghdr *request,
		handle_fn *handle, void *data)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(request);
	int error = handle(data, NULL);

	(void)kernel;
	if (error)
		return error;
	if (request->nlmsg_type == RTM_GETLINK)
		return dump_links(handle, data);
	if (request->nlmsg_type == RTM_GETTFILTER)
		return dump_filters(tcm->tcm_ifindex, handle, data);
	return 0;
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
	for (i = 0; i < FAKE_DEVICES; i++)
		if (fake.names[i] && !strcmp(fake.names[i], name))
			return i + 1;
	errno = ENODEV;
	return 0;
}

char *kernel_ifname(struct kernel *kernel, int ifindex, char *text)
{
	(void)kernel;
	if (ifindex < 1 || ifindex > FAKE_DEVICES || !fake.names[ifindex - 1])
		return NULL;
	snprintf(text, IF_NAMESIZE, "%s", fake.names[ifindex - 1]);
	return text;
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	(void)nl, (void)group;
	return EPERM;
}

bool netlink_has_joined(const struct netlink *nl, unsigned int group)
{
	(void)nl, (void)group;
	return false;
}

ssize_t netlink_receive(struct netlink *nl)
{
	(void)nl;
	errno = EIO;
	return -1;
}

int run(struct capture *c, const char *line)
{
	char *words[WORDS_MAX + 1], *own[WORDS_MAX + 1], *copy = strdup(line);
	char *save, *word;
	int n = 0, status;

	assert_non_null(copy);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(n < WORDS_MAX);
		words[n++] = strdup(word);
	}
	words[n] = NULL;
	free(copy);
	/* The parser moves the pointers in words. own keeps them for free(). */
	memcpy(own, words, sizeof(own));
	fake.dumps = 0;
	fake.n_orders = 0;
	status = plugctl_main(&c->session, n, words);
	capture_flush(c);
	while (n > 0)
		free(own[--n]);
	return status;
}
