/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/container.h"

#include "aws/aws.h"
#include "base/cleanup.h"

#include <string.h>

/* Names of containers that AWS injects begin with one of these. */
static const char *const injected[] = {"aws-guardduty-agent", "ecs-service-connect"};

/*
 * The names of ECS's errors for a container that could not be started. Other errors, such as OutOfMemoryError, end a
 * container that ran.
 */
static const char *const start_failures[] = {
	"CannotPull", "CannotStart", "CannotCreate", "CannotInspect", "ResourceInitialization", "DockerTimeout"};

void container_log_stream(const char *task_id, char out[static CONTAINER_LOG_STREAM_SIZE])
{
	snprintf(out, CONTAINER_LOG_STREAM_SIZE, "server/" SERVER_CONTAINER "/%s", task_id);
}

static bool container_begins_with_one_of(const char *text, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool container_is_server(const cJSON *container)
{
	return strcmp(aws_text(container, "name"), SERVER_CONTAINER) == 0;
}

const cJSON *container_find(const cJSON *containers)
{
	const cJSON *container, *other = NULL;
	unsigned others = 0;

	cJSON_ArrayForEach (container, containers) {
		if (container_is_server(container))
			return container;
		if (!cJSON_IsObject(container) ||
		    container_begins_with_one_of(aws_text(container, "name"), injected, ARRAY_SIZE(injected)))
			continue;
		other = container;
		others++;
	}
	return others == 1 ? other : NULL;
}

const char *container_text(const cJSON *task, const char *member)
{
	return aws_text(container_find(aws_at(task, "containers")), member);
}

void container_put_foreign_failure(const cJSON *task, struct buf *out)
{
	const cJSON *containers = aws_at(task, "containers"), *own = container_find(containers), *container;

	cJSON_ArrayForEach (container, containers) {
		const char *reason = aws_text(container, "reason");

		if (container == own ||
		    !container_begins_with_one_of(reason, start_failures, ARRAY_SIZE(start_failures)))
			continue;
		buf_printf(out, "container %s could not start: %s", aws_text(container, "name"), reason);
		return;
	}
}

void container_put_stop_reason(const cJSON *task, struct buf *out)
{
	const char *reason = aws_text(task, "stoppedReason"), *own = container_text(task, "reason");
	_buf_ struct buf foreign = BUF_INIT(4096);

	if (!*reason && strcmp(aws_text(task, "lastStatus"), "STOPPED") != 0)
		return;
	container_put_foreign_failure(task, &foreign);
	/* ECS's reason for the task may only repeat that container's reason. */
	if (!strstr(buf_str(&foreign), reason))
		buf_puts(out, reason);
	if (*own && !strstr(reason, own))
		buf_printf(out, "%s%s", out->len ? ": " : "", own);
	if (foreign.len)
		buf_printf(out, "%s%s", out->len ? "; " : "", buf_str(&foreign));
}
