/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/ecs.h"

#include "aws/services/service.h"
#include "base/json.h"

#define LIST_MAX ((size_t)4 << 20) /* enough bytes for 10,000 ARNs */

static struct aws_request *ecs_of_cluster(const char *operation, const char *cluster)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, operation);

	aws_put_text(&r, "cluster", cluster);
	return r;
}

struct aws_request *ecs_list_tasks(const char *cluster, const char *status)
{
	AWS_SHAPE(arns, {"taskArns", AWS_LIST}, {"taskArns.*", AWS_STRING});
	struct aws_request *r = ecs_of_cluster("ListTasks", cluster);

	aws_put_members(r, arns);
	if (r)
		r->reply_max = LIST_MAX;

	aws_put_text(&r, "desiredStatus", status);
	aws_put_paging(r, "nextToken", "nextToken", "taskArns");
	return r;
}

/* A time is present only after the task has reached the state; attachments and health appear with the states. */
AWS_SHAPE(described, {"tasks", AWS_LIST}, {"tasks.*", AWS_OBJECT}, {"tasks.*.taskArn", AWS_STRING},
	  {"tasks.*.taskDefinitionArn", AWS_STRING}, {"tasks.*.lastStatus", AWS_STRING},
	  {"tasks.*.desiredStatus", AWS_STRING}, {"tasks.*.createdAt", AWS_TIME | AWS_OPTIONAL},
	  {"tasks.*.startedAt", AWS_TIME | AWS_OPTIONAL}, {"tasks.*.stoppingAt", AWS_TIME | AWS_OPTIONAL},
	  {"tasks.*.stoppedAt", AWS_TIME | AWS_OPTIONAL}, {"tasks.*.containers", AWS_LIST | AWS_OPTIONAL},
	  {"tasks.*.containers.*", AWS_OBJECT}, {"tasks.*.containers.*.exitCode", AWS_NUMBER | AWS_OPTIONAL},
	  {"tasks.*.attachments", AWS_LIST | AWS_OPTIONAL}, {"tasks.*.attachments.*", AWS_OBJECT},
	  {"tasks.*.attachments.*.details", AWS_LIST | AWS_OPTIONAL}, {"tasks.*.attachments.*.details.*", AWS_OBJECT},
	  {"failures", AWS_LIST | AWS_OPTIONAL}, {"failures.*", AWS_OBJECT});

struct aws_request *ecs_describe_tasks(const char *cluster, cJSON *arns)
{
	AWS_ECHOES(about, {"tasks.*.taskArn", "tasks"});
	struct aws_request *r = ecs_of_cluster("DescribeTasks", cluster);

	aws_put_members(r, described);
	aws_put_echoes(r, about);
	aws_put_node(&r, "tasks", arns);
	aws_put_texts(&r, "include", (const char *const[]){"TAGS"}, 1);
	return r;
}

static void ecs_put_network(struct aws_request **r, const struct ecs_server *server)
{
	int e = 0;
	cJSON *network = json_object(&e), *vpc = json_object(&e);

	json_add(&e, vpc, "subnets", cJSON_CreateStringArray(&server->subnet, 1));
	json_add(&e, vpc, "securityGroups", cJSON_CreateStringArray(&server->security_group, 1));
	json_add_text(&e, vpc, "assignPublicIp", "DISABLED");
	json_add(&e, network, "awsvpcConfiguration", vpc);
	aws_put_whole(r, "networkConfiguration", network, e);
}

/* The members that RunTask and CreateService have in common. */
static void ecs_put_server(struct aws_request **r, const struct ecs_server *server)
{
	aws_put_text(r, "taskDefinition", server->task_definition);
	aws_put_text(r, "clientToken", server->client_token);
	aws_put_text(r, "launchType", "FARGATE");
	aws_put_text(r, "propagateTags", "TASK_DEFINITION");
	aws_put_flag(r, "enableECSManagedTags", true);
	aws_put_flag(r, "enableExecuteCommand", true);
	ecs_put_network(r, server);
}

struct aws_request *ecs_run_task(const struct ecs_server *server)
{
	AWS_SHAPE(started, {"tasks", AWS_LIST}, {"tasks.*", AWS_OBJECT}, {"tasks.*.taskArn", AWS_STRING},
		  {"failures", AWS_LIST | AWS_OPTIONAL}, {"failures.*", AWS_OBJECT});
	struct aws_request *r = ecs_of_cluster("RunTask", server->cluster);

	aws_put_members(r, started);
	ecs_put_server(&r, server);
	aws_put_number(&r, "count", 1);
	aws_put_text(&r, "startedBy", "vastfs");
	aws_put_pairs(&r, "tags", "key", "value", &(struct aws_pair){"vastfs:stage", server->stage}, 1);
	return r;
}

/* ECS refuses zone rebalancing with a maximum of 100 %. */
struct aws_request *ecs_create_service(const struct ecs_server *server, const char *name, const struct aws_pair *tags,
				       size_t tags_n)
{
	AWS_SHAPE(created, {"service", AWS_OBJECT}, {"service.serviceArn", AWS_STRING});
	struct aws_request *r = ecs_of_cluster("CreateService", server->cluster);
	int e = 0;
	cJSON *deployment = json_object(&e);

	aws_put_members(r, created);
	json_add_number(&e, deployment, "minimumHealthyPercent", 0);
	json_add_number(&e, deployment, "maximumPercent", 100);
	ecs_put_server(&r, server);
	aws_put_text(&r, "serviceName", name);
	aws_put_number(&r, "desiredCount", 1);
	aws_put_whole(&r, "deploymentConfiguration", deployment, e);
	aws_put_text(&r, "availabilityZoneRebalancing", "DISABLED");
	aws_put_pairs(&r, "tags", "key", "value", tags, tags_n);
	return r;
}

static struct aws_request *ecs_of_service(const char *operation, const char *cluster, const char *name)
{
	struct aws_request *r = ecs_of_cluster(operation, cluster);

	aws_put_text(&r, "service", name);
	return r;
}

struct aws_request *ecs_scale_service(const char *cluster, const char *name, unsigned count)
{
	struct aws_request *r = ecs_of_service("UpdateService", cluster, name);

	aws_put_number(&r, "desiredCount", count);
	return r;
}

struct aws_request *ecs_start_service(const struct ecs_server *server, const char *name)
{
	struct aws_request *r = ecs_scale_service(server->cluster, name, 1);

	aws_put_text(&r, "taskDefinition", server->task_definition);
	ecs_put_network(&r, server);
	return r;
}

struct aws_request *ecs_delete_service(const char *cluster, const char *name)
{
	struct aws_request *r = ecs_of_service("DeleteService", cluster, name);

	aws_put_flag(&r, "force", true);
	return r;
}

struct aws_request *ecs_describe_service(const char *cluster, const char *name)
{
	AWS_SHAPE(services, {"services", AWS_LIST}, {"services.*", AWS_OBJECT}, {"services.*.serviceArn", AWS_STRING},
		  {"services.*.status", AWS_STRING}, {"services.*.desiredCount", AWS_COUNT},
		  {"services.*.tags", AWS_LIST | AWS_OPTIONAL}, {"services.*.tags.*", AWS_OBJECT},
		  {"services.*.events", AWS_LIST | AWS_OPTIONAL}, {"services.*.events.*", AWS_OBJECT},
		  {"services.*.serviceName", AWS_STRING}, {"services.*.clusterArn", AWS_STRING});
	AWS_ECHOES(about, {"services.*.serviceName", "services"}, {"services.*.clusterArn", "cluster"});
	struct aws_request *r = ecs_of_cluster("DescribeServices", cluster);

	aws_put_members(r, services);
	aws_put_echoes(r, about);
	aws_put_texts(&r, "services", &name, 1);
	aws_put_texts(&r, "include", (const char *const[]){"TAGS"}, 1);
	return r;
}

struct aws_request *ecs_list_services(const char *cluster)
{
	AWS_SHAPE(arns, {"serviceArns", AWS_LIST}, {"serviceArns.*", AWS_STRING});
	struct aws_request *r = ecs_of_cluster("ListServices", cluster);

	aws_put_members(r, arns);
	aws_put_paging(r, "nextToken", "nextToken", "serviceArns");
	return r;
}

struct aws_request *ecs_tag_resource(const char *arn, const struct aws_pair *tag)
{
	struct aws_request *r = aws_request_new(&aws_service_ecs, "TagResource");

	aws_put_text(&r, "resourceArn", arn);
	aws_put_pairs(&r, "tags", "key", "value", tag, 1);
	return r;
}

struct aws_request *ecs_stop_task(const char *cluster, const char *arn, const char *reason)
{
	struct aws_request *r = ecs_of_cluster("StopTask", cluster);

	aws_put_text(&r, "task", arn);
	aws_put_text(&r, "reason", reason);
	return r;
}

struct aws_request *ecs_execute_command(const char *cluster, const char *task, const char *container,
					const char *command)
{
	AWS_SHAPE(begun, {"session", AWS_OBJECT}, {"session.sessionId", AWS_STRING}, {"session.streamUrl", AWS_STRING},
		  {"session.tokenValue", AWS_STRING});
	struct aws_request *r = ecs_of_cluster("ExecuteCommand", cluster);

	aws_put_members(r, begun);

	aws_put_text(&r, "task", task);
	aws_put_text(&r, "container", container);
	aws_put_text(&r, "command", command);
	aws_put_flag(&r, "interactive", true); /* the only supported mode */
	aws_put_retry(r, AWS_RETRY_UNSENT);
	return r;
}

struct aws_request *ecs_describe_task_definition(const char *arn)
{
	AWS_SHAPE(definition, {"taskDefinition", AWS_OBJECT}, {"taskDefinition.status", AWS_STRING},
		  {"taskDefinition.taskDefinitionArn", AWS_STRING}, {"taskDefinition.containerDefinitions", AWS_LIST},
		  {"taskDefinition.containerDefinitions.*", AWS_OBJECT},
		  {"taskDefinition.containerDefinitions.*.name", AWS_STRING},
		  {"taskDefinition.containerDefinitions.*.image", AWS_STRING});
	AWS_ECHOES(about, {"taskDefinition.taskDefinitionArn", "taskDefinition"});
	struct aws_request *r = aws_request_new(&aws_service_ecs, "DescribeTaskDefinition");

	aws_put_members(r, definition);
	aws_put_echoes(r, about);
	aws_put_text(&r, "taskDefinition", arn);
	return r;
}
