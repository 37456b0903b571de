/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.h - what a query sends to the function and what comes back. Pure.
 *
 * The event is JSON: {"v":1,"cmd":"<base64>","endpoint":"ip:port","deadline_ms":<wall clock>}; without a server there
 * is no endpoint; with "stream":true the answer comes in frames (stack/frames.h), else as one. That one reply of
 * vast-lambda-runtime is JSON: {"v":1,"exit_code":n,"stdout":"<base64>","stderr":"<base64>"} with "signal",
 * "timed_out", "stdin_bytes" and "truncated_stderr" where they apply.
 */
#ifndef VASTFS_STACK_QUERY_H
#define VASTFS_STACK_QUERY_H

#include "aws/aws.h"
#include "base/blob.h"

struct query_reply {
	int exit_code;
	struct blob *result, *errors; /* stdout and stderr, never NULL after success */
	int64_t stdin_bytes; /* written into the command's stdin; -1: not reported, as by a runtime older than stdin */
	char remark[256];    /* what the exit code does not say: killed by a signal, timed out; "" */
};

/* -ENOMEM only. */
int query_event(const struct blob *command, const char *endpoint, int64_t deadline_ms, bool stream, struct buf *out);

/* -EIO with Lambda's or the runtime's words if the command could not be run; -EBADMSG if the reply makes no sense. */
int query_parse_reply(const struct aws_reply *reply, struct query_reply *ret, struct error *err);

/* A number of bytes in a reply of the runtime; -1 if it is absent or is none. */
int64_t query_byte_count(const cJSON *number);

/* What an exit code does not say, in words, into remark, "" if it says all. signal 0: none. */
void query_remark(int exit_code, int signal, bool timed_out, char *remark, size_t size);

/*
 * What the InvokeComplete event of a streamed answer says: 0 if all went well, else -EIO with ErrorCode and
 * ErrorDetails in words; -EBADMSG if it is not JSON. log_tail gets the base64 text of LogResult, to be freed, or NULL.
 */
int query_parse_complete(const char *text, size_t len, char **log_tail, struct error *err);
/* Whether Lambda streams answers in that partition ("aws-cn") at all. Source: Lambda Developer Guide, "Response
 * streaming". Regions differ, too; those are found out by asking. */
bool query_streams_in(const char *partition);
/*
 * Whether a request for a stream was refused at the door, in whatever words, so that the same command may be sent as a
 * plain Invoke: the reply proves that nothing was run, and a plain request need not end in the same way.
 */
bool query_stream_refused(const struct aws_reply *reply);

/* The last 4 KB of the function's log, which Lambda sends along as base64; NULL if it makes no sense. */
struct blob *query_log_tail(const char *encoded);
/* The lines of it that are Lambda's own (START, REPORT with time and memory, ...); NULL if there are none. */
struct blob *query_log_of_lambda(const struct blob *tail);
void query_reply_release(struct query_reply *r);

/* Whether the error proves that the command did not start, so that it may be sent again. */
bool query_not_started(const struct aws_reply *reply);

#endif
