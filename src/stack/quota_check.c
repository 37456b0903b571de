/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quota_check.c - the step of deploy that reads the account's quotas, for the decisions of quota.h.
 *
 * Nothing else needs the permission to read quotas, so credentials without it deploy without this check.
 */
#include "aws/services/ec2.h"
#include "aws/services/lambda.h"
#include "aws/services/service_quotas.h"
#include "stack/operation.h"

#include <string.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)
#define _json_ _cleanup_(cJSON_Delete_cleanup)

int quota_read(struct operation *op, enum quota which, double *ret)
{
	const struct quota_rule *rule = &quota_rules[which];
	_json_ cJSON *reply = NULL;
	char what[80];
	int r;

	snprintf(what, sizeof(what), "the quota of %s", rule->what);
	r = operation_try_or_skip(op, quotas_get(rule->service_code, rule->quota_code), what, &reply);
	*ret = aws_number(reply, "Quota.Value", QUOTA_UNKNOWN);
	return r;
}

static int quota_check_new_address(struct operation *op, struct error *err)
{
	_json_ cJSON *addresses = NULL;
	double quota;
	int r = quota_read(op, QUOTA_ADDRESSES, &quota);

	if (r == 0 && quota >= 0)
		r = operation_try_or_skip(op, ec2_describe_addresses(), "the number of Elastic IP addresses",
					  &addresses);
	if (r < 0 || !addresses)
		return r;
	return quota_check_addresses(addresses, quota, settings_get(op->settings, SETTING_AWS_REGION), err);
}

static int quota_check_server(struct operation *op, struct error *err)
{
	double quota;
	int r = quota_read(op, QUOTA_FARGATE_VCPUS, &quota);

	return r < 0 ? r : quota_check_vcpus(op->settings, quota, err);
}

static int quota_check_function(struct operation *op, struct error *err)
{
	_json_ cJSON *reply = NULL;
	int r = operation_try_or_skip(op, lambda_get_account_settings(), "the limit of lambda_memory", &reply);
	double concurrent = aws_number(reply, "AccountLimit.ConcurrentExecutions", QUOTA_UNKNOWN);

	if (r < 0)
		return r;
	switch (quota_judge_lambda_memory(op->settings, concurrent, err)) {
	case QUOTA_EXCEEDED:
		return err->errnum;
	case QUOTA_DOUBTFUL:
		job_log(op->job, "warning: %s; %s", err->message, err->remedy);
		break;
	case QUOTA_FITS:
		break;
	}
	return 0;
}

/* An existing stack has shown that the quotas allow it. */
static bool quota_is_new(const struct operation *op, const char *parameter, enum setting setting)
{
	return op->created || strcmp(operation_parameter(op, parameter), settings_get(op->settings, setting)) != 0;
}

int quota_check(struct operation *op, struct error *err)
{
	int r = op->created ? quota_check_new_address(op, err) : 0;

	if (r == 0 && quota_is_new(op, "ServerCpu", SETTING_SERVER_CPU))
		r = quota_check_server(op, err);
	if (r == 0 && op->settings->lambda_memory > QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY &&
	    quota_is_new(op, "LambdaMemory", SETTING_LAMBDA_MEMORY))
		r = quota_check_function(op, err);
	return r;
}
