/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/service.h"

#include "aws/protocol/encode.h"
#include "base/json.h"

#include <string.h>

#define URL_MAX ((size_t)16 << 10)

/* clang-format off */
const struct aws_service
aws_service_cloudformation = {.name = "cloudformation", .env_name = "CLOUDFORMATION", .signing_name = "cloudformation",
	 .protocol = AWS_QUERY, .api_version = "2010-05-15"},
aws_service_ec2 = {.name = "ec2", .env_name = "EC2", .signing_name = "ec2",
	 .protocol = AWS_EC2, .api_version = "2016-11-15"},
aws_service_ecr = {.name = "ecr", .env_name = "ECR", .signing_name = "ecr",
	 .protocol = AWS_JSON, .target_prefix = "AmazonEC2ContainerRegistry_V20150921"},
aws_service_ecs = {.name = "ecs", .env_name = "ECS", .signing_name = "ecs",
	 .protocol = AWS_JSON, .target_prefix = "AmazonEC2ContainerServiceV20141113"},
aws_service_efs = {.name = "efs", .env_name = "EFS", .signing_name = "elasticfilesystem",
	 .protocol = AWS_REST_JSON},
aws_service_iam = {.name = "iam", .env_name = "IAM", .signing_name = "iam",
	 .protocol = AWS_QUERY, .api_version = "2010-05-08"},
aws_service_kms = {.name = "kms", .env_name = "KMS", .signing_name = "kms",
	 .protocol = AWS_JSON, .target_prefix = "TrentService"},
aws_service_lambda = {.name = "lambda", .env_name = "LAMBDA", .signing_name = "lambda",
	 .protocol = AWS_REST_JSON},
aws_service_logs = {.name = "logs", .env_name = "CLOUDWATCH_LOGS", .signing_name = "logs",
	 .protocol = AWS_JSON, .target_prefix = "Logs_20140328"},
aws_service_quotas = {.name = "service-quotas", .env_name = "SERVICE_QUOTAS", .signing_name = "servicequotas",
	 .protocol = AWS_JSON, .target_prefix = "ServiceQuotasV20190624"},
aws_service_ssm = {.name = "ssm", .env_name = "SSM", .signing_name = "ssm",
	 .protocol = AWS_JSON, .target_prefix = "AmazonSSM"},
aws_service_sso = {.name = "sso", .env_name = "SSO", .signing_name = "sso", .protocol = AWS_REST_JSON},
aws_service_sso_oidc = {.name = "sso-oidc", .env_name = "SSO_OIDC", .signing_name = "sso-oidc", .protocol = AWS_REST_JSON},
aws_service_sts = {.name = "sts", .env_name = "STS", .signing_name = "sts",
	 .protocol = AWS_QUERY, .api_version = "2011-06-15"};

const struct aws_service *const aws_services[] = {
	&aws_service_cloudformation, &aws_service_ec2, &aws_service_ecr, &aws_service_ecs, &aws_service_efs,
	&aws_service_iam, &aws_service_kms, &aws_service_lambda, &aws_service_logs, &aws_service_quotas, &aws_service_sso,
	&aws_service_sso_oidc, &aws_service_ssm, &aws_service_sts, NULL,
};
/* clang-format on */

const struct aws_service *aws_service_named(const char *name)
{
	for (size_t i = 0; aws_services[i]; i++)
		if (strcmp(aws_services[i]->name, name) == 0)
			return aws_services[i];
	return NULL;
}

static void service_request_give_up(struct aws_request **r)
{
	aws_request_free(*r);
	*r = NULL;
}

void aws_put_node(struct aws_request **r, const char *name, cJSON *value)
{
	if (!*r || !value || !cJSON_AddItemToObject((*r)->params, name, value)) {
		cJSON_Delete(value);
		service_request_give_up(r);
	}
}

void aws_put_whole(struct aws_request **r, const char *name, cJSON *value, int e)
{
	if (e < 0)
		cJSON_Delete(move_ptr(value));
	aws_put_node(r, name, value);
}

void aws_put_text(struct aws_request **r, const char *name, const char *value)
{
	if (*r && value)
		aws_put_node(r, name, cJSON_CreateString(value));
}

void aws_put_number(struct aws_request **r, const char *name, double value)
{
	if (*r)
		aws_put_node(r, name, cJSON_CreateNumber(value));
}

void aws_put_flag(struct aws_request **r, const char *name, bool value)
{
	if (*r)
		aws_put_node(r, name, cJSON_CreateBool(value));
}

void aws_put_texts(struct aws_request **r, const char *name, const char *const *values, size_t count)
{
	cJSON *list = *r ? cJSON_CreateStringArray(values, (int)count) : NULL;

	if (*r)
		aws_put_node(r, name, list);
}

void aws_put_pairs(struct aws_request **r, const char *name, const char *key_name, const char *value_name,
		   const struct aws_pair *pairs, size_t count)
{
	int e = 0;
	cJSON *list = json_array(&e);

	for (size_t i = 0; i < count; i++) {
		cJSON *pair = json_object(&e);

		json_add_text(&e, pair, key_name, pairs[i].key);
		json_add_text(&e, pair, value_name, pairs[i].value);
		json_append(&e, list, pair);
	}
	aws_put_whole(r, name, list, e);
}

void aws_put_filter(struct aws_request **r, const char *name, const char *value)
{
	int e = 0;
	cJSON *filter = json_object(&e);

	if (*r && !cJSON_GetObjectItemCaseSensitive((*r)->params, "Filter"))
		aws_put_node(r, "Filter", cJSON_CreateArray());
	json_add_text(&e, filter, "Name", name);
	json_add(&e, filter, "Value", cJSON_CreateStringArray(&value, 1));
	json_append(&e, *r ? cJSON_GetObjectItemCaseSensitive((*r)->params, "Filter") : NULL, filter);
	if (e < 0)
		service_request_give_up(r);
}

struct aws_request *aws_rest_new(const struct aws_service *service, const char *operation, const char *method,
				 const char *path_before, const char *segment, const char *path_behind)
{
	struct aws_request *r = aws_request_new(service, operation);
	_buf_ struct buf path = BUF_INIT(URL_MAX);

	if (!r)
		return NULL;
	r->method = method;
	buf_puts(&path, path_before);
	if (segment)
		aws_encode_text(&path, segment);
	buf_puts(&path, path_behind ? path_behind : "");
	r->path = path.error ? NULL : buf_take(&path);
	if (!r->path)
		service_request_give_up(&r);
	return r;
}

void aws_put_query(struct aws_request **r, const char *name, const char *value)
{
	_buf_ struct buf query = BUF_INIT(URL_MAX);

	if (!*r || !value)
		return;
	if ((*r)->query)
		buf_printf(&query, "%s&", (*r)->query);
	buf_printf(&query, "%s=", name);
	aws_encode_text(&query, value);
	free((*r)->query);
	(*r)->query = query.error ? NULL : buf_take(&query);
	if (!(*r)->query)
		service_request_give_up(r);
}

void aws_put_body(struct aws_request **r)
{
	if (*r && !(*r)->params && !((*r)->params = cJSON_CreateObject()))
		service_request_give_up(r);
}

void aws_put_paging(struct aws_request *r, const char *token_in, const char *token_out, const char *list)
{
	if (r)
		r->paging = (struct aws_paging){.token_in = token_in, .token_out = token_out, .list = list};
}

void aws_put_bound(struct aws_request *r, const char *list, int most)
{
	if (r)
		r->paging = (struct aws_paging){.list = list, .most = most};
}

void aws_put_members(struct aws_request *r, const struct aws_member *members)
{
	if (r)
		r->members = members;
}

void aws_put_echoes(struct aws_request *r, const struct aws_echo *echoes)
{
	if (r)
		r->echoes = echoes;
}

void aws_put_retry(struct aws_request *r, enum aws_retry retry)
{
	if (r)
		r->retry = retry;
}
