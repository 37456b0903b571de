/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * quota.h - decides whether the account's quotas allow this stack, before AWS refuses it after minutes.
 *
 * Pure; any thread. A quota that is not known (QUOTA_UNKNOWN) refuses nothing. The use by other stacks is counted if a
 * single request returns it: addresses and NAT gateways are counted, vCPUs are not.
 *
 * Sources: Service Quotas' codes; Amazon VPC User Guide, "Quotas"; AWS Lambda Developer Guide, "Lambda quotas" ("New
 * AWS accounts have reduced concurrency and memory quotas").
 */
#ifndef VASTFS_STACK_QUOTA_H
#define VASTFS_STACK_QUOTA_H

#include "stack/settings.h"

#include <cjson/cJSON.h>

enum quota { QUOTA_ADDRESSES, QUOTA_NAT_GATEWAYS, QUOTA_FARGATE_VCPUS, QUOTA_COUNT };

struct quota_rule {
	const char *service_code, *quota_code; /* Service Quotas' names */
	const char *what;		       /* plural noun for messages */
};

extern const struct quota_rule quota_rules[QUOTA_COUNT];

#define QUOTA_UNKNOWN (-1.0)

/* -EINVAL if the region has no address left for the NAT gateway. addresses: DescribeAddresses' reply. */
int quota_check_addresses(const cJSON *addresses, double quota, const char *region, struct error *err);

/* -EINVAL if even a single server would exceed the quota. */
int quota_check_vcpus(const struct settings *s, double quota, struct error *err);

/*
 * Judges whether lambda_memory exceeds what Lambda grants to a new account. No API returns this limit; the quota of
 * concurrent executions is also reduced in new accounts, and AWS raises both "automatically based on your usage", but
 * not together. QUOTA_EXCEEDED: the quota has the value of a new account. QUOTA_DOUBTFUL: it is reduced, but no longer
 * that of a new account, or an organization has set it. In both cases err has a message and a remedy.
 */
enum quota_verdict { QUOTA_FITS, QUOTA_DOUBTFUL, QUOTA_EXCEEDED };
enum quota_verdict quota_judge_lambda_memory(const struct settings *s, double concurrent_executions, struct error *err);
#define QUOTA_NEW_ACCOUNT_LAMBDA_MEMORY 3008 /* MB */

/* The number of NAT gateways that count against the quota: of all zones, or of the zone of that name. */
unsigned quota_count_nat_gateways(const cJSON *nat_gateways, const cJSON *subnets, const char *zone);

#endif
