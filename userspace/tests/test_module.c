// SPDX-License-Identifier: GPL-2.0-or-later
/* The reasons why a kernel does not know the qdisc, in a fake file system. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../kernel/module.h"

#define RELEASE	"6.1.0-9-amd64"

static char root[] = "/tmp/plugctl-test.XXXXXX";

static void command(const char *format, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text), format, root, path);
	assert_int_equal(system(text), 0);
}

static void put(const char *path, const char *content)
{
	char name[512];
	FILE *file;

	snprintf(name, sizeof(name), "mkdir -p \"$(dirname '%%s%%s')\"");
	command(name, path);
	snprintf(name, sizeof(name), "%s%s", root, path);
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void drop(const char *path)
{
	command("rm -rf '%s%s'", path);
}

static int setup(void **state)
{
	(void)state;
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	drop("");
	return 0;
}

static void says(const char *words)
{
	struct module_info info;
	char advice[ADVICE_MAX];

	module_look(&info, root, RELEASE);
	format_advice(advice, &info);
	if (!strstr(advice, words))
		fail_msg("said \"%s\", wanted \"%s\"", advice, words);
	assert_null(strchr(advice, '\n'));
}

static void reasons(void **state)
{
	(void)state;
	says("is not installed for kernel " RELEASE " (which has no /lib/modules");
	put("/lib/modules/" RELEASE "/modules.dep", "kernel/net/sched/sch_prio.ko:\n");
	says("is not installed for kernel " RELEASE ": install sch-plug-dkms (XCP-ng: sch-plug-module-alt)");
	put("/lib/modules/5.10.0-1-amd64/modules.dep",
	    "updates/dkms/sch_plug.ko.xz:\n");
	says("not built for the running kernel " RELEASE ", only for others such as 5.10.0-1-amd64");
	put("/lib/modules/" RELEASE "/modules.dep",
	    "kernel/a.ko: kernel/b.ko\nupdates/dkms/sch_plug.ko:\n");
	put("/lib/modules/" RELEASE "/updates/dkms/sch_plug.ko",
	    "a module that is long enough, but bears no signature");
	says("is installed (updates/dkms/sch_plug.ko), but was not loaded: modprobe");
	put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	says("Secure Boot or lockdown keeps updates/dkms/sch_plug.ko from loading, which is unsigned");
	put("/lib/modules/" RELEASE "/updates/dkms/sch_plug.ko",
	    "a module~Module signature appended~\n");
	says("not signed with a key that this machine trusts");
	put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	says("modprobe sch_plug");
	put("/sys/module/module/parameters/sig_enforce", "Y\n");
	says("not signed with a key");
	put("/proc/sys/kernel/modules_disabled", "1\n");
	says("kernel.modules_disabled is 1");
	put("/sys/module/sch_plug/version", "0.1.0\n");
	says("is loaded, but registered no qdisc");
}

static void versions(void **state)
{
	struct module_info info;

	(void)state;
	module_look(&info, root, RELEASE);
	assert_false(info.loaded);
	assert_false(info.has_modules);
	put("/sys/module/sch_plug/refcnt", "0\n");
	put("/lib/modules/" RELEASE "/modules.dep", "kernel/net/sched/sch_plug.ko:\n");
	module_look(&info, root, RELEASE);
	assert_true(info.loaded);
	assert_true(info.path_is_intree);
	assert_string_equal(info.version, "");
	put("/sys/module/sch_plug/version", "0.1.0\n");
	put("/lib/modules/" RELEASE "/modules.dep", "updates/sch_plug.ko:\n");
	module_look(&info, root, RELEASE);
	assert_string_equal(info.version, "0.1.0");
	assert_false(info.path_is_intree);
	put("/lib/modules/" RELEASE "/modules.builtin", "kernel/net/sched/sch_plug.ko\n");
	module_look(&info, root, RELEASE);
	assert_true(info.builtin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(versions, setup, teardown),
	};

	return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
