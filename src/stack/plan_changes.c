/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/plan_changes.h"

#include "base/error.h"
#include "base/escape.h"
#include "stack/changeset.h"
#include "stack/plan_text.h"
#include "stack/reply.h"
#include "stack/template.h"

#define CAUSES_MAX  1024
#define VALUE_MAX   120 /* bytes of a value that are shown; a policy may have thousands */
#define KNOWN_LATER "{{changeSet:KNOWN_AFTER_APPLY}}"

/* The effect of a change, as a plan names it. */
static const char *changes_effect(const cJSON *change)
{
	static const struct {
		const char *action, *effect;
	} rows[] = {
		{"Add", PLAN_CREATES},
		{"Remove", PLAN_REMOVES},
		{"Import", "imports"},
		{"Dynamic", "perhaps changes"},
	};
	const char *action = reply_text(change, "Action"), *replacement = reply_text(change, "Replacement");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].action, action) == 0)
			return rows[i].effect;
	if (strcmp(replacement, "True") == 0)
		return PLAN_REPLACES;
	return strcmp(replacement, "Conditional") == 0 ? PLAN_MAY_REPLACE : PLAN_UPDATES;
}

/* Appends a name to a list that does not contain it yet. */
static void changes_add_cause(struct buf *causes, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = buf_str(causes); *at; at += strcspn(at, ","), at += *at ? 2 : 0)
		if (strncmp(at, name, len) == 0 && (!at[len] || at[len] == ','))
			return;
	buf_printf(causes, "%s%s", causes->len ? ", " : "", name);
}

/* The cause of a detail: a setting, another resource, or the template. */
static void changes_put_cause(const cJSON *detail, struct buf *causes)
{
	const char *source = reply_text(detail, "ChangeSource"), *entity = reply_text(detail, "CausingEntity");
	const char *setting = strcmp(source, "ParameterReference") == 0 ? template_setting(entity) : NULL;
	char name[256];

	if (setting)
		changes_add_cause(causes, setting);
	else if (*entity)
		changes_add_cause(causes, escape_copy(name, sizeof(name), entity));
}

static int changes_put_causes(const cJSON *change, struct buf *causes)
{
	const cJSON *detail;

	cJSON_ArrayForEach (detail, reply_at(change, "Details"))
		changes_put_cause(detail, causes);
	if (!causes->len && cJSON_GetArraySize(reply_at(change, "Details")) > 0)
		buf_puts(causes, "the template");
	return causes->error;
}

/* The property's path without "/Properties/", else its name, else the attribute: "Tags". */
static const char *changes_property(const cJSON *target)
{
	static const char prefix[] = "/Properties/";
	const char *path = reply_text(target, "Path"), *name = reply_text(target, "Name");

	if (*path)
		return strncmp(path, prefix, strlen(prefix)) == 0 ? path + strlen(prefix) : path;
	return *name ? name : reply_text(target, "Attribute");
}

static void changes_put_value(struct buf *out, const cJSON *target, const char *member)
{
	const cJSON *value = reply_at(target, member);
	const char *text = cJSON_GetStringValue(value);
	char shown[VALUE_MAX];

	if (!text)
		buf_puts(out, "(none)");
	else if (strcmp(text, KNOWN_LATER) == 0)
		buf_puts(out, "(known after the deploy)");
	else
		buf_printf(out, "%s%s", escape_copy(shown, sizeof(shown), text),
			   strlen(text) >= sizeof(shown) ? "..." : "");
}

static void changes_put_property(struct buf *out, const cJSON *target)
{
	const char *recreation = reply_text(target, "RequiresRecreation");
	char name[256];

	buf_printf(out, "        %s", escape_copy(name, sizeof(name), changes_property(target)));
	if (reply_at(target, "BeforeValue") || reply_at(target, "AfterValue")) {
		buf_puts(out, ": ");
		changes_put_value(out, target, "BeforeValue");
		buf_puts(out, " -> ");
		changes_put_value(out, target, "AfterValue");
	}
	if (strcmp(recreation, "Always") == 0)
		buf_puts(out, " (replaces the resource)");
	else if (strcmp(recreation, "Conditionally") == 0)
		buf_puts(out, " (may replace the resource)");
	buf_putc(out, '\n');
}

/* CloudFormation lists a property once for each of its causes. */
static bool changes_is_repeated(const cJSON *details, const cJSON *detail)
{
	const char *property = changes_property(reply_at(detail, "Target"));
	const cJSON *other;

	cJSON_ArrayForEach (other, details) {
		if (other == detail)
			return false;
		if (strcmp(changes_property(reply_at(other, "Target")), property) == 0)
			return true;
	}
	return false;
}

static int changes_put_resource(struct buf *out, const cJSON *change)
{
	const char *effect = changes_effect(change), *type = reply_text(change, "ResourceType");
	const cJSON *details = reply_at(change, "Details"), *detail;
	_buf_ struct buf causes = BUF_INIT(CAUSES_MAX);
	char id[256], shown_type[256];
	int r = changes_put_causes(change, &causes);

	if (r < 0)
		return r;
	plan_put_resource(out, effect, escape_copy(id, sizeof(id), reply_text(change, "LogicalResourceId")),
			  escape_copy(shown_type, sizeof(shown_type), type), buf_str(&causes));
	cJSON_ArrayForEach (detail, details)
		if (!changes_is_repeated(details, detail))
			changes_put_property(out, reply_at(detail, "Target"));
	return plan_put_interruption(out, effect, type);
}

static unsigned changes_count(const cJSON *changes)
{
	const cJSON *item;
	unsigned n = 0;

	cJSON_ArrayForEach (item, changes)
		n += cJSON_IsObject(reply_at(item, "ResourceChange"));
	return n;
}

/* Changes of outputs and of the template's metadata change no resource. */
static void changes_put_count(struct buf *out, unsigned n)
{
	if (n)
		buf_printf(out, "deploy would change %u resource%s\n", n, n == 1 ? "" : "s");
	else
		buf_puts(out, "deploy would change outputs or metadata, no resource\n");
}

int plan_put_changes(struct buf *out, const cJSON *change_set)
{
	const cJSON *changes = reply_at(change_set, "Changes"), *item;
	bool guarded = false, outdated = false;

	changes_put_count(out, changes_count(changes));
	cJSON_ArrayForEach (item, changes) {
		const cJSON *change = reply_at(item, "ResourceChange");
		const char *type = reply_text(change, "ResourceType"), *effect = changes_effect(change);
		int r = cJSON_IsObject(change) ? changes_put_resource(out, change) : 0;

		if (r < 0)
			return r;
		guarded |= plan_is_loss(effect) && changeset_type_is_guarded(type);
		outdated |= plan_is_loss(effect) && strcmp(type, "AWS::ECS::TaskDefinition") == 0;
	}
	return plan_put_server(out, guarded, outdated);
}
