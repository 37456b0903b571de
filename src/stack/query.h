/*
 * query.h - what a query sends to the function and what comes back. Pure.
 *
 * The event is JSON: {"v":1,"cmd":"<base64>","endpoint":"ip:port","deadline_ms":<wall clock>}; without a server there
 * is no endpoint. The reply of vast-lambda-runtime is JSON: {"v":1,"exit_code":n,"stdout":"<base64>",
 * "stderr":"<base64>"} with "signal", "timed_out" and "truncated_stderr" where they apply.
 */
#ifndef VASTFS_STACK_QUERY_H
#define VASTFS_STACK_QUERY_H

#include "aws/aws.h"
#include "base/blob.h"

struct query_reply {
	int exit_code;
	struct blob *result, *errors; /* stdout and stderr, never NULL after success */
	char remark[256];	      /* what the exit code does not say: killed by a signal, timed out; "" */
};

/* -ENOMEM only. */
int query_event(const struct blob *command, const char *endpoint, int64_t deadline_ms, struct buf *out);

/* -EIO with Lambda's or the runtime's words if the command could not be run; -EBADMSG if the reply makes no sense. */
int query_parse_reply(const struct aws_reply *reply, struct query_reply *ret, struct error *err);
/* The last 4 KB of the function's log, which Lambda sends along; NULL if it did not. */
struct blob *query_log_tail(const struct aws_reply *reply);
void query_reply_release(struct query_reply *r);

/* Whether the error proves that the command did not start, so that it may be sent again. */
bool query_not_started(const struct aws_reply *reply);

#endif
