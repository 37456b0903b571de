#include "image/credential_helper.h"

#include "base/clock.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define DEADLINE_MS 10000
#define ANSWER_MAX  ((size_t)64 << 10)

extern char **environ;

int credentials_encode(const char *user, const char *password, struct buf *out)
{
	_buf_ struct buf plain = BUF_INIT(ANSWER_MAX);
	unsigned char *text;
	int r = buf_printf(&plain, "%s:%s", user, password);

	if (r < 0)
		return r;
	text = malloc((plain.len + 2) / 3 * 4 + 1);
	if (!text)
		return -ENOMEM;
	EVP_EncodeBlock(text, (const unsigned char *)plain.data, (int)plain.len);
	r = buf_puts(out, (char *)text);
	explicit_bzero(plain.data, plain.len);
	explicit_bzero(text, strlen((char *)text));
	free(text);
	return r;
}

/* Whatever the outcome, the child is gone afterwards. */
static int reap(pid_t pid, int64_t deadline)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_monotonic_ms() >= deadline) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -ETIMEDOUT;
		}
		poll(NULL, 0, 5);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int read_answer(int fd, int64_t deadline, struct buf *out)
{
	char part[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - clock_monotonic_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = read(fd, part, sizeof(part));
		if (n <= 0)
			return n < 0 && errno != EINTR ? -errno : 0;
		if (buf_append(out, part, (size_t)n) < 0)
			return -EIO;
	}
}

static int spawn(const char *program, int in, int out, pid_t *ret)
{
	char *argv[] = {(char *)program, (char *)"get", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	r = -posix_spawnp(ret, program, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int run(const char *program, const char *server, struct buf *answer)
{
	int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
	_close_ int in_read = -1, in_write = -1, out_read = -1, out_write = -1;
	int in[2], out[2], r, ended;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	in_read = in[0];
	in_write = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	out_read = out[0];
	out_write = out[1];
	/* A pipe holds a host's name whether it is read or not. */
	if (write(in_write, server, strlen(server)) < 0)
		return -errno;
	close(in_write);
	in_write = -1;
	r = spawn(program, in_read, out_write, &pid);
	if (r < 0)
		return r;
	close(out_write);
	out_write = -1;
	r = read_answer(out_read, deadline, answer);
	ended = reap(pid, r < 0 ? 0 : deadline);
	return r < 0 ? r : ended;
}

static int take(const struct buf *answer, struct buf *ret_basic)
{
	cJSON *json = cJSON_ParseWithLength(buf_str(answer), answer->len);
	const cJSON *user = cJSON_GetObjectItem(json, "Username"), *secret = cJSON_GetObjectItem(json, "Secret");
	int r = -EBADMSG;

	if (cJSON_IsString(user) && cJSON_IsString(secret)) {
		r = credentials_encode(user->valuestring, secret->valuestring, ret_basic);
		explicit_bzero(secret->valuestring, strlen(secret->valuestring));
	}
	cJSON_Delete(json);
	return r;
}

int credential_helper_get(const char *helper, const char *server, struct buf *ret_basic, struct error *err)
{
	_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
	char program[128];
	int r;

	if (!*helper || strlen(helper) > 64 ||
	    strspn(helper, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(helper))
		return error_set(err, -EINVAL, "the credential helper's name %.40s is not a plain word", helper);
	snprintf(program, sizeof(program), "docker-credential-%s", helper);
	r = run(program, server, &answer);
	if (r == 0)
		r = take(&answer, ret_basic);
	else if (r == -EIO && strstr(buf_str(&answer), "credentials not found"))
		r = 0;
	if (answer.data)
		explicit_bzero(answer.data, answer.len);
	if (r < 0)
		error_set(err, r, "%s does not answer: %s", program, strerror(-r));
	return r;
}
