// SPDX-License-Identifier: GPL-2.0-or-later
/* How the state of a plug looks: for people, as JSON, as fields. */
#include <inttypes.h>
#include <net/if.h>

#include "parse.h"
#include "print.h"

/* Text only: the part of the limit that is in use. */
static void print_share(struct out *out, uint64_t part, uint64_t whole)
{
	uint64_t tenths;

	if (!whole)
		return;
	tenths = part * 1000 / whole;
	out_text(out, " (%" PRIu64 ".%" PRIu64 "%%)", tenths / 10, tenths % 10);
}

static void print_where(struct out *out, const char *name,
			const struct qdisc_state *state)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	if (!out->json)
		out_bold(out, name);
	out_str(out, "device", NULL, name);
	out_u64(out, "ifindex", NULL, (uint64_t)state->ifindex);
	out_str(out, "handle", "  plug %s ", handle);
	out_str(out, "parent", state->parent == TC_H_ROOT ? "%s" : "parent %s",
		parent);
	out_str(out, "module", NULL, state->told ? "sch-plug" : "in-tree");
}

static void print_state(struct out *out, const struct qdisc_state *state)
{
	uint64_t waiting = plug_waiting(state);

	if (!state->told) {
		out_text(out, "not told by the in-tree module");
		return;
	}
	out_str(out, "state", "%s", state->open ? "open" : "buffering");
	out_u64(out, "epoch", state->open ? NULL : " epoch %s", state->epoch);
	out_u64(out, "released_epoch", NULL, state->released);
	out_u64(out, "waiting_epochs", NULL, waiting);
	if (!waiting)
		return;
	out_count(out, NULL, "; %s", waiting, "epoch waits for release",
		  "epochs wait for release");
	out_u64(out, "oldest_waiting_epoch", " (oldest %s)", state->released + 1);
}

static void print_stopped(struct out *out, const struct qdisc_state *state)
{
	const uint32_t stopped = state->stopped_packets;

	if (state->told)
		out_u64(out, "stopped_packets",
			stopped ? " (%s released and stopped)" : NULL, stopped);
}

void print_brief(struct out *out, const struct qdisc_state *state)
{
	print_state(out, state);
	out_count(out, NULL, ", %s held", state->held_packets, "packet",
		  "packets");
	print_stopped(out, state);
	out_text(out, "\n");
}

static void print_held(struct out *out, const struct qdisc_state *state)
{
	out_count(out, "held_packets", "%s", state->held_packets, "packet",
		  "packets");
	print_stopped(out, state);
	out_size(out, "held_bytes", ", %s", state->held_bytes);
	if (state->head_epoch)
		out_u64(out, "head_epoch", NULL, state->head_epoch);
	if (state->tail_epoch)
		out_u64(out, "tail_epoch", NULL, state->tail_epoch);
	if (state->told) {
		out_size(out, "limit_bytes", " of %s", state->limit);
		print_share(out, state->held_bytes, state->limit);
	}
	if (qdisc_knows(state, max_backlog))
		out_size(out, "max_held_bytes", ", most ever %s",
			 state->xstats.max_backlog);
}

static uint64_t all_drops(const struct qdisc_state *state)
{
	const struct tc_plug_xstats *x = &state->xstats;

	if (!qdisc_knows(state, drops_discard))
		return state->drops;
	return x->drops_limit + x->drops_reset + x->drops_discard;
}

static void print_dropped(struct out *out, const struct qdisc_state *state)
{
	const struct tc_plug_xstats *x = &state->xstats;
	uint64_t all = all_drops(state);

	out_u64(out, "dropped_packets", "%s", all);
	if (!qdisc_knows(state, drops_discard))
		return;
	out_object(out, "dropped");
	out_u64(out, "limit", all ? " (%s over the limit" : NULL, x->drops_limit);
	out_u64(out, "reset", all ? ", %s by reset" : NULL, x->drops_reset);
	out_u64(out, "discard", all ? ", %s by discard)" : NULL, x->drops_discard);
	out_end(out);
}

static void print_copy_failures(struct out *out, const struct qdisc_state *state)
{
	const uint64_t failures = state->xstats.copy_failures;

	if (!qdisc_knows(state, copy_failures))
		return;
	out_count(out, "copy_failures",
		  failures ? "\n  uncopied %s: held without a copy, the sender can still change them" : NULL,
		  failures, "packet", "packets");
}

static void print_closed(struct out *out, const struct qdisc_state *state)
{
	const struct tc_plug_xstats *x = &state->xstats;

	if (qdisc_knows(state, closed_age) && x->closed_age != TC_PLUG_NEVER)
		out_age(out, "closed_age_ns", "\n  closed   %s ago", x->closed_age);
}

/* What only programs, or people who look for something odd, want to know. */
static void print_counters(struct out *out, const struct qdisc_state *state)
{
	const struct tc_plug_xstats *x = &state->xstats;

	out_u64(out, "sent_packets", NULL, state->sent_packets);
	out_u64(out, "sent_bytes", NULL, state->sent_bytes);
	if (!qdisc_knows(state, release_upto_cmds))
		return;
	out_u64(out, "queued_packets", NULL, x->queued_packets);
	out_u64(out, "queued_bytes", NULL, x->queued_bytes);
	out_object(out, "commands");
	out_u64(out, "buffer", NULL, x->buffer_cmds);
	out_u64(out, "release_one", NULL, x->release_one_cmds);
	out_u64(out, "release_indefinite", NULL, x->release_indefinite_cmds);
	out_u64(out, "limit", NULL, x->limit_cmds);
	out_u64(out, "discard", NULL, x->discard_cmds);
	out_u64(out, "release_upto", NULL, x->release_upto_cmds);
	out_end(out);
}

void print_plug_members(struct out *out, const char *name,
			const struct qdisc_state *state)
{
	print_where(out, name, state);
	out_text(out, "\n  state    ");
	print_state(out, state);
	out_text(out, "\n  held     ");
	print_held(out, state);
	out_text(out, "\n  dropped  ");
	print_dropped(out, state);
	print_copy_failures(out, state);
	print_closed(out, state);
	print_counters(out, state);
	out_text(out, "\n");
}

void print_plug(struct out *out, const char *name, const struct qdisc_state *state)
{
	out_object(out, NULL);
	print_plug_members(out, name, state);
	out_end(out);
}

static void print_field(struct out *out, bool known, uint64_t v)
{
	if (known)
		out_text(out, "\t%" PRIu64, v);
	else
		out_text(out, "\t-");
}

#define print_xstat(out, state, field)					\
	print_field(out, qdisc_knows(state, field), (state)->xstats.field)

void print_fields(struct out *out, const char *name,
		  const struct qdisc_state *state)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	out_text(out, "%s\t%d\t%s\t%s\t%s\t%s", name, state->ifindex, handle, parent,
		 state->told ? "sch-plug" : "in-tree",
		 !state->told ? "-" : state->open ? "open" : "buffering");
	print_field(out, state->told, state->epoch);
	print_field(out, state->told, state->released);
	print_field(out, state->head_epoch, state->head_epoch);
	print_field(out, state->tail_epoch, state->tail_epoch);
	print_field(out, state->told, state->limit);
	print_field(out, true, state->held_packets);
	print_field(out, true, state->held_bytes);
	print_field(out, true, all_drops(state));
	print_field(out, true, state->sent_packets);
	print_field(out, true, state->sent_bytes);
	print_xstat(out, state, queued_packets);
	print_xstat(out, state, queued_bytes);
	print_xstat(out, state, max_backlog);
	print_xstat(out, state, drops_limit);
	print_xstat(out, state, drops_reset);
	print_xstat(out, state, drops_discard);
	print_xstat(out, state, buffer_cmds);
	print_xstat(out, state, release_one_cmds);
	print_xstat(out, state, release_indefinite_cmds);
	print_xstat(out, state, limit_cmds);
	print_xstat(out, state, discard_cmds);
	print_xstat(out, state, release_upto_cmds);
	print_field(out, qdisc_knows(state, closed_age) &&
			 state->xstats.closed_age != TC_PLUG_NEVER,
		    state->xstats.closed_age);
	print_field(out, state->told, state->stopped_packets);
	print_xstat(out, state, copy_failures);
	out_text(out, "\n");
}

static void print_line(struct out *out, const char *name,
		       const struct qdisc_state *state)
{
	out_text(out, "%s: ", name);
	print_brief(out, state);
}

void print_targets(struct plugctl *ctx, const struct target *targets,
		   unsigned int n)
{
	char name[IF_NAMESIZE];
	unsigned int i;

	if (!ctx->opt.json && !ctx->opt.verbose)
		return;
	out_array(&ctx->out, "plugs");
	for (i = 0; i < n; i++) {
		const struct target *target = &targets[i];
		const char *known;

		if (!target->usable)
			continue;
		known = netlink_ifname(ctx->nl, target->at.ifindex, name);
		if (ctx->opt.json)
			print_plug(&ctx->out, known ? known : target->name,
				   &target->state);
		else
			print_line(&ctx->out, known ? known : target->name,
				   &target->state);
	}
	out_end(&ctx->out);
}
