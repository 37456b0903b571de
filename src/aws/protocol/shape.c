/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/shape.h"

#include "aws/aws.h"
#include "base/clock.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {
	[AWS_OBJECT] = "an object",	[AWS_LIST] = "a list",	   [AWS_ENTRIES] = "a list with entries",
	[AWS_STRING] = "a string",	[AWS_NUMBER] = "a number", [AWS_TIME] = "a time",
	[AWS_BOOL] = "a boolean value",
};

static const char *shape_kind(const cJSON *node)
{
	if (cJSON_IsNull(node))
		return "null";
	if (cJSON_IsArray(node))
		return node->child ? "a list" : "an empty list";
	if (cJSON_IsString(node))
		return *node->valuestring ? "a string" : "empty";
	return cJSON_IsObject(node) ? "an object" : cJSON_IsNumber(node) ? "a number" : "a boolean value";
}

static bool shape_is_number(const cJSON *node)
{
	return cJSON_IsNumber(node) || !isnan(aws_number(node, "", NAN));
}

static bool shape_is_bool(const cJSON *node)
{
	return cJSON_IsBool(node) || (cJSON_IsString(node) && (strcmp(node->valuestring, "true") == 0 ||
							       strcmp(node->valuestring, "false") == 0));
}

static bool shape_is_optional(const struct aws_member *m)
{
	return m->type & AWS_OPTIONAL;
}

static bool shape_fits(const cJSON *node, const struct aws_member *m)
{
	switch ((enum aws_type)(m->type & ~AWS_OPTIONAL)) {
	case AWS_OBJECT:
		return cJSON_IsObject(node);
	case AWS_LIST:
		return cJSON_IsArray(node);
	case AWS_ENTRIES:
		return cJSON_IsArray(node) && node->child;
	case AWS_STRING:
		return cJSON_IsString(node) && (shape_is_optional(m) || *node->valuestring);
	case AWS_NUMBER:
		return shape_is_number(node);
	case AWS_TIME:
		return shape_is_number(node) && clock_of_seconds(aws_number(node, "", 0)) >= 0;
	case AWS_BOOL:
		return shape_is_bool(node);
	}
	return false;
}

static int shape_check_leaf(const cJSON *node, const struct aws_member *m, struct error *err)
{
	if (shape_is_optional(m) && (!node || cJSON_IsNull(node)))
		return 0;
	if (node && shape_fits(node, m))
		return 0;
	if (!node)
		return error_set(err, -ENOMSG, "%s is missing", m->path);
	return error_set(err, -ENOMSG, "%s is %s where %s is expected", m->path, shape_kind(node),
			 type_names[m->type & ~AWS_OPTIONAL]);
}

/* rest: the part of the member's path below node. */
static int shape_check_below(const cJSON *node, const char *rest, const struct aws_member *m, struct error *err)
{
	size_t len = strcspn(rest, ".");
	const char *deeper = rest + len + (rest[len] == '.');
	const cJSON *child;
	char name[64];
	int r = 0;

	if (*rest == '*') {
		if (!cJSON_IsArray(node))
			return 0; /* the row of the list itself reports it */
		cJSON_ArrayForEach (child, node)
			if (r == 0)
				r = *deeper ? shape_check_below(child, deeper, m, err)
					    : shape_check_leaf(child, m, err);
		return r;
	}
	if (!cJSON_IsObject(node))
		return 0; /* the row of the list itself reports this, too */
	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	child = cJSON_GetObjectItemCaseSensitive(node, name);
	if (!*deeper)
		return shape_check_leaf(child, m, err);
	return shape_check_below(child, deeper, m, err);
}

int aws_shape_check(const struct aws_member *members, const cJSON *body, struct error *err)
{
	if (!members)
		return 0;
	if (!cJSON_IsObject(body))
		return error_set(err, -ENOMSG, body ? "it is %s where an object is expected" : "it is %s",
				 body ? shape_kind(body) : "empty");
	for (; members->path; members++) {
		int r = shape_check_below(body, members->path, members, err);

		if (r < 0)
			return r;
	}
	return 0;
}
