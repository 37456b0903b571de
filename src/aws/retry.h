/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * retry.h - whether to try again and when: decisions only, no clock, no randomness, no network.
 *
 * Source: "Retry behavior", standard mode, in AWS's SDKs and Tools reference guide. Durations are milliseconds.
 */
#ifndef VASTFS_AWS_RETRY_H
#define VASTFS_AWS_RETRY_H

#include "aws/aws.h"

#define AWS_QUOTA_FULL	  500
#define AWS_SKEW_LEAST_MS (4 * 60 * 1000) /* AWS allows 5 minutes; also the age of a signature that is too old */

enum aws_outcome {
	AWS_OUTCOME_OK,
	AWS_OUTCOME_FINAL,     /* trying again would not help */
	AWS_OUTCOME_THROTTLE,  /* AWS asks for patience */
	AWS_OUTCOME_TRANSIENT, /* AWS or the network stumbled */
	AWS_OUTCOME_TIMEOUT,   /* no answer: transient, but costs more */
	AWS_OUTCOME_CLOCK,     /* the signature's time may be wrong */
};

/* What one attempt came to: reply->error says which failure, reply->status whether an answer came. */
enum aws_outcome aws_outcome_of(const struct aws_reply *reply);

/* How long the failure in reply->error lasts; the same inputs as above. */
enum error_duration aws_error_duration(const struct aws_reply *reply);

/* Shared by all calls of a client; full at first. */
struct aws_quota {
	int left;
};

struct aws_attempts {
	int made; /* attempts so far, the current one included */
	int most;
	int borrowed;	      /* from the quota, for the current one */
	bool clock_corrected; /* the one repetition for the clock's sake has been used */
};

/* What the decision rests on. */
struct aws_situation {
	enum aws_outcome outcome;
	enum aws_retry policy;
	bool sent;
	int64_t skew_used_ms, skew_known_ms; /* that of the attempt, and the newest */
	int64_t signature_age_ms;	     /* wall clock: grows also while the machine is suspended */
	int64_t server_wants_ms;	     /* X-Amz-Retry-After, 0 if absent */
	double random;			     /* 0 <= random < 1 */
};

/* Milliseconds to wait before the next attempt, or -1 if there is none. Keeps the books. */
int64_t aws_retry_decide(struct aws_attempts *a, struct aws_quota *q, const struct aws_situation *s);

/* server - here, if that is worth correcting, else 0. */
int64_t aws_skew(int64_t server_wall_ms, int64_t wall_ms);

#endif
