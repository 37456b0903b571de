/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * role_policies.h - the managed policies that the setting role_policies adds to the roles of server and function.
 *
 * CloudFormation attaches them. A policy that cannot be attached would fail the deploy only after minutes and roll it
 * back, so deploy looks at each of them first.
 */
#ifndef VASTFS_STACK_ROLE_POLICIES_H
#define VASTFS_STACK_ROLE_POLICIES_H

#include "base/error.h"

struct operation;

/*
 * Pure: whether a role of this account can have the policy as far as its ARN tells: policies of other accounts and
 * partitions cannot be attached. arn has passed check_role_policies. -EINVAL with words.
 */
int role_policy_check_owner(const char *arn, const char *partition, const char *account, struct error *err);

/*
 * A step of deploy: asks IAM for each policy. -EINVAL with words for one that does not exist or may not be attached. If
 * IAM may not be asked, that is logged and CloudFormation will find out.
 */
int role_policies_check(struct operation *op, struct error *err);

#endif
