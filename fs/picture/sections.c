/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sections.c - the sections about the stack (tasks, errors and cost) and the functions that all sections share.
 */
#include "fs/picture/sections.h"

#include "base/markup.h"
#include "fs/picture/diagram.h"
#include "fs/picture/words.h"

#include <inttypes.h>
#include <string.h>

#define MESSAGE_COLUMNS 600

/* -- shared ------------------------------------------------------------------------------------------------------ */

void section_begin_entry(struct buf *out, enum part_state state, const char *name, const char *word)
{
	markup(out,
	       "<li class=\"entry %s\"><div class=\"line\"><svg class=\"sign\" viewBox=\"-9 -9 18 18\" "
	       "aria-hidden=\"true\">",
	       diagram_class(state));
	diagram_put_sign(state, 0, 0, out);
	markup(out, "</svg><strong>%.*s</strong> <span class=\"tag\">%.*s</span>", 80, name, 40, word);
}

void section_put_time(struct buf *out, int64_t wall_ms)
{
	char text[WORDS_SIZE];

	if (wall_ms)
		markup(out, "<time class=\"when\">%s</time>", words_time(wall_ms, text));
}

void section_put_remedy(struct buf *out, const char *remedy)
{
	if (*remedy)
		markup(out, "<p class=\"remedy\">Remedy: %.*s</p>", MESSAGE_COLUMNS, remedy);
}

void section_put_more(struct buf *out, size_t more, const char *place)
{
	if (more)
		markup(out, "<p class=\"more\">and %u more in <code>%s</code></p>\n", (unsigned)more, place);
}

/* -- tasks ------------------------------------------------------------------------------------------------------- */

static void section_put_size(struct buf *out, const struct task *t)
{
	double cpu = t->cpu ? strtod(t->cpu, NULL) / 1024 : 0, memory = t->memory ? strtod(t->memory, NULL) / 1024 : 0;
	char text[64];

	if (cpu <= 0 || memory <= 0)
		return;
	snprintf(text, sizeof(text), "%.4g vCPU, %.4g GB", cpu, memory);
	markup(out, "%s", text);
}

static void section_put_task(const struct picture *p, const struct task *t, struct buf *out)
{
	bool is_default = strcmp(t->id, p->snapshot->default_task) == 0;
	const char *word = "";
	enum part_state state = part_task_state(p->snapshot, t, &word);

	section_begin_entry(out, state, is_default ? "Default server" : t->server ? "Server" : "Task", word);
	section_put_time(out, t->created_ms);
	markup(out, "</div><p class=\"id\">%.*s</p><p class=\"note\">", 64, t->id);
	if (t->endpoint && task_is_live(t))
		markup(out, "%.*s \xc2\xb7 ", 64, t->endpoint);
	section_put_size(out, t);
	if (t->stopped_reason)
		markup(out, " \xc2\xb7 %.*s", 200, t->stopped_reason);
	if (t->exit_code)
		markup(out, " \xc2\xb7 exit code %.*s", 12, t->exit_code);
	buf_puts(out, "</p></li>\n");
}

/*
 * Compares two tasks: the default server comes first, then the other live tasks, then the stopped tasks, each group
 * newest first.
 */
static int section_task_rank(const struct picture *p, const struct task *t)
{
	if (strcmp(t->id, p->snapshot->default_task) == 0)
		return 0;
	return task_is_live(t) ? 1 : 2;
}

void section_put_tasks(const struct picture *p, struct buf *out)
{
	const struct task_list *l = p->snapshot->tasks;
	size_t shown = 0;

	markup(out, "<section>\n<h2>Tasks<small>%u live of %u</small></h2>\n", words_live_tasks(p), (unsigned)l->n);
	if (!l->n)
		markup(out, "<p class=\"note\">No tasks.%s</p>\n",
		       strcmp(snapshot_stack_word(p->snapshot), "deployed") == 0
			       ? " A server is started by: touch control/run-task"
			       : "");
	else
		buf_puts(out, "<ul>\n");
	for (int rank = 0; rank < 3; rank++)
		for (size_t i = 0; i < l->n && shown < SECTIONS_TASKS; i++)
			if (section_task_rank(p, &l->tasks[i]) == rank) {
				section_put_task(p, &l->tasks[i], out);
				shown++;
			}
	buf_puts(out, l->n ? "</ul>\n" : "");
	section_put_more(out, l->n - shown, "tasks/");
	buf_puts(out, "</section>\n");
}

/* -- errors ------------------------------------------------------------------------------------------------------ */

static void section_put_error(const struct failure_report *f, struct buf *out)
{
	const char *place = *f->path ? f->path : *f->job ? f->job : "vastfs";
	char count[32] = "";

	if (f->count > 1)
		snprintf(count, sizeof(count), "%u times", f->count);
	section_begin_entry(out, PART_FAILED, place, count);
	section_put_time(out, f->at_ms);
	markup(out, "</div><p>%.*s</p>", MESSAGE_COLUMNS, f->error.message);
	section_put_remedy(out, f->error.remedy);
	if (*f->error.code || *f->error.request_id)
		markup(out, "<p class=\"note\">%s%s%s</p>", f->error.code,
		       *f->error.code && *f->error.request_id ? ", request ID " : "", f->error.request_id);
	buf_puts(out, "</li>\n");
}

void section_put_errors(const struct picture *p, struct buf *out)
{
	if (!p->failures_n)
		return;
	buf_puts(out, "<section class=\"alert\">\n<h2>Errors<small>newest first; <code>: &gt; error</code> clears "
		      "them</small></h2>\n<ul>\n");
	for (size_t i = 0; i < p->failures_n; i++)
		section_put_error(&p->failures[i], out);
	buf_puts(out, "</ul>\n");
	section_put_more(out, p->failures_all - p->failures_n, "error");
	buf_puts(out, "</section>\n");
}

/* -- cost -------------------------------------------------------------------------------------------------------- */

static void section_put_amount(const struct cost_item *item, struct buf *out)
{
	char text[COST_TEXT_SIZE];

	markup(out, "<dt>%s</dt>", price_names[item->price].item);
	if (item->by_use)
		markup(out, "<dd>%s a %s</dd>\n", cost_format_price(item->unit_dollars, text),
		       price_names[item->price].unit);
	else
		markup(out, "<dd>%s%s</dd>\n", item->about ? "about " : "", cost_format(item->dollars, text));
}

static void section_put_amounts(const struct cost *cost, bool by_use, struct buf *out)
{
	for (size_t i = 0; i < cost->n; i++)
		if (cost->items[i].by_use == by_use)
			section_put_amount(&cost->items[i], out);
}

void section_put_cost(const struct picture *p, struct buf *out)
{
	struct cost cost;
	char text[COST_TEXT_SIZE];

	if (!p->snapshot->stack->exists || !snapshot_cost(p->snapshot, &cost) || !cost.n)
		return;
	markup(out,
	       "<section>\n<h2>Cost<small>per month now, at the list prices of %s</small></h2>\n<dl "
	       "class=\"amounts\">\n",
	       cost.region);
	section_put_amounts(&cost, false, out);
	markup(out,
	       "<dt class=\"sum\">Total without use</dt><dd class=\"sum\">%s%s</dd>\n</dl>\n<dl class=\"amounts "
	       "use\">\n",
	       cost.about ? "about " : "", cost_format(cost.dollars, text));
	section_put_amounts(&cost, true, out);
	buf_puts(out, "</dl>\n</section>\n");
}
