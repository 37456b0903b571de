/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/own_policy.h"

#include "stack/policy_document.h"

#include <string.h>

static void own_policy_log_entries(struct operation *op, const char *which, const cJSON *entries)
{
	const cJSON *entry;

	cJSON_ArrayForEach (entry, entries) {
		_free_ char *text = cJSON_PrintUnformatted(entry);

		job_log(op->job, "%s: %s", which, text ? text : "(out of memory)");
	}
}

static int own_policy_report(struct operation *op, const struct own_policy *policy, const char *name, const char *there)
{
	struct policy_difference d;
	char text[640];
	int r = policy_compare(policy->versions[0], there, &d), missing, added;

	if (r < 0)
		return r;
	missing = cJSON_GetArraySize(d.missing);
	added = cJSON_GetArraySize(d.added);
	own_policy_log_entries(op, "only in the policy that vastfs writes", d.missing);
	own_policy_log_entries(op, "only in the existing policy", d.added);
	policy_difference_release(&d);
	snprintf(text, sizeof(text),
		 "%s %s was edited and stays as it is: %d entries that vastfs writes are missing, %d were added%s%s; "
		 "to have vastfs write it again, delete it in %s or with: %s %s --region %s, then touch control/deploy",
		 policy->what, name, missing, added, missing ? "; " : "", missing ? policy->consequence : "",
		 policy->console, policy->command, name, aws_region(op->aws));
	job_remark(op->job, text);
	return 0;
}

/* *ret: the text of the existing policy, NULL if there is none. */
static int own_policy_read(struct operation *op, const struct own_policy *policy, const char *name, char **ret,
			   struct error *err)
{
	cJSON *reply = NULL;
	int r = operation_call(op, policy->get(name), &reply, err);

	*ret = NULL;
	if (r < 0)
		return error_has_code(err, policy->absent_code) ? 0 : r;
	*ret = strdup(aws_text(reply, policy->member));
	cJSON_Delete(reply);
	return *ret ? 0 : -ENOMEM;
}

int own_policy_ensure(struct operation *op, const struct own_policy *policy, const char *name, struct error *err)
{
	_free_ char *there = NULL;
	struct error why = {0};
	enum policy_state state;
	int r = own_policy_read(op, policy, name, &there, &why);

	/* Without the permission to read it, an edited policy looks like a missing one, so nothing is overwritten. */
	if (r < 0 && why.http_status == 403) {
		error_prefix(&why, "cannot read %s %s, so it stays as it is", policy->what, name);
		job_remark(op->job, why.message);
		return 0;
	}
	if (r < 0) {
		*err = why;
		return r;
	}
	r = policy_judge(there, policy->versions, &state);
	if (r < 0 || state == POLICY_CURRENT)
		return r;
	if (state == POLICY_EDITED)
		return own_policy_report(op, policy, name, there);
	operation_say(op, "writing %s %s", policy->what, name);
	return operation_call(op, policy->put(name, policy->versions[0]), NULL, err);
}
