#include "aws/ecs.h"

#include "aws/service.h"

static struct aws_request *of_cluster(const char *operation, const char *cluster)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, operation);

	aws_put_text(&r, "cluster", cluster);
	return r;
}

struct aws_request *ecs_list_tasks(const char *cluster, const char *status)
{
	struct aws_request *r = of_cluster("ListTasks", cluster);

	aws_put_text(&r, "desiredStatus", status);
	aws_put_paging(r, "nextToken", "nextToken", "taskArns");
	return r;
}

struct aws_request *ecs_describe_tasks(const char *cluster, cJSON *arns)
{
	struct aws_request *r = of_cluster("DescribeTasks", cluster);

	aws_put_node(&r, "tasks", arns);
	aws_put_texts(&r, "include", (const char *const[]){"TAGS"}, 1);
	return r;
}

static cJSON *network_of(const struct ecs_run_task *run)
{
	cJSON *network = cJSON_CreateObject(), *vpc = cJSON_AddObjectToObject(network, "awsvpcConfiguration");

	cJSON_AddItemToObject(vpc, "subnets", cJSON_CreateStringArray(&run->subnet, 1));
	cJSON_AddItemToObject(vpc, "securityGroups", cJSON_CreateStringArray(&run->security_group, 1));
	cJSON_AddStringToObject(vpc, "assignPublicIp", "DISABLED");
	return network;
}

struct aws_request *ecs_run_task(const struct ecs_run_task *run)
{
	struct aws_request *r = of_cluster("RunTask", run->cluster);

	aws_put_text(&r, "taskDefinition", run->task_definition);
	aws_put_text(&r, "clientToken", run->client_token);
	aws_put_number(&r, "count", 1);
	aws_put_text(&r, "launchType", "FARGATE");
	aws_put_text(&r, "startedBy", "vastfs");
	aws_put_text(&r, "propagateTags", "TASK_DEFINITION");
	aws_put_flag(&r, "enableECSManagedTags", true);
	aws_put_flag(&r, "enableExecuteCommand", true);
	aws_put_node(&r, "networkConfiguration", network_of(run));
	aws_put_pairs(&r, "tags", "key", "value", &(struct aws_pair){"vastfs:stage", run->stage}, 1);
	return r;
}

struct aws_request *ecs_stop_task(const char *cluster, const char *arn, const char *reason)
{
	struct aws_request *r = of_cluster("StopTask", cluster);

	aws_put_text(&r, "task", arn);
	aws_put_text(&r, "reason", reason);
	return r;
}

struct aws_request *ecs_execute_command(const char *cluster, const char *task, const char *container,
					const char *command)
{
	struct aws_request *r = of_cluster("ExecuteCommand", cluster);

	aws_put_text(&r, "task", task);
	aws_put_text(&r, "container", container);
	aws_put_text(&r, "command", command);
	aws_put_flag(&r, "interactive", true); /* the only mode there is */
	aws_put_retry(r, AWS_RETRY_UNSENT);
	return r;
}

struct aws_request *ecs_describe_task_definition(const char *arn)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, "DescribeTaskDefinition");

	aws_put_text(&r, "taskDefinition", arn);
	return r;
}
