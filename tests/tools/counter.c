// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A service that counts in memory, and a client that checks each answer: for the
 * tests that move a running service to another host.
 *
 *	counter serve PORT
 *	counter ask ADDRESS PORT FILE [SIZE [SEED]]
 *	counter redis ADDRESS PORT FILE [SIZE [SEED]]
 *
 * The client uses one connection and sends requests until SIGTERM, or until that
 * connection breaks. The service answers with the number of requests on this
 * connection, which must be one more each time, with the number of requests on all
 * connections, and with a checksum of the request's data. Up to SIZE random bytes
 * go each way. With redis, a request increments a counter, or stores bytes and reads
 * them back.
 *
 * After each answer FILE has one line: answers, wrong answers, whether the
 * connection is broken, longest wait in ms, the total that the service has
 * reported.
 */
#include "plugtest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	__u32	size;		/* of the data that follows */
	__u32	want;		/* size of the data wanted after the answer */
};

struct answer {
	__u64	count;		/* requests on this connection */
	__u64	total;		/* requests on all connections */
	__u64	sum;		/* checksum of the request's data */
};

struct client {
	int		fd;
	int		status;		/* FILE */
	__u32		max;		/* SIZE */
	char		*sent, *got;
	__u64		answers, wrong, longest_ns, total;
	bool		broken;
};

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	stop = 1;
}

static bool read_all(int fd, void *data, size_t len)
{
	char *at = data;
	ssize_t n;

	for (; len; at += n, len -= n) {
		n = read(fd, at, len);
		if (n <= 0)
			return false;
	}
	return true;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	for (; len; at += n, len -= n) {
		n = write(fd, at, len);
		if (n <= 0)
			return false;
	}
	return true;
}

static __u64 sum(const char *data, size_t len)
{
	__u64 sum = 14695981039346656037ULL;

	while (len--)
		sum = (sum ^ (unsigned char)*data++) * 1099511628211ULL;
	return sum;
}

/* ---- the service ---- */

#define MAX_SIZE (16 << 20)

static pthread_mutex_t total_lock = PTHREAD_MUTEX_INITIALIZER;
static __u64 total;

/* Fills @data with bytes that depend only on @seed. */
static void fill(char *data, size_t len, __u64 seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % 8 == 0)
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		data[i] = seed >> (8 * (i % 8));
	}
}

static void *serve_one(void *arg)
{
	int fd = (int)(long)arg;
	char *data = malloc(MAX_SIZE);
	struct answer a = { 0 };
	struct request r;

	while (data && read_all(fd, &r, sizeof(r))) {
		if (r.size > MAX_SIZE || r.want > MAX_SIZE || !read_all(fd, data, r.size))
			break;
		a.count++;
		a.sum = sum(data, r.size);
		pthread_mutex_lock(&total_lock);
		a.total = ++total;
		pthread_mutex_unlock(&total_lock);
		fill(data, r.want, a.count);
		if (!write_all(fd, &a, sizeof(a)) || !write_all(fd, data, r.want))
			break;
	}
	free(data);
	close(fd);
	return NULL;
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
		.sin_addr.s_addr = inet_addr(host),
	};

	return sin;
}

static int serve(const char *port)
{
	struct sockaddr_in sin = address("0.0.0.0", port);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;
	pthread_t thread;

	/* A client may go away in the middle of an answer. */
	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&sin, sizeof(sin)) || listen(listener, 64)) {
		perror("counter: port");
		return 1;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR || errno == ECONNABORTED) {
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&thread, NULL, serve_one, (void *)(long)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
	perror("counter: accept");
	return 1;
}

/* ---- the client ---- */

/* Three of four requests have no data, the others a random size up to the largest. */
static __u32 some_size(const struct client *c)
{
	return c->max && random() % 4 == 0 ? random() % (c->max + 1) : 0;
}

/* Sends a request and checks the answer. False: the connection is broken. A wrong
 * answer is only counted.
 */
static bool ask_counter(struct client *c)
{
	struct request r = { some_size(c), some_size(c) };
	struct answer a;
	__u64 want;

	fill(c->sent, r.size, random());
	if (!write_all(c->fd, &r, sizeof(r)) || !write_all(c->fd, c->sent, r.size) ||
	    !read_all(c->fd, &a, sizeof(a)) || !read_all(c->fd, c->got, r.want))
		return false;
	want = sum(c->sent, r.size);
	fill(c->sent, r.want, a.count);
	if (a.count != c->answers + 1 || a.total <= c->total || a.sum != want ||
	    memcmp(c->got, c->sent, r.want)) {
		c->wrong++;
		fprintf(stderr, "counter: answer %llu: count %llu, total %llu after %llu\n",
			c->answers + 1, a.count, a.total, c->total);
	}
	c->total = a.total;
	return true;
}

/* Reads one line of an answer of redis, without its end; false if there is none. */
static bool redis_line(struct client *c, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read_all(c->fd, line + n, 1)) {
		if (line[n++] != '\n')
			continue;
		line[n] = '\0';
		line[strcspn(line, "\r\n")] = '\0';
		return true;
	}
	return false;
}

/* Reports and counts a wrong answer. True: the connection is not broken. */
static bool redis_say(struct client *c, const char *what, const char *line)
{
	fprintf(stderr, "counter: answer %llu: %s: %s\n", c->answers + 1, what, line);
	c->wrong++;
	return true;
}

static bool ask_redis_number(struct client *c)
{
	char line[64];

	if (!write_all(c->fd, "INCR number\r\n", 13) || !redis_line(c, line, sizeof(line)))
		return false;
	if (line[0] != ':' || strtoull(line + 1, NULL, 10) != c->total + 1)
		return redis_say(c, "INCR", line);
	c->total++;
	return true;
}

static bool ask_redis_bytes(struct client *c, __u32 size)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "*3\r\n$3\r\nSET\r\n$5\r\nbytes\r\n$%u\r\n", size);

	fill(c->sent, size, random());
	if (!write_all(c->fd, line, n) || !write_all(c->fd, c->sent, size) ||
	    !write_all(c->fd, "\r\nGET bytes\r\n", 13) || !redis_line(c, line, sizeof(line)))
		return false;
	if (strcmp(line, "+OK"))
		return redis_say(c, "SET", line);
	if (!redis_line(c, line, sizeof(line)))
		return false;
	if (line[0] != '$' || strtoul(line + 1, NULL, 10) != size)
		return redis_say(c, "GET", line);
	if (!read_all(c->fd, c->got, size + 2))
		return false;
	if (memcmp(c->got, c->sent, size))
		return redis_say(c, "GET", "other bytes");
	return true;
}

static bool ask_redis(struct client *c)
{
	__u32 size = some_size(c);

	return size ? ask_redis_bytes(c, size) : ask_redis_number(c);
}

static void tell(const struct client *c)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%llu %llu %d %llu %llu", c->answers, c->wrong,
			 c->broken, c->longest_ns / 1000000, c->total);

	/* All lines have one length, so nothing of the previous line remains. */
	memset(line + n, ' ', sizeof(line) - n);
	line[sizeof(line) - 1] = '\n';
	if (pwrite(c->status, line, sizeof(line), 0) < 0)
		perror("counter: status");
}

/* Sends requests until SIGTERM. @ask sends one request and checks its answer; false:
 * the connection is broken. Returns the exit status.
 */
static int client(char **argv, bool (*ask)(struct client *c))
{
	struct sockaddr_in sin = address(argv[2], argv[3]);
	struct sigaction term = { .sa_handler = on_term };
	struct client c = { .max = argv[5] ? strtoul(argv[5], NULL, 10) : 0 };
	__u64 begun;
	int on = 1;

	srandom(argv[5] && argv[6] ? strtoul(argv[6], NULL, 10) : 1);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &term, NULL);
	c.status = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	c.sent = malloc(c.max + 1);
	c.got = malloc(c.max + 2);
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c.status < 0 || !c.sent || !c.got || c.fd < 0) {
		perror("counter: cannot begin");
		return 1;
	}
	if (connect(c.fd, (struct sockaddr *)&sin, sizeof(sin))) {
		perror("counter: cannot connect");
		c.broken = true;
		tell(&c);
		return 1;
	}
	setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (!stop && !c.broken) {
		begun = now_ns();
		c.broken = !ask(&c) && !stop;
		if (stop && !c.broken)
			break;
		if (c.broken)
			perror("counter: the connection broke");
		else
			c.answers++;
		if (now_ns() - begun > c.longest_ns)
			c.longest_ns = now_ns() - begun;
		tell(&c);
	}
	return c.wrong || c.broken;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc >= 5 && argc <= 7 && !strcmp(argv[1], "ask"))
		return client(argv, ask_counter);
	if (argc >= 5 && argc <= 7 && !strcmp(argv[1], "redis"))
		return client(argv, ask_redis);
	fprintf(stderr, "usage: counter serve PORT\n"
		"       counter ask|redis ADDRESS PORT FILE [SIZE [SEED]]\n");
	return 1;
}
