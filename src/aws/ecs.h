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

struct ecs_run_task {
	const char *cluster, *task_definition;
	const char *subnet, *security_group;
	const char *stage;	  /* for the tag vastfs:stage */
	const char *client_token; /* at most 64 characters: the same token is the same task */
};

/* One Fargate task without a public address, with ECS Exec enabled. Reply: tasks, failures. */
struct aws_request *ecs_run_task(const struct ecs_run_task *run);
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
