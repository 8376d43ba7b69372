// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lock of a network namespace. It is a file in /run that only root can open, like
 * the lock of iptables. A lock that everybody can take, such as a port number or the
 * namespace's own file, would let any user keep us waiting.
 *
 * The file is named after the inode of the namespace. It is never removed, because
 * another process may be about to lock it. After a boot, /run is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "target.h"

/* In <linux/sockios.h> since 4.10. */
#ifndef SIOCGSKNS
#define SIOCGSKNS	0x894C
#endif

#define POLL_PAUSE	(5 * NS_PER_MS)

/* Uses the socket, because the name may belong to another namespace by now. */
static int netns_inode(const struct kernel *kernel, uintmax_t *inode)
{
	struct stat st;
	int error, fd;

	fd = ioctl(kernel->route.fd, SIOCGSKNS);
	if (fd < 0)
		return errno;
	error = fstat(fd, &st) ? errno : 0;
	close(fd);
	*inode = st.st_ino;
	return error;
}

/*
 * Normally only root can write in /run. If others can, they may have put a link there,
 * or a file that they keep locked. Both are refused.
 */
static int open_lock(const char *path, int *lock)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	struct stat st;

	*lock = open(path, flags, 0600);
	/* In an initial RAM disk the directory may be missing. */
	if (*lock < 0 && errno == ENOENT && !mkdir(LOCK_DIR, 0755))
		*lock = open(path, flags, 0600);
	if (*lock < 0)
		return errno;
	if (!fstat(*lock, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return 0;
	close(*lock);
	return EPERM;
}

int kernel_lock(struct kernel *kernel, uint64_t deadline,
		char path[LOCK_PATH_MAX], int *lock)
{
	const struct timespec pause = { .tv_nsec = POLL_PAUSE };
	uintmax_t inode = 0;
	int error;

	path[0] = '\0';
	error = netns_inode(kernel, &inode);
	if (error)
		return error;
	snprintf(path, LOCK_PATH_MAX, LOCK_DIR "/plugctl-guest.%" PRIuMAX, inode);
	error = open_lock(path, lock);
	if (error)
		return error;
	while (flock(*lock, LOCK_EX | LOCK_NB)) {
		error = errno;
		if (error != EWOULDBLOCK || clock_now() >= deadline) {
			close(*lock);
			return error;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
