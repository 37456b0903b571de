/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deliver.c - sends batches. Each batch is one invocation of the function, which runs import_command with the events on
 * its standard input. The exit status of the command is the acknowledgement. ingest/outcome.h decides the meaning of
 * all other results. Everything runs on the engine thread, except the reading of a batch, which runs on the worker.
 */
#include "aws/aws.h"
#include "aws/services/lambda.h"
#include "base/clock.h"
#include "ingest/outcome.h"
#include "model/internal.h"
#include "stack/query.h"
#include "stack/template.h"

#include <inttypes.h>
#include <string.h>

#define EVENT_MAX     (6 << 20) /* Lambda: 6,291,556 bytes of request */
#define TIMEOUT_EXTRA 60000	/* ms in addition to the function's own timeout, for cold start and network */
#define SMALL_WINDOW  2	   /* concurrent invocations with small batches; further small batches wait and are joined */
#define LOOK_MS	      1000 /* interval of checks while a batch waits */
#define TELL_MS	      250  /* minimum interval between changes of progress */

/* The current destination of batches. */
struct deliver_target {
	struct place here;
	char function[256], endpoint[64];
	char command[8192]; /* import_command */
	int timeout_ms;
};

/* An invocation that delivers batches. */
struct sending {
	struct list link; /* member of the list of the delivery */
	struct delivery *delivery;
	struct batch_group group;
	bool is_small;
	bool must_split; /* one of several batches may be the cause of the failure, so each is sent alone */
	struct deliver_target target;
	struct buf event;
	struct engine_posted loaded; /* tells the engine's thread that the worker is done */
	struct aws_call *call;
	int exit_code; /* exit code of the command, kept while the server is checked */
	char why[sizeof(((struct batch_facts *)0)->why)];
};

struct delivery {
	struct model *model;
	struct ingest *ingest;
	struct list sending;
	unsigned in_flight, small_in_flight;
	struct pace pace;
	struct engine_timer timer;
	_Atomic bool is_posted;
	int64_t told_ms;     /* monotonic; the last change of progress */
	char waits_for[256]; /* the reason why nothing is sent, and the remedy; "": batches may be sent */
	char trouble[256];   /* the last outcome that made a pause, and the remedy; "": none */
};

static void delivery_pump(struct delivery *d);

/* -- the destination ------------------------------------------------------------------------------------------- */

static bool deliver_server_runs(const struct task *t)
{
	return t && t->endpoint && t->status && strcmp(t->status, "RUNNING") == 0;
}

/* Returns why the stack as it was last seen takes no events, or NULL. */
static const char *deliver_obstacle_of_stack(const struct snapshot *s)
{
	const char *version = stack_view_output(s->stack, "TemplateVersion");

	if (s->stack->foreign)
		return "vastfs did not create the stack of that name";
	if (!stack_view_output(s->stack, "FunctionName"))
		return s->contact_ms ? "the stack is not deployed: touch control/deploy" : "the first reply of AWS";
	if (version && strtoul(version, NULL, 10) < template_version())
		return "an older vastfs deployed the stack: touch control/deploy";
	return deliver_server_runs(snapshot_default_task(s)) ? NULL : "no server is running: touch control/run-task";
}

static void deliver_put_error(const struct error *err, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", err->message, *err->remedy ? "; " : "", err->remedy);
}

/* Writes the reason why nothing can be sent and what the user can do, or "". */
static void deliver_find_obstacle(struct model *m, const struct snapshot *s, char *out, size_t size)
{
	const char *of_stack = s->settings ? deliver_obstacle_of_stack(s) : NULL;
	struct error err;

	if (!s->settings)
		snprintf(out, size, "there are no settings: write config/default.env");
	else if (credentials_check(m, &err) < 0)
		deliver_put_error(&err, out, size);
	else if (of_stack && error_is(&s->contact_error))
		deliver_put_error(&s->contact_error, out, size);
	else
		snprintf(out, size, "%s", of_stack ? of_stack : "");
}

static void deliver_find_target(struct model *m, const struct snapshot *s, struct deliver_target *t)
{
	struct aws *aws = model_aws(m);

	*t = (struct deliver_target){.timeout_ms = (int)(s->settings->lambda_timeout * 1000 + TIMEOUT_EXTRA)};
	identity_here(s, aws, &t->here);
	aws_unref(aws);
	snprintf(t->function, sizeof(t->function), "%s", stack_view_output(s->stack, "FunctionName"));
	snprintf(t->endpoint, sizeof(t->endpoint), "%s", snapshot_default_task(s)->endpoint);
	snprintf(t->command, sizeof(t->command), "%s", settings_get(s->settings, SETTING_IMPORT_COMMAND));
}

/* A callback of ingest_take(). Events go only to the place for which they were accepted. */
static bool deliver_may_go(const struct place *place, void *arg)
{
	const struct deliver_target *t = arg;

	return place_may_be_same(place, &t->here);
}

/* -- the end of an invocation ---------------------------------------------------------------------------------- */

static void deliver_sending_free(struct sending *s)
{
	list_remove(&s->link);
	s->delivery->in_flight--;
	s->delivery->small_in_flight -= s->is_small;
	buf_free(&s->event);
	free(s);
}

static void deliver_sending_set_trouble(struct sending *s, const char *text)
{
	for (size_t i = 0; i < s->group.n; i++) {
		struct batch *b = s->group.batches[i];

		job_log(import_job(batch_import(b)), "batch %" PRIu32 ": %s", batch_index(b), text);
	}
	snprintf(s->delivery->trouble, sizeof(s->delivery->trouble), "%s", text);
}

static void deliver_sending_return(struct sending *s, struct batch *b, enum outcome o, const char *why)
{
	switch (o) {
	case OUTCOME_DELIVERED:
		batch_acknowledge(b);
		break;
	case OUTCOME_DOUBTED:
	case OUTCOME_TOO_LARGE:
		batch_reject(b, s->exit_code, why);
		break;
	case OUTCOME_LOST:
		batch_put_back(b, true);
		break;
	case OUTCOME_THROTTLED:
	case OUTCOME_BLOCKED:
	case OUTCOME_OLD_RUNTIME:
		batch_put_back(b, false);
		break;
	}
}

/* Returns the batches to their imports and continues with the next ones. */
static void deliver_sending_finish(struct sending *s, enum outcome o, const char *why)
{
	struct delivery *d = s->delivery;

	pace_take(&d->pace, o, clock_monotonic_ms());
	if (o == OUTCOME_DELIVERED || o == OUTCOME_TOO_LARGE)
		d->trouble[0] = '\0';
	else if (o != OUTCOME_DOUBTED)
		deliver_sending_set_trouble(s, why);
	for (size_t i = 0; i < s->group.n; i++) {
		if (s->must_split)
			batch_put_back_alone(s->group.batches[i], o != OUTCOME_TOO_LARGE);
		else
			deliver_sending_return(s, s->group.batches[i], o, why);
	}
	deliver_sending_free(s);
	delivery_pump(d);
}

/* -- checking the server --------------------------------------------------------------------------------------- */

static bool deliver_server_still_runs(const struct sending *s)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(s->delivery->model);
	const struct task *t = snapshot_default_task(now);

	return deliver_server_runs(t) && strcmp(t->endpoint, s->target.endpoint) == 0;
}

/* The events are not the cause of the failure, or the cause is not known. */
static void deliver_sending_wait_for_server(struct sending *s, const char *why)
{
	s->must_split = false;
	deliver_sending_finish(s, OUTCOME_LOST, why);
}

/* A batch is rejected only if the server accepts connections. Otherwise the batch waits for the server. */
static void deliver_sending_judge(struct aws_reply *reply, void *arg)
{
	struct sending *s = arg;
	struct query_reply answer = {0};
	struct error err;
	bool answered = !error_is(&reply->error) && query_parse_reply(reply, &answer, &err) == 0;
	int code = answer.exit_code;

	query_reply_release(&answer);
	s->call = NULL;
	if (answered && (code == 0 || (code == CHECK_CANNOT_TELL && deliver_server_still_runs(s))))
		deliver_sending_finish(s, OUTCOME_DOUBTED, s->why);
	else
		deliver_sending_wait_for_server(s, "the server does not accept connections");
}

static void deliver_sending_ask_server(struct sending *s)
{
	struct aws *aws = model_aws(s->delivery->model);
	_buf_ struct buf text = BUF_INIT(4096), event = BUF_INIT(1 << 16);
	_cleanup_(blob_unref_cleanup) struct blob *probe = NULL;

	if (buf_puts(&text, command_probe) == 0)
		probe = blob_from_buf(&text);
	if (aws && probe &&
	    query_event(probe, s->target.endpoint, clock_wall_ms() + s->target.timeout_ms, false, &event) == 0)
		s->call = aws_start(aws, lambda_invoke(s->target.function, &event, s->target.timeout_ms),
				    deliver_sending_judge, s);
	aws_unref(aws);
	if (!s->call)
		deliver_sending_wait_for_server(s, "out of memory");
}

/* -- the reply ------------------------------------------------------------------------------------------------- */

/* Formats the stderr of the command and the way it ended as one line. */
static void deliver_sending_explain(struct sending *s, const struct query_reply *answer)
{
	char said[300];

	report_message(answer->errors->data, answer->errors->len, said, sizeof(said));
	snprintf(s->why, sizeof(s->why), "%s%s%s", *answer->remark ? answer->remark : "import_command failed",
		 *said ? ": " : "", said);
	s->exit_code = answer->exit_code;
}

/* Logs the end of the command for a batch whose events end at that byte of its standard input. */
static void deliver_sending_log_one(const struct sending *s, struct batch *b, const struct query_reply *answer,
				    uint64_t end)
{
	const struct batch_contents *c = batch_contents(b);
	struct job *j = import_job(batch_import(b));

	job_log(j, "batch %" PRIu32 ": %" PRIu64 " events, %" PRIu64 " bytes, exit code %d", batch_index(b), c->events,
		c->bytes, answer->exit_code);
	if (s->group.n > 1)
		job_log(j, "the command got %zu batches of small imports together", s->group.n);
	stream_append(j->log, answer->errors->data, answer->errors->len);
	if (answer->exit_code == 0 && answer->stdin_bytes >= 0 && (uint64_t)answer->stdin_bytes < end)
		job_remark(j, "import_command exited with status 0 before it had read all events; all of them count as "
			      "delivered");
}

static void deliver_sending_log(const struct sending *s, const struct query_reply *answer)
{
	uint64_t end = 0;

	for (size_t i = 0; i < s->group.n; i++) {
		end += batch_contents(s->group.batches[i])->inflated;
		deliver_sending_log_one(s, s->group.batches[i], answer, end);
	}
}

static unsigned deliver_sending_attempts(const struct sending *s)
{
	unsigned most = 0;

	for (size_t i = 0; i < s->group.n; i++)
		if (batch_attempts(s->group.batches[i]) > most)
			most = batch_attempts(s->group.batches[i]);
	return most;
}

static void deliver_sending_answered(struct aws_reply *reply, void *arg)
{
	struct sending *s = arg;
	struct query_reply answer = {0};
	struct error err = reply->error;
	struct outcome_facts facts = {
		.sent = reply->sent, .status = reply->status, .attempts = deliver_sending_attempts(s)};
	enum outcome o;

	s->call = NULL;
	facts.not_started = query_not_started(reply);
	if (!error_is(&err))
		facts.answered = query_parse_reply(reply, &answer, &err) == 0;
	facts.function_failed = !error_is(&reply->error) && !facts.answered;
	facts.exit_code = answer.exit_code;
	facts.interrupted = answer.interrupted;
	facts.stdin_bytes = answer.stdin_bytes;
	if (facts.answered) {
		deliver_sending_explain(s, &answer);
		deliver_sending_log(s, &answer);
	} else {
		deliver_put_error(&err, s->why, sizeof(s->why));
	}
	query_reply_release(&answer);
	o = outcome_of(&facts);
	if (o == OUTCOME_OLD_RUNTIME)
		snprintf(s->why, sizeof(s->why), "an older vastfs deployed the function: touch control/deploy");
	s->must_split = s->group.n > 1 && outcome_may_be_of_one(&facts, o);
	if (o == OUTCOME_DOUBTED && !atomic_load(&s->delivery->model->stopping))
		deliver_sending_ask_server(s);
	else
		deliver_sending_finish(s, o == OUTCOME_DOUBTED ? OUTCOME_LOST : o, s->why);
}

/* -- sending --------------------------------------------------------------------------------------------------- */

static void deliver_sending_invoke(struct sending *s)
{
	struct aws *aws = model_aws(s->delivery->model);
	struct aws_request *request = lambda_invoke(s->target.function, &s->event, s->target.timeout_ms);

	for (size_t i = 0; i < s->group.n; i++)
		job_start(import_job(batch_import(s->group.batches[i])));
	s->call = aws && request ? aws_start(aws, request, deliver_sending_answered, s) : NULL;
	if (!s->call && !aws)
		aws_request_free(request);
	aws_unref(aws);
	if (!s->call)
		deliver_sending_finish(s, OUTCOME_BLOCKED, "out of memory");
}

static void deliver_sending_put_back(struct sending *s)
{
	for (size_t i = 0; i < s->group.n; i++)
		batch_put_back(s->group.batches[i], false);
	s->group.n = 0;
}

/* Engine thread. */
static void deliver_sending_loaded(void *arg)
{
	struct sending *s = arg;
	struct delivery *d = s->delivery;

	if (error_is(&s->group.failure)) {
		pace_take(&d->pace, OUTCOME_BLOCKED, clock_monotonic_ms());
		snprintf(d->trouble, sizeof(d->trouble), "%s", s->group.failure.message);
	}
	if (s->group.n && !atomic_load(&d->model->stopping)) {
		deliver_sending_invoke(s);
		return;
	}
	deliver_sending_put_back(s);
	deliver_sending_free(s);
	delivery_pump(d);
}

/*
 * import_command can use the name that its engine gives to the format: $format has VAST's name, and $reader has
 * Tenzir's name.
 */
static int deliver_sending_compose(struct sending *s, const struct buf *data)
{
	_buf_ struct buf text = BUF_INIT(1 << 16);
	const char *format = import_format(batch_import(s->group.batches[0]));
	char reader[FORMAT_NAME_MAX + 1];
	_cleanup_(blob_unref_cleanup) struct blob *command = NULL;

	format_tenzir_name(format, reader);
	buf_printf(&text, "format=%s reader=%s\n%s\n", format_vast_name(format), reader, s->target.command);
	if (!text.error)
		command = blob_from_buf(&text);
	if (!command)
		return -ENOMEM;
	return query_event_with_input(command, s->target.endpoint, clock_wall_ms() + s->target.timeout_ms, data,
				      &s->event);
}

/* The worker reads the batches and makes the event, because both take time. */
static void deliver_sending_take_data(struct buf *data, void *arg)
{
	struct sending *s = arg;

	if (s->group.n && deliver_sending_compose(s, data) < 0) {
		error_set(&s->group.failure, -ENOMEM, "out of memory");
		deliver_sending_put_back(s);
	}
	engine_post_embedded(s->delivery->model->engine, &s->loaded, deliver_sending_loaded, s);
}

static void delivery_send(struct delivery *d, struct sending *s, const struct deliver_target *target)
{
	s->delivery = d;
	s->target = *target;
	s->is_small = batch_group_is_small(&s->group);
	buf_init(&s->event, EVENT_MAX);
	list_append(&d->sending, &s->link);
	d->in_flight++;
	d->small_in_flight += s->is_small;
	batch_group_load(d->ingest, &s->group, deliver_sending_take_data, s);
}

/* -- progress -------------------------------------------------------------------------------------------------- */

static unsigned deliver_as_step(uint64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (unsigned)n;
}

struct telling {
	const struct delivery *delivery;
	struct place here;
	bool is_here_known;
};

/* Formats the reason why no batch of the import is sent; "": there is none. */
static void deliver_explain_wait(const struct telling *t, const struct import *imp, struct buf *out)
{
	const struct delivery *d = t->delivery;
	const struct place *there = import_place(imp);

	if (t->is_here_known && !place_may_be_same(there, &t->here)) {
		_buf_ struct buf way = BUF_INIT(1024);

		place_put_way(there, &t->here, &way);
		buf_printf(out, "the events are for %s in %s: %s", there->stack, there->region, buf_str(&way));
	} else {
		buf_puts(out, *d->waits_for ? d->waits_for : d->trouble);
	}
}

static void delivery_tell_one(struct import *imp, void *arg)
{
	const struct telling *t = arg;
	struct job *j = import_job(imp);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	_buf_ struct buf reason = BUF_INIT(2048);
	struct import_counts c;
	char text[sizeof(v->step)];
	uint64_t done;

	import_counts(imp, &c);
	done = c.delivered + c.rejected;
	if (c.batches_waiting && !c.batches_in_flight)
		deliver_explain_wait(t, imp, &reason);
	report_progress(&c, clock_wall_ms() - j->created_ms, buf_str(&reason), text, sizeof(text));
	if (strcmp(text, v->step) != 0)
		job_progress(j, deliver_as_step(done), c.is_written ? deliver_as_step(c.events) : 0, "%s", text);
}

static void delivery_tell(struct delivery *d, const struct snapshot *s)
{
	struct telling t = {.delivery = d};
	int64_t now = clock_monotonic_ms();
	struct aws *aws;

	if (now - d->told_ms < TELL_MS)
		return;
	d->told_ms = now;
	aws = model_aws(d->model);
	identity_here(s, aws, &t.here);
	t.is_here_known = aws && s->settings;
	aws_unref(aws);
	ingest_each(d->ingest, delivery_tell_one, &t);
}

/* -- scheduling ------------------------------------------------------------------------------------------------ */

static void delivery_timer(void *arg)
{
	delivery_pump(arg);
}

/* Sends all batches that may be sent. */
static void delivery_fill(struct delivery *d, const struct snapshot *s)
{
	struct deliver_target target;

	deliver_find_target(d->model, s, &target);
	while (d->in_flight < d->pace.window && clock_monotonic_ms() >= d->pace.resume_ms) {
		struct take_rules rules = {deliver_may_go, &target, d->small_in_flight >= SMALL_WINDOW};
		struct sending *next = calloc(1, sizeof(*next));

		if (!next || !ingest_take(d->ingest, &rules, &next->group)) {
			free(next);
			return;
		}
		delivery_send(d, next, &target);
	}
}

/* Returns whether batches are leaving the spool, or will soon. */
static bool delivery_makes_room(const struct delivery *d)
{
	return d->in_flight > 0 || (!*d->waits_for && pace_resumes_soon(&d->pace, clock_monotonic_ms()));
}

static void delivery_pump(struct delivery *d)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = NULL;
	uint64_t ready = ingest_ready(d->ingest);
	struct ingest_totals totals;

	if (atomic_load(&d->model->stopping))
		return;
	s = model_snapshot(d->model);
	if (s->settings)
		ingest_set_limit(d->ingest, (uint64_t)s->settings->import_spool_limit << 30);
	deliver_find_obstacle(d->model, s, d->waits_for, sizeof(d->waits_for));
	if (!*d->waits_for)
		delivery_fill(d, s);
	ingest_set_delivering(d->ingest, delivery_makes_room(d), ready);
	ingest_totals(d->ingest, &totals);
	if (!totals.imports)
		return;
	delivery_tell(d, s);
	engine_timer_set(d->model->engine, &d->timer, *d->trouble ? TELL_MS : LOOK_MS, delivery_timer, d);
}

static void delivery_wake_up(void *arg)
{
	struct delivery *d = arg;

	atomic_store(&d->is_posted, false);
	delivery_pump(d);
}

void delivery_wake(struct delivery *d)
{
	if (atomic_load(&d->model->stopping) || atomic_exchange(&d->is_posted, true))
		return;
	if (engine_post(d->model->engine, delivery_wake_up, d) < 0)
		atomic_store(&d->is_posted, false);
}

void delivery_retry(struct delivery *d)
{
	d->pace.resume_ms = 0;
	delivery_wake(d);
}

int delivery_new(struct model *m, struct ingest *ingest, struct delivery **ret)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->model = m;
	d->ingest = ingest;
	list_init(&d->sending);
	pace_init(&d->pace);
	*ret = d;
	return 0;
}

/* The engine has ended. A batch that is still being read is left unchanged. */
void delivery_free(struct delivery *d)
{
	if (!d)
		return;
	list_for_each_safe (l, next, &d->sending)
		deliver_sending_free(container_of(l, struct sending, link));
	free(d);
}
