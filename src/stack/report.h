/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h - CloudFormation's answer to replan or drift-check, with the stack and the settings that it is about.
 *
 * Immutable and reference-counted; any thread.
 */
#ifndef VASTFS_STACK_REPORT_H
#define VASTFS_STACK_REPORT_H

#include "base/blob.h"
#include "stack/settings.h"
#include "stack/view.h"

#include <cjson/cJSON.h>

enum stack_report_kind { REPORT_PLAN, REPORT_DRIFT, REPORT_MAX };

struct stack_report {
	struct ref ref;
	struct blob *text;	   /* lines */
	int64_t made_ms;	   /* wall clock time of the answer */
	struct settings *settings; /* the settings that the plan is for; NULL: the report does not depend on settings */
	char *stack_id;		   /* the stack's ID; "" if there was no stack */
	char *updated;		   /* when the stack was updated last, as AWS writes it; "" if never */
};

/* Takes over the text. stack: DescribeStacks' record, NULL: there is no stack. NULL without memory. */
struct stack_report *stack_report_new(struct buf *text, const struct settings *settings, const cJSON *stack);
struct stack_report *stack_report_ref(struct stack_report *r); /* r may be NULL */
void stack_report_unref(struct stack_report *r);
DEFINE_CLEANUP(struct stack_report *, stack_report_unref)

/*
 * Whether the report is about this stack. current: also require that nothing has been deployed since. A stack without
 * resources counts as none.
 */
bool stack_report_is_of(const struct stack_report *r, const struct stack_view *stack);
bool stack_report_is_current(const struct stack_report *r, const struct settings *settings,
			     const struct stack_view *stack);

#endif
