// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small process with what a service has: a TCP socket that listens, a connection, and
 * bytes in it that have not been read. container-ha dumps and restores it before it
 * touches the service: a CRIU that cannot do that on this kernel is of no use.
 *
 * Prints its process id when it is ready. After SIGUSR1 it reads the bytes, creates the
 * file that it was started with, with them in it, and ends.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char bytes[] = "not read yet";

int main(int argc, char **argv)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int listener, client, server, sig, fd;
	char got[sizeof(bytes)];
	sigset_t wake;

	if (argc != 2 || chdir("/"))
		return 1;
	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wake, NULL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&sin, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&sin, &len) ||
	    connect(client, (struct sockaddr *)&sin, len)) {
		perror("trial: a TCP connection (is lo up?)");
		return 1;
	}
	server = accept(listener, NULL, NULL);
	if (server < 0 || write(client, bytes, sizeof(bytes)) != sizeof(bytes))
		return 1;
	printf("%d\n", getpid());
	fflush(stdout);
	/* CRIU knows no pipe whose other end is somebody else's. */
	fd = open("/dev/null", O_RDWR);
	if (dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		return 1;
	close(fd);

	sigwait(&wake, &sig);
	if (read(server, got, sizeof(got)) != sizeof(got) || memcmp(got, bytes, sizeof(got)))
		return 1;
	fd = open(argv[1], O_WRONLY | O_CREAT, 0644);
	return fd < 0 || write(fd, got, sizeof(got)) != sizeof(got);
}
