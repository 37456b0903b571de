/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/resolve.h"

#include "base/buf.h"
#include "stack/reply.h"
#include "stack/template.h"

#define SUB_MAX 8192

struct resolve_scope {
	const cJSON *tree;
	const cJSON *parameters;
};

static cJSON *resolve(const struct resolve_scope *s, const cJSON *node, int *error);

/* The text with every ${Parameter} replaced; other ${names} stay. */
static cJSON *resolve_sub(const struct resolve_scope *s, const char *text)
{
	_buf_ struct buf out = BUF_INIT(SUB_MAX);

	while (*text) {
		const char *open = strstr(text, "${"), *close = open ? strchr(open, '}') : NULL;
		const char *value = NULL;
		char name[64];

		if (!close) {
			buf_puts(&out, text);
			break;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(close - open - 2), open + 2);
		value = template_parameter(s->parameters, name);
		buf_append(&out, text, (size_t)(open - text));
		if (value)
			buf_puts(&out, value);
		else
			buf_append(&out, open, (size_t)(close - open) + 1);
		text = close + 1;
	}
	return out.error ? NULL : cJSON_CreateString(buf_str(&out));
}

static bool resolve_condition(const struct resolve_scope *s, const char *name, int *error)
{
	const cJSON *sides = reply_at(reply_at(reply_at(s->tree, "Conditions"), name), "Fn::Equals");
	cJSON *left = resolve(s, cJSON_GetArrayItem(sides, 0), error);
	cJSON *right = resolve(s, cJSON_GetArrayItem(sides, 1), error);
	bool equal = cJSON_Compare(left, right, true);

	cJSON_Delete(left);
	cJSON_Delete(right);
	return equal;
}

/* Resolves an object that is a function call to *ret, NULL for AWS::NoValue. False: the object is not a call. */
static bool resolve_call(const struct resolve_scope *s, const cJSON *node, cJSON **ret, int *error)
{
	const cJSON *call = node->child;
	const char *name = call && !call->next ? call->string : "";
	const char *text = cJSON_GetStringValue(call), *value;

	*ret = NULL;
	if (strcmp(name, "Fn::If") == 0) {
		bool yes = resolve_condition(s, cJSON_GetStringValue(cJSON_GetArrayItem(call, 0)), error);

		*ret = resolve(s, cJSON_GetArrayItem(call, yes ? 1 : 2), error);
		return true;
	}
	if (!text)
		return false;
	if (strcmp(name, "Ref") == 0 && strcmp(text, "AWS::NoValue") == 0)
		return true;
	value = strcmp(name, "Ref") == 0 ? template_parameter(s->parameters, text) : NULL;
	if (value)
		*ret = cJSON_CreateString(value);
	else if (strcmp(name, "Fn::Sub") == 0)
		*ret = resolve_sub(s, text);
	else
		return false;
	if (!*ret)
		*error = -ENOMEM;
	return true;
}

/* NULL: the value is absent, or there is no memory; *error is set in the latter case. */
static cJSON *resolve(const struct resolve_scope *s, const cJSON *node, int *error)
{
	cJSON *copy;
	const cJSON *child;

	if (cJSON_IsObject(node) && resolve_call(s, node, &copy, error))
		return copy;
	copy = cJSON_Duplicate(node, false);
	if (!copy) {
		*error = -ENOMEM;
		return NULL;
	}
	cJSON_ArrayForEach (child, node) {
		cJSON *value = resolve(s, child, error);

		if (value && cJSON_IsArray(node))
			cJSON_AddItemToArray(copy, value);
		else if (value && !cJSON_AddItemToObject(copy, child->string, value)) {
			cJSON_Delete(value);
			*error = -ENOMEM;
		}
	}
	return copy;
}

static cJSON *resolve_resources(const struct resolve_scope *s, int *error)
{
	cJSON *resources = cJSON_CreateObject();
	const cJSON *resource;

	if (!resources)
		*error = -ENOMEM;
	cJSON_ArrayForEach (resource, reply_at(s->tree, "Resources")) {
		const char *condition = reply_text(resource, "Condition");
		cJSON *resolved;

		if (*condition && !resolve_condition(s, condition, error))
			continue;
		resolved = resolve(s, resource, error);
		if (resolved && !cJSON_AddItemToObject(resources, resource->string, resolved)) {
			cJSON_Delete(resolved);
			*error = -ENOMEM;
		}
	}
	return resources;
}

cJSON *resolve_template(const cJSON *parameters)
{
	cJSON *tree = template_tree(), *resources;
	struct resolve_scope s = {.tree = tree, .parameters = parameters};
	int error = 0;

	if (!tree)
		return NULL;
	resources = resolve_resources(&s, &error);
	cJSON_Delete(tree);
	if (error) {
		cJSON_Delete(resources);
		return NULL;
	}
	return resources;
}

/*
 * Properties whose change replaces the resource; * means every property but tags. These are the properties that the
 * template uses, from createOnlyProperties of the resource types' schemas in the CloudFormation registry.
 */
static bool resolve_is_create_only(const char *type, const char *property)
{
	static const struct {
		const char *type, *property;
	} rows[] = {
		{"AWS::EC2::Subnet", "VpcId"},
		{"AWS::EC2::Subnet", "CidrBlock"},
		{"AWS::EC2::Subnet", "AvailabilityZone"},
		{"AWS::EC2::NatGateway", "SubnetId"},
		{"AWS::EC2::NatGateway", "AllocationId"},
		{"AWS::EC2::RouteTable", "VpcId"},
		{"AWS::EC2::Route", "RouteTableId"},
		{"AWS::EC2::Route", "DestinationCidrBlock"},
		{"AWS::EC2::SubnetRouteTableAssociation", "SubnetId"},
		{"AWS::EC2::SubnetRouteTableAssociation", "RouteTableId"},
		{"AWS::EC2::VPCEndpoint", "VpcId"},
		{"AWS::EC2::VPCEndpoint", "ServiceName"},
		{"AWS::EC2::VPCEndpoint", "VpcEndpointType"},
		{"AWS::EC2::SecurityGroup", "VpcId"},
		{"AWS::EC2::SecurityGroup", "GroupDescription"},
		{"AWS::EFS::MountTarget", "FileSystemId"},
		{"AWS::EFS::MountTarget", "SubnetId"},
		{"AWS::EFS::AccessPoint", "FileSystemId"},
		{"AWS::EFS::AccessPoint", "PosixUser"},
		{"AWS::EFS::AccessPoint", "RootDirectory"},
		{"AWS::ECS::TaskDefinition", "*"},
		{"AWS::Lambda::Function", "PackageType"},
		{"AWS::Lambda::EventInvokeConfig", "FunctionName"},
		{"AWS::Lambda::EventInvokeConfig", "Qualifier"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].type, type) == 0 &&
		    (strcmp(rows[i].property, property) == 0 ||
		     (strcmp(rows[i].property, "*") == 0 && strcmp(property, "Tags") != 0)))
			return true;
	return false;
}

static bool resolve_is_replaced(const char *id, const cJSON *effects)
{
	return id && strcmp(reply_text(effects, id), "replaces") == 0;
}

/* resolve_sub leaves a text in which every ${name} is a resource. */
static bool resolve_text_mentions(const char *text, const cJSON *effects)
{
	char name[64];

	while (text && (text = strstr(text, "${"))) {
		text += strlen("${");
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ".}"), text);
		if (resolve_is_replaced(name, effects))
			return true;
	}
	return false;
}

/* Whether a resource that will be replaced appears in this value, by Ref, Fn::GetAtt or Fn::Sub. */
static bool resolve_mentions(const cJSON *node, const cJSON *effects)
{
	const cJSON *child;

	if (resolve_text_mentions(cJSON_GetStringValue(node), effects))
		return true;
	cJSON_ArrayForEach (child, node) {
		const char *target = NULL;

		if (child->string && strcmp(child->string, "Ref") == 0)
			target = cJSON_GetStringValue(child);
		else if (child->string && strcmp(child->string, "Fn::GetAtt") == 0)
			target = cJSON_GetStringValue(cJSON_GetArrayItem(child, 0));
		if (resolve_is_replaced(target, effects))
			return true;
		if (resolve_mentions(child, effects))
			return true;
	}
	return false;
}

/* The stronger of the effect that was found so far and the effect of this property. */
static const char *resolve_stronger(const char *so_far, const char *type, const char *property)
{
	if (strcmp(so_far, "replaces") == 0 || resolve_is_create_only(type, property))
		return "replaces";
	return "updates";
}

static const char *resolve_effect_on(const cJSON *before, const cJSON *after, const cJSON *effects)
{
	const cJSON *old = reply_at(before, "Properties"), *new = reply_at(after, "Properties"), *property;
	const char *type = reply_text(after, "Type"), *effect = "";

	cJSON_ArrayForEach (property, new) {
		const cJSON *was = reply_at(old, property->string);

		if (!cJSON_Compare(was, property, true) || resolve_mentions(property, effects))
			effect = resolve_stronger(effect, type, property->string);
	}
	cJSON_ArrayForEach (property, old)
		if (!reply_at(new, property->string))
			effect = resolve_stronger(effect, type, property->string);
	return effect;
}

/* Sets a resource's effect. 1 if it changed, 0 if not, -ENOMEM. */
static int resolve_note(cJSON *effects, const char *id, const char *effect)
{
	if (!*effect || strcmp(reply_text(effects, id), effect) == 0)
		return 0;
	cJSON_DeleteItemFromObjectCaseSensitive(effects, id);
	return cJSON_AddStringToObject(effects, id, effect) ? 1 : -ENOMEM;
}

/* One round over all resources; more than 0 if an effect changed on which others may depend. */
static int resolve_note_all(const cJSON *before, const cJSON *after, cJSON *effects)
{
	const cJSON *resource;
	int news = 0, r;

	cJSON_ArrayForEach (resource, after) {
		const cJSON *was = reply_at(before, resource->string);

		r = resolve_note(effects, resource->string,
				 was ? resolve_effect_on(was, resource, effects) : "creates");
		if (r < 0)
			return r;
		news += r;
	}
	cJSON_ArrayForEach (resource, before) {
		r = reply_at(after, resource->string) ? 0 : resolve_note(effects, resource->string, "removes");
		if (r < 0)
			return r;
		news += r;
	}
	return news;
}

cJSON *resolve_effects(const cJSON *before, const cJSON *after)
{
	cJSON *effects = cJSON_CreateObject();
	int r = effects ? 1 : -ENOMEM;

	while (r > 0)
		r = resolve_note_all(before, after, effects);
	if (r < 0) {
		cJSON_Delete(effects);
		return NULL;
	}
	return effects;
}
