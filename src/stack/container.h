/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * container.h - finds the server's container in a task and explains why a task ended.
 *
 * A task may have containers that vastfs did not define, in any position: Fargate Runtime Monitoring injects
 * aws-guardduty-agent-..., other organisations inject their own. The server's container is therefore found by the name
 * that the template gives it. All functions are pure and may be called on any thread. They take a task as DescribeTasks
 * reports it, and what they return belongs to that record.
 */
#ifndef VASTFS_STACK_CONTAINER_H
#define VASTFS_STACK_CONTAINER_H

#include "base/buf.h"

#include <cjson/cJSON.h>

#define SERVER_CONTAINER	  "vast-server"
#define CONTAINER_LOG_STREAM_SIZE 128

/* The log stream of a server by its task's ID: awslogs names it prefix/container/task, the prefix is the template's. */
void container_log_stream(const char *task_id, char out[static CONTAINER_LOG_STREAM_SIZE]);

/*
 * The container of that name in a "containers" or "containerDefinitions" array, or else, for tasks that are not
 * servers, the only one that AWS has not injected. NULL: there is none, or more than one.
 */
const cJSON *container_find(const cJSON *containers);

/* A member of the server's container, "" if the record lacks it: "image", "runtimeId", "healthStatus" and so on. */
const char *container_text(const cJSON *task, const char *member);

/*
 * Appends the first container that is not the server's and could not be started, as a sentence: "container
 * aws-guardduty-agent-x could not start: CannotPullContainerError: ...". Appends nothing if there is none.
 */
void container_put_foreign_failure(const cJSON *task, struct buf *out);

/*
 * Appends why the task is stopping or has stopped: ECS's reason, the reason of the server's container, and other
 * containers that could not be started. Appends nothing while ECS keeps the task running.
 */
void container_put_stop_reason(const cJSON *task, struct buf *out);

#endif
