/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parses a reply of AWS. The first byte selects the call, then come headers up to an empty line, and the body. The
 * reply is parsed by the protocol of the call and checked against its shape; a reply that has the shape is read by the
 * functions of vastfs.
 */
#include "aws/protocol/protocol.h"
#include "aws/services/cloudformation.h"
#include "aws/services/ec2.h"
#include "aws/services/ecs.h"
#include "aws/services/lambda.h"
#include "aws/services/logs.h"
#include "stack/crash_loop.h"
#include "stack/server_list.h"
#include "stack/service.h"
#include "stack/view.h"

#include "fuzz.h"

static void reply_read_stack(const cJSON *body)
{
	const cJSON *stacks = aws_at(body, "DescribeStacksResponse") ?: body;
	struct stack_view *v = stack_view_parse("vast-prod", false, stacks, body, NULL, NULL);

	fuzz_require(v);
	stack_view_unref(v);
}

static void reply_read_tasks(const cJSON *body)
{
	const cJSON *tasks = aws_at(body, "tasks");
	struct task_list *list = task_list_parse(tasks, "42000", "vast-prod", NULL);

	fuzz_require(list);
	task_list_default(list);
	crash_loop_find(tasks, "vast-prod", 0, 1700000000000);
	server_list_newest_live(tasks, "vast-prod", 0);
	task_list_unref(list);
}

static void reply_read_service(const cJSON *body)
{
	struct service s = service_parse(body, "prod");

	service_is_wanted(&s);
}

static void reply_read_nothing(const cJSON *body)
{
	(void)body;
}

static struct aws_request *reply_request_of(uint8_t selector, void (**ret_read)(const cJSON *body))
{
	*ret_read = reply_read_nothing;
	switch (selector % 8) {
	case 0:
		*ret_read = reply_read_stack;
		return cloudformation_describe_stacks("vast-prod");
	case 1:
		return cloudformation_describe_stack_events("vast-prod", NULL);
	case 2:
		return ec2_describe_vpcs("vpc-1");
	case 3:
		*ret_read = reply_read_tasks;
		return ecs_describe_tasks("vast-prod", cJSON_CreateArray());
	case 4:
		*ret_read = reply_read_service;
		return ecs_describe_service("vast-prod", "vast-prod");
	case 5:
		return logs_get_log_events("group", "stream", NULL, 0);
	default:
		return lambda_get_function_configuration("vast-prod");
	}
}

static void reply_take(const struct aws_request *request, int status, const uint8_t *data, size_t len,
		       void (*read)(const cJSON *body))
{
	const uint8_t *blank = memmem(data, len, "\n\n", 2);
	size_t head = blank ? (size_t)(blank - data) + 1 : 0;
	struct http_reply http = {.status = status, .header = BUF_INIT(1 << 20)};
	struct aws_reply reply = {.status = status, .payload = BUF_INIT(AWS_BODY_MAX)};
	struct error err;

	buf_append(&http.header, data, head);
	if (blank)
		head++;
	buf_append(&reply.payload, data + head, len - head);
	aws_reply_take_request_id(&http, &reply);
	aws_reply_parse(request, &http, &reply);
	if (!error_is(&reply.error) && aws_shape_check(request->members, reply.body, &err) == 0)
		read(reply.body);
	http_reply_free(&http);
	aws_reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void (*read)(const cJSON *body);
	struct aws_request *request;

	if (!len)
		return 0;
	request = reply_request_of(data[0], &read);
	fuzz_require(request);
	reply_take(request, 200, data + 1, len - 1, read);
	reply_take(request, 400, data + 1, len - 1, reply_read_nothing);
	aws_request_free(request);
	return 0;
}
