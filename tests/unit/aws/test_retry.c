/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/retry.h"
#include "aws/services/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum aws_outcome outcome(int status, const char *code, int errnum)
{
	struct aws_reply reply = {.status = status};

	reply.error.errnum = errnum;
	reply.error.http_status = status;
	snprintf(reply.error.code, sizeof(reply.error.code), "%s", code);
	return aws_outcome_of(&reply);
}

static void test_outcomes(void **state)
{
	static const struct {
		int status;
		const char *code;
		int errnum;
		enum aws_outcome is;
	} rows[] = {
		{200, "", 0, AWS_OUTCOME_OK},
		{503, "RequestLimitExceeded", -EIO, AWS_OUTCOME_THROTTLE},
		{400, "Throttling", -EIO, AWS_OUTCOME_THROTTLE},
		{503, "BandwidthLimitExceeded", -EIO, AWS_OUTCOME_THROTTLE},
		{400, "LimitExceededException", -EIO,
		 AWS_OUTCOME_FINAL},				 /* CloudFormation, ECS, ECR, CloudWatch Logs */
		{409, "LimitExceeded", -EIO, AWS_OUTCOME_FINAL}, /* IAM */
		{403, "FileSystemLimitExceeded", -EIO, AWS_OUTCOME_FINAL},
		{400, "AddressLimitExceeded", -EIO, AWS_OUTCOME_FINAL},
		{429, "LimitExceededException", -EIO, AWS_OUTCOME_FINAL},
		{429, "ServiceQuotaExceededException", -EIO, AWS_OUTCOME_FINAL},
		{429, "TooManyRequestsException", -EIO, AWS_OUTCOME_THROTTLE},
		{429, "", -EIO, AWS_OUTCOME_THROTTLE},
		{500, "ServerException", -EIO, AWS_OUTCOME_TRANSIENT},
		{501, "", -EIO, AWS_OUTCOME_FINAL},
		{504, "", -EIO, AWS_OUTCOME_TRANSIENT},
		{400, "ClusterNotFoundException", -EIO, AWS_OUTCOME_FINAL},
		{401, "AuthFailure", -ENOKEY, AWS_OUTCOME_CLOCK},
		{0, "", -ETIMEDOUT, AWS_OUTCOME_TIMEOUT},
		{0, "", -ECONNREFUSED, AWS_OUTCOME_TRANSIENT},
		{0, "", -ECANCELED, AWS_OUTCOME_FINAL},
		{0, "", -EPROTO, AWS_OUTCOME_FINAL},
		{0, "", -EBADMSG, AWS_OUTCOME_TRANSIENT},
		{200, "", -EBADMSG, AWS_OUTCOME_TRANSIENT},
		{200, "", -ENOMSG, AWS_OUTCOME_TRANSIENT},
		{200, "", -EFBIG, AWS_OUTCOME_FINAL},
		{403, "", -EIO, AWS_OUTCOME_TRANSIENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(outcome(rows[i].status, rows[i].code, rows[i].errnum), rows[i].is);
}

static enum error_duration duration(int status, const char *code, int errnum)
{
	struct aws_reply reply = {.status = status};

	reply.error.errnum = errnum;
	reply.error.http_status = status;
	snprintf(reply.error.code, sizeof(reply.error.code), "%s", code);
	return aws_error_duration(&reply);
}

static void test_durations(void **state)
{
	(void)state;
	assert_int_equal(duration(400, "ClusterNotFoundException", -EIO), ERROR_PERMANENT);
	assert_int_equal(duration(0, "", -ECANCELED), ERROR_PERMANENT);
	assert_int_equal(duration(0, "", -ENOMEM), ERROR_PERMANENT);
	assert_int_equal(duration(200, "", -ENOMSG), ERROR_PERMANENT);
	assert_int_equal(duration(200, "", -EBADMSG), ERROR_TRANSIENT);
	assert_int_equal(duration(400, "ThrottlingException", -EIO), ERROR_TRANSIENT);
	assert_int_equal(duration(503, "", -EIO), ERROR_TRANSIENT);
	assert_int_equal(duration(403, "", -EIO), ERROR_TRANSIENT); /* the page of a captive portal */
	assert_int_equal(duration(0, "", -ETIMEDOUT), ERROR_TRANSIENT);
	assert_int_equal(duration(400, "ExpiredTokenException", -ENOKEY), ERROR_FIXABLE);
	assert_int_equal(duration(0, "", -ENOKEY), ERROR_FIXABLE);
	assert_int_equal(duration(0, "", -EPROTO), ERROR_FIXABLE);
}

static void test_backoff_doubles_and_ends(void **state)
{
	struct aws_attempts a = {.made = 1, .most = 8};
	struct aws_quota q = {AWS_QUOTA_FULL};
	struct aws_situation s = {.outcome = AWS_OUTCOME_THROTTLE, .sent = true, .random = 0.5};
	static const int64_t delays[] = {500, 1000, 2000, 4000, 8000, 10000, 10000, -1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
		assert_int_equal(aws_retry_decide(&a, &q, &s), delays[i]);
	assert_int_equal(q.left, AWS_QUOTA_FULL - 7 * 5);
}

static void test_quota_runs_out_and_fills_again(void **state)
{
	struct aws_quota q = {12};
	struct aws_attempts a = {.made = 1, .most = 20};
	struct aws_situation s = {.outcome = AWS_OUTCOME_TIMEOUT, .random = 0};

	(void)state;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 0);
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	assert_int_equal(q.left, 2);
	s.outcome = AWS_OUTCOME_OK;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	assert_int_equal(q.left, 12);
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	assert_int_equal(q.left, 13);
	q.left = AWS_QUOTA_FULL;
	aws_retry_decide(&a, &q, &s);
	assert_int_equal(q.left, AWS_QUOTA_FULL);
}

static void test_what_may_have_run_is_not_sent_twice(void **state)
{
	struct aws_quota q = {AWS_QUOTA_FULL};
	struct aws_attempts a = {.made = 1, .most = 3};
	struct aws_situation s = {.outcome = AWS_OUTCOME_TRANSIENT, .policy = AWS_RETRY_UNSENT, .sent = true};

	(void)state;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	s.outcome = AWS_OUTCOME_THROTTLE;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	s.sent = false;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 0);
}

static void test_the_server_may_ask_for_patience(void **state)
{
	struct aws_quota q = {AWS_QUOTA_FULL};
	struct aws_attempts a = {.made = 1, .most = 20};
	struct aws_situation s = {.outcome = AWS_OUTCOME_THROTTLE, .random = 0.1, .server_wants_ms = 3000};

	(void)state;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 3000);
	s.server_wants_ms = 3600000;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 200 + 5000);
}

static void test_one_correction_of_the_clock(void **state)
{
	struct aws_quota q = {0};
	struct aws_attempts a = {.made = 1, .most = 1};
	struct aws_situation s = {.outcome = AWS_OUTCOME_CLOCK, .policy = AWS_RETRY_UNSENT, .sent = true};

	(void)state;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1); /* no new offset: the signature itself is wrong */
	s.skew_known_ms = -3600000;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 0);
	s.skew_used_ms = 0;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
}

static void test_what_slept_through_its_signature_is_signed_again(void **state)
{
	struct aws_quota q = {0};
	struct aws_attempts a = {.made = 1, .most = 1};
	struct aws_situation s = {.outcome = AWS_OUTCOME_CLOCK, .policy = AWS_RETRY_UNSENT, .sent = true};

	(void)state;
	s.signature_age_ms = AWS_SKEW_LEAST_MS - 1;
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
	s.signature_age_ms = 3600 * 1000;
	assert_int_equal(aws_retry_decide(&a, &q, &s), 0);
	assert_int_equal(aws_retry_decide(&a, &q, &s), -1);
}

static void test_skew(void **state)
{
	(void)state;
	assert_int_equal(aws_skew(1000000, 1000000 - 100), 0);
	assert_int_equal(aws_skew(1000000, 1000000 + 300000), -300000);
	assert_int_equal(aws_skew(1000000, 1000000 - 300000), 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_backoff_doubles_and_ends),
		cmocka_unit_test(test_quota_runs_out_and_fills_again),
		cmocka_unit_test(test_what_may_have_run_is_not_sent_twice),
		cmocka_unit_test(test_the_server_may_ask_for_patience),
		cmocka_unit_test(test_one_correction_of_the_clock),
		cmocka_unit_test(test_what_slept_through_its_signature_is_signed_again),
		cmocka_unit_test(test_skew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
