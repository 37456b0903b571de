/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * container.h - which container of a task is the server's, and why a task ended.
 *
 * A task may have containers that nobody here asked for, in any position: Fargate Runtime Monitoring injects
 * aws-guardduty-agent-..., other organisations inject their own. So the server's container is found by its name, which
 * the template gives it. All functions are pure and take a task as DescribeTasks reports it; nothing is owned by the
 * caller but what is said to be new.
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

/* Of a task's container, "" if its record says nothing: "image", "runtimeId", "healthStatus" and so on. */
const char *container_text(const cJSON *task, const char *member);

/*
 * The first container that is not the server's and could not be started, as a sentence:
 * "container aws-guardduty-agent-x could not start: CannotPullContainerError: ...". Nothing if there is none.
 */
void container_put_foreign_failure(const cJSON *task, struct buf *out);

/*
 * Why the task is stopping or has stopped: ECS's reason, that of the server's container, and containers of others that
 * could not start. Nothing while the task is to go on.
 */
void container_put_stop_reason(const cJSON *task, struct buf *out);

#endif
