#include "world/world.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"
#include "jobs/history.h"
#include "world/internal.h"

#include <inttypes.h>

#include <string.h>

#define EVENTS_KEEP  (4 << 20)
#define API_LOG_KEEP (4 << 20)

/* Without settings, as those are by default. */
#define HISTORY_KEEP	 100
#define HISTORY_LIMIT_GB 1

/* -- publishing ------------------------------------------------------------------------------------------------ */

struct snapshot *world_snapshot(struct world *w)
{
	struct snapshot *s;

	pthread_mutex_lock(&w->lock);
	s = snapshot_ref(w->snapshot);
	pthread_mutex_unlock(&w->lock);
	return s;
}

uint64_t world_generation(struct world *w)
{
	return atomic_load(&w->generation);
}

/* Keeps a chosen task while it lives. */
static void settle_default_task(struct snapshot *s)
{
	const struct task *chosen = s->default_chosen ? task_list_find(s->tasks, s->default_task) : NULL;

	if (chosen && task_is_live(chosen))
		return;
	s->default_chosen = false;
	chosen = task_list_default(s->tasks);
	snprintf(s->default_task, sizeof(s->default_task), "%s", chosen ? chosen->id : "");
}

/* Under the lock: the old snapshot, to be given back, or NULL when edit refused. */
static struct snapshot *replace_snapshot(struct world *w, int (*edit)(struct snapshot *s, void *arg), void *arg,
					 int *ret)
{
	struct snapshot *fresh = snapshot_copy(w->snapshot), *old;

	*ret = fresh ? edit(fresh, arg) : -ENOMEM;
	if (*ret < 0) {
		snapshot_unref(fresh);
		return NULL;
	}
	settle_default_task(fresh);
	if (fresh->settings != w->snapshot->settings || fresh->stack != w->snapshot->stack)
		fresh->match = plan_match(fresh);
	fresh->generation = w->snapshot->generation + 1;
	old = w->snapshot;
	w->snapshot = fresh;
	atomic_store(&w->generation, fresh->generation);
	return old;
}

int world_publish(struct world *w, int (*edit)(struct snapshot *s, void *arg), void *arg)
{
	struct snapshot *old;
	int r;

	pthread_mutex_lock(&w->lock);
	old = replace_snapshot(w, edit, arg, &r);
	pthread_mutex_unlock(&w->lock);
	snapshot_unref(old);
	if (r >= 0)
		world_tell(w);
	return r;
}

void world_tell(struct world *w)
{
	void (*changed)(void *arg);
	void *arg;

	pthread_mutex_lock(&w->lock);
	changed = w->changed;
	arg = w->changed_arg;
	pthread_mutex_unlock(&w->lock);
	if (changed)
		changed(arg);
}

void world_set_listener(struct world *w, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&w->lock);
	w->changed = changed;
	w->changed_arg = arg;
	pthread_mutex_unlock(&w->lock);
}

/* -- small accessors ------------------------------------------------------------------------------------------- */

struct failures *world_failures(struct world *w)
{
	return w->failures;
}

struct stream *world_events(struct world *w)
{
	return w->events;
}

struct stream *world_api_log(struct world *w)
{
	return w->api_log;
}

struct aws *world_aws(struct world *w)
{
	struct aws *a;

	pthread_mutex_lock(&w->lock);
	a = w->aws ? aws_ref(w->aws) : NULL;
	pthread_mutex_unlock(&w->lock);
	return a;
}

void world_event(struct world *w, const char *format, ...)
{
	char line[1024], escaped[1024], when[CLOCK_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	stream_printf(w->events, "%s %s\n", clock_format(clock_wall_ms(), when),
		      escape_copy(escaped, sizeof(escaped), line));
	world_tell(w);
}

/* -- jobs ------------------------------------------------------------------------------------------------------ */

static struct job_list **list_of(struct snapshot *s, enum job_kind kind)
{
	switch (kind) {
	case JOB_OPERATION:
		return &s->operations;
	case JOB_EXEC:
		return &s->execs;
	case JOB_CHECK:
		return &s->checks;
	default:
		return &s->queries;
	}
}

static int trim_history(struct snapshot *s)
{
	const struct settings *settings = s->settings;
	struct history_limits limits = {.keep = settings ? settings->history_keep : HISTORY_KEEP,
					.disk_bytes = (uint64_t)(settings ? settings->history_limit : HISTORY_LIMIT_GB)
						      << 30};

	return history_trim((struct job_list **[HISTORY_LISTS]){&s->queries, &s->execs}, &limits);
}

static int add_job(struct snapshot *s, void *arg)
{
	struct job *j = arg;
	static const size_t keep[] = {
		[JOB_OPERATION] = OPERATIONS_KEPT,
		[JOB_QUERY] = SIZE_MAX, /* see trim_history */
		[JOB_EXEC] = SIZE_MAX,
		[JOB_CHECK] = CHECKS_KEPT,
	};
	struct job_list **list = list_of(s, j->kind);
	struct job_list *longer = job_list_with(*list, j, keep[j->kind]);
	int r;

	if (!longer)
		return -ENOMEM;
	job_list_unref(*list);
	*list = longer;
	r = trim_history(s);
	return r < 0 ? r : 0;
}

static int edit_trim(struct snapshot *s, void *arg _unused_)
{
	int r = trim_history(s);

	return r == 0 ? -EALREADY : r;
}

void world_trim_history(struct world *w)
{
	world_publish(w, edit_trim, NULL);
}

uint64_t world_take_number(struct world *w, enum job_kind kind)
{
	uint64_t number;

	pthread_mutex_lock(&w->lock);
	number = w->next_number[kind]++;
	pthread_mutex_unlock(&w->lock);
	return number;
}

static uint64_t take_noted_number(struct world *w, enum job_kind kind)
{
	uint64_t number = world_take_number(w, kind);

	journal_set_last_number(w->journal, kind, number);
	return number;
}

struct job *world_job_new(struct world *w, enum job_kind kind, uint64_t number, const char *name, const char *argument,
			  struct blob *query, struct requester who)
{
	struct job *j = job_new(kind, number ? number : take_noted_number(w, kind), name, query);

	if (!j)
		return NULL;
	snprintf(j->argument, sizeof(j->argument), "%s", argument);
	j->pid = who.pid;
	j->uid = who.uid;
	if (world_publish(w, add_job, j) < 0) {
		job_unref(j);
		return NULL;
	}
	return j;
}

static void job_changed(struct job *j _unused_, void *arg)
{
	world_tell(arg);
}

#define JOB_PATH_SIZE 128

/* Where a job stands in the tree. */
static const char *job_path(const struct job *j, char path[static JOB_PATH_SIZE])
{
	switch (j->kind) {
	case JOB_EXEC:
		snprintf(path, JOB_PATH_SIZE, "tasks/%s/exec/history/%" PRIu64, j->argument, j->number);
		break;
	case JOB_CHECK:
		snprintf(path, JOB_PATH_SIZE, "tasks/%s/check", j->argument);
		break;
	default:
		snprintf(path, JOB_PATH_SIZE, "%s/%" PRIu64, j->kind == JOB_OPERATION ? "operations" : "lambda/history",
			 j->number);
		break;
	}
	return path;
}

void world_job_fail(struct world *w, struct job *j, const struct error *err)
{
	char path[JOB_PATH_SIZE];

	failures_add(w->failures, &(struct failure_site){.pid = j->pid, .uid = j->uid, .job = job_path(j, path)}, err);
	job_fail(j, err);
	world_event(w, "%s %s failed: %s", path, j->name, err->message);
}

void world_job_failed(struct world *w, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char path[JOB_PATH_SIZE];

	failures_add(w->failures, &(struct failure_site){.pid = j->pid, .uid = j->uid, .job = job_path(j, path)},
		     &v->error);
	world_event(w, "%s %s %s: %s", path, j->name, job_state_name(v->state), v->error.message);
}

int world_history_check(struct job *j, struct error *err)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char path[JOB_PATH_SIZE];

	if (job_state_ended(v->state))
		return 0;
	error_set(err, -EBUSY, "%s cannot be removed: its command is %s", job_path(j, path), job_state_name(v->state));
	error_remedy(err, "wait for it, or: touch %s/cancel", path);
	return -EBUSY;
}

static int edit_forget(struct snapshot *s, void *arg)
{
	struct job *j = arg;
	struct job_list **list = list_of(s, j->kind), *shorter;

	if (job_list_find(*list, j->number) != j)
		return -ENOENT;
	shorter = job_list_without(*list, j);
	if (!shorter)
		return -ENOMEM;
	job_list_unref(*list);
	*list = shorter;
	return 0;
}

int world_history_remove(struct world *w, struct job *j, struct requester who, struct error *err)
{
	char path[JOB_PATH_SIZE];
	int r = world_history_check(j, err);

	if (r == 0)
		r = world_publish(w, edit_forget, j);
	if (r == 0)
		world_event(w, "%s was removed by process %d", job_path(j, path), (int)who.pid);
	return r;
}

void world_cancel_job(struct world *w, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	if (job_state_ended(v->state))
		return;
	world_event(w, "%s %" PRIu64 ": cancelling", j->name, j->number);
	job_cancel(j);
}

/* -- choosing the default task --------------------------------------------------------------------------------- */

static int edit_choice(struct snapshot *s, void *arg)
{
	const char *id = arg;

	if (*id && !task_list_find(s->tasks, id))
		return -ENOENT;
	s->default_chosen = *id != '\0';
	snprintf(s->default_task, sizeof(s->default_task), "%s", id);
	return 0;
}

int world_task_choose(struct world *w, const char *id, struct error *err)
{
	int r = world_publish(w, edit_choice, (void *)(id ? id : ""));

	if (r == -ENOENT)
		return error_set(err, -ENOENT, "%s is not a known task", id);
	if (r == 0)
		world_event(w, "default task: %s", id && *id ? id : "automatic");
	return r;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

/* Queries and the rest of the tree work without a journal; operations are refused, or may be missing. */
static int open_journal(struct world *w, const char *dir, struct error *err)
{
	struct error note = {0};
	int r = journal_open(dir, &w->journal, &note);

	if (r < 0)
		return error_set(err, r, "cannot read the journal of operations: %s", strerror(-r));
	if (error_is(&note)) {
		failures_add(w->failures, &(struct failure_site){0}, &note);
		log_warning("%s", note.message);
	}
	return 0;
}

static int make_parts(struct world *w, const struct world_config *config, struct error *err)
{
	int r;

	w->config_dir = strdup(config->config_dir);
	w->cache_dir = strdup(config->cache_dir);
	w->failures = failures_new();
	w->events = stream_new(EVENTS_KEEP);
	w->api_log = stream_new(API_LOG_KEEP);
	w->snapshot = snapshot_first();
	if (!w->config_dir || !w->cache_dir || !w->failures || !w->events || !w->api_log || !w->snapshot)
		return -ENOMEM;
	r = open_journal(w, config->state_dir, err);
	if (r < 0)
		return r;
	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		w->next_number[kind] = journal_last_number(w->journal, kind) + 1;
	job_set_listener(job_changed, w);
	return 0;
}

static int start_parts(struct world *w, struct error *err)
{
	int r;

	r = engine_start(&w->engine);
	if (r < 0)
		return error_set(err, r, "cannot start the network thread: %s", strerror(-r));
	if ((r = attend_new(w, &w->attend)) < 0 || (r = watch_new(w, &w->watch)) < 0 ||
	    (r = queries_new(w, &w->queries)) < 0 || (r = execs_new(w, &w->execs)) < 0 ||
	    (r = shells_new(w, &w->shells)) < 0 || (r = followers_new(w, &w->followers)) < 0 ||
	    (r = deployed_new(w, &w->deployed)) < 0 || (r = runner_new(w, &w->runner)) < 0)
		return error_set(err, r, "cannot start: %s", strerror(-r));
	return 0;
}

static void report_settings(struct world *w, const struct error *err)
{
	failures_add(w->failures, &(struct failure_site){.path = "config/default.env"}, err);
	log_warning("%s", err->message);
}

int world_start(const struct world_config *config, struct world **ret, struct error *err)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error unusable = {0};
	int r;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->save_lock, NULL);
	pthread_cond_init(&w->saved, NULL);
	r = make_parts(w, config, err);
	if (r == 0)
		r = start_parts(w, err);
	if (r < 0) {
		world_stop(w);
		return r;
	}
	if (settings_file_load(w, &unusable) < 0)
		report_settings(w, &unusable);
	/* First what we were doing ourselves, then a look: or our own operation would be taken for somebody else's. */
	operations_resume(w);
	deployed_refresh(w);
	watch_now(w, NULL, NULL);
	*ret = w;
	return 0;
}

static void wait_for_saves(struct world *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->saving)
		pthread_cond_wait(&w->saved, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

/* Order: who makes work first, then the engine that does it, then what both use. */
void world_stop(struct world *w)
{
	if (!w)
		return;
	world_set_listener(w, NULL, NULL);
	wait_for_saves(w);
	runner_free(w->runner);
	shells_end(w->shells);
	atomic_store(&w->stopping, true);
	if (w->engine)
		engine_stop(w->engine);
	login_free(w->login);
	attend_free(w->attend);
	watch_free(w->watch);
	followers_free(w->followers);
	queries_free(w->queries);
	execs_free(w->execs);
	shells_free(w->shells);
	job_set_listener(NULL, NULL);
	aws_unref(w->aws);
	snapshot_unref(w->snapshot);
	deployed_free(w->deployed);
	journal_close(w->journal);
	stream_unref(w->api_log);
	stream_unref(w->events);
	failures_free(w->failures);
	free(w->config_dir);
	free(w->cache_dir);
	pthread_cond_destroy(&w->saved);
	pthread_mutex_destroy(&w->save_lock);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
