/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function.c - takes the Lambda function out of its VPC and puts it back. Destroy takes it out, so that Lambda releases
 * its network interfaces. CloudFormation does not know about this change, so vastfs has to put the function back into
 * its VPC itself.
 */
#include "aws/services/lambda.h"
#include "stack/operation.h"

#include <string.h>

#define SETTLED_LIMIT_MS (5 * 60 * INT64_C(1000))

static int function_check_settled(struct operation *op, void *arg, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, lambda_get_function_configuration(arg), &reply, err);
	bool busy = strcmp(aws_text(reply, "State"), "Pending") == 0 ||
		    strcmp(aws_text(reply, "LastUpdateStatus"), "InProgress") == 0;

	cJSON_Delete(reply);
	return r < 0 ? r : busy ? 0 : OPERATION_DONE;
}

int function_wait_settled(struct operation *op, const char *function, struct error *err)
{
	int r = operation_wait(op, SETTLED_LIMIT_MS, "the change of the Lambda function", function_check_settled,
			       (void *)function, err);

	return r < 0 ? r : 0;
}

static int function_set_vpc(struct operation *op, const char *function, cJSON *subnets, cJSON *groups,
			    struct error *err)
{
	int r = operation_call(op, lambda_update_vpc(function, subnets, groups), NULL, err);

	return r < 0 ? r : function_wait_settled(op, function, err);
}

int function_leave_vpc(struct operation *op, const char *function, struct error *err)
{
	cJSON *none = cJSON_CreateArray(), *reply = NULL;
	bool inside;
	int r = function_wait_settled(op, function, err);

	if (r == 0)
		r = operation_call(op, lambda_get_function_configuration(function), &reply, err);
	inside = cJSON_GetArraySize(aws_at(reply, "VpcConfig.SubnetIds")) > 0;
	cJSON_Delete(reply);
	if (r == 0 && inside)
		r = function_set_vpc(op, function, none, none, err);
	cJSON_Delete(none);
	return r;
}

static int function_is_in(struct operation *op, const char *function, const char *subnet, bool *ret, struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, lambda_get_function_configuration(function), &reply, err);

	*ret = strcmp(aws_text(reply, "VpcConfig.SubnetIds.0"), subnet) == 0;
	cJSON_Delete(reply);
	if (r == 0 || !error_has_code(err, "ResourceNotFoundException"))
		return r;
	return operation_explain_deleted(op, "the Lambda function", function, err);
}

int function_enter_vpc(struct operation *op, struct error *err)
{
	const char *function = operation_output(op, "FunctionName"), *subnet = operation_output(op, "PrivateSubnetId"),
		   *group = operation_output(op, "LambdaSecurityGroupId");
	cJSON *subnets, *groups;
	bool inside;
	int r;

	if (!*function || !*subnet || !*group)
		return error_set(err, -EIO, "the stack %s is %s but has no outputs that name its function and subnet",
				 op->name, operation_status(op));
	r = function_is_in(op, function, subnet, &inside, err);
	if (r < 0 || inside)
		return r;
	operation_say(op, "putting the function back into its VPC");
	subnets = cJSON_CreateStringArray((const char *const[]){subnet}, 1);
	groups = cJSON_CreateStringArray((const char *const[]){group}, 1);
	r = function_set_vpc(op, function, subnets, groups, err);
	cJSON_Delete(subnets);
	cJSON_Delete(groups);
	return r;
}
