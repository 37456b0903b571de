/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/policy_document.h"

#include "base/buf.h"
#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CANONICAL_MAX (1 << 20) /* bytes; AWS's limits on policies are far below */

static char *policy_canonical(const cJSON *node, const char *key, const char *parent);

static char *policy_lower_case(char *text)
{
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

static int policy_compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The texts, sorted and without duplicates, between brackets. NULL if one of them is NULL, or without memory. */
static char *policy_join(char **texts, size_t n, const char *brackets)
{
	_buf_ struct buf out = BUF_INIT(CANONICAL_MAX);

	for (size_t i = 0; i < n; i++)
		if (!texts[i])
			return NULL;
	qsort(texts, n, sizeof(*texts), policy_compare_texts);
	buf_putc(&out, brackets[0]);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			buf_printf(&out, "%s,", texts[i]);
	buf_putc(&out, brackets[1]);
	return out.error ? NULL : buf_take(&out);
}

/* The ARN of an account's root user becomes the account ID, which means the same; any other text stays as it is. */
static char *policy_principal(const char *text)
{
	char partition[32], account[13];
	int end = 0;

	if (sscanf(text, "arn:%31[^:]:iam::%12[0-9]:root%n", partition, account, &end) == 2 && end && !text[end])
		return strdup(account);
	return strdup(text);
}

/* Conditions may contain false or "false", 1 or "1". */
static char *policy_scalar(const cJSON *node, const char *key)
{
	_free_ char *value = NULL, *quoted = NULL;

	if (!cJSON_IsString(node))
		value = cJSON_PrintUnformatted(node);
	else if (strcmp(key, "AWS") == 0)
		value = policy_principal(node->valuestring);
	else
		value = strdup(node->valuestring);
	if (value && (strcmp(key, "Action") == 0 || strcmp(key, "NotAction") == 0))
		policy_lower_case(value);
	return value && asprintf(&quoted, "\"%s\"", value) >= 0 ? move_ptr(quoted) : NULL;
}

static char *policy_member(const cJSON *member, const char *parent, bool any_case)
{
	_free_ char *name = strdup(member->string), *value = policy_canonical(member, member->string, parent);
	char *text = NULL;

	if (!name || !value)
		return NULL;
	if (any_case)
		policy_lower_case(name);
	return asprintf(&text, "%s:%s", name, value) < 0 ? NULL : text;
}

/* key and parent: the names of the member that node is the value of, and of the one around it; "" for none. */
static char *policy_parts(const cJSON *node, const char *key, const char *parent)
{
	bool is_object = cJSON_IsObject(node);
	size_t n = 0, size = (size_t)cJSON_GetArraySize(node);
	char **texts = calloc(size + 1, sizeof(*texts)), *joined;
	const cJSON *part;

	if (!texts)
		return NULL;
	cJSON_ArrayForEach (part, node) {
		if (!is_object)
			texts[n++] =
				cJSON_IsObject(part) ? policy_canonical(part, key, parent) : policy_scalar(part, key);
		else if (strcmp(part->string, "Sid") != 0)
			texts[n++] = policy_member(part, key, strcmp(parent, "Condition") == 0);
	}
	joined = policy_join(texts, n, is_object ? "{}" : "[]");
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
	return joined;
}

static char *policy_canonical(const cJSON *node, const char *key, const char *parent)
{
	_free_ char *only = NULL;

	if (cJSON_IsObject(node) || cJSON_IsArray(node))
		return policy_parts(node, key, parent);
	only = policy_scalar(node, key);
	if (only && strcmp(key, "Principal") == 0) { /* "*" */
		char *text = NULL;

		return asprintf(&text, "{AWS:[%s,],}", only) < 0 ? NULL : text;
	}
	return policy_join(&only, 1, "[]");
}

/* -- entries --------------------------------------------------------------------------------------------------- */

/* Always an array, empty for a text that is not a policy; NULL without memory. */
static cJSON *policy_entries(const char *text)
{
	cJSON *policy, *entries;

	if (json_parse(text, strlen(text), &policy, NULL) == -ENOMEM)
		return NULL;
	entries = cJSON_DetachItemFromObjectCaseSensitive(policy, "Statement");
	if (!entries)
		entries = cJSON_DetachItemFromObjectCaseSensitive(policy, "rules");
	cJSON_Delete(policy);
	if (cJSON_IsArray(entries))
		return entries;
	policy = cJSON_CreateArray();
	if (entries && !cJSON_AddItemToArray(policy, entries))
		cJSON_Delete(entries);
	return policy;
}

/* 1 if entries contain an equal entry, 0 if not, -ENOMEM. */
static int policy_contains(const cJSON *entries, const cJSON *wanted)
{
	_free_ char *text = policy_canonical(wanted, "", "");
	const cJSON *entry;

	if (!text)
		return -ENOMEM;
	cJSON_ArrayForEach (entry, entries) {
		_free_ char *other = policy_canonical(entry, "", "");

		if (!other)
			return -ENOMEM;
		if (strcmp(text, other) == 0)
			return 1;
	}
	return 0;
}

/* The entries of a that are not in b; NULL without memory. */
static cJSON *policy_without(const cJSON *a, const cJSON *b)
{
	int r = 0;
	cJSON *rest = json_array(&r);
	const cJSON *entry;

	cJSON_ArrayForEach (entry, a) {
		int found = policy_contains(b, entry);

		if (found < 0)
			r = found;
		if (found == 0)
			json_append(&r, rest, cJSON_Duplicate(entry, true));
	}
	if (r == 0)
		return rest;
	cJSON_Delete(rest);
	return NULL;
}

int policy_compare(const char *ours, const char *theirs, struct policy_difference *ret)
{
	cJSON *mine = policy_entries(ours), *others = policy_entries(theirs);

	*ret = (struct policy_difference){0};
	if (mine && others) {
		ret->missing = policy_without(mine, others);
		ret->added = policy_without(others, mine);
	}
	cJSON_Delete(mine);
	cJSON_Delete(others);
	if (ret->missing && ret->added)
		return 0;
	policy_difference_release(ret);
	return -ENOMEM;
}

void policy_difference_release(struct policy_difference *d)
{
	cJSON_Delete(d->missing);
	cJSON_Delete(d->added);
	*d = (struct policy_difference){0};
}

int policy_judge(const char *there, const char *const *versions, enum policy_state *ret)
{
	*ret = POLICY_ABSENT;
	if (!there)
		return 0;
	*ret = POLICY_EDITED;
	for (size_t i = 0; versions[i]; i++) {
		struct policy_difference d;
		int r = policy_compare(versions[i], there, &d);
		bool equal = !cJSON_GetArraySize(d.missing) && !cJSON_GetArraySize(d.added);

		policy_difference_release(&d);
		if (r < 0)
			return r;
		if (equal) {
			*ret = i == 0 ? POLICY_CURRENT : POLICY_OUTDATED;
			return 0;
		}
	}
	return 0;
}
