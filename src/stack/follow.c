/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * follow.c - follows CloudFormation's running operation event by event.
 */
#include "aws/services/cloudformation.h"
#include "base/clock.h"
#include "base/json.h"
#include "stack/changeset.h"
#include "stack/operation.h"
#include "stack/remedies.h"

#include <string.h>

#define FOLLOW_LIMIT_MS	 (3 * 3600 * INT64_C(1000))
#define RELEASE_EVERY_MS 10000
#define SEEN_MAX	 4096  /* most events of one operation that are stored; an operation of vastfs has about 120 */
#define BEGIN_WITHIN_MS	 30000 /* DescribeStacks may show the old status for a moment */

struct follow {
	char last_event[EVENT_ID_SIZE]; /* ID of the newest event that was handled */
	bool begun;			/* an operation has been seen running, so a final status is its outcome */
	int64_t began_ms;		/* monotonic */
	cJSON *finished;		/* logical IDs of completed resources, for progress */
	cJSON *events;			/* events of this operation, newest first */
	int64_t released_ms;		/* monotonic: when network interfaces were last released */
};

static void follow_log_event(struct operation *op, struct follow *f, const cJSON *event)
{
	const char *id = aws_text(event, "LogicalResourceId"), *status = aws_text(event, "ResourceStatus");
	const char *reason = aws_text(event, "ResourceStatusReason");
	unsigned total = op->steps > 1 ? op->steps : 1;

	job_log(op->job, "%s %s %s%s%s", id, aws_text(event, "ResourceType"), status, *reason ? ": " : "", reason);
	if (strstr(status, "_COMPLETE") && strcmp(aws_text(event, "ResourceType"), "AWS::CloudFormation::Stack") != 0 &&
	    !cJSON_HasObjectItem(f->finished, id))
		cJSON_AddTrueToObject(f->finished, id);
	job_progress(op->job, op->step, total, "%s %s (%d resources done)", id, status,
		     cJSON_GetArraySize(f->finished));
}

/* Whether this event starts an operation that a user requested; older events belong to earlier operations. */
static bool follow_starts_operation(const cJSON *event)
{
	return strcmp(aws_text(event, "ResourceType"), "AWS::CloudFormation::Stack") == 0 &&
	       strcmp(aws_text(event, "ResourceStatusReason"), "User Initiated") == 0;
}

/* A position in the pages of events, newest first. */
struct event_pages {
	char *token; /* token of the next page; NULL: there is none */
	unsigned read;
};

/* Stores the events of the next page in *ret; the caller frees them. */
static int follow_next_page(struct operation *op, struct event_pages *pages, cJSON **ret, struct error *err)
{
	_free_ char *token = move_ptr(pages->token);
	cJSON *reply = NULL;
	const char *next;
	int r;

	if (pages->read++ == AWS_PAGES_MOST)
		return error_set(err, -EOVERFLOW, "the stack %s has more than %d pages of events", op->name,
				 AWS_PAGES_MOST);
	r = operation_call(op, cloudformation_describe_stack_events(aws_text(op->stack, "StackId"), token), &reply,
			   err);
	if (r < 0)
		return r;
	next = aws_text(reply, "NextToken");
	if (token && strcmp(token, next) == 0)
		r = error_set(err, -ELOOP, "DescribeStackEvents returned the same page token of the stack %s twice",
			      op->name);
	else if (*next && !(pages->token = strdup(next)))
		r = -ENOMEM;
	*ret = r < 0 ? NULL : cJSON_DetachItemFromObject(reply, "StackEvents");
	cJSON_Delete(reply);
	return r;
}

/* Moves the new events of a page to events. True once an event is reached that is known or too old. */
static bool follow_take_page(const struct follow *f, cJSON *page, cJSON *events)
{
	bool last = false;

	while (!last && page->child) {
		cJSON *event = cJSON_DetachItemViaPointer(page, page->child);
		bool known = strcmp(aws_text(event, "EventId"), f->last_event) == 0;

		last = known || follow_starts_operation(event);
		if (known)
			cJSON_Delete(event);
		else
			cJSON_AddItemToArray(events, event);
	}
	return last || cJSON_GetArraySize(events) >= SEEN_MAX;
}

/* Fetches pages into events, newest first, until an event is known or too old. */
static int follow_fetch_new(struct operation *op, struct follow *f, cJSON *events, struct error *err)
{
	struct event_pages pages = {0};
	bool last = false;
	int r = 0;

	do {
		cJSON *page = NULL;

		r = follow_next_page(op, &pages, &page, err);
		if (r == 0)
			last = follow_take_page(f, page, events);
		cJSON_Delete(page);
	} while (r == 0 && !last && pages.token);
	free(pages.token);
	return r;
}

/* Handles new events, oldest first; f->events stays sorted newest first. */
static void follow_take_events(struct operation *op, struct follow *f, cJSON *fresh)
{
	snprintf(f->last_event, sizeof(f->last_event), "%s", aws_text(fresh, "0.EventId"));
	for (int i = cJSON_GetArraySize(fresh) - 1; i >= 0; i--) {
		cJSON *event = cJSON_DetachItemFromArray(fresh, i);

		follow_log_event(op, f, event);
		cJSON_InsertItemInArray(f->events, 0, event);
	}
	f->begun = true;
	op->refresh(op);
}

static int follow_handle_events(struct operation *op, struct follow *f, struct error *err)
{
	int r = 0;
	cJSON *fresh = json_array(&r);

	if (r == 0)
		r = follow_fetch_new(op, f, fresh, err);
	if (r == 0 && cJSON_GetArraySize(fresh) > 0)
		follow_take_events(op, f, fresh);
	cJSON_Delete(fresh);
	return r;
}

/* Lambda leaves its interfaces behind for up to 40 minutes, and the deletion of subnet and group waits for them. */
static void follow_release_interfaces(struct operation *op, struct follow *f)
{
	int64_t now = clock_monotonic_ms();

	if (!stack_state(operation_status(op))->releasing || now - f->released_ms < RELEASE_EVERY_MS)
		return;
	f->released_ms = now;
	interfaces_release(op);
}

static int follow_check_stack(struct operation *op, void *arg, struct error *err)
{
	struct follow *f = arg;
	int r = operation_read_stack_by_id(op, err);

	if (r == 0)
		r = follow_handle_events(op, f, err);
	if (r < 0)
		return r;
	if (stack_state(operation_status(op))->kind != STACK_BUSY)
		return f->begun || clock_monotonic_ms() - f->began_ms > BEGIN_WITHIN_MS ? OPERATION_DONE : 0;
	f->begun = true;
	follow_release_interfaces(op, f);
	return 0;
}

int stack_read_events(struct operation *op, cJSON **ret, struct error *err)
{
	struct event_pages pages = {0};
	int r = 0;

	*ret = json_array(&r);
	if (r < 0)
		return r;
	do {
		cJSON *page = NULL;

		r = follow_next_page(op, &pages, &page, err);
		while (page && page->child)
			cJSON_AddItemToArray(*ret, cJSON_DetachItemViaPointer(page, page->child));
		cJSON_Delete(page);
	} while (r == 0 && pages.token && cJSON_GetArraySize(*ret) < SEEN_MAX);
	free(pages.token);
	return r;
}

int stack_mark(struct operation *op, struct error *err)
{
	cJSON *reply = NULL;
	int r;

	if (!op->stack)
		return 0;
	r = operation_call(op, cloudformation_describe_stack_events(aws_text(op->stack, "StackId"), NULL), &reply, err);
	if (r < 0)
		return r;
	snprintf(op->mark, sizeof(op->mark), "%s", aws_text(reply, "StackEvents.0.EventId"));
	cJSON_Delete(reply);
	return 0;
}

int stack_explain_failure(const struct operation *op, const char *status, const cJSON *events, struct error *err)
{
	const cJSON *cause = stack_first_failure(events);
	const char *reason = strcmp(status, operation_status(op)) == 0 ? aws_text(op->stack, "StackStatusReason") : "";

	if (cause)
		error_set(err, -EIO, "the stack %s is %s: %s (%s) %s: %s", op->name, status,
			  aws_text(cause, "LogicalResourceId"), aws_text(cause, "ResourceType"),
			  aws_text(cause, "ResourceStatus"), aws_text(cause, "ResourceStatusReason"));
	else
		error_set(err, -EIO, "the stack %s is %s: %s", op->name, status,
			  *reason ? reason : "AWS gives no reason");
	remedy_apply(err);
	return err->errnum;
}

int stack_follow(struct operation *op, struct error *err)
{
	int64_t now = clock_monotonic_ms();
	int r = 0;
	struct follow f = {.finished = json_object(&r), .events = json_array(&r), .released_ms = now, .began_ms = now};

	memcpy(f.last_event, op->mark, sizeof(f.last_event));
	if (r == 0)
		r = operation_wait(op, FOLLOW_LIMIT_MS, "CloudFormation's operation", follow_check_stack, &f, err);
	if (r == OPERATION_DONE)
		r = stack_state(operation_status(op))->failed
			    ? stack_explain_failure(op, operation_status(op), f.events, err)
			    : 0;
	cJSON_Delete(f.finished);
	cJSON_Delete(f.events);
	return r;
}
