#include "aws/ecs.h"

static struct aws_request *new_call(const char *operation, const char *cluster)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, operation);

	aws_put_text(&r, "cluster", cluster);
	return r;
}

static void include_tags(struct aws_request **r)
{
	static const char *const tags[] = {"TAGS"};

	aws_put_texts(r, "include", tags, 1);
}

struct aws_request *aws_ecs_list_tasks(const char *cluster, const char *family, const char *desired_status)
{
	struct aws_request *r = new_call("ListTasks", cluster);

	aws_put_text(&r, "family", family);
	aws_put_text(&r, "desiredStatus", desired_status);
	aws_put_paging(r, "nextToken", "nextToken", "taskArns");
	return r;
}

struct aws_request *aws_ecs_describe_tasks(const char *cluster, const cJSON *arns)
{
	struct aws_request *r = new_call("DescribeTasks", cluster);

	aws_put_copy(&r, "tasks", arns);
	include_tags(&r);
	return r;
}

static cJSON *network_of(const struct aws_ecs_task *t)
{
	cJSON *network = cJSON_CreateObject();
	cJSON *vpc = cJSON_AddObjectToObject(network, "awsvpcConfiguration");

	if (vpc && cJSON_AddItemToObject(vpc, "subnets", cJSON_CreateStringArray(&t->subnet_id, 1)) &&
	    cJSON_AddItemToObject(vpc, "securityGroups", cJSON_CreateStringArray(&t->group_id, 1)) &&
	    cJSON_AddStringToObject(vpc, "assignPublicIp", "DISABLED"))
		return network;
	cJSON_Delete(network);
	return NULL;
}

struct aws_request *aws_ecs_run_task(const struct aws_ecs_task *t)
{
	struct aws_request *r = new_call("RunTask", t->cluster);

	aws_put_text(&r, "taskDefinition", t->task_definition);
	aws_put_text(&r, "launchType", "FARGATE");
	aws_put_number(&r, "count", 1);
	aws_put_node(&r, "networkConfiguration", network_of(t));
	aws_put_flag(&r, "enableExecuteCommand", true);
	aws_put_flag(&r, "enableECSManagedTags", true);
	aws_put_text(&r, "propagateTags", "TASK_DEFINITION");
	aws_put_text(&r, "startedBy", t->started_by);
	aws_put_text(&r, "clientToken", t->client_token);
	if (t->tag_count)
		aws_put_pairs(&r, "tags", "key", "value", t->tags, t->tag_count);
	aws_put_retry(r, t->client_token ? AWS_RETRY_STANDARD : AWS_RETRY_UNSENT);
	return r;
}

struct aws_request *aws_ecs_stop_task(const char *cluster, const char *task, const char *reason)
{
	struct aws_request *r = new_call("StopTask", cluster);

	aws_put_text(&r, "task", task);
	aws_put_text(&r, "reason", reason);
	return r;
}

struct aws_request *aws_ecs_describe_task_definition(const char *task_definition)
{
	struct aws_request *r = new_call("DescribeTaskDefinition", NULL);

	aws_put_text(&r, "taskDefinition", task_definition);
	include_tags(&r);
	return r;
}

struct aws_request *aws_ecs_execute_command(const char *cluster, const char *task, const char *container,
					    const char *command)
{
	struct aws_request *r = new_call("ExecuteCommand", cluster);

	aws_put_text(&r, "task", task);
	aws_put_text(&r, "container", container);
	aws_put_text(&r, "command", command);
	aws_put_flag(&r, "interactive", true);
	aws_put_retry(r, AWS_RETRY_UNSENT);
	return r;
}
