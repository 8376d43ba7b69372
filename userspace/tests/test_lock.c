// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests the lock of a network namespace, in a new namespace. Skipped if the test may
 * not create one, as in most builds.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netlink.h>

#define NOBODY		65534
/* The lock was once this netlink port, which any user can take. */
#define OLD_PORT	0x706c7567

static char path[LOCK_PATH_MAX];

static void open_here(struct kernel *kernel)
{
	struct open_failure failure;

	if (geteuid() || unshare(CLONE_NEWNET))
		skip();
	memset(kernel, 0, sizeof(*kernel));
	if (!kernel_open(kernel, NULL, &failure))
		skip();
}

/*
 * Takes the old port as an ordinary user. Writes whether this user can open the lock
 * file: 'o' or '-'. Does not return.
 */
static void be_nobody(int ready)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = OLD_PORT };
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	char opened;

	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(1);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		_exit(1);
	opened = open(path, O_RDONLY) >= 0 ? 'o' : '-';
	if (write(ready, &opened, 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void one_at_a_time(void **unused)
{
	struct kernel kernel;
	int lock, second;
	struct stat st;

	(void)unused;
	open_here(&kernel);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(kernel_lock(&kernel, 0, path, &second), EWOULDBLOCK);
	close(lock);
	assert_int_equal(kernel_lock(&kernel, 0, path, &second), 0);
	close(second);
	unlink(path);
	kernel_close(&kernel);
}

static void not_by_others(void **unused)
{
	struct kernel kernel;
	char opened = 0;
	int lock, fds[2];
	pid_t pid;

	(void)unused;
	open_here(&kernel);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), 0);
	close(lock);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_nobody(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &opened, 1), 1);
	assert_int_equal(opened, '-');
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), 0);
	close(lock);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	unlink(path);
	kernel_close(&kernel);
}

/* Files that somebody else has put in the place of the lock are refused. */
static void not_just_any_file(void **unused)
{
	struct kernel kernel;
	char target[LOCK_PATH_MAX + 8];
	int lock;

	(void)unused;
	open_here(&kernel);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), 0);
	close(lock);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), EPERM);
	unlink(path);
	snprintf(target, sizeof(target), "%s.target", path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), ELOOP);
	assert_int_equal(access(target, F_OK), -1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(kernel_lock(&kernel, 0, path, &lock), EPERM);
	unlink(path);
	kernel_close(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(not_by_others),
		cmocka_unit_test(not_just_any_file),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
