/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/role_policies.h"

#include "aws/config.h"
#include "aws/services/iam.h"
#include "stack/operation.h"

#include <string.h>

#define REMEDY "correct role_policies in config/default.env, then: touch control/deploy"

int role_policy_check_owner(const char *arn, const char *partition, const char *account, struct error *err)
{
	char theirs[32], owner[16];

	if (sscanf(arn, "arn:%31[^:]:iam::%15[^:]:", theirs, owner) != 2)
		return error_set(err, -EINVAL, "role_policies: %.160s is not the ARN of a managed policy", arn);
	if (strcmp(theirs, partition) != 0)
		error_set(err, -EINVAL,
			  "role_policies: %.160s belongs to the partition %s, but the stack's region to %s", arn,
			  theirs, partition);
	else if (strcmp(owner, "aws") != 0 && strcmp(owner, account) != 0)
		error_set(err, -EINVAL,
			  "role_policies: %.160s belongs to account %s; a role of account %s cannot have it", arn,
			  owner, account);
	else
		return 0;
	error_remedy(err, REMEDY);
	return -EINVAL;
}

/* Only IAM's answer that the policy cannot be attached stops the deploy. */
static int role_policy_look_up(struct operation *op, const char *arn, struct error *err)
{
	struct error why = {0};
	cJSON *reply = NULL;
	int r = operation_call(op, iam_get_policy(arn), &reply, &why);
	bool attachable = strcmp(aws_text(reply, "Policy.IsAttachable"), "false") != 0;

	cJSON_Delete(reply);
	if (r == -ECANCELED || r == -ENOKEY) {
		*err = why;
		return r;
	}
	if (r < 0 && error_has_code(&why, "NoSuchEntity"))
		error_set(err, -EINVAL, "role_policies: the policy %.160s does not exist", arn);
	else if (!attachable)
		error_set(err, -EINVAL, "role_policies: the policy %.160s cannot be attached to a role", arn);
	else {
		if (r < 0)
			job_log(op->job, "warning: cannot look up the policy %s: %s", arn, why.message);
		return 0;
	}
	error_remedy(err, REMEDY);
	return -EINVAL;
}

int role_policies_check(struct operation *op, struct error *err)
{
	_free_ char *list = strdup(settings_get(op->settings, SETTING_ROLE_POLICIES));
	const char *partition = aws_partition_of(aws_region(op->aws))->name;
	char *rest = list, *arn;
	int r = list ? 0 : -ENOMEM;

	while (r == 0 && (arn = strsep(&rest, ",")) && *arn) {
		r = role_policy_check_owner(arn, partition, op->account, err);
		if (r == 0)
			r = role_policy_look_up(op, arn, err);
	}
	return r;
}
