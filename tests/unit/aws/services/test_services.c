/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests that each call of AWS is either complete or, if an allocation has failed, is not made. */
#include "aws/services/cloudformation.h"
#include "aws/services/ec2.h"
#include "aws/services/ecr.h"
#include "aws/services/ecs.h"
#include "aws/services/efs.h"
#include "aws/services/iam.h"
#include "aws/services/kms.h"
#include "aws/services/lambda.h"
#include "aws/services/logs.h"
#include "aws/services/service.h"
#include "aws/services/service_quotas.h"
#include "aws/services/ssm.h"
#include "aws/services/sso.h"
#include "aws/services/sts.h"
#include "failing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALL(of)                  \
	case __COUNTER__ - FIRST: \
		return of;

static const struct aws_pair tags[] = {{"vastfs:stage", "dev"}, {"Name", "vast"}};
static const struct ecs_server server = {.cluster = "c",
					 .task_definition = "d",
					 .subnet = "subnet-1",
					 .security_group = "sg-1",
					 .stage = "dev",
					 .client_token = "t"};
static const struct sts_role role = {.arn = "arn:aws:iam::1:role/r", .session_name = "s", .duration_s = 900};
static const struct sso_token_request token = {.grant_type = "g", .client_id = "i", .client_secret = "s"};

static cJSON *texts(void)
{
	return cJSON_CreateStringArray((const char *const[]){"a", "b"}, 2);
}

static struct aws_request *create_change_set(void)
{
	const struct cloudformation_change_set set = {
		.stack = "s", .name = "n", .template_body = "{}", .parameters = texts(), .token = "t", .stage = "dev"};

	return cloudformation_create_change_set(&set);
}

static struct aws_request *delete_images(void)
{
	cJSON *digests = texts();
	struct aws_request *r = digests ? ecr_batch_delete_image("n", digests) : NULL;

	cJSON_Delete(digests);
	return r;
}

static struct aws_request *update_vpc(void)
{
	cJSON *subnets = texts(), *groups = texts();
	struct aws_request *r = subnets && groups ? lambda_update_vpc("f", subnets, groups) : NULL;

	cJSON_Delete(subnets);
	cJSON_Delete(groups);
	return r;
}

static int sink(const void *data, size_t len, void *arg)
{
	(void)data;
	(void)len;
	(void)arg;
	return 0;
}

/* The request takes over the event only if it is made: otherwise the caller may still free it, or use it again. */
static struct aws_request *invoke(bool stream)
{
	struct buf event = BUF_INIT(100);
	struct aws_request *r = NULL;

	if (buf_puts(&event, "{}") == 0)
		r = stream ? lambda_invoke_stream("f", &event, 1000, sink, NULL) : lambda_invoke("f", &event, 1000);
	if (r)
		assert_string_equal(buf_str(&r->payload), "{}");
	assert_int_equal(event.len, r || event.error ? 0 : 2);
	buf_free(&event);
	return r;
}

/* NULL without memory, and behind the last one. */
static struct aws_request *call_number(int n)
{
	enum { FIRST = __COUNTER__ + 1 };

	switch (n) {
		CALL(cloudformation_describe_stacks("s"))
		CALL(cloudformation_describe_stack_events("s", "t"))
		CALL(cloudformation_describe_stack_resources("s"))
		CALL(create_change_set())
		CALL(cloudformation_describe_change_set("s", "n"))
		CALL(cloudformation_describe_change_set_values("s", "n"))
		CALL(cloudformation_detect_stack_drift("s"))
		CALL(cloudformation_describe_stack_drift_detection_status("i"))
		CALL(cloudformation_describe_stack_resource_drifts("s"))
		CALL(cloudformation_execute_change_set("s", "n", "t"))
		CALL(cloudformation_delete_change_set("s", "n"))
		CALL(cloudformation_list_change_sets("s"))
		CALL(cloudformation_describe_events("s"))
		CALL(cloudformation_delete_stack("s", "t"))
		CALL(cloudformation_cancel_update_stack("s", "t"))
		CALL(cloudformation_continue_update_rollback("s", "t"))
		CALL(ec2_describe_vpcs("vpc-1"))
		CALL(ec2_describe_all_vpcs())
		CALL(ec2_describe_vpc_attribute("vpc-1", "enableDnsSupport"))
		CALL(ec2_describe_internet_gateways("vpc-1"))
		CALL(ec2_describe_all_internet_gateways())
		CALL(ec2_describe_subnets("vpc-1"))
		CALL(ec2_describe_all_subnets())
		CALL(ec2_describe_subnet("subnet-1"))
		CALL(ec2_describe_vpc_peering_connections())
		CALL(ec2_describe_block_public_access())
		CALL(ec2_describe_block_public_access_exclusions())
		CALL(ec2_describe_dhcp_options())
		CALL(ec2_describe_nat_gateways())
		CALL(ec2_describe_availability_zones())
		CALL(ec2_describe_addresses())
		CALL(ec2_describe_lambda_interfaces("subnet-1", "sg-1"))
		CALL(ec2_delete_network_interface("eni-1"))
		CALL(ecr_describe_repository("n"))
		CALL(ecr_create_repository("n", "dev"))
		CALL(ecr_delete_repository("n"))
		CALL(ecr_list_tags_for_resource("arn"))
		CALL(ecr_get_repository_policy("n"))
		CALL(ecr_set_repository_policy("n", "{}"))
		CALL(ecr_get_lifecycle_policy("n"))
		CALL(ecr_put_lifecycle_policy("n", "{}"))
		CALL(ecr_get_authorization_token())
		CALL(ecr_describe_images("n"))
		CALL(ecr_describe_image("n", "sha256:1"))
		CALL(ecr_tag_resource("arn", tags, ARRAY_SIZE(tags)))
		CALL(delete_images())
		CALL(ecs_list_tasks("c", "RUNNING"))
		CALL(ecs_describe_tasks("c", texts()))
		CALL(ecs_run_task(&server))
		CALL(ecs_create_service(&server, "n", tags, ARRAY_SIZE(tags)))
		CALL(ecs_scale_service("c", "n", 0))
		CALL(ecs_start_service(&server, "n"))
		CALL(ecs_delete_service("c", "n"))
		CALL(ecs_describe_service("c", "n"))
		CALL(ecs_list_services("c"))
		CALL(ecs_tag_resource("arn", tags))
		CALL(ecs_stop_task("c", "arn", "why"))
		CALL(ecs_execute_command("c", "t", "n", "sh"))
		CALL(ecs_describe_task_definition("arn"))
		CALL(efs_create_file_system("t", "dev"))
		CALL(efs_describe_file_systems("t"))
		CALL(efs_describe_file_system_policy("fs-1"))
		CALL(efs_put_file_system_policy("fs-1", "{}"))
		CALL(efs_describe_mount_targets("fs-1"))
		CALL(efs_delete_file_system("fs-1"))
		CALL(iam_create_service_linked_role("ecs.amazonaws.com"))
		CALL(iam_get_policy("arn"))
		CALL(kms_generate_session_key("k", "s", "t"))
		CALL(lambda_get_function_configuration("f"))
		CALL(update_vpc())
		CALL(lambda_get_account_settings())
		CALL(invoke(false))
		CALL(invoke(true))
		CALL(logs_get_log_events("g", "s", "t", 1))
		CALL(logs_get_last_events("g", "s", 10))
		CALL(quotas_get("fargate", "L-1"))
		CALL(ssm_resume_session("s"))
		CALL(ssm_terminate_session("s"))
		CALL(sso_get_role_credentials("r", "1", "h"))
		CALL(sso_portal_logout("h"))
		CALL(sso_register_client("vastfs", "scope"))
		CALL(sso_start_device_authorization("i", "s", "https://x"))
		CALL(sso_create_token(&token))
		CALL(sts_get_caller_identity())
		CALL(sts_assume_role(&role))
		CALL(sts_assume_role_with_web_identity(&role))
	default:
		return NULL;
	}
}

static void make_call(const void *arg)
{
	struct aws_request *r = call_number(*(const int *)arg), *copy = NULL;

	if (r)
		copy = aws_request_copy(r);
	if (failing_happened()) {
		assert_true(!r || !copy);
	} else {
		assert_non_null(copy);
		assert_string_equal(copy->operation, r->operation);
		assert_true(cJSON_Compare(copy->params, r->params, true) || !r->params);
	}
	aws_request_free(copy);
	aws_request_free(r);
}

/* A request that lacks a member could, for example, delete another resource, or all. */
static void test_no_call_is_incomplete(void **state)
{
	struct aws_request *r;
	int n = 0;

	(void)state;
	for (; (r = call_number(n)); n++) {
		aws_request_free(r);
		assert_true(failing_each(make_call, &n) >= 2);
	}
	assert_int_equal(n, 86);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_call_is_incomplete)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
