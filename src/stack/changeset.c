/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/changeset.h"

#include "stack/reply.h"

static bool changeset_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

bool changeset_is_empty(const char *status, const char *status_reason)
{
	/* "The submitted information didn't contain changes. ..." and "No updates are to be performed." */
	return strcmp(status, "FAILED") == 0 && (strstr(status_reason, "didn't contain changes") ||
						 strstr(status_reason, "No updates are to be performed"));
}

bool changeset_type_is_guarded(const char *resource_type)
{
	static const char *const guarded[] = {
		"AWS::EC2::Subnet",	 "AWS::EC2::SecurityGroup", "AWS::EC2::NatGateway",
		"AWS::EFS::MountTarget", "AWS::EFS::AccessPoint",
	};

	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
		if (strcmp(guarded[i], resource_type) == 0)
			return true;
	return false;
}

/* "removed", "replaced" or "perhaps replaced"; NULL if the resource stays. */
static const char *changeset_loss(const cJSON *change)
{
	const char *action = reply_text(change, "Action"), *replacement = reply_text(change, "Replacement");

	if (strcmp(action, "Remove") == 0)
		return "removed";
	if (strcmp(replacement, "True") == 0)
		return "replaced";
	if (strcmp(replacement, "Conditional") == 0 || strcmp(action, "Dynamic") == 0)
		return "perhaps replaced";
	return NULL;
}

int changeset_check_tasks(const cJSON *change_set, bool tasks_running, struct error *err)
{
	const cJSON *item;

	if (!tasks_running)
		return 0;
	cJSON_ArrayForEach (item, reply_at(change_set, "Changes")) {
		const cJSON *change = reply_at(item, "ResourceChange");
		const char *lost = changeset_loss(change);

		if (!lost || !changeset_type_is_guarded(reply_text(change, "ResourceType")))
			continue;
		error_set(err, -EBUSY, "%s (%s) would be %s while a task runs", reply_text(change, "LogicalResourceId"),
			  reply_text(change, "ResourceType"), lost);
		error_remedy(err, "touch control/stop-all-tasks, then control/deploy again");
		return -EBUSY;
	}
	return 0;
}

/* The API's own codes; a client made from the model may add "Exception". */
bool changeset_is_missing(const struct error *err)
{
	return error_has_code(err, "ChangeSetNotFound") || error_has_code(err, "ChangeSetNotFoundException");
}

bool changeset_lost_race(const struct error *err)
{
	static const char *const codes[] = {
		"InvalidChangeSetStatus",
		"InvalidChangeSetStatusException",
		"AlreadyExistsException",
		"OperationInProgressException",
	};

	if (changeset_is_missing(err))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (error_has_code(err, codes[i]))
			return true;
	/*
	 * "Stack:<arn> is in UPDATE_IN_PROGRESS state and can not be updated."; "Stack [x] already exists and cannot be
	 * created again with the changeSet [y]": it was created after this deploy had read the stack.
	 */
	return error_has_code(err, "ValidationError") &&
	       (strstr(err->message, "_IN_PROGRESS") || strstr(err->message, "in progress") ||
		strstr(err->message, "already exists"));
}

/* Whether this event starts an operation. The events of that operation are newer. */
static bool changeset_event_starts_operation(const cJSON *event)
{
	const char *id = reply_text(event, "PhysicalResourceId");

	return *id && strcmp(id, reply_text(event, "StackId")) == 0 &&
	       strcmp(reply_text(event, "ResourceStatusReason"), "User Initiated") == 0;
}

/* Whether somebody else started an operation after the event with the ID mark. Ours would show by its token. */
static bool changeset_others_started(const cJSON *events, const char *mark)
{
	const cJSON *event;

	cJSON_ArrayForEach (event, events) {
		if (strcmp(reply_text(event, "EventId"), mark) == 0)
			break;
		if (changeset_event_starts_operation(event))
			return true;
	}
	return false;
}

enum changeset_executor changeset_find_executor(const char *status, const cJSON *record, const cJSON *events,
						const char *mark)
{
	const char *execution = reply_text(record, "ExecutionStatus");

	if (*status || strncmp(execution, "EXECUTE_", 8) == 0)
		return EXECUTED_BY_US;
	if (strcmp(execution, "OBSOLETE") == 0 || (*mark && changeset_others_started(events, mark)))
		return EXECUTED_BY_OTHERS;
	return EXECUTED_UNKNOWN;
}

static bool changeset_event_is_failure(const cJSON *event)
{
	const char *reason = reply_text(event, "ResourceStatusReason");

	/* "Resource creation cancelled", "Resource update cancelled": stopped because another resource failed */
	return changeset_ends_with(reply_text(event, "ResourceStatus"), "_FAILED") && !strstr(reason, "cancelled");
}

const cJSON *stack_first_failure(const cJSON *events)
{
	const cJSON *event, *first = NULL;

	cJSON_ArrayForEach (event, events) {
		if (changeset_event_starts_operation(event))
			break;
		if (changeset_event_is_failure(event))
			first = event;
	}
	return first;
}
