/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/retry.h"

#include <string.h>

#define COST_OF_RETRY	 5
#define COST_OF_TIMEOUT	 10
#define GAIN_OF_SUCCESS	 1
#define LONGEST_DELAY_MS 20000
#define HINT_LEEWAY_MS	 5000
#define SAME_SKEW_MS	 60000

static const struct {
	const char *code;
	enum aws_outcome outcome;
} codes[] = {
	{"BandwidthLimitExceeded", AWS_OUTCOME_THROTTLE},
	{"EC2ThrottledException", AWS_OUTCOME_THROTTLE},
	{"PriorRequestNotComplete", AWS_OUTCOME_THROTTLE},
	{"ProvisionedThroughputExceededException", AWS_OUTCOME_THROTTLE},
	{"RequestLimitExceeded", AWS_OUTCOME_THROTTLE},
	{"RequestThrottled", AWS_OUTCOME_THROTTLE},
	{"RequestThrottledException", AWS_OUTCOME_THROTTLE},
	{"SlowDown", AWS_OUTCOME_THROTTLE},
	{"ThrottledException", AWS_OUTCOME_THROTTLE},
	{"Throttling", AWS_OUTCOME_THROTTLE},
	{"ThrottlingException", AWS_OUTCOME_THROTTLE},
	{"TooManyRequestsException", AWS_OUTCOME_THROTTLE},
	{"TransactionInProgressException", AWS_OUTCOME_THROTTLE},
	{"IDPCommunicationError", AWS_OUTCOME_TRANSIENT},
	{"RequestTimeout", AWS_OUTCOME_TRANSIENT},
	{"RequestTimeoutException", AWS_OUTCOME_TRANSIENT},
	{"AuthFailure", AWS_OUTCOME_CLOCK},
	{"InvalidSignatureException", AWS_OUTCOME_CLOCK},
	{"RequestExpired", AWS_OUTCOME_CLOCK},
	{"RequestInTheFuture", AWS_OUTCOME_CLOCK},
	{"RequestTimeTooSkewed", AWS_OUTCOME_CLOCK},
	{"SignatureDoesNotMatch", AWS_OUTCOME_CLOCK},
};

static bool retry_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/*
 * A retry does not help against an exceeded quota. The codes have similar names in all services
 * (LimitExceededException, FileSystemLimitExceeded, ServiceQuotaExceededException); codes with such a name that mean a
 * rate are in the table above.
 */
static bool retry_is_quota(const char *code)
{
	static const char *const ends[] = {"LimitExceeded", "LimitExceededException", "QuotaExceeded",
					   "QuotaExceededException"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (retry_ends_with(code, ends[i]))
			return true;
	return false;
}

static enum aws_outcome retry_outcome(int errnum)
{
	switch (errnum) {
	case -ETIMEDOUT:
		return AWS_OUTCOME_TIMEOUT;
	case -ENETUNREACH:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EBADMSG:
		return AWS_OUTCOME_TRANSIENT;
	default:
		return AWS_OUTCOME_FINAL;
	}
}

/* A 2xx with a malformed body, or another status without an error code of AWS: the reply is truncated or comes from a
 * proxy. */
static bool retry_is_garbled(const struct aws_reply *reply)
{
	int status = reply->error.http_status;

	if (status >= 200 && status < 300)
		return reply->error.errnum == -EBADMSG || reply->error.errnum == -ENOMSG;
	return !reply->error.code[0];
}

enum aws_outcome aws_outcome_of(const struct aws_reply *reply)
{
	int status = reply->error.http_status;

	if (!error_is(&reply->error))
		return AWS_OUTCOME_OK;
	if (!status)
		return retry_outcome(reply->error.errnum);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(reply->error.code, codes[i].code) == 0)
			return codes[i].outcome;
	if (retry_is_quota(reply->error.code))
		return AWS_OUTCOME_FINAL;
	if (status == 429)
		return AWS_OUTCOME_THROTTLE;
	if (status == 501)
		return AWS_OUTCOME_FINAL;
	return status >= 500 || retry_is_garbled(reply) ? AWS_OUTCOME_TRANSIENT : AWS_OUTCOME_FINAL;
}

enum error_duration aws_error_duration(const struct aws_reply *reply)
{
	switch (aws_outcome_of(reply)) {
	case AWS_OUTCOME_THROTTLE:
	case AWS_OUTCOME_TRANSIENT:
	case AWS_OUTCOME_TIMEOUT:
		/* A well-formed reply without a required member: a retry would get the same. */
		return reply->error.errnum == -ENOMSG ? ERROR_PERMANENT : ERROR_TRANSIENT;
	default:
		/* Refused, expired or missing keys; an untrusted certificate. */
		return reply->error.errnum == -ENOKEY || reply->error.errnum == -EPROTO ? ERROR_FIXABLE
											: ERROR_PERMANENT;
	}
}

int64_t aws_skew(int64_t server_wall_ms, int64_t wall_ms)
{
	int64_t skew = server_wall_ms - wall_ms;

	return skew > AWS_SKEW_LEAST_MS || skew < -AWS_SKEW_LEAST_MS ? skew : 0;
}

static void retry_give_tokens(struct aws_quota *q, int tokens)
{
	q->left = q->left + tokens < AWS_QUOTA_FULL ? q->left + tokens : AWS_QUOTA_FULL;
}

/*
 * After an error about the clock any request may be repeated, because AWS refused it. The same holds for a request that
 * was signed before the machine was suspended and sent after it resumed.
 */
static int64_t retry_decide_clock(struct aws_attempts *a, const struct aws_situation *s)
{
	int64_t change = s->skew_known_ms - s->skew_used_ms;

	bool corrected = change >= SAME_SKEW_MS || change <= -SAME_SKEW_MS;

	if (a->clock_corrected || (!corrected && s->signature_age_ms < AWS_SKEW_LEAST_MS))
		return -1;
	a->clock_corrected = true;
	a->made++;
	return 0;
}

static int64_t retry_delay(int attempt, const struct aws_situation *s)
{
	int64_t most = attempt < 15 ? INT64_C(1000) << (attempt - 1) : LONGEST_DELAY_MS;
	int64_t delay = (int64_t)(s->random * (double)(most < LONGEST_DELAY_MS ? most : LONGEST_DELAY_MS));
	int64_t hint = s->server_wants_ms < delay + HINT_LEEWAY_MS ? s->server_wants_ms : delay + HINT_LEEWAY_MS;

	return hint > delay ? hint : delay;
}

int64_t aws_retry_decide(struct aws_attempts *a, struct aws_quota *q, const struct aws_situation *s)
{
	int cost = s->outcome == AWS_OUTCOME_TIMEOUT ? COST_OF_TIMEOUT : COST_OF_RETRY;

	if (s->outcome == AWS_OUTCOME_OK) {
		retry_give_tokens(q, a->borrowed ? a->borrowed : GAIN_OF_SUCCESS);
		a->borrowed = 0;
		return -1;
	}
	if (s->outcome == AWS_OUTCOME_CLOCK)
		return retry_decide_clock(a, s);
	if (s->outcome == AWS_OUTCOME_FINAL || a->made >= a->most)
		return -1;
	if (s->policy == AWS_RETRY_UNSENT && s->sent)
		return -1;
	if (q->left < cost)
		return -1;
	q->left -= cost;
	a->borrowed = cost;
	return retry_delay(a->made++, s);
}
