/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/failures.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>

#define FAILURES_PIDS 8
#define NOBODY	      ((uid_t)-1)

/* One failure, or several that differ only in their time and process. */
struct failure {
	uid_t uid; /* the user whose process got the failure; NOBODY: vastfs itself */
	unsigned count;
	pid_t pids[FAILURES_PIDS];     /* the processes that met it, newest first; 0: none */
	int64_t at_ms;		       /* wall clock */
	char *line;		       /* the line without time and process */
	struct failure_report *report; /* the failure; its time and count are the fields above */
};

struct failures {
	pthread_mutex_t lock;
	struct failure all[FAILURES_KEPT]; /* the oldest first */
	size_t n;
	int64_t changed_ms;
};

struct failures *failures_new(void)
{
	struct failures *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->changed_ms = clock_wall_ms();
	return f;
}

void failures_free(struct failures *f)
{
	if (!f)
		return;
	failures_clear(f);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Quoted so that a line can be split again: quotes inside become single ones. */
static void failures_put_quoted(struct buf *b, const char *key, const char *value)
{
	if (!*value)
		return;
	buf_printf(b, " %s=\"", key);
	for (const char *p = value; *p; p++)
		buf_putc(b, *p == '"' ? '\'' : *p);
	buf_putc(b, '"');
}

static const char *failures_errno_name(int errnum)
{
	const char *name = strerrorname_np(-errnum);

	return name ? name : "unknown";
}

/* Formats all fields except time and process: failures with the same text are the same failure. */
static char *failures_format_line(const struct failure_site *site, const struct error *err)
{
	_buf_ struct buf b = BUF_INIT(4096);

	if (site->pid)
		buf_printf(&b, " uid=%u", (unsigned)site->uid);
	if (site->path)
		buf_printf(&b, " path=%s", site->path);
	if (site->job)
		buf_printf(&b, " job=%s", site->job);
	buf_printf(&b, " errno=%s", failures_errno_name(err->errnum));
	failures_put_quoted(&b, "what", err->message);
	if (*err->code)
		buf_printf(&b, " code=%s", err->code);
	if (*err->request_id)
		buf_printf(&b, " request_id=%s", err->request_id);
	failures_put_quoted(&b, "remedy", err->remedy);
	return buf_take(&b);
}

static struct failure_report *failures_make_report(const struct failure_site *site, const struct error *err)
{
	struct failure_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	snprintf(r->path, sizeof(r->path), "%s", site->path ? site->path : "");
	snprintf(r->job, sizeof(r->job), "%s", site->job ? site->job : "");
	r->error = *err;
	return r;
}

static void failures_drop(struct failures *f, size_t at)
{
	free(f->all[at].line);
	free(f->all[at].report);
	f->n--;
	memmove(&f->all[at], &f->all[at + 1], (f->n - at) * sizeof(f->all[0]));
}

/* The same failure: it moves to the end. */
static struct failure failures_take(struct failures *f, uid_t uid, const char *line)
{
	for (size_t i = 0; i < f->n; i++) {
		struct failure found = f->all[i];

		if (found.uid != uid || strcmp(found.line, line) != 0)
			continue;
		f->all[i].line = NULL;
		f->all[i].report = NULL;
		failures_drop(f, i);
		return found;
	}
	return (struct failure){.uid = uid};
}

/* The oldest failure of this user if the user has the maximum number, or else the oldest of all failures. */
static void failures_make_room(struct failures *f, uid_t uid)
{
	size_t own = 0, oldest = 0;

	for (size_t i = f->n; i-- > 0;) {
		if (f->all[i].uid == uid) {
			own++;
			oldest = i;
		}
	}
	if (own >= FAILURES_OF_USER)
		failures_drop(f, oldest);
	else if (f->n == FAILURES_KEPT)
		failures_drop(f, 0);
}

static void failures_count(struct failure *e, pid_t pid)
{
	e->count++;
	e->at_ms = clock_wall_ms();
	if (e->pids[0] == pid)
		return;
	memmove(&e->pids[1], &e->pids[0], sizeof(e->pids) - sizeof(e->pids[0]));
	e->pids[0] = pid;
}

void failures_add(struct failures *f, const struct failure_site *site, const struct error *err)
{
	struct failure_report *report = failures_make_report(site, err);
	char *line = failures_format_line(site, err);
	uid_t uid = site->pid ? site->uid : NOBODY;
	struct failure e;

	if (!line || !report) {
		free(line);
		free(report);
		return;
	}
	pthread_mutex_lock(&f->lock);
	e = failures_take(f, uid, line);
	free(e.line);
	free(e.report);
	e.line = line;
	e.report = report;
	failures_count(&e, site->pid);
	failures_make_room(f, uid);
	f->all[f->n++] = e;
	f->changed_ms = clock_wall_ms();
	pthread_mutex_unlock(&f->lock);
}

void failures_clear(struct failures *f)
{
	pthread_mutex_lock(&f->lock);
	while (f->n)
		failures_drop(f, f->n - 1);
	f->changed_ms = clock_wall_ms();
	pthread_mutex_unlock(&f->lock);
}

/* The line also lists earlier processes, so that each of them finds it with grep "pid=$$". */
static void failures_put(const struct failure *e, struct buf *out)
{
	char when[CLOCK_TEXT_SIZE];

	buf_printf(out, "time=%s", clock_format(e->at_ms, when));
	if (e->pids[0])
		buf_printf(out, " pid=%d", (int)e->pids[0]);
	buf_puts(out, e->line);
	if (e->count > 1)
		buf_printf(out, " count=%u", e->count);
	for (size_t i = 1; i < FAILURES_PIDS && e->pids[i]; i++)
		buf_printf(out, "%spid=%d", i == 1 ? " earlier=\"" : " ", (int)e->pids[i]);
	buf_puts(out, e->pids[0] && e->pids[1] ? "\"\n" : "\n");
}

int failures_render(struct failures *f, struct buf *out)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n; i++)
		failures_put(&f->all[i], out);
	pthread_mutex_unlock(&f->lock);
	return out->error;
}

size_t failures_newest(struct failures *f, struct failure_report *out, size_t max, size_t *ret_all)
{
	size_t n;

	pthread_mutex_lock(&f->lock);
	*ret_all = f->n;
	n = f->n < max ? f->n : max;
	for (size_t i = 0; i < n; i++) {
		const struct failure *e = &f->all[f->n - 1 - i];

		out[i] = *e->report;
		out[i].at_ms = e->at_ms;
		out[i].count = e->count;
	}
	pthread_mutex_unlock(&f->lock);
	return n;
}

int64_t failures_changed(struct failures *f)
{
	int64_t changed;

	pthread_mutex_lock(&f->lock);
	changed = f->changed_ms;
	pthread_mutex_unlock(&f->lock);
	return changed;
}
