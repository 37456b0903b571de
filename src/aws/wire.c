/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/wire.h"

#include <string.h>

#define LINES_MAX ((size_t)64 << 10)
#define URL_MAX	  ((size_t)32 << 10)

void aws_wire_free(struct aws_wire *w)
{
	aws_message_free(&w->message);
	buf_free(&w->url);
	buf_free(&w->lines);
}

/* Splits text into lines, in place, and appends them to the list of header lines. */
static int wire_list_lines(struct aws_wire *w, char *text)
{
	char *line;
	size_t n = 0;

	while (w->headers[n])
		n++;
	while ((line = strsep(&text, "\n"))) {
		if (!*line)
			continue;
		if (n == AWS_MOST_LINES)
			return -E2BIG;
		w->headers[n++] = line;
		w->headers[n] = NULL;
	}
	return 0;
}

static void wire_put_headers(struct buf *out, const struct aws_wire_input *in, const struct aws_message *m)
{
	const struct aws_request *r = in->request;

	buf_printf(out, "Host: %s\n", in->endpoint->host);
	if (m->content_type)
		buf_printf(out, "Content-Type: %s\n", m->content_type);
	if (m->target[0])
		buf_printf(out, "X-Amz-Target: %s\n", m->target);
	for (size_t i = 0; i < ARRAY_SIZE(r->headers) && r->headers[i]; i++)
		buf_printf(out, "%s\n", r->headers[i]);
	buf_printf(out, "amz-sdk-invocation-id: %s\namz-sdk-request: attempt=%d; max=%d\n", in->invocation_id,
		   in->attempt, in->most_attempts);
}

static int wire_leave_unsigned(const struct aws_wire_input *in, struct aws_wire *w)
{
	buf_printf(&w->lines, "%s", in->user_agent);
	return w->lines.error ? w->lines.error : wire_list_lines(w, w->lines.data);
}

/* Signs the listed headers and adds those of the signature. Then the lines are listed again, because the text may have
 * moved when it grew. */
static int wire_sign(const struct aws_wire_input *in, struct aws_wire *w, const char *path)
{
	_buf_ struct buf plain = BUF_INIT_SECRET(LINES_MAX);
	struct aws_to_sign s = {
		.method = w->message.method,
		.path = path,
		.query = buf_str(&w->message.query),
		.headers = w->headers,
		.body = w->message.body_data,
		.body_len = w->message.body_len,
		.region = in->endpoint->region,
		.service = in->request->service->signing_name,
		.wall_ms = in->wall_ms,
	};
	struct aws_signed done;
	int e;

	buf_puts(&plain, buf_str(&w->lines));
	e = plain.error ? plain.error : wire_list_lines(w, plain.data);
	if (e < 0)
		return e;
	e = aws_sign(&s, &in->identity, in->keys, &done);
	buf_printf(&w->lines, "%s\n%s", buf_str(&done.headers), in->user_agent);
	aws_signed_free(&done);
	w->headers[0] = NULL;
	if (!e)
		e = w->lines.error;
	return e ? e : wire_list_lines(w, w->lines.data);
}

int aws_wire_make(const struct aws_wire_input *in, struct aws_wire *ret)
{
	_buf_ struct buf path = BUF_INIT(URL_MAX);
	struct aws_message *m = &ret->message;
	int e;

	*ret = (struct aws_wire){.message = {.method = "POST", .path = "/"}};
	buf_init(&m->query, URL_MAX);
	buf_init(&m->body, AWS_BODY_MAX);
	buf_init(&ret->url, URL_MAX);
	buf_init_secret(&ret->lines, LINES_MAX);
	e = aws_protocol_of(in->request->service)->build(in->request, in->page_token, m);
	if (e < 0)
		return e;
	wire_put_headers(&ret->lines, in, m);
	buf_printf(&path, "%s%s", in->endpoint->prefix, m->path);
	buf_printf(&ret->url, "%s%s%s%s", in->endpoint->url, buf_str(&path), m->query.len ? "?" : "",
		   buf_str(&m->query));
	e = ret->lines.error ? ret->lines.error : ret->url.error;
	if (e < 0)
		return e;
	return in->identity.key_id ? wire_sign(in, ret, buf_str(&path)) : wire_leave_unsigned(in, ret);
}
