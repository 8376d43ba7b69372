/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included by every unit test. cmocka needs the headers in this order. */
#ifndef PLUGCTL_TESTS_CHECK_H
#define PLUGCTL_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../report/report.h"
#include "../report/text.h"

#include <sys/mman.h>
#include <unistd.h>

/* A session that prints into memory. */
struct capture {
	struct plugctl session;
	char *out;
	char *err;
	size_t out_size;
};

static inline struct capture *capture_new(void)
{
	struct capture *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->session.out.file = open_memstream(&c->out, &c->out_size);
	c->session.messages.fd = memfd_create("messages", 0);
	assert_non_null(c->session.out.file);
	assert_true(c->session.messages.fd >= 0);
	return c;
}

static inline void capture_flush(struct capture *c)
{
	const int fd = c->session.messages.fd;
	const off_t len = lseek(fd, 0, SEEK_END);

	fflush(c->session.out.file);
	/* A test may have replaced fd by something without a size. */
	if (len < 0)
		return;
	free(c->err);
	c->err = calloc(1, (size_t)len + 1);
	assert_non_null(c->err);
	assert_int_equal(pread(fd, c->err, (size_t)len, 0), len);
}

static inline void capture_free(struct capture *c)
{
	fclose(c->session.out.file);
	close(c->session.messages.fd);
	free(c->out);
	free(c->err);
	free(c);
}

static inline void use_json(struct capture *c)
{
	c->session.out.json = true;
}

/* All statistics: the bits from the first to the last. */
#define STATS_ALL	((2U << SCH_PLUG_A_STATS_MAX) - (1U << SCH_PLUG_A_STATS_QUEUED_PACKETS))

/* A plug with something in every field. */
static inline struct qdisc_state sample_plug(void)
{
	struct qdisc_state state = {
		.ifindex = 7,
		.handle = 0x80010000,
		.parent = 0xffffffff,
		.kind = "plug",
		.sent_bytes = 123456,
		.sent_packets = 789,
		.held_packets = 118,
		.held_bytes = 167936,
		.drops = 6,
		.has_sent = true,
		.has_state = true,
		.id = 1234567890123,
		.limit = 10485760,
		.epoch = 42,
		.released = 39,
		.head_epoch = 39,
		.tail_epoch = 42,
		.stopped_packets = 20,
		.commands = 95,
		.stats_known = STATS_ALL,
		.stats = {
			[SCH_PLUG_A_STATS_QUEUED_PACKETS] = 1000,
			[SCH_PLUG_A_STATS_QUEUED_BYTES] = 200000,
			[SCH_PLUG_A_STATS_MAX_BACKLOG] = 2202010,
			[SCH_PLUG_A_STATS_DROPS_LIMIT] = 1,
			[SCH_PLUG_A_STATS_DROPS_RESET] = 2,
			[SCH_PLUG_A_STATS_DROPS_DISCARD] = 3,
			[SCH_PLUG_A_STATS_COPY_FAILURES] = 12,
			[SCH_PLUG_A_STATS_BUFFER_CMDS] = 41,
			[SCH_PLUG_A_STATS_RELEASE_ONE_CMDS] = 38,
			[SCH_PLUG_A_STATS_RELEASE_INDEFINITE_CMDS] = 1,
			[SCH_PLUG_A_STATS_LIMIT_CMDS] = 4,
			[SCH_PLUG_A_STATS_DISCARD_CMDS] = 5,
			[SCH_PLUG_A_STATS_RELEASE_UPTO_CMDS] = 6,
			[SCH_PLUG_A_STATS_CLOSED_AGE] = 4200000000,
		},
	};

	return state;
}

#endif
