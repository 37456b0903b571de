/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/snapshot.h"

#include "base/clock.h"
#include "model/internal.h"
#include "stack/states.h"

#include <string.h>

#define CURRENT_FOR_MS 30000

struct snapshot *snapshot_ref(struct snapshot *s)
{
	ref_get(&s->ref);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	settings_unref(s->settings);
	blob_unref(s->settings_text);
	blob_unref(s->settings_fault);
	blob_unref(s->elsewhere);
	discovery_unref(s->discovery);
	stack_view_unref(s->stack);
	task_list_unref(s->tasks);
	job_list_unref(s->operations);
	job_list_unref(s->queries);
	job_list_unref(s->execs);
	job_list_unref(s->checks);
	job_list_unref(s->imports);
	for (size_t i = 0; i < REPORT_MAX; i++)
		stack_report_unref(s->reports[i]);
	free(s);
}

struct snapshot *snapshot_first(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	_buf_ struct buf empty = BUF_INIT(1);

	if (!s)
		return NULL;
	ref_init(&s->ref);
	s->generation = 1;
	s->storage_bytes = -1;
	s->settings_text = blob_from_buf(&empty);
	s->settings_changed_ms = clock_wall_ms();
	s->stack = stack_view_parse("", false, NULL, NULL, NULL, NULL);
	s->tasks = task_list_parse(NULL, NULL, NULL, NULL);
	s->discovery = discovery_new("", "", DISCOVERY_READING, NULL);
	s->operations = job_list_with(NULL, NULL, 0);
	s->queries = job_list_with(NULL, NULL, 0);
	s->execs = job_list_with(NULL, NULL, 0);
	s->checks = job_list_with(NULL, NULL, 0);
	s->imports = job_list_with(NULL, NULL, 0);
	if (s->settings_text && s->stack && s->tasks && s->discovery && s->operations && s->queries && s->execs &&
	    s->checks && s->imports)
		return s;
	snapshot_unref(s);
	return NULL;
}

struct snapshot *snapshot_copy(const struct snapshot *old)
{
	struct snapshot *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	/* Copies everything but the reference count, which others may change meanwhile. */
	memcpy((char *)s + sizeof(s->ref), (const char *)old + sizeof(old->ref), sizeof(*s) - sizeof(s->ref));
	ref_init(&s->ref);
	if (s->settings)
		settings_ref(s->settings);
	blob_ref(s->settings_text);
	blob_ref(s->settings_fault);
	blob_ref(s->elsewhere);
	discovery_ref(s->discovery);
	stack_view_ref(s->stack);
	task_list_ref(s->tasks);
	job_list_ref(s->operations);
	job_list_ref(s->queries);
	job_list_ref(s->execs);
	job_list_ref(s->checks);
	job_list_ref(s->imports);
	for (size_t i = 0; i < REPORT_MAX; i++)
		stack_report_ref(s->reports[i]);
	return s;
}

int64_t snapshot_age_ms(const struct snapshot *s)
{
	int64_t slept_ms = clock_slept_ms() - s->contact_slept_ms;

	if (!s->contact_ms)
		return -1;
	return clock_monotonic_ms() - s->contact_monotonic_ms + (slept_ms > 0 ? slept_ms : 0);
}

bool snapshot_is_current(const struct snapshot *s)
{
	int64_t age_ms = snapshot_age_ms(s);

	return age_ms >= 0 && age_ms <= CURRENT_FOR_MS;
}

const struct task *snapshot_default_task(const struct snapshot *s)
{
	return *s->default_task ? task_list_find(s->tasks, s->default_task) : NULL;
}

bool snapshot_task_is_outdated(const struct snapshot *s, const struct task *t)
{
	const char *current = stack_view_output(s->stack, "TaskDefinitionArn");

	return t->server && current && t->task_definition && strcmp(t->task_definition, current) != 0;
}

static struct job *snapshot_find_running(const struct snapshot *s, bool beside)
{
	for (size_t i = s->operations->n; i-- > 0;) {
		struct job *j = s->operations->jobs[i];
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		if (!job_state_ended(v->state) && verb_is_beside(j->name) == beside)
			return j;
	}
	return NULL;
}

struct job *snapshot_running_operation(const struct snapshot *s)
{
	return snapshot_find_running(s, false);
}

bool snapshot_lost_its_operation(const struct snapshot *s)
{
	struct job *last = job_list_last(s->operations);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = last ? job_view(last) : NULL;

	return v && v->state == JOB_FAILED && v->error->duration == ERROR_OUTLASTED;
}

struct job *snapshot_running_beside(const struct snapshot *s)
{
	return snapshot_find_running(s, true);
}

enum snapshot_health snapshot_health(const struct snapshot *s, const struct task *t, struct job **ret_job)
{
	struct job *last = job_list_last_of(s->checks, t->id);
	enum snapshot_health health = HEALTH_UNKNOWN;

	if (ret_job)
		*ret_job = last;
	for (size_t i = s->checks->n; i-- > 0 && health == HEALTH_UNKNOWN;) {
		struct job *j = s->checks->jobs[i];
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

		if (strcmp(j->argument, t->id) == 0 && v->ran && v->exit_code != CHECK_CANNOT_TELL)
			health = v->exit_code == 0 ? HEALTH_ANSWERS : HEALTH_SILENT;
	}
	return t->status && strcmp(t->status, "RUNNING") == 0 ? health : HEALTH_UNKNOWN;
}

const char *snapshot_stack_word(const struct snapshot *s)
{
	return stack_state(s->stack->status)->word;
}

bool snapshot_cost(const struct snapshot *s, struct cost *ret)
{
	struct cost_situation now;

	if (!s->settings || !s->contact_ms || s->stack->foreign)
		return false;
	now = cost_situation_of_stack(s->stack, s->tasks, s->storage_bytes);
	cost_of_situation(settings_get(s->settings, SETTING_AWS_REGION), &now, ret);
	return true;
}
