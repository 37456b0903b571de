/* SPDX-License-Identifier: BSD-3-Clause */
#include "shell/client.h"

#include "base/cleanup.h"
#include "shell/protocol.h"
#include "shell/terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct terminal_client {
	int socket;
	bool raw;
	bool ready;		       /* the daemon accepts input */
	bool input_over;	       /* end of standard input */
	bool blocked;		       /* the socket to the daemon is full */
	char packet[SHELL_PACKET_MAX]; /* a packet that has not been sent yet */
	size_t packet_len;
	enum { ELSEWHERE, LINE_START, AFTER_TILDE } escape;
	int status; /* exit status; -1: the session continues */
};

static void client_say(const struct terminal_client *c, const char *text, size_t len)
{
	fprintf(stderr, "vastfs: %.*s%s\n", (int)len, text, c->raw ? "\r" : "");
}

/* -- to the daemon --------------------------------------------------------------------------------------------- */

static void client_send(struct terminal_client *c)
{
	if (!c->packet_len)
		return;
	if (send(c->socket, c->packet, c->packet_len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
		c->packet_len = 0;
		c->blocked = false;
	} else {
		c->blocked = errno == EAGAIN || errno == EINTR; /* other errors: recv() reports the end */
	}
}

static void client_put(struct terminal_client *c, enum shell_packet kind, const void *text, size_t len)
{
	c->packet[0] = (char)kind;
	memcpy(c->packet + 1, text, len);
	c->packet_len = len + 1;
	client_send(c);
}

/* Escape sequences as in ssh, for a session that hangs: Enter ~ . ends the client, Enter ~ ~ sends one ~. */
static size_t client_take_escapes(struct terminal_client *c, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (c->escape == AFTER_TILDE) {
			if (in[i] == '.') {
				c->status = SHELL_EXIT_FAILED;
				return 0;
			}
			if (in[i] != '~')
				out[n++] = '~';
			out[n++] = in[i];
			c->escape = in[i] == '\r' ? LINE_START : ELSEWHERE;
		} else if (c->escape == LINE_START && in[i] == '~') {
			c->escape = AFTER_TILDE;
		} else {
			out[n++] = in[i];
			c->escape = in[i] == '\r' ? LINE_START : ELSEWHERE;
		}
	}
	return n;
}

static void client_take_input(struct terminal_client *c)
{
	char in[4096], out[2 * sizeof(in)];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->input_over = true;
		if (c->raw)
			c->status = SHELL_EXIT_FAILED; /* the terminal is gone */
		else
			client_put(c, SHELL_END, "", 0);
		return;
	}
	if (!c->raw) {
		client_put(c, SHELL_INPUT, in, (size_t)n);
		return;
	}
	n = (ssize_t)client_take_escapes(c, in, (size_t)n, out);
	if (n)
		client_put(c, SHELL_INPUT, out, (size_t)n);
}

static void client_send_size(struct terminal_client *c)
{
	struct shell_size size = terminal_size();

	client_put(c, SHELL_SIZE, &size, sizeof(size));
}

/* -- from the daemon ------------------------------------------------------------------------------------------- */

static int client_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void client_print(struct terminal_client *c, int fd, const char *data, size_t len)
{
	int r = client_write_all(fd, data, len);

	if (r < 0) {
		fprintf(stderr, "vastfs: cannot write the output of the shell: %s\n", strerror(-r));
		c->status = SHELL_EXIT_FAILED;
	}
}

static void client_take_packet(struct terminal_client *c, const char *packet, size_t len)
{
	const char *text = packet + 1;
	int32_t status;

	len--;
	switch ((enum shell_packet)packet[0]) {
	case SHELL_READY:
		c->ready = true;
		break;
	case SHELL_WAITING:
		client_say(c, text, len);
		break;
	case SHELL_OUTPUT:
		client_print(c, STDOUT_FILENO, text, len);
		break;
	case SHELL_ERRORS:
		client_print(c, STDERR_FILENO, text, len);
		break;
	case SHELL_EXIT:
		memcpy(&status, text, sizeof(status));
		c->status = status & 0xff;
		break;
	case SHELL_FAILED:
		terminal_give_back();
		c->raw = false;
		client_say(c, text, len);
		c->status = SHELL_EXIT_FAILED;
		break;
	default:
		break; /* a packet of a later version of the protocol */
	}
}

static void client_take_reply(struct terminal_client *c)
{
	char packet[SHELL_PACKET_MAX];
	ssize_t n = recv(c->socket, packet, sizeof(packet), MSG_DONTWAIT);

	if (n > 0) {
		client_take_packet(c, packet, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		terminal_give_back();
		fprintf(stderr, "vastfs: the daemon of this mount has exited\n");
		c->status = SHELL_EXIT_FAILED;
	}
}

/* -- the session ------------------------------------------------------------------------------------------------ */

static int client_serve(struct terminal_client *c)
{
	sigset_t none;

	sigemptyset(&none);
	c->status = -1;
	while (c->status < 0) {
		bool may_read = c->ready && !c->blocked && !c->input_over;
		struct pollfd fds[] = {{.fd = c->socket, .events = (short)(POLLIN | (c->blocked ? POLLOUT : 0))},
				       {.fd = may_read ? STDIN_FILENO : -1, .events = POLLIN}};
		int n = ppoll(fds, 2, NULL, &none);

		if (n < 0 && errno != EINTR)
			return SHELL_EXIT_FAILED;
		if (c->raw && !c->blocked && terminal_has_changed())
			client_send_size(c);
		if (n <= 0)
			continue;
		if (fds[0].revents & POLLOUT)
			client_send(c);
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			client_take_reply(c);
		if (fds[1].revents && c->status < 0 && !c->blocked)
			client_take_input(c);
	}
	return c->status;
}

static int client_report(const char *mountpoint, const char *words)
{
	fprintf(stderr, "vastfs: %s: %s\n", mountpoint, words);
	return SHELL_EXIT_FAILED;
}

/* Connects to the daemon. A descriptor, or a negative exit status. */
static int client_connect(const char *mountpoint)
{
	struct sockaddr_un address;
	struct stat st;
	socklen_t len;
	int fd;

	if (stat(mountpoint, &st) < 0)
		return -client_report(mountpoint, strerror(errno));
	if (st.st_uid != getuid())
		return -client_report(mountpoint, "only the user who mounted it can open a shell");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	len = shell_address(st.st_uid, st.st_dev, &address);
	if (fd < 0)
		return -client_report(mountpoint, strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, len) < 0) {
		close(fd);
		return -client_report(mountpoint, "no vastfs of this version is mounted there");
	}
	if (shell_peer(fd) != st.st_uid) {
		close(fd);
		return -client_report(mountpoint,
				      "the process at the other end does not belong to the owner of the mount");
	}
	return fd;
}

static void client_open_shell(struct terminal_client *c, const char *task)
{
	struct shell_open hello = {.version = SHELL_VERSION, .is_terminal = c->raw, .size = terminal_size()};
	char text[sizeof(hello) + 256];
	int n;

	memcpy(text, &hello, sizeof(hello));
	n = snprintf(text + sizeof(hello), sizeof(text) - sizeof(hello), "%s", task ? task : "");
	client_put(c, SHELL_OPEN, text, sizeof(hello) + (size_t)n);
}

int shell_run(const char *mountpoint, const char *task)
{
	struct terminal_client c = {.escape = LINE_START};
	int status;

	if (task && strlen(task) > 200)
		return client_report(mountpoint, "a task ID or prefix has at most 200 characters");
	c.socket = client_connect(mountpoint);
	if (c.socket < 0)
		return -c.socket;
	c.raw = terminal_take();
	client_open_shell(&c, task);
	status = client_serve(&c);
	terminal_give_back();
	close(c.socket);
	return status;
}
