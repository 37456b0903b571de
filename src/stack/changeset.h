/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * changeset.h - interprets CloudFormation's replies: change sets, lost races, failed events.
 *
 * Pure; any thread. Returned records belong to the argument. Sources: CloudFormation API Reference (DescribeChangeSet,
 * ResourceChange, DescribeStackEvents), and the error texts quoted in changeset.c.
 */
#ifndef VASTFS_STACK_CHANGESET_H
#define VASTFS_STACK_CHANGESET_H

#include "base/error.h"
#include "stack/states.h"

#include <cjson/cJSON.h>

/* Whether a change set has status FAILED because there is nothing to change. */
bool changeset_is_empty(const char *status, const char *status_reason);

/*
 * Whether a running task depends on resources of this type: it would not survive their loss, or it prevents their
 * deletion.
 */
bool changeset_type_is_guarded(const char *resource_type);

/*
 * 0 if this change set (DescribeChangeSet's reply, all pages) may be executed while tasks run. -EBUSY with a message
 * that names the resource if it removes or replaces, or may replace, one that is guarded.
 */
int changeset_check_tasks(const cJSON *change_set, bool tasks_running, struct error *err);

/* Whether AWS replied that there is no such change set. */
bool changeset_is_missing(const struct error *err);

/* Whether AWS refused a deploy's request because somebody else was faster. The caller then follows the stack. */
bool changeset_lost_race(const struct error *err);

/* Who executed the change set behind the stack's latest operation. */
enum changeset_executor {
	EXECUTED_UNKNOWN, /* AWS does not show it yet, or nothing was executed */
	EXECUTED_BY_US,
	EXECUTED_BY_OTHERS,
};

/*
 * Whether our change set was executed or another one. AWS shows it in several places, some a moment later than others:
 * status is the stack's status in the operation that our token started ("" if no event carries the token); record is
 * DescribeChangeSet's reply (NULL: the change set no longer exists); events are the stack's, newest first; those before
 * the event with the ID mark are newer than our request (mark "": unknown).
 */
enum changeset_executor changeset_find_executor(const char *status, const cJSON *record, const cJSON *events,
						const char *mark);

/*
 * The event that explains a failure: the oldest failed one of the newest operation, except those that were only
 * cancelled because of it. events: StackEvents, newest first, as AWS returns them. NULL: there is none.
 */
const cJSON *stack_first_failure(const cJSON *events);

#endif
