#include "aws/lambda.h"

#define FUNCTIONS "/2015-03-31/functions/"

struct aws_request *aws_lambda_get_function_configuration(const char *function)
{
	return aws_rest_new(&aws_service_lambda, "GetFunctionConfiguration", "GET", FUNCTIONS, function,
			    "/configuration");
}

struct aws_request *aws_lambda_get_function(const char *function)
{
	return aws_rest_new(&aws_service_lambda, "GetFunction", "GET", FUNCTIONS, function, NULL);
}

/* A list of one, or an empty one. */
static bool put_list(cJSON *in, const char *name, const char *value)
{
	return cJSON_AddItemToObject(in, name, cJSON_CreateStringArray(&value, value ? 1 : 0));
}

struct aws_request *aws_lambda_update_vpc(const char *function, const char *subnet_id, const char *group_id)
{
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "UpdateFunctionConfiguration", "PUT", FUNCTIONS,
					     function, "/configuration");
	cJSON *vpc = cJSON_CreateObject();

	aws_put_body(&r);
	if (!put_list(vpc, "SubnetIds", subnet_id) || !put_list(vpc, "SecurityGroupIds", group_id)) {
		cJSON_Delete(vpc);
		vpc = NULL;
	}
	aws_put_node(&r, "VpcConfig", vpc);
	return r;
}

struct aws_request *aws_lambda_invoke(const char *function, const void *payload, size_t len, int timeout_ms)
{
	struct aws_request *r =
		aws_rest_new(&aws_service_lambda, "Invoke", "POST", FUNCTIONS, function, "/invocations");

	if (!r)
		return NULL;
	r->headers[0] = "X-Amz-Log-Type: Tail";
	r->headers[1] = "X-Amz-Invocation-Type: RequestResponse";
	r->timeout_ms = timeout_ms;
	r->opaque = true;
	r->retry = AWS_RETRY_UNSENT;
	if (buf_append(&r->payload, payload, len) == 0)
		return r;
	aws_request_free(r);
	return NULL;
}
