/*
 * cloudformation.h - calls of CloudFormation. Source: its API reference, version 2010-05-15.
 *
 * Each function makes a request, or NULL without memory. Texts are copied. Arguments that are NULL are left out.
 */
#ifndef VASTFS_AWS_CLOUDFORMATION_H
#define VASTFS_AWS_CLOUDFORMATION_H

#include "aws/aws.h"
#include "aws/service.h"

/* Reply: Stacks. A stack that does not exist is a ValidationError. stack: name or id; NULL: all. */
struct aws_request *aws_cfn_describe_stacks(const char *stack);

/* One page, newest first. Reply: StackEvents, NextToken ("" at the end). token: of the page before, or NULL. */
struct aws_request *aws_cfn_describe_stack_events(const char *stack, const char *token);

/* One page of the events of an operation or a change set. Reply: OperationEvents, NextToken. */
struct aws_request *aws_cfn_describe_events(const char *change_set_arn, const char *token);

/* Reply: StackResources (at most 100). */
struct aws_request *aws_cfn_describe_stack_resources(const char *stack);

/* All pages. Reply: StackResourceSummaries. */
struct aws_request *aws_cfn_list_stack_resources(const char *stack);

/* Reply: Metadata and the like of the stack's template. */
struct aws_request *aws_cfn_get_template_summary(const char *stack);

/* Reply: TemplateBody, as it was given. */
struct aws_request *aws_cfn_get_template(const char *stack);

struct aws_cfn_change_set {
	const char *stack;
	const char *name;
	const char *type;	   /* "CREATE" or "UPDATE" */
	const char *template_body; /* NULL: the previous one */
	const char *client_token;
	const struct aws_pair *parameters;
	size_t parameter_count;
	const struct aws_pair *tags;
	size_t tag_count;
	const char *const *capabilities;
	size_t capability_count;
};

/* Reply: Id, StackId. */
struct aws_request *aws_cfn_create_change_set(const struct aws_cfn_change_set *c);

/* All pages. Reply: Status, StatusReason, Changes, ... stack may be NULL if change_set is an ARN. */
struct aws_request *aws_cfn_describe_change_set(const char *stack, const char *change_set);

struct aws_request *aws_cfn_execute_change_set(const char *stack, const char *change_set, const char *client_token);
struct aws_request *aws_cfn_delete_change_set(const char *stack, const char *change_set);

/* stack: better its id, for its name may become another's. */
struct aws_request *aws_cfn_delete_stack(const char *stack, const char *client_token);

/* Interrupts an update, which is then rolled back. */
struct aws_request *aws_cfn_cancel_update_stack(const char *stack, const char *client_token);

#endif
