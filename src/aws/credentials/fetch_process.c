/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the program of credential_process, which prints credentials. The program has no terminal, and its running time
 * and its output are limited.
 */
#include "aws/credentials/fetch_internal.h"

#include "aws/client.h"
#include "base/confine.h"
#include "base/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_LIMIT_MS 60000

extern char **environ;

static const struct aws_credentials_names process_names = {"AccessKeyId", "SecretAccessKey", "SessionToken",
							   "Expiration"};

/* -- the end --------------------------------------------------------------------------------------------------- */

static void process_unwatch(struct engine_socket *s)
{
	if (s->fd <= 0)
		return;
	engine_unwatch(s);
	close(s->fd);
	s->fd = -1;
}

/* The program has a process group of its own, so the signal also ends every process that the program started in it. */
void fetch_process_release(struct credential_fetch *f)
{
	process_unwatch(&f->child.output);
	process_unwatch(&f->child.errors);
	process_unwatch(&f->child.end);
	if (!f->child.pid)
		return;
	kill(-f->child.pid, SIGKILL);
	while (waitpid(f->child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	f->child.pid = 0;
}

static void process_fail(struct credential_fetch *f, int errnum, const char *what)
{
	const char *stderr_text = buf_str(&f->stderr_text);
	struct error err = {0};

	error_set(&err, errnum, "%s %s%s%.*s", f->source->label, what, *stderr_text ? ": " : "",
		  (int)strcspn(stderr_text, "\r\n"), stderr_text);
	error_remedy(&err, "run the command of credential_process to see what it does, or choose another aws_profile");
	fetch_fail(f, &err);
}

/* Reads the credentials from the output. Messages never repeat the output, because it may contain secrets. */
static void process_read(struct credential_fetch *f)
{
	cJSON *answer;
	int r = aws_credentials_parse(buf_str(&f->answer), &answer);
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(answer, "Version");

	if (r == -ENOMEM)
		process_fail(f, r, "printed more than fits into memory");
	else if (!cJSON_IsObject(answer))
		process_fail(f, -ENOKEY, "printed no JSON object");
	else if (!cJSON_IsNumber(version) || version->valuedouble != 1)
		process_fail(f, -ENOKEY, "printed a Version other than 1");
	else
		fetch_take(f, answer, &process_names);
	secret_free_json(answer);
}

static void process_ended(void *arg)
{
	struct credential_fetch *f = arg;
	char what[80];
	int status = 0;

	while (waitpid(f->child.pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-f->child.pid, SIGKILL); /* ends processes that the program left in the background */
	f->child.pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		process_read(f);
		return;
	}
	if (WIFEXITED(status))
		snprintf(what, sizeof(what), "exited with status %d", WEXITSTATUS(status));
	else
		snprintf(what, sizeof(what), "was ended by signal %d", WTERMSIG(status));
	process_fail(f, -ENOKEY, what);
}

/* -- reading --------------------------------------------------------------------------------------------------- */

static ssize_t process_drain(int fd, struct buf *into)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (buf_append(into, piece, (size_t)n) < 0)
			return -EFBIG;
	explicit_bzero(piece, sizeof(piece));
	return n < 0 ? -errno : 0;
}

static void process_printed(void *arg)
{
	struct credential_fetch *f = arg;
	ssize_t n = process_drain(f->child.output.fd, &f->answer);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == -EFBIG)
		process_fail(f, -EFBIG, "printed more than 64 KiB");
	else
		process_unwatch(&f->child.output);
}

/* Only the first 4 KiB of stderr are kept. */
static void process_wrote_stderr(void *arg)
{
	struct credential_fetch *f = arg;
	ssize_t n = process_drain(f->child.errors.fd, &f->stderr_text);

	if (n != -EAGAIN && n != -EINTR && n != -EFBIG)
		process_unwatch(&f->child.errors);
}

/*
 * The end of the program can be reported before the last bytes of its output. A child process that keeps the pipe open
 * is not waited for.
 */
static void process_exited(void *arg)
{
	struct credential_fetch *f = arg;

	if (f->child.output.fd > 0 && process_drain(f->child.output.fd, &f->answer) == -EFBIG) {
		process_fail(f, -EFBIG, "printed more than 64 KiB");
		return;
	}
	if (f->child.errors.fd > 0)
		process_drain(f->child.errors.fd, &f->stderr_text);
	process_ended(f);
}

static void process_is_late(void *arg)
{
	process_fail(arg, -ETIMEDOUT, "did not exit within 60 s");
}

/* -- the start ------------------------------------------------------------------------------------------------- */

static int process_watch(struct credential_fetch *f, struct engine_socket *s, int fd, void (*ready)(void *arg))
{
	if (fd < 0)
		return -errno;
	*s = (struct engine_socket){.fd = fd, .events = POLLIN, .ready = ready, .arg = f};
	engine_watch(f->aws->engine, s);
	return 0;
}

static int process_add_files(posix_spawn_file_actions_t *actions, int output, int errors)
{
	int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
	return r;
}

static int process_set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, &none);
	return posix_spawnattr_setsigdefault(attributes, &all);
}

/*
 * The program gets the environment without its secrets (secret_env.h). It runs in a session of its own, so that it
 * cannot prompt on a terminal and its process group can be killed.
 */
static int process_spawn(struct credential_fetch *f, int output, int errors)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = process_set_attributes(&attributes);
		if (r == 0)
			r = process_add_files(&actions, output, errors);
		if (r == 0)
			r = posix_spawnp(&f->child.pid, f->source->process[0], &actions, &attributes,
					 f->source->process, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		f->child.pid = 0;
	else
		confine_not_child(f->child.pid);
	return -r;
}

/* Only the reading end is non-blocking: the program expects a blocking stdout. */
static int process_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int process_run(struct credential_fetch *f)
{
	int output[2] = {-1, -1}, errors[2] = {-1, -1};
	int r = process_pipe(output);

	if (r == 0)
		r = process_pipe(errors);
	if (r == 0)
		r = process_spawn(f, output[1], errors[1]);
	close(output[1]);
	close(errors[1]);
	if (r == 0)
		r = process_watch(f, &f->child.output, output[0], process_printed);
	if (r == 0)
		r = process_watch(f, &f->child.errors, errors[0], process_wrote_stderr);
	if (r == 0)
		r = process_watch(f, &f->child.end, (int)syscall(SYS_pidfd_open, f->child.pid, 0), process_exited);
	if (r < 0 && f->child.output.fd <= 0)
		close(output[0]);
	if (r < 0 && f->child.errors.fd <= 0)
		close(errors[0]);
	return r;
}

int fetch_process_start(struct credential_fetch *f, struct error *err)
{
	int r = process_run(f);

	if (r == 0) {
		engine_timer_set(f->aws->engine, &f->timer, PROCESS_LIMIT_MS, process_is_late, f);
		return 0;
	}
	error_set(err, -ENOKEY, "%s: cannot run %s: %s", f->source->label, f->source->process[0], strerror(-r));
	error_remedy(err, "fix credential_process in the AWS configuration file, or choose another aws_profile");
	return -ENOKEY;
}
