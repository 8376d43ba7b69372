// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks up plugs, and sends commands to them. */
#include "fake_kernel.h"

#include <errno.h>
#include <net/if.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "../kernel/guest.h"

#define TEST_PLUGS	4
#define PLUG_OF_B	2

/* Four plugs, of the devices a, a, b and c. */
static void fake_reset(void)
{
	static const int ifindexes[TEST_PLUGS] = { 3, 1, 2, 1 };
	unsigned int i;

	fake_devices();
	for (i = 0; i < TEST_PLUGS; i++)
		fake_plug(ifindexes[i], 0x80040000 - (i << 16), 0x10001 + i);
	fake.renewed = PLUG_OF_B;
}

static void sorted_and_joined(void **unused)
{
	struct qdisc_list list = { 0 };
	struct kernel kernel = { 0 };

	(void)unused;
	fake_reset();
	assert_int_equal(list_plugs(&kernel, NULL, 0, true, &list), 0);
	assert_int_equal(list.n, TEST_PLUGS);
	assert_int_equal(list.v[0].ifindex, 1);
	assert_int_equal(list.v[1].ifindex, 1);
	assert_true(list.v[0].handle < list.v[1].handle);
	assert_int_equal(list.v[2].ifindex, 2);
	assert_int_equal(list.v[3].ifindex, 3);
	assert_true(list.v[3].has_sent);
	assert_int_equal(list.v[3].sent_packets, 3);
	free(list.v);
}

/* If the check fails for any reason, nothing is detached. */
static void del_unchecked(void **unused)
{
	static const int errors[] = { EAGAIN, ENOBUFS, ENOMEM, EPERM };
	unsigned int i;

	(void)unused;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct capture *c = capture_new();

		fake_reset();
		/*
		 * The first dump finds the plug, the next one checks what it holds.
		 */
		fake.fail_from = 2;
		fake.dump_error = errors[i];
		assert_true(run(c, "plugctl del b") >= STATUS_REFUSED);
		assert_int_equal(fake.deleted, 0);
		assert_non_null(strstr(c->err, "plugctl: b: its state could not be read"));
		capture_free(c);
	}
}

static void del_forced(void **unused)
{
	struct capture *c = capture_new();

	(void)unused;
	fake_reset();
	fake.fail_from = 2;
	fake.dump_error = ENOBUFS;
	assert_int_equal(run(c, "plugctl --force del b"), 0);
	assert_int_equal(fake.deleted, 1);
	capture_free(c);
}

static void several(void **unused)
{
	struct capture *c = capture_new();

	(void)unused;
	fake_reset();
	assert_int_equal(run(c, "plugctl buffer a"), STATUS_REFUSED);
	assert_int_equal(fake.changed, 0);
	assert_non_null(strstr(c->err, "plugctl: a: has 2 plugs"));
	capture_free(c);
}

/*
 * In a batch, a plug is replaced by one with the same handle, or is gone for a while.
 * The new plug gets commands, except those that name an epoch.
 */
static void replaced(void **unused)
{
	const struct action buffer = { .code = TCQ_PLUG_BUFFER };
	const struct action upto = {
		.code = TCQ_PLUG_RELEASE_UPTO, .upto = true, .epoch = 4,
	};
	const struct selector selector = { 0 };
	struct kernel kernel = { .caching = true };
	char *names[] = { "b" };
	struct targets targets;

	(void)unused;
	fake_reset();
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_false(targets.v[0].replaced);

	/* The name is cached, but there is another plug, with other epochs. */
	fake.plugs[PLUG_OF_B].id = 200;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_true(targets.v[0].cached);
	change_targets(&kernel, &selector, targets.v, 1, &upto, false);
	assert_int_equal(targets.v[0].failed, TARGET_REPLACED);
	assert_int_equal(fake.changed, 0);

	fake.plugs[PLUG_OF_B].id = 201;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	change_targets(&kernel, &selector, targets.v, 1, &buffer, false);
	assert_int_equal(targets.v[0].failed, TARGET_OK);
	assert_int_equal(fake.changed_id, 201);

	/* At the last command the plug was gone. The one that is there now is new. */
	fake.plugs[PLUG_OF_B].ifindex = 4;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	fake.plugs[PLUG_OF_B].id = 202;
	change_targets(&kernel, &selector, targets.v, 1, &buffer, false);
	assert_int_equal(targets.v[0].failed, TARGET_GONE);
	fake.plugs[PLUG_OF_B].ifindex = 2;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	change_targets(&kernel, &selector, targets.v, 1, &upto, false);
	assert_int_equal(targets.v[0].failed, TARGET_REPLACED);
	kernel_close(&kernel);
}

/* If a plug was replaced and the look-up fails, it is not reported as gone. */
static void lookup_fails(void **unused)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const struct selector selector = { 0 };
	struct kernel kernel = { 0 };
	char *names[] = { "b" };
	struct targets targets;

	(void)unused;
	fake_reset();
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	fake.plugs[PLUG_OF_B].id = 200;
	fake.fail_from = fake.dumps + 1;
	fake.dump_error = ENOBUFS;
	targets.v[0].cached = true;
	change_targets(&kernel, &selector, targets.v, 1, &open, false);
	assert_int_equal(targets.v[0].failed, TARGET_UNCHECKED);
	kernel_close(&kernel);
}

/* The plug is replaced by one with the same handle between two dumps. */
static void replaced_meanwhile(void **unused)
{
	struct capture *c = capture_new();

	(void)unused;
	fake_reset();
	fake.renew_at = 2;
	assert_int_equal(run(c, "plugctl del b"), STATUS_REFUSED);
	assert_int_equal(fake.deleted, 0);
	assert_non_null(strstr(c->err, "plugctl: b: the plug is gone already"));
	capture_free(c);

	c = capture_new();
	fake_reset();
	fake.renew_at = 2;
	assert_int_equal(run(c, "plugctl wait b"), STATUS_REFUSED);
	assert_non_null(strstr(c->err, "what it held is lost"));
	capture_free(c);
}

/* With --parent every command looks up the plug. An old epoch is still refused. */
static void replaced_below_a_parent(void **unused)
{
	const struct action upto = {
		.code = TCQ_PLUG_RELEASE_UPTO, .upto = true, .epoch = 4,
	};
	const struct selector selector = { .have_parent = true, .parent = 0x10003 };
	struct kernel kernel = { .caching = true };
	char *names[] = { "b" };
	struct targets targets;

	(void)unused;
	fake_reset();
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_int_equal(targets.v[0].failed, TARGET_OK);
	fake.plugs[PLUG_OF_B].id = 200;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_false(targets.v[0].cached);
	change_targets(&kernel, &selector, targets.v, 1, &upto, false);
	assert_int_equal(targets.v[0].failed, TARGET_REPLACED);
	assert_int_equal(fake.changed, 0);
	kernel_close(&kernel);
}

/* b has its own plug. It is also a guest, with a plug on c. */
static void not_the_guests_plug(void **unused)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const struct selector selector = { 0 };
	struct kernel kernel = { .caching = true };
	char *names[] = { "b" };
	struct targets targets;

	(void)unused;
	fake_reset();
	fake.guest = 2;
	fake.ifb = 3;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_int_equal(targets.v[0].at.ifindex, 2);

	/* b's own plug is deleted. The guest's plug must not get the command. */
	fake.plugs[PLUG_OF_B] = fake.plugs[--fake.n];
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_true(targets.v[0].cached);
	change_targets(&kernel, &selector, targets.v, 1, &open, false);
	assert_int_equal(targets.v[0].failed, TARGET_GONE);
	assert_int_equal(fake.changed, 0);

	/* A command that waits for b's plug must not wait for the guest's. */
	targets.v = &(struct target){ .name = "b", .named = 2, .at = {
		.ifindex = 2, .handle = 0x80020000, .id = 102,
	} };
	assert_int_equal(drain_targets(&kernel, &selector, targets.v, 1, 0), 0);
	assert_int_equal(targets.v[0].failed, TARGET_GONE);

	/* The same by rtnetlink, where both plugs may have the same handle. */
	fake.intree = true;
	fake.plugs[0].id = 0;
	targets.v->failed = TARGET_OK;
	targets.v->at = (struct address){ .ifindex = 2, .handle = fake.plugs[0].handle };
	assert_int_equal(drain_targets(&kernel, &selector, targets.v, 1, 0), 0);
	assert_int_equal(targets.v[0].failed, TARGET_GONE);
	kernel_close(&kernel);
}

/* If the look-up of a redirect fails, that does not mean that there is none. */
static void unknown_guest(void **unused)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	const struct selector selector = { 0 };
	struct kernel kernel = { 0 };
	char *names[] = { "d" };
	struct targets targets;

	(void)unused;
	fake_reset();
	fake.guest = 4;
	fake.ifb = 3;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	assert_int_equal(targets.v[0].at.id, 100);
	fake.plugs[0].id = 300;
	fake.filter_error = ENOBUFS;
	targets.v[0].cached = true;
	change_targets(&kernel, &selector, targets.v, 1, &open, false);
	assert_int_equal(targets.v[0].failed, TARGET_UNCHECKED);
	assert_int_equal(targets.v[0].error, ENOBUFS);
	fake.filter_error = 0;
	targets.v[0].failed = TARGET_OK;
	targets.v[0].cached = true;
	change_targets(&kernel, &selector, targets.v, 1, &open, false);
	assert_int_equal(targets.v[0].failed, TARGET_OK);
	assert_int_equal(fake.changed_id, 300);

	fake.filter_error = ENOBUFS;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), ENOBUFS);
	kernel_close(&kernel);
}

/* batch --at-exit becomes the owner of a plug once, and then of its successor. */
static void owned(void **unused)
{
	const struct action buffer = { .code = TCQ_PLUG_BUFFER };
	const struct selector selector = { 0 };
	struct kernel kernel = { .caching = true, .own = true };
	char *names[] = { "b" };
	struct targets targets;
	unsigned int i;

	(void)unused;
	fake_reset();
	for (i = 1; i <= 3; i++) {
		assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
		change_targets(&kernel, &selector, targets.v, 1, &buffer, false);
		assert_int_equal(targets.v[0].failed, TARGET_OK);
		assert_int_equal(fake.changed, i);
		assert_int_equal(fake.owned, 1);
	}

	fake.plugs[PLUG_OF_B].id = 200;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	change_targets(&kernel, &selector, targets.v, 1, &buffer, false);
	assert_int_equal(targets.v[0].failed, TARGET_OK);
	assert_int_equal(fake.owned, 2);
	assert_int_equal(fake.changed_id, 200);

	/* A plug that belongs to somebody else gets no command. */
	fake.plugs[PLUG_OF_B].id = 201;
	fake.own_error = EBUSY;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	change_targets(&kernel, &selector, targets.v, 1, &buffer, false);
	assert_int_equal(targets.v[0].failed, TARGET_NOT_OWNED);
	assert_int_equal(targets.v[0].error, EBUSY);
	assert_int_equal(fake.changed, 4);
	kernel_close(&kernel);
}

/* With the in-tree module we look for the family once, however often plugs are read. */
static void family_asked_once(void **unused)
{
	const struct selector selector = { 0 };
	struct kernel kernel = { 0 };
	char *names[] = { "b" };
	struct targets targets;
	unsigned int i;

	(void)unused;
	fake_reset();
	fake.intree = true;
	assert_int_equal(find_targets(&kernel, names, 1, &selector, &targets), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(refresh_targets(&kernel, &selector, targets.v, 1), 0);
	assert_int_equal(targets.v[0].failed, TARGET_OK);
	assert_int_equal(fake.asked, 1);
	kernel_close(&kernel);
}

static void not_with_the_in_tree_module(void **unused)
{
	struct capture *c = capture_new();

	(void)unused;
	fake_reset();
	fake.intree = true;
	assert_int_equal(run(c, "plugctl discard b"), STATUS_REFUSED);
	assert_int_equal(fake.changed, 0);
	assert_int_equal(run(c, "plugctl buffer b"), STATUS_OK);
	assert_int_equal(fake.changed, 1);
	capture_free(c);
}

struct device {
	int index;
	const char *name;
	const char *kind;
	const char *alias;
	const char *port;
};

static const struct nlmsghdr *put_device(char *buf, const struct device *device)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *info;

	nlh->nlmsg_type = RTM_NEWLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = device->index;
	ifi->ifi_flags = IFF_UP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, device->name);
	if (device->alias)
		mnl_attr_put(nlh, IFLA_IFALIAS, strlen(device->alias), device->alias);
	if (device->port)
		mnl_attr_put_strz(nlh, IFLA_PHYS_PORT_NAME, device->port);
	if (device->kind) {
		info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, device->kind);
		mnl_attr_nest_end(nlh, info);
	}
	return nlh;
}

/*
 * A device whose packets no plug can hold is refused as a guest, and not changed.
 */
static void no_guest(void **unused)
{
	static const struct {
		struct device device;
		const char *says;
	} rows[] = {
		{ { 2, "b", .kind = "macvtap" }, "by its own queue: plugctl add b holds" },
		{ { 2, "b", .kind = "ipvtap" }, "by its own queue" },
		{ { 2, "b", .kind = "ifb" }, "an ifb is nobody's guest" },
		{ { 2, "b", .port = "pf0vf3" }, "switches by itself" },
		{ { 2, "b", .port = "c1pf0sf88" }, "switches by itself" },
	};
	struct capture *c = capture_new();
	char buf[512];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_reset();
		fake.link = put_device(buf, &rows[i].device);
		assert_int_equal(run(c, "plugctl guest add b"), STATUS_REFUSED);
		capture_flush(c);
		assert_non_null(strstr(c->err, rows[i].says));
		assert_int_equal(fake.requests, 0);
	}
	capture_free(c);
}

/*
 * An alias says to which guest an ifb belongs, but only on an ifb and in one form.
 */
static void whose_ifb(void **unused)
{
	static const struct {
		struct device device;
		int guest;
		const char *name;
		bool made_qdisc;
	} rows[] = {
		{ { 9, "i", .kind = "ifb", .alias = "plugctl guest 7 vif1.0" }, 7, "vif1.0", false },
		{ { 9, "i", .kind = "ifb", .alias = "plugctl guest 7 vif1.0 clsact" }, 7, "vif1.0", true },
		{ { 9, "i", .kind = "ifb", .alias = "plugctl guest 7" }, 0, "", false },
		{ { 9, "i", .kind = "ifb", .alias = "plugctl guest x y" }, 0, "", false },
		{ { 9, "i", .kind = "ifb", .alias = "somebody's" }, 0, "", false },
		{ { 9, "i", .kind = "ifb" }, 0, "", false },
		{ { 9, "i", .kind = "dummy", .alias = "plugctl guest 7 vif1.0" }, 0, "vif1.0", false },
	};
	struct guest_link link;
	char buf[512];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(guest_parse_link(put_device(buf, &rows[i].device), &link));
		assert_int_equal(link.guest, rows[i].guest);
		assert_string_equal(link.guest_name, rows[i].name);
		assert_int_equal(link.made_qdisc, rows[i].made_qdisc);
		assert_int_equal(link.has_alias, rows[i].device.alias != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_and_joined),
		cmocka_unit_test(del_unchecked),
		cmocka_unit_test(del_forced),
		cmocka_unit_test(several),
		cmocka_unit_test(replaced),
		cmocka_unit_test(lookup_fails),
		cmocka_unit_test(replaced_meanwhile),
		cmocka_unit_test(replaced_below_a_parent),
		cmocka_unit_test(not_the_guests_plug),
		cmocka_unit_test(unknown_guest),
		cmocka_unit_test(owned),
		cmocka_unit_test(family_asked_once),
		cmocka_unit_test(not_with_the_in_tree_module),
		cmocka_unit_test(no_guest),
		cmocka_unit_test(whose_ifb),
	};

	return cmocka_run_group_tests_name("plugs", tests, NULL, NULL);
}
