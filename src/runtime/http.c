/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

/* The server is a process on the same machine, so a pause of this length in the middle of a message is a failure. */
#define HTTP_PATIENCE 5000 /* ms */

int http_init(struct http *http, const char *address)
{
	const char *colon = strrchr(address, ':');
	bool brackets = address[0] == '[';
	size_t host_len, port_len;

	if (!colon || (brackets && (colon - address < 3 || colon[-1] != ']')))
		return -EINVAL;
	host_len = (size_t)(colon - address) - (brackets ? 2 : 0);
	port_len = strlen(colon + 1);
	if (host_len == 0 || host_len >= sizeof(http->host) || port_len == 0 || port_len >= sizeof(http->port))
		return -EINVAL;
	if (strspn(colon + 1, "0123456789") != port_len)
		return -EINVAL;
	memset(http, 0, sizeof(*http));
	memcpy(http->host, address + brackets, host_len);
	memcpy(http->port, colon + 1, port_len);
	http->fd = -1;
	return 0;
}

static void http_close(struct http *http)
{
	if (http->fd >= 0)
		close(http->fd);
	http->fd = -1;
}

/* Returns 0 with the events in *ret_events, or -ETIMEDOUT. A negative `timeout` means no limit. */
static int http_wait(struct http *http, short events, int timeout, short *ret_events)
{
	struct pollfd fd = {.fd = http->fd, .events = events};
	int n;

	do
		n = poll(&fd, 1, timeout);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_events = fd.revents;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int http_connect_to(struct http *http, const struct addrinfo *to)
{
	int error = 0;
	short ready;

	http->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (http->fd < 0)
		return -errno;
	if (connect(http->fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		error = http_wait(http, POLLOUT, HTTP_PATIENCE, &ready);
		if (error < 0)
			return error;
		getsockopt(http->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof(error)});
	}
	setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return -error;
}

static int http_connect(struct http *http)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
	int err = -EHOSTUNREACH;

	if (getaddrinfo(http->host, http->port, &hints, &found) != 0)
		return -EHOSTUNREACH;
	for (const struct addrinfo *to = found; to && err < 0; to = to->ai_next) {
		err = http_connect_to(http, to);
		if (err < 0)
			http_close(http);
	}
	freeaddrinfo(found);
	http->in_at = http->in_len = 0;
	return err;
}

/* The timeout for poll(2): milliseconds until the deadline, or -1 without a deadline. */
static int http_time_left(int64_t until)
{
	int64_t left = until == INT64_MAX ? -1 : until - clock_now_ms();

	if (until != INT64_MAX && left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Sends as much as possible without waiting. Also returns 0 if some data is unsent. */
static int http_push(struct http *http)
{
	while (http->out_at < http->out_len) {
		ssize_t n = send(http->fd, http->out + http->out_at, http->out_len - http->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			http->out_at += (size_t)n;
	}
	http->out_at = http->out_len = 0;
	return 0;
}

static int http_flush(struct http *http, int64_t until)
{
	while (http->out_len > 0) {
		short ready;
		int err = http_wait(http, POLLIN | POLLOUT, http_time_left(until), &ready);

		if (err < 0)
			return err;
		/*
		 * A reply before the end of the request means that the server refuses the rest or has closed the
		 * connection.
		 */
		if (ready & (POLLIN | POLLERR | POLLHUP))
			return -EPIPE;
		err = http_push(http);
		if (err < 0)
			return err;
	}
	return 0;
}

int http_write(struct http *http, const void *data, size_t len)
{
	const char *from = data;

	while (len > 0) {
		size_t room = sizeof(http->out) - http->out_len;
		size_t n = len < room ? len : room;

		memcpy(http->out + http->out_len, from, n);
		http->out_len += n;
		from += n;
		len -= n;
		if (http->out_len == sizeof(http->out)) {
			int err = http_flush(http, clock_now_ms() + HTTP_PATIENCE);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

/* `framing` is the header that defines the end of the body. */
static int http_start(struct http *http, const struct api_request *request, const char *framing)
{
	char head[2048];
	int n = snprintf(
		head, sizeof(head), "%s %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: vast-lambda-runtime/%s\r\n%s%s\r\n",
		request->method, request->path, http->host, http->port, VASTFS_VERSION, request->headers, framing);

	if (n < 0 || (size_t)n >= sizeof(head))
		return -EMSGSIZE;
	http->out_at = http->out_len = 0;
	return http_write(http, head, (size_t)n);
}

static int http_send(struct http *http, const struct api_request *request)
{
	char framing[64] = "";
	int err;

	if (request->body)
		snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", request->length);
	err = http_start(http, request, framing);
	if (err == 0 && request->body)
		err = request->body(request->context, http);
	return err < 0 ? err : http_flush(http, clock_now_ms() + HTTP_PATIENCE);
}

static int http_fill(struct http *http, int timeout)
{
	short ready;
	ssize_t n;

	do {
		int err = http_wait(http, POLLIN, timeout, &ready);

		if (err < 0)
			return err;
		n = recv(http->fd, http->in, sizeof(http->in), 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		return n == 0 ? -ECONNRESET : -errno;
	http->heard = true;
	http->in_at = 0;
	http->in_len = (size_t)n;
	return 0;
}

/* Reads up to and including `end`, the end of a line or of the headers. `ret_text` becomes a string. */
static int http_read_until(struct http *http, const char *end, char *ret_text, size_t size, int timeout)
{
	size_t len = 0, end_len = strlen(end);

	do {
		if (http->in_at == http->in_len) {
			int err = http_fill(http, http->heard ? HTTP_PATIENCE : timeout);

			if (err < 0)
				return err;
		}
		if (len + 1 == size)
			return -EMSGSIZE;
		ret_text[len] = http->in[http->in_at++];
		if (ret_text[len++] == '\0')
			return -EPROTO;
	} while (len < end_len || memcmp(ret_text + len - end_len, end, end_len) != 0);
	ret_text[len] = '\0';
	return 0;
}

static int http_read_bytes(struct http *http, struct buffer *body, size_t len)
{
	while (len > 0) {
		size_t have = http->in_len - http->in_at;
		size_t n = len < have ? len : have;
		int err = have ? buffer_add(body, http->in + http->in_at, n) : http_fill(http, HTTP_PATIENCE);

		if (err < 0)
			return err == -EFBIG ? -EMSGSIZE : err;
		if (have) {
			http->in_at += n;
			len -= n;
		}
	}
	return 0;
}

/* Parses an integer in `base`. The number must be followed by the end of the text or by a character of `after`. */
static int http_number(const char *text, int base, const char *after, size_t *ret_number)
{
	char *end;
	unsigned long long number;

	if (!strchr("0123456789abcdefABCDEF", text[0]) || text[0] == '\0')
		return -EPROTO;
	errno = 0;
	number = strtoull(text, &end, base);
	if (errno || (*end != '\0' && !strchr(after, *end)))
		return -EPROTO;
	if (number > HTTP_BODY_MAX)
		return -EMSGSIZE;
	*ret_number = (size_t)number;
	return 0;
}

static int http_read_chunks(struct http *http, struct buffer *body)
{
	char line[256];
	size_t len;

	do {
		int err = http_read_until(http, "\r\n", line, sizeof(line), HTTP_PATIENCE);

		if (err == 0)
			err = http_number(line, 16, "; \r", &len);
		if (err == 0)
			err = http_read_bytes(http, body, len);
		if (err == 0 && len > 0)
			err = http_read_until(http, "\r\n", line, sizeof(line), HTTP_PATIENCE);
		if (err < 0)
			return err;
		if (len > 0 && strcmp(line, "\r\n") != 0)
			return -EPROTO;
	} while (len > 0);

	for (size_t lines = 0; lines < 64; lines++) {
		int err = http_read_until(http, "\r\n", line, sizeof(line), HTTP_PATIENCE);

		if (err < 0 || strcmp(line, "\r\n") == 0)
			return err;
	}
	return -EMSGSIZE;
}

static int http_read_rest(struct http *http, struct buffer *body)
{
	for (;;) {
		int err = http_read_bytes(http, body, http->in_len - http->in_at);

		if (err == 0)
			err = http_fill(http, HTTP_PATIENCE);
		if (err == -ECONNRESET)
			return 0;
		if (err < 0)
			return err;
	}
}

bool http_header(const struct api_reply *reply, const char *name, char *ret_value, size_t size)
{
	size_t name_len = strlen(name);

	for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		line += name_len + 1;
		line += strspn(line, " \t");

		size_t len = strcspn(line, "\r");

		while (len > 0 && strchr(" \t", line[len - 1]))
			len--;
		if (len >= size)
			return false;
		memcpy(ret_value, line, len);
		ret_value[len] = '\0';
		return true;
	}
	return false;
}

static int http_status(const char *head)
{
	if (strncmp(head, "HTTP/1.", 7) != 0 || (head[7] != '0' && head[7] != '1') || head[8] != ' ')
		return -EPROTO;
	if (strspn(head + 9, "0123456789") != 3 || (head[12] != ' ' && head[12] != '\r'))
		return -EPROTO;
	return atoi(head + 9);
}

static int http_read_head(struct http *http, struct api_reply *reply, int timeout)
{
	do {
		int err = http_read_until(http, "\r\n\r\n", reply->head, sizeof(reply->head), timeout);

		if (err < 0)
			return err;
		reply->status = http_status(reply->head);
		if (reply->status < 0)
			return reply->status;
	} while (reply->status < 200);
	return 0;
}

static int http_read_body(struct http *http, struct api_reply *reply, bool *ret_last)
{
	char value[64];
	size_t len;
	int err;

	*ret_last = reply->head[7] == '0' ||
		    (http_header(reply, "Connection", value, sizeof(value)) && !strcasecmp(value, "close"));
	if (reply->status == 204 || reply->status == 304)
		return 0;
	if (http_header(reply, "Transfer-Encoding", value, sizeof(value)))
		return strcasecmp(value, "chunked") == 0 ? http_read_chunks(http, &reply->body) : -EPROTO;
	if (http_header(reply, "Content-Length", value, sizeof(value))) {
		err = http_number(value, 10, "", &len);
		return err < 0 ? err : http_read_bytes(http, &reply->body, len);
	}
	*ret_last = true;
	return http_read_rest(http, &reply->body);
}

static int http_try(struct http *http, const struct api_request *request, struct api_reply *reply)
{
	bool last = false;
	int sent, err;

	reply->body = (struct buffer){.max = HTTP_BODY_MAX};
	http->heard = false;
	sent = http->fd < 0 ? http_connect(http) : 0;
	if (sent < 0)
		return sent;
	sent = http_send(http, request);
	err = sent < 0 && sent != -EPIPE ? sent : http_read_head(http, reply, request->for_ever ? -1 : HTTP_PATIENCE);
	if (err == 0)
		err = http_read_body(http, reply, &last);
	if (err < 0 || sent < 0 || last)
		http_close(http);
	if (err < 0)
		buffer_free(&reply->body);
	return err;
}

int http_call(struct http *http, const struct api_request *request, struct api_reply *ret_reply)
{
	bool reused = http->fd >= 0;
	int err = http_try(http, request, ret_reply);

	/*
	 * The server may close an idle connection at any time. It has then not received this request, so it is sent
	 * again.
	 */
	if (err < 0 && reused && !http->heard && (err == -ECONNRESET || err == -EPIPE))
		err = http_try(http, request, ret_reply);
	return err;
}

/* --- bodies in pieces --- */

/* An idle connection has no data to read. If it is readable, the server has closed it. */
static bool http_is_stale(struct http *http)
{
	short ready;

	return http->in_at < http->in_len || http_wait(http, POLLIN, 0, &ready) != -ETIMEDOUT;
}

int http_stream_begin(struct http *http, const struct api_request *request, int64_t until)
{
	int err;

	if (http->fd >= 0 && http_is_stale(http))
		http_close(http);
	http->heard = false;
	http->until = until;
	err = http->fd < 0 ? http_connect(http) : 0;
	return err < 0 ? err : http_start(http, request, "Transfer-Encoding: chunked\r\n");
}

static void http_queue(struct http *http, const void *data, size_t len)
{
	memcpy(http->out + http->out_len, data, len);
	http->out_len += len;
}

int http_stream_write(struct http *http, const void *head, size_t head_len, const void *data, size_t len)
{
	char size[16];
	int n = snprintf(size, sizeof(size), "%zx\r\n", head_len + len);

	if ((size_t)n + head_len + len + 2 > sizeof(http->out) - http->out_len) {
		int err = http_flush(http, http->until);

		if (err < 0)
			return err;
	}
	http_queue(http, size, (size_t)n);
	http_queue(http, head, head_len);
	http_queue(http, data, len);
	http_queue(http, "\r\n", 2);
	return http_push(http);
}

short http_stream_events(const struct http *http)
{
	return http->out_len > 0 ? POLLIN | POLLOUT : POLLIN;
}

int http_stream_work(struct http *http, short ready)
{
	if (ready & (POLLIN | POLLERR | POLLHUP))
		return -EPIPE;
	return ready & POLLOUT ? http_push(http) : 0;
}

int http_stream_end(struct http *http, const char *trailers, struct api_reply *ret_reply)
{
	bool last = false;
	int err;

	ret_reply->body = (struct buffer){.max = HTTP_BODY_MAX};
	err = http_flush(http, http->until);
	if (err == 0)
		err = http_write(http, "0\r\n", 3);
	if (err == 0)
		err = http_write(http, trailers, strlen(trailers));
	if (err == 0)
		err = http_write(http, "\r\n", 2);
	if (err == 0)
		err = http_flush(http, http->until);
	if (err == 0)
		err = http_read_head(http, ret_reply, http_time_left(http->until));
	if (err == 0)
		err = http_read_body(http, ret_reply, &last);
	if (err == 0 && last)
		http_close(http);
	if (err < 0)
		buffer_free(&ret_reply->body);
	return err;
}

int http_stream_abandon(struct http *http, struct api_reply *ret_reply)
{
	bool last;
	short ready;
	int err;

	ret_reply->body = (struct buffer){.max = HTTP_BODY_MAX};
	err = http->fd < 0 ? -ENODATA : http_wait(http, POLLIN, 0, &ready);
	if (err == 0)
		err = http_read_head(http, ret_reply, HTTP_PATIENCE);
	if (err == 0)
		err = http_read_body(http, ret_reply, &last);
	http_close(http);
	if (err < 0)
		buffer_free(&ret_reply->body);
	return err < 0 ? -ENODATA : 0;
}
