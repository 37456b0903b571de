/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * retry.h - decides whether and when to retry a call. Pure: no clock, no randomness, no network.
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
	AWS_OUTCOME_FINAL,     /* a retry would not help */
	AWS_OUTCOME_THROTTLE,  /* AWS limits the request rate */
	AWS_OUTCOME_TRANSIENT, /* a temporary failure of AWS or the network */
	AWS_OUTCOME_TIMEOUT,   /* no reply: transient, but takes more of the quota */
	AWS_OUTCOME_CLOCK,     /* the signature's time may be wrong */
};

/* Classifies the result of one attempt by reply->error and reply->status. */
enum aws_outcome aws_outcome_of(const struct aws_reply *reply);

/* How long the failure in reply->error is expected to last. */
enum error_duration aws_error_duration(const struct aws_reply *reply);

/* The retry quota, shared by all calls of a client; initially full. */
struct aws_quota {
	int left;
};

struct aws_attempts {
	int made; /* number of attempts so far, including the current one */
	int most;
	int borrowed;	      /* amount taken from the quota for the current attempt */
	bool clock_corrected; /* the single retry after a clock correction has been used */
};

/* The input of the decision. */
struct aws_situation {
	enum aws_outcome outcome;
	enum aws_retry policy;
	bool sent;
	int64_t skew_used_ms, skew_known_ms; /* clock skew that the attempt used, and the newest measured one */
	int64_t signature_age_ms; /* age by the wall clock, which also advances while the machine is suspended */
	int64_t server_wants_ms;  /* X-Amz-Retry-After, 0 if absent */
	double random;		  /* 0 <= random < 1 */
};

/* Milliseconds to wait before the next attempt, or -1: no retry. Updates attempts and quota. */
int64_t aws_retry_decide(struct aws_attempts *a, struct aws_quota *q, const struct aws_situation *s);

/* The clock skew (server minus this machine) if it is large enough to correct, else 0. */
int64_t aws_skew(int64_t server_wall_ms, int64_t wall_ms);

#endif
