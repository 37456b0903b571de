/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan.c - renders stack/plan, stack/drift and stack/template.json from memory. Any thread.
 */
#include "stack/plan.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/internal.h"
#include "stack/ownership.h"
#include "stack/plan_text.h"
#include "stack/template.h"

#include <errno.h>
#include <string.h>

/* A placeholder for the name that the image will have. */
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

/*
 * Values that are not known before the deploy are assumed to be the deployed ones; an image tag that was moved is not
 * noticed.
 */
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

static int plan_render_from_memory(const struct snapshot *s, struct buf *out)
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

static int plan_render_report(const struct stack_report *report, struct buf *out)
{
	char when[CLOCK_TEXT_SIZE];

	buf_append(out, report->text->data, report->text->len);
	return buf_printf(out, "by a change set of CloudFormation, %s\n", clock_format(report->made_ms, when));
}

static int plan_render_cost(const struct snapshot *s, struct buf *out)
{
	struct cost planned, now;

	cost_of_settings(s->settings, s->storage_bytes, &planned);
	return plan_put_cost(out, &planned, snapshot_cost(s, &now) ? &now : NULL);
}

/* The plan of CloudFormation is shown until the settings or the stack change. */
static int plan_render(const struct snapshot *s, struct buf *out)
{
	const struct stack_report *report = s->reports[REPORT_PLAN];
	int r;

	if (report && stack_report_is_current(report, s->settings, s->stack)) {
		r = plan_render_report(report, out);
	} else {
		r = plan_render_from_memory(s, out);
		buf_puts(out, "from memory; touch stack/replan asks CloudFormation\n");
	}
	return r < 0 ? r : plan_render_cost(s, out);
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

/* CloudFormation's record of a drift detection that this mount has not made. */
static int plan_render_earlier_check(const struct stack_view *stack, struct buf *out)
{
	char when[CLOCK_TEXT_SIZE];
	int64_t checked_ms = stack->drift_checked ? clock_parse(stack->drift_checked) : 0;

	if (!stack->drift_checked)
		return buf_puts(out, "never checked: touch stack/drift-check\n");
	return buf_printf(out, "last checked %s: %s; touch stack/drift-check checks again and lists the resources\n",
			  checked_ms > 0 ? clock_format(checked_ms, when) : stack->drift_checked,
			  stack->drift_status ? stack->drift_status : "UNKNOWN");
}

static int plan_render_drift(const struct snapshot *s, struct buf *out)
{
	const struct stack_report *report = s->reports[REPORT_DRIFT];
	char when[CLOCK_TEXT_SIZE];

	if (!report || !stack_report_is_of(report, s->stack))
		return plan_render_earlier_check(s->stack, out);
	buf_printf(out, "checked %s\n", clock_format(report->made_ms, when));
	if (!stack_report_is_current(report, NULL, s->stack))
		buf_puts(out, "the stack has changed since then: touch stack/drift-check\n");
	return buf_append(out, report->text->data, report->text->len);
}

int model_drift_render(const struct snapshot *s, struct buf *out)
{
	struct error err = {0};

	if (!s->settings)
		return buf_puts(out, "there are no settings: write config/default.env\n");
	if (!s->contact_ms)
		return buf_puts(out, "not known yet: AWS has not been reached\n");
	if (s->stack->foreign) {
		stack_refuse_foreign(s->stack->name, settings_get(s->settings, SETTING_STAGE), &err);
		return buf_printf(out, "not checked: %s; %s\n", err.message, err.remedy);
	}
	if (!s->stack->exists)
		return buf_puts(out, "nothing is deployed: touch control/deploy\n");
	return plan_render_drift(s, out);
}

static int64_t plan_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t plan_report_changed(const struct snapshot *s, enum stack_report_kind kind)
{
	return plan_later(s->stack->changed_ms, s->reports[kind] ? s->reports[kind]->made_ms : 0);
}

/* The present cost depends on the tasks and the storage. */
int64_t model_plan_changed(const struct snapshot *s)
{
	int64_t changed = plan_later(plan_report_changed(s, REPORT_PLAN), s->settings_changed_ms);

	changed = plan_later(changed, s->storage_changed_ms);
	changed = plan_later(changed, s->tasks->changed_ms);
	for (size_t i = 0; i < s->tasks->n; i++)
		changed = plan_later(changed, s->tasks->tasks[i].changed_ms);
	return changed;
}

int64_t model_drift_changed(const struct snapshot *s)
{
	return plan_later(plan_report_changed(s, REPORT_DRIFT), s->settings_changed_ms);
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
