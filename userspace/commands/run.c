// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run: closes plugs, runs a program, and opens them again. Whatever happens to the
 * program or to this process, no plug may stay closed. So our socket owns the plugs.
 * The kernel opens them when the socket is closed, even if all our processes are
 * killed at once. If we cannot own a plug (without the family, or because another
 * program owns it), there is a guard: a second process that opens the plugs if
 * plugctl is killed.
 *
 * While a plug may be closed nothing is written, because the reader may be behind
 * that very plug. Messages are held back until the plugs are open.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../report/report.h"
#include "commands.h"

/* Exit statuses, as those of a shell. */
#define STATUS_NOT_EXECUTABLE	126
#define STATUS_NOT_FOUND	127
#define STATUS_SIGNAL		128

/*
 * The time that the program has after a signal before the plugs are opened anyway,
 * and after a time-out before it is killed.
 */
#define GRACE		(5 * NS_PER_S)

/* Distinguishes the guard's messages from answers that plugctl did not read. */
#define GUARD_SEQ	(1U << 31)

/* An answer may be lost if the kernel is short of memory. So we try again. */
#define OPEN_TRIES	3

/* The earlier action of a signal, to be restored for the program. */
struct disposition {
	int sig;
	struct sigaction action;
};

/* SIGCHLD and SIGTSTP, then the signals that are passed on. */
#define N_SIGNALS	5
#define FIRST_PASSED	2

struct run {
	struct request *req;
	struct target *targets;
	unsigned int n;
	bool closed;
	bool owned;		/* by our socket: no guard is needed */
	pid_t guard;		/* 0: none */
	int lifeline;		/* a socket to the guard: it is closed when we die */
	pid_t child;
	int exec_error;		/* a pipe from the child: errno, if exec fails */
	sigset_t signals;	/* signals we wait for, blocked */
	sigset_t inherited;	/* signals blocked before, for the program */
	struct disposition before[N_SIGNALS];
	uint64_t timeout_at;
	uint64_t open_at;
	uint64_t kill_at;
	bool timed_out;
	bool try_again;		/* an attempt to open the plugs has failed */
	bool stopped;		/* the program is stopped */
};

static void block_signals(struct run *run)
{
	static const int signals[N_SIGNALS] = {
		SIGCHLD, SIGTSTP, SIGINT, SIGTERM, SIGHUP,
	};
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	unsigned int i;

	for (i = 0; i < N_SIGNALS; i++) {
		run->before[i].sig = signals[i];
		sigaction(signals[i], NULL, &run->before[i].action);
	}
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGCHLD);
	/* A signal that was ignored before, as by nohup, stays ignored. */
	for (i = FIRST_PASSED; i < N_SIGNALS; i++)
		if (run->before[i].action.sa_handler != SIG_IGN)
			sigaddset(&run->signals, signals[i]);
	sigprocmask(SIG_BLOCK, &run->signals, &run->inherited);
	/* If SIGCHLD were ignored, the program's status would be lost. */
	sigaction(SIGCHLD, &standard, NULL);
	/*
	 * If plugctl were stopped, the plugs would stay closed. So Ctrl-Z stops
	 * only the program, and waitpid() reports it.
	 */
	sigaction(SIGTSTP, &ignore, NULL);
}

static void restore_signals(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < N_SIGNALS; i++)
		sigaction(run->before[i].sig, &run->before[i].action, NULL);
	sigprocmask(SIG_SETMASK, &run->inherited, NULL);
}

static bool all_open(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->n; i++)
		if (run->targets[i].failed && run->targets[i].failed != TARGET_GONE &&
		    run->targets[i].failed != TARGET_DUPLICATE)
			return false;
	return true;
}

static void change_all(struct run *run, int code)
{
	const struct action action = { .code = code };

	change_targets(&run->req->session->kernel, &run->req->options.selector,
		       run->targets, run->n, &action, false);
}

/* Opens the plugs, also those that did not answer the command to close. */
static void try_to_open(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->n; i++) {
		struct target *target = &run->targets[i];

		if (target->failed == TARGET_GONE ||
		    target->failed == TARGET_DUPLICATE)
			continue;
		target->failed = TARGET_OK;
		target->reported = false;
		/* Somebody may have replaced the plug: cached targets are looked up. */
		target->cached = true;
	}
	change_all(run, TCQ_PLUG_RELEASE_INDEFINITE);
	run->closed = !all_open(run);
}

/* Returns whether all plugs are open. */
static bool open_plugs(struct run *run)
{
	unsigned int i, tries;

	if (!run->closed)
		return true;
	for (tries = 0; run->closed && tries < OPEN_TRIES; tries++)
		try_to_open(run);
	/* Only failures of the last attempt are reported. */
	for (i = 0; i < run->n; i++)
		if (run->targets[i].failed != TARGET_GONE && !run->try_again)
			complain_target(run->req, &run->targets[i]);
	if (run->closed) {
		run->open_at = clock_now() + GRACE;
		run->try_again = true;
		return false;
	}
	for (i = 0; i < run->n; i++) {
		struct target *target = &run->targets[i];

		if (target->failed != TARGET_GONE || target->reported)
			continue;
		target->reported = true;
		note(run->req, target->name,
		     "the plug or the device went away meanwhile");
	}
	messages_write(&run->req->session->messages);
	return true;
}

/* The guard. Does not return: it is killed, or opens the plugs and exits. */
static void guard_main(struct run *run, int fd)
{
	const char *why = "plugctl run was killed";
	sigset_t all;
	ssize_t len;
	char byte;

	/* Signals to plugctl's process group must not reach the guard. */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	close(run->lifeline);
	do {
		len = read(fd, &byte, 1);
	} while (len < 0 && errno == EINTR);
	if (len > 0)
		why = "plugctl run gave up";

	/*
	 * The sockets belonged to plugctl, which is dead or waits for us: nobody else
	 * reads them.
	 */
	run->req->session->kernel.route.seq += GUARD_SEQ;
	run->req->session->kernel.generic.seq += GUARD_SEQ;
	run->closed = true;
	if (open_plugs(run))
		note(run->req, NULL, "%s; its guard opened the plugs", why);
	else
		complain(run->req, STATUS_REFUSED, NULL,
			 "%s, and its guard cannot open the plugs: see plugctl show", why);
	messages_write(&run->req->session->messages);
	_exit(0);
}

static int start_guard(struct run *run)
{
	struct request *req = run->req;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return complain(req, STATUS_REFUSED, NULL,
				"cannot make a pair of sockets: %s: nothing was done",
				strerror(errno));
	run->lifeline = fds[1];
	fflush(req->session->out.file);
	run->guard = fork();
	if (!run->guard)
		guard_main(run, fds[0]);
	close(fds[0]);
	if (run->guard > 0)
		return STATUS_OK;
	close(run->lifeline);
	return complain(req, STATUS_REFUSED, NULL,
			"cannot start a process: %s: nothing was done",
			strerror(errno));
}

/* Returns whether our socket now owns all plugs, with the given at_exit. */
static bool own_plugs(struct run *run, uint32_t at_exit)
{
	struct kernel *kernel = &run->req->session->kernel;
	bool owned = true;
	unsigned int i;

	/* We own as many plugs as we can, even if we cannot own all. */
	for (i = 0; i < run->n; i++)
		if (!run->targets[i].failed)
			owned &= run->targets[i].at.id &&
				 !own_target(kernel, &run->targets[i], at_exit);
	return owned;
}

/* Makes us the owner of the plugs or, if we cannot be, starts a guard. */
static int guard_plugs(struct run *run)
{
	run->owned = own_plugs(run, SCH_PLUG_AT_EXIT_OPEN);
	return run->owned ? STATUS_OK : start_guard(run);
}

/*
 * If all plugs are open, ends the protection: if others close a plug from now on, our
 * end does not open it. If a plug is still closed, the guard tries to open it now, or
 * the kernel opens it at our end.
 */
static void stop_guard(struct run *run)
{
	if (!run->closed)
		own_plugs(run, SCH_PLUG_AT_EXIT_KEEP);
	if (!run->guard)
		return;
	/* A byte says that we were not killed. */
	if (run->closed)
		send(run->lifeline, "", 1, MSG_NOSIGNAL);
	else
		kill(run->guard, SIGKILL);
	close(run->lifeline);
	while (waitpid(run->guard, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Closes the plugs. Returns a status. */
static int close_plugs(struct run *run)
{
	int status = STATUS_OK;
	unsigned int i;

	run->closed = true;
	change_all(run, TCQ_PLUG_BUFFER);
	for (i = 0; i < run->n; i++) {
		int failed = complain_target(run->req, &run->targets[i]);

		if (failed > status)
			status = failed;
	}
	return status;
}

/* Executes the program. The parent reports a failure once the plugs are open. */
static void child_main(struct run *run, char **program, int exec_error)
{
	int error;

	restore_signals(run);
	execvp(program[0], program);
	error = errno;
	if (write(exec_error, &error, sizeof(error)) < 0)
		error = errno;
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

static int start_child(struct run *run, char **program)
{
	struct request *req = run->req;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		goto out_complain;
	run->exec_error = fds[0];
	run->child = fork();
	if (!run->child)
		child_main(run, program, fds[1]);
	close(fds[1]);
	if (run->child > 0)
		return STATUS_OK;
	close(fds[0]);
out_complain:
	return complain(req, STATUS_REFUSED, program[0],
			"cannot be started: %s", strerror(errno));
}

/* Must be called after the child has ended. */
static void complain_exec(struct run *run, const char *program)
{
	int error;

	if (read(run->exec_error, &error, sizeof(error)) == sizeof(error))
		complain(run->req, STATUS_REFUSED, program,
			 "cannot be started: %s", strerror(error));
	close(run->exec_error);
}

static uint64_t earliest(const struct run *run)
{
	uint64_t at = run->timeout_at;

	if (run->open_at < at)
		at = run->open_at;
	return run->kill_at < at ? run->kill_at : at;
}

/* Waits for a signal. Returns its number, or 0 when the time is over. */
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

static void time_out(struct run *run)
{
	struct request *req = run->req;

	run->timeout_at = NEVER;
	run->timed_out = true;
	run->kill_at = clock_now() + GRACE;
	kill(run->child, SIGTERM);
	kill(run->child, SIGCONT);
	complain(req, STATUS_TIMEOUT, NULL,
		 "the program timed out: opening the plugs, ending the program");
	open_plugs(run);
}

static void lose_patience(struct run *run)
{
	const bool was_closed = run->closed;

	run->open_at = NEVER;
	if (!open_plugs(run) || !was_closed)
		return;
	if (run->try_again)
		note(run->req, NULL, "the plugs could be opened now");
	else
		note(run->req, NULL, "still running %llu s after the signal: plugs opened",
		     GRACE / NS_PER_S);
}

static void check_time(struct run *run)
{
	uint64_t now = clock_now();

	if (now >= run->timeout_at)
		time_out(run);
	if (now >= run->open_at)
		lose_patience(run);
	if (now >= run->kill_at) {
		run->kill_at = NEVER;
		kill(run->child, SIGKILL);
	}
}

/*
 * Whether the program has got the signal already. Signals from the keyboard go to the
 * whole process group. SIGHUP goes only to the session leader, which may be us.
 */
static bool has_it_already(const struct run *run, int sig, const siginfo_t *info)
{
	return info->si_code == SI_KERNEL && sig != SIGHUP &&
	       getpgid(run->child) == getpgrp();
}

/*
 * The program was stopped, for example by Ctrl-Z, for an unknown time. The plugs
 * are opened, and stay open when it continues. If the terminal stopped it, we stop
 * as well, as the shell expects, unless a plug is still closed.
 */
static void handle_stop(struct run *run, int sig)
{
	const bool by_terminal = sig != SIGSTOP &&
				 getpgid(run->child) == getpgrp();

	run->stopped = true;
	if (!open_plugs(run))
		return;
	note(run->req, NULL, "the program was stopped: plugs opened, they stay open");
	if (!by_terminal)
		return;
	raise(SIGSTOP);
	kill(run->child, SIGCONT);
	run->stopped = false;
}

static void forward(struct run *run, int sig, const siginfo_t *info)
{
	uint64_t at = clock_now() + GRACE;

	if (!has_it_already(run, sig, info))
		kill(run->child, sig);
	if (run->stopped)
		kill(run->child, SIGCONT);
	if (at < run->open_at)
		run->open_at = at;
}

/* Waits for the end of the program. Returns its status, as waitpid() does. */
static int supervise(struct run *run)
{
	siginfo_t info;
	int status, sig;

	for (;;) {
		pid_t pid = waitpid(run->child, &status,
				    WNOHANG | WUNTRACED | WCONTINUED);

		if (pid == run->child && WIFSTOPPED(status)) {
			handle_stop(run, WSTOPSIG(status));
			continue;
		}
		if (pid == run->child && WIFCONTINUED(status)) {
			run->stopped = false;
			continue;
		}
		if (pid == run->child)
			return status;
		if (pid < 0 && errno != EINTR)
			return STATUS_REFUSED << 8;
		sig = wait_signal(run, &info);
		/* The program may have ended: look before the time is checked. */
		if (sig == SIGCHLD)
			continue;
		if (sig)
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

static int run_program(struct run *run, char **program)
{
	struct request *req = run->req;
	int status, waited;
	bool started = false;
	uint64_t start;

	block_signals(run);
	req->session->messages.hold = true;
	status = guard_plugs(run);
	if (status)
		goto out_messages;
	start = clock_now();
	status = close_plugs(run);
	if (!status)
		status = start_child(run, program);
	if (!status) {
		if (req->options.have_timeout)
			run->timeout_at = start + req->options.timeout;
		waited = supervise(run);
		complain_exec(run, program[0]);
		status = program_status(run, waited);
		started = true;
	}
	/*
	 * A plug that could not be opened matters more than the program's success.
	 */
	if (!open_plugs(run)) {
		status = status ? status : STATUS_REFUSED;
		if (run->owned)
			note(req, NULL, "the plugs may still be closed: the kernel opens them when plugctl ends");
	} else if (started && req->options.verbose) {
		note(req, NULL, "the plugs were closed for %llu ms at most",
		     (unsigned long long)((clock_now() - start) / NS_PER_MS));
	}
	stop_guard(run);
out_messages:
	messages_write(&req->session->messages);
	return status;
}

static int run_parse(struct request *req)
{
	if (!req->n || !req->program || !req->program[0])
		return complain_usage(req, "needs DEV... -- PROGRAM");
	return STATUS_OK;
}

static int run_run(struct request *req)
{
	struct run run = {
		.req = req,
		.targets = req->targets.v,
		.n = req->targets.n,
		.timeout_at = NEVER,
		.open_at = NEVER,
		.kill_at = NEVER,
	};
	int status = STATUS_OK;
	unsigned int i;

	for (i = 0; i < run.n; i++) {
		int failed = complain_target(req, &run.targets[i]);

		if (failed > status)
			status = failed;
	}
	return status ? status : run_program(&run, req->program);
}

const struct command cmd_run = {
	.name = "run",
	.usage = "DEV... -- PROGRAM [ARGUMENT...]",
	.summary = "buffer, run a program, open again whatever happens to it",
	.details =
"Exits with the program's status. After --timeout the plugs are opened, the\n"
"program is ended, and the status is 124. SIGINT, SIGTERM and SIGHUP are passed\n"
"on to the program.\n",
	.completion = COMPLETE_PROGRAM,
	.options = TAKES_SELECT | TAKES_ALL | TAKES_TIMEOUT | TAKES_PROGRAM |
		   PRINTS_NOTHING | NOT_IN_BATCH,
	.targets = PLUGS,
	.parse = run_parse,
	.run = run_run,
};
