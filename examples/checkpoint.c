// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop of a checkpointing controller with plugctl as a co-process: it forks
 * plugctl once, then writes a line and reads an answer for each command.
 *
 *	checkpoint DEV [EPOCHS [MILLISECONDS]]
 *
 * If it is killed or fails, the plug stays closed: the backup has no checkpoint
 * that covers the held packets.
 *
 * For commands to the kernel without plugctl, see netlink.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct helper {
	pid_t pid;
	FILE *to;
	FILE *from;
	char *answer;
	size_t size;
};

/*
 * Add calls to your hypervisor here. take_checkpoint() leaves the guest paused until
 * resume_guest(): packets that it sends after that are not covered by the checkpoint.
 */
static void take_checkpoint(void)
{
}

static void resume_guest(void)
{
}

static bool send_checkpoint(void)
{
	return true;
}

static bool helper_start(struct helper *h)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	h->pid = fork();
	if (h->pid < 0)
		return false;
	if (!h->pid) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execlp("plugctl", "plugctl", "-j", "batch", (char *)NULL);
		perror("checkpoint: plugctl");
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	h->to = fdopen(to[1], "w");
	h->from = fdopen(from[0], "r");
	return h->to && h->from;
}

/* Sends a command to plugctl. Returns whether it succeeded; h->answer is the answer,
 * a line of JSON.
 */
static bool tell(struct helper *h, const char *format, const char *device,
		 uint64_t epoch)
{
	if (fprintf(h->to, format, device, epoch) < 0 || fflush(h->to))
		return false;
	if (getline(&h->answer, &h->size, h->from) < 0)
		return false;
	if (strstr(h->answer, "\"ok\":true"))
		return true;
	fprintf(stderr, "checkpoint: %s", h->answer);
	return false;
}

/* Returns the epoch in an answer, 0 if there is none. With one device the key occurs
 * only once; a real controller has a JSON parser.
 */
static uint64_t epoch_of(const char *answer)
{
	const char *key = strstr(answer, "\"epoch\":");

	return key ? strtoull(key + strlen("\"epoch\":"), NULL, 10) : 0;
}

static bool one_epoch(struct helper *h, const char *device)
{
	uint64_t closed;

	/* Packets that the guest has sent so far belong to this checkpoint ... */
	take_checkpoint();
	if (!tell(h, "buffer %s\n", device, 0)) {
		resume_guest();
		return false;
	}
	closed = epoch_of(h->answer) - 1;
	resume_guest();
	/* ... and leave when the backup has it. */
	if (!send_checkpoint()) {
		tell(h, "discard %s\n", device, 0);
		return false;
	}
	return tell(h, "release %s upto %" PRIu64 "\n", device, closed);
}

int main(int argc, char **argv)
{
	unsigned long epochs = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
	unsigned long ms = argc > 3 ? strtoul(argv[3], NULL, 10) : 200;
	struct helper h = { 0 };
	int status = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: checkpoint DEV [EPOCHS [MILLISECONDS]]\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!helper_start(&h)) {
		perror("checkpoint: cannot start plugctl");
		return 1;
	}
	/* Before anything is closed */
	if (!tell(&h, "show %s\n", argv[1], 0))
		goto out;
	if (!epoch_of(h.answer)) {
		fprintf(stderr, "checkpoint: this needs the module of sch-plug: see plugctl version\n");
		goto out;
	}
	if (!tell(&h, "buffer %s\n", argv[1], 0))
		goto out;
	for (; epochs; epochs--) {
		usleep((useconds_t)ms * 1000);
		if (!one_epoch(&h, argv[1]))
			goto out;
	}
	if (tell(&h, "open %s\n", argv[1], 0))
		status = 0;
out:
	fclose(h.to);
	fclose(h.from);
	waitpid(h.pid, NULL, 0);
	free(h.answer);
	return status;
}
