/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/view.h"

#include "aws/aws.h"
#include "aws/protocol/json.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* A copy of the text at path, NULL if AWS reports none. */
static char *view_copy_text(const cJSON *tree, const char *path)
{
	const char *text = aws_text(tree, path);

	return *text ? strdup(text) : NULL;
}

static bool view_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* -- the stack ----------------------------------------------------------------------------------------------- */

static size_t view_parse_pairs(const cJSON *array, const char *key, const char *value, struct pair **ret)
{
	int n = cJSON_GetArraySize(array);
	const cJSON *item;
	size_t i = 0;

	*ret = n > 0 ? calloc((size_t)n, sizeof(**ret)) : NULL;
	if (!*ret)
		return 0;
	cJSON_ArrayForEach (item, array) {
		struct pair pair = {.key = strdup(aws_text(item, key)), .value = strdup(aws_text(item, value))};

		if (pair.key && pair.value) {
			(*ret)[i++] = pair;
		} else {
			free(pair.key); /* without memory; an entry without a name cannot be listed */
			free(pair.value);
		}
	}
	return i;
}

static void view_free_pairs(struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(pairs[i].key);
		free(pairs[i].value);
	}
	free(pairs);
}

static const struct {
	size_t offset;
	const char *path;
} resource_fields[] = {
	{offsetof(struct stack_resource, logical_id), "LogicalResourceId"},
	{offsetof(struct stack_resource, type), "ResourceType"},
	{offsetof(struct stack_resource, physical_id), "PhysicalResourceId"},
	{offsetof(struct stack_resource, status), "ResourceStatus"},
	{offsetof(struct stack_resource, status_reason), "ResourceStatusReason"},
	{offsetof(struct stack_resource, updated), "Timestamp"},
};

static char **view_resource_field(const struct stack_resource *r, size_t i)
{
	return (char **)((char *)r + resource_fields[i].offset);
}

static void view_clear_resource(struct stack_resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(resource_fields); i++) {
		free(*view_resource_field(r, i));
		*view_resource_field(r, i) = NULL;
	}
}

static size_t view_parse_resources(const cJSON *array, struct stack_resource **ret)
{
	int n = cJSON_GetArraySize(array);
	const cJSON *item;
	size_t used = 0;

	*ret = n > 0 ? calloc((size_t)n, sizeof(**ret)) : NULL;
	if (!*ret)
		return 0;
	cJSON_ArrayForEach (item, array) {
		if (!*aws_text(item, "LogicalResourceId"))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(resource_fields); i++)
			*view_resource_field(&(*ret)[used], i) = view_copy_text(item, resource_fields[i].path);
		if ((*ret)[used].logical_id)
			used++;
		else
			view_clear_resource(&(*ret)[used]);
	}
	return used;
}

static void view_free_resources(struct stack_resource *resources, size_t n)
{
	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < ARRAY_SIZE(resource_fields); i++)
			free(*view_resource_field(&resources[r], i));
	free(resources);
}

static void view_parse_stack(struct stack_view *v, const cJSON *stack)
{
	v->exists = true;
	v->status = view_copy_text(stack, "StackStatus");
	v->status_reason = view_copy_text(stack, "StackStatusReason");
	v->stack_id = view_copy_text(stack, "StackId");
	v->updated = view_copy_text(stack, "LastUpdatedTime");
	v->drift_status = view_copy_text(stack, "DriftInformation.StackDriftStatus");
	v->drift_checked = view_copy_text(stack, "DriftInformation.LastCheckTimestamp");
	v->json = aws_json_print(stack);
	v->parameters_n =
		view_parse_pairs(aws_at(stack, "Parameters"), "ParameterKey", "ParameterValue", &v->parameters);
	v->outputs_n = view_parse_pairs(aws_at(stack, "Outputs"), "OutputKey", "OutputValue", &v->outputs);
}

struct stack_view *stack_view_parse(const char *name, bool foreign, const cJSON *stacks, const cJSON *resources,
				    const cJSON *function, const struct stack_view *before)
{
	struct stack_view *v = calloc(1, sizeof(*v));
	const cJSON *stack = aws_at(stacks, "Stacks.0");

	if (!v)
		return NULL;
	ref_init(&v->ref);
	v->name = strdup(name);
	if (stack)
		view_parse_stack(v, stack);
	v->foreign = stack && foreign;
	v->resources_n = view_parse_resources(aws_at(resources, "StackResources"), &v->resources);
	if (function)
		v->function_json = aws_json_print(function);
	v->changed_ms = before && stack_view_equal(v, before) ? before->changed_ms : clock_wall_ms();
	return v;
}

struct stack_view *stack_view_ref(struct stack_view *v)
{
	ref_get(&v->ref);
	return v;
}

void stack_view_unref(struct stack_view *v)
{
	if (!v || !ref_put(&v->ref))
		return;
	free(v->name);
	free(v->status);
	free(v->status_reason);
	free(v->stack_id);
	free(v->updated);
	free(v->drift_status);
	free(v->drift_checked);
	free(v->json);
	free(v->function_json);
	view_free_pairs(v->parameters, v->parameters_n);
	view_free_pairs(v->outputs, v->outputs_n);
	view_free_resources(v->resources, v->resources_n);
	free(v);
}

static const char *view_find_pair(const struct pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (view_same_text(pairs[i].key, key))
			return pairs[i].value;
	return NULL;
}

const char *stack_view_output(const struct stack_view *v, const char *key)
{
	return v->foreign ? NULL : view_find_pair(v->outputs, v->outputs_n, key);
}

const char *stack_view_parameter(const struct stack_view *v, const char *key)
{
	return view_find_pair(v->parameters, v->parameters_n, key);
}

const struct stack_resource *stack_view_resource(const struct stack_view *v, const char *logical_id)
{
	for (size_t i = 0; i < v->resources_n; i++)
		if (view_same_text(v->resources[i].logical_id, logical_id))
			return &v->resources[i];
	return NULL;
}

static bool view_resources_equal(const struct stack_view *a, const struct stack_view *b)
{
	if (a->resources_n != b->resources_n)
		return false;
	for (size_t r = 0; r < a->resources_n; r++)
		for (size_t i = 0; i < ARRAY_SIZE(resource_fields); i++)
			if (!view_same_text(*view_resource_field(&a->resources[r], i),
					    *view_resource_field(&b->resources[r], i)))
				return false;
	return true;
}

bool stack_view_equal(const struct stack_view *a, const struct stack_view *b)
{
	return a->exists == b->exists && a->foreign == b->foreign && view_same_text(a->name, b->name) &&
	       view_same_text(a->json, b->json) && view_same_text(a->function_json, b->function_json) &&
	       view_resources_equal(a, b);
}

bool stack_error_is_missing(const struct error *err)
{
	return error_has_code(err, "ValidationError") && strstr(err->message, "does not exist");
}
