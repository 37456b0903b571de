/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "runtime_api.h"

/* More bytes than this do not fit into a reply, even if it contains nothing else. */
#define REPLY_STDOUT_MAX (RUNTIME_API_REPLY_MAX / 4 * 3)

void reply_init(struct reply *reply)
{
	*reply = (struct reply){.out = {.max = REPLY_STDOUT_MAX}, .err = {.max = 2 * REPLY_STDERR_MAX}};
}

void reply_free(struct reply *reply)
{
	buffer_free(&reply->out);
	buffer_free(&reply->err);
}

static void reply_drop(struct reply *reply, size_t count)
{
	buffer_drop(&reply->err, count);
	reply->err_dropped += count;
}

int reply_add(struct reply *reply, enum command_stream stream, const char *data, size_t len)
{
	if (stream == COMMAND_STDOUT)
		return buffer_add(&reply->out, data, len);
	if (len > REPLY_STDERR_MAX) {
		reply->err_dropped += len - REPLY_STDERR_MAX;
		data += len - REPLY_STDERR_MAX;
		len = REPLY_STDERR_MAX;
	}
	if (reply->err.len + len > reply->err.max)
		reply_drop(reply, reply->err.len - REPLY_STDERR_MAX);
	return buffer_add(&reply->err, data, len);
}

/* Removes bytes from the kept part to make room for the line, so that the maximum is not exceeded. */
static void reply_shorten_stderr(struct reply *reply)
{
	char line[128];
	int n;

	if (reply->err.len > REPLY_STDERR_MAX)
		reply_drop(reply, reply->err.len - REPLY_STDERR_MAX);
	if (reply->err_dropped == 0)
		return;
	reply_drop(reply, sizeof(line));
	n = snprintf(line, sizeof(line), "vast-lambda-runtime: the first %" PRIu64 " bytes of stderr are left out\n",
		     reply->err_dropped);
	memmove(reply->err.data + n, reply->err.data, reply->err.len);
	memcpy(reply->err.data, line, (size_t)n);
	reply->err.len += (size_t)n;
}

struct reply_body {
	const struct reply *reply;
	char start[COMMAND_END_TEXT_MAX + 64];
};

static int reply_write_base64(struct http *http, const struct buffer *data)
{
	char text[4096];
	const size_t step = sizeof(text) / 4 * 3;

	for (size_t at = 0; at < data->len; at += step) {
		size_t n = data->len - at < step ? data->len - at : step;
		int err;

		base64_encode(text, data->data + at, n);
		err = http_write(http, text, base64_encoded_len(n));
		if (err < 0)
			return err;
	}
	return 0;
}

static const char reply_middle[] = "\",\"stderr\":\"";
static const char reply_close[] = "\"}";

static int reply_write(void *context, struct http *http)
{
	const struct reply_body *body = context;
	int err = http_write(http, body->start, strlen(body->start));

	if (err == 0)
		err = reply_write_base64(http, &body->reply->out);
	if (err == 0)
		err = http_write(http, reply_middle, strlen(reply_middle));
	if (err == 0)
		err = reply_write_base64(http, &body->reply->err);
	return err < 0 ? err : http_write(http, reply_close, strlen(reply_close));
}

static size_t reply_length(const struct reply_body *body)
{
	return strlen(body->start) + base64_encoded_len(body->reply->out.len) + strlen(reply_middle) +
	       base64_encoded_len(body->reply->err.len) + strlen(reply_close);
}

int reply_send(struct reply *reply, struct http *api, const char *id, const struct command_end *end, size_t *ret_size)
{
	struct reply_body body = {.reply = reply};
	char ended[COMMAND_END_TEXT_MAX];

	reply_shorten_stderr(reply);
	command_end_text(end, ended);
	snprintf(body.start, sizeof(body.start), "{\"v\":1,%s%s\"stdout\":\"", ended,
		 reply->err_dropped ? "\"truncated_stderr\":true," : "");
	*ret_size = reply_length(&body);
	if (*ret_size > RUNTIME_API_REPLY_MAX)
		return -EMSGSIZE;
	return runtime_api_respond(api, id, *ret_size, reply_write, &body);
}
