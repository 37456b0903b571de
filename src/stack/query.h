/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.h - makes the event that a query sends to the Lambda function and parses the reply. Pure; any thread.
 *
 * The event is JSON: {"v":1,"cmd":"<base64>","endpoint":"ip:port","deadline_ms":<wall clock>}; without a server there
 * is no endpoint; with "stream":true the reply is a stream of frames (stack/frames.h), compressed if the runtime knows
 * "deflate":true, else it is one piece of JSON from vast-lambda-runtime: {"v":1,"exit_code":n,"stdout":"<base64>",
 * "stderr":"<base64>"} with "signal", "timed_out", "stdin_bytes" and "truncated_stderr" where they apply.
 */
#ifndef VASTFS_STACK_QUERY_H
#define VASTFS_STACK_QUERY_H

#include "aws/aws.h"
#include "base/blob.h"

struct query_reply {
	int exit_code;
	struct blob *result, *errors; /* stdout and stderr, never NULL after success */
	int64_t stdin_bytes; /* written to the command's stdin; -1: not reported, as by a runtime older than stdin */
	bool interrupted;    /* a signal or the time limit ended the command */
	char remark[256];    /* how the command ended if the exit code does not show it (killed by a signal, timed out),
				else "" */
};

/* Appends the event to out. 0 or -ENOMEM. */
int query_event(const struct blob *command, const char *endpoint, int64_t deadline_ms, bool stream, struct buf *out);

/*
 * The same for a command that reads data, a gzip stream, from its standard input: the event has "stdin" as base64, and
 * "stdin_encoding":"gzip". -EFBIG: more than out may hold.
 */
int query_event_with_input(const struct blob *command, const char *endpoint, int64_t deadline_ms,
			   const struct buf *data, struct buf *out);

/*
 * Parses a reply; *ret is released with query_reply_release. -EIO with the message of Lambda or of the runtime if the
 * command could not be run; -EBADMSG if the reply is invalid.
 */
int query_parse_reply(const struct aws_reply *reply, struct query_reply *ret, struct error *err);

/* A number of bytes in a reply of the runtime; -1 if it is absent or not a number. */
int64_t query_byte_count(const cJSON *number);

/* Describes in `remark` how the command ended; "" if it succeeded. signal 0: none. */
void query_remark(int exit_code, int signal, bool timed_out, char *remark, size_t size);

/*
 * Parses the InvokeComplete event of a streamed reply: 0 after success, -EIO with ErrorCode and ErrorDetails as the
 * message, -EBADMSG if it is not JSON. *log_tail is set to the base64 text of LogResult, which the caller frees, or
 * NULL.
 */
int query_parse_complete(const char *text, size_t len, char **log_tail, struct error *err);
/*
 * Whether Lambda can stream replies in that partition ("aws-cn"). Source: Lambda Developer Guide, "Response streaming".
 * Regions without streaming are found by a refused request.
 */
bool query_streams_in(const char *partition);
/*
 * Whether a request for a stream was refused before the command could run, for a reason that need not apply to a plain
 * Invoke, so that the same command may be sent as one.
 */
bool query_stream_refused(const struct aws_reply *reply);

/*
 * Decodes the last 4 KB of the function's log, which Lambda returns as base64; NULL if they are invalid. The caller
 * owns the blob.
 */
struct blob *query_log_tail(const char *encoded);
/*
 * Those lines of the tail that Lambda itself has written (START, REPORT with time and memory, ...); NULL if there are
 * none. The caller owns the blob.
 */
struct blob *query_log_of_lambda(const struct blob *tail);
void query_reply_release(struct query_reply *r);

/* Whether the error proves that the command did not start, so that it may be sent again. */
bool query_not_started(const struct aws_reply *reply);

#endif
