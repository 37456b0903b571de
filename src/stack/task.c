/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"
#include "aws/protocol/json.h"
#include "base/clock.h"
#include "stack/container.h"
#include "stack/server_list.h"
#include "stack/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* awslogs names a stream prefix/container/task; the prefix is the template's. */
#define LOG_STREAM_FORMAT "server/%s/%s"

#define TASK_DISK_MOST_GIB 200 /* Fargate's maximum */

/* Where ECS's record has each field: in the task, or in the server's container; both NULL: derived below. */
static const struct {
	size_t offset;
	const char *path, *of_container;
} fields[] = {
	{offsetof(struct task, arn), "taskArn", NULL},
	{offsetof(struct task, status), "lastStatus", NULL},
	{offsetof(struct task, desired_status), "desiredStatus", NULL},
	{offsetof(struct task, health), NULL, "healthStatus"},
	{offsetof(struct task, image), NULL, "image"},
	{offsetof(struct task, container), NULL, "name"},
	{offsetof(struct task, runtime_id), NULL, "runtimeId"},
	{offsetof(struct task, cpu), "cpu", NULL},
	{offsetof(struct task, memory), "memory", NULL},
	{offsetof(struct task, stop_code), "stopCode", NULL},
	{offsetof(struct task, task_definition), "taskDefinitionArn", NULL},
	{offsetof(struct task, group), "group", NULL},
	{offsetof(struct task, id), NULL, NULL},
	{offsetof(struct task, stopped_reason), NULL, NULL},
	{offsetof(struct task, foreign_failure), NULL, NULL},
	{offsetof(struct task, private_ip), NULL, NULL},
	{offsetof(struct task, endpoint), NULL, NULL},
	{offsetof(struct task, created), NULL, NULL},
	{offsetof(struct task, started), NULL, NULL},
	{offsetof(struct task, exit_code), NULL, NULL},
	{offsetof(struct task, json), NULL, NULL},
	{offsetof(struct task, log_stream), NULL, NULL},
};

static char **task_field(const struct task *t, size_t i)
{
	return (char **)((char *)t + fields[i].offset);
}

/* NULL if a part is missing, or without memory. */
static char *task_join_text(const char *format, const char *a, const char *b)
{
	char *text;

	if (!a || !b || asprintf(&text, format, a, b) < 0)
		return NULL;
	return text;
}

/* ECS reports seconds since 1970 with a fraction. */
static char *task_time(const cJSON *tree, const char *path, int64_t *ret_ms)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t ms = clock_of_seconds(aws_number(tree, path, 0));

	if (ret_ms)
		*ret_ms = ms > 0 ? ms : 0;
	return ms > 0 ? strdup(clock_format(ms, text)) : NULL;
}

static char *task_private_ip(const cJSON *task)
{
	const cJSON *attachment, *detail;

	cJSON_ArrayForEach (attachment, aws_at(task, "attachments"))
		cJSON_ArrayForEach (detail, aws_at(attachment, "details"))
			if (strcmp(aws_text(detail, "name"), "privateIPv4Address") == 0)
				return strdup(aws_text(detail, "value"));
	return NULL;
}

static char *task_exit_code(const cJSON *task)
{
	const cJSON *code = aws_at(container_find(aws_at(task, "containers")), "exitCode");
	char *text;

	if (!cJSON_IsNumber(code) || asprintf(&text, "%d", code->valueint) < 0)
		return NULL;
	return text;
}

static bool task_is_arm64(const cJSON *task)
{
	const cJSON *attribute;

	cJSON_ArrayForEach (attribute, aws_at(task, "attributes"))
		if (strcmp(aws_text(attribute, "name"), "ecs.cpu-architecture") == 0)
			return strcmp(aws_text(attribute, "value"), "arm64") == 0;
	return false;
}

static unsigned task_disk_gib(const cJSON *task)
{
	double gib = aws_number(task, "ephemeralStorage.sizeInGiB", 0);

	return gib > 0 && gib <= TASK_DISK_MOST_GIB ? (unsigned)gib : 0;
}

/* The text that the function `put` appends, NULL if it appends nothing. */
static char *task_put_text(const cJSON *task, void (*put)(const cJSON *task, struct buf *out))
{
	_buf_ struct buf text = BUF_INIT(8192);

	put(task, &text);
	return text.len ? buf_take(&text) : NULL;
}

static const char *task_last_part(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

static void task_derive(struct task *t, const cJSON *json, const char *port, const char *family)
{
	t->id = strdup(task_last_part(t->arn));
	t->private_ip = task_private_ip(json);
	t->endpoint = task_join_text("%s:%s", t->private_ip, port);
	t->created = task_time(json, "createdAt", &t->created_ms);
	t->started = task_time(json, "startedAt", NULL);
	t->exit_code = task_exit_code(json);
	t->stopped_reason = task_put_text(json, container_put_stop_reason);
	t->foreign_failure = task_put_text(json, container_put_foreign_failure);
	t->json = aws_json_print(json);
	t->exec_enabled = cJSON_IsTrue(aws_at(json, "enableExecuteCommand"));
	t->arm64 = task_is_arm64(json);
	t->disk_gib = task_disk_gib(json);
	t->log_stream = task_join_text(LOG_STREAM_FORMAT, t->container, t->id);
	t->server = task_definition_is_of_family(t->task_definition, family);
}

static bool task_same_record(const struct task *a, const struct task *b)
{
	return a->json && b->json && strcmp(a->json, b->json) == 0;
}

static void task_parse(struct task *t, const cJSON *json, const char *port, const char *family,
		       const struct task_list *before)
{
	const struct task *old;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = fields[i].path	    ? aws_text(json, fields[i].path)
				   : fields[i].of_container ? container_text(json, fields[i].of_container)
							    : "";

		if (*text)
			*task_field(t, i) = strdup(text);
	}
	if (!t->arn)
		return;
	task_derive(t, json, port, family);
	old = before && t->id ? task_list_find(before, t->id) : NULL;
	t->changed_ms = old && task_same_record(t, old) ? old->changed_ms : clock_wall_ms();
}

static void task_free_fields(struct task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		free(*task_field(t, i));
}

static int task_newest_first(const void *a, const void *b)
{
	const struct task *ta = a, *tb = b;

	if (ta->created_ms != tb->created_ms)
		return ta->created_ms < tb->created_ms ? 1 : -1;
	return strcmp(ta->id, tb->id);
}

static int task_by_id(const void *a, const void *b)
{
	return strcmp(((const struct task *)a)->id, ((const struct task *)b)->id);
}

/* Pages that were read while tasks started and stopped may contain a task twice. */
static void task_drop_repeated(struct task_list *l)
{
	size_t kept = 0;

	qsort(l->tasks, l->n, sizeof(*l->tasks), task_by_id);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && strcmp(l->tasks[i].id, l->tasks[kept - 1].id) == 0)
			task_free_fields(&l->tasks[i]);
		else
			l->tasks[kept++] = l->tasks[i];
	}
	l->n = kept;
}

static int task_index_by_id(const void *a, const void *b)
{
	return task_by_id(*(const struct task *const *)a, *(const struct task *const *)b);
}

static int task_make_index(struct task_list *l)
{
	l->by_id = calloc(l->n, sizeof(struct task *));
	if (!l->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		l->by_id[i] = &l->tasks[i];
	qsort(l->by_id, l->n, sizeof(struct task *), task_index_by_id);
	return 0;
}

static int task_list_sort(struct task_list *l)
{
	if (!l->n)
		return 0;
	task_drop_repeated(l);
	qsort(l->tasks, l->n, sizeof(*l->tasks), task_newest_first);
	return task_make_index(l);
}

static bool task_same_members(const struct task_list *a, const struct task_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->tasks[i].id, b->tasks[i].id) != 0)
			return false;
	return true;
}

static void task_list_parse_all(struct task_list *l, const cJSON *tasks, const char *port, const char *family,
				const struct task_list *before)
{
	const cJSON *json;

	cJSON_ArrayForEach (json, tasks) {
		struct task *t = &l->tasks[l->n];

		task_parse(t, json, port, family, before);
		if (t->id) {
			l->n++;
			continue;
		}
		task_free_fields(t);
		memset(t, 0, sizeof(*t));
	}
}

struct task_list *task_list_parse(const cJSON *tasks, const char *port, const char *family,
				  const struct task_list *before)
{
	struct task_list *l = calloc(1, sizeof(*l));
	int n = cJSON_GetArraySize(tasks);

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->tasks = n > 0 ? calloc((size_t)n, sizeof(*l->tasks)) : NULL;
	if (l->tasks)
		task_list_parse_all(l, tasks, port, family, before);
	if ((n > 0 && !l->tasks) || task_list_sort(l) < 0) {
		task_list_unref(l);
		return NULL;
	}
	l->changed_ms = before && task_same_members(l, before) ? before->changed_ms : clock_wall_ms();
	return l;
}

struct task_list *task_list_ref(struct task_list *l)
{
	ref_get(&l->ref);
	return l;
}

void task_list_unref(struct task_list *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	for (size_t i = 0; i < l->n; i++)
		task_free_fields(&l->tasks[i]);
	free(l->tasks);
	free(l->by_id);
	free(l);
}

static int task_compare_id(const void *id, const void *task)
{
	return strcmp(id, (*(const struct task *const *)task)->id);
}

const struct task *task_list_find(const struct task_list *l, const char *id)
{
	const struct task **found = l->n ? bsearch(id, l->by_id, l->n, sizeof(struct task *), task_compare_id) : NULL;

	return found ? *found : NULL;
}

bool task_is_live(const struct task *t)
{
	return (!t->desired_status || strcmp(t->desired_status, "STOPPED") != 0) &&
	       (!t->status || strcmp(t->status, "STOPPED") != 0);
}

static bool task_is_running_server(const struct task *t)
{
	return t->server && task_is_live(t) && t->status && strcmp(t->status, "RUNNING") == 0;
}

const struct task *task_list_default(const struct task_list *l)
{
	const struct task *newest = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct task *t = &l->tasks[i];

		if (!task_is_running_server(t))
			continue;
		if (t->health && strcmp(t->health, "HEALTHY") == 0)
			return t;
		if (!newest)
			newest = t;
	}
	return newest;
}

int task_list_match(const struct task_list *l, const char *prefix, const struct task **ret)
{
	const struct task *found = task_list_find(l, prefix);

	for (size_t i = 0; i < l->n && !(found && strcmp(found->id, prefix) == 0); i++) {
		if (!task_is_live(&l->tasks[i]) || strncmp(l->tasks[i].id, prefix, strlen(prefix)) != 0)
			continue;
		if (found)
			return -ENOTUNIQ;
		found = &l->tasks[i];
	}
	*ret = found;
	return found ? 0 : -ENOENT;
}
