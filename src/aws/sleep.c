/* Calls for code that sleeps until they are answered, and what lets it go. */
#include "aws/aws.h"
#include "aws/client.h"
#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

struct aws_cancel_token {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* fired, or a call that sleeps on the token has ended */
	bool fired;
};

static void open_token(struct aws_cancel_token *t)
{
	pthread_condattr_t monotonic;

	t->fired = false;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void close_token(struct aws_cancel_token *t)
{
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
}

struct aws_cancel_token *aws_cancel_token_new(void)
{
	struct aws_cancel_token *t = malloc(sizeof(*t));

	if (t)
		open_token(t);
	return t;
}

void aws_cancel_token_free(struct aws_cancel_token *t)
{
	if (!t)
		return;
	close_token(t);
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

/* A sleeping call. It lives on the sleeper's stack, who leaves only when the engine has done with it. */
struct sleeper {
	struct aws_cancel_token *token;
	struct aws *aws;
	struct aws_request *request;
	/* the engine's */
	struct aws_call *call;
	/* guarded by the token's lock */
	struct error error;
	cJSON *body;
	bool ended;
	bool cancel_pending; /* a post to the engine is under way */
};

static void end(struct sleeper *s)
{
	pthread_mutex_lock(&s->token->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->token->changed);
	pthread_mutex_unlock(&s->token->lock);
}

static void on_done(struct aws_reply *reply, void *arg)
{
	struct sleeper *s = arg;

	s->call = NULL;
	s->error = reply->error;
	if (!error_is(&reply->error))
		s->body = move_ptr(reply->body);
	end(s);
}

static void start(void *arg)
{
	struct sleeper *s = arg;

	s->call = aws_start(s->aws, s->request, on_done, s);
	if (s->call)
		return;
	error_set(&s->error, -ENOMEM, "out of memory");
	end(s);
}

static void cancel(void *arg)
{
	struct sleeper *s = arg;

	if (s->call)
		aws_cancel(s->call);
	pthread_mutex_lock(&s->token->lock);
	s->cancel_pending = false;
	pthread_cond_broadcast(&s->token->changed);
	pthread_mutex_unlock(&s->token->lock);
}

static void sleep_until_ended(struct sleeper *s)
{
	bool asked = false;

	pthread_mutex_lock(&s->token->lock);
	while (!s->ended || s->cancel_pending) {
		if (s->token->fired && !asked && !s->ended) {
			asked = true;
			s->cancel_pending = engine_post(s->aws->engine, cancel, s) == 0;
			continue;
		}
		pthread_cond_wait(&s->token->changed, &s->token->lock);
	}
	pthread_mutex_unlock(&s->token->lock);
}

static int run(struct sleeper *s)
{
	int e;

	if (aws_cancel_token_fired(s->token)) {
		aws_request_free(s->request);
		return error_set(&s->error, -ECANCELED, "cancelled");
	}
	e = engine_post(s->aws->engine, start, s);
	if (e < 0) {
		aws_request_free(s->request);
		return error_set(&s->error, e, "%s", e == -ESHUTDOWN ? "vastfs ends" : "out of memory");
	}
	sleep_until_ended(s);
	return s->error.errnum;
}

int aws_call(struct aws *a, struct aws_request *request, struct aws_cancel_token *token, cJSON **ret, struct error *err)
{
	struct sleeper s = {.aws = a, .request = request};
	struct aws_cancel_token own;
	int e;

	assert(!engine_is_this_thread(a->engine));
	if (ret)
		*ret = NULL;
	if (!request)
		return error_set(err, -ENOMEM, "out of memory");
	s.token = token ? token : &own;
	if (!token)
		open_token(&own);
	e = run(&s);
	if (!token)
		close_token(&own);
	if (ret)
		*ret = s.body;
	else
		cJSON_Delete(s.body);
	if (e < 0 && err)
		*err = s.error;
	return e;
}

int aws_sleep(struct aws_cancel_token *token, int64_t ms)
{
	struct aws_cancel_token own, *t = token ? token : &own;
	int64_t until = clock_monotonic_ms() + ms;
	struct timespec deadline = clock_timespec(until);
	bool fired;

	if (!token)
		open_token(&own);
	pthread_mutex_lock(&t->lock);
	while (!t->fired && clock_monotonic_ms() < until)
		pthread_cond_timedwait(&t->changed, &t->lock, &deadline);
	fired = t->fired;
	pthread_mutex_unlock(&t->lock);
	if (!token)
		close_token(&own);
	return fired ? -ECANCELED : 0;
}
