/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/remedies.h"

#include <string.h>

#define FRESH_ROLE "AWS had not yet spread the new role; deploy again"

/* The special before the general: the first match counts. */
static const struct remedy remedies[] = {
	/* Roles that are too new, and service-linked roles of an account's first use of a service. */
	{NULL, "cannot be assumed by Lambda", FRESH_ROLE, true},
	{NULL, "does not have permissions to call CreateNetworkInterface", FRESH_ROLE, true},
	{NULL, "Unable to assume the service linked role",
	 "the role AWSServiceRoleForECS is new in this account; deploy again", true},
	{NULL, "service linked role",
	 "create the service-linked role of ECS, then touch control/deploy again: creating any cluster in the ECS "
	 "console "
	 "does it, or: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com",
	 true},
	{NULL, "unable to assume the role", "AWS had not yet spread the new role; touch control/run-task again", false},
	{NULL, "iam:PassRole",
	 "the credentials need iam:PassRole for the roles of the stack (their names start with the stack's)", false},
	{NULL, "iam:CreateRole",
	 "the credentials must be allowed to make roles; ask for iam:CreateRole, PutRolePolicy, PassRole and TagRole",
	 false},

	/* Managed policies of the roles. */
	{NULL, "does not exist or is not attachable",
	 "correct role_policies in config/default.env, then: touch control/deploy", false},
	{NULL, "iam:AttachRolePolicy",
	 "the credentials need iam:AttachRolePolicy and iam:DetachRolePolicy for the policies in role_policies", false},
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
	 "the region has too many gateway endpoints; delete one or have the quota raised in Service Quotas", false},
	{NULL, "less than or equal to 3008",
	 "new accounts have functions of at most 3008 MB: set lambda_memory=3008 or less, or ask AWS Support for more",
	 false},
	{NULL, "number of vCPUs you can run concurrently",
	 "set a smaller server_cpu, stop other tasks, or have Fargate's On-Demand vCPU quota raised in Service Quotas",
	 false},
	{NULL, "vCPU limit",
	 "set a smaller server_cpu, stop other tasks, or have Fargate's On-Demand vCPU quota raised in Service Quotas",
	 false},
	{NULL, "Capacity is unavailable at this time",
	 "Fargate is short of machines in this zone; try again in some minutes", false},
	{NULL, "UnreservedConcurrentExecution", "the account's Lambda concurrency is used up; have the quota raised",
	 false},

	/* Tasks that do not start. */
	{NULL, "failed to invoke EFS utils",
	 "the task could not mount its storage; a new mount target needs about 90 s, then touch control/run-task; "
	 "if it stays so, the VPC needs DNS support and DNS host names",
	 false},
	{NULL, "Failed to resolve \"fs-",
	 "the name of the file system is not known yet or the VPC has no DNS host names; wait 90 s, then touch "
	 "control/run-task",
	 false},
	{NULL, "InsufficientFreeAddressesInSubnet",
	 "the private subnet has no free address left: stop tasks, or choose a larger subnet_cidr", false},
	{NULL, "CannotPullContainerError",
	 "the image could not be read from ECR: deploy again; if it stays so, look at the NAT gateway and its route",
	 false},
	{NULL, "unable to pull registry auth",
	 "the task could not reach ECR: look at the NAT gateway and the private subnet's route", false},
	{NULL, "exec format error", "the image is for another processor: set architecture to the image's, then deploy",
	 false},
	{NULL, "OutOfMemory",
	 "the server ran out of memory: set a larger server_memory, deploy, touch control/restart-task", false},

	/* Images. */
	{NULL, "Source image",
	 "the image does not exist in ECR or Lambda may not read it; deploy again to make it anew", false},
	{NULL, "image manifest, config or layer media type",
	 "Lambda cannot run this form of image; use one image for one "
	 "processor in Docker or OCI format",
	 false},
	{NULL, "Lambda does not have permission to access the ECR image",
	 "the repository's policy must let lambda.amazonaws.com read; deploy again to set it", false},

	/* The network, when it was changed after the check. */
	{NULL, "conflicts with another subnet", "another subnet took these addresses: choose another subnet_cidr",
	 false},
	{NULL, "has no Internet gateway", "attach an Internet gateway to the VPC, then deploy again", false},
	{"Gateway.NotAttached", NULL, "attach an Internet gateway to the VPC, then deploy again", false},
	{NULL, "DependencyViolation",
	 "something that vastfs did not make uses this resource; delete or detach it, then try again", false},
	{NULL, "has a dependent object",
	 "something that vastfs did not make uses this resource; delete or detach it, then try again", false},
};

const struct remedy *remedy_find(const char *code, const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++) {
		const struct remedy *r = &remedies[i];

		if (r->code && strcmp(r->code, code) != 0 && !strstr(words, r->code))
			continue;
		if (!r->pattern || strstr(words, r->pattern))
			return r;
	}
	return NULL;
}

bool remedy_apply(struct error *err)
{
	const struct remedy *r = remedy_find(err->code, err->message);

	if (!r)
		return false;
	if (!err->remedy[0])
		error_remedy(err, "%s", r->text);
	return r->retry_once;
}
