/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/http_call.h"

#include "aws/await.h"

#include <string.h>

struct sleeper {
	struct awaited awaited;
	struct engine *engine;
	const struct http_request *request;
	struct http_exchange *exchange;
	struct http_reply reply;
};

static void on_done(struct http_reply *reply, void *arg)
{
	struct sleeper *s = arg;

	s->exchange = NULL;
	s->reply = *reply;
	memset(reply, 0, sizeof(*reply));
	awaited_end(&s->awaited);
}

static void start(struct awaited *a)
{
	struct sleeper *s = container_of(a, struct sleeper, awaited);

	s->exchange = http_start(s->engine, s->request, on_done, s);
	if (s->exchange)
		return;
	error_set(&s->reply.error, -ENOMEM, "out of memory");
	awaited_end(a);
}

static void cancel(struct awaited *a)
{
	struct sleeper *s = container_of(a, struct sleeper, awaited);

	http_cancel(move_ptr(s->exchange));
	error_set(&s->reply.error, -ECANCELED, "cancelled");
	awaited_end(a);
}

int http_call(struct engine *e, const struct http_request *request, struct aws_cancel_token *token,
	      struct http_reply *ret, struct error *err)
{
	struct sleeper s = {.awaited = {.start = start, .cancel = cancel}, .engine = e, .request = request};
	int r = await(e, &s.awaited, token);

	if (r < 0)
		error_set(&s.reply.error, r, "%s", r == -ECANCELED ? "cancelled" : "vastfs ends");
	*ret = s.reply;
	if (error_is(&ret->error) && err)
		*err = ret->error;
	return ret->error.errnum;
}
