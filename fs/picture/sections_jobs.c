/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sections_jobs.c - the sections about jobs: the operation that runs or ran last, queries, imports.
 */
#include "base/markup.h"
#include "fs/picture/sections.h"
#include "fs/picture/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAR_WIDTH     1000
#define RESULT_LINES  8
#define LINE_COLUMNS  300
#define QUERY_COLUMNS 240

static enum part_state sections_job_state(const struct job_view *v)
{
	switch (v->state) {
	case JOB_QUEUED:
	case JOB_RUNNING:
		return PART_BUSY;
	case JOB_SUCCEEDED:
		return v->ran && v->exit_code ? PART_FAILED : PART_READY;
	case JOB_FAILED:
		return PART_FAILED;
	case JOB_CANCELLED:
		return PART_MISSING;
	case JOB_UNKNOWN:
		break;
	}
	return PART_UNKNOWN;
}

/* Appends the state of a job: "running 0:01:12", "exit code 2", "failed". */
static void sections_describe(const struct picture *p, const struct job_view *v, char *out, size_t size)
{
	char elapsed[WORDS_SIZE];

	words_elapsed(p, v, elapsed);
	if (v->state == JOB_SUCCEEDED && v->ran && v->exit_code)
		snprintf(out, size, "exit code %d", v->exit_code);
	else
		snprintf(out, size, "%s%s%s", job_state_name(v->state), *elapsed && !v->ended_ms ? " " : "",
			 v->ended_ms ? "" : elapsed);
}

/* Appends the step of a job in flight, and a bar if the number of steps is known. */
static void sections_put_progress(const struct job_view *v, struct buf *out)
{
	unsigned done = v->done < v->total ? v->done : v->total;

	if (job_state_ended(v->state))
		return;
	if (!v->total) {
		if (*v->step)
			markup(out, "<p class=\"note\">%s</p>", v->step);
		return;
	}
	markup(out,
	       "<svg class=\"bar\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" role=\"img\" "
	       "aria-label=\"%u of %u\"><rect class=\"track\" width=\"%d\" height=\"10\"/><rect class=\"done\" "
	       "width=\"%u\" height=\"10\"/></svg>",
	       BAR_WIDTH, done, v->total, BAR_WIDTH, (unsigned)((uint64_t)BAR_WIDTH * done / v->total));
	markup(out, "<p class=\"note\">%u of %u%s%s</p>", done, v->total, *v->step ? " \xc2\xb7 " : "", v->step);
}

static void sections_put_lines(const char *text, size_t lines_most, struct buf *out)
{
	buf_puts(out, "<pre>");
	for (size_t i = 0; *text && i < lines_most; i++) {
		size_t len = strcspn(text, "\n"), most = 4 * LINE_COLUMNS;
		char line[4 * LINE_COLUMNS + 1];

		snprintf(line, sizeof(line), "%.*s", (int)(len < most ? len : most), text);
		markup(out, "%.*s\n", LINE_COLUMNS, line);
		text += len + (text[len] == '\n');
	}
	buf_puts(out, *text ? "\xe2\x80\xa6</pre>" : "</pre>");
}

/* Returns whether the section about errors shows this message. */
static bool sections_is_listed(const struct picture *p, const char *message)
{
	for (size_t i = 0; i < p->failures_n; i++)
		if (strcmp(p->failures[i].error.message, message) == 0)
			return true;
	return false;
}

static void sections_put_problem(const struct picture *p, const struct job_view *v, struct buf *out)
{
	if (!*v->error->message || sections_is_listed(p, v->error->message))
		return;
	markup(out, "<p>%.*s</p>", 600, v->error->message);
	section_put_remedy(out, v->error->remedy);
}

/* -- the operation ----------------------------------------------------------------------------------------------- */

static void sections_put_operation(const struct picture *p, struct job *j, struct buf *out)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char name[2 * WORDS_SIZE], word[WORDS_SIZE];

	snprintf(name, sizeof(name), "%s%s%s", j->name, *j->argument ? " " : "", j->argument);
	sections_describe(p, v, word, sizeof(word));
	section_begin_entry(out, sections_job_state(v), name, word);
	section_put_time(out, v->started_ms);
	buf_puts(out, "</div>");
	sections_put_progress(v, out);
	sections_put_problem(p, v, out);
	if (v->result && v->result->len)
		sections_put_lines(v->result->data, RESULT_LINES, out);
	markup(out, "<p class=\"note\">log: <code>operations/%u/operation.log</code></p></li>\n", (unsigned)j->number);
}

void section_put_operation(const struct picture *p, struct buf *out)
{
	struct job *beside = snapshot_running_beside(p->snapshot), *running = snapshot_running_operation(p->snapshot);

	if (!running && !beside)
		running = job_list_last(p->snapshot->operations);
	if (!running && !beside)
		return;
	buf_puts(out, "<section>\n<h2>Operation</h2>\n<ul>\n");
	if (beside)
		sections_put_operation(p, beside, out);
	if (running)
		sections_put_operation(p, running, out);
	buf_puts(out, "</ul>\n</section>\n");
}

/* -- queries and imports ----------------------------------------------------------------------------------------- */

static void sections_put_took(const struct job_view *v, struct buf *out)
{
	char text[WORDS_SIZE];

	snprintf(text, sizeof(text), "%.1f s", (double)v->duration_ms / 1000);
	if (v->duration_ms >= 0)
		markup(out, "<span class=\"tag\">in %s</span>", text);
}

static void sections_put_query(const struct picture *p, struct job *j, struct buf *out)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char name[WORDS_SIZE], word[WORDS_SIZE];

	snprintf(name, sizeof(name), "Query %" PRIu64, j->number);
	sections_describe(p, v, word, sizeof(word));
	section_begin_entry(out, sections_job_state(v), name, word);
	sections_put_took(v, out);
	section_put_time(out, v->started_ms ? v->started_ms : j->created_ms);
	markup(out, "</div><p class=\"id\">%.*s</p>", QUERY_COLUMNS, j->query ? j->query->data : "");
	sections_put_progress(v, out);
	sections_put_problem(p, v, out);
	buf_puts(out, "</li>\n");
}

static void sections_put_import(const struct picture *p, struct job *j, struct buf *out)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	char word[WORDS_SIZE];

	sections_describe(p, v, word, sizeof(word));
	section_begin_entry(out, sections_job_state(v), j->argument, word);
	section_put_time(out, v->started_ms ? v->started_ms : j->created_ms);
	buf_puts(out, "</div>");
	sections_put_progress(v, out);
	sections_put_problem(p, v, out);
	if (v->result && v->result->len)
		sections_put_lines(v->result->data, RESULT_LINES, out);
	buf_puts(out, "</li>\n");
}

/* Appends the newest jobs of a list, newest first. */
static void sections_put_jobs(const struct picture *p, const struct job_list *l, size_t most, struct buf *out,
			      void (*put)(const struct picture *p, struct job *j, struct buf *out))
{
	buf_puts(out, "<ul>\n");
	for (size_t i = 0; i < l->n && i < most; i++)
		put(p, l->jobs[l->n - 1 - i], out);
	buf_puts(out, "</ul>\n");
}

void section_put_queries(const struct picture *p, struct buf *out)
{
	const struct job_list *l = p->snapshot->queries;

	if (!l->n)
		return;
	markup(out, "<section>\n<h2>Queries<small>%u in flight</small></h2>\n", words_in_flight(l));
	sections_put_jobs(p, l, SECTIONS_QUERIES, out, sections_put_query);
	section_put_more(out, l->n > SECTIONS_QUERIES ? l->n - SECTIONS_QUERIES : 0, "lambda/history/");
	buf_puts(out, "</section>\n");
}

void section_put_imports(const struct picture *p, struct buf *out)
{
	const struct job_list *l = p->snapshot->imports;
	char totals[WORDS_SIZE];

	if (!l->n)
		return;
	snprintf(totals, sizeof(totals), "%" PRIu64 " events waiting, %" PRIu64 " delivered, %" PRIu64 " rejected",
		 p->imports.events_waiting, p->imports.delivered, p->imports.rejected);
	markup(out, "<section>\n<h2>Imports<small>%s</small></h2>\n", totals);
	sections_put_jobs(p, l, SECTIONS_IMPORTS, out, sections_put_import);
	section_put_more(out, l->n > SECTIONS_IMPORTS ? l->n - SECTIONS_IMPORTS : 0, "import/history/");
	buf_puts(out, "</section>\n");
}
