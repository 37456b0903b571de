/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write.h - the requests that begin or change an operation of CloudFormation.
 *
 * Each try has a number, which is on disk before the request is sent, and a client request token made of it (token.h).
 * So a request whose reply is lost can be repeated, a second try is never taken for the first, and an operation that is
 * resumed after a crash finds in the stack's events what it began before. op->stack is always named by its ID.
 *
 * For the operation thread. Functions return 0 or a negative errno with a message.
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
 * Sends the next try for op->stack, after marking where its events end now (stack_mark). change_set: the ARN, NULL for
 * the others. A cancellation does not cut it short, for AWS might have accepted it unnoticed.
 */
int stack_write(struct operation *op, enum stack_write what, const char *change_set, struct error *err);

/*
 * What became of the newest try that AWS has accepted, perhaps before a crash: the newest status of op->stack in the
 * operation that it began; "" if no event carries the token of a try. events: of op->stack, newest first; owns the
 * text.
 */
const char *stack_write_status(const struct operation *op, enum stack_write what, const cJSON *events);

/* Those of events that belong to a try of this operation, to be freed before events; NULL without memory. */
cJSON *stack_write_events(const struct operation *op, enum stack_write what, const cJSON *events);

/* Whether what CloudFormation did last to op->stack was begun by this operation of vastfs. */
bool stack_write_is_newest(const struct operation *op, const cJSON *events);

#endif
