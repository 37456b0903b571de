/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan.h"

#include "base/json.h"
#include "stack/changeset.h"
#include "stack/plan_text.h"
#include "stack/precheck.h"
#include "stack/reply.h"
#include "stack/resolve.h"
#include "stack/template.h"

#define CAUSES_MAX 1024 /* bytes; all settings' names together are shorter */

/* The deployed resources and those of the plan. */
struct plan_comparison {
	const cJSON *names; /* names of the parameters that differ */
	const cJSON *before, *after;
	const cJSON *effects;	   /* {"<LogicalId>": "replaces"} */
	const cJSON *by_parameter; /* plan_effects_by_parameter() */
};

/*
 * A copy of the wanted parameters. Parameters with unknown values get their deployed value, and the named one gets the
 * given value.
 */
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
		plan_put_resource(out, PLAN_CREATES, resource->string, reply_text(resource, "Type"), NULL);
	return out->error;
}

/*
 * The effects of each differing parameter alone: {"ServerMemory": {"TaskDefinition": "replaces"}}. NULL without memory.
 */
static cJSON *plan_effects_by_parameter(const struct plan *p, const cJSON *names, const cJSON *after)
{
	cJSON *all = cJSON_CreateObject();
	const cJSON *name;

	cJSON_ArrayForEach (name, names) {
		const char *have = template_parameter(p->deployed, name->valuestring);
		_json_ cJSON *before = plan_resources_with(p, name->valuestring, have ? have : "");
		cJSON *effects = before ? resolve_effects(before, after) : NULL;

		if (all && effects && cJSON_AddItemToObject(all, name->valuestring, effects))
			continue;
		cJSON_Delete(effects);
		cJSON_Delete(all);
		return NULL;
	}
	return all;
}

/*
 * Appends the settings that have this effect on the resource; each setting once. Parameters may depend on each other,
 * so the whole plan may have an effect that no single parameter has.
 */
static void plan_put_causes(const cJSON *by_parameter, const char *id, const char *effect, struct buf *out)
{
	const cJSON *effects;
	const char *last = "";

	cJSON_ArrayForEach (effects, by_parameter) {
		const char *setting = template_setting(effects->string);

		if (!setting || strcmp(reply_text(effects, id), effect) != 0 || strcmp(setting, last) == 0)
			continue;
		buf_printf(out, "%s%s", out->len ? ", " : "", setting);
		last = setting;
	}
}

static const char *plan_resource_type(const cJSON *before, const cJSON *after, const char *id)
{
	const cJSON *resource = reply_at(after, id);

	return reply_text(resource ? resource : reply_at(before, id), "Type");
}

static int plan_write_resource(const struct plan_comparison *c, const cJSON *effect, struct buf *out)
{
	const char *type = plan_resource_type(c->before, c->after, effect->string);
	_buf_ struct buf causes = BUF_INIT(CAUSES_MAX);

	plan_put_causes(c->by_parameter, effect->string, effect->valuestring, &causes);
	if (causes.error)
		return causes.error;
	plan_put_resource(out, effect->valuestring, effect->string, type, buf_str(&causes));
	return plan_put_interruption(out, effect->valuestring, type);
}

/* Writes the consequences of the effects for a running server. */
static void plan_write_consequences(const struct plan_comparison *c, struct buf *out)
{
	bool guarded = false;
	const cJSON *effect;

	cJSON_ArrayForEach (effect, c->effects)
		guarded |= plan_is_loss(effect->valuestring) &&
			   changeset_type_is_guarded(plan_resource_type(c->before, c->after, effect->string));
	plan_put_server(out, guarded, *reply_text(c->effects, "TaskDefinition"));
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

static int plan_write_comparison(const struct plan *p, const struct plan_comparison *c, struct buf *out)
{
	int n = cJSON_GetArraySize(c->effects);
	const cJSON *effect;

	buf_puts(out, "settings that differ from what is deployed\n");
	plan_put_settings(out, c->names, p->wanted, p->deployed);
	if (n)
		buf_printf(out, "deploy would change %d resource%s\n", n, n == 1 ? "" : "s");
	else
		buf_puts(out, "deploy would change no resource\n");
	cJSON_ArrayForEach (effect, c->effects) {
		int r = plan_write_resource(c, effect, out);

		if (r < 0)
			return r;
	}
	plan_write_consequences(c, out);
	return out->error;
}

static int plan_write_changes(const struct plan *p, const cJSON *names, struct buf *out)
{
	_json_ cJSON *before = resolve_template(p->deployed);
	_json_ cJSON *after = plan_resources_with(p, "", "");
	_json_ cJSON *effects = before && after ? resolve_effects(before, after) : NULL;
	_json_ cJSON *by_parameter = effects ? plan_effects_by_parameter(p, names, after) : NULL;
	struct plan_comparison c = {names, before, after, effects, by_parameter};

	return by_parameter ? plan_write_comparison(p, &c, out) : -ENOMEM;
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
