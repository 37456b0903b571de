/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/lambda.h"

#include "aws/services/service.h"
#include "base/json.h"

struct aws_request *lambda_get_function_configuration(const char *function)
{
	/* VpcConfig is null for a function outside of a VPC. */
	AWS_SHAPE(configuration, {"State", AWS_STRING}, {"LastUpdateStatus", AWS_STRING},
		  {"VpcConfig", AWS_OBJECT | AWS_OPTIONAL}, {"VpcConfig.SubnetIds", AWS_LIST | AWS_OPTIONAL},
		  {"VpcConfig.SubnetIds.*", AWS_STRING}, {"VpcConfig.SecurityGroupIds", AWS_LIST | AWS_OPTIONAL},
		  {"VpcConfig.SecurityGroupIds.*", AWS_STRING});
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "GetFunctionConfiguration", "GET",
					     "/2015-03-31/functions/", function, "/configuration");

	aws_put_members(r, configuration);
	return r;
}

struct aws_request *lambda_update_vpc(const char *function, const cJSON *subnets, const cJSON *groups)
{
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "UpdateFunctionConfiguration", "PUT",
					     "/2015-03-31/functions/", function, "/configuration");
	int e = 0;
	cJSON *vpc = json_object(&e);

	json_add(&e, vpc, "SubnetIds", cJSON_Duplicate(subnets, true));
	json_add(&e, vpc, "SecurityGroupIds", cJSON_Duplicate(groups, true));
	aws_put_body(&r);
	aws_put_whole(&r, "VpcConfig", vpc, e);
	return r;
}

struct aws_request *lambda_get_account_settings(void)
{
	AWS_SHAPE(settings, {"AccountLimit", AWS_OBJECT}, {"AccountLimit.ConcurrentExecutions", AWS_COUNT});
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "GetAccountSettings", "GET",
					     "/2016-08-19/account-settings", NULL, NULL);

	aws_put_members(r, settings);
	return r;
}

static struct aws_request *lambda_make_invoke(struct aws_request *r, struct buf *event, int timeout_ms)
{
	if (!r)
		return NULL;
	r->payload = *event;
	buf_init(event, event->max);
	r->headers[0] = "X-Amz-Invocation-Type: RequestResponse";
	r->headers[1] = "X-Amz-Log-Type: Tail";
	r->timeout_ms = timeout_ms;
	r->opaque = true; /* the query itself handles invalid output */
	aws_put_retry(r, AWS_RETRY_UNSENT);
	return r;
}

struct aws_request *lambda_invoke(const char *function, struct buf *event, int timeout_ms)
{
	struct aws_request *r =
		aws_rest_new(&aws_service_lambda, "Invoke", "POST", "/2015-03-31/functions/", function, "/invocations");

	return lambda_make_invoke(r, event, timeout_ms);
}

struct aws_request *lambda_invoke_stream(const char *function, struct buf *event, int timeout_ms,
					 int (*sink)(const void *data, size_t len, void *arg), void *arg)
{
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "InvokeWithResponseStream", "POST",
					     "/2021-11-15/functions/", function, "/response-streaming-invocations");

	r = lambda_make_invoke(r, event, timeout_ms);
	if (!r)
		return NULL;
	r->sink = sink;
	r->sink_arg = arg;
	return r;
}
