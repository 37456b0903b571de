/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server_check.c - checks whether a new server could start, before the old one is stopped.
 */
#include "aws/services/ec2.h"
#include "aws/services/ecr.h"
#include "aws/services/ecs.h"
#include "stack/container.h"
#include "stack/server.h"

#include <string.h>

static int server_check_addresses(struct operation *op, struct error *err)
{
	const char *subnet = operation_output(op, "PrivateSubnetId");
	cJSON *reply = NULL;
	int r = operation_call(op, ec2_describe_subnet(subnet), &reply, err);
	double n = aws_number(reply, "subnetSet.0.availableIpAddressCount", 1);

	cJSON_Delete(reply);
	if (r < 0)
		return r;
	if (n >= 1)
		return 0;
	error_set(err, -EIO, "subnet %s has no free address for another task", subnet);
	error_remedy(err, "stop tasks (control/stop-all-tasks), or destroy and deploy with a larger subnet_cidr");
	return err->errnum;
}

/* The digest of an image in the stack's own repository, "" for an image elsewhere. */
static const char *server_own_digest(const struct operation *op, const char *image)
{
	const char *slash = strchr(image, '/'), *at = strchr(image, '@');
	size_t len = strlen(op->name);

	if (!slash || !at || (size_t)(at - slash - 1) != len || strncmp(slash + 1, op->name, len) != 0)
		return "";
	return at + 1;
}

static int server_check_image(struct operation *op, const char *image, struct error *err)
{
	const char *digest = server_own_digest(op, image);
	int r;

	if (!*digest)
		return 0;
	r = operation_call(op, ecr_describe_image(op->name, digest), NULL, err);
	if (r < 0 &&
	    (error_has_code(err, "ImageNotFoundException") || error_has_code(err, "RepositoryNotFoundException"))) {
		r = error_set(err, -EIO, "the image of the task definition is no longer in ECR: %s", image);
		error_remedy(err, "touch control/deploy, which builds and pushes it again");
	}
	return r;
}

static int server_check_definition(struct operation *op, struct error *err)
{
	const char *arn = operation_output(op, "TaskDefinitionArn"), *status;
	cJSON *reply = NULL;
	int r = operation_call(op, ecs_describe_task_definition(arn), &reply, err);

	status = aws_text(reply, "taskDefinition.status");
	if (r == 0 && strcmp(status, "ACTIVE") != 0) {
		r = error_set(err, -EIO, "the task definition %s is %s", arn, *status ? status : "unknown to ECS");
		error_remedy(err, "touch control/deploy");
	}
	if (r == 0)
		r = server_check_image(
			op, aws_text(container_find(aws_at(reply, "taskDefinition.containerDefinitions")), "image"),
			err);
	cJSON_Delete(reply);
	return r;
}

int server_check_startable(struct operation *op, struct error *err)
{
	int r = server_check_definition(op, err);

	return r < 0 ? r : server_check_addresses(op, err);
}
