/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cloudformation.h - builds the requests to CloudFormation that vastfs needs.
 *
 * A stack is identified by its name or its ID (the ARN); a deleted stack only by its ID. Each function returns one
 * request, which the caller owns, or NULL without memory. Strings are copied. The functions are pure, and any thread
 * may call them.
 *
 * Source: AWS's service model 2010-05-15.
 */
#ifndef VASTFS_AWS_CLOUDFORMATION_H
#define VASTFS_AWS_CLOUDFORMATION_H

#include "aws/aws.h"

/* Reply: Stacks. If the stack does not exist, AWS returns a ValidationError with "does not exist". */
struct aws_request *cloudformation_describe_stacks(const char *stack);

/* Reply: one page of StackEvents, newest first, and NextToken. token is NULL for the first page. */
struct aws_request *cloudformation_describe_stack_events(const char *stack, const char *token);

/* Reply: StackResources. */
struct aws_request *cloudformation_describe_stack_resources(const char *stack);

struct cloudformation_change_set {
	const char *stack; /* name of the stack */
	const char *name;  /* name of the change set */
	bool create;	   /* true if the stack does not exist yet */
	const char *template_body;
	cJSON *parameters; /* [{ParameterKey, ParameterValue}]; owned and consumed */
	const char *token; /* idempotency token: AWS executes requests with the same token once */
	const char *stage; /* value of the tag vastfs:stage */
};

struct aws_request *cloudformation_create_change_set(const struct cloudformation_change_set *set);

/* Reply: Status, StatusReason, ChangeSetId, and all pages of Changes. */
struct aws_request *cloudformation_describe_change_set(const char *stack, const char *name);
/* The same with the values of properties before and after the change. */
struct aws_request *cloudformation_describe_change_set_values(const char *stack, const char *name);
struct aws_request *cloudformation_execute_change_set(const char *stack, const char *name, const char *token);
struct aws_request *cloudformation_delete_change_set(const char *stack, const char *name);

/* Reply: Summaries, all pages. */
struct aws_request *cloudformation_list_change_sets(const char *stack);

/* Reply: OperationEvents. They contain the reason why AWS refused a change set before it created anything. */
struct aws_request *cloudformation_describe_events(const char *change_set_id);

/* Reply: StackDriftDetectionId. AWS detects in the background, once at a time for each stack. */
struct aws_request *cloudformation_detect_stack_drift(const char *stack);
/* Reply: DetectionStatus, DetectionStatusReason, Timestamp, and when it has ended StackDriftStatus. */
struct aws_request *cloudformation_describe_stack_drift_detection_status(const char *detection_id);
/* Reply: StackResourceDrifts, all pages: the results of the last detection. Resources that were not checked are left
 * out. */
struct aws_request *cloudformation_describe_stack_resource_drifts(const char *stack);

/* token may be NULL. */
struct aws_request *cloudformation_delete_stack(const char *stack, const char *token);
struct aws_request *cloudformation_cancel_update_stack(const char *stack, const char *token);
struct aws_request *cloudformation_continue_update_rollback(const char *stack, const char *token);

#endif
