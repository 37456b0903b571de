/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h - receives a streamed reply of Lambda into its job.
 *
 * The reply is parsed as an event stream and then as frames: as it arrives, the command's output can be read and its
 * stderr appears in lambda.log. A reply that is not a stream of frames is kept and parsed as one piece. Engine thread.
 */
#ifndef VASTFS_MODEL_ANSWER_H
#define VASTFS_MODEL_ANSWER_H

#include "aws/protocol/eventstream.h"
#include "jobs/job.h"
#include "model/printed.h"
#include "stack/frames.h"
#include "stack/query.h"

struct answer {
	struct job *job; /* belongs to the owner of the answer */
	struct eventstream events;
	struct frames frames;
	struct printed printed;
	struct buf plain;   /* the reply if it is not a stream of frames */
	char *log_tail;	    /* the end of the function's log, in base64 */
	struct error error; /* why vastfs refused the rest of the reply, or Lambda's error */
	bool not_kept;	    /* vastfs refused the rest of the reply */
	bool complete;	    /* InvokeComplete has arrived */
};

/*
 * directory must outlive the answer. The owner releases it with answer_release, which also accepts a struct that is all
 * zeroes.
 */
void answer_init(struct answer *a, struct job *j, const char *directory, uint64_t limit);
void answer_release(struct answer *a);

/* The callback for lambda_invoke_stream. */
int answer_sink(const void *data, size_t len, void *arg);

/*
 * The owner calls this when the call has ended with a status of 2xx. 0: the command ran to its end and its output is
 * complete; ret->result is NULL if it is in the job's outputs. Else an error of query_parse_reply; -EIO for a reply
 * that was cut short; -EFBIG for one over the limit; or the errno of a write to the disk.
 */
int answer_finish(struct answer *a, struct aws_reply *reply, struct query_reply *ret, struct error *err);

/* The part of the function's log that lambda.log does not have yet; NULL if there is none. The caller owns it. */
struct blob *answer_log(const struct answer *a);

#endif
