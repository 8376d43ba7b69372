// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words that may be typed next, for the shells. completion/ has a few lines for
 * each shell; everything else is here and comes from the tables of commands and
 * options.
 *
 * "plugctl complete -- WORD..." gets the words after "plugctl", the last one as far
 * as it has been typed. It prints one candidate per line: the word, a tab, and a
 * description. A line that begins with ':' is a request to the shell: ":files" to
 * offer files, ":command N" to complete another command line that begins with word
 * N.
 */
#include <dirent.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "../cli/options.h"
#include "../report/report.h"
#include "commands.h"

struct completion_words {
	struct request *req;
	char **v;
	int n;
	const char *last;
	int skip;		/* bytes of last before the value: "--netns=" */
	const char *before;	/* the word before the last one, or "" */
	int command_at;		/* index of the command; n: none yet */
	const struct command *command;
	const char *netns;
	bool keywords;		/* there was a keyword: no device follows */
	int devices;		/* words after the command that are not options */
	int program_at;		/* index of the word after "--"; 0: none */
};

/* Whether the next word is the value. With "-nNAME" or "--netns=NAME" it is not. */
static bool takes_value(const char *word)
{
	const struct option *option;

	if (word[0] != '-' || !word[1] || (word[1] != '-' && word[2]))
		return false;
	option = find_option(word, strlen(word));
	return option && option->value && !option->value_optional;
}

static void offer(const struct completion_words *words, const char *word,
		  const char *what)
{
	const char *last = words->last + words->skip;

	if (!strncmp(word, last, strlen(last)))
		out_text(&words->req->session->out, "%.*s%s\t%s\n", words->skip,
			 words->last, word, what);
}

static void offer_list(const struct completion_words *words, const char *list,
		       const char *what)
{
	char word[32];
	size_t len;

	for (; *list; list += len + (list[len] == ' ')) {
		len = strcspn(list, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		offer(words, word, what);
	}
}

static void offer_options(const struct completion_words *words)
{
	const struct option *option;
	char word[32];

	for (option = options; option->name; option++) {
		if (option->needs && !(words->command &&
				       takes_option(words->command, option)))
			continue;
		snprintf(word, sizeof(word), "--%s", option->name);
		offer(words, word, option->help);
	}
}

static void offer_commands(const struct completion_words *words)
{
	unsigned int k;

	for (k = 0; commands[k]; k++)
		if (commands[k]->completion != COMPLETE_HIDDEN)
			offer(words, commands[k]->name, commands[k]->summary);
}

static void offer_subcommands(const struct completion_words *words)
{
	const struct command *const *sub;

	for (sub = words->command->subcommands; *sub && !words->devices; sub++)
		offer(words, (*sub)->name, (*sub)->summary);
}

static bool is_named(const struct completion_words *words, const char *name)
{
	int i;

	for (i = words->command_at + 1; i < words->n - 1; i++)
		if (!strcmp(words->v[i], name))
			return true;
	return false;
}

/* Offers devices that have a plug, then all others. Skips those already named. */
static void offer_devices(const struct completion_words *words,
			  const struct qdisc_list *plugs)
{
	struct kernel *kernel = &words->req->session->kernel;
	const struct dirent *entry;
	char name[IF_NAMESIZE];
	int ifindex;
	size_t i;
	DIR *dir;

	for (i = 0; i < plugs->n; i++)
		if ((!i || plugs->v[i].ifindex != plugs->v[i - 1].ifindex) &&
		    device_name(kernel, plugs->v[i].ifindex, NULL, name) &&
		    !is_named(words, name))
			offer(words, name, "device with a plug");
	dir = words->netns ? NULL : opendir("/sys/class/net");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_named(words, entry->d_name))
			continue;
		ifindex = kernel_ifindex(kernel, entry->d_name);
		for (i = 0; i < plugs->n && plugs->v[i].ifindex != ifindex; i++)
			;
		if (ifindex && i == plugs->n)
			offer(words, entry->d_name, "device");
	}
	if (dir)
		closedir(dir);
}

/* Offers the epochs for "release DEV upto": those that wait. */
static void offer_epochs(const struct completion_words *words,
			 const struct qdisc_list *plugs)
{
	const char *name = words->v[words->command_at + 1];
	const int ifindex = kernel_ifindex(&words->req->session->kernel, name);
	char word[24];
	uint64_t epoch;
	size_t i;

	for (i = 0; i < plugs->n && plugs->v[i].ifindex != ifindex; i++)
		;
	if (!ifindex || i == plugs->n)
		return;
	/* Many epochs may wait: offer the newest. */
	epoch = plugs->v[i].epoch - plugs->v[i].released > 16 ?
		plugs->v[i].epoch - 16 : plugs->v[i].released + 1;
	for (; epoch < plugs->v[i].epoch; epoch++) {
		snprintf(word, sizeof(word), "%" PRIu64, epoch);
		offer(words, word, "epoch that waits");
	}
}

static void offer_namespaces(const struct completion_words *words)
{
	const struct dirent *entry;
	DIR *dir = opendir("/run/netns");

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			offer(words, entry->d_name, "network namespace");
	if (dir)
		closedir(dir);
}

static void offer_value(const struct completion_words *words,
			const struct option *option)
{
	if (!strcmp(option->name, "netns"))
		offer_namespaces(words);
	else if (!strcmp(option->name, "parent"))
		offer(words, "root", "the device's root");
	else if (!strcmp(option->name, "at-exit"))
		offer_list(words, "open discard keep", "when plugctl ends");
	else if (!strcmp(option->name, "color"))
		offer_list(words, "always never auto", "when to use colours");
}

/* Finds the option if the last word has its value, as in "--netns=x"; or NULL. */
static const struct option *find_assigned(struct completion_words *words)
{
	const size_t len = strcspn(words->last, "=");
	const struct option *option;

	if (strncmp(words->last, "--", 2) || !words->last[len])
		return NULL;
	option = find_option(words->last, len);
	if (!option || !option->value)
		return NULL;
	words->skip = (int)len + 1;
	return option;
}

/* The subcommand of that name, or NULL. */
static const struct command *find_subcommand(const struct completion_words *words,
					     const char *name)
{
	const struct command *const *sub = words->command && !words->devices ?
					   words->command->subcommands : NULL;

	for (; sub && *sub; sub++)
		if (!strcmp((*sub)->name, name))
			return *sub;
	return NULL;
}

/* Whether the word is one of those that come after the devices. */
static bool is_keyword(const struct command *command, const char *word)
{
	const char *list = command && command->keywords ? command->keywords : "";
	const size_t len = strlen(word);

	for (; *list; list += strcspn(list, " "), list += strspn(list, " "))
		if (strcspn(list, " ") == len && !strncmp(list, word, len))
			return true;
	return false;
}

/* Reads all words before the last one. */
static void look_at(struct completion_words *words)
{
	int i;

	words->command_at = words->n;
	for (i = 0; i < words->n - 1; i++) {
		const struct command *sub = find_subcommand(words, words->v[i]);
		char *word = words->v[i];

		if (!strcmp(word, "-n") || !strcmp(word, "--netns"))
			words->netns = words->v[i + 1];
		else if (!strncmp(word, "--netns=", 8))
			words->netns = word + 8;
		if (takes_value(word)) {
			i++;
		} else if (!strcmp(word, "--") && words->devices) {
			words->program_at = i + 1;
			return;
		} else if (word[0] != '-' && words->command_at == words->n) {
			words->command_at = i;
			words->command = find_command(word);
		} else if (sub) {
			words->command_at = i;
			words->command = sub;
		} else if (word[0] != '-') {
			words->keywords |= words->devices &&
					   is_keyword(words->command, word);
			words->devices++;
		}
	}
}

static void offer_arguments(struct completion_words *words)
{
	const struct command *command = words->command;
	const char *keywords = command->keywords ? command->keywords : "";
	struct request *req = words->req;
	struct qdisc_list plugs = { 0 };

	if (!strcmp(words->before, "parent"))
		offer(words, "root", "the device's root");
	if (words->devices && (!strcmp(words->before, "limit") ||
			       !strcmp(words->before, "handle") ||
			       !strcmp(words->before, "parent")))
		return;
	if (words->devices && !strcmp(words->before, "except")) {
		offer(words, "arp", "");
		return;
	}
	req->options.netns = words->netns;
	if (open_kernel(req) ||
	    list_plugs(&req->session->kernel, NULL, 0, false, &plugs))
		goto out;
	if (words->devices > 1 && !strcmp(words->before, "upto")) {
		offer_epochs(words, &plugs);
		goto out;
	}
	if (words->keywords ||
	    (command->completion == COMPLETE_DEVICE && words->devices)) {
		offer_list(words, keywords, "");
		goto out;
	}
	if (command->targets == ONE_PLUG && words->devices)
		goto out;
	offer_devices(words, &plugs);
	if (words->devices)
		offer_list(words, keywords, "");
	if (words->devices && command->completion == COMPLETE_PROGRAM)
		offer(words, "--", "the program follows");
out:
	free(plugs.v);
}

/* Offers the arguments of the command. */
static void offer_operands(struct completion_words *words)
{
	switch (words->command->completion) {
	case COMPLETE_FILE:
		out_text(&words->req->session->out, ":files\n");
		break;
	case COMPLETE_COMMAND:
		offer_commands(words);
		break;
	case COMPLETE_SUBCOMMAND:
		offer_subcommands(words);
		break;
	case COMPLETE_NOTHING:
	case COMPLETE_HIDDEN:
		break;
	default:
		offer_arguments(words);
	}
}

static void offer_word(struct completion_words *words)
{
	const struct command *command = words->command;
	const bool runs = command && command->completion == COMPLETE_PROGRAM;

	if (words->last[0] == '-' && !(runs && words->devices && !words->last[1]))
		offer_options(words);
	else if (words->command_at == words->n)
		offer_commands(words);
	else if (command)
		offer_operands(words);
}

static int complete_run(struct request *req)
{
	struct completion_words words = {
		.req = req, .v = req->words, .n = req->n,
		.last = req->n ? req->words[req->n - 1] : "",
		.before = req->n > 1 ? req->words[req->n - 2] : "",
	};
	const int messages = req->session->messages.fd;
	const struct option *option = NULL;

	/* No message must appear while somebody types. */
	req->options.quiet = true;
	req->session->messages.fd = -1;
	look_at(&words);
	if (words.program_at && words.command &&
	    words.command->completion == COMPLETE_PROGRAM) {
		out_text(&req->session->out, ":command %d\n", words.program_at);
		goto out;
	}
	if (takes_value(words.before))
		option = find_option(words.before, strlen(words.before));
	else
		option = find_assigned(&words);
	if (option)
		offer_value(&words, option);
	else
		offer_word(&words);
out:
	req->session->messages.fd = messages;
	return STATUS_OK;
}

const struct command cmd_complete = {
	.name = "complete",
	.usage = "-- WORD...",
	.summary = "for shells: what may be typed next",
	.completion = COMPLETE_HIDDEN,
	.options = NOT_IN_BATCH,
	.run = complete_run,
};
