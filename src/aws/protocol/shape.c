/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/shape.h"

#include "aws/aws.h"
#include "base/clock.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {
	[AWS_OBJECT] = "an object",	[AWS_LIST] = "a list",	   [AWS_ENTRIES] = "a list with entries",
	[AWS_STRING] = "a string",	[AWS_NUMBER] = "a number", [AWS_TIME] = "a time",
	[AWS_BOOL] = "a boolean value", [AWS_COUNT] = "a count",   [AWS_TEXT] = "a string",
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
	case AWS_COUNT:
		return shape_is_number(node) && aws_integer(node, "", -1) >= 0;
	case AWS_TEXT:
		return cJSON_IsString(node);
	}
	return false;
}

/* The walk to all members with a path. */
struct shape_walk {
	int (*leaf)(const struct shape_walk *w, const cJSON *node, struct error *err); /* node NULL: absent */
	const struct aws_member *member;					       /* shape_check_leaf's */
	const char *path;							       /* shape_echo_leaf's */
	const cJSON *asked;							       /* shape_echo_leaf's */
};

static int shape_check_leaf(const struct shape_walk *w, const cJSON *node, struct error *err)
{
	const struct aws_member *m = w->member;

	if (shape_is_optional(m) && (!node || cJSON_IsNull(node)))
		return 0;
	if (node && shape_fits(node, m))
		return 0;
	if (!node)
		return error_set(err, -ENOMSG, "%s is missing", m->path);
	return error_set(err, -ENOMSG, "%s is %s where %s is expected", m->path, shape_kind(node),
			 type_names[m->type & ~AWS_OPTIONAL]);
}

static int shape_walk_below(const struct shape_walk *w, const cJSON *node, const char *rest, struct error *err);

static int shape_walk_list(const struct shape_walk *w, const cJSON *list, const char *deeper, struct error *err)
{
	const cJSON *child;
	int r = 0;

	if (!cJSON_IsArray(list))
		return 0; /* the row of the list itself reports it */
	cJSON_ArrayForEach (child, list)
		if (r == 0)
			r = *deeper ? shape_walk_below(w, child, deeper, err) : w->leaf(w, child, err);
	return r;
}

/* rest: the part of the member's path below node. */
static int shape_walk_below(const struct shape_walk *w, const cJSON *node, const char *rest, struct error *err)
{
	size_t len = strcspn(rest, ".");
	const char *deeper = rest + len + (rest[len] == '.');
	const cJSON *child;
	char name[64];

	if (*rest == '*')
		return shape_walk_list(w, node, deeper, err);
	if (!cJSON_IsObject(node))
		return 0; /* the row of the object itself reports this, too */
	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	child = cJSON_GetObjectItemCaseSensitive(node, name);
	return *deeper ? shape_walk_below(w, child, deeper, err) : w->leaf(w, child, err);
}

int aws_shape_check(const struct aws_member *members, const cJSON *body, struct error *err)
{
	if (!members)
		return 0;
	if (!cJSON_IsObject(body))
		return error_set(err, -ENOMSG, body ? "it is %s where an object is expected" : "it is %s",
				 body ? shape_kind(body) : "empty");
	for (; members->path; members++) {
		const struct shape_walk w = {.leaf = shape_check_leaf, .member = members};
		int r = shape_walk_below(&w, body, members->path, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* -- echoes ---------------------------------------------------------------------------------------------------- */

/* The resource of an ARN without its type: "a/0" of "arn:aws:cloudformation:eu-west-1:1:stack/a/0"; NULL: no ARN. */
static const char *shape_arn_resource(const char *text)
{
	const char *at = text;

	if (strncmp(text, "arn:", 4) != 0)
		return NULL;
	for (int colons = 0; colons < 5; colons++) {
		at = strchr(at, ':');
		if (!at)
			return NULL;
		at++;
	}
	at += strcspn(at, "/:");
	return *at ? at + 1 : NULL;
}

/* ECS takes the ID of a task for its ARN: "arn:aws:ecs:eu-west-1:1:task/cluster/ID". */
static bool shape_is_task(const char *arn, const char *id)
{
	const char *slash = strrchr(arn, '/');

	return strstr(arn, ":task/") && strcmp(slash + 1, id) == 0;
}

static bool shape_repeats(const char *found, const char *asked)
{
	const char *resource = shape_arn_resource(found);
	size_t len = strlen(asked);

	if (strcmp(found, asked) == 0 || (resource && shape_is_task(found, asked)))
		return true;
	return resource && strncmp(resource, asked, len) == 0 && strchr("/:", resource[len]);
}

static bool shape_repeats_one(const char *found, const cJSON *asked)
{
	const cJSON *one;

	if (cJSON_IsString(asked))
		return shape_repeats(found, asked->valuestring);
	cJSON_ArrayForEach (one, asked)
		if (!cJSON_IsString(one) || shape_repeats(found, one->valuestring))
			return true;
	return false;
}

static int shape_echo_leaf(const struct shape_walk *w, const cJSON *node, struct error *err)
{
	const cJSON *first = cJSON_IsArray(w->asked) ? w->asked->child : w->asked;

	if (!cJSON_IsString(node) || shape_repeats_one(node->valuestring, w->asked))
		return 0;
	return error_set(err, -ENOMSG, "%s is %.250s, but the request was for %.250s", w->path, node->valuestring,
			 cJSON_IsString(first) ? first->valuestring : "nothing");
}

int aws_echo_check(const struct aws_echo *echoes, const cJSON *params, const cJSON *body, struct error *err)
{
	for (; echoes && echoes->path; echoes++) {
		const struct shape_walk w = {.leaf = shape_echo_leaf,
					     .path = echoes->path,
					     .asked = cJSON_GetObjectItemCaseSensitive(params, echoes->parameter)};
		int r = w.asked ? shape_walk_below(&w, body, echoes->path, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
