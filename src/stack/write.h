/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write.h - sends the requests that start or change an operation of CloudFormation.
 *
 * Each attempt has a number, which is on disk before the request is sent, and a client request token made from it
 * (token.h). A request whose reply is lost can therefore be repeated, a second attempt is never mistaken for the first,
 * and an operation that is resumed after a crash finds its own work in the stack's events. op->stack is always
 * addressed by its ID.
 *
 * Operation thread. Functions that return int return 0 or a negative errno, those with err also a message.
 */
#ifndef VASTFS_STACK_WRITE_H
#define VASTFS_STACK_WRITE_H

#include "stack/operation.h"

enum stack_write {
	WRITE_EXECUTE_CHANGE_SET,
	WRITE_DELETE_STACK,
	WRITE_CANCEL_UPDATE,
	WRITE_CONTINUE_ROLLBACK,
	WRITE_MAX,
};

/*
 * Sends the next attempt for op->stack, after storing the ID of its newest event (stack_mark). change_set: the ARN,
 * NULL for the other requests. A cancellation does not interrupt the request, which AWS might have accepted without
 * vastfs knowing.
 */
int stack_write(struct operation *op, enum stack_write what, const char *change_set, struct error *err);

/*
 * Creates a change set with the template, or accepts the one that an earlier copy of this request has created; then
 * reads op->stack, which now exists: operation_read_own_stack. name: of the change set, also the token of the request;
 * parameters: the template's, NULL without memory; owned. A cancellation does not interrupt the request either.
 */
int stack_write_change_set(struct operation *op, const char *name, cJSON *parameters, struct error *err);

/* Whether an attempt was sent, or may have been sent before vastfs ended. */
bool stack_write_was_tried(const struct operation *op, enum stack_write what);

/*
 * The outcome of the newest attempt that AWS has accepted, perhaps before a crash: *ret is the newest status of
 * op->stack in the operation that it started; "" if no event has the token of an attempt. events: of op->stack, newest
 * first; *ret belongs to them.
 */
int stack_write_status(const struct operation *op, enum stack_write what, const cJSON *events, const char **ret);

/*
 * The events that belong to an attempt of this operation; the caller deletes the array before events. NULL without
 * memory.
 */
cJSON *stack_write_events(const struct operation *op, enum stack_write what, const cJSON *events);

/* 1 if this operation of vastfs started CloudFormation's newest operation on op->stack, 0 if not, or -ENOMEM. */
int stack_write_is_newest(const struct operation *op, const cJSON *events);

#endif
