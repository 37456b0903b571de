/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_stack.c - renders the state that AWS reports: the stack, its resources and the tasks.
 */
#include "fs/render.h"

#include "base/clock.h"
#include "base/escape.h"
#include "fs/fs.h"

#include <string.h>

static const char *render_text_at(const void *object, size_t offset)
{
	return *(char *const *)((const char *)object + offset);
}

static int render_put_line(struct buf *out, const char *text)
{
	if (!text)
		return 0;
	escape_line(out, text);
	return buf_putc(out, '\n');
}

int render_stack_text(const struct scope *s, struct buf *out)
{
	return render_put_line(out, render_text_at(s->snapshot->stack, s->row->arg));
}

int render_stack_json(const struct scope *s, struct buf *out)
{
	const char *text = render_text_at(s->snapshot->stack, s->row->arg);

	return text ? buf_puts(out, text) : 0;
}

int render_resource_text(const struct scope *s, struct buf *out)
{
	return render_put_line(out, render_text_at(s->resource, s->row->arg));
}

int render_task_text(const struct scope *s, struct buf *out)
{
	return render_put_line(out, render_text_at(s->task, s->row->arg));
}

int render_task_json(const struct scope *s, struct buf *out)
{
	const char *text = render_text_at(s->task, s->row->arg);

	return text ? buf_puts(out, text) : 0;
}

int render_pair(const struct scope *s, struct buf *out)
{
	return render_put_line(out, s->pair->value);
}

int render_default_task(const struct scope *s, struct buf *out)
{
	return buf_puts(out, s->snapshot->default_task);
}

int render_stray(const struct scope *s, struct buf *out)
{
	const char *target = links_target(&s->fs->links, s->key);

	return target ? buf_puts(out, target) : 0;
}

int render_stop(const struct scope *s, struct buf *out)
{
	return buf_printf(out,
			  "Stops this task: touch %s/tasks/%s/stop\n"
			  "The server gets SIGTERM and has two minutes to end.\n",
			  s->fs->mountpoint, s->key);
}

/* The definition of these tasks has no health check. So the result of vastfs's own check replaces UNKNOWN. */
int render_health(const struct scope *s, struct buf *out)
{
	static const char *const words[] = {
		[HEALTH_UNKNOWN] = "UNKNOWN", [HEALTH_ANSWERS] = "HEALTHY", [HEALTH_SILENT] = "UNHEALTHY"};
	const char *of_ecs = s->task->health;

	if (of_ecs && strcmp(of_ecs, "UNKNOWN") != 0)
		return render_put_line(out, of_ecs);
	return render_put_line(out, words[snapshot_health(s->snapshot, s->task, NULL)]);
}

int64_t changed_health(const struct scope *s)
{
	struct job *last = NULL;
	_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;

	snapshot_health(s->snapshot, s->task, &last);
	v = last ? job_view(last) : NULL;
	return v && v->changed_ms > s->task->changed_ms ? v->changed_ms : s->task->changed_ms;
}

static int render_put_last_check(const struct job *j, const struct job_view *v, struct buf *out)
{
	char when[CLOCK_TEXT_SIZE], words[200] = "";
	ssize_t n = v->output ? output_read(v->output, 0, words, sizeof(words) - 1) : 0;

	if (v->result)
		snprintf(words, sizeof(words), "%s", v->result->data);
	else
		words[n > 0 ? n : 0] = '\0';
	words[strcspn(words, "\n")] = '\0';
	return buf_printf(out, "Last: %s %s%s%s\n", clock_format(j->created_ms, when),
			  v->ran ? words : job_state_name(v->state), v->ran || !*v->error->message ? "" : ": ",
			  v->ran ? "" : v->error->message);
}

int render_check(const struct scope *s, struct buf *out)
{
	struct job *last = NULL;
	_cleanup_(job_view_unref_cleanup) struct job_view *v = NULL;

	snapshot_health(s->snapshot, s->task, &last);
	v = last ? job_view(last) : NULL;
	buf_printf(out,
		   "Asks from Lambda whether this task's port answers: touch %s/tasks/%s/check\n"
		   "The result is in the file health and below.\n",
		   s->fs->mountpoint, s->key);
	return v ? render_put_last_check(last, v, out) : buf_puts(out, "Last: never\n");
}

int render_template(const struct scope *s _unused_, struct buf *out)
{
	size_t len;
	const char *text = model_template_json(&len);

	return buf_append(out, text, len);
}

int render_plan(const struct scope *s, struct buf *out)
{
	return model_plan_render(s->snapshot, out);
}

int render_drift(const struct scope *s, struct buf *out)
{
	return model_drift_render(s->snapshot, out);
}

int64_t changed_stack(const struct scope *s)
{
	return s->snapshot->stack->changed_ms;
}

/* The names in tasks/: its tasks, and the link to the default task. */
int64_t changed_tasks(const struct scope *s)
{
	int64_t members_ms = s->snapshot->tasks->changed_ms, link_ms = s->snapshot->default_changed_ms;

	return link_ms > members_ms ? link_ms : members_ms;
}

int64_t changed_task(const struct scope *s)
{
	return s->task ? s->task->changed_ms : 0;
}

int64_t changed_plan(const struct scope *s)
{
	return model_plan_changed(s->snapshot);
}

int64_t changed_drift(const struct scope *s)
{
	return model_drift_changed(s->snapshot);
}
