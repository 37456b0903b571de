/* SPDX-License-Identifier: BSD-3-Clause */
/* One call: its attempts, the waits between them, its pages. Runs on the engine thread. */
#include "aws/client.h"
#include "aws/protocol/page.h"
#include "aws/transfer.h"
#include "aws/wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 60000

struct aws_call {
	struct engine_member member;
	struct engine_timer timer; /* the wait before the next attempt */
	struct aws *aws;
	struct aws_request *request;
	void (*done)(struct aws_reply *reply, void *arg);
	void *arg;

	char invocation_id[40];
	struct aws_attempts attempts; /* attempts for the current page */

	struct http_exchange *exchange;
	struct aws_wire wire; /* the bytes that the exchange sends */
	int64_t sent_ms;      /* monotonic */
	int64_t skew_used_ms;
	int64_t signed_ms; /* wall clock */
	bool sent;	   /* whether AWS may have received an attempt that it did not refuse because of the clock */

	bool in_other_name;		 /* uses `own` instead of the keys of the client */
	struct aws_credentials own;	 /* keys; empty: the request is not signed */
	char *region;			 /* NULL: the region of the client */
	struct credential_waiter waiter; /* waits for the keys of the client */

	cJSON *joined;	  /* the pages before the current one */
	char *page_token; /* token of the current page, NULL for the first */
	int pages;
	size_t bytes; /* bytes of all pages */
};

static void call_attempt(void *arg);

static double call_random(void)
{
	uint32_t n = 0;

	RAND_bytes((unsigned char *)&n, sizeof(n));
	return (double)n / 4294967296.0;
}

/* A random UUID (RFC 9562 section 5.4). */
static void call_make_id(char out[static 40])
{
	unsigned char b[16] = {0};

	RAND_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void call_free(struct aws_call *c)
{
	http_cancel(c->exchange);
	engine_timer_cancel(&c->timer);
	engine_leave(&c->member);
	credential_waiter_cancel(&c->waiter);
	aws_credentials_free(&c->own);
	free(c->region);
	aws_wire_free(&c->wire);
	cJSON_Delete(c->joined);
	free(c->page_token);
	aws_request_free(c->request);
	aws_unref(c->aws);
	free(c);
}

/* The tree reports all failures of the network with the same errno. */
static int call_errno(int errnum)
{
	switch (errnum) {
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPROTO:
		return -ENETUNREACH;
	default:
		return errnum;
	}
}

static void call_warn(const struct aws_call *c, const struct error *err)
{
	if (!error_is(err) || err->errnum == -ECANCELED || c->request->quiet)
		return;
	log_warning("%s %s: %s%s%s", c->request->service->name, c->request->operation, err->message,
		    err->code[0] ? ", " : "", err->code);
}

/* Ends the call; the receiver may take over the content of the reply. */
static void call_finish(struct aws_call *c, struct aws_reply *reply)
{
	reply->error.duration = aws_error_duration(reply);
	reply->error.errnum = call_errno(reply->error.errnum);
	reply->sent = c->sent;
	call_warn(c, &reply->error);
	engine_leave(&c->member);
	engine_timer_cancel(&c->timer);
	c->done(reply, c->arg);
	aws_reply_free(reply);
	call_free(c);
}

static void call_finish_failed(struct aws_call *c, const struct error *err)
{
	struct aws_reply reply = {.error = *err};

	buf_init(&reply.payload, 0);
	call_finish(c, &reply);
}

void aws_cancel(struct aws_call *c)
{
	struct error err = {0};

	error_set(&err, -ECANCELED, "cancelled");
	http_cancel(move_ptr(c->exchange));
	call_finish_failed(c, &err);
}

static void call_stopped(struct engine_member *g)
{
	aws_cancel(container_of(g, struct aws_call, member));
}

static size_t call_most_bytes(const struct aws_call *c)
{
	return c->request->reply_max ? c->request->reply_max : HTTP_REPLY_MAX;
}

static int call_refuse_pages(const struct aws_call *c, int errnum, const char *why, struct error *err)
{
	return error_set(err, errnum, "the pages of %s %s %s", c->request->service->name, c->request->operation, why);
}

/* Requests the next page. 1: requested; 0: there is none; negative errno with err set. */
static int call_next_page(struct aws_call *c, const char *token, struct error *err)
{
	char *copy;

	if (c->bytes > call_most_bytes(c))
		return call_refuse_pages(c, -EFBIG, "have more bytes together than allowed", err);
	if (c->page_token && strcmp(token, c->page_token) == 0)
		return call_refuse_pages(c, -ELOOP, "do not end: a page names itself as the next one", err);
	copy = strdup(token);
	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	free(c->page_token);
	c->page_token = copy;
	c->attempts = (struct aws_attempts){.made = 1, .most = c->attempts.most};
	call_make_id(c->invocation_id);
	engine_timer_set(c->aws->engine, &c->timer, 0, call_attempt, c);
	return 1;
}

/* Joins the page to those before it: the reply then has all pages so far. */
static int call_join_lists(struct aws_call *c, struct aws_reply *reply)
{
	int e;

	c->pages++;
	c->bytes += reply->payload.len;
	if (!c->joined)
		return 0;
	e = aws_page_join(&c->request->paging, c->joined, reply->body);
	cJSON_Delete(reply->body);
	reply->body = move_ptr(c->joined);
	return e == 0 ? 0
		      : error_set(&reply->error, e, "the pages of %s %s cannot be joined: %s",
				  c->request->service->name, c->request->operation, strerror(-e));
}

/* 1: the next page has been requested; 0: the reply is complete or at its limit; negative errno with err set. */
static int call_continue_list(struct aws_call *c, struct aws_reply *reply)
{
	const struct aws_paging *paging = &c->request->paging;
	_free_ char *token = strdup(aws_page_next(paging, reply->body));
	int e;

	if (!token)
		return error_set(&reply->error, -ENOMEM, "out of memory");
	e = paging->token_out ? call_join_lists(c, reply) : 0;
	if (e < 0)
		return e;
	if (c->page_token || *token)
		cJSON_DeleteItemFromObjectCaseSensitive(reply->body, paging->token_out);
	reply->truncated = aws_page_bound(paging, reply->body) || (*token && c->pages >= AWS_PAGES_MOST);
	if (!*token || reply->truncated)
		return 0;
	e = call_next_page(c, token, &reply->error);
	if (e > 0)
		c->joined = move_ptr(reply->body);
	return e;
}

static void call_succeed(struct aws_call *c, struct aws_reply *reply)
{
	if (c->request->paging.list && call_continue_list(c, reply) > 0)
		aws_reply_free(reply);
	else
		call_finish(c, reply);
}

static void call_read_reply(struct aws_call *c, struct http_reply *http, struct aws_reply *reply)
{
	char date[64];

	*reply = (struct aws_reply){.status = http->status, .payload = http->body, .error = http->error};
	buf_init(&http->body, 0);
	if (error_is(&http->error)) {
		if (http->status)
			aws_reply_take_request_id(http, reply);
		return;
	}
	aws_client_learn_clock(c->aws, http_header(http, "date", date, sizeof(date)), clock_wall_ms());
	aws_reply_parse(c->request, http, reply);
}

static int64_t call_decide(struct aws_call *c, const struct http_reply *http, const struct aws_reply *reply)
{
	struct aws_situation s = {
		.outcome = aws_outcome_of(reply),
		.policy = c->request->retry,
		.skew_used_ms = c->skew_used_ms,
		.skew_known_ms = c->aws->skew_ms,
		.signature_age_ms = clock_wall_ms() - c->signed_ms,
		.random = call_random(),
	};
	char hint[32];
	int64_t delay;

	s.server_wants_ms = strtoll(http_header(http, "x-amz-retry-after", hint, sizeof(hint)), NULL, 10);
	s.sent = c->sent || http->sent;
	delay = aws_retry_decide(&c->attempts, &c->aws->quota, &s);
	if (s.outcome != AWS_OUTCOME_CLOCK || delay < 0)
		c->sent = s.sent;
	return delay;
}

static void call_answered(struct http_reply *http, void *arg)
{
	struct aws_call *c = arg;
	struct aws_reply reply;
	int64_t delay;
	int made = c->attempts.made;

	c->exchange = NULL;
	call_read_reply(c, http, &reply);
	aws_client_log(c->aws, c->request, &reply, clock_monotonic_ms() - c->sent_ms, made);
	if (reply.error.errnum == -ECANCELED) {
		c->sent = c->sent || http->sent;
		call_finish(c, &reply);
		return;
	}
	delay = call_decide(c, http, &reply);
	if (delay >= 0) {
		log_debug("%s %s: attempt %d failed, retry in %" PRId64 " ms", c->request->service->name,
			  c->request->operation, made, delay);
		aws_reply_free(&reply);
		engine_timer_set(c->aws->engine, &c->timer, delay, call_attempt, c);
	} else if (error_is(&reply.error)) {
		call_finish(c, &reply);
	} else {
		call_succeed(c, &reply);
	}
}

/* -EAGAIN: the keys of the client are being fetched. */
static int call_find_identity(struct aws_call *c, struct aws_identity *ret, struct error *err)
{
	if (!c->in_other_name)
		return credential_provider_get(c->aws->provider, ret, err);
	*ret = (struct aws_identity){.key_id = c->own.key_id, .secret = c->own.secret, .token = c->own.token};
	return 0;
}

static void call_got_keys(void *arg)
{
	struct aws_call *c = arg;

	engine_timer_set(c->aws->engine, &c->timer, 0, call_attempt, c);
}

/* Makes and signs the request of the attempt. */
static int call_prepare(struct aws_call *c, struct error *err)
{
	struct aws_endpoint endpoint;
	struct aws_wire_input in = {
		.request = c->request,
		.page_token = c->page_token,
		.endpoint = &endpoint,
		.keys = &c->aws->keys,
		.user_agent = c->aws->user_agent,
		.invocation_id = c->invocation_id,
		.attempt = c->attempts.made,
		.most_attempts = c->attempts.most,
	};
	int e = call_find_identity(c, &in.identity, err);

	if (!e)
		e = aws_endpoint_find(&c->aws->options, c->request->service, c->region, &endpoint, err);
	if (e < 0)
		return e;
	c->skew_used_ms = c->aws->skew_ms;
	c->signed_ms = clock_wall_ms();
	in.wall_ms = c->signed_ms + c->skew_used_ms;
	aws_wire_free(&c->wire);
	e = aws_wire_make(&in, &c->wire);
	return e < 0 ? error_set(err, e, "cannot make the request: %s", strerror(-e)) : 0;
}

static void call_attempt(void *arg)
{
	struct aws_call *c = arg;
	struct error err = {0};
	int e = call_prepare(c, &err);
	struct http_request h = {
		.method = c->wire.message.method,
		.url = buf_str(&c->wire.url),
		.headers = c->wire.headers,
		.body = c->wire.message.body_data,
		.body_len = c->wire.message.body_len,
		.timeout_ms = c->request->timeout_ms ? c->request->timeout_ms : DEFAULT_TIMEOUT_MS,
		.reply_max = c->request->reply_max,
		.ca_file = c->aws->options.ca_file,
		.fresh = c->request->retry == AWS_RETRY_UNSENT,
		.secret = c->request->secret,
		.sink = c->request->sink,
		.sink_arg = c->request->sink_arg,
	};

	if (!e) {
		c->sent_ms = clock_monotonic_ms();
		c->exchange = http_start(c->aws->engine, &h, call_answered, c);
		if (!c->exchange)
			e = error_set(&err, -ENOMEM, "out of memory");
	}
	if (e == -EAGAIN) {
		credential_provider_wait(c->aws->provider, &c->waiter, call_got_keys, c);
	} else if (e < 0) {
		err.errnum = e;
		call_finish_failed(c, &err);
	}
}

static struct aws_call *call_new(struct aws *a, struct aws_request *request,
				 void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	struct aws_call *c = request ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		aws_request_free(request);
		return NULL;
	}
	c->aws = aws_ref(a);
	c->request = request;
	c->done = done;
	c->arg = arg;
	c->attempts = (struct aws_attempts){.made = 1, .most = a->options.max_attempts};
	c->member.stopped = call_stopped;
	call_make_id(c->invocation_id);
	engine_join(a->engine, &c->member);
	engine_timer_set(a->engine, &c->timer, 0, call_attempt, c);
	return c;
}

struct aws_call *aws_start(struct aws *a, struct aws_request *request, void (*done)(struct aws_reply *reply, void *arg),
			   void *arg)
{
	return call_new(a, request, done, arg);
}

static int call_take_name(struct aws_call *c, const struct aws_as *as)
{
	c->in_other_name = true;
	if (as->region && !(c->region = strdup(as->region)))
		return -ENOMEM;
	if (!as->identity)
		return 0;
	c->own = (struct aws_credentials){.key_id = secret_strdup(as->identity->key_id),
					  .secret = secret_strdup(as->identity->secret),
					  .token = secret_strdup(as->identity->token)};
	return c->own.key_id && c->own.secret && c->own.token ? 0 : -ENOMEM;
}

struct aws_call *aws_start_as(struct aws *a, struct aws_request *request, const struct aws_as *as,
			      void (*done)(struct aws_reply *reply, void *arg), void *arg)
{
	struct aws_call *c = call_new(a, request, done, arg);

	if (!c || call_take_name(c, as) == 0)
		return c;
	call_free(c);
	return NULL;
}
