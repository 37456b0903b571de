/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *aws_tree_child(const cJSON *node, const char *name, size_t len)
{
	if (cJSON_IsArray(node)) {
		if (!len || strspn(name, "0123456789") < len || len > 8)
			return NULL;
		return cJSON_GetArrayItem(node, atoi(name));
	}
	if (!cJSON_IsObject(node))
		return NULL;
	for (node = node->child; node; node = node->next)
		if (node->string && strncmp(node->string, name, len) == 0 && !node->string[len])
			return node;
	return NULL;
}

const cJSON *aws_at(const cJSON *tree, const char *path)
{
	while (tree && *path) {
		size_t len = strcspn(path, ".");

		tree = aws_tree_child(tree, path, len);
		path += len;
		path += *path == '.';
	}
	return tree;
}

const char *aws_text(const cJSON *tree, const char *path)
{
	const cJSON *node = aws_at(tree, path);

	return cJSON_IsString(node) && node->valuestring ? node->valuestring : "";
}

double aws_number(const cJSON *tree, const char *path, double fallback)
{
	const cJSON *node = aws_at(tree, path);
	char *end;
	double value;

	if (cJSON_IsNumber(node))
		return isfinite(node->valuedouble) ? node->valuedouble : fallback;
	if (!cJSON_IsString(node) || !node->valuestring || !*node->valuestring)
		return fallback;
	value = strtod(node->valuestring, &end);
	return *end || !isfinite(value) ? fallback : value;
}

int64_t aws_integer(const cJSON *tree, const char *path, int64_t fallback)
{
	const double most = 9007199254740992.0; /* a double represents every integer up to this one exactly */
	double value = aws_number(tree, path, NAN);

	return value >= -most && value <= most && value == floor(value) ? (int64_t)value : fallback;
}
