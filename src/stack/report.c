/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/report.h"

#include "base/clock.h"
#include "stack/reply.h"
#include "stack/states.h"

/* The ID of a stack that has resources, or may have some; else "". */
static const char *report_id(const char *id, const char *status)
{
	enum stack_kind kind = stack_state(status)->kind;

	return id && kind != STACK_NONE && kind != STACK_EMPTY ? id : "";
}

struct stack_report *stack_report_new(struct buf *text, const struct settings *settings, const cJSON *stack)
{
	const char *id = report_id(reply_text(stack, "StackId"), reply_text(stack, "StackStatus"));
	struct stack_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	ref_init(&r->ref);
	r->made_ms = clock_wall_ms();
	r->settings = settings ? settings_ref((struct settings *)settings)
			       : NULL; /* the cast is safe: only the reference count changes */
	r->stack_id = strdup(id);
	r->updated = strdup(*id ? reply_text(stack, "LastUpdatedTime") : "");
	r->text = blob_from_buf(text);
	if (r->stack_id && r->updated && r->text)
		return r;
	stack_report_unref(r);
	return NULL;
}

struct stack_report *stack_report_ref(struct stack_report *r)
{
	if (r)
		ref_get(&r->ref);
	return r;
}

void stack_report_unref(struct stack_report *r)
{
	if (!r || !ref_put(&r->ref))
		return;
	blob_unref(r->text);
	if (r->settings)
		settings_unref(r->settings);
	free(r->stack_id);
	free(r->updated);
	free(r);
}

bool stack_report_is_of(const struct stack_report *r, const struct stack_view *stack)
{
	return strcmp(r->stack_id, report_id(stack->stack_id, stack->status)) == 0;
}

static bool report_same_settings(const struct settings *a, const struct settings *b)
{
	for (enum setting key = 0; a && b && key < SETTING_COUNT; key++)
		if (strcmp(settings_get(a, key), settings_get(b, key)) != 0)
			return false;
	return b || !a;
}

bool stack_report_is_current(const struct stack_report *r, const struct settings *settings,
			     const struct stack_view *stack)
{
	const char *updated = *r->stack_id && stack->updated ? stack->updated : "";

	return stack_report_is_of(r, stack) && strcmp(r->updated, updated) == 0 &&
	       stack_state(stack->status)->kind != STACK_BUSY && report_same_settings(r->settings, settings);
}
