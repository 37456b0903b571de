/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/quota.h"

#include "stack/reply.h"

#define UNITS_A_VCPU 1024.0
/* Concurrent executions: the quota of an account that is not new, and what new accounts have had since 2023. */
#define USUAL_CONCURRENCY	1000
#define NEW_ACCOUNT_CONCURRENCY 10

const struct quota_rule quota_rules[QUOTA_COUNT] = {
	[QUOTA_ADDRESSES] = {"ec2", "L-0263D0A3", "Elastic IP addresses"},
	[QUOTA_NAT_GATEWAYS] = {"vpc", "L-FE5A380F", "NAT gateways per availability zone"},
	[QUOTA_FARGATE_VCPUS] = {"fargate", "L-3032A538", "vCPUs of Fargate On-Demand tasks"},
};

int quota_check_addresses(const cJSON *addresses, double quota, const char *region, struct error *err)
{
	int used = cJSON_GetArraySize(reply_at(addresses, "addressesSet"));
	const struct quota_rule *rule = &quota_rules[QUOTA_ADDRESSES];

	if (quota < 0 || used < quota)
		return 0;
	error_set(err, -EINVAL, "all %.0f Elastic IP addresses of %s are in use and the NAT gateway needs one", quota,
		  region);
	error_remedy(
		err,
		"release one (VPC console, Elastic IPs, or aws ec2 describe-addresses --region %s), or raise the quota "
		"(Service Quotas console, or: aws service-quotas request-service-quota-increase --region %s "
		"--service-code %s --quota-code %s --desired-value %.0f)",
		region, region, rule->service_code, rule->quota_code, quota + 1);
	return -EINVAL;
}

int quota_check_vcpus(const struct settings *s, double quota, struct error *err)
{
	double wanted = s->server_cpu / UNITS_A_VCPU;
	const struct quota_rule *rule = &quota_rules[QUOTA_FARGATE_VCPUS];
	const char *region = settings_get(s, SETTING_AWS_REGION);

	if (quota < 0 || wanted <= quota)
		return 0;
	error_set(err, -EINVAL, "server_cpu=%u needs %g vCPUs, and the account may run only %g on Fargate in %s",
		  s->server_cpu, wanted, quota, region);
	error_remedy(
		err,
		"set a smaller server_cpu in config/default.env, or raise the quota (Service Quotas console, or: aws "
		"service-quotas request-service-quota-increase --region %s --service-code %s --quota-code %s "
		"--desired-value %.0f)",
		region, rule->service_code, rule->quota_code, wanted < 1 ? 1 : wanted);
	return -EINVAL;
}

enum quota_verdict quota_judge_lambda_memory(const struct settings *s, double concurrent_executions, struct error *err)
{
	bool is_new = concurrent_executions <= NEW_ACCOUNT_CONCURRENCY;

	if (s->lambda_memory <= QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY || concurrent_executions < 0 ||
	    concurrent_executions >= USUAL_CONCURRENCY)
		return QUOTA_FITS;
	error_set(err, -EINVAL,
		  "lambda_memory=%u is more than the %d MB that Lambda grants to a new account, and this account %s "
		  "new: its quota of concurrent executions is %.0f instead of %d",
		  s->lambda_memory, QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY, is_new ? "is" : "may be", concurrent_executions,
		  USUAL_CONCURRENCY);
	if (is_new)
		error_remedy(err,
			     "set lambda_memory=%d or less in config/default.env, or have both quotas raised: that of "
			     "the memory by AWS Support, that of concurrent executions in the Service Quotas console",
			     QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY);
	else
		error_remedy(err, "if Lambda refuses the function, set lambda_memory=%d or less in config/default.env",
			     QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY);
	return is_new ? QUOTA_EXCEEDED : QUOTA_DOUBTFUL;
}

static const char *quota_zone_of_subnet(const cJSON *subnets, const char *id)
{
	const cJSON *subnet;

	cJSON_ArrayForEach (subnet, reply_at(subnets, "subnetSet"))
		if (strcmp(reply_text(subnet, "subnetId"), id) == 0)
			return reply_text(subnet, "availabilityZone");
	return "";
}

static bool quota_nat_gateway_counts(const cJSON *gateway)
{
	const char *state = reply_text(gateway, "state");

	return strcmp(state, "pending") == 0 || strcmp(state, "available") == 0 || strcmp(state, "deleting") == 0;
}

unsigned quota_count_nat_gateways(const cJSON *nat_gateways, const cJSON *subnets, const char *zone)
{
	const cJSON *gateway;
	unsigned n = 0;

	cJSON_ArrayForEach (gateway, reply_at(nat_gateways, "natGatewaySet")) {
		if (!quota_nat_gateway_counts(gateway))
			continue;
		n += !zone || strcmp(quota_zone_of_subnet(subnets, reply_text(gateway, "subnetId")), zone) == 0;
	}
	return n;
}
