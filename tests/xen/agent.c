// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The traffic of the Xen test. In the guest:
 *
 *	agent serve		answers requests. To "COUNT SIZE" by UDP it sends COUNT
 *				datagrams of SIZE bytes, numbered from 0. To "BYTES" by
 *				TCP it sends so many bytes of a pattern.
 *
 * In dom0:
 *
 *	agent ask ADDR COUNT SIZE	sends a request by UDP, and does not wait
 *	agent burst ADDR COUNT SIZE WAIT
 *				sends a request by UDP, and receives until everything
 *				has come, or nothing for WAIT milliseconds. Prints
 *				RECEIVED ORDER; ORDER is "ordered" or "disordered".
 *	agent fetch ADDR BYTES WAIT	connects by TCP, waits for a line on standard
 *				input, sends a request, and receives. Prints RECEIVED
 *				CONTENT MILLISECONDS; CONTENT is "right" or "wrong".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT	7777

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (inet_pton(AF_INET, text, &sin.sin_addr) != 1)
		die(text);
	return sin;
}

static unsigned char pattern(uint64_t at)
{
	return (unsigned char)(at * 31 + (at >> 8));
}

/* ---- guest ---- */

/* Sends no faster than the device takes packets: the guest itself must drop none. */
static void answer_udp(int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char text[64], data[65536];
	unsigned int count, size;
	const int full = 1 << 24;
	uint32_t i, number;
	ssize_t got;

	got = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &len);
	if (got <= 0)
		return;
	text[got] = 0;
	if (sscanf(text, "%u %u", &count, &size) != 2 || size < sizeof(number) ||
	    size > sizeof(data))
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &full, sizeof(full));
	memset(data, 'x', sizeof(data));
	for (i = 0; i < count; i++) {
		number = htonl(i);
		memcpy(data, &number, sizeof(number));
		while (sendto(fd, data, size, 0, (struct sockaddr *)&from, len) < 0 &&
		       (errno == ENOBUFS || errno == EAGAIN))
			usleep(1000);
		if (i % 64 == 63)
			usleep(2000);
	}
}

static void answer_tcp(int fd)
{
	unsigned char data[32768];
	uint64_t left, at = 0;
	char text[64];
	ssize_t got;
	size_t i;

	got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return;
	text[got] = 0;
	left = strtoull(text, NULL, 10);
	while (left) {
		size_t n = left < sizeof(data) ? left : sizeof(data);

		for (i = 0; i < n; i++)
			data[i] = pattern(at + i);
		got = write(fd, data, n);
		if (got <= 0)
			return;
		at += (uint64_t)got;
		left -= (uint64_t)got;
	}
}

static int serve(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd fds[] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
	const int one = 1;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(udp, (struct sockaddr *)&any, sizeof(any)) ||
	    bind(tcp, (struct sockaddr *)&any, sizeof(any)) || listen(tcp, 16))
		die("bind");
	for (;;) {
		if (poll(fds, 2, -1) <= 0)
			continue;
		if (fds[0].revents)
			answer_udp(udp);
		if (fds[1].revents) {
			int fd = accept(tcp, NULL, NULL);

			if (fd >= 0 && !fork()) {
				answer_tcp(fd);
				_exit(0);
			}
			close(fd);
		}
	}
}

/* ---- dom0 ---- */

static int ask(const char *to, const char *count, const char *size)
{
	const struct sockaddr_in sin = address(to);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const int full = 1 << 25;
	char text[64];

	snprintf(text, sizeof(text), "%s %s", count, size);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &full, sizeof(full));
	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) ||
	    send(fd, text, strlen(text), 0) < 0)
		die("send");
	return fd;
}

static int burst(const char *to, const char *count, const char *size, int wait)
{
	const unsigned int wanted = (unsigned int)atoi(count);
	int fd = ask(to, count, size);
	struct pollfd pfd = { fd, POLLIN, 0 };
	unsigned int received = 0;
	uint32_t number, next = 0;
	int ordered = 1;

	while (received < wanted && poll(&pfd, 1, wait) > 0) {
		if (recv(fd, &number, sizeof(number), MSG_TRUNC) < (ssize_t)sizeof(number))
			continue;
		number = ntohl(number);
		ordered &= number >= next;
		next = number + 1;
		received++;
	}
	printf("%u %s\n", received, ordered ? "ordered" : "disordered");
	return 0;
}

static int fetch(const char *to, const char *bytes, int wait)
{
	const struct sockaddr_in sin = address(to);
	const uint64_t wanted = strtoull(bytes, NULL, 10);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd pfd = { fd, POLLIN, 0 };
	unsigned char data[65536];
	uint64_t at = 0;
	int right = 1, n;
	int64_t begin;
	ssize_t got, i;

	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)))
		die("connect");
	fprintf(stderr, "connected\n");
	while (read(0, data, 1) == 1 && data[0] != '\n')
		;
	begin = now_ms();
	n = snprintf((char *)data, sizeof(data), "%s\n", bytes);
	if (write(fd, data, (size_t)n) != n)
		die("write");
	while (at < wanted && poll(&pfd, 1, wait) > 0) {
		got = read(fd, data, sizeof(data));
		if (got <= 0)
			break;
		for (i = 0; i < got; i++)
			right &= data[i] == pattern(at + (uint64_t)i);
		at += (uint64_t)got;
	}
	printf("%llu %s %lld\n", (unsigned long long)at, right ? "right" : "wrong",
	       (long long)(now_ms() - begin));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argv[3], argv[4]) < 0;
	if (argc == 6 && !strcmp(argv[1], "burst"))
		return burst(argv[2], argv[3], argv[4], atoi(argv[5]));
	if (argc == 5 && !strcmp(argv[1], "fetch"))
		return fetch(argv[2], argv[3], atoi(argv[4]));
	fprintf(stderr, "usage: agent serve | ask | burst | fetch: see the source\n");
	return 2;
}
