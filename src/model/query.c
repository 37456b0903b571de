/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c - runs commands in Lambda. Engine thread.
 *
 * A query is one Invoke of the stack's function. It is sent again only if the error proves that the command did not
 * start; a request that may have been accepted is never repeated. The reply is streamed where Lambda supports that,
 * else it comes in one piece.
 */
#include "stack/query.h"
#include "aws/config.h"
#include "aws/services/lambda.h"
#include "base/clock.h"
#include "model/answer.h"
#include "model/internal.h"
#include "stack/ownership.h"

#include <inttypes.h>
#include <string.h>

#define RETRY_FIRST_MS	 500
#define RETRY_MOST_MS	 5000
#define RETRY_LIMIT_MS	 180000
#define TIMEOUT_EXTRA_MS 60000 /* time in addition to the function's timeout, for cold start and network */

struct query {
	struct list link; /* member of the model's list of queries */
	struct queries *queries;
	struct job *job;
	struct answer answer;  /* if the attempt is streamed: its reply */
	bool streamed, plain;  /* streamed: the attempt is streamed; plain: streaming was refused, so it must not be */
	struct aws_call *call; /* the running attempt; NULL between attempts */
	struct engine_timer timer;
	int64_t give_up_ms; /* monotonic: no attempt starts after this time */
	int64_t sent_ms;    /* monotonic */
	int64_t pause_ms;
	bool waiting;	/* the timer for the next attempt is set */
	bool refreshed; /* the stack was polled because nothing was known about it */
};

struct queries {
	struct model *model;
	struct list running;
	char plain_region[32]; /* the region in which Lambda refused to stream; "": none known */
};

static void query_attempt(void *arg);

/* -- the end --------------------------------------------------------------------------------------------------- */

static void query_forget(struct query *q)
{
	struct model *m = q->queries->model;

	job_on_cancel(q->job, NULL, NULL);
	engine_timer_cancel(&q->timer);
	list_remove(&q->link);
	answer_release(&q->answer);
	job_unref(q->job);
	free(q);
	model_trim_history(m);
}

static void query_fail(struct query *q, const struct error *err)
{
	struct job *j = q->job;

	job_log(j, "failed: %s", err->message);
	model_job_fail(q->queries->model, j, err);
	query_forget(q);
}

struct query_outcome {
	struct query_reply reply;
	const char *request_id;
	int64_t duration_ms;
};

static void query_edit_outcome(struct job_view *v, void *arg)
{
	struct query_outcome *o = arg;

	v->ran = true;
	v->exit_code = o->reply.exit_code;
	v->state = o->reply.exit_code == 0 ? JOB_SUCCEEDED : JOB_FAILED;
	if (o->reply.result) { /* otherwise the job's outputs have the result */
		blob_unref(v->result);
		v->result = move_ptr(o->reply.result);
		blob_unref(v->errors);
		v->errors = move_ptr(o->reply.errors);
	}
	snprintf(v->request_id, sizeof(v->request_id), "%s", o->request_id);
	v->duration_ms = o->duration_ms;
	if (*o->reply.remark)
		job_view_set_warning(v, o->reply.remark);
	v->step[0] = '\0';
}

static void query_take_log(struct query *q, const struct aws_reply *reply)
{
	_cleanup_(blob_unref_cleanup) struct blob *log = NULL;

	if (q->streamed)
		log = answer_log(&q->answer);
	else if (reply->log_tail)
		log = query_log_tail(reply->log_tail);
	if (log)
		stream_append(q->job->log, log->data, log->len);
}

static void query_finish(struct query *q, struct aws_reply *reply)
{
	struct query_outcome outcome = {.request_id = reply->request_id,
					.duration_ms = clock_monotonic_ms() - q->sent_ms};
	struct error err = {0};
	int r;

	if (q->streamed)
		r = answer_finish(&q->answer, reply, &outcome.reply, &err);
	else
		r = query_parse_reply(reply, &outcome.reply, &err);
	query_take_log(q, reply);
	if (r < 0) {
		snprintf(err.request_id, sizeof(err.request_id), "%s", reply->request_id);
		query_fail(q, &err);
		return;
	}
	if (q->job->kind == JOB_CHECK)
		model_event(q->queries->model, "task %s: its port %s", q->job->argument,
			    outcome.reply.exit_code == 0		   ? "answers"
			    : outcome.reply.exit_code == CHECK_CANNOT_TELL ? "could not be checked"
									   : "does not answer");
	job_log(q->job, "exit code %d after %" PRId64 " ms", outcome.reply.exit_code, outcome.duration_ms);
	job_edit(q->job, query_edit_outcome, &outcome);
	query_reply_release(&outcome.reply);
	query_forget(q);
}

static void query_cancelled(struct query *q, bool sent)
{
	job_cancelled(q->job, sent ? "cancelled: vastfs no longer waits for the command, which continues in Lambda "
				     "until it ends or times out"
				   : "cancelled before it was sent");
	query_forget(q);
}

/* -- sending --------------------------------------------------------------------------------------------------- */

static void query_wait_for_turn(struct query *q, const struct error *why)
{
	q->pause_ms = q->pause_ms ? q->pause_ms * 2 : RETRY_FIRST_MS;
	if (q->pause_ms > RETRY_MOST_MS)
		q->pause_ms = RETRY_MOST_MS;
	job_log(q->job, "Lambda has not started the command yet, retrying: %s", why->message);
	job_progress(q->job, 0, 0, "waiting: %s", *why->code ? why->code : why->message);
	q->waiting = true;
	engine_timer_set(q->queries->model->engine, &q->timer, q->pause_ms, query_attempt, q);
}

static void query_send_plain(struct query *q, const struct error *why)
{
	q->plain = true;
	job_log(q->job, "Lambda refused to stream the reply (%s); requesting it as a whole", why->message);
	query_attempt(q);
}

/* If a stream was refused and a plain request succeeded, later queries in this region do not ask for a stream. */
static void query_remember_plain(struct query *q)
{
	struct aws *aws = q->plain ? model_aws(q->queries->model) : NULL;

	if (aws)
		snprintf(q->queries->plain_region, sizeof(q->queries->plain_region), "%s", aws_region(aws));
	aws_unref(aws);
}

static bool query_may_stream(const struct query *q, struct aws *aws)
{
	const char *region = aws_region(aws);

	return !q->plain && strcmp(q->queries->plain_region, region) != 0 &&
	       query_streams_in(aws_partition_of(region)->name);
}

static void query_answered(struct aws_reply *reply, void *arg)
{
	struct query *q = arg;

	q->call = NULL;
	if (reply->error.errnum == -ECANCELED && job_cancel_wished(q->job)) {
		query_cancelled(q, true);
	} else if (!error_is(&reply->error) || (q->streamed && reply->status >= 200 && reply->status < 300)) {
		query_remember_plain(q);
		query_finish(q, reply);
	} else if (q->streamed && query_stream_refused(reply)) {
		query_send_plain(q, &reply->error);
	} else if (query_not_started(reply) && clock_monotonic_ms() < q->give_up_ms) {
		query_wait_for_turn(q, &reply->error);
	} else {
		if (reply->sent && reply->status == 0)
			error_prefix(&reply->error, "the reply was lost, but the command may have run");
		query_fail(q, &reply->error);
	}
}

static struct aws_request *query_compose(struct query *q, const struct snapshot *s, struct aws *aws,
					 const char *function)
{
	bool is_check = q->job->kind == JOB_CHECK;
	const struct task *server = is_check ? task_list_find(s->tasks, q->job->argument) : snapshot_default_task(s);
	int64_t timeout_ms = s->settings->lambda_timeout * INT64_C(1000) + TIMEOUT_EXTRA_MS;
	uint64_t limit = (uint64_t)s->settings->lambda_result_limit << 20;
	_buf_ struct buf event = BUF_INIT(1 << 20);

	q->streamed = query_may_stream(q, aws);
	if (query_event(q->job->query, server ? server->endpoint : NULL, clock_wall_ms() + timeout_ms, q->streamed,
			&event) < 0)
		return NULL;
	if (!server && !is_check)
		job_remark(q->job, "no server is running: the command runs without VAST_ENDPOINT");
	if (!q->streamed)
		return lambda_invoke(function, &event, (int)timeout_ms);
	answer_release(&q->answer);
	answer_init(&q->answer, q->job, q->queries->model->cache_dir, limit);
	return lambda_invoke_stream(function, &event, (int)timeout_ms, answer_sink, &q->answer);
}

static void send_query(struct query *q, const struct snapshot *s, const char *function)
{
	struct aws *aws = model_aws(q->queries->model);
	struct aws_request *request = aws ? query_compose(q, s, aws, function) : NULL;

	q->sent_ms = clock_monotonic_ms();
	q->call = request ? aws_start(aws, request, query_answered, q) : NULL;
	aws_unref(aws);
	if (!q->call)
		query_fail(q, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	else
		job_start(q->job);
}

static void query_refreshed(void *arg)
{
	struct query *q = arg;

	if (!atomic_load(&q->queries->model->stopping))
		query_attempt(q);
}

static void query_fail_not_deployed(struct query *q, const struct snapshot *s)
{
	struct error err;

	if (!s->contact_ms && error_is(&s->contact_error)) {
		err = s->contact_error;
		error_prefix(&err, "cannot read the stack, so the command was not sent");
	} else if (s->settings && s->stack->foreign) {
		stack_refuse_foreign(s->stack->name, settings_get(s->settings, SETTING_STAGE), &err);
	} else {
		error_set(&err, -ENXIO, "the stack is not deployed");
		error_remedy(&err, "touch control/deploy");
	}
	query_fail(q, &err);
}

/* One attempt. If nothing is known about the stack yet, it is polled first. */
static void query_attempt(void *arg)
{
	struct query *q = arg;
	struct model *m = q->queries->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	const char *function = stack_view_output(s->stack, "FunctionName");

	q->waiting = false;
	if (job_cancel_wished(q->job)) {
		query_cancelled(q, false);
	} else if (s->settings && function) {
		send_query(q, s, function);
	} else if (!q->refreshed && s->settings) {
		q->refreshed = true;
		watch_now(m, query_refreshed, q);
	} else {
		query_fail_not_deployed(q, s);
	}
}

/* -- requests -------------------------------------------------------------------------------------------------- */

static struct query *query_find_running(struct queries *queries, const struct job *j)
{
	list_for_each (l, &queries->running)
		if (container_of(l, struct query, link)->job == j)
			return container_of(l, struct query, link);
	return NULL;
}

void queries_cancel(struct queries *queries, struct job *j)
{
	struct query *q = query_find_running(queries, j);

	if (q && q->call)
		aws_cancel(q->call);
	else if (q && q->waiting)
		query_cancelled(q, false);
}

static struct query *query_new(struct queries *queries, struct job *j)
{
	struct query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	list_init(&q->link);
	q->queries = queries;
	q->job = job_ref(j);
	q->give_up_ms = clock_monotonic_ms() + RETRY_LIMIT_MS;
	return q;
}

int queries_begin(struct queries *queries, struct job *j)
{
	struct query *q = query_new(queries, j);

	if (!q)
		return -ENOMEM;
	list_append(&queries->running, &q->link);
	query_attempt(q);
	return 0;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int queries_new(struct model *m, struct queries **ret)
{
	struct queries *queries = calloc(1, sizeof(*queries));

	if (!queries)
		return -ENOMEM;
	queries->model = m;
	list_init(&queries->running);
	*ret = queries;
	return 0;
}

/* The engine has stopped and completed its calls; only queries that wait for their next attempt are left. */
void queries_free(struct queries *queries)
{
	if (!queries)
		return;
	list_for_each_safe (l, next, &queries->running)
		query_forget(container_of(l, struct query, link));
	free(queries);
}
