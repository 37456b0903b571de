#include "aws/ecs.h"

#include "aws/service.h"

#define LIST_MAX ((size_t)4 << 20) /* bytes of 10,000 ARNs */

static struct aws_request *of_cluster(const char *operation, const char *cluster)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, operation);

	aws_put_text(&r, "cluster", cluster);
	return r;
}

struct aws_request *ecs_list_tasks(const char *cluster, const char *status)
{
	AWS_SHAPE(arns, {"taskArns", AWS_LIST}, {"taskArns.*", AWS_STRING});
	struct aws_request *r = of_cluster("ListTasks", cluster);

	aws_put_members(r, arns);
	if (r)
		r->reply_max = LIST_MAX;

	aws_put_text(&r, "desiredStatus", status);
	aws_put_paging(r, "nextToken", "nextToken", "taskArns");
	return r;
}

/* Times are those of states that have been reached; attachments and health come with them. */
AWS_SHAPE(described, {"tasks", AWS_LIST}, {"tasks.*", AWS_OBJECT}, {"tasks.*.taskArn", AWS_STRING},
	  {"tasks.*.taskDefinitionArn", AWS_STRING}, {"tasks.*.lastStatus", AWS_STRING},
	  {"tasks.*.desiredStatus", AWS_STRING}, {"tasks.*.createdAt", AWS_TIME | AWS_OPTIONAL},
	  {"tasks.*.startedAt", AWS_TIME | AWS_OPTIONAL}, {"tasks.*.containers", AWS_LIST | AWS_OPTIONAL},
	  {"tasks.*.containers.*", AWS_OBJECT}, {"tasks.*.containers.*.exitCode", AWS_NUMBER | AWS_OPTIONAL},
	  {"tasks.*.attachments", AWS_LIST | AWS_OPTIONAL}, {"tasks.*.attachments.*", AWS_OBJECT},
	  {"tasks.*.attachments.*.details", AWS_LIST | AWS_OPTIONAL}, {"tasks.*.attachments.*.details.*", AWS_OBJECT},
	  {"failures", AWS_LIST | AWS_OPTIONAL}, {"failures.*", AWS_OBJECT});

struct aws_request *ecs_describe_tasks(const char *cluster, cJSON *arns)
{
	struct aws_request *r = of_cluster("DescribeTasks", cluster);

	aws_put_members(r, described);

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
	AWS_SHAPE(started, {"tasks", AWS_LIST}, {"tasks.*", AWS_OBJECT}, {"tasks.*.taskArn", AWS_STRING},
		  {"failures", AWS_LIST | AWS_OPTIONAL}, {"failures.*", AWS_OBJECT});
	struct aws_request *r = of_cluster("RunTask", run->cluster);

	aws_put_members(r, started);

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
	AWS_SHAPE(begun, {"session", AWS_OBJECT}, {"session.sessionId", AWS_STRING}, {"session.streamUrl", AWS_STRING},
		  {"session.tokenValue", AWS_STRING});
	struct aws_request *r = of_cluster("ExecuteCommand", cluster);

	aws_put_members(r, begun);

	aws_put_text(&r, "task", task);
	aws_put_text(&r, "container", container);
	aws_put_text(&r, "command", command);
	aws_put_flag(&r, "interactive", true); /* the only mode there is */
	aws_put_retry(r, AWS_RETRY_UNSENT);
	return r;
}

struct aws_request *ecs_describe_task_definition(const char *arn)
{
	AWS_SHAPE(definition, {"taskDefinition", AWS_OBJECT}, {"taskDefinition.status", AWS_STRING});
	struct aws_request *r = aws_request_new(&aws_service_ecs, "DescribeTaskDefinition");

	aws_put_members(r, definition);

	aws_put_text(&r, "taskDefinition", arn);
	return r;
}
