// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: options, dispatch, and words that are neither. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "netlink.h"
#include "parse.h"
#include "pipeline.h"
#include "plugctl.h"

/* An option with this many letters wrong is still recognised in a hint. */
#define TYPO_MAX	2

/* So many need no memory of their own. */
#define FEW_WORDS	16

enum option_id {
	OPTION_JSON,
	OPTION_PRETTY,
	OPTION_NETNS,
	OPTION_VERBOSE,
	OPTION_QUIET,
	OPTION_PARENT,
	OPTION_HANDLE,
	OPTION_FORCE,
	OPTION_TIMEOUT,
	OPTION_NAMES,
	OPTION_VERSION,
	OPTION_HELP,
};

/* Like all tables of words without pointers, which cost time at every start. */
struct option_name {
	enum option_id id;
	char letter;
	char name[8];
	bool has_value;
	unsigned int needs;	/* one of these bits in command.accepts */
	bool whole_run;		/* not in a line of a batch */
};

static const struct option_name option_names[] = {
	{ OPTION_JSON, 'j', "json", false, 0, true },
	{ OPTION_PRETTY, 'p', "pretty", false, 0, true },
	{ OPTION_NETNS, 'n', "netns", true, 0, true },
	{ OPTION_VERBOSE, 'v', "verbose", false, 0, false },
	{ OPTION_QUIET, 'q', "quiet", false, 0, false },
	{ OPTION_PARENT, 0, "parent", true, ACCEPTS_SELECT, false },
	{ OPTION_HANDLE, 0, "handle", true, ACCEPTS_SELECT, false },
	{ OPTION_FORCE, 0, "force", false, ACCEPTS_FORCE, false },
	{ OPTION_TIMEOUT, 0, "timeout", true, ACCEPTS_TIMEOUT, false },
	{ OPTION_NAMES, 0, "names", false, ACCEPTS_NAMES, true },
	{ OPTION_VERSION, 'V', "version", false, 0, true },
	{ OPTION_HELP, 'h', "help", false, 0, true },
};

#define OPTION_COUNT	(sizeof(option_names) / sizeof(option_names[0]))

/* The words of one command line while they are taken apart. */
struct words {
	char **v;
	int n;
	int i;			/* the one being looked at */
	char **rest;		/* those that are no options, in order */
	int rest_n;
	const struct command *command;	/* that the first of them names, or NULL */
	char **program;
	bool only_rest;		/* "--" was seen */
	unsigned int used;	/* bits of command.accepts that options need */
	const char *used_name;
	bool show_version;
	bool show_help;
};

static const struct option_name *find_option(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_names[i].name) == len &&
		    !strncmp(option_names[i].name, name, len))
			return &option_names[i];
	return NULL;
}

static const struct option_name *find_letter(char letter)
{
	unsigned int i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (option_names[i].letter == letter)
			return &option_names[i];
	return NULL;
}

static int bad_value(struct plugctl *ctx, const struct option_name *name,
		     const char *value, const char *what)
{
	return complain_usage(ctx, "--%s %s: that is no %s", name->name, value,
			      what);
}

static int set_option(struct plugctl *ctx, struct words *words,
		      const struct option_name *name, const char *value)
{
	struct options *opt = &ctx->opt;

	if (name->whole_run && ctx->file)
		return complain_usage(ctx, "--%s goes before the word batch, not into a line",
				      name->name);
	if (name->needs) {
		words->used |= name->needs;
		words->used_name = name->name;
	}
	switch (name->id) {
	case OPTION_JSON:
		opt->json = true;
		break;
	case OPTION_PRETTY:
		opt->json = true;
		opt->pretty = true;
		break;
	case OPTION_NETNS:
		opt->netns = value;
		break;
	case OPTION_VERBOSE:
		opt->verbose = true;
		break;
	case OPTION_QUIET:
		opt->quiet = true;
		break;
	case OPTION_FORCE:
		opt->force = true;
		break;
	case OPTION_NAMES:
		opt->names = true;
		break;
	case OPTION_PARENT:
		if (!parse_parent(value, &opt->parent))
			return bad_value(ctx, name, value, "class such as 1:4, or root");
		opt->have_parent = true;
		break;
	case OPTION_HANDLE:
		if (!parse_handle(value, &opt->handle))
			return bad_value(ctx, name, value, "handle such as 8001");
		opt->have_handle = true;
		break;
	case OPTION_TIMEOUT:
		if (!parse_time(value, &opt->timeout))
			return bad_value(ctx, name, value, "time such as 500ms, 10s or 2m");
		opt->have_timeout = true;
		break;
	case OPTION_VERSION:
		words->show_version = true;
		break;
	case OPTION_HELP:
		words->show_help = true;
		break;
	}
	return STATUS_OK;
}

static const char *option_value(struct plugctl *ctx, struct words *words,
				const char *option)
{
	if (words->i + 1 < words->n)
		return words->v[++words->i];
	complain_usage(ctx, "nothing follows %s, which needs a value", option);
	return NULL;
}

static int complain_option(struct plugctl *ctx, const char *word, size_t len)
{
	const char *nearest = NULL;
	unsigned int i, d, best = TYPO_MAX + 1;
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)(len < 31 ? len : 31), word + 2);
	for (i = 0; i < OPTION_COUNT; i++) {
		d = edit_distance(text, option_names[i].name);
		if (d < best) {
			best = d;
			nearest = option_names[i].name;
		}
	}
	if (nearest)
		return complain(ctx, STATUS_USAGE, NULL,
				"%s: no such option: did you mean --%s?", word,
				nearest);
	return complain(ctx, STATUS_USAGE, NULL,
			"%s: no such option: see plugctl help, and write -- before a device of that name",
			word);
}

static int long_option(struct plugctl *ctx, struct words *words)
{
	const char *word = words->v[words->i];
	size_t len = strcspn(word + 2, "=");
	const struct option_name *name = find_option(word + 2, len);
	const char *value = NULL;

	if (!name)
		return complain_option(ctx, word, len);
	if (word[2 + len]) {
		if (!name->has_value)
			return complain_usage(ctx, "--%s takes no value",
					      name->name);
		value = word + 2 + len + 1;
	} else if (name->has_value) {
		value = option_value(ctx, words, word);
		if (!value)
			return ctx->status;
	}
	return set_option(ctx, words, name, value);
}

static int short_options(struct plugctl *ctx, struct words *words)
{
	const char *word = words->v[words->i];
	const char *p;

	for (p = word + 1; *p; p++) {
		const struct option_name *name = find_letter(*p);
		const char *value = NULL;

		if (!name)
			return complain(ctx, STATUS_USAGE, NULL,
					"%s: no such option: see plugctl help, and write -- before a device of that name",
					word);
		if (name->has_value) {
			value = p[1] ? p + 1 : option_value(ctx, words, word);
			if (!value)
				return ctx->status;
		}
		if (set_option(ctx, words, name, value))
			return ctx->status;
		if (value)
			break;
	}
	return STATUS_OK;
}

/*
 * "--" ends the options; in "run", where it also ends the devices, only the
 * one that comes after a device does that.
 */
static bool begins_program(const struct words *words)
{
	return words->rest_n > 1 && words->command &&
	       words->command->accepts & ACCEPTS_PROGRAM;
}

static void add_rest(struct words *words, char *word)
{
	if (!words->rest_n)
		words->command = find_command(word);
	words->rest[words->rest_n++] = word;
}

static int sort_words(struct plugctl *ctx, struct words *words)
{
	for (words->i = 0; words->i < words->n; words->i++) {
		char *word = words->v[words->i];
		bool dashes = word[0] == '-' && !strcmp(word, "--");
		int status = STATUS_OK;

		if (dashes && begins_program(words)) {
			words->program = &words->v[words->i + 1];
			break;
		}
		if (words->only_rest || word[0] != '-' || !word[1])
			add_rest(words, word);
		else if (dashes)
			words->only_rest = true;
		else if (word[1] == '-')
			status = long_option(ctx, words);
		else
			status = short_options(ctx, words);
		if (status)
			return status;
	}
	return STATUS_OK;
}

/* What other tools call it. */
static const char *other_word(const char *word)
{
	static const struct {
		char theirs[9];
		char ours[8];
	} words[] = {
		{ "attach", "add" }, { "create", "add" }, { "new", "add" },
		{ "delete", "del" }, { "detach", "del" }, { "remove", "del" },
		{ "rm", "del" }, { "close", "buffer" }, { "plug", "buffer" },
		{ "hold", "buffer" }, { "unplug", "open" }, { "flush", "open" },
		{ "drop", "discard" }, { "rollback", "discard" },
		{ "list", "show" }, { "ls", "show" }, { "status", "show" },
		{ "watch", "monitor" }, { "exec", "run" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].theirs, word))
			return words[i].ours;
	return NULL;
}

static void compare(const char *word, const char *name, unsigned int *best,
		    const char **nearest)
{
	unsigned int d = edit_distance(word, name);

	if (d < *best) {
		*best = d;
		*nearest = name;
	}
}

/* The nearest name, for a word that is none. */
static const char *nearest_command(const char *word)
{
	const size_t len = strlen(word);
	/* What is short is near to everything. */
	unsigned int best = len < 5 ? TYPO_MAX : TYPO_MAX + 1, i;
	const struct command *command;
	const char *nearest = NULL;

	for (command = commands; command->name; command++) {
		/* A beginning is as good a guess. */
		if (len > 1 && !strncmp(command->name, word, len))
			return command->name;
		compare(word, command->name, &best, &nearest);
		for (i = 0; i < ALIASES_MAX && command->aliases[i]; i++)
			compare(word, command->aliases[i], &best, &nearest);
	}
	return nearest;
}

static int complain_command(struct plugctl *ctx, const char *word)
{
	const char *nearest = other_word(word);

	if (!nearest)
		nearest = nearest_command(word);
	if (nearest)
		return complain(ctx, STATUS_USAGE, NULL,
				"%s: no such command: did you mean %s?", word,
				nearest);
	return complain(ctx, STATUS_USAGE, NULL,
			"%s: no such command: see plugctl help", word);
}

static int check_options(struct plugctl *ctx, const struct words *words)
{
	const struct command *command = ctx->command;

	if (words->used & ~command->accepts)
		return complain_usage(ctx, "%s takes no --%s", command->name,
				      words->used_name);
	if (ctx->file && command->accepts & NOT_IN_BATCH)
		return complain(ctx, STATUS_USAGE, NULL,
				"%s does not work in a batch: run it by itself",
				command->name);
	return STATUS_OK;
}

static int use_json(struct plugctl *ctx)
{
	char why[JSON_ERROR_MAX];

	if (out_use_json(&ctx->out, ctx->opt.pretty, why))
		return STATUS_OK;
	return complain(ctx, STATUS_REFUSED, NULL,
			"-j needs json-c: %s: install it", why);
}

static int dispatch(struct plugctl *ctx, struct words *words)
{
	struct args args = { 0 };

	if (words->show_help) {
		ctx->command = find_command("help");
		args.v = words->rest;
		args.n = words->rest_n > 1 ? 1 : words->rest_n;
		if (ctx->opt.json && use_json(ctx))
			return ctx->status;
		return ctx->command->run(ctx, &args);
	}
	if (words->show_version) {
		out_text(&ctx->out, "plugctl %s\n", PLUG_VERSION);
		return STATUS_OK;
	}
	if (words->rest_n && !words->command)
		return complain_command(ctx, words->rest[0]);
	ctx->command = words->rest_n ? words->command : find_command("show");
	if (check_options(ctx, words))
		return ctx->status;
	args.v = words->rest + (words->rest_n ? 1 : 0);
	args.n = words->rest_n ? words->rest_n - 1 : 0;
	args.program = words->program;
	if (ctx->opt.json && use_json(ctx))
		return ctx->status;
	if (!(ctx->command->accepts & PIPELINED))
		pipeline_flush(ctx);
	return ctx->command->run(ctx, &args);
}

int run_words(struct plugctl *ctx, char **v, int n)
{
	struct words words = { .v = v, .n = n };
	char *few[FEW_WORDS];
	int status;

	ctx->command = NULL;
	words.rest = n < FEW_WORDS ? few : calloc((size_t)n + 1, sizeof(*v));
	if (!words.rest)
		return complain_memory(ctx);
	status = sort_words(ctx, &words);
	if (!status)
		status = dispatch(ctx, &words);
	if (words.rest != few)
		free(words.rest);
	return status;
}

int plugctl_main(struct plugctl *ctx, int argc, char **argv)
{
	int status;

	status = run_words(ctx, argv + 1, argc > 0 ? argc - 1 : 0);
	out_fini(&ctx->out);
	if (!out_flush(&ctx->out)) {
		complain_output(ctx);
		if (!status)
			status = ctx->status;
	}
	netlink_close(ctx);
	memory_free(ctx->memory);
	return status;
}
