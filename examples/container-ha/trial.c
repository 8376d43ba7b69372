// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small process with the resources of a service: a listening TCP socket, and a
 * connection with unread bytes. container-ha dumps and restores it before it
 * touches the service, to check that CRIU can do so on this kernel.
 *
 * Prints its process id when it is ready. After SIGUSR1 it reads the bytes, writes
 * them to the file that its argument names, and ends.
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
	/* CRIU cannot dump a pipe to a process that is not dumped. */
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
