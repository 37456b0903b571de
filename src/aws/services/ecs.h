/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ecs.h - builds the requests to Elastic Container Service.
 *
 * cluster is a name or an ARN. Each function returns one request, which the caller owns, or NULL without memory.
 * Strings are copied. The functions are pure, and any thread may call them.
 *
 * Source: AWS's service model 2014-11-13.
 */
#ifndef VASTFS_AWS_ECS_H
#define VASTFS_AWS_ECS_H

#include "aws/aws.h"

#define ECS_DESCRIBE_TASKS_MAX 100

/* status: RUNNING, which includes tasks that are starting, or STOPPED. Reply: taskArns, all pages. */
struct aws_request *ecs_list_tasks(const char *cluster, const char *status);

/* arns contains at most ECS_DESCRIBE_TASKS_MAX strings and is consumed. Reply: tasks, failures. */
struct aws_request *ecs_describe_tasks(const char *cluster, cJSON *arns);

struct ecs_server {
	const char *cluster, *task_definition;
	const char *subnet, *security_group;
	const char *stage;	  /* value of the task's tag vastfs:stage */
	const char *client_token; /* at most 64 characters for RunTask, 36 for CreateService */
};

/*
 * Runs one Fargate task without a public address and with ECS Exec enabled. AWS starts one task for requests with the
 * same client token. Reply: tasks, failures.
 */
struct aws_request *ecs_run_task(const struct ecs_server *server);

/*
 * Creates a service of one such task. The service itself never runs two tasks: a deployment stops the old task first.
 * AWS returns InvalidParameterException if another token has created a service of this name, or if a service of this
 * name is still draining. Reply: service.
 */
struct aws_pair;
struct aws_request *ecs_create_service(const struct ecs_server *server, const char *name, const struct aws_pair *tags,
				       size_t tags_n);
/*
 * Reply: service. AWS returns ServiceNotFoundException if the service never existed, and ServiceNotActiveException if
 * it was deleted.
 */
struct aws_request *ecs_scale_service(const char *cluster, const char *name, unsigned count);
/* Scales the service to one task of this task definition in this network. */
struct aws_request *ecs_start_service(const struct ecs_server *server, const char *name);
/* Deletes the service and its tasks. Its status is DRAINING until the tasks have stopped, then INACTIVE. */
struct aws_request *ecs_delete_service(const char *cluster, const char *name);
/* Reply: services with their tags; failures if the service never existed. */
struct aws_request *ecs_describe_service(const char *cluster, const char *name);
/* Reply: serviceArns, all pages. */
struct aws_request *ecs_list_services(const char *cluster);
struct aws_request *ecs_tag_resource(const char *arn, const struct aws_pair *tag);

struct aws_request *ecs_stop_task(const char *cluster, const char *arn, const char *reason);

/*
 * Runs a command in a container that was started with ECS Exec enabled. The agent in the container splits the command
 * into words as a shell does. Reply: session (sessionId, streamUrl and tokenValue, a secret).
 */
struct aws_request *ecs_execute_command(const char *cluster, const char *task, const char *container,
					const char *command);

/* Reply: taskDefinition. */
struct aws_request *ecs_describe_task_definition(const char *arn);

#endif
