/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls for code that sleeps until the reply, and the tokens that cancel them. */
#include "aws/await.h"
#include "aws/client.h"
#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

struct aws_cancel_token {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* signalled when the token is fired, or a call that uses it has ended */
	bool fired;
};

static void sleep_token_open(struct aws_cancel_token *t)
{
	pthread_condattr_t monotonic;

	t->fired = false;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void sleep_token_close(struct aws_cancel_token *t)
{
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
}

struct aws_cancel_token *aws_cancel_token_new(void)
{
	struct aws_cancel_token *t = malloc(sizeof(*t));

	if (t)
		sleep_token_open(t);
	return t;
}

void aws_cancel_token_free(struct aws_cancel_token *t)
{
	if (!t)
		return;
	sleep_token_close(t);
	free(t);
}

void aws_cancel_token_fire(struct aws_cancel_token *t)
{
	pthread_mutex_lock(&t->lock);
	t->fired = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

bool aws_cancel_token_fired(struct aws_cancel_token *t)
{
	bool fired;

	pthread_mutex_lock(&t->lock);
	fired = t->fired;
	pthread_mutex_unlock(&t->lock);
	return fired;
}

/* -- waiting for the engine ------------------------------------------------------------------------------------ */

void awaited_end(struct awaited *a)
{
	pthread_mutex_lock(&a->token->lock);
	a->ended = true;
	pthread_cond_broadcast(&a->token->changed);
	pthread_mutex_unlock(&a->token->lock);
}

static void sleep_start(void *arg)
{
	struct awaited *a = arg;

	a->start(a);
}

static void sleep_cancel(void *arg)
{
	struct awaited *a = arg;

	if (!a->ended)
		a->cancel(a);
	pthread_mutex_lock(&a->token->lock);
	a->cancel_pending = false;
	pthread_cond_broadcast(&a->token->changed);
	pthread_mutex_unlock(&a->token->lock);
}

static void sleep_until_ended(struct engine *e, struct awaited *a)
{
	bool asked = false;

	pthread_mutex_lock(&a->token->lock);
	while (!a->ended || a->cancel_pending) {
		if (a->token->fired && !asked && !a->ended) {
			asked = true;
			a->cancel_pending = engine_post(e, sleep_cancel, a) == 0;
			continue;
		}
		pthread_cond_wait(&a->token->changed, &a->token->lock);
	}
	pthread_mutex_unlock(&a->token->lock);
}

static int sleep_await_token(struct engine *e, struct awaited *a)
{
	int r;

	if (aws_cancel_token_fired(a->token))
		return -ECANCELED;
	r = engine_post(e, sleep_start, a);
	if (r == 0)
		sleep_until_ended(e, a);
	return r;
}

const char *await_explain(int r)
{
	return r == -ECANCELED ? "cancelled" : r == -ESHUTDOWN ? "vastfs is shutting down" : "out of memory";
}

int await(struct engine *e, struct awaited *a, struct aws_cancel_token *token)
{
	struct aws_cancel_token own;
	int r;

	assert(!engine_is_this_thread(e));
	a->token = token ? token : &own;
	if (!token)
		sleep_token_open(&own);
	r = sleep_await_token(e, a);
	if (!token)
		sleep_token_close(&own);
	return r;
}

/* -- calls ----------------------------------------------------------------------------------------------------- */

struct call_sleep {
	struct awaited awaited;
	struct aws *aws;
	struct aws_request *request;
	struct aws_call *call; /* owned by the engine */
	const char *operation; /* name in the request, which belongs to the call after the start */
	int most;
	struct error error;
	cJSON *body;
};

static void sleep_call_done(struct aws_reply *reply, void *arg)
{
	struct call_sleep *s = arg;

	s->call = NULL;
	s->error = reply->error;
	if (!error_is(&s->error) && reply->truncated)
		error_set(&s->error, -EOVERFLOW, "%s returned more entries than vastfs reads (%d)", s->operation,
			  s->most);
	if (!error_is(&s->error))
		s->body = move_ptr(reply->body);
	awaited_end(&s->awaited);
}

static void sleep_call_start(struct awaited *a)
{
	struct call_sleep *s = container_of(a, struct call_sleep, awaited);

	s->call = aws_start(s->aws, s->request, sleep_call_done, s);
	if (s->call)
		return;
	error_set(&s->error, -ENOMEM, "out of memory");
	awaited_end(a);
}

static void sleep_call_cancel(struct awaited *a)
{
	struct call_sleep *s = container_of(a, struct call_sleep, awaited);

	if (s->call)
		aws_cancel(s->call);
}

int aws_call(struct aws *a, struct aws_request *request, struct aws_cancel_token *token, cJSON **ret, struct error *err)
{
	struct call_sleep s = {
		.awaited = {.start = sleep_call_start, .cancel = sleep_call_cancel}, .aws = a, .request = request};
	int r;

	if (ret)
		*ret = NULL;
	if (!request)
		return error_set(err, -ENOMEM, "out of memory");
	s.operation = request->operation;
	s.most = request->paging.most ? request->paging.most : AWS_ENTRIES_MOST;
	r = await(a->engine, &s.awaited, token);
	if (r < 0) {
		aws_request_free(request);
		return error_set(err, r, "%s", await_explain(r));
	}
	if (ret)
		*ret = s.body;
	else
		cJSON_Delete(s.body);
	if (error_is(&s.error) && err)
		*err = s.error;
	return s.error.errnum;
}

int aws_sleep(struct aws_cancel_token *token, int64_t ms)
{
	struct aws_cancel_token own, *t = token ? token : &own;
	int64_t until = clock_monotonic_ms() + ms;
	struct timespec deadline = clock_timespec(until);
	bool fired;

	if (!token)
		sleep_token_open(&own);
	pthread_mutex_lock(&t->lock);
	while (!t->fired && clock_monotonic_ms() < until)
		pthread_cond_timedwait(&t->changed, &t->lock, &deadline);
	fired = t->fired;
	pthread_mutex_unlock(&t->lock);
	if (!token)
		sleep_token_close(&own);
	return fired ? -ECANCELED : 0;
}
