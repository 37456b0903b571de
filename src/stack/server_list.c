/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/server_list.h"

#include "aws/aws.h"
#include "stack/container.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE_GROUP "service:"

const char *task_record_id(const cJSON *task)
{
	const char *slash = strrchr(aws_text(task, "taskArn"), '/');

	return slash ? slash + 1 : aws_text(task, "taskArn");
}

bool task_record_has_stopped(const cJSON *task)
{
	return strcmp(aws_text(task, "lastStatus"), "STOPPED") == 0;
}

bool task_record_is_live(const cJSON *task)
{
	return !task_record_has_stopped(task) && strcmp(aws_text(task, "desiredStatus"), "STOPPED") != 0;
}

bool task_definition_is_of_family(const char *task_definition, const char *family)
{
	const char *name = task_definition ? strrchr(task_definition, '/') : NULL;
	size_t len = family ? strlen(family) : 0;

	name = name ? name + 1 : task_definition;
	return name && len && strncmp(name, family, len) == 0 && name[len] == ':';
}

bool task_record_is_server(const cJSON *task, const char *family)
{
	return task_definition_is_of_family(aws_text(task, "taskDefinitionArn"), family);
}

double task_record_created(const cJSON *task)
{
	return aws_number(task, "createdAt", 0);
}

const char *task_record_service(const cJSON *task)
{
	const char *group = aws_text(task, "group");

	return strncmp(group, SERVICE_GROUP, strlen(SERVICE_GROUP)) == 0 ? group + strlen(SERVICE_GROUP) : "";
}

void task_record_put_end(const cJSON *task, struct buf *out)
{
	const cJSON *code = aws_at(container_find(aws_at(task, "containers")), "exitCode");
	_buf_ struct buf reason = BUF_INIT(4096);

	container_put_stop_reason(task, &reason);
	if (cJSON_IsNumber(code))
		buf_printf(out, "exit code %d%s", code->valueint, reason.len ? ", " : "");
	buf_puts(out, reason.len || cJSON_IsNumber(code) ? buf_str(&reason) : "ECS gives no reason");
}

static int server_list_by_age(const void *a, const void *b)
{
	double x = task_record_created(*(const cJSON *const *)a), y = task_record_created(*(const cJSON *const *)b);

	return (x > y) - (x < y);
}

/*
 * This does not use cJSON_InsertItemInArray, which in Debian 12 (1.7.15-1+deb12u4) refuses to insert between two items.
 */
cJSON *server_list_unstopped(const cJSON *tasks, const char *family)
{
	const cJSON **sorted = calloc((size_t)cJSON_GetArraySize(tasks) + 1, sizeof(cJSON *)), *task;
	cJSON *servers = cJSON_CreateArray();
	size_t n = 0;
	bool failed = !sorted || !servers;

	cJSON_ArrayForEach (task, tasks)
		if (!failed && task_record_is_server(task, family) && !task_record_has_stopped(task))
			sorted[n++] = task;
	if (n)
		qsort(sorted, n, sizeof(*sorted), server_list_by_age);
	for (size_t i = 0; i < n && !failed; i++)
		failed = !cJSON_AddItemToArray(servers, cJSON_Duplicate(sorted[i], true));
	free(sorted);
	if (!failed)
		return servers;
	cJSON_Delete(servers);
	return NULL;
}

static bool server_list_is_of(const cJSON *task, const char *service)
{
	return !service || strcmp(task_record_service(task), service) == 0;
}

const cJSON *server_list_newest_live(const cJSON *tasks, const char *service, double after)
{
	const cJSON *task, *newest = NULL;

	cJSON_ArrayForEach (task, tasks)
		if (task_record_is_live(task) && server_list_is_of(task, service) &&
		    task_record_created(task) > after &&
		    (!newest || task_record_created(task) > task_record_created(newest)))
			newest = task;
	return newest;
}

const cJSON *server_list_oldest_live(const cJSON *servers)
{
	const cJSON *task;

	cJSON_ArrayForEach (task, servers)
		if (task_record_is_live(task))
			return task;
	return NULL;
}

const cJSON *server_list_find(const cJSON *tasks, const char *id)
{
	const cJSON *task;

	cJSON_ArrayForEach (task, tasks)
		if (strcmp(task_record_id(task), id) == 0)
			return task;
	return NULL;
}

double server_list_last_created(const cJSON *tasks, const char *service)
{
	const cJSON *task;
	double last = 0;

	cJSON_ArrayForEach (task, tasks)
		if (server_list_is_of(task, service) && task_record_created(task) > last)
			last = task_record_created(task);
	return last;
}
