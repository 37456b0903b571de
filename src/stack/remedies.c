/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/remedies.h"

#include "aws/rights.h"

#include <string.h>

#define FRESH_ROLE "deploy again: the new role was not yet known everywhere in AWS"

/* The first match counts, so special rows come before general ones. */
static const struct remedy remedies[] = {
	/*
	 * Roles that are too new to be known everywhere in IAM, and service-linked roles at an account's first use of a
	 * service.
	 */
	{NULL, "cannot be assumed by Lambda", FRESH_ROLE, true},
	{NULL, "does not have permissions to call CreateNetworkInterface", FRESH_ROLE, true},
	{NULL, "Unable to assume the service linked role",
	 "deploy again: the role AWSServiceRoleForECS is new in this account", true},
	{NULL, "service linked role",
	 "create the service-linked role of ECS, then touch control/deploy again: creating any cluster in the ECS "
	 "console "
	 "does it, or: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
	 true},
	{NULL, "unable to assume the role",
	 "touch control/run-task again: the new role was not yet known everywhere in AWS", false},

	/* Managed policies of the roles. */
	{NULL, "does not exist or is not attachable",
	 "correct role_policies in config/default.env, then: touch control/deploy", false},
	{NULL, "PoliciesPerRole",
	 "list fewer policies in role_policies, or have the quota raised (Service Quotas, IAM managed policies "
	 "attached "
	 "to an IAM role)",
	 false},
	{NULL, "must detach all policies first",
	 "detach the policy that somebody attached to this role by hand (IAM console, Roles, or: aws iam "
	 "detach-role-policy), then touch control/destroy again",
	 false},

	/* Quotas. */
	{"AddressLimitExceeded", NULL,
	 "release an Elastic IP address of this region, or have the quota raised (Service Quotas, EC2-VPC Elastic IPs)",
	 false},
	{NULL, "maximum number of addresses has been reached",
	 "release an Elastic IP address of this region, or have the quota raised (Service Quotas, EC2-VPC Elastic IPs)",
	 false},
	{"NatGatewayLimitExceeded", NULL,
	 "delete a NAT gateway of this zone, or have the quota raised (Service Quotas, NAT gateways per Availability "
	 "Zone)",
	 false},
	{"VpcEndpointLimitExceeded", NULL,
	 "delete a gateway endpoint of this region, or have the quota raised (Service Quotas, Gateway VPC endpoints "
	 "per Region)",
	 false},
	{NULL, "less than or equal to 3008",
	 "set lambda_memory=3008 or less, which is the limit of new accounts, or ask AWS Support to raise it", false},
	{NULL, "number of vCPUs you can run concurrently",
	 "set a smaller server_cpu, stop other tasks, or have Fargate's On-Demand vCPU quota raised in Service Quotas",
	 false},
	{NULL, "vCPU limit",
	 "set a smaller server_cpu, stop other tasks, or have Fargate's On-Demand vCPU quota raised in Service Quotas",
	 false},
	{NULL, "Capacity is unavailable at this time",
	 "try again in a few minutes: Fargate has no free capacity in this zone", false},
	{NULL, "UnreservedConcurrentExecution",
	 "have the account's quota of concurrent Lambda executions raised (Service Quotas), because it is used up",
	 false},

	/* Tasks that do not start. */
	{NULL, "failed to invoke EFS utils",
	 "wait 90 s, which a new mount target needs, then touch control/run-task; if the task still cannot mount its "
	 "storage, switch on DNS support and DNS host names in the VPC",
	 false},
	{NULL, "Failed to resolve \"fs-",
	 "wait 90 s until the name of the file system resolves, then touch control/run-task; if that fails, switch on "
	 "DNS host names in the VPC",
	 false},
	{NULL, "InsufficientFreeAddressesInSubnet",
	 "stop tasks, or choose a larger subnet_cidr: the private subnet has no free address", false},
	{NULL, "CannotPullContainerError",
	 "deploy again; if the image still cannot be pulled from ECR, check the NAT gateway and its route", false},
	{NULL, "unable to pull registry auth",
	 "check the NAT gateway and the private subnet's route: the task could not reach ECR", false},
	{NULL, "exec format error", "set architecture to the image's processor, then deploy", false},
	{NULL, "OutOfMemory",
	 "set a larger server_memory, deploy, then touch control/restart-task: the server ran out of memory", false},

	/* Images. */
	{NULL, "Source image",
	 "deploy again, which builds the image again: it does not exist in ECR, or Lambda may not read it", false},
	{NULL, "image manifest, config or layer media type",
	 "use an image for one processor in Docker or OCI format: Lambda cannot run this one", false},
	{NULL, "Lambda does not have permission to access the ECR image",
	 "deploy again, which lets lambda.amazonaws.com read the repository", false},

	/* The network, when it was changed after the check. */
	{NULL, "conflicts with another subnet", "choose another subnet_cidr: another subnet has these addresses",
	 false},
	{NULL, "has no Internet gateway", "attach an Internet gateway to the VPC, then deploy again", false},
	{"Gateway.NotAttached", NULL, "attach an Internet gateway to the VPC, then deploy again", false},
	{NULL, "DependencyViolation",
	 "delete or detach the other resources that use this one, which vastfs did not create, then try again", false},
	{NULL, "has a dependent object",
	 "delete or detach the other resources that use this one, which vastfs did not create, then try again", false},
};

const struct remedy *remedy_find(const char *code, const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++) {
		const struct remedy *r = &remedies[i];

		if (r->code && strcmp(r->code, code) != 0 && !strstr(message, r->code))
			continue;
		if (!r->pattern || strstr(message, r->pattern))
			return r;
	}
	return NULL;
}

bool remedy_apply(struct error *err)
{
	const struct remedy *r = remedy_find(err->code, err->message);

	if (!r && rights_are_missing(err) && !err->remedy[0])
		rights_remedy(err, NULL);
	if (!r)
		return false;
	if (!err->remedy[0])
		error_remedy(err, "%s", r->text);
	return r->retry_once;
}
