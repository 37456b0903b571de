/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_job.c - renders the files of a job's directory.
 */
#include "fs/render.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define BAR_WIDTH 20

static int render_put_blob(struct buf *out, const struct blob *b)
{
	return b ? buf_append(out, b->data, b->len) : 0;
}

int render_job_name(const struct scope *s, struct buf *out)
{
	return buf_printf(out, "%s%s%s\n", s->job->name, *s->job->argument ? " " : "", s->job->argument);
}

int render_job_state(const struct scope *s, struct buf *out)
{
	return s->view ? buf_printf(out, "%s\n", job_state_name(s->view->state)) : 0;
}

uint64_t job_token(const struct scope *s)
{
	return s->job ? s->job->number * 8 + s->view->state + 1 : 0;
}

static int64_t render_put_elapsed(const struct scope *s)
{
	int64_t until = s->view->ended_ms ? s->view->ended_ms : clock_wall_ms();

	return s->view->started_ms && until > s->view->started_ms ? until - s->view->started_ms : 0;
}

static void render_put_bar(struct buf *out, unsigned done, unsigned total)
{
	unsigned filled = done < total ? BAR_WIDTH * done / total : BAR_WIDTH;

	buf_putc(out, '[');
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		buf_putc(out, i < filled ? '#' : '.');
	buf_printf(out, "] %u/%u ", done, total);
}

int render_job_progress(const struct scope *s, struct buf *out)
{
	char text[CLOCK_TEXT_SIZE];

	if (!s->view)
		return 0;
	if (s->view->total)
		render_put_bar(out, s->view->done, s->view->total);
	return buf_printf(out, "%s %s\n", *s->view->step ? s->view->step : job_state_name(s->view->state),
			  clock_duration(render_put_elapsed(s), text));
}

int render_job_error(const struct scope *s, struct buf *out)
{
	const struct error *e = s->view ? s->view->error : NULL;

	if (!e || !*e->message)
		return 0;
	buf_printf(out, "%s\n", e->message);
	if (*e->code)
		buf_printf(out, "code: %s\n", e->code);
	if (*e->request_id)
		buf_printf(out, "request id: %s\n", e->request_id);
	return *e->remedy ? buf_printf(out, "remedy: %s\n", e->remedy) : out->error;
}

int render_job_started(const struct scope *s, struct buf *out)
{
	char text[CLOCK_TEXT_SIZE];

	return s->view->started_ms ? buf_printf(out, "%s\n", clock_format(s->view->started_ms, text)) : 0;
}

int render_job_elapsed(const struct scope *s, struct buf *out)
{
	char text[CLOCK_TEXT_SIZE];

	return buf_printf(out, "%s\n", clock_duration(render_put_elapsed(s), text));
}

int render_job_duration(const struct scope *s, struct buf *out)
{
	return s->view && s->view->duration_ms >= 0 ? buf_printf(out, "%" PRId64 "\n", s->view->duration_ms) : 0;
}

int render_job_request_id(const struct scope *s, struct buf *out)
{
	return s->view && *s->view->request_id ? buf_printf(out, "%s\n", s->view->request_id) : 0;
}

int render_job_query(const struct scope *s, struct buf *out)
{
	return s->job ? render_put_blob(out, s->job->query) : 0;
}

int render_latest(const struct scope *s, struct buf *out)
{
	const struct job *last = job_list_last(s->snapshot->operations);

	return last ? buf_printf(out, "%" PRIu64, last->number) : 0;
}

/* -- times ----------------------------------------------------------------------------------------------------- */

static int64_t newest_job(const struct job_list *l)
{
	const struct job *last = job_list_last(l);

	return last ? last->created_ms : 0;
}

int64_t changed_operations(const struct scope *s)
{
	return newest_job(s->snapshot->operations);
}

int64_t changed_queries(const struct scope *s)
{
	return newest_job(s->snapshot->queries);
}

int64_t changed_imports(const struct scope *s)
{
	return newest_job(s->snapshot->imports);
}

int64_t changed_execs(const struct scope *s)
{
	const struct job *last = s->task ? job_list_last_of(s->snapshot->execs, s->task->id) : NULL;

	return last ? last->created_ms : s->task ? s->task->created_ms : 0;
}

int64_t changed_job(const struct scope *s)
{
	return !s->job ? 0 : s->view->changed_ms ? s->view->changed_ms : s->job->created_ms;
}
