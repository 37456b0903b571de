/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ecs.h - Elastic Container Service. Source: AWS's service model 2014-11-13.
 *
 * cluster is a name or ARN. Every function makes one request, NULL without memory; strings are copied.
 */
#ifndef VASTFS_AWS_ECS_H
#define VASTFS_AWS_ECS_H

#include "aws/aws.h"

#define ECS_DESCRIBE_TASKS_MAX 100

/* status: RUNNING (also tasks on their way to it) or STOPPED. Reply: taskArns, all pages. */
struct aws_request *ecs_list_tasks(const char *cluster, const char *status);

/* arns: at most ECS_DESCRIBE_TASKS_MAX strings; consumed. Reply: tasks, failures. */
struct aws_request *ecs_describe_tasks(const char *cluster, cJSON *arns);

struct ecs_server {
	const char *cluster, *task_definition;
	const char *subnet, *security_group;
	const char *stage;	  /* for the tag vastfs:stage of a task */
	const char *client_token; /* of RunTask at most 64 characters, of CreateService 36 */
};

/*
 * One Fargate task without a public address, with ECS Exec enabled. The same token is the same task.
 * Reply: tasks, failures.
 */
struct aws_request *ecs_run_task(const struct ecs_server *server);

/*
 * A service of one such task, which never has two by its own doing: at a deployment the old one is stopped first.
 * InvalidParameterException: there is one of that name that was not made by this token, or it is still draining.
 * Reply: service.
 */
struct aws_pair;
struct aws_request *ecs_create_service(const struct ecs_server *server, const char *name, const struct aws_pair *tags,
				       size_t tags_n);
/* ServiceNotFoundException, ServiceNotActiveException: there is none, or it was deleted. Reply: service. */
struct aws_request *ecs_scale_service(const char *cluster, const char *name, unsigned count);
/* Scales to one task of this task definition in this network. */
struct aws_request *ecs_start_service(const struct ecs_server *server, const char *name);
/* With its tasks: it is DRAINING until they are stopped, then INACTIVE. */
struct aws_request *ecs_delete_service(const char *cluster, const char *name);
/* Reply: services, with tags; failures for one that there never was. */
struct aws_request *ecs_describe_service(const char *cluster, const char *name);
/* Reply: serviceArns, all pages. */
struct aws_request *ecs_list_services(const char *cluster);
struct aws_request *ecs_tag_resource(const char *arn, const struct aws_pair *tag);

struct aws_request *ecs_stop_task(const char *cluster, const char *arn, const char *reason);

/*
 * Runs a command in a container that was started with ECS Exec enabled. Splits the command into words as a shell does.
 * Reply: session (sessionId, streamUrl, and tokenValue, a secret).
 */
struct aws_request *ecs_execute_command(const char *cluster, const char *task, const char *container,
					const char *command);

/* Reply: taskDefinition. */
struct aws_request *ecs_describe_task_definition(const char *arn);

#endif
