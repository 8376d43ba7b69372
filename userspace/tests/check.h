/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes: cmocka wants these in this order. */
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

#include "../plugctl.h"
#include "../state.h"

/* A context that prints into memory. */
struct capture {
	struct plugctl ctx;
	char *out;
	char *err;
	size_t out_size;
	size_t err_size;
};

static inline struct capture *capture_new(void)
{
	struct capture *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->ctx.out.file = open_memstream(&c->out, &c->out_size);
	c->ctx.err = open_memstream(&c->err, &c->err_size);
	assert_non_null(c->ctx.out.file);
	assert_non_null(c->ctx.err);
	return c;
}

static inline void capture_flush(struct capture *c)
{
	fflush(c->ctx.out.file);
	fflush(c->ctx.err);
}

static inline void capture_free(struct capture *c)
{
	fclose(c->ctx.out.file);
	fclose(c->ctx.err);
	free(c->out);
	free(c->err);
	free(c);
}

static inline void use_json(struct capture *c)
{
	char why[JSON_ERROR_MAX];

	assert_true(out_use_json(&c->ctx.out, false, why));
}

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
		.told = true,
		.limit = 10485760,
		.epoch = 42,
		.released = 39,
		.head_epoch = 39,
		.tail_epoch = 42,
		.stopped_packets = 20,
		.xstats_len = sizeof(struct tc_plug_xstats),
		.xstats = {
			.queued_packets = 1000,
			.queued_bytes = 200000,
			.max_backlog = 2202010,
			.drops_limit = 1,
			.drops_reset = 2,
			.drops_discard = 3,
			.copy_failures = 12,
			.buffer_cmds = 41,
			.release_one_cmds = 38,
			.release_indefinite_cmds = 1,
			.limit_cmds = 4,
			.discard_cmds = 5,
			.release_upto_cmds = 6,
			.closed_age = 4200000000,
		},
	};

	return state;
}

#endif
