/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * role_policies.h - checks the managed policies that the setting role_policies adds to the roles of server and
 * function.
 *
 * CloudFormation attaches them. A policy that cannot be attached would fail the deploy only after minutes and roll it
 * back, so deploy checks each of them first.
 */
#ifndef VASTFS_STACK_ROLE_POLICIES_H
#define VASTFS_STACK_ROLE_POLICIES_H

#include "base/error.h"

struct operation;

/*
 * Pure: whether the ARN allows a role of this account to have the policy; policies of other accounts and partitions
 * cannot be attached. arn has passed check_role_policies. -EINVAL with a message.
 */
int role_policy_check_owner(const char *arn, const char *partition, const char *account, struct error *err);

/*
 * A step of deploy on the operation thread: asks IAM for each policy. -EINVAL with a message for one that does not
 * exist or may not be attached. If the credentials may not ask IAM, that is logged and CloudFormation finds out.
 */
int role_policies_check(struct operation *op, struct error *err);

#endif
