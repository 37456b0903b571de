/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * follow.c - fetches logs from CloudWatch while a process reads them.
 *
 * The first open of a log makes its follower, which fetches page after page until the end. The follower then polls
 * every second, and less often the longer the log does not grow, until 30 s after the log is closed. Fetched text stays
 * readable, so reading the whole tree again costs no calls. The registry's lock guards the list and the counts; all
 * other data belongs to the engine thread.
 */
#include "aws/services/logs.h"
#include "base/clock.h"
#include "base/escape.h"
#include "model/internal.h"

#include <string.h>

#define LOG_KEEP       (4 << 20) /* older text is fetched again, see refetch.c */
#define INDEX_STEP     (512 << 10)
#define PAGE_MAX       (16 << 20)
#define LOOK_EVERY_MS  1000
#define LOOK_LEAST_MS  60000 /* two logs that are polled more often would exceed the calls of an hour (schedule.h) */
#define QUIET_SHARE    10 /* a log is polled at an interval of this fraction of the time for which it has not grown */
#define LINGER_MS      30000
#define FOLLOWERS_KEPT 64  /* idle followers beyond this number are freed */
#define PAGES_AT_ONCE  200 /* pages of one poll: the first reader of an endless log must not wait for ever */

struct log_reader {
	struct list link;
	void (*fetched)(void *arg);
	void *arg;
};

struct follower {
	struct list link;
	struct followers *owner;
	enum model_log kind;
	char key[64];
	struct stream *stream;
	unsigned opens;	     /* under the lock */
	int64_t closed_ms;   /* under the lock: monotonic, when opens became 0 */
	struct list readers; /* under the lock: waiting for the first page */
	bool active;	     /* under the lock: a poll is running or the timer is set */
	bool polling;	     /* under the lock: a poll is running */
	int64_t polled_ms;   /* under the lock: monotonic, the end of the last poll */
	int64_t news_ms;     /* monotonic: when the log was opened first or has last grown */
	struct engine_timer timer;
	char log_stream[256];	/* the stream that is being read */
	char *token;		/* GetLogEvents' nextForwardToken; NULL: from since_ms */
	int64_t since_ms;	/* sent with the token; 0: the start of the stream */
	struct log_place place; /* the position up to which the stream was read */
	unsigned pages;		/* pages of this poll */
	bool by_time;		/* this poll has already continued by time, without a token */
	bool failing;		/* the last page could not be read, which has been reported */
	struct log_page *index; /* the pages from which text that is no longer in memory can be fetched again, sorted by
				   offset */
	size_t index_n;
};

struct followers {
	struct model *model;
	pthread_mutex_t lock;
	struct list all;
	size_t n;
};

static void follow_poll(void *arg);

/* -- choosing the log stream ------------------------------------------------------------------------------------- */

static const struct task *follow_task(const struct follower *f, const struct snapshot *s)
{
	if (f->kind == MODEL_LOG_TASK)
		return task_list_find(s->tasks, f->key);
	/* During a restart there is no default task, so the follower waits for the last lines of the old task. */
	if (snapshot_default_task(s) || *f->log_stream)
		return snapshot_default_task(s);
	for (size_t i = 0; i < s->tasks->n; i++)
		if (s->tasks->tasks[i].server)
			return &s->tasks->tasks[i];
	return NULL;
}

/*
 * The server's log continues with the stream of the next task. The stream of the last task is read to its end first,
 * because its last lines show why the server ended. True if there is another stream to read now.
 */
static bool follow_turn_to_next(struct follower *f, const struct snapshot *s)
{
	const struct task *t = follow_task(f, s);

	if (!t || !t->log_stream || strcmp(f->log_stream, t->log_stream) == 0)
		return false;
	snprintf(f->log_stream, sizeof(f->log_stream), "%s", t->log_stream);
	free(move_ptr(f->token));
	f->since_ms = 0;
	f->place = (struct log_place){0};
	return true;
}

/* -- polling --------------------------------------------------------------------------------------------------- */

static bool follow_is_wanted(struct follower *f)
{
	return f->opens || clock_monotonic_ms() - f->closed_ms < LINGER_MS;
}

int64_t follow_pace(int64_t quiet_ms)
{
	int64_t ms = quiet_ms / QUIET_SHARE;

	return ms < LOOK_EVERY_MS ? LOOK_EVERY_MS : ms > LOOK_LEAST_MS ? LOOK_LEAST_MS : ms;
}

/* The poll is over: readers that waited for the first page continue, and the next poll is scheduled. */
static void follow_end_poll(struct follower *f)
{
	struct followers *all = f->owner;
	struct list readers;
	bool again;

	list_init(&readers);
	pthread_mutex_lock(&all->lock);
	list_splice(&readers, &f->readers);
	again = follow_is_wanted(f) && !atomic_load(&all->model->stopping);
	f->active = again;
	f->polling = false;
	f->polled_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&all->lock);
	list_for_each_safe (l, next, &readers) {
		struct log_reader *reader = container_of(l, struct log_reader, link);

		reader->fetched(reader->arg);
		free(reader);
	}
	if (again)
		engine_timer_set(all->model->engine, &f->timer, follow_pace(f->polled_ms - f->news_ms), follow_poll, f);
}

/*
 * Pages are small where a log grows slowly, so one entry serves many pages. If memory is short, an entry is left out.
 */
static void follow_note_page(struct follower *f, const struct log_place *place)
{
	const struct log_page *last = f->index_n ? &f->index[f->index_n - 1] : NULL;
	struct log_page *larger, page = {.at = stream_size(f->stream), .since_ms = f->since_ms, .place = *place};

	if (last && page.at - last->at < INDEX_STEP && strcmp(last->stream, f->log_stream) == 0)
		return;
	larger = realloc(f->index, (f->index_n + 1) * sizeof(*larger));
	if (!larger)
		return;
	f->index = larger;
	page.stream = strdup(f->log_stream);
	page.token = f->token ? strdup(f->token) : NULL;
	if (page.stream && (page.token || !f->token)) {
		f->index[f->index_n++] = page;
	} else {
		free(page.stream);
		free(page.token);
	}
}

/* Returns false for an event that was read before its token expired. */
static bool follow_pass_event(struct log_place *p, int64_t time_ms)
{
	if (p->skip && time_ms == p->time_ms) {
		p->skip--;
		return false;
	}
	p->skip = 0;
	if (time_ms == p->time_ms) {
		p->seen++;
	} else if (time_ms > p->time_ms) {
		p->time_ms = time_ms;
		p->seen = 1;
	}
	return true;
}

bool follow_token_expired(const struct aws_reply *reply, const char *token)
{
	return token && error_has_code(&reply->error, "InvalidParameterException");
}

int64_t follow_by_time(struct log_place *place)
{
	place->skip = place->seen;
	return place->time_ms;
}

int follow_render(const cJSON *body, struct log_place *place, struct buf *out)
{
	const cJSON *event;

	cJSON_ArrayForEach (event, aws_at(body, "events")) {
		size_t before = out->len;

		if (!follow_pass_event(place, aws_integer(event, "timestamp", 0)))
			continue;
		escape_raw(out, aws_text(event, "message"));
		if (out->len == before || out->data[out->len - 1] != '\n')
			buf_putc(out, '\n');
	}
	return out->error;
}

/* One line in error, so that a log which cannot be read is not mistaken for an empty one. */
static void follow_report(struct follower *f, const struct error *why)
{
	struct error err = *why;
	char path[96];

	if (f->failing || why->errnum == -ECANCELED)
		return;
	f->failing = true;
	snprintf(path, sizeof(path), f->kind == MODEL_LOG_TASK ? "tasks/%s/task.log" : "stack/server.log", f->key);
	error_prefix(&err, "the log cannot be read");
	failures_add(f->owner->model->failures, &(struct failure_site){.path = path}, &err);
	model_tell(f->owner->model);
}

static void follow_append_events(struct follower *f, const cJSON *body)
{
	_buf_ struct buf text = BUF_INIT(PAGE_MAX);
	struct log_place before = f->place;

	if (follow_render(body, &f->place, &text) < 0 || !text.len)
		return;
	follow_note_page(f, &before);
	stream_append(f->stream, text.data, text.len);
	f->news_ms = clock_monotonic_ms();
	model_tell(f->owner->model);
}

static void follow_fetch_page(struct follower *f);

static void follow_end_stream(struct follower *f)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(f->owner->model);

	if (++f->pages < PAGES_AT_ONCE && follow_turn_to_next(f, s))
		follow_fetch_page(f);
	else
		follow_end_poll(f);
}

/* If there is no memory for the token, the next poll continues after the events that have been read. */
static bool follow_set_token(struct follower *f, const char *next)
{
	char *copy = strdup(next);

	if (!copy)
		f->since_ms = follow_by_time(&f->place);
	free(f->token);
	f->token = copy;
	return copy != NULL;
}

/* The stream ends where the token stays the same; pages before the end may be empty. */
static void follow_got_page(struct aws_reply *reply, void *arg)
{
	struct follower *f = arg;
	const char *next = aws_text(reply->body, "nextForwardToken");
	bool at_end;

	if (follow_token_expired(reply, f->token) && !f->by_time) {
		f->by_time = true;
		free(move_ptr(f->token));
		f->since_ms = follow_by_time(&f->place);
		follow_fetch_page(f);
		return;
	}
	if (error_is(&reply->error)) {
		if (error_has_code(&reply->error, "ResourceNotFoundException")) {
			follow_end_stream(f);
			return;
		}
		follow_report(f, &reply->error);
		follow_end_poll(f);
		return;
	}
	f->failing = false;
	follow_append_events(f, reply->body);
	at_end = !*next || (f->token && strcmp(f->token, next) == 0);
	if (!at_end && !follow_set_token(f, next)) {
		follow_end_poll(f);
		return;
	}
	if (at_end)
		follow_end_stream(f);
	else if (++f->pages >= PAGES_AT_ONCE)
		follow_end_poll(f);
	else
		follow_fetch_page(f);
}

static void follow_fetch_page(struct follower *f)
{
	struct model *m = f->owner->model;
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	const char *group = stack_view_output(s->stack, "ServerLogGroup");
	struct aws *aws = model_aws(m);
	struct aws_request *request = NULL;

	if (aws && group && (*f->log_stream || follow_turn_to_next(f, s)))
		request = logs_get_log_events(group, f->log_stream, f->token, f->since_ms);
	if (!request || !aws_start(aws, request, follow_got_page, f))
		follow_end_poll(f);
	aws_unref(aws);
}

static void follow_poll(void *arg)
{
	struct follower *f = arg;

	pthread_mutex_lock(&f->owner->lock);
	f->polling = true;
	pthread_mutex_unlock(&f->owner->lock);
	f->pages = 0;
	f->by_time = false;
	follow_fetch_page(f);
}

/* -- the registry ---------------------------------------------------------------------------------------------- */

static struct follower *follow_find(struct followers *all, enum model_log kind, const char *key)
{
	list_for_each (l, &all->all) {
		struct follower *f = container_of(l, struct follower, link);

		if (f->kind == kind && strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

const struct log_page *follow_page(struct followers *all, enum model_log kind, const char *key, uint64_t offset)
{
	const struct log_page *found = NULL;
	struct follower *f;

	pthread_mutex_lock(&all->lock);
	f = follow_find(all, kind, key);
	pthread_mutex_unlock(&all->lock);
	for (size_t i = 0; f && i < f->index_n && f->index[i].at <= offset; i++)
		found = &f->index[i];
	return found;
}

static void follow_free(struct follower *f)
{
	list_remove(&f->link);
	f->owner->n--;
	stream_unref(f->stream);
	free(f->token);
	for (size_t i = 0; i < f->index_n; i++) {
		free(f->index[i].stream);
		free(f->index[i].token);
	}
	free(f->index);
	list_for_each_safe (l, next, &f->readers) {
		list_remove(l);
		free(container_of(l, struct log_reader, link));
	}
	free(f);
}

/* Frees the oldest followers whose logs are not open. */
static void follow_forget_idle(struct followers *all)
{
	list_for_each_safe (l, next, &all->all) {
		struct follower *f = container_of(l, struct follower, link);

		if (all->n < FOLLOWERS_KEPT)
			return;
		if (!f->opens && !f->active && list_empty(&f->readers))
			follow_free(f);
	}
}

static struct follower *follow_add(struct followers *all, enum model_log kind, const char *key)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	follow_forget_idle(all);
	f->owner = all;
	f->news_ms = clock_monotonic_ms();
	f->kind = kind;
	snprintf(f->key, sizeof(f->key), "%s", key);
	f->stream = stream_new(LOG_KEEP);
	list_init(&f->readers);
	list_append(&all->all, &f->link);
	all->n++;
	if (f->stream)
		return f;
	follow_free(f);
	return NULL;
}

static int follow_add_reader(struct follower *f, void (*fetched)(void *arg), void *arg)
{
	struct log_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->fetched = fetched;
	reader->arg = arg;
	list_append(&f->readers, &reader->link);
	return 0;
}

/* Polls early for a reader that arrives long before the next poll. */
static void follow_poll_early(void *arg)
{
	struct follower *f = arg;
	bool idle;

	pthread_mutex_lock(&f->owner->lock);
	idle = f->active && !f->polling;
	pthread_mutex_unlock(&f->owner->lock);
	if (!idle)
		return;
	engine_timer_cancel(&f->timer);
	follow_poll(f);
}

static bool follow_is_fresh(const struct follower *f)
{
	return f->active && list_empty(&f->readers) && clock_monotonic_ms() - f->polled_ms < 2 * LOOK_EVERY_MS;
}

/*
 * Under the lock. 1: the log is followed and fresh; 2: it is followed, but the next poll should be made early; 0: the
 * caller starts a poll; negative errno.
 */
static int follow_open_locked(struct followers *all, enum model_log kind, const char *key, void (*fetched)(void *arg),
			      void *arg, struct follower **ret)
{
	struct follower *f = follow_find(all, kind, key);
	int r;

	if (!f)
		f = follow_add(all, kind, key);
	if (!f)
		return -ENOMEM;
	*ret = f;
	f->opens++;
	if (follow_is_fresh(f))
		return 1;
	r = follow_add_reader(f, fetched, arg);
	if (r < 0) {
		f->opens--;
		return r;
	}
	r = f->active ? 2 : 0;
	f->active = true;
	return r;
}

/* A query's log is kept by its job, so nothing is fetched. */
static struct stream *follow_query_log(struct model *m, const char *key)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct job *j = job_list_find(s->queries, strtoull(key, NULL, 10));

	return j ? stream_ref(j->log) : NULL;
}

struct stream *model_log_stream(struct model *m, enum model_log kind, const char *key)
{
	struct followers *all = m->followers;
	struct follower *f;
	struct stream *stream;

	if (kind == MODEL_LOG_QUERY)
		return follow_query_log(m, key);
	pthread_mutex_lock(&all->lock);
	f = follow_find(all, kind, key);
	stream = f ? stream_ref(f->stream) : NULL;
	pthread_mutex_unlock(&all->lock);
	return stream;
}

static int follow_open_query_log(struct model *m, const char *key, void (*fetched)(void *arg), void *arg,
				 struct stream **ret, struct error *err)
{
	*ret = follow_query_log(m, key);
	if (!*ret)
		return error_set(err, -ENOENT, "there is no query %s", key);
	fetched(arg);
	return 0;
}

int model_log_open(struct model *m, enum model_log kind, const char *key, void (*fetched)(void *arg), void *arg,
		   struct stream **ret, struct error *err)
{
	struct followers *all = m->followers;
	struct follower *f = NULL;
	int r;

	if (kind == MODEL_LOG_QUERY)
		return follow_open_query_log(m, key, fetched, arg, ret, err);
	pthread_mutex_lock(&all->lock);
	r = follow_open_locked(all, kind, key, fetched, arg, &f);
	*ret = r >= 0 ? stream_ref(f->stream) : NULL;
	pthread_mutex_unlock(&all->lock);
	if (r < 0)
		return r;
	if (r == 1)
		fetched(arg);
	else if (r == 0 && engine_post(m->engine, follow_poll, f) < 0)
		follow_end_poll(f);
	else if (r == 2)
		engine_post(m->engine, follow_poll_early, f);
	return 0;
}

void model_log_close(struct model *m, enum model_log kind, const char *key)
{
	struct followers *all = m->followers;
	struct follower *f;

	if (kind == MODEL_LOG_QUERY)
		return;
	pthread_mutex_lock(&all->lock);
	f = follow_find(all, kind, key);
	if (f && f->opens && --f->opens == 0)
		f->closed_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&all->lock);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

int followers_new(struct model *m, struct followers **ret)
{
	struct followers *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->model = m;
	pthread_mutex_init(&all->lock, NULL);
	list_init(&all->all);
	*ret = all;
	return 0;
}

void followers_free(struct followers *all)
{
	if (!all)
		return;
	list_for_each_safe (l, next, &all->all)
		follow_free(container_of(l, struct follower, link));
	pthread_mutex_destroy(&all->lock);
	free(all);
}
