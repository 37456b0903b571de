/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/model.h"

#include "aws/sign.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/tally.h"
#include "jobs/history.h"
#include "model/internal.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_KEEP  (4 << 20)
#define API_LOG_KEEP (4 << 20)
#define SHOW_LIMIT_S 1 /* longest wait until the kernel's cache has been invalidated */

/* The defaults of history_keep and history_limit, for the time without settings. */
#define HISTORY_KEEP	 100
#define HISTORY_LIMIT_GB 1

/* -- publishing ------------------------------------------------------------------------------------------------ */

struct snapshot *model_snapshot(struct model *m)
{
	struct snapshot *s;

	pthread_mutex_lock(&m->lock);
	s = snapshot_ref(m->snapshot);
	pthread_mutex_unlock(&m->lock);
	return s;
}

uint64_t model_generation(struct model *m)
{
	return atomic_load(&m->generation);
}

/* Keeps a default task that the user has chosen while it is live, else chooses one. */
static void model_settle_default_task(struct snapshot *s)
{
	const struct task *chosen = s->default_chosen ? task_list_find(s->tasks, s->default_task) : NULL;

	if (chosen && task_is_live(chosen))
		return;
	s->default_chosen = false;
	chosen = task_list_default(s->tasks);
	snprintf(s->default_task, sizeof(s->default_task), "%s", chosen ? chosen->id : "");
}

/* Under the lock. Returns the old snapshot, which the caller unrefs, or NULL if edit refused. */
static struct snapshot *model_replace_snapshot(struct model *m, int (*edit)(struct snapshot *s, void *arg), void *arg,
					       int *ret)
{
	struct snapshot *fresh = snapshot_copy(m->snapshot), *old;

	*ret = fresh ? edit(fresh, arg) : -ENOMEM;
	if (*ret < 0) {
		snapshot_unref(fresh);
		return NULL;
	}
	model_settle_default_task(fresh);
	if (strcmp(fresh->default_task, m->snapshot->default_task) != 0)
		fresh->default_changed_ms = clock_wall_ms();
	if (fresh->settings != m->snapshot->settings || fresh->stack != m->snapshot->stack)
		fresh->match = plan_match(fresh);
	fresh->generation = m->snapshot->generation + 1;
	old = m->snapshot;
	m->snapshot = fresh;
	atomic_store(&m->generation, fresh->generation);
	return old;
}

int model_publish(struct model *m, int (*edit)(struct snapshot *s, void *arg), void *arg)
{
	struct snapshot *old;
	int r;

	pthread_mutex_lock(&m->lock);
	old = model_replace_snapshot(m, edit, arg, &r);
	pthread_mutex_unlock(&m->lock);
	snapshot_unref(old);
	if (r >= 0)
		model_tell(m);
	return r;
}

void model_tell(struct model *m)
{
	void (*changed)(void *arg);
	void *arg;

	pthread_mutex_lock(&m->lock);
	changed = m->changed;
	arg = m->changed_arg;
	pthread_mutex_unlock(&m->lock);
	if (changed)
		changed(arg);
}

void model_set_listener(struct model *m, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&m->lock);
	m->changed = changed;
	m->changed_arg = arg;
	pthread_cond_broadcast(&m->shown_again);
	pthread_mutex_unlock(&m->lock);
}

void model_shown(struct model *m, uint64_t generation)
{
	pthread_mutex_lock(&m->lock);
	m->shown = generation;
	pthread_cond_broadcast(&m->shown_again);
	pthread_mutex_unlock(&m->lock);
}

void model_wait_until_shown(struct model *m)
{
	uint64_t generation = model_generation(m);
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SHOW_LIMIT_S;
	pthread_mutex_lock(&m->lock);
	while (m->changed && m->shown < generation && r == 0)
		r = pthread_cond_clockwait(&m->shown_again, &m->lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&m->lock);
}

/* -- small accessors ------------------------------------------------------------------------------------------- */

struct failures *model_failures(struct model *m)
{
	return m->failures;
}

struct stream *model_events(struct model *m)
{
	return m->events;
}

unsigned model_calls(struct model *m)
{
	return tally_sum(m->calls, clock_monotonic_ms());
}

struct stream *model_api_log(struct model *m)
{
	return m->api_log;
}

struct aws *model_aws(struct model *m)
{
	struct aws *a;

	pthread_mutex_lock(&m->lock);
	a = m->aws ? aws_ref(m->aws) : NULL;
	pthread_mutex_unlock(&m->lock);
	return a;
}

int model_client_error(struct model *m, struct error *err)
{
	struct error why;

	pthread_mutex_lock(&m->lock);
	why = m->client_error;
	pthread_mutex_unlock(&m->lock);
	if (why.errnum)
		*err = why;
	return why.errnum;
}

void model_event(struct model *m, const char *format, ...)
{
	char line[1024], escaped[1024], when[CLOCK_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	stream_printf(m->events, "%s %s\n", clock_format(clock_wall_ms(), when),
		      escape_copy(escaped, sizeof(escaped), line));
	model_tell(m);
}

/* -- jobs ------------------------------------------------------------------------------------------------------ */

static struct job_list **model_job_list(struct snapshot *s, enum job_kind kind)
{
	switch (kind) {
	case JOB_OPERATION:
		return &s->operations;
	case JOB_EXEC:
		return &s->execs;
	case JOB_CHECK:
		return &s->checks;
	case JOB_IMPORT:
		return &s->imports;
	default:
		return &s->queries;
	}
}

static int model_trim_lists(struct snapshot *s)
{
	const struct settings *settings = s->settings;
	struct history_limits limits = {.keep = settings ? settings->history_keep : HISTORY_KEEP,
					.disk_bytes = (uint64_t)(settings ? settings->history_limit : HISTORY_LIMIT_GB)
						      << 30};

	return history_trim((struct job_list **[HISTORY_LISTS]){&s->queries, &s->execs}, &limits);
}

static int model_edit_add_job(struct snapshot *s, void *arg)
{
	struct job *j = arg;
	static const size_t keep[] = {
		[JOB_OPERATION] = OPERATIONS_KEPT,
		[JOB_QUERY] = SIZE_MAX, /* see trim_history */
		[JOB_EXEC] = SIZE_MAX,
		[JOB_CHECK] = CHECKS_KEPT,
		[JOB_IMPORT] = SIZE_MAX, /* see import.c */
	};
	struct job_list **list = model_job_list(s, j->kind);
	struct job_list *longer = job_list_with(*list, j, keep[j->kind]);
	int r;

	if (!longer)
		return -ENOMEM;
	job_list_unref(*list);
	*list = longer;
	r = model_trim_lists(s);
	return r < 0 ? r : 0;
}

static int model_edit_trim(struct snapshot *s, void *arg _unused_)
{
	int r = model_trim_lists(s);

	return r == 0 ? -EALREADY : r;
}

void model_trim_history(struct model *m)
{
	model_publish(m, model_edit_trim, NULL);
}

uint64_t model_take_number(struct model *m, enum job_kind kind)
{
	uint64_t number;

	pthread_mutex_lock(&m->lock);
	number = m->next_number[kind]++;
	pthread_mutex_unlock(&m->lock);
	return number;
}

void model_number_is_taken(struct model *m, enum job_kind kind, uint64_t number)
{
	pthread_mutex_lock(&m->lock);
	if (m->next_number[kind] <= number)
		m->next_number[kind] = number + 1;
	pthread_mutex_unlock(&m->lock);
}

static uint64_t model_take_noted_number(struct model *m, enum job_kind kind)
{
	uint64_t number = model_take_number(m, kind);

	journal_set_last_number(m->journal, kind, number);
	return number;
}

struct job *model_job_new(struct model *m, enum job_kind kind, uint64_t number, const char *name, const char *argument,
			  struct blob *query, struct requester who)
{
	struct job *j = job_new(kind, number ? number : model_take_noted_number(m, kind), name, query);

	if (!j)
		return NULL;
	snprintf(j->argument, sizeof(j->argument), "%s", argument);
	j->pid = who.pid;
	j->uid = who.uid;
	if (model_publish(m, model_edit_add_job, j) < 0) {
		job_unref(j);
		return NULL;
	}
	return j;
}

static void model_job_changed(struct job *j _unused_, void *arg)
{
	model_tell(arg);
}

#define JOB_PATH_SIZE 128

/* The path of a job in the tree. */
static const char *model_job_path(const struct job *j, char path[static JOB_PATH_SIZE])
{
	switch (j->kind) {
	case JOB_EXEC:
		snprintf(path, JOB_PATH_SIZE, "tasks/%s/exec/history/%" PRIu64, j->argument, j->number);
		break;
	case JOB_CHECK:
		snprintf(path, JOB_PATH_SIZE, "tasks/%s/check", j->argument);
		break;
	case JOB_IMPORT:
		snprintf(path, JOB_PATH_SIZE, "import/history/%" PRIu64, j->number);
		break;
	default:
		snprintf(path, JOB_PATH_SIZE, "%s/%" PRIu64, j->kind == JOB_OPERATION ? "operations" : "lambda/history",
			 j->number);
		break;
	}
	return path;
}

static void model_job_tell_end(struct model *m, struct job *j, const struct error *err, enum job_state state)
{
	char path[JOB_PATH_SIZE];

	failures_add(m->failures, &(struct failure_site){.pid = j->pid, .uid = j->uid, .job = model_job_path(j, path)},
		     err);
	model_event(m, "%s %s %s: %s", path, j->name, job_state_name(state), err->message);
}

void model_job_tell_failure(struct model *m, struct job *j, const struct error *err)
{
	model_job_tell_end(m, j, err, JOB_FAILED);
}

void model_job_fail(struct model *m, struct job *j, const struct error *err)
{
	model_job_tell_end(m, j, err, JOB_FAILED);
	job_fail(j, err);
}

void model_job_unknown(struct model *m, struct job *j, const struct error *err)
{
	model_job_tell_end(m, j, err, JOB_UNKNOWN);
	job_unknown(j, err);
}

int model_history_check(struct job *j, struct error *err)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char path[JOB_PATH_SIZE];

	if (job_state_ended(v->state))
		return 0;
	error_set(err, -EBUSY, "cannot remove %s: its command is %s", model_job_path(j, path),
		  job_state_name(v->state));
	error_remedy(err, "wait for the command to end, or run: touch %s/cancel", path);
	return -EBUSY;
}

static int model_edit_forget(struct snapshot *s, void *arg)
{
	struct job *j = arg;
	struct job_list **list = model_job_list(s, j->kind), *shorter;

	if (job_list_find(*list, j->number) != j)
		return -ENOENT;
	shorter = job_list_without(*list, j);
	if (!shorter)
		return -ENOMEM;
	job_list_unref(*list);
	*list = shorter;
	return 0;
}

int model_history_remove(struct model *m, struct job *j, struct requester who, struct error *err)
{
	char path[JOB_PATH_SIZE];
	int r = model_history_check(j, err);

	if (r == 0)
		r = model_publish(m, model_edit_forget, j);
	if (r == 0 && j->kind == JOB_IMPORT)
		model_import_forget(m, j);
	if (r == 0)
		model_event(m, "%s was removed by process %d", model_job_path(j, path), (int)who.pid);
	return r;
}

void model_cancel_job(struct model *m, struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	if (job_state_ended(v->state))
		return;
	model_event(m, "%s %" PRIu64 ": cancelling", j->name, j->number);
	job_cancel(j);
}

/* -- choosing the default task --------------------------------------------------------------------------------- */

static int model_edit_choice(struct snapshot *s, void *arg)
{
	const char *id = arg;

	if (*id && !task_list_find(s->tasks, id))
		return -ENOENT;
	s->default_chosen = *id != '\0';
	snprintf(s->default_task, sizeof(s->default_task), "%s", id);
	return 0;
}

int model_task_choose(struct model *m, const char *id, struct error *err)
{
	int r = model_publish(m, model_edit_choice, (void *)(id ? id : ""));

	if (r == -ENOENT)
		return error_set(err, -ENOENT, "%s is not a known task", id);
	if (r == 0)
		model_event(m, "default task: %s", id && *id ? id : "automatic");
	return r;
}

/* -- life ------------------------------------------------------------------------------------------------------ */

/* Without a journal the tree and queries work, but operations are refused and earlier operations may be missing. */
static int model_open_journal(struct model *m, const char *dir, struct error *err)
{
	struct error note = {0};
	int r = journal_open(dir, &m->journal, &note);

	if (r < 0)
		return error_set(err, r, "cannot read the journal of operations: %s", strerror(-r));
	if (error_is(&note)) {
		failures_add(m->failures, &(struct failure_site){0}, &note);
		log_warning("%s", note.message);
	}
	return 0;
}

/* An ID of this state directory on this machine: all its mounts have the same ID, and no other mount has it. */
static int model_name_installation(const char *state_dir, char out[static MODEL_INSTALLATION_SIZE])
{
	char text[PATH_MAX + 256], host[256] = "", hex[AWS_SHA256_HEX];

	gethostname(host, sizeof(host) - 1);
	snprintf(text, sizeof(text), "%s %s", host, state_dir);
	if (aws_sha256_hex(text, strlen(text), hex) < 0)
		return -ENOMEM;
	snprintf(out, MODEL_INSTALLATION_SIZE, "%.*s", MODEL_INSTALLATION_SIZE - 1, hex);
	return 0;
}

static int model_make_parts(struct model *m, const struct model_config *config, struct error *err)
{
	int r;

	m->config_dir = strdup(config->config_dir);
	m->mount_settings = strdup(config->settings ? config->settings : "");
	m->read_only = config->read_only;
	m->cache_dir = strdup(config->cache_dir);
	m->failures = failures_new();
	m->events = stream_new(EVENTS_KEEP);
	m->api_log = stream_new(API_LOG_KEEP);
	m->calls = tally_new();
	atomic_store(&m->used_ms, clock_monotonic_ms());
	m->snapshot = snapshot_first();
	if (!m->config_dir || !m->mount_settings || !m->cache_dir || !m->failures || !m->events || !m->api_log ||
	    !m->calls || !m->snapshot)
		return -ENOMEM;
	r = model_name_installation(config->state_dir, m->installation);
	if (r == 0)
		r = settings_disk_open(m, config->state_dir);
	if (r == 0)
		r = model_open_journal(m, config->state_dir, err);
	if (r < 0)
		return r;
	for (int kind = 0; kind < JOB_KIND_MAX; kind++)
		m->next_number[kind] = journal_last_number(m->journal, kind) + 1;
	job_set_listener(model_job_changed, m);
	return 0;
}

static void model_report_spool(struct model *m, const struct error *note)
{
	if (!error_is(note))
		return;
	failures_add(m->failures, &(struct failure_site){.path = "import"}, note);
	log_warning("%s", note->message);
}

static int model_start_parts(struct model *m, struct error *err)
{
	int r;

	r = engine_start(&m->engine);
	if (r < 0)
		return error_set(err, r, "cannot start the network thread: %s", strerror(-r));
	if ((r = attend_new(m, &m->attend)) < 0 || (r = discover_new(m, &m->discover)) < 0 ||
	    (r = watch_new(m, &m->watch)) < 0 || (r = queries_new(m, &m->queries)) < 0 ||
	    (r = execs_new(m, &m->execs)) < 0 || (r = shells_new(m, &m->shells)) < 0 ||
	    (r = followers_new(m, &m->followers)) < 0 || (r = deployed_new(m, &m->deployed)) < 0 ||
	    (r = runner_new(m, &m->runner)) < 0)
		return error_set(err, r, "cannot start: %s", strerror(-r));
	return 0;
}

static void model_report_settings(struct model *m, const struct error *err)
{
	failures_add(m->failures, &(struct failure_site){.path = "config/default.env"}, err);
	log_warning("%s", err->message);
}

int model_start(const struct model_config *config, struct model **ret, struct error *err)
{
	struct model *m = calloc(1, sizeof(*m));
	struct error unusable = {0}, spool = {0};
	int r;

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->save_lock, NULL);
	pthread_cond_init(&m->saved, NULL);
	pthread_cond_init(&m->shown_again, NULL);
	r = model_make_parts(m, config, err);
	if (r == 0)
		r = model_start_parts(m, err);
	if (r == 0)
		r = imports_new(m, config->state_dir, &m->imports, &spool);
	if (r < 0) {
		model_stop(m);
		return r;
	}
	if (settings_disk_start(m, &unusable) < 0)
		model_report_settings(m, &unusable);
	/* Own operations are resumed before the first poll, which would otherwise count them as somebody else's. */
	operations_resume(m);
	deployed_refresh(m);
	if (!m->read_only && imports_start(m->imports, &spool) < 0)
		error_set(&spool, -ENOMEM, "cannot start the thread for imports");
	model_report_spool(m, &spool);
	watch_now(m, NULL, NULL);
	discover_at_start(m);
	*ret = m;
	return 0;
}

static void model_wait_for_saves(struct model *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->saving)
		pthread_cond_wait(&m->saved, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

/* The parts that create work are stopped first, then the engine that does the work, then the parts that both use. */
void model_stop(struct model *m)
{
	if (!m)
		return;
	model_set_listener(m, NULL, NULL);
	model_wait_for_saves(m);
	runner_free(m->runner);
	shells_end(m->shells);
	imports_stop(m->imports);
	atomic_store(&m->stopping, true);
	if (m->engine)
		engine_stop(m->engine);
	login_free(m->login);
	attend_free(m->attend);
	discover_free(m->discover);
	watch_free(m->watch);
	followers_free(m->followers);
	queries_free(m->queries);
	execs_free(m->execs);
	shells_free(m->shells);
	imports_free(m->imports);
	job_set_listener(NULL, NULL);
	aws_unref(m->aws);
	snapshot_unref(m->snapshot);
	deployed_free(m->deployed);
	journal_close(m->journal);
	stream_unref(m->api_log);
	tally_unref(m->calls);
	stream_unref(m->events);
	failures_free(m->failures);
	settings_disk_close(m);
	free(m->config_dir);
	free(m->mount_settings);
	free(m->cache_dir);
	pthread_cond_destroy(&m->saved);
	pthread_cond_destroy(&m->shown_again);
	pthread_mutex_destroy(&m->save_lock);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
