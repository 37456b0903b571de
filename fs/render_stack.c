/*
 * render_stack.c - what AWS says: the stack, its parts, the tasks.
 */
#include "fs/render.h"

#include "fs/fs.h"

#include <string.h>

static const char *text_at(const void *object, size_t offset)
{
	return *(char *const *)((const char *)object + offset);
}

static int put_line(struct buf *out, const char *text)
{
	return text ? buf_printf(out, "%s\n", text) : 0;
}

int render_stack_text(const struct scope *s, struct buf *out)
{
	return put_line(out, text_at(s->snapshot->stack, s->row->arg));
}

int render_stack_json(const struct scope *s, struct buf *out)
{
	const char *text = text_at(s->snapshot->stack, s->row->arg);

	return text ? buf_puts(out, text) : 0;
}

int render_resource_text(const struct scope *s, struct buf *out)
{
	return put_line(out, text_at(s->resource, s->row->arg));
}

int render_task_text(const struct scope *s, struct buf *out)
{
	return put_line(out, text_at(s->task, s->row->arg));
}

int render_task_json(const struct scope *s, struct buf *out)
{
	const char *text = text_at(s->task, s->row->arg);

	return text ? buf_puts(out, text) : 0;
}

int render_pair(const struct scope *s, struct buf *out)
{
	return put_line(out, s->pair->value);
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

int render_template(const struct scope *s _unused_, struct buf *out)
{
	size_t len;
	const char *text = world_template_json(&len);

	return buf_append(out, text, len);
}

int render_plan(const struct scope *s, struct buf *out)
{
	return world_plan_render(s->snapshot, out);
}

int64_t changed_stack(const struct scope *s)
{
	return s->snapshot->stack->changed_ms;
}

int64_t changed_tasks(const struct scope *s)
{
	return s->snapshot->tasks->changed_ms;
}

int64_t changed_task(const struct scope *s)
{
	return s->task ? s->task->changed_ms : 0;
}

/* The plan follows from both. */
int64_t changed_plan(const struct scope *s)
{
	int64_t stack = s->snapshot->stack->changed_ms, settings = s->snapshot->settings_changed_ms;

	return stack > settings ? stack : settings;
}
