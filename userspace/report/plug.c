// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the state of a plug: for people, as JSON, as fields. */
#include <inttypes.h>
#include <net/if.h>

#include "report.h"
#include "text.h"

/* Text only: the percentage of the limit that is in use. */
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
	out_str(out, "module", NULL, state->has_state ? "sch-plug" : "in-tree");
}

static void print_state(struct out *out, const struct qdisc_state *state)
{
	uint64_t waiting = plug_waiting(state);

	if (!state->has_state) {
		out_text(out, "unknown (in-tree module)");
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

	if (state->has_state)
		out_u64(out, "stopped_packets",
			stopped ? " (%s released and stopped)" : NULL, stopped);
}

void print_brief(struct out *out, const struct qdisc_state *state)
{
	print_state(out, state);
	out_count(out, NULL, ", %s held", state->held_packets, "packet",
		  "packets");
	print_stopped(out, state);
	if (state->has_state)
		out_size(out, NULL, ", limit %s", state->limit);
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
	if (state->has_state) {
		out_size(out, "limit_bytes", " of %s", state->limit);
		print_share(out, state->held_bytes, state->limit);
	}
	if (plug_knows(state, MAX_BACKLOG))
		out_size(out, "max_held_bytes", ", peak %s",
			 plug_stat(state, MAX_BACKLOG));
}

static bool knows_drops(const struct qdisc_state *state)
{
	return plug_knows(state, DROPS_DISCARD) || state->has_sent;
}

static uint64_t all_drops(const struct qdisc_state *state)
{
	if (!plug_knows(state, DROPS_DISCARD))
		return state->drops;
	return plug_stat(state, DROPS_LIMIT) + plug_stat(state, DROPS_RESET) +
	       plug_stat(state, DROPS_DISCARD);
}

static void print_dropped(struct out *out, const struct qdisc_state *state)
{
	uint64_t all = all_drops(state);

	if (!knows_drops(state))
		return;
	out_u64(out, "dropped_packets", "%s", all);
	if (!plug_knows(state, DROPS_DISCARD))
		return;
	out_object(out, "dropped");
	out_u64(out, "limit", all ? " (%s over the limit" : NULL,
		plug_stat(state, DROPS_LIMIT));
	out_u64(out, "reset", all ? ", %s by reset" : NULL,
		plug_stat(state, DROPS_RESET));
	out_u64(out, "discard", all ? ", %s by discard)" : NULL,
		plug_stat(state, DROPS_DISCARD));
	out_end(out);
}

static void print_copy_failures(struct out *out, const struct qdisc_state *state)
{
	const uint64_t failures = plug_stat(state, COPY_FAILURES);

	if (!plug_knows(state, COPY_FAILURES))
		return;
	out_count(out, "copy_failures",
		  failures ? "\n  uncopied %s: held without a copy, the sender can still change them" : NULL,
		  failures, "packet", "packets");
}

static void print_closed(struct out *out, const struct qdisc_state *state)
{
	if (plug_knows(state, CLOSED_AGE))
		out_age(out, "closed_age_ns", "\n  closed   %s ago",
			plug_stat(state, CLOSED_AGE));
}

/* Counters that only programs and troubleshooters need. */
static void print_counters(struct out *out, const struct qdisc_state *state)
{
	if (state->has_sent) {
		out_u64(out, "sent_packets", NULL, state->sent_packets);
		out_u64(out, "sent_bytes", NULL, state->sent_bytes);
	}
	if (!state->stats_known)
		return;
	out_u64(out, "queued_packets", NULL, plug_stat(state, QUEUED_PACKETS));
	out_u64(out, "queued_bytes", NULL, plug_stat(state, QUEUED_BYTES));
	out_object(out, "commands");
	out_u64(out, "buffer", NULL, plug_stat(state, BUFFER_CMDS));
	out_u64(out, "release_one", NULL, plug_stat(state, RELEASE_ONE_CMDS));
	out_u64(out, "release_indefinite", NULL,
		plug_stat(state, RELEASE_INDEFINITE_CMDS));
	out_u64(out, "limit", NULL, plug_stat(state, LIMIT_CMDS));
	out_u64(out, "discard", NULL, plug_stat(state, DISCARD_CMDS));
	out_u64(out, "release_upto", NULL, plug_stat(state, RELEASE_UPTO_CMDS));
	out_end(out);
}

/* Prints the owner, and what the kernel does with the plug when the owner ends. */
static void print_owner(struct out *out, const struct qdisc_state *state)
{
	const char *at_exit = at_exit_name(state->at_exit);

	if (!state->owner)
		return;
	out_u64(out, "owner", out->verbose ? "\n  owner    netlink port %s" : NULL,
		state->owner);
	if (at_exit)
		out_str(out, "at_exit", out->verbose ? ", at its end: %s" : NULL, at_exit);
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
	print_owner(out, state);
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

#define print_stat(out, state, name)					\
	print_field(out, plug_knows(state, name), plug_stat(state, name))

void print_fields(struct out *out, const char *name,
		  const struct qdisc_state *state)
{
	char handle[HANDLE_TEXT_MAX], parent[HANDLE_TEXT_MAX];

	format_handle(handle, state->handle);
	format_parent(parent, state->parent);
	out_text(out, "%s\t%d\t%s\t%s\t%s\t%s", name, state->ifindex, handle, parent,
		 state->has_state ? "sch-plug" : "in-tree",
		 !state->has_state ? "-" : state->open ? "open" : "buffering");
	print_field(out, state->has_state, state->epoch);
	print_field(out, state->has_state, state->released);
	print_field(out, state->head_epoch, state->head_epoch);
	print_field(out, state->tail_epoch, state->tail_epoch);
	print_field(out, state->has_state, state->limit);
	print_field(out, true, state->held_packets);
	print_field(out, true, state->held_bytes);
	print_field(out, knows_drops(state), all_drops(state));
	print_field(out, state->has_sent, state->sent_packets);
	print_field(out, state->has_sent, state->sent_bytes);
	print_stat(out, state, QUEUED_PACKETS);
	print_stat(out, state, QUEUED_BYTES);
	print_stat(out, state, MAX_BACKLOG);
	print_stat(out, state, DROPS_LIMIT);
	print_stat(out, state, DROPS_RESET);
	print_stat(out, state, DROPS_DISCARD);
	print_stat(out, state, BUFFER_CMDS);
	print_stat(out, state, RELEASE_ONE_CMDS);
	print_stat(out, state, RELEASE_INDEFINITE_CMDS);
	print_stat(out, state, LIMIT_CMDS);
	print_stat(out, state, DISCARD_CMDS);
	print_stat(out, state, RELEASE_UPTO_CMDS);
	print_stat(out, state, CLOSED_AGE);
	print_field(out, state->has_state, state->stopped_packets);
	print_stat(out, state, COPY_FAILURES);
	out_text(out, "\n");
}

const char *device_name(struct kernel *kernel, int ifindex, const char *typed,
			char *text)
{
	if (!kernel_ifname(kernel, ifindex, text)) {
		if (!typed)
			return NULL;
		snprintf(text, IF_NAMESIZE, "%s", typed);
	}
	make_printable(text);
	return text;
}

/* Prints the epoch that "release DEV upto" needs when the checkpoint has arrived. */
static void print_ended(struct out *out, const struct request *req,
			const struct qdisc_state *state)
{
	if ((req->command->options & ENDS_EPOCH) && state->has_state)
		out_u64(out, "ended_epoch", NULL, state->epoch - 1);
}

static void print_targets(struct request *req)
{
	struct plugctl *session = req->session;
	struct out *out = &session->out;
	char name[IF_NAMESIZE];
	unsigned int i;

	out_array(out, "plugs");
	for (i = 0; i < req->targets.n; i++) {
		struct target *target = &req->targets.v[i];

		if (target->failed)
			continue;
		device_name(&session->kernel, target->at.ifindex, target->name, name);
		if (out->json) {
			add_statistics(&session->kernel, &target->state);
			out_object(out, NULL);
			print_plug_members(out, name, &target->state);
			print_ended(out, req, &target->state);
			out_end(out);
		} else {
			out_text(out, "%s: ", name);
			print_brief(out, &target->state);
		}
	}
	out_end(out);
}

void report_targets(struct request *req)
{
	unsigned int i;

	for (i = 0; i < req->targets.n; i++) {
		struct target *target = &req->targets.v[i];

		if (target->failed || target->text[0])
			complain_target(req, target);
	}
	if ((req->options.verbose || req->session->out.json) &&
	    !(req->command->options & PRINTS_NOTHING))
		print_targets(req);
}
