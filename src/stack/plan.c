/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan.h"

#include "base/json.h"
#include "stack/changeset.h"
#include "stack/precheck.h"
#include "stack/reply.h"
#include "stack/resolve.h"
#include "stack/template.h"

/* A copy of the wanted parameters in which unknown ones have their deployed value and the named one has the given
 * value. */
static cJSON *plan_with_parameter(const struct plan *p, const char *name, const char *value)
{
	cJSON *copy = cJSON_Duplicate(p->wanted, true);
	cJSON *parameter;

	cJSON_ArrayForEach (parameter, copy) {
		const char *key = reply_text(parameter, "ParameterKey");
		const char *set = template_parameter(p->wanted, key);

		if (strcmp(key, name) == 0)
			set = value;
		else if (!set)
			set = template_parameter(p->deployed, key);
		cJSON_DeleteItemFromObjectCaseSensitive(parameter, "ParameterValue");
		if (!cJSON_AddStringToObject(parameter, "ParameterValue", set ? set : "")) {
			cJSON_Delete(copy);
			return NULL;
		}
	}
	return copy;
}

static cJSON *plan_resources_with(const struct plan *p, const char *name, const char *value)
{
	_json_ cJSON *parameters = plan_with_parameter(p, name, value);

	return parameters ? resolve_template(parameters) : NULL;
}

static int plan_write_creation(const struct plan *p, struct buf *out)
{
	_json_ cJSON *resources = plan_resources_with(p, "", "");
	const struct stack_state *state = stack_state(p->stack_status);
	const cJSON *resource;

	if (!resources)
		return -ENOMEM;
	if (state->kind == STACK_DELETE_FIRST)
		buf_printf(out, "%s is %s: deploy would delete it first, then create %d resources\n", p->stack_name,
			   p->stack_status, cJSON_GetArraySize(resources));
	else
		buf_printf(out, "nothing is deployed: deploy would create %d resources\n",
			   cJSON_GetArraySize(resources));
	cJSON_ArrayForEach (resource, resources)
		buf_printf(out, "    creates %s (%s)\n", resource->string, reply_text(resource, "Type"));
	return out->error;
}

static const char *plan_resource_type(const cJSON *before, const cJSON *after, const char *id)
{
	const cJSON *resource = reply_at(after, id);

	return reply_text(resource ? resource : reply_at(before, id), "Type");
}

/* Writes the resources that this parameter changes, limited to effects of the whole plan, because parameters may depend
 * on each other.
 */
static int plan_write_effects(const struct plan *p, const char *name, const cJSON *all, struct buf *out)
{
	const char *have = template_parameter(p->deployed, name);
	_json_ cJSON *before = plan_resources_with(p, name, have ? have : "");
	_json_ cJSON *after = plan_resources_with(p, "", "");
	_json_ cJSON *effects = before && after ? resolve_effects(before, after) : NULL;
	const cJSON *effect;

	if (!effects)
		return -ENOMEM;
	cJSON_ArrayForEach (effect, effects)
		if (strcmp(reply_text(all, effect->string), effect->valuestring) == 0)
			buf_printf(out, "    %s %s (%s)\n", effect->valuestring, effect->string,
				   plan_resource_type(before, after, effect->string));
	return out->error;
}

/* Writes what the effects mean for a running server. */
static void plan_write_consequences(const cJSON *before, const cJSON *after, const cJSON *effects, struct buf *out)
{
	bool guarded = false;
	const cJSON *effect;

	cJSON_ArrayForEach (effect, effects)
		if (strcmp(effect->valuestring, "replaces") == 0 || strcmp(effect->valuestring, "removes") == 0)
			guarded =
				guarded || changeset_type_is_guarded(plan_resource_type(before, after, effect->string));
	if (guarded)
		buf_puts(out, "while a task runs, deploy would refuse this: touch control/stop-all-tasks first\n");
	else if (*reply_text(effects, "TaskDefinition"))
		buf_puts(out, "a running server stays unchanged until control/restart-task\n");
}

static void plan_write_unknown(const struct plan *p, struct buf *out)
{
	const cJSON *parameter;

	cJSON_ArrayForEach (parameter, p->wanted)
		if (cJSON_IsNull(reply_at(parameter, "ParameterValue")))
			buf_printf(out, "%s: known only during the deploy\n", reply_text(parameter, "ParameterKey"));
}

static void plan_write_refusals(const struct plan *p, struct buf *out)
{
	struct error err;

	if (template_check_version(p->outputs, &err) < 0)
		buf_printf(out, "deploy would refuse: %s\n", err.message);
	if (precheck_fixed(p->wanted, p->deployed, &err) < 0)
		buf_printf(out, "deploy would refuse: %s; %s\n", err.message, err.remedy);
}

static const char *plan_value(const char *value)
{
	return value && *value ? value : "(none)";
}

static int plan_write_changes(const struct plan *p, const cJSON *names, struct buf *out)
{
	_json_ cJSON *before = resolve_template(p->deployed);
	_json_ cJSON *after = plan_resources_with(p, "", "");
	_json_ cJSON *effects = before && after ? resolve_effects(before, after) : NULL;
	const cJSON *name;

	if (!effects)
		return -ENOMEM;
	cJSON_ArrayForEach (name, names) {
		const char *have = template_parameter(p->deployed, name->valuestring);
		int r;

		buf_printf(out, "%s: %s -> %s\n", name->valuestring, plan_value(have),
			   plan_value(template_parameter(p->wanted, name->valuestring)));
		r = plan_write_effects(p, name->valuestring, effects, out);
		if (r < 0)
			return r;
	}
	plan_write_consequences(before, after, effects, out);
	return out->error;
}

static int plan_write_update(const struct plan *p, struct buf *out)
{
	_json_ cJSON *names = template_differences(p->wanted, p->deployed);
	unsigned theirs = template_deployed_version(p->outputs), ours = template_version();
	int r;

	if (!names)
		return -ENOMEM;
	if (theirs < ours)
		buf_printf(out, "template: version %u -> %u; operation.log of the deploy lists the changes\n", theirs,
			   ours);
	else if (theirs == ours && !cJSON_GetArraySize(names))
		return buf_puts(out, "up to date\n");
	r = cJSON_GetArraySize(names) ? plan_write_changes(p, names, out) : 0;
	if (r < 0)
		return r;
	plan_write_unknown(p, out);
	plan_write_refusals(p, out);
	return out->error;
}

int plan_write(const struct plan *p, struct buf *out)
{
	switch (stack_state(p->stack_status)->kind) {
	case STACK_READY:
		return plan_write_update(p, out);
	case STACK_BUSY:
		return buf_printf(out, "%s is %s: the plan is available when this operation has ended\n", p->stack_name,
				  p->stack_status);
	case STACK_STUCK:
		return buf_printf(out, "%s is %s: deploy would %s\n", p->stack_name, p->stack_status,
				  stack_state(p->stack_status)->deploy == DEPLOY_CONTINUE
					  ? "continue the rollback first, then apply the settings"
					  : "refuse; touch control/destroy first");
	case STACK_NONE:
	case STACK_EMPTY:
	case STACK_DELETE_FIRST:
		break;
	}
	return plan_write_creation(p, out);
}
