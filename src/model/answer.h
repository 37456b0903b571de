/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - a streamed answer of Lambda on its way into its job.
 *
 * Event stream, frames and outputs in a row: what the command prints can be read, and what it says on stderr stands in
 * lambda.log, as it comes. An answer that is no stream of frames is kept and read as the reply of one piece. Engine
 * thread.
 */
#ifndef VASTFS_MODEL_ANSWER_H
#define VASTFS_MODEL_ANSWER_H

#include "aws/protocol/eventstream.h"
#include "jobs/job.h"
#include "model/printed.h"
#include "stack/frames.h"
#include "stack/query.h"

struct answer {
	struct job *job; /* the owner's */
	struct eventstream events;
	struct frames frames;
	struct printed printed;
	struct buf plain;   /* what came in place of frames */
	char *log_tail;	    /* base64 */
	struct error error; /* why the rest was not taken, or what Lambda says */
	bool not_kept;	    /* it was vastfs that took no more */
	bool complete;	    /* InvokeComplete has come */
};

/* directory must outlive it. To be released; releasing one of zeroes is fine. */
void answer_init(struct answer *a, struct job *j, const char *directory, uint64_t limit);
void answer_release(struct answer *a);

/* For lambda_invoke_stream. */
int answer_sink(const void *data, size_t len, void *arg);

/*
 * The call has ended with a status of 2xx. 0: the command ran to its end and all it printed is there; ret->result is
 * NULL if it is in the job's outputs. Else what query_parse_reply says, -EIO for an answer that was cut short, -EFBIG
 * over the limit, the disk's errno.
 */
int answer_finish(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err);

/* Once it has ended: what lambda.log is still to get of the function's log; NULL if nothing. */
struct blob *answer_log(const struct answer *a);

#endif
