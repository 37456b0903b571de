/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interfaces.c - deletes the network interfaces that Lambda leaves behind.
 *
 * A function in a VPC owns interfaces that AWS removes 20 to 40 minutes after the function is deleted; the subnet and
 * the security group cannot be deleted before that. If the function is taken out of the VPC first, Lambda releases them
 * within minutes, and the account may delete a released interface itself. (AWS Lambda developer guide, "Giving Lambda
 * functions access to resources in an Amazon VPC".)
 */
#include "aws/services/ec2.h"
#include "stack/operation.h"

#include <string.h>

#define RELEASE_LIMIT_MS (10 * 60 * INT64_C(1000))

static const char *interfaces_resource_id(const cJSON *resources, const char *logical_id)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, aws_at(resources, "StackResources"))
		if (strcmp(aws_text(item, "LogicalResourceId"), logical_id) == 0)
			return aws_text(item, "PhysicalResourceId");
	return "";
}

/* Deletes the released interfaces of the function and returns how many are left. -errno if they cannot be listed. */
static int interfaces_release_some(struct operation *op, const char *subnet, const char *group, struct error *err)
{
	cJSON *reply = NULL;
	const cJSON *item;
	int left = 0, r;

	r = operation_call(op, ec2_describe_lambda_interfaces(subnet, group), &reply, err);
	if (r < 0)
		return r;
	cJSON_ArrayForEach (item, aws_at(reply, "networkInterfaceSet")) {
		const char *id = aws_text(item, "networkInterfaceId");
		struct error ignored = {0};

		if (strcmp(aws_text(item, "status"), "available") != 0 ||
		    operation_call(op, ec2_delete_network_interface(id), NULL, &ignored) < 0)
			left++;
		else
			job_log(op->job, "deleted the released network interface %s", id);
	}
	cJSON_Delete(reply);
	return left;
}

struct interface_place {
	char subnet[64], group[64];
};

static int interfaces_find_place(struct operation *op, struct interface_place *place, struct error *err)
{
	cJSON *resources = NULL;
	int r = operation_read_resources(op, &resources, err);

	if (r < 0)
		return r;
	snprintf(place->subnet, sizeof(place->subnet), "%s", interfaces_resource_id(resources, "PrivateSubnet"));
	snprintf(place->group, sizeof(place->group), "%s", interfaces_resource_id(resources, "LambdaSecurityGroup"));
	cJSON_Delete(resources);
	return *place->subnet && *place->group ? 0 : -ENOENT;
}

void interfaces_release(struct operation *op)
{
	struct error ignored = {0};
	struct interface_place place;

	if (interfaces_find_place(op, &place, &ignored) == 0)
		(void)interfaces_release_some(op, place.subnet, place.group, &ignored);
}

static int interfaces_check_released(struct operation *op, void *arg, struct error *err)
{
	const struct interface_place *place = arg;
	int left = interfaces_release_some(op, place->subnet, place->group, err);

	if (left > 0)
		job_progress(op->job, op->step, op->steps, "waiting for Lambda to release %d network interface%s", left,
			     left == 1 ? "" : "s");
	return left > 0 ? 0 : left < 0 ? left : OPERATION_DONE;
}

/* Best effort: after a failure here the stack is deleted all the same, and CloudFormation reports what prevents it. */
static void interfaces_note_failure(struct operation *op, int r, const char *what, const struct error *err)
{
	if (r < 0 && r != -ECANCELED && !error_has_code(err, "ResourceNotFoundException"))
		job_log(op->job, "%s: %s (continuing)", what, err->message);
}

/* The interfaces outlive a deleted function, so they are waited for in any case. */
int interfaces_free_function(struct operation *op)
{
	cJSON *resources = NULL;
	struct error err = {0};
	struct interface_place place;
	int r = operation_read_resources(op, &resources, &err);
	_free_ char *function = strdup(r == 0 ? interfaces_resource_id(resources, "Function") : "");

	cJSON_Delete(resources);
	if (r < 0 || !function || interfaces_find_place(op, &place, &err) < 0)
		return r == -ECANCELED ? r : 0;
	r = *function ? function_leave_vpc(op, function, &err) : 0;
	interfaces_note_failure(op, r, "taking the function out of the VPC", &err);
	if (r == -ECANCELED)
		return r;
	r = operation_wait(op, RELEASE_LIMIT_MS, "releasing the function's interfaces", interfaces_check_released,
			   &place, &err);
	interfaces_note_failure(op, r, "releasing the function's network interfaces", &err);
	return r == -ECANCELED ? r : 0;
}
