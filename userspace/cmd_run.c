// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run: buffer, run a program, open again. Whatever happens to the program or to
 * this process, no plug is to stay closed: a guard, a second process that does
 * nothing but wait for the end of the first, opens them if plugctl is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "plugctl.h"
#include "target.h"

/* As a shell says it. */
#define STATUS_NOT_EXECUTABLE	126
#define STATUS_NOT_FOUND	127
#define STATUS_SIGNAL		128

/*
 * After a signal the program may take that long before the plugs are opened
 * under it, and after a time-out before it is killed.
 */
#define GRACE		(5 * NS_PER_S)

/* Sets the guard's messages apart from answers that plugctl did not read. */
#define GUARD_SEQ	(1U << 31)

struct run {
	struct plugctl *ctx;
	struct target *targets;
	unsigned int n;
	bool closed;
	pid_t guard;
	int lifeline;		/* the guard sees it closed when we die */
	pid_t child;
	sigset_t signals;	/* those we wait for, blocked */
	sigset_t inherited;	/* what was blocked before, for the program */
	uint64_t timeout_at;
	uint64_t open_at;
	uint64_t kill_at;
	bool timed_out;
};

static void open_plugs(struct run *run)
{
	const struct action open = { .code = TCQ_PLUG_RELEASE_INDEFINITE };
	struct plugctl *ctx = run->ctx;
	unsigned int i;

	if (!run->closed)
		return;
	run->closed = false;
	/* Somebody may have put another plug there meanwhile. */
	for (i = 0; i < run->n; i++)
		run->targets[i].remembered = true;
	send_action(ctx, run->targets, run->n, &open, false, true);
	for (i = 0; i < run->n; i++)
		if (run->targets[i].gone)
			note(ctx, run->targets[i].name,
			     "the plug or the device went away meanwhile");
}

/* Does not return. Ends by being killed, or after having opened the plugs. */
static void guard_main(struct run *run, int fd)
{
	sigset_t all;
	ssize_t len;
	char byte;

	/* Out of reach of what is sent to plugctl's process group. */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	close(run->lifeline);
	do {
		len = read(fd, &byte, 1);
	} while (len < 0 && errno == EINTR);

	/* The socket was plugctl's, which is dead: nobody else reads it now. */
	run->ctx->nl->seq += GUARD_SEQ;
	run->closed = true;
	note(run->ctx, NULL, "plugctl run was killed: opening what it had closed");
	open_plugs(run);
	_exit(0);
}

static int start_guard(struct run *run)
{
	struct plugctl *ctx = run->ctx;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return complain(ctx, STATUS_REFUSED, NULL,
				"cannot make a pipe: %s: nothing was done",
				strerror(errno));
	run->lifeline = fds[1];
	fflush(ctx->out.file);
	run->guard = fork();
	if (!run->guard)
		guard_main(run, fds[0]);
	close(fds[0]);
	if (run->guard > 0)
		return STATUS_OK;
	close(run->lifeline);
	return complain(ctx, STATUS_REFUSED, NULL,
			"cannot start a process: %s: nothing was done",
			strerror(errno));
}

static void stop_guard(struct run *run)
{
	kill(run->guard, SIGKILL);
	while (waitpid(run->guard, NULL, 0) < 0 && errno == EINTR)
		;
	close(run->lifeline);
}

static int close_plugs(struct run *run)
{
	const struct action buffer = { .code = TCQ_PLUG_BUFFER };
	struct plugctl *ctx = run->ctx;

	run->closed = true;
	send_action(ctx, run->targets, run->n, &buffer, false, false);
	return ctx->status;
}

/* Does not return. */
static void child_main(struct run *run, char **program)
{
	struct plugctl *ctx = run->ctx;
	int error;

	sigprocmask(SIG_SETMASK, &run->inherited, NULL);
	execvp(program[0], program);
	error = errno;
	complain(ctx, STATUS_REFUSED, program[0], "cannot be started: %s",
		 strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

static int start_child(struct run *run, char **program)
{
	struct plugctl *ctx = run->ctx;

	run->child = fork();
	if (!run->child)
		child_main(run, program);
	if (run->child > 0)
		return STATUS_OK;
	return complain(ctx, STATUS_REFUSED, program[0],
			"cannot be started: %s", strerror(errno));
}

static uint64_t earliest(const struct run *run)
{
	uint64_t at = run->timeout_at;

	if (run->open_at < at)
		at = run->open_at;
	return run->kill_at < at ? run->kill_at : at;
}

/* Returns the signal's number, 0 when the time is over. */
static int wait_signal(const struct run *run, siginfo_t *info)
{
	uint64_t at = earliest(run), now = clock_now(), left;
	struct timespec ts;
	int sig;

	if (at == NEVER) {
		sig = sigwaitinfo(&run->signals, info);
	} else {
		left = at > now ? at - now : 0;
		ts.tv_sec = (time_t)(left / NS_PER_S);
		ts.tv_nsec = (long)(left % NS_PER_S);
		sig = sigtimedwait(&run->signals, info, &ts);
	}
	return sig < 0 ? 0 : sig;
}

static void check_time(struct run *run)
{
	struct plugctl *ctx = run->ctx;
	uint64_t now = clock_now();

	if (now >= run->timeout_at) {
		run->timeout_at = NEVER;
		run->timed_out = true;
		open_plugs(run);
		complain(ctx, STATUS_TIMEOUT, NULL,
			 "the program timed out and is being ended; the plugs are open");
		kill(run->child, SIGTERM);
		kill(run->child, SIGCONT);
		run->kill_at = now + GRACE;
	}
	if (now >= run->open_at) {
		run->open_at = NEVER;
		if (run->closed)
			note(ctx, NULL, "the program goes on in spite of the signal: opening the plugs");
		open_plugs(run);
	}
	if (now >= run->kill_at) {
		run->kill_at = NEVER;
		kill(run->child, SIGKILL);
	}
}

/* What the terminal sends goes to the whole group: the program has it already. */
static void forward(struct run *run, int sig, const siginfo_t *info)
{
	uint64_t at = clock_now() + GRACE;

	if (info->si_code != SI_KERNEL)
		kill(run->child, sig);
	if (at < run->open_at)
		run->open_at = at;
}

/* Returns what waitpid() says of the program. */
static int supervise(struct run *run)
{
	siginfo_t info;
	int status, sig;

	for (;;) {
		pid_t pid = waitpid(run->child, &status, WNOHANG);

		if (pid == run->child)
			return status;
		if (pid < 0 && errno != EINTR)
			return STATUS_REFUSED << 8;
		sig = wait_signal(run, &info);
		if (sig && sig != SIGCHLD)
			forward(run, sig, &info);
		check_time(run);
	}
}

static int program_status(const struct run *run, int status)
{
	if (run->timed_out)
		return STATUS_TIMEOUT;
	if (WIFSIGNALED(status))
		return STATUS_SIGNAL + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static void take_signals(struct run *run)
{
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGCHLD);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGTERM);
	sigaddset(&run->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &run->signals, &run->inherited);
	/* A stopped plugctl would leave the plugs closed, so Ctrl-Z is off. */
	signal(SIGTSTP, SIG_IGN);
}

static int run_program(struct run *run, char **program)
{
	struct plugctl *ctx = run->ctx;
	int status = STATUS_REFUSED, refused;
	uint64_t start;

	take_signals(run);
	if (start_guard(run))
		return ctx->status;
	start = clock_now();
	if (!close_plugs(run) && !start_child(run, program)) {
		if (ctx->opt.have_timeout)
			run->timeout_at = start + ctx->opt.timeout;
		status = program_status(run, supervise(run));
		ctx->status = STATUS_OK;
	}
	refused = ctx->status;
	open_plugs(run);
	stop_guard(run);
	if (ctx->opt.verbose && !refused)
		note(ctx, NULL, "the plugs were closed for %llu ms at most",
		     (unsigned long long)((clock_now() - start) / NS_PER_MS));
	/* A plug that could not be opened again matters more than success. */
	if (ctx->status && (refused || status == STATUS_OK))
		return ctx->status;
	return status;
}

static bool all_usable(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->n; i++)
		if (!run->targets[i].usable)
			return false;
	return true;
}

int cmd_run(struct plugctl *ctx, const struct args *args)
{
	struct run run = {
		.ctx = ctx,
		.n = (unsigned int)args->n,
		.timeout_at = NEVER,
		.open_at = NEVER,
		.kill_at = NEVER,
	};
	int status;

	if (!run.n)
		return complain_usage(ctx, "no device named");
	if (!args->program || !args->program[0])
		return complain_usage(ctx, "no program named: it comes after --");
	run.targets = find_targets(ctx, args->v, run.n);
	if (!run.targets)
		return ctx->status;
	status = all_usable(&run) ? run_program(&run, args->program) :
				    ctx->status;
	free(run.targets);
	return status;
}
