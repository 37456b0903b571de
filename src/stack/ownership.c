/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/ownership.h"

#include "stack/reply.h"

/* The value of the item whose key_name is key; NULL if there is none. */
static const char *ownership_value(const cJSON *array, const char *key_name, const char *value_name, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, array)
		if (strcmp(reply_text(item, key_name), key) == 0)
			return reply_text(item, value_name);
	return NULL;
}

/* Every version of vastfs has written a plain number. */
static bool ownership_is_version(const char *text)
{
	return text && *text && strspn(text, "0123456789") == strlen(text);
}

bool stack_is_ours(const cJSON *stack_record, const char *stage)
{
	const char *tag = ownership_value(reply_at(stack_record, "Tags"), "Key", "Value", STAGE_TAG);
	const char *version =
		ownership_value(reply_at(stack_record, "Outputs"), "OutputKey", "OutputValue", "TemplateVersion");
	const char *parameter =
		ownership_value(reply_at(stack_record, "Parameters"), "ParameterKey", "ParameterValue", "Stage");

	if (tag)
		return strcmp(tag, stage) == 0;
	return ownership_is_version(version) && (!parameter || strcmp(parameter, stage) == 0);
}

bool stack_review_is_ours(const cJSON *change_sets)
{
	const cJSON *set, *all = reply_at(change_sets, "Summaries");

	cJSON_ArrayForEach (set, all)
		if (strncmp(reply_text(set, "ChangeSetName"), CHANGE_SET_PREFIX, strlen(CHANGE_SET_PREFIX)) != 0)
			return false;
	return cJSON_GetArraySize(all) > 0;
}

int stack_refuse_foreign(const char *name, const char *stage, struct error *err)
{
	error_set(err, -EEXIST,
		  "the stack %s exists but has no tag " STAGE_TAG "=%s: vastfs did not create it and leaves it alone",
		  name, stage);
	error_remedy(err, "set another stage in config/default.env, or delete that stack if it is yours and no longer "
			  "needed, then touch control/refresh");
	return -EEXIST;
}

int stack_check_ours(const cJSON *stack_record, const char *name, const char *stage, struct error *err)
{
	if (!stack_record || stack_is_ours(stack_record, stage))
		return 0;
	return stack_refuse_foreign(name, stage, err);
}
