/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cloudformation.h - CloudFormation. Source: AWS's service model 2010-05-15.
 *
 * A stack is named by its name or its id (ARN); a deleted one only by its id. Every function makes one request, NULL
 * without memory; strings are copied.
 */
#ifndef VASTFS_AWS_CLOUDFORMATION_H
#define VASTFS_AWS_CLOUDFORMATION_H

#include "aws/aws.h"

/* Reply: Stacks. ValidationError "does not exist" if there is none. */
struct aws_request *cloudformation_describe_stacks(const char *stack);

/* One page of StackEvents, newest first, and NextToken. token NULL: the first page. */
struct aws_request *cloudformation_describe_stack_events(const char *stack, const char *token);

/* Reply: StackResources. */
struct aws_request *cloudformation_describe_stack_resources(const char *stack);

struct cloudformation_change_set {
	const char *stack; /* name */
	const char *name;  /* of the change set */
	bool create;	   /* the stack does not exist yet */
	const char *template_body;
	cJSON *parameters; /* [{ParameterKey, ParameterValue}]; owned and consumed */
	const char *token; /* the same token is the same request */
	const char *stage; /* for the tag vastfs:stage */
};

struct aws_request *cloudformation_create_change_set(const struct cloudformation_change_set *set);

/* Reply: Status, StatusReason, ChangeSetId, and all pages of Changes. */
struct aws_request *cloudformation_describe_change_set(const char *stack, const char *name);
struct aws_request *cloudformation_execute_change_set(const char *stack, const char *name, const char *token);
struct aws_request *cloudformation_delete_change_set(const char *stack, const char *name);

/* Reply: Summaries, all pages. */
struct aws_request *cloudformation_list_change_sets(const char *stack);

/* Reply: OperationEvents: why a change set was refused before anything was created. */
struct aws_request *cloudformation_describe_events(const char *change_set_id);

struct aws_request *cloudformation_delete_stack(const char *stack, const char *token);
struct aws_request *cloudformation_cancel_update_stack(const char *stack, const char *token);
struct aws_request *cloudformation_continue_update_rollback(const char *stack, const char *token);

#endif
