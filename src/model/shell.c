/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shell.c - the daemon's side of `vastfs shell` (shell/protocol.h): each client is a remote shell in a container.
 *
 * Each side is paused while the other is slow: a client that does not read stops the channel, a container that does not
 * read stops the client. Only the data in transit at that moment is buffered. Engine thread.
 */
#include "base/clock.h"
#include "model/internal.h"
#include "session/remote.h"
#include "shell/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define BIND_WAIT_MS  2000
#define BIND_PAUSE_MS 20
#define CLIENTS_MAX   64
#define QUEUE_MAX     ((size_t)8 << 20) /* limit of the queue; after a pause the channel delivers far less than this */
#define TEXT_MAX      ((size_t)8 << 10) /* bytes of output in a packet */
#define LAST_WORDS_MS 5000

struct shell_connection {
	struct list link;
	struct shells *all;
	struct engine_socket socket;
	struct remote *remote;
	bool opened, script, waits,
		closing; /* waits: the client was told to wait; closing: closed once the queue is sent */
	struct shell_size size;
	char prefix[201], task[64];
	struct buf queue; /* packets, each after its length as uint16_t */
	struct engine_timer timer;
	bool refreshed;
};

struct shells {
	struct model *model;
	int listening; /* -1: not listening */
	struct engine_socket socket;
	struct list clients;
	unsigned n;
};

/* -- the end of a shell ---------------------------------------------------------------------------------------- */

static void shell_client_free(struct shell_connection *c)
{
	engine_unwatch(&c->socket);
	engine_timer_cancel(&c->timer);
	close(c->socket.fd);
	list_remove(&c->link);
	c->all->n--;
	buf_free(&c->queue);
	free(c);
}

static void shell_drop(struct shell_connection *c)
{
	if (*c->task && c->remote)
		model_event(c->all->model, "shell in task %s: left", c->task);
	remote_drop(c->remote);
	shell_client_free(c);
}

/* -- to the client --------------------------------------------------------------------------------------------- */

static void shell_set_events(struct shell_connection *c)
{
	bool full = c->remote && remote_is_full(c->remote);

	c->socket.events = (short)((full ? 0 : POLLIN) | (c->queue.len ? POLLOUT : 0));
	if (c->remote)
		remote_pause(c->remote, c->queue.len > 0);
}

/* Returns true if the client must be dropped. */
static bool shell_send_queue(struct shell_connection *c)
{
	size_t done = 0;
	uint16_t len;
	bool gone = false;

	while (done < c->queue.len && !gone) {
		memcpy(&len, c->queue.data + done, sizeof(len));
		if (send(c->socket.fd, c->queue.data + done + sizeof(len), len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			gone = errno != EAGAIN && errno != EINTR;
			break;
		}
		done += sizeof(len) + len;
	}
	buf_drop(&c->queue, done);
	return gone || (c->closing && !c->queue.len);
}

static void shell_socket_ready(void *arg);

static void shell_queue_packet(struct shell_connection *c, enum shell_packet kind, const void *text, size_t len)
{
	uint16_t whole = (uint16_t)(len + 1);

	buf_append(&c->queue, &whole, sizeof(whole));
	buf_putc(&c->queue, (char)kind);
	buf_append(&c->queue, text, len);
}

/* The queue is sent later from the event loop, because the caller may still use the client. */
static void shell_put(struct shell_connection *c, enum shell_packet kind, const void *text, size_t len)
{
	const char *p = text;

	do {
		size_t n = len < TEXT_MAX ? len : TEXT_MAX;

		shell_queue_packet(c, kind, p, n);
		p += n;
		len -= n;
	} while (len);
	engine_timer_set(c->all->model->engine, &c->timer, 0, shell_socket_ready, c);
}

static void shell_give_up(void *arg)
{
	shell_drop(arg);
}

static void shell_put_last(struct shell_connection *c, enum shell_packet kind, const void *text, size_t len)
{
	if (c->closing)
		return;
	c->closing = true;
	shell_put(c, kind, text, len);
}

static void shell_refuse(struct shell_connection *c, const struct error *err)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "%s%s%s", err->message, *err->remedy ? "; " : "", err->remedy);

	shell_put_last(c, SHELL_FAILED, text, (size_t)n);
}

/* -- the remote shell ------------------------------------------------------------------------------------------ */

static void shell_on_waiting(const struct error *why, void *arg)
{
	struct shell_connection *c = arg;
	char text[256];
	int n = snprintf(text, sizeof(text), "waiting for the agent in the container: %s",
			 *why->code ? why->code : why->message);

	if (!c->waits)
		shell_put(c, SHELL_WAITING, text, (size_t)n);
	c->waits = true;
}

static void shell_on_ready(const char *missing, void *arg)
{
	struct shell_connection *c = arg;
	char text[256];

	if (*missing) {
		snprintf(text, sizeof(text),
			 "the container lacks %s: the output of the script passes through a terminal", missing);
		shell_put(c, SHELL_WAITING, text, strlen(text));
	}
	shell_put(c, SHELL_READY, c->task, strlen(c->task));
}

static void shell_on_output(bool is_stderr, const void *data, size_t len, void *arg)
{
	struct shell_connection *c = arg;

	if (c->closing)
		return;
	shell_put(c, is_stderr ? SHELL_ERRORS : SHELL_OUTPUT, data, len);
	if (c->queue.error)
		shell_refuse(c, &(struct error){.message = "out of memory"});
	remote_pause(c->remote, true); /* the shell is paused until the queue is sent */
}

static void shell_on_drained(void *arg)
{
	shell_set_events(arg);
}

static void shell_on_ended(int status, const struct error *why, void *arg)
{
	struct shell_connection *c = arg;
	int32_t code = status;

	c->remote = NULL;
	model_event(c->all->model, "shell in task %s: %s", c->task, error_is(why) ? why->message : "ended");
	if (error_is(why))
		shell_refuse(c, why);
	else
		shell_put_last(c, SHELL_EXIT, &code, sizeof(code));
}

static int shell_start(struct shell_connection *c, const struct snapshot *s, const struct task *t)
{
	static const struct remote_events events = {.waiting = shell_on_waiting,
						    .ready = shell_on_ready,
						    .output = shell_on_output,
						    .drained = shell_on_drained,
						    .ended = shell_on_ended};
	const struct exec_form form = {c->script ? COMMAND_SCRIPT : COMMAND_SHELL, c->size.columns, c->size.rows};
	struct model *m = c->all->model;

	c->remote = exec_start(m, s, t, &form, &events, c);
	if (!c->remote)
		return -ENOMEM;
	snprintf(c->task, sizeof(c->task), "%s", t->id);
	model_event(m, "shell in task %s: started", c->task);
	return 0;
}

/* -- choosing the task ----------------------------------------------------------------------------------------- */

static int shell_choose_task(const struct shell_connection *c, const struct snapshot *s, const struct task **ret,
			     struct error *err)
{
	int r;

	if (!*c->prefix) {
		*ret = snapshot_default_task(s);
		if (*ret)
			return 0;
		error_set(err, -ENXIO, "no server is running");
		error_remedy(err, "touch control/run-task, or name one of the tasks in tasks/");
		return err->errnum;
	}
	r = task_list_match(s->tasks, c->prefix, ret);
	if (r == -ENOTUNIQ)
		return error_set(err, r, "more than one task ID begins with %s", c->prefix);
	return r < 0 ? error_set(err, r, "there is no task %s", c->prefix) : 0;
}

static void shell_begin(struct shell_connection *c);

struct shell_refresh {
	struct shells *all;
	struct shell_connection *client;
};

/* The client may have left meanwhile. */
static void shell_refreshed(void *arg)
{
	struct shell_refresh *refresh = arg;

	list_for_each (l, &refresh->all->clients) {
		if (container_of(l, struct shell_connection, link) != refresh->client)
			continue;
		if (!atomic_load(&refresh->all->model->stopping))
			shell_begin(refresh->client);
		break;
	}
	free(refresh);
}

static void shell_refresh_first(struct shell_connection *c)
{
	struct shell_refresh *refresh = calloc(1, sizeof(*refresh));

	if (!refresh) {
		shell_refuse(c, &(struct error){.message = "out of memory"});
		return;
	}
	c->refreshed = true;
	*refresh = (struct shell_refresh){c->all, c};
	watch_now(c->all->model, shell_refreshed, refresh);
}

static void shell_begin(struct shell_connection *c)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(c->all->model);
	const struct task *t = NULL;
	struct error err = {0};

	if (!snapshot_is_current(s) && !c->refreshed)
		shell_refresh_first(c);
	else if (own_stack_check(s, &err) < 0 || credentials_check(c->all->model, &err) < 0 ||
		 shell_choose_task(c, s, &t, &err) < 0 || exec_check(s, t->id, &err) < 0)
		shell_refuse(c, &err);
	else if (shell_start(c, s, t) < 0)
		shell_refuse(c, &(struct error){.message = "out of memory"});
}

/* -- from the client ------------------------------------------------------------------------------------------- */

static void shell_take_open(struct shell_connection *c, const char *text, size_t len)
{
	struct shell_open hello;

	if (c->opened || len < sizeof(hello) || len - sizeof(hello) >= sizeof(c->prefix)) {
		shell_refuse(c, &(struct error){.message = "invalid first packet from vastfs shell"});
		return;
	}
	memcpy(&hello, text, sizeof(hello));
	c->opened = true;
	c->script = !hello.is_terminal;
	c->size = hello.size;
	memcpy(c->prefix, text + sizeof(hello), len - sizeof(hello));
	if (hello.version != SHELL_VERSION)
		shell_refuse(c, &(struct error){.message = "vastfs shell and the mount are of different versions"});
	else
		shell_begin(c);
}

static void shell_take_input(struct shell_connection *c, const char *text, size_t len)
{
	struct error err;
	int r = remote_write(c->remote, text, len);

	if (r == 0)
		return;
	remote_cancel(c->remote);
	error_set(&err, r, "%s",
		  r == -ENOMEM ? "out of memory" : "the container lacks a program that a script with such lines needs");
	shell_refuse(c, &err);
}

static void shell_take_packet(struct shell_connection *c, char kind, const char *text, size_t len)
{
	struct shell_size size;

	if (kind == SHELL_OPEN) {
		shell_take_open(c, text, len);
	} else if (!c->remote) {
		return; /* the shell has not started yet, or has ended */
	} else if (kind == SHELL_INPUT) {
		shell_take_input(c, text, len);
	} else if (kind == SHELL_END) {
		remote_write_end(c->remote);
	} else if (kind == SHELL_SIZE && len == sizeof(size)) {
		memcpy(&size, text, sizeof(size));
		remote_resize(c->remote, size.columns, size.rows);
	}
}

/* Returns false if the client has left. */
static bool shell_receive(struct shell_connection *c)
{
	char packet[SHELL_PACKET_MAX];
	ssize_t n = recv(c->socket.fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n > 0 && !c->closing)
		shell_take_packet(c, packet[0], packet + 1, (size_t)n - 1);
	return n > 0;
}

static void shell_socket_ready(void *arg)
{
	struct shell_connection *c = arg;

	if (!shell_receive(c) || shell_send_queue(c)) {
		shell_drop(c);
		return;
	}
	shell_set_events(c);
	if (c->closing)
		engine_timer_set(c->all->model->engine, &c->timer, LAST_WORDS_MS, shell_give_up, c);
}

/* -- listening ------------------------------------------------------------------------------------------------- */

static void shell_admit(struct shells *all, int fd)
{
	struct shell_connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->all = all;
	buf_init(&c->queue, QUEUE_MAX);
	c->socket = (struct engine_socket){.fd = fd, .events = POLLIN, .ready = shell_socket_ready, .arg = c};
	list_append(&all->clients, &c->link);
	all->n++;
	engine_watch(all->model->engine, &c->socket);
	if (shell_peer(fd) != getuid())
		shell_refuse(
			c, &(struct error){.message = "only the user who mounted this file system may start a shell"});
	else if (all->n > CLIENTS_MAX)
		shell_refuse(c, &(struct error){.message = "too many shells are running"});
}

static void shell_accept(void *arg)
{
	struct shells *all = arg;
	int fd = accept4(all->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		shell_admit(all, fd);
}

static void shell_watch_listening(void *arg)
{
	struct shells *all = arg;

	engine_watch(all->model->engine, &all->socket);
}

/* The kernel reuses device numbers at once; the vastfs that had this number may still be ending. */
static int shell_bind_when_free(int fd, const struct sockaddr_un *address, socklen_t len)
{
	int64_t deadline = clock_monotonic_ms() + BIND_WAIT_MS;

	while (bind(fd, (const struct sockaddr *)address, len) < 0) {
		if (errno != EADDRINUSE || clock_monotonic_ms() >= deadline)
			return -errno;
		usleep(BIND_PAUSE_MS * 1000);
	}
	return 0;
}

int model_shells_listen(struct model *m, dev_t device)
{
	struct shells *all = m->shells;
	struct sockaddr_un address;
	socklen_t len = shell_address(getuid(), device, &address);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = shell_bind_when_free(fd, &address, len);
	if (r == 0 && listen(fd, 16) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	all->listening = fd;
	all->socket = (struct engine_socket){.fd = fd, .events = POLLIN, .ready = shell_accept, .arg = all};
	list_init(&all->socket.link);
	return engine_post(m->engine, shell_watch_listening, all);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int shells_new(struct model *m, struct shells **ret)
{
	struct shells *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->model = m;
	all->listening = -1;
	list_init(&all->clients);
	*ret = all;
	return 0;
}

static void shell_end_all(void *arg)
{
	struct shells *all = arg;

	list_for_each_safe (l, next, &all->clients)
		shell_drop(container_of(l, struct shell_connection, link));
}

void shells_end(struct shells *all)
{
	if (all)
		engine_post(all->model->engine, shell_end_all, all);
}

/* The engine has stopped. Clients see their connection end. */
void shells_free(struct shells *all)
{
	if (!all)
		return;
	list_for_each_safe (l, next, &all->clients) {
		struct shell_connection *c = container_of(l, struct shell_connection, link);

		remote_free(c->remote);
		shell_client_free(c);
	}
	if (all->listening >= 0)
		close(all->listening);
	free(all);
}
