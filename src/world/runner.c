/*
 * runner.c - the operation thread: one operation at a time, as plain sequential code.
 *
 * Everything that an operation does is journaled when it begins and when it ends. One that was running when vastfs
 * ended goes on in AWS; the next mount runs the same function again, whose steps look first at what is there.
 */
#include "stack/operation.h"

#include "base/clock.h"
#include "world/internal.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <string.h>

#define LAST_LOOK_LIMIT_MS 10000

struct work {
	struct list link;
	const struct verb *verb;
	struct job *job;
	char token[64];
	bool resumed; /* begun by an earlier run of vastfs: AWS may be at work on it */
};

struct runner {
	struct world *world;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list queue;
	bool stopping;
	struct aws_cancel_token *cancel, *stop; /* of the operation at hand; NULL between them */
	struct aws_cancel_token *looked;	/* fired when the last look at AWS is done; NULL: none is waited for */
};

/* -- the outcome ----------------------------------------------------------------------------------------------- */

static void fill_entry(struct world *w, const struct work *work, struct journal_entry *e)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(work->job);
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);

	*e = (struct journal_entry){.number = work->job->number,
				    .state = v->state,
				    .exit_code = v->exit_code,
				    .created_ms = work->job->created_ms,
				    .started_ms = v->started_ms,
				    .ended_ms = v->ended_ms};
	snprintf(e->name, sizeof(e->name), "%s", work->job->name);
	snprintf(e->argument, sizeof(e->argument), "%s", work->job->argument);
	snprintf(e->token, sizeof(e->token), "%s", work->token);
	if (s->settings)
		settings_hash(s->settings, e->settings);
	if (v->result)
		snprintf(e->result, sizeof(e->result), "%s", v->result->data);
	snprintf(e->message, sizeof(e->message), "%s", v->error.message);
}

static void journal_work(struct world *w, const struct work *work)
{
	struct journal_entry e;

	fill_entry(w, work, &e);
	journal_put(w->journal, &e);
}

static void end_failed(struct world *w, struct job *j, int r, struct error *err)
{
	if (!error_is(err))
		error_set(err, r, "%s", strerror(-r));
	job_log(j, "failed: %s", err->message);
	if (*err->remedy)
		job_log(j, "what to do: %s", err->remedy);
	job_fail(j, err);
	world_job_failed(w, j);
}

/* What an operation that succeeded has to say belongs into /error, too. */
static void tell_warnings(struct world *w, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char name[64];

	snprintf(name, sizeof(name), "operations/%" PRIu64, j->number);
	if (*v->error.message)
		failures_add(w->failures, &(struct failure_site){.pid = j->pid, .uid = j->uid, .job = name}, &v->error);
}

static void end_succeeded(struct world *w, struct operation *op)
{
	job_log(op->job, "succeeded");
	job_progress(op->job, op->steps, op->steps, "done");
	job_succeed(op->job, blob_from_buf(&op->result));
	tell_warnings(w, op->job);
	world_event(w, "operations/%" PRIu64 " %s succeeded", op->job->number, op->job->name);
}

/* Who waits and who tells may both be the last one to use it. */
struct last_look {
	struct ref ref;
	struct aws_cancel_token *done;
};

static void last_look_unref(struct last_look *l)
{
	if (!ref_put(&l->ref))
		return;
	aws_cancel_token_free(l->done);
	free(l);
}

static void look_done(void *arg)
{
	struct last_look *l = arg;

	aws_cancel_token_fire(l->done);
	last_look_unref(l);
}

static struct last_look *last_look_new(void)
{
	struct last_look *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->done = aws_cancel_token_new();
	if (l->done)
		return l;
	free(l);
	return NULL;
}

static void set_looked(struct runner *o, struct aws_cancel_token *done)
{
	pthread_mutex_lock(&o->lock);
	o->looked = done;
	if (done && o->stopping)
		aws_cancel_token_fire(done);
	pthread_mutex_unlock(&o->lock);
}

/* Until the tree shows what AWS has now, vastfs ends, or AWS does not answer in good time. */
static void look_at_the_end(struct runner *o)
{
	struct last_look *l = last_look_new();

	if (!l)
		return;
	set_looked(o, l->done);
	ref_get(&l->ref);
	watch_now(o->world, look_done, l);
	aws_sleep(l->done, LAST_LOOK_LIMIT_MS);
	set_looked(o, NULL);
	last_look_unref(l);
}

/* The tree shows the new stack first; whoever reads the result then finds nothing running and all of it there. */
static void conclude(struct runner *o, struct operation *op, int r, struct error *err)
{
	struct world *w = o->world;

	if (aws_cancel_token_fired(o->stop))
		return;
	look_at_the_end(o);
	if (r == -ECANCELED) {
		job_log(op->job, "cancelled");
		job_cancelled(op->job, error_is(err) ? err->message : "cancelled");
		world_event(w, "operations/%" PRIu64 " %s cancelled", op->job->number, op->job->name);
	} else if (r < 0) {
		end_failed(w, op->job, r, err);
	} else {
		end_succeeded(w, op);
	}
}

/* -- running --------------------------------------------------------------------------------------------------- */

static void show_now(struct operation *op)
{
	watch_now(op->world, NULL, NULL);
}

static int runner_remember(struct operation *op, const char *key, const char *value, struct error *err)
{
	struct world *w = op->world;
	int r = journal_remember(w->journal, op->job->number, key, value);

	if (r == 0)
		return 0;
	error_set(err, r, "cannot write the journal of operations: %s", strerror(-r));
	error_remedy(err, "make room or fix the permissions of the state directory, then start the operation again");
	return r;
}

static void show_warning(struct operation *op, const struct error *err)
{
	struct world *w = op->world;
	char name[48];

	snprintf(name, sizeof(name), "operations/%" PRIu64, op->job->number);
	failures_add(w->failures, &(struct failure_site){.pid = op->job->pid, .uid = op->job->uid, .job = name}, err);
	world_event(w, "%s %s: %s", name, op->job->name, err->message);
}

static void fire_cancel(struct job *j _unused_, void *arg)
{
	struct runner *o = arg;

	pthread_mutex_lock(&o->lock);
	if (o->cancel)
		aws_cancel_token_fire(o->cancel);
	pthread_mutex_unlock(&o->lock);
}

static int run_operation(struct runner *o, const struct work *work)
{
	struct world *w = o->world;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	struct operation op = {.aws = world_aws(w),
			       .engine = w->engine,
			       .settings = s->settings,
			       .job = work->job,
			       .argument = work->job->argument,
			       .token = work->token,
			       .default_task = s->default_task,
			       .cancel = o->cancel,
			       .stop = o->stop,
			       .look = show_now,
			       .remember = runner_remember,
			       .memory = journal_memory(w->journal, work->job->number),
			       .warn = show_warning,
			       .outage = {.begun = work->resumed},
			       .world = w,
			       .result = BUF_INIT(64 * 1024)};
	struct error err = {0};
	int r;

	if (!op.aws || !op.settings) {
		r = error_set(&err, -EINVAL, "no usable settings");
		error_remedy(&err, "write config/default.env");
	} else {
		settings_stack_name(op.settings, op.name);
		r = work->verb->run(&op, &err);
	}
	conclude(o, &op, r, &err);
	aws_unref(op.aws);
	operation_release(&op);
	return r;
}

/* False if vastfs ends. */
static bool begin(struct runner *o)
{
	bool going;

	pthread_mutex_lock(&o->lock);
	going = !o->stopping;
	o->cancel = aws_cancel_token_new();
	o->stop = aws_cancel_token_new();
	pthread_mutex_unlock(&o->lock);
	return going && o->cancel && o->stop;
}

static void end(struct runner *o)
{
	struct aws_cancel_token *cancel, *stop;

	pthread_mutex_lock(&o->lock);
	cancel = move_ptr(o->cancel);
	stop = move_ptr(o->stop);
	pthread_mutex_unlock(&o->lock);
	aws_cancel_token_free(cancel);
	aws_cancel_token_free(stop);
}

static void do_work(struct runner *o, struct work *work)
{
	if (begin(o)) {
		job_start(work->job);
		job_log(work->job, "%s%s%s", work->job->name, *work->job->argument ? " " : "", work->job->argument);
		journal_work(o->world, work);
		job_on_cancel(work->job, fire_cancel, o);
		run_operation(o, work);
		job_on_cancel(work->job, NULL, NULL);
		journal_work(o->world, work);
	}
	end(o);
}

static struct work *next_work(struct runner *o)
{
	struct work *work = NULL;

	pthread_mutex_lock(&o->lock);
	while (list_empty(&o->queue) && !o->stopping)
		pthread_cond_wait(&o->wake, &o->lock);
	if (!o->stopping) {
		work = container_of(o->queue.next, struct work, link);
		list_remove(&work->link);
	}
	pthread_mutex_unlock(&o->lock);
	return work;
}

static void work_free(struct work *work)
{
	job_unref(work->job);
	free(work);
}

static void *runner_thread(void *arg)
{
	struct runner *o = arg;
	struct work *work;

	while ((work = next_work(o))) {
		do_work(o, work);
		work_free(work);
	}
	return NULL;
}

/* -- submitting ------------------------------------------------------------------------------------------------ */

static void make_token(char out[static 64])
{
	unsigned char bytes[16];

	RAND_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void submit(struct runner *o, const struct verb *verb, struct job *j, const char *token)
{
	struct work *work = calloc(1, sizeof(*work));
	struct error err;

	if (!work) {
		error_set(&err, -ENOMEM, "out of memory");
		job_fail(j, &err);
		return;
	}
	work->verb = verb;
	work->job = job_ref(j);
	work->resumed = token;
	if (token)
		snprintf(work->token, sizeof(work->token), "%s", token);
	else
		make_token(work->token);
	pthread_mutex_lock(&o->lock);
	list_append(&o->queue, &work->link);
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

void runner_submit(struct runner *o, const struct verb *verb, struct job *j)
{
	submit(o, verb, j, NULL);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < world_verbs_n; i++)
		if (strcmp(world_verbs[i].name, name) == 0 && world_verbs[i].run)
			return &world_verbs[i];
	return NULL;
}

/* Settings that have changed meanwhile would make it another operation: it is shown as interrupted instead. */
static bool may_resume(struct world *w, const struct journal_entry *e)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	char hash[SETTINGS_HASH_SIZE];

	return s->settings && find_verb(e->name) && strcmp(settings_hash(s->settings, hash), e->settings) == 0;
}

static void resume_entry(struct runner *o, struct journal_entry *e)
{
	_cleanup_(job_unref_cleanup) struct job *j =
		world_job_new(o->world, JOB_OPERATION, e->number, e->name, e->argument, NULL, (struct requester){0});
	struct error err;

	if (!j)
		return;
	if (may_resume(o->world, e)) {
		job_log(j, "taken up again after vastfs was ended");
		submit(o, find_verb(e->name), j, e->token);
		return;
	}
	error_set(&err, -EINTR, "interrupted when vastfs was ended, and the settings have changed since");
	error_remedy(&err, "look at status and stack/, then start the operation again");
	job_fail(j, &err);
	world_job_failed(o->world, j);
	e->state = JOB_FAILED;
	journal_put(o->world->journal, e);
}

void runner_resume(struct runner *o)
{
	struct journal_entry e;

	for (size_t i = 0; journal_get(o->world->journal, i, &e); i++)
		if (!job_state_ended(e.state))
			resume_entry(o, &e);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int runner_new(struct world *w, struct runner **ret)
{
	struct runner *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->world = w;
	list_init(&o->queue);
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->wake, NULL);
	r = -pthread_create(&o->thread, NULL, runner_thread, o);
	o->started = r == 0;
	*ret = o;
	return r;
}

static void stop_thread(struct runner *o)
{
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	if (o->stop)
		aws_cancel_token_fire(o->stop);
	if (o->cancel)
		aws_cancel_token_fire(o->cancel);
	if (o->looked)
		aws_cancel_token_fire(o->looked);
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	if (o->started)
		pthread_join(o->thread, NULL);
}

void runner_free(struct runner *o)
{
	if (!o)
		return;
	stop_thread(o);
	list_for_each_safe (l, next, &o->queue)
		work_free(container_of(l, struct work, link));
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
