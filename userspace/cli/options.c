// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of commands and options, and the parser that turns words into a
 * request.
 */
#include <stdlib.h>
#include <string.h>

#include "../commands/commands.h"
#include "../report/report.h"
#include "../report/text.h"
#include "options.h"
#include "parse.h"

/* With up to this many wrong letters, a hint names the option. */
#define TYPO_MAX	2

#define USED_MAX	32

const struct command *const commands[] = {
	&cmd_add, &cmd_del, &cmd_buffer, &cmd_release, &cmd_open, &cmd_limit,
	&cmd_discard, &cmd_show, &cmd_dump, &cmd_is_open, &cmd_save, &cmd_monitor,
	&cmd_wait, &cmd_run, &cmd_guest, &cmd_batch, &cmd_version, &cmd_help, &cmd_complete, NULL
};

static bool set_netns(const char *value, struct options *opt)
{
	opt->netns = value;
	return true;
}

static bool set_parent(const char *value, struct options *opt)
{
	return parse_parent(value, &opt->selector.parent);
}

static bool set_handle(const char *value, struct options *opt)
{
	return parse_handle(value, &opt->selector.handle);
}

static bool set_timeout(const char *value, struct options *opt)
{
	return parse_time(value, &opt->timeout);
}

static bool set_at_exit(const char *value, struct options *opt)
{
	const char *name;

	for (opt->at_exit = 0; (name = at_exit_name(opt->at_exit)); opt->at_exit++)
		if (!strcmp(name, value))
			return true;
	return false;
}

static bool set_interval(const char *value, struct options *opt)
{
	opt->interval = NS_PER_S;
	return !value || (parse_time(value, &opt->interval) && opt->interval);
}

static bool set_color(const char *value, struct options *opt)
{
	opt->have_color = !value || strcmp(value, "auto");
	opt->color = !value || !strcmp(value, "always");
	return !opt->have_color || opt->color || !strcmp(value, "never");
}

#define FLAG(name)	.flag = offsetof(struct options, name)
#define DURATION	"a duration such as 500ms, 10s or 2m"

const struct option options[] = {
	{ .letter = 'j', .name = "json", FLAG(json), .help = "JSON",
	  .global = true },
	{ .letter = 'p', .name = "pretty", FLAG(pretty),
	  .help = "JSON with line breaks", .global = true },
	{ .letter = 'n', .name = "netns", .value = "NETNS",
	  .set = set_netns,
	  .help = "devices of that network namespace", .global = true },
	{ .letter = 'v', .name = "verbose", FLAG(verbose),
	  .help = "print the state after a command; show: also the owner" },
	{ .letter = 'q', .name = "quiet", FLAG(quiet),
	  .help = "no notes and warnings, only errors" },
	{ .name = "parent", .value = "CLASSID", FLAG(selector.have_parent),
	  .set = set_parent, .wanted = "a class such as 1:4, or root",
	  .needs = TAKES_SELECT, .help = "the plug below that class" },
	{ .name = "handle", .value = "H:", FLAG(selector.have_handle),
	  .set = set_handle, .wanted = "a handle such as 8001",
	  .needs = TAKES_SELECT, .help = "the plug with that handle" },
	{ .name = "force", FLAG(force), .needs = TAKES_FORCE,
	  .help = "do it all the same: see above" },
	{ .name = "keep", FLAG(keep), .needs = TAKES_KEEP,
	  .help = "a plug that is there already is left as it is" },
	{ .name = "timeout", .value = "T", FLAG(have_timeout),
	  .set = set_timeout, .wanted = DURATION,
	  .needs = TAKES_TIMEOUT,
	  .help = "wait no longer: 500ms, 10s, 2m, or seconds" },
	{ .name = "all", FLAG(selector.all), .needs = TAKES_ALL,
	  .help = "every plug of the device, as one below each class of mq" },
	{ .name = "at-exit", .value = "WHAT", FLAG(have_at_exit),
	  .set = set_at_exit, .wanted = "one of open, discard and keep",
	  .needs = TAKES_AT_EXIT,
	  .help = "open, discard or keep (the default) when plugctl ends" },
	{ .name = "watch", .value = "T", FLAG(watch), .needs = TAKES_WATCH,
	  .set = set_interval, .wanted = DURATION, .value_optional = true,
	  .help = "show again and again, with rates: each T (1s)" },
	{ .letter = 't', .name = "time", FLAG(times), .needs = TAKES_TIMES,
	  .help = "with date and time zone" },
	{ .name = "rtnl", FLAG(rtnl), .global = true,
	  .help = "by rtnetlink alone, as with the in-tree module" },
	{ .name = "color", .value = "WHEN", FLAG(have_color), .global = true,
	  .set = set_color, .wanted = "one of always, never and auto",
	  .value_optional = true,
	  .help = "colours: always (also without WHEN), never or auto" },
	{ .letter = 'V', .name = "version", FLAG(version), .help = "version",
	  .global = true },
	{ .letter = 'h', .name = "help", FLAG(help), .help = "help",
	  .global = true },
	{ .name = NULL }
};

/* The words of one command line while they are parsed. */
struct words {
	char **v;
	int n;
	int i;			/* the current one */
	bool only_rest;		/* "--" was seen */
	const struct option *used[USED_MAX];
	unsigned int n_used;
};

const struct command *find_command(const char *word)
{
	unsigned int i, k;

	for (k = 0; commands[k]; k++) {
		if (!strcmp(commands[k]->name, word))
			return commands[k];
		for (i = 0; i < ALIASES_MAX && commands[k]->aliases[i]; i++)
			if (!strcmp(commands[k]->aliases[i], word))
				return commands[k];
	}
	return NULL;
}

const struct option *find_option(const char *word, size_t len)
{
	const struct option *option;

	for (option = options; option->name; option++)
		if (word[1] != '-' ? option->letter && option->letter == word[1] :
		    strlen(option->name) == len - 2 &&
		    !strncmp(option->name, word + 2, len - 2))
			return option;
	return NULL;
}

bool takes_option(const struct command *command, const struct option *option)
{
	return option->needs & command->options;
}

void format_usage(char text[USAGE_TEXT_MAX], const struct command *command)
{
	const struct option *option;

	snprintf(text, USAGE_TEXT_MAX, "plugctl %s%s%s",
		 command->group ? command->group->name : "",
		 command->group ? " " : "", command->name);
	for (option = options; option->name; option++)
		if (takes_option(command, option))
			append_text(text, USAGE_TEXT_MAX,
				    option->value_optional ? " [--%s[=%s]]" :
				    option->value ? " [--%s %s]" : " [--%s]",
				    option->name, option->value);
	append_text(text, USAGE_TEXT_MAX, "%s%s", *command->usage ? " " : "",
		    command->usage);
}

/* Stores an option. value is NULL if the option takes none, or if none is given. */
static int set_option(struct request *req, struct words *words,
		      const struct option *option, const char *value)
{
	struct options *opt = &req->options;

	if (option->global && req->file)
		return complain_usage(req, "--%s goes before the word batch, not into a line",
				      option->name);
	if (words->n_used < USED_MAX)
		words->used[words->n_used++] = option;
	if (option->flag)
		*(bool *)((char *)opt + option->flag) = true;
	opt->json |= opt->pretty;
	if (option->set && !option->set(value, opt))
		return complain_usage(req, "--%s: '%s' is not %s", option->name,
				      value, option->wanted);
	return STATUS_OK;
}

static const char *next_value(struct request *req, struct words *words,
			      const char *option)
{
	if (words->i + 1 < words->n)
		return words->v[++words->i];
	complain_usage(req, "%s needs a value", option);
	return NULL;
}

static int complain_option(struct request *req, const char *word, size_t len)
{
	const struct option *option, *nearest = NULL;
	unsigned int d, best = TYPO_MAX + 1;
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)(len < 31 ? len : 31), word + 2);
	for (option = options; len && option->name; option++) {
		d = edit_distance(text, option->name);
		if (d < best) {
			best = d;
			nearest = option;
		}
	}
	if (nearest)
		return complain(req, STATUS_USAGE, NULL,
				"%s: no such option: did you mean --%s?", word,
				nearest->name);
	return complain(req, STATUS_USAGE, NULL,
			"%s: no such option: see plugctl help, and write -- before a device of that name",
			word);
}

static int long_option(struct request *req, struct words *words)
{
	const char *word = words->v[words->i], *value = NULL;
	size_t len = strcspn(word, "=");
	const struct option *option = find_option(word, len);

	if (!option)
		return complain_option(req, word, len - 2);
	if (word[len]) {
		if (!option->value)
			return complain_usage(req, "--%s takes no value",
					      option->name);
		value = word + len + 1;
	} else if (option->value && !option->value_optional) {
		value = next_value(req, words, word);
		if (!value)
			return STATUS_USAGE;
	}
	return set_option(req, words, option, value);
}

static int short_options(struct request *req, struct words *words)
{
	const char *word = words->v[words->i];
	const char *p;
	int status;

	for (p = word + 1; *p; p++) {
		const char dashed[] = { '-', *p, '\0' };
		const struct option *option = find_option(dashed, 2);
		const char *value = NULL;

		if (!option)
			return complain_option(req, word, 0);
		if (option->value) {
			value = p[1] ? p + 1 : next_value(req, words, word);
			if (!value)
				return STATUS_USAGE;
		}
		status = set_option(req, words, option, value);
		if (status || value)
			return status;
	}
	return STATUS_OK;
}

/*
 * Whether "--" begins the program of "run". Only a "--" after a device does. Any other
 * "--" ends the options.
 */
static bool begins_program(const struct request *req)
{
	return req->n && req->command && req->command->options & TAKES_PROGRAM;
}

static int sort_words(struct request *req, struct words *words)
{
	bool first = true;

	for (words->i = 0; words->i < words->n; words->i++) {
		char *word = words->v[words->i];
		bool dashes = !strcmp(word, "--");
		int status = STATUS_OK;

		if (dashes && begins_program(req)) {
			req->program = &words->v[words->i + 1];
			break;
		}
		if (words->only_rest || word[0] != '-' || !word[1]) {
			/* req->words is the same array as v, never ahead of v[i]. */
			if (first)
				req->command = find_command(word);
			req->words[first ? 0 : ++req->n] = word;
			first = false;
		} else if (dashes) {
			words->only_rest = true;
		} else if (word[1] == '-') {
			status = long_option(req, words);
		} else {
			status = short_options(req, words);
		}
		if (status)
			return status;
	}
	if (first)
		req->n = -1;
	return STATUS_OK;
}

/* Removes the word "dev" before a device, which users of ip type. */
static void skip_dev(struct request *req)
{
	int i, n = 0;

	for (i = 0; i < req->n; i++)
		if (strcmp(req->words[i], "dev") || i + 1 == req->n ||
		    (i && !strcmp(req->words[i - 1], "dev")))
			req->words[n++] = req->words[i];
	req->n = n;
}

static int check_used(struct request *req, const struct words *words)
{
	const struct command *command = req->command;
	unsigned int i;

	for (i = 0; i < words->n_used; i++)
		if (words->used[i]->needs && !takes_option(command, words->used[i]))
			return complain_usage(req, "%s takes no --%s",
					      command->name, words->used[i]->name);
	if (req->file && command->options & NOT_IN_BATCH)
		return complain(req, STATUS_USAGE, NULL,
				"%s does not work in a batch: run it by itself",
				command->name);
	return STATUS_OK;
}

/* The command that is meant, for a name that other tools use. */
static const char *other_word(const char *word)
{
	static const char *const words[][2] = {
		{ "attach", "add" }, { "create", "add" }, { "new", "add" },
		{ "delete", "del" }, { "detach", "del" }, { "remove", "del" },
		{ "rm", "del" }, { "close", "buffer" }, { "plug", "buffer" },
		{ "hold", "buffer" }, { "unplug", "open" }, { "flush", "open" },
		{ "drop", "discard" }, { "rollback", "discard" },
		{ "isopen", "is-open" }, { "save-all", "save" },
		{ "watch", "monitor" }, { "exec", "run" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i][0], word))
			return words[i][1];
	return NULL;
}

static void consider(const char *word, const char *name, unsigned int *best,
		     const char **nearest)
{
	unsigned int d = edit_distance(word, name);

	if (d < *best) {
		*best = d;
		*nearest = name;
	}
}

/* The command with the most similar name, for a word that is not a command. */
static const char *nearest_command(const char *word)
{
	const size_t len = strlen(word);
	/* Short words are similar to everything. */
	unsigned int best = len < 5 ? TYPO_MAX : TYPO_MAX + 1, i, k;
	const char *nearest = NULL;

	for (k = 0; commands[k]; k++) {
		/* The word is the beginning of this name, which is a good guess. */
		if (len > 1 && !strncmp(commands[k]->name, word, len))
			return commands[k]->name;
		consider(word, commands[k]->name, &best, &nearest);
		for (i = 0; i < ALIASES_MAX && commands[k]->aliases[i]; i++)
			consider(word, commands[k]->aliases[i], &best, &nearest);
	}
	return nearest;
}

int complain_command(struct request *req, const char *word)
{
	const char *nearest = other_word(word);

	if (!nearest)
		nearest = nearest_command(word);
	if (nearest)
		return complain(req, STATUS_USAGE, NULL,
				"%s: no such command: did you mean %s?", word,
				nearest);
	return complain(req, STATUS_USAGE, NULL,
			"%s: no such command: see plugctl help", word);
}

/* "guest add": the second word belongs to the name of the command. */
static int choose_subcommand(struct request *req)
{
	const struct command *const *sub;

	if (!req->n)
		return complain_usage(req, "an argument is missing");
	for (sub = req->command->subcommands; *sub; sub++) {
		if (strcmp((*sub)->name, req->words[0]))
			continue;
		req->command = *sub;
		req->words++;
		req->n--;
		return STATUS_OK;
	}
	return complain_usage(req, "unknown argument '%s'", req->words[0]);
}

int parse_words(struct request *req, char **v, int n)
{
	struct words words = { .v = v, .n = n };
	int status;

	req->words = v;
	status = sort_words(req, &words);
	if (status || req->options.version)
		return status;
	if (req->options.help) {
		/* "COMMAND -h" is "help COMMAND". */
		req->command = find_command("help");
		req->n = req->n >= 0;
		return STATUS_OK;
	}
	if (req->n < 0) {
		req->n = 0;
		req->command = find_command("show");
	} else if (!req->command) {
		return complain_command(req, req->words[0]);
	} else {
		req->words++;
	}
	if (req->command->subcommands) {
		status = choose_subcommand(req);
		if (status)
			return status;
	}
	if (req->command->targets != NO_SOCKET)
		skip_dev(req);
	return check_used(req, &words);
}
