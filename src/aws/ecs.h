/*
 * ecs.h - calls of the Elastic Container Service. Source: its API reference, version 2014-11-13.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_ECS_H
#define VASTFS_AWS_ECS_H

#include "aws/aws.h"
#include "aws/service.h"

/* All pages. Reply: taskArns. desired_status: "RUNNING" or "STOPPED"; family may be NULL. */
struct aws_request *aws_ecs_list_tasks(const char *cluster, const char *family, const char *desired_status);

#define AWS_ECS_TASKS_MAX 100

/* With tags. arns: an array of at most AWS_ECS_TASKS_MAX strings, copied. Reply: tasks, failures. */
struct aws_request *aws_ecs_describe_tasks(const char *cluster, const cJSON *arns);

struct aws_ecs_task {
	const char *cluster;
	const char *task_definition;
	const char *subnet_id;
	const char *group_id;
	const char *client_token; /* at most 64 characters; NULL: the call is never sent twice */
	const char *started_by;
	const struct aws_pair *tags;
	size_t tag_count;
};

/* On Fargate, one task, no public address, exec enabled. Reply: tasks, failures. */
struct aws_request *aws_ecs_run_task(const struct aws_ecs_task *t);

struct aws_request *aws_ecs_stop_task(const char *cluster, const char *task, const char *reason);

/* Reply: taskDefinition, tags. */
struct aws_request *aws_ecs_describe_task_definition(const char *task_definition);

/* Reply: session.sessionId, session.streamUrl, session.tokenValue. Never sent twice. container may be NULL. */
struct aws_request *aws_ecs_execute_command(const char *cluster, const char *task, const char *container,
					    const char *command);

#endif
