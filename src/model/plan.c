/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.c - renders stack/plan and stack/template.json from memory. Any thread.
 */
#include "stack/plan.h"
#include "base/json.h"
#include "model/internal.h"
#include "stack/ownership.h"
#include "stack/template.h"

#include <errno.h>
#include <string.h>

/* Stands for the name that the image will have. */
#define IMAGE_TO_COME "(assembled by deploy)"

/* NULL without memory. */
static cJSON *plan_pairs_json(const struct pair *pairs, size_t n, const char *key, const char *value)
{
	int r = 0;
	cJSON *array = json_array(&r);

	for (size_t i = 0; i < n; i++) {
		cJSON *item = json_object(&r);

		json_add_text(&r, item, key, pairs[i].key);
		json_add_text(&r, item, value, pairs[i].value);
		json_append(&r, array, item);
	}
	if (r < 0)
		cJSON_Delete(move_ptr(array));
	return array;
}

/* The deployed image if it was assembled from the settings' vast_image for their architecture; else NULL. */
static const char *plan_deployed_image(const struct snapshot *s)
{
	const char *base = stack_view_parameter(s->stack, "BaseImage");
	const char *architecture = stack_view_parameter(s->stack, "Architecture");

	if (!base || strcmp(base, settings_get(s->settings, SETTING_VAST_IMAGE)) != 0)
		return NULL;
	if (!architecture || strcmp(architecture, settings_get(s->settings, SETTING_ARCHITECTURE)) != 0)
		return NULL;
	return stack_view_parameter(s->stack, "ImageUri");
}

/* Values that only a deploy finds out are assumed to be the deployed ones; a moved image tag is not noticed. */
static cJSON *plan_wanted_parameters(const struct snapshot *s)
{
	const char *image = plan_deployed_image(s);
	struct template_facts facts = {
		.internet_gateway_id = stack_view_parameter(s->stack, "InternetGatewayId"),
		.availability_zone = stack_view_parameter(s->stack, "AvailabilityZone"),
		.image_uri = image ? image : IMAGE_TO_COME,
		.file_system_id = stack_view_parameter(s->stack, "FileSystemId"),
	};

	return template_parameters(s->settings, &facts);
}

static int plan_render(const struct snapshot *s, struct buf *out)
{
	char name[SETTINGS_STACK_SIZE];
	cJSON *wanted = plan_wanted_parameters(s);
	cJSON *deployed =
		plan_pairs_json(s->stack->parameters, s->stack->parameters_n, "ParameterKey", "ParameterValue");
	cJSON *outputs = plan_pairs_json(s->stack->outputs, s->stack->outputs_n, "OutputKey", "OutputValue");
	struct plan p = {.stack_name = settings_stack_name(s->settings, name),
			 .stack_status = s->stack->status,
			 .wanted = wanted,
			 .deployed = deployed,
			 .outputs = outputs};
	int r = wanted && deployed && outputs ? plan_write(&p, out) : -ENOMEM;

	cJSON_Delete(wanted);
	cJSON_Delete(deployed);
	cJSON_Delete(outputs);
	return r;
}

int model_plan_render(const struct snapshot *s, struct buf *out)
{
	struct error err = {0};

	if (!s->settings)
		return buf_puts(out, "there are no settings: write config/default.env\n");
	if (settings_check_complete(s->settings, &err) < 0)
		return buf_printf(out, "deploy would refuse: %s\n", err.message);
	if (!s->contact_ms)
		return buf_puts(out, "not known yet: AWS has not replied\n");
	if (s->stack->foreign) {
		stack_refuse_foreign(s->stack->name, settings_get(s->settings, SETTING_STAGE), &err);
		return buf_printf(out, "deploy would refuse: %s; %s\n", err.message, err.remedy);
	}
	return plan_render(s, out);
}

const char *model_template_json(size_t *ret_len)
{
	return template_text(ret_len);
}

enum snapshot_match plan_match(const struct snapshot *s)
{
	cJSON *wanted, *deployed, *names;
	enum snapshot_match match;

	if (!s->settings || s->stack->foreign || !s->stack->outputs_n || settings_check_complete(s->settings, NULL) < 0)
		return MATCH_UNKNOWN;
	wanted = plan_wanted_parameters(s);
	deployed = plan_pairs_json(s->stack->parameters, s->stack->parameters_n, "ParameterKey", "ParameterValue");
	names = wanted && deployed ? template_differences(wanted, deployed) : NULL;
	match = !names ? MATCH_UNKNOWN : names->child ? MATCH_DIFFERENT : MATCH_SAME;
	cJSON_Delete(wanted);
	cJSON_Delete(deployed);
	cJSON_Delete(names);
	return match;
}
