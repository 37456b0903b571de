/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c - polls AWS: starts a round (round.h) when one is due or requested, and publishes the replies as one
 * snapshot. Engine thread.
 */
#include "aws/rights.h"
#include "base/clock.h"
#include "model/internal.h"
#include "model/round.h"
#include "stack/states.h"

#include <string.h>

#define EXPECT_MS    120000 /* ECS usually replaces a server that has ended within this time */
#define RETRY_MIN_MS 2000
#define RETRY_MAX_MS 30000
#define DENIED_MS    60000  /* long, because only an administrator can change the permissions of the credentials */
#define SLEPT_MS     30000  /* after a longer sleep of the machine everything is read at the next access */
#define HEALTH_MS    300000 /* the start period of the server's health check (template.json) */

struct watch_waiter {
	struct list link;
	void (*done)(void *arg);
	void *arg;
};

struct watch {
	struct model *model;
	struct engine_timer timer;
	struct schedule schedule;
	struct round_known known;
	bool running;	     /* a round is under way */
	struct list waiting; /* callbacks for the end of the running round */
	struct list next;    /* callbacks for the end of the next round */
	bool again;	     /* another round starts as soon as this one ends */
	int64_t retry_ms;
	unsigned denied; /* calls that were denied in the last rounds: bits of enum round_call */
};

static void watch_start_round(struct watch *watch, unsigned parts, bool all);

/* -- the end of a round ---------------------------------------------------------------------------------------- */

static const char *watch_task_family(const struct stack_view *stack)
{
	const char *family = stack_view_output(stack, "TaskFamily");

	return family ? family : "";
}

static const char *watch_server_port(const struct snapshot *s, const struct stack_view *stack)
{
	const char *port = stack_view_parameter(stack, "ServerPort");

	return port ? port : settings_get(s->settings, SETTING_VAST_PORT);
}

static int watch_edit_stack(struct snapshot *s, const struct round *r)
{
	const struct round_known *k = r->known;
	struct stack_view *stack =
		stack_view_parse(r->name, k->foreign, r->gone ? NULL : r->stacks, k->resources, k->function, s->stack);

	if (!stack)
		return -ENOMEM;
	stack_view_unref(s->stack);
	s->stack = stack;
	return 0;
}

static int watch_edit_tasks(struct snapshot *s, const struct round *r)
{
	struct task_list *tasks =
		task_list_parse(r->tasks, watch_server_port(s, s->stack), watch_task_family(s->stack), s->tasks);

	if (!tasks)
		return -ENOMEM;
	task_list_unref(s->tasks);
	s->tasks = tasks;
	return 0;
}

/* The names of the actions that were denied, for status. */
static void watch_name_denied(unsigned denied, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (int call = 0; call < ROUND_CALLS; call++)
		if (denied & 1u << call && n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", round_call_action(call));
}

/* The file system outlives the stack, but without a stack its size is not read. */
static void watch_edit_storage(struct snapshot *s, const struct round *r)
{
	int64_t bytes = r->has_storage ? r->storage_bytes : r->gone ? -1 : s->storage_bytes;

	if (bytes != s->storage_bytes)
		s->storage_changed_ms = clock_wall_ms();
	s->storage_bytes = bytes < 0 ? -1 : bytes;
}

static int watch_edit_seen(struct snapshot *s, void *arg)
{
	struct round *r = arg;
	struct watch *watch = r->arg;

	if (s->settings != r->before->settings)
		return -ESTALE; /* the settings have changed since: the replies are about another stack */
	if ((r->stacks || r->gone) && watch_edit_stack(s, r) < 0)
		return -ENOMEM;
	if (r->has_tasks && watch_edit_tasks(s, r) < 0)
		return -ENOMEM;
	if (r->has_service)
		s->service = service_parse(r->service, settings_get(s->settings, SETTING_STAGE));
	watch_edit_storage(s, r);
	if (r->gone || r->asked & 1u << ROUND_RESOURCES)
		s->more_resources = r->more_resources;
	if (r->has_tasks)
		s->more_tasks = r->more_tasks;
	s->contact_ms = clock_wall_ms();
	s->contact_monotonic_ms = clock_monotonic_ms();
	s->contact_slept_ms = clock_slept_ms();
	s->contact_error = r->error;
	watch_name_denied(watch->denied, s->denied, sizeof(s->denied));
	return 0;
}

static int watch_edit_failed(struct snapshot *s, void *arg)
{
	const struct round *r = arg;

	s->contact_error = r->error;
	return 0;
}

/* Whether the round has an answer about the stack or its tasks; without one the tree stays unchanged. */
static bool watch_is_answered(const struct round *r)
{
	if (r->parts & SCHEDULE_STACK)
		return r->stacks || r->gone;
	return r->has_tasks || !error_is(&r->error);
}

/* Whether a server has started so recently that it may become healthy soon. */
static bool watch_expects_health(const struct task *t)
{
	return t->server && t->health && strcmp(t->health, "UNKNOWN") == 0 &&
	       schedule_age_ms(clock_wall_ms(), t->changed_ms) < HEALTH_MS;
}

static bool watch_task_changes(const struct task *t)
{
	return t->status && strcmp(t->status, "STOPPED") != 0 &&
	       (strcmp(t->status, "RUNNING") != 0 || !task_is_live(t) || watch_expects_health(t));
}

/* Whether ECS is about to start a server: it does so at once, or after minutes if the server failed repeatedly. */
static bool watch_expects_server(const struct snapshot *s)
{
	int64_t changed_ms = s->tasks->changed_ms;

	for (size_t i = 0; i < s->tasks->n; i++) {
		const struct task *t = &s->tasks->tasks[i];

		if (t->server && task_is_live(t))
			return false;
		if (t->changed_ms > changed_ms)
			changed_ms = t->changed_ms;
	}
	return service_is_wanted(&s->service) && schedule_age_ms(clock_wall_ms(), changed_ms) <= EXPECT_MS;
}

static bool watch_tasks_change(const struct snapshot *s)
{
	if (watch_expects_server(s))
		return true;
	for (size_t i = 0; i < s->tasks->n; i++)
		if (watch_task_changes(&s->tasks->tasks[i]))
			return true;
	return false;
}

/* Reports a failure once, not again at every retry. */
static void watch_report_failure(struct model *m, const struct round *r)
{
	struct error err = r->error;

	if (err.errnum == -ECANCELED || strcmp(err.message, r->before->contact_error.message) == 0)
		return;
	error_prefix(&err, "cannot read the stack");
	failures_add(m->failures, &(struct failure_site){.path = "status"}, &err);
	model_event(m, "%s", err.message);
}

/* Reports once that a part cannot be read because the credentials do not allow it. */
static void watch_report_denials(struct watch *watch, const struct round *r)
{
	struct model *m = watch->model;

	for (int call = 0; call < ROUND_CALLS; call++) {
		struct error *err = r->denials[call];

		if (!err || watch->denied & 1u << call)
			continue;
		error_prefix(err, "this part is missing: %s is denied", round_call_action(call));
		failures_add(m->failures, &(struct failure_site){.path = round_call_path(call)}, err);
		model_event(m, "%s", err->message);
	}
	watch->denied = (watch->denied & ~r->asked) | r->denied;
}

static struct schedule_facts watch_facts(const struct watch *watch, const struct snapshot *now)
{
	int64_t changed_ms = now->tasks->changed_ms;
	struct schedule_facts f = {.now_ms = clock_monotonic_ms(),
				   .used_ms = atomic_load(&watch->model->used_ms),
				   .held = atomic_load(&watch->model->holds) > 0,
				   .exists = now->settings && now->stack->exists,
				   .tasks_change = watch_tasks_change(now),
				   .stack_changes = stack_state(now->stack->status)->kind == STACK_BUSY};

	if (now->stack->changed_ms > changed_ms)
		changed_ms = now->stack->changed_ms;
	for (size_t i = 0; i < now->tasks->n; i++)
		if (now->tasks->tasks[i].changed_ms > changed_ms)
			changed_ms = now->tasks->tasks[i].changed_ms;
	f.changed_ms = f.now_ms - schedule_age_ms(clock_wall_ms(), changed_ms);
	return f;
}

/* Whether the last round has failed and is worth repeating soon. */
static bool watch_wants_retry(const struct round *r, const struct snapshot *now)
{
	return error_is(&r->error) && now->settings && (!now->contact_ms || now->stack->exists);
}

/* Returns the milliseconds until the next round, or -1: no round without a request. */
static int64_t watch_next_delay(struct watch *watch, const struct round *r, const struct snapshot *now)
{
	struct schedule_facts f = watch_facts(watch, now);
	int64_t delay = schedule_delay(&watch->schedule, &f);

	if (watch->again)
		return 0;
	if (!r || !watch_wants_retry(r, now)) {
		watch->retry_ms = 0;
		return delay;
	}
	if (!schedule_is_used(&f))
		return SCHEDULE_USE_MS;
	if (rights_are_missing(&r->error))
		return watch->retry_ms = DENIED_MS;
	watch->retry_ms = watch->retry_ms ? watch->retry_ms * 2 : RETRY_MIN_MS;
	if (watch->retry_ms > RETRY_MAX_MS)
		watch->retry_ms = RETRY_MAX_MS;
	return watch->retry_ms;
}

static void watch_call_waiters(struct list *waiters)
{
	list_for_each_safe (l, next, waiters) {
		struct watch_waiter *waiter = container_of(l, struct watch_waiter, link);

		list_remove(l);
		waiter->done(waiter->arg);
		free(waiter);
	}
}

static void watch_timer_fired(void *arg);

static void watch_set_timer(struct watch *watch, int64_t delay_ms)
{
	if (delay_ms >= 0)
		engine_timer_set(watch->model->engine, &watch->timer, delay_ms, watch_timer_fired, watch);
}

/*
 * A failed round is repeated completely; otherwise only the parts that are due are read. The stack may no longer be
 * used since the timer was set.
 */
static void watch_timer_fired(void *arg)
{
	struct watch *watch = arg;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(watch->model);
	struct schedule_facts f = watch_facts(watch, now);
	unsigned due = watch->retry_ms || !now->contact_ms ? SCHEDULE_ALL : schedule_due(&watch->schedule, &f);

	if (watch->running)
		return;
	if (due)
		watch_start_round(watch, due, false);
	else
		watch_set_timer(watch, schedule_delay(&watch->schedule, &f));
}

static void watch_publish(struct watch *watch, struct round *r)
{
	struct model *m = watch->model;
	bool answered = watch_is_answered(r);
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;

	if (model_publish(m, answered ? watch_edit_seen : watch_edit_failed, r) == -ESTALE)
		watch->again = true;
	now = model_snapshot(m);
	if (!answered || !now->contact_ms)
		return;
	report_changes(m, r->before, now);
	if (error_is(&r->before->contact_error) && !error_is(&r->error))
		discover_retry(m);
	if (r->stacks || r->gone) {
		external_follow(m, now);
		deployed_follow(m, now);
	}
	if (r->has_tasks)
		crash_loop_judge(m, now, r->tasks);
}

static void watch_round_ended(struct round *r, void *arg)
{
	struct watch *watch = arg;
	struct model *m = watch->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = NULL;
	int64_t delay;

	watch_report_denials(watch, r);
	watch_publish(watch, r);
	now = model_snapshot(m);
	if (error_is(&r->error))
		watch_report_failure(m, r);
	else
		schedule_was_read(&watch->schedule, r->parts, clock_monotonic_ms());
	delay = watch_next_delay(watch, r, now);
	watch->running = false;
	round_free(r);
	watch_call_waiters(&watch->waiting);
	list_splice(&watch->waiting, &watch->next);
	if (watch->again) {
		watch->again = false;
		watch_start_round(watch, SCHEDULE_ALL, true);
	} else {
		watch_set_timer(watch, delay);
	}
}

static void watch_start_round(struct watch *watch, unsigned parts, bool all)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *before = model_snapshot(watch->model);
	struct aws *aws = model_aws(watch->model);

	engine_timer_cancel(&watch->timer);
	watch->running = true;
	if (!round_start(aws, before, parts, all, &watch->known, watch_round_ended, watch)) {
		watch->running = false;
		watch_call_waiters(&watch->waiting);
	}
	aws_unref(aws);
}

/* -- requesting a round ---------------------------------------------------------------------------------------- */

struct watch_request {
	struct watch *watch;
	struct watch_waiter *waiter;
};

static void watch_take_request(void *arg)
{
	struct watch_request *request = arg;
	struct watch *watch = request->watch;

	if (request->waiter)
		list_append(watch->running ? &watch->next : &watch->waiting, &request->waiter->link);
	free(request);
	if (watch->running)
		watch->again = true;
	else
		watch_start_round(watch, SCHEDULE_ALL, true);
}

static struct watch_waiter *watch_waiter_new(void (*done)(void *arg), void *arg)
{
	struct watch_waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter) {
		waiter->done = done;
		waiter->arg = arg;
	}
	return waiter;
}

void watch_now(struct model *m, void (*done)(void *arg), void *arg)
{
	struct watch_waiter *waiter = done ? watch_waiter_new(done, arg) : NULL;
	struct watch_request *request = calloc(1, sizeof(*request));

	if (request && (waiter || !done) && !atomic_load(&m->stopping)) {
		*request = (struct watch_request){m->watch, waiter};
		if (engine_post(m->engine, watch_take_request, request) == 0)
			return;
	}
	free(request);
	free(waiter);
	if (done)
		done(arg);
}

/* -- the use of the stack -------------------------------------------------------------------------------------- */

/*
 * At the first use after a pause or a sleep of the machine the known state is old, so everything is read. If there is
 * no stack, nothing is read.
 */
static void watch_used_again(void *arg)
{
	struct watch *watch = arg;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *now = model_snapshot(watch->model);

	if (!watch->running && now->settings && (now->stack->exists || !now->contact_ms))
		watch_start_round(watch, SCHEDULE_ALL, true);
}

void model_use(struct model *m)
{
	int64_t now_ms = clock_monotonic_ms(), before_ms = atomic_exchange(&m->used_ms, now_ms);
	int64_t slept_ms = clock_slept_ms(), known_ms = atomic_exchange(&m->slept_ms, slept_ms);
	bool paused = now_ms - before_ms >= SCHEDULE_USE_MS && atomic_load(&m->holds) == 0;

	if ((paused || slept_ms - known_ms >= SLEPT_MS) && !atomic_load(&m->stopping))
		engine_post(m->engine, watch_used_again, m->watch);
}

void model_hold(struct model *m, bool is_held)
{
	if (is_held) {
		model_use(m);
		atomic_fetch_add(&m->holds, 1);
	} else {
		atomic_fetch_sub(&m->holds, 1);
		atomic_store(&m->used_ms, clock_monotonic_ms());
	}
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int watch_new(struct model *m, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->model = m;
	atomic_init(&m->slept_ms, clock_slept_ms());
	list_init(&watch->waiting);
	list_init(&watch->next);
	*ret = watch;
	return 0;
}

/* The engine has stopped and has completed its calls with -ECANCELED, so no round is running. */
void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	watch_call_waiters(&watch->waiting);
	watch_call_waiters(&watch->next);
	round_forget(&watch->known);
	free(watch);
}
