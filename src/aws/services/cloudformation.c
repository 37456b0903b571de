/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/cloudformation.h"

#include "aws/services/service.h"

static struct aws_request *cloudformation_of_stack(const char *operation, const char *stack)
{
	struct aws_request *r = aws_request_new(&aws_service_cloudformation, operation);

	aws_put_text(&r, "StackName", stack);
	return r;
}

static struct aws_request *cloudformation_of_change_set(const char *operation, const char *stack, const char *name)
{
	struct aws_request *r = cloudformation_of_stack(operation, stack);

	aws_put_text(&r, "ChangeSetName", name);
	return r;
}

struct aws_request *cloudformation_describe_stacks(const char *stack)
{
	AWS_SHAPE(stacks, {"Stacks", AWS_ENTRIES}, {"Stacks.*", AWS_OBJECT}, {"Stacks.*.StackId", AWS_STRING},
		  {"Stacks.*.StackStatus", AWS_STRING}, {"Stacks.*.Outputs", AWS_LIST | AWS_OPTIONAL},
		  {"Stacks.*.Outputs.*", AWS_OBJECT}, {"Stacks.*.Outputs.*.OutputKey", AWS_STRING},
		  {"Stacks.*.Outputs.*.OutputValue", AWS_STRING | AWS_OPTIONAL},
		  {"Stacks.*.Parameters", AWS_LIST | AWS_OPTIONAL}, {"Stacks.*.Parameters.*", AWS_OBJECT},
		  {"Stacks.*.Parameters.*.ParameterKey", AWS_STRING},
		  {"Stacks.*.Parameters.*.ParameterValue", AWS_STRING | AWS_OPTIONAL},
		  {"Stacks.*.Tags", AWS_LIST | AWS_OPTIONAL}, {"Stacks.*.Tags.*", AWS_OBJECT},
		  {"Stacks.*.Tags.*.Key", AWS_STRING},
		  {"Stacks.*.EnableTerminationProtection", AWS_BOOL | AWS_OPTIONAL});
	AWS_ECHOES(about, {"Stacks.*.StackId", "StackName"});
	struct aws_request *r = cloudformation_of_stack("DescribeStacks", stack);

	aws_put_members(r, stacks);
	aws_put_echoes(r, about);
	aws_put_paging(r, "NextToken", "NextToken", "Stacks");
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *cloudformation_describe_stack_events(const char *stack, const char *token)
{
	AWS_SHAPE(
		events, {"StackEvents", AWS_LIST}, {"StackEvents.*", AWS_OBJECT}, {"StackEvents.*.EventId", AWS_STRING},
		{"StackEvents.*.StackId", AWS_STRING}, {"StackEvents.*.LogicalResourceId", AWS_STRING | AWS_OPTIONAL},
		{"StackEvents.*.ResourceType", AWS_STRING | AWS_OPTIONAL},
		{"StackEvents.*.ResourceStatus", AWS_STRING | AWS_OPTIONAL}, {"NextToken", AWS_STRING | AWS_OPTIONAL});
	AWS_ECHOES(about, {"StackEvents.*.StackId", "StackName"});
	struct aws_request *r = cloudformation_of_stack("DescribeStackEvents", stack);

	aws_put_members(r, events);
	aws_put_echoes(r, about);
	aws_put_text(&r, "NextToken", token);
	return r;
}

struct aws_request *cloudformation_describe_stack_resources(const char *stack)
{
	AWS_SHAPE(resources, {"StackResources", AWS_LIST}, {"StackResources.*", AWS_OBJECT},
		  {"StackResources.*.LogicalResourceId", AWS_STRING}, {"StackResources.*.ResourceType", AWS_STRING},
		  {"StackResources.*.ResourceStatus", AWS_STRING},
		  {"StackResources.*.PhysicalResourceId", AWS_STRING | AWS_OPTIONAL},
		  {"StackResources.*.Timestamp", AWS_STRING | AWS_OPTIONAL},
		  {"StackResources.*.StackId", AWS_STRING | AWS_OPTIONAL});
	AWS_ECHOES(about, {"StackResources.*.StackId", "StackName"});
	struct aws_request *r = cloudformation_of_stack("DescribeStackResources", stack);

	aws_put_members(r, resources);
	aws_put_echoes(r, about);
	aws_put_bound(r, "StackResources", AWS_RESOURCES_MOST);
	return r;
}

struct aws_request *cloudformation_create_change_set(const struct cloudformation_change_set *set)
{
	struct aws_request *r = cloudformation_of_change_set("CreateChangeSet", set->stack, set->name);

	aws_put_text(&r, "ChangeSetType", set->create ? "CREATE" : "UPDATE");
	aws_put_text(&r, "TemplateBody", set->template_body);
	aws_put_node(&r, "Parameters", set->parameters);
	aws_put_texts(&r, "Capabilities", (const char *const[]){"CAPABILITY_IAM"}, 1);
	aws_put_pairs(&r, "Tags", "Key", "Value", &(struct aws_pair){"vastfs:stage", set->stage}, 1);
	aws_put_text(&r, "ClientToken", set->token);
	return r;
}

AWS_ECHOES(change_set_echoes, {"StackId", "StackName"}, {"ChangeSetName", "ChangeSetName"},
	   {"ChangeSetId", "ChangeSetName"});

struct aws_request *cloudformation_describe_change_set(const char *stack, const char *name)
{
	AWS_SHAPE(change_set, {"Status", AWS_STRING}, {"ChangeSetId", AWS_STRING}, {"ChangeSetName", AWS_STRING},
		  {"StackId", AWS_STRING}, {"ExecutionStatus", AWS_STRING | AWS_OPTIONAL},
		  {"StatusReason", AWS_STRING | AWS_OPTIONAL}, {"Changes", AWS_LIST}, {"Changes.*", AWS_OBJECT},
		  {"Changes.*.ResourceChange", AWS_OBJECT | AWS_OPTIONAL},
		  {"Changes.*.ResourceChange.Action", AWS_STRING},
		  {"Changes.*.ResourceChange.LogicalResourceId", AWS_STRING},
		  {"Changes.*.ResourceChange.ResourceType", AWS_STRING},
		  {"Changes.*.ResourceChange.Replacement", AWS_STRING | AWS_OPTIONAL});
	struct aws_request *r = cloudformation_of_change_set("DescribeChangeSet", stack, name);

	aws_put_members(r, change_set);
	aws_put_echoes(r, change_set_echoes);
	aws_put_paging(r, "NextToken", "NextToken", "Changes");
	return r;
}

struct aws_request *cloudformation_describe_change_set_values(const char *stack, const char *name)
{
	AWS_SHAPE(values, {"Status", AWS_STRING}, {"ChangeSetId", AWS_STRING}, {"ChangeSetName", AWS_STRING},
		  {"StackId", AWS_STRING}, {"StatusReason", AWS_STRING | AWS_OPTIONAL}, {"Changes", AWS_LIST},
		  {"Changes.*", AWS_OBJECT}, {"Changes.*.ResourceChange", AWS_OBJECT | AWS_OPTIONAL},
		  {"Changes.*.ResourceChange.Action", AWS_STRING},
		  {"Changes.*.ResourceChange.LogicalResourceId", AWS_STRING},
		  {"Changes.*.ResourceChange.ResourceType", AWS_STRING},
		  {"Changes.*.ResourceChange.Replacement", AWS_STRING | AWS_OPTIONAL},
		  {"Changes.*.ResourceChange.Details", AWS_LIST | AWS_OPTIONAL},
		  {"Changes.*.ResourceChange.Details.*", AWS_OBJECT},
		  {"Changes.*.ResourceChange.Details.*.Target", AWS_OBJECT | AWS_OPTIONAL},
		  {"Changes.*.ResourceChange.Details.*.CausingEntity", AWS_STRING | AWS_OPTIONAL});
	struct aws_request *r = cloudformation_of_change_set("DescribeChangeSet", stack, name);

	aws_put_members(r, values);
	aws_put_echoes(r, change_set_echoes);
	aws_put_flag(&r, "IncludePropertyValues", true);
	aws_put_paging(r, "NextToken", "NextToken", "Changes");
	return r;
}

struct aws_request *cloudformation_detect_stack_drift(const char *stack)
{
	AWS_SHAPE(detection, {"StackDriftDetectionId", AWS_STRING});
	struct aws_request *r = cloudformation_of_stack("DetectStackDrift", stack);

	aws_put_members(r, detection);
	return r;
}

struct aws_request *cloudformation_describe_stack_drift_detection_status(const char *detection_id)
{
	AWS_SHAPE(status, {"DetectionStatus", AWS_STRING}, {"DetectionStatusReason", AWS_STRING | AWS_OPTIONAL},
		  {"StackDriftStatus", AWS_STRING | AWS_OPTIONAL}, {"StackDriftDetectionId", AWS_STRING});
	AWS_ECHOES(about, {"StackDriftDetectionId", "StackDriftDetectionId"});
	struct aws_request *r = aws_request_new(&aws_service_cloudformation, "DescribeStackDriftDetectionStatus");

	aws_put_members(r, status);
	aws_put_echoes(r, about);
	aws_put_text(&r, "StackDriftDetectionId", detection_id);
	return r;
}

struct aws_request *cloudformation_describe_stack_resource_drifts(const char *stack)
{
	AWS_SHAPE(drifts, {"StackResourceDrifts", AWS_LIST}, {"StackResourceDrifts.*", AWS_OBJECT},
		  {"StackResourceDrifts.*.StackId", AWS_STRING},
		  {"StackResourceDrifts.*.LogicalResourceId", AWS_STRING},
		  {"StackResourceDrifts.*.ResourceType", AWS_STRING},
		  {"StackResourceDrifts.*.StackResourceDriftStatus", AWS_STRING},
		  {"StackResourceDrifts.*.PropertyDifferences", AWS_LIST | AWS_OPTIONAL},
		  {"StackResourceDrifts.*.PropertyDifferences.*", AWS_OBJECT},
		  {"StackResourceDrifts.*.PropertyDifferences.*.PropertyPath", AWS_STRING},
		  {"StackResourceDrifts.*.PropertyDifferences.*.ExpectedValue", AWS_STRING | AWS_OPTIONAL},
		  {"StackResourceDrifts.*.PropertyDifferences.*.ActualValue", AWS_STRING | AWS_OPTIONAL});
	AWS_ECHOES(about, {"StackResourceDrifts.*.StackId", "StackName"});
	struct aws_request *r = cloudformation_of_stack("DescribeStackResourceDrifts", stack);

	aws_put_members(r, drifts);
	aws_put_echoes(r, about);
	aws_put_paging(r, "NextToken", "NextToken", "StackResourceDrifts");
	return r;
}

struct aws_request *cloudformation_execute_change_set(const char *stack, const char *name, const char *token)
{
	struct aws_request *r = cloudformation_of_change_set("ExecuteChangeSet", stack, name);

	aws_put_text(&r, "ClientRequestToken", token);
	return r;
}

struct aws_request *cloudformation_delete_change_set(const char *stack, const char *name)
{
	return cloudformation_of_change_set("DeleteChangeSet", stack, name);
}

struct aws_request *cloudformation_list_change_sets(const char *stack)
{
	AWS_SHAPE(sets, {"Summaries", AWS_LIST}, {"Summaries.*", AWS_OBJECT}, {"Summaries.*.ChangeSetName", AWS_STRING},
		  {"Summaries.*.StackId", AWS_STRING | AWS_OPTIONAL});
	AWS_ECHOES(about, {"Summaries.*.StackId", "StackName"});
	struct aws_request *r = cloudformation_of_stack("ListChangeSets", stack);

	aws_put_members(r, sets);
	aws_put_echoes(r, about);
	aws_put_paging(r, "NextToken", "NextToken", "Summaries");
	return r;
}

struct aws_request *cloudformation_describe_events(const char *change_set_id)
{
	AWS_SHAPE(events, {"OperationEvents", AWS_LIST}, {"OperationEvents.*", AWS_OBJECT});
	struct aws_request *r = aws_request_new(&aws_service_cloudformation, "DescribeEvents");

	aws_put_members(r, events);
	aws_put_text(&r, "ChangeSetName", change_set_id);
	if (r)
		r->quiet = true;
	return r;
}

struct aws_request *cloudformation_delete_stack(const char *stack, const char *token)
{
	struct aws_request *r = cloudformation_of_stack("DeleteStack", stack);

	aws_put_text(&r, "ClientRequestToken", token);
	return r;
}

struct aws_request *cloudformation_cancel_update_stack(const char *stack, const char *token)
{
	struct aws_request *r = cloudformation_of_stack("CancelUpdateStack", stack);

	aws_put_text(&r, "ClientRequestToken", token);
	return r;
}

struct aws_request *cloudformation_continue_update_rollback(const char *stack, const char *token)
{
	struct aws_request *r = cloudformation_of_stack("ContinueUpdateRollback", stack);

	aws_put_text(&r, "ClientRequestToken", token);
	return r;
}
