#include "aws/cloudformation.h"

static struct aws_request *new_call(const char *operation)
{
	return aws_request_new(&aws_service_cloudformation, operation);
}

static struct aws_request *stack_call(const char *operation, const char *stack)
{
	struct aws_request *r = new_call(operation);

	aws_put_text(&r, "StackName", stack);
	return r;
}

struct aws_request *aws_cfn_describe_stacks(const char *stack)
{
	struct aws_request *r = stack_call("DescribeStacks", stack);

	aws_put_paging(r, "NextToken", "NextToken", "Stacks");
	return r;
}

struct aws_request *aws_cfn_describe_stack_events(const char *stack, const char *token)
{
	struct aws_request *r = stack_call("DescribeStackEvents", stack);

	aws_put_text(&r, "NextToken", token);
	return r;
}

struct aws_request *aws_cfn_describe_events(const char *change_set_arn, const char *token)
{
	struct aws_request *r = new_call("DescribeEvents");

	aws_put_text(&r, "ChangeSetName", change_set_arn);
	aws_put_text(&r, "NextToken", token);
	return r;
}

struct aws_request *aws_cfn_describe_stack_resources(const char *stack)
{
	return stack_call("DescribeStackResources", stack);
}

struct aws_request *aws_cfn_list_stack_resources(const char *stack)
{
	struct aws_request *r = stack_call("ListStackResources", stack);

	aws_put_paging(r, "NextToken", "NextToken", "StackResourceSummaries");
	return r;
}

struct aws_request *aws_cfn_get_template_summary(const char *stack)
{
	return stack_call("GetTemplateSummary", stack);
}

struct aws_request *aws_cfn_get_template(const char *stack)
{
	struct aws_request *r = stack_call("GetTemplate", stack);

	aws_put_text(&r, "TemplateStage", "Original");
	return r;
}

struct aws_request *aws_cfn_create_change_set(const struct aws_cfn_change_set *c)
{
	struct aws_request *r = stack_call("CreateChangeSet", c->stack);

	aws_put_text(&r, "ChangeSetName", c->name);
	aws_put_text(&r, "ChangeSetType", c->type);
	aws_put_text(&r, "ClientToken", c->client_token);
	if (c->template_body)
		aws_put_text(&r, "TemplateBody", c->template_body);
	else
		aws_put_flag(&r, "UsePreviousTemplate", true);
	aws_put_pairs(&r, "Parameters", "ParameterKey", "ParameterValue", c->parameters, c->parameter_count);
	aws_put_pairs(&r, "Tags", "Key", "Value", c->tags, c->tag_count);
	aws_put_texts(&r, "Capabilities", c->capabilities, c->capability_count);
	return r;
}

static struct aws_request *change_set_call(const char *operation, const char *stack, const char *change_set)
{
	struct aws_request *r = stack_call(operation, stack);

	aws_put_text(&r, "ChangeSetName", change_set);
	return r;
}

struct aws_request *aws_cfn_describe_change_set(const char *stack, const char *change_set)
{
	struct aws_request *r = change_set_call("DescribeChangeSet", stack, change_set);

	aws_put_paging(r, "NextToken", "NextToken", "Changes");
	return r;
}

struct aws_request *aws_cfn_execute_change_set(const char *stack, const char *change_set, const char *client_token)
{
	struct aws_request *r = change_set_call("ExecuteChangeSet", stack, change_set);

	aws_put_text(&r, "ClientRequestToken", client_token);
	return r;
}

struct aws_request *aws_cfn_delete_change_set(const char *stack, const char *change_set)
{
	return change_set_call("DeleteChangeSet", stack, change_set);
}

struct aws_request *aws_cfn_delete_stack(const char *stack, const char *client_token)
{
	struct aws_request *r = stack_call("DeleteStack", stack);

	aws_put_text(&r, "ClientRequestToken", client_token);
	return r;
}

struct aws_request *aws_cfn_cancel_update_stack(const char *stack, const char *client_token)
{
	struct aws_request *r = stack_call("CancelUpdateStack", stack);

	aws_put_text(&r, "ClientRequestToken", client_token);
	return r;
}
