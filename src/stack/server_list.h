/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server_list.h - classifies the tasks of a cluster. Pure; any thread.
 *
 * A task has stopped once its lastStatus is STOPPED. Until then its containers may write to the database, even after
 * StopTask (desiredStatus STOPPED), for up to the stop timeout. A task is live while ECS wants it to run. A server is a
 * task of the stack's task definition family, no matter who started it. Records are those of DescribeTasks, to which
 * returned pointers belong; times are AWS's, seconds since 1970.
 */
#ifndef VASTFS_STACK_SERVER_LIST_H
#define VASTFS_STACK_SERVER_LIST_H

#include "base/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

const char *task_record_id(const cJSON *task);
bool task_record_has_stopped(const cJSON *task);
bool task_record_is_live(const cJSON *task);
bool task_record_is_server(const cJSON *task, const char *family);
double task_record_created(const cJSON *task);
/* The name of the service that started the task, "" if none did. */
const char *task_record_service(const cJSON *task);
/* Appends why the task ended: "exit code 7, Essential container in task exited". */
void task_record_put_end(const cJSON *task, struct buf *out);

/* Whether a task definition, "arn:...:task-definition/family:7" or "family:7", belongs to that family. */
bool task_definition_is_of_family(const char *task_definition, const char *family);

/* A new array with copies of the servers that have not stopped, oldest first; NULL without memory. */
cJSON *server_list_unstopped(const cJSON *tasks, const char *family);

/*
 * The newest live task that was created after that time, limited to a service unless service is NULL; NULL: there is
 * none.
 */
const cJSON *server_list_newest_live(const cJSON *tasks, const char *service, double after);
const cJSON *server_list_oldest_live(const cJSON *servers);	   /* servers: oldest first; NULL: no server is live */
const cJSON *server_list_find(const cJSON *tasks, const char *id); /* NULL: no such task */

/* When the newest task was created, limited to a service unless service is NULL; 0 if there is none. */
double server_list_last_created(const cJSON *tasks, const char *service);

#endif
