/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changeset.h - what CloudFormation's answers mean: change sets, lost races, failing events.
 *
 * Pure. Sources: API Reference (DescribeChangeSet, ResourceChange, DescribeStackEvents), and the error texts in the
 * comments.
 */
#ifndef VASTFS_STACK_CHANGESET_H
#define VASTFS_STACK_CHANGESET_H

#include "base/error.h"
#include "stack/states.h"

#include <cjson/cJSON.h>

/* A change set that FAILED: is it because there is nothing to change? */
bool changeset_is_empty(const char *status, const char *status_reason);

/* Resources whose loss a running server would not survive, or that a server in a task of its own holds on to. */
bool changeset_type_is_guarded(const char *resource_type);

/*
 * May this change set (DescribeChangeSet's reply, all pages) be executed while tasks run? -EBUSY with words that name
 * the resource if it removes or replaces, or may replace, a guarded one.
 */
int changeset_check_tasks(const cJSON *change_set, bool tasks_running, struct error *err);

/* AWS's answer to a call of a deploy: was somebody else faster? Then follow the stack. */
bool changeset_lost_race(const struct error *err);

/*
 * The event that explains a failure: the oldest failed one of the newest operation, but for those that were only
 * cancelled because of it. events: StackEvents, newest first, as AWS gives them. NULL: there is none.
 */
const cJSON *stack_first_failure(const cJSON *events);

#endif
