/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/http_call.h"

#include "aws/await.h"

#include <string.h>

struct http_call_wait {
	struct awaited awaited;
	struct engine *engine;
	const struct http_request *request;
	struct http_exchange *exchange;
	struct http_reply reply;
};

static void http_call_done(struct http_reply *reply, void *arg)
{
	struct http_call_wait *s = arg;

	s->exchange = NULL;
	s->reply = *reply;
	memset(reply, 0, sizeof(*reply));
	awaited_end(&s->awaited);
}

static void http_call_start(struct awaited *a)
{
	struct http_call_wait *s = container_of(a, struct http_call_wait, awaited);

	s->exchange = http_start(s->engine, s->request, http_call_done, s);
	if (s->exchange)
		return;
	error_set(&s->reply.error, -ENOMEM, "out of memory");
	awaited_end(a);
}

static void http_call_cancel(struct awaited *a)
{
	struct http_call_wait *s = container_of(a, struct http_call_wait, awaited);

	http_cancel(move_ptr(s->exchange));
	error_set(&s->reply.error, -ECANCELED, "cancelled");
	awaited_end(a);
}

int http_call(struct engine *e, const struct http_request *request, struct aws_cancel_token *token,
	      struct http_reply *ret, struct error *err)
{
	struct http_call_wait s = {
		.awaited = {.start = http_call_start, .cancel = http_call_cancel}, .engine = e, .request = request};
	int r = await(e, &s.awaited, token);

	if (r < 0)
		error_set(&s.reply.error, r, "%s", await_explain(r));
	*ret = s.reply;
	if (error_is(&ret->error) && err)
		*err = ret->error;
	return ret->error.errnum;
}
