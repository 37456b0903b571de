/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/helper.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/secret_env.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define HELPER_REFUSED (-EIO) /* the helper exited with a status other than 0 */

struct helper {
	char program[128];
	const char *server;
	pid_t pid;
	int out; /* its standard output */
	int timeout_ms;
	int64_t deadline_ms;
};

/* The word becomes part of a program's name: it must contain no slash and no blank, and not look like an option. */
static bool helper_name_is_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n && n < 64 && !s[n] && *s != '.' && *s != '-';
}

/* The name fits into the buffer of a pipe, so it is written before the helper starts and cannot block. */
static int helper_make_input(const char *server)
{
	int ends[2], n;

	if (strlen(server) >= 4096)
		return -EINVAL;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	n = dprintf(ends[1], "%s\n", server);
	close(ends[1]);
	if (n > 0)
		return ends[0];
	close(ends[0]);
	return -ENOMEM;
}

/* The helper gets its own process group, so that its children are killed with it, and default signal handling. */
static int helper_spawn(struct helper *h, int in, int out, char **environment)
{
	char *argv[] = {h->program, (char[]){"get"}, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	/* These two do not allocate, so they cannot fail. */
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0)
		r = posix_spawnp(&h->pid, h->program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (r == 0)
		confine_not_child(h->pid);
	return -r;
}

static int helper_start(struct helper *h, const char *server)
{
	_close_ int in = helper_make_input(server);
	char **environment;
	int ends[2], r;

	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	environment = secret_env_for_child(); /* the helper for ECR needs the AWS keys */
	r = environment ? helper_spawn(h, in, ends[1], environment) : -ENOMEM;
	secret_env_free_child(environment);
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	else
		h->out = ends[0];
	return r;
}

/* Sleeps until the descriptor can be read; -ETIMEDOUT at the deadline. */
static int helper_wait(const struct helper *h, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left;
	int n;

	do {
		left = h->deadline_ms - clock_monotonic_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int helper_read_reply(const struct helper *h, char *ret)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		int r = helper_wait(h, h->out);

		if (r < 0)
			return r;
		n = read(h->out, ret + len, IMAGE_HELPER_MAX - 1 - len); /* does not block: there is something */
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == IMAGE_HELPER_MAX - 1)
			return -EFBIG;
	}
	ret[len] = '\0';
	return strlen(ret) == len ? 0 : -EBADMSG;
}

/* Waits for the exit of the helper, which may follow the end of its output, and kills it at the deadline. */
static int helper_finish(const struct helper *h, int r, int *ret_status)
{
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);

	if (r == 0 && pidfd >= 0)
		r = helper_wait(h, pidfd);
	if (r < 0)
		kill(-h->pid, SIGKILL);
	while (waitpid(h->pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return r < 0 ? r : -errno;
	return r;
}

/* The message does not quote the output, which may contain a secret. */
static int helper_explain(const struct helper *h, int r, struct error *err)
{
	if (r == -ENOENT)
		error_set(err, r, "the program %s is not installed", h->program);
	else if (r == -ETIMEDOUT)
		error_set(err, r, "%s did not exit within %d ms", h->program, h->timeout_ms);
	else if (r == HELPER_REFUSED)
		error_set(err, r, "%s failed", h->program);
	else
		error_set(err, r, "%s failed: %s", h->program, strerror(-r));
	if (r == -ENOENT)
		error_remedy(err, "install it, or remove the helper from docker's configuration");
	else
		error_remedy(err,
			     "run: echo %s | %s get, to see its error message, or remove the helper from docker's "
			     "configuration",
			     h->server, h->program);
	return r;
}

int image_helper_get(const char *helper, const char *server, int timeout_ms, char *ret, struct error *err)
{
	struct helper h = {.server = server,
			   .out = -1,
			   .timeout_ms = timeout_ms,
			   .deadline_ms = clock_monotonic_ms() + timeout_ms};
	int status = 0, r;

	*ret = '\0';
	if (!helper_name_is_valid(helper)) {
		error_set(err, -EINVAL, "'%.80s' is not the name of a credential helper", helper);
		error_remedy(err, "remove the helper from docker's configuration");
		return -EINVAL;
	}
	snprintf(h.program, sizeof(h.program), "docker-credential-%s", helper);
	r = helper_start(&h, server);
	if (r < 0)
		return helper_explain(&h, r, err);
	r = helper_finish(&h, helper_read_reply(&h, ret), &status);
	close(h.out);
	if (r < 0)
		return helper_explain(&h, r, err);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 1;
	return strstr(ret, "credentials not found") ? 0 : helper_explain(&h, HELPER_REFUSED, err);
}
