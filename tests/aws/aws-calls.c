/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aws-calls - makes every call once, with arguments, and prints what it is made of, one JSON object a line.
 *
 * aws-calls replies: each line of standard input is the number of a call, a space, and the body of a reply to it.
 * Prints what becomes of the reply, one JSON object a line.
 */
#include "aws/protocol/protocol.h"
#include "aws/retry.h"
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

#include <string.h>

static struct aws_request *calls[128];
static size_t calls_n;

static void put_text(cJSON *out, const char *name, const char *text)
{
	cJSON_AddItemToObject(out, name, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void put_members(cJSON *out, const struct aws_member *m)
{
	cJSON *list = cJSON_AddArrayToObject(out, "members");

	for (; m && m->path; m++) {
		cJSON *row = cJSON_CreateObject();

		put_text(row, "path", m->path);
		cJSON_AddNumberToObject(row, "type", m->type & ~AWS_OPTIONAL);
		cJSON_AddBoolToObject(row, "optional", m->type & AWS_OPTIONAL);
		cJSON_AddItemToArray(list, row);
	}
}

static void put_echoes(cJSON *out, const struct aws_echo *e)
{
	cJSON *list = cJSON_AddArrayToObject(out, "echoes");

	for (; e && e->path; e++) {
		const char *const pair[] = {e->path, e->parameter};

		cJSON_AddItemToArray(list, cJSON_CreateStringArray(pair, 2));
	}
}

static void put_line(cJSON *out)
{
	char *text = cJSON_PrintUnformatted(out);

	puts(text);
	cJSON_free(text);
	cJSON_Delete(out);
}

static void show(struct aws_request *r)
{
	if (!r || calls_n == ARRAY_SIZE(calls))
		exit(1);
	calls[calls_n++] = r;
}

static void describe(const struct aws_request *r)
{
	cJSON *out = cJSON_CreateObject();

	put_text(out, "service", r->service->name);
	put_text(out, "operation", r->operation);
	put_text(out, "method", r->method);
	put_text(out, "path", r->path);
	put_text(out, "query", r->query);
	cJSON_AddItemToObject(out, "params", r->params ? cJSON_Duplicate(r->params, true) : cJSON_CreateNull());
	if (r->paging.token_out)
		cJSON_AddItemToObject(out, "paging", cJSON_CreateStringArray((const char *const *)&r->paging, 3));
	else
		cJSON_AddNullToObject(out, "paging");
	put_members(out, r->members);
	put_echoes(out, r->echoes);
	cJSON_AddBoolToObject(out, "idempotent", r->retry == AWS_RETRY_STANDARD);
	put_line(out);
}

/* What becomes of a reply with status 200. */
static void judge(const struct aws_request *r, const char *body)
{
	struct http_reply http = {.status = 200, .header = BUF_INIT(100)};
	struct aws_reply reply = {.status = 200, .payload = BUF_INIT(AWS_BODY_MAX)};
	cJSON *out = cJSON_CreateObject();

	buf_puts(&reply.payload, body);
	aws_reply_parse(r, &http, &reply);
	cJSON_AddNumberToObject(out, "errno", reply.error.errnum);
	put_text(out, "message", reply.error.message);
	cJSON_AddBoolToObject(out, "transient", aws_outcome_of(&reply) == AWS_OUTCOME_TRANSIENT);
	put_line(out);
	aws_reply_free(&reply);
	http_reply_free(&http);
}

static void judge_replies(void)
{
	char *line = NULL, *body;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		size_t number = strtoul(line, &body, 10);

		if (number >= calls_n || *body != ' ')
			exit(1);
		line[len - 1] = '\0';
		judge(calls[number], body + 1);
	}
	free(line);
}

static const char *const text = "x";

static void show_cloudformation(void)
{
	struct cloudformation_change_set set = {
		.stack = "s", .name = "c", .template_body = "{}", .token = "t", .stage = "g"};

	set.parameters = cJSON_Parse("[{\"ParameterKey\":\"k\",\"ParameterValue\":\"v\"}]");
	show(cloudformation_create_change_set(&set));
	set.create = true;
	set.parameters = cJSON_CreateArray();
	show(cloudformation_create_change_set(&set));
	show(cloudformation_describe_stacks("s"));
	show(cloudformation_describe_stack_events("s", "t"));
	show(cloudformation_describe_stack_resources("s"));
	show(cloudformation_describe_change_set("s", "c"));
	show(cloudformation_describe_change_set_values("s", "c"));
	show(cloudformation_detect_stack_drift("s"));
	show(cloudformation_describe_stack_drift_detection_status("d"));
	show(cloudformation_describe_stack_resource_drifts("s"));
	show(cloudformation_execute_change_set("s", "c", "t"));
	show(cloudformation_delete_change_set("s", "c"));
	show(cloudformation_describe_events("c"));
	show(cloudformation_delete_stack("s", "t"));
	show(cloudformation_cancel_update_stack("s", "t"));
	show(cloudformation_continue_update_rollback("s", "t"));
	show(cloudformation_list_change_sets("s"));
}

static void show_ec2(void)
{
	show(ec2_describe_vpcs("v"));
	show(ec2_describe_all_vpcs());
	show(ec2_describe_vpc_attribute("v", "enableDnsSupport"));
	show(ec2_describe_vpc_attribute("v", "enableDnsHostnames"));
	show(ec2_describe_internet_gateways("v"));
	show(ec2_describe_all_internet_gateways());
	show(ec2_describe_subnets("v"));
	show(ec2_describe_all_subnets());
	show(ec2_describe_subnet("s"));
	show(ec2_describe_vpc_peering_connections());
	show(ec2_describe_block_public_access());
	show(ec2_describe_block_public_access_exclusions());
	show(ec2_describe_dhcp_options());
	show(ec2_describe_nat_gateways());
	show(ec2_describe_availability_zones());
	show(ec2_describe_addresses());
	show(ec2_describe_lambda_interfaces("s", "g"));
	show(ec2_delete_network_interface("e"));
}

static void show_ecs(void)
{
	struct ecs_server run = {"c", "d", "s", "g", "default", "t"};
	struct aws_pair tag = {"k", "v"};

	show(ecs_list_tasks("c", "RUNNING"));
	show(ecs_describe_tasks("c", cJSON_CreateStringArray(&text, 1)));
	show(ecs_run_task(&run));
	show(ecs_stop_task("c", "t", "r"));
	show(ecs_describe_task_definition("t"));
	show(ecs_create_service(&run, "n", &tag, 1));
	show(ecs_scale_service("c", "n", 1));
	show(ecs_start_service(&run, "n"));
	show(ecs_delete_service("c", "n"));
	show(ecs_describe_service("c", "n"));
	show(ecs_list_services("c"));
	show(ecs_tag_resource("a", &tag));
	show(ecs_execute_command("c", "t", "n", "/bin/sh"));
}

static void show_images_and_files(void)
{
	cJSON *digests;

	show(ecr_create_repository("r", "default"));
	show(ecr_describe_repository("r"));
	show(ecr_list_tags_for_resource("a"));
	show(ecr_get_repository_policy("r"));
	show(ecr_set_repository_policy("r", "{}"));
	show(ecr_get_lifecycle_policy("r"));
	show(ecr_put_lifecycle_policy("r", "{}"));
	show(ecr_get_authorization_token());
	show(ecr_describe_images("r"));
	show(ecr_describe_image("r", "sha256:1"));
	digests = cJSON_Parse("[\"sha256:1\"]");
	show(ecr_batch_delete_image("r", digests));
	cJSON_Delete(digests);
	show(ecr_delete_repository("r"));
	show(efs_create_file_system("t", "default"));
	show(efs_describe_file_systems("t"));
	show(efs_describe_file_system_policy("f"));
	show(efs_put_file_system_policy("f", "{}"));
	show(efs_describe_mount_targets("f"));
	show(efs_delete_file_system("f"));
}

static void show_lambda(void)
{
	_buf_ struct buf event = BUF_INIT(100);
	cJSON *one = cJSON_CreateStringArray(&text, 1), *none = cJSON_CreateArray();

	buf_puts(&event, "{}");
	show(lambda_get_function_configuration("f"));
	show(lambda_get_account_settings());
	show(lambda_update_vpc("f", one, one));
	show(lambda_update_vpc("f", none, none));
	show(lambda_invoke("f", &event, 1000));
	buf_puts(&event, "{}");
	show(lambda_invoke_stream("f", &event, 1000, NULL, NULL));
	cJSON_Delete(one);
	cJSON_Delete(none);
}

static void show_identities(void)
{
	struct sts_role role = {.arn = "a", .session_name = "s", .web_identity_token = "t"};
	struct sso_token_request token = {
		.grant_type = "g", .client_id = "i", .client_secret = "s", .device_code = "d"};

	show(sts_assume_role(&role));
	show(sts_assume_role_with_web_identity(&role));
	show(sso_get_role_credentials("r", "1", NULL));
	show(sso_portal_logout(NULL));
	show(sso_register_client("n", "s"));
	show(sso_start_device_authorization("i", "s", "u"));
	show(sso_create_token(&token));
}

int main(int argc, char **argv)
{
	show(sts_get_caller_identity());
	show(iam_create_service_linked_role("ecs.amazonaws.com"));
	show(iam_get_policy("arn:aws:iam::aws:policy/ReadOnlyAccess"));
	show_cloudformation();
	show_ec2();
	show_ecs();
	show_images_and_files();
	show(kms_generate_session_key("k", "s", "t"));
	show(ssm_resume_session("s"));
	show(ssm_terminate_session("s"));
	show_lambda();
	show(quotas_get("ec2", "L-0263D0A3"));
	show(logs_get_log_events("g", "s", "t", 1));
	show(logs_get_last_events("g", "s", 1));
	show_identities();
	if (argc > 1 && strcmp(argv[1], "replies") == 0)
		judge_replies();
	else
		for (size_t i = 0; i < calls_n; i++)
			describe(calls[i]);
	for (size_t i = 0; i < calls_n; i++)
		aws_request_free(calls[i]);
	return 0;
}
