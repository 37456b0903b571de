/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rights.h - finds the IAM policy of vastfs that allows an action, for the remedy of a denied call.
 *
 * contrib/iam has a policy for each role: viewer, operator and deployer. The rows and the policies are generated from
 * the same table. Pure; any thread.
 */
#ifndef VASTFS_AWS_RIGHTS_H
#define VASTFS_AWS_RIGHTS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct rights_row {
	const char *action; /* name of the action in IAM: "lambda:InvokeFunction" */
	const char *role;   /* the role with the fewest rights that may make the call */
};

extern const struct rights_row rights_rows[]; /* sorted by action */
extern const size_t rights_rows_n;

/* The role with the fewest rights that allows an action; NULL: no policy of vastfs allows it. */
const char *rights_role_of(const char *action);

/* Whether AWS's code or message means that the caller lacks the permission for the call. */
bool rights_are_missing(const struct error *err);

/*
 * Sets a remedy that names the action and the policy which allows it. AWS's message names the action ("is not
 * authorized to perform: ..."), except in old replies of EC2: then action, which may be NULL, is used.
 */
void rights_remedy(struct error *err, const char *action);

#endif
