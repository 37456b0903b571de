/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "stack/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_event_carries_any_bytes(void **state)
{
	_buf_ struct buf command = BUF_INIT(100), event = BUF_INIT(1000);
	struct blob *blob;

	(void)state;
	buf_puts(&command, "echo \"\xc3\xa4\"\n'");
	blob = blob_from_buf(&command);
	assert_int_equal(query_event(blob, "10.0.0.1:42000", 5, false, &event), 0);
	assert_string_equal(event.data, "{\"v\":1,\"cmd\":\"ZWNobyAiw6QiCic=\",\"endpoint\":\"10.0.0.1:42000\","
					"\"deadline_ms\":5}");
	buf_clear(&event);
	assert_int_equal(query_event(blob, NULL, 5, false, &event), 0);
	assert_null(strstr(event.data, "endpoint"));
	assert_null(strstr(event.data, "stream"));
	assert_null(strstr(event.data, "deflate"));
	buf_clear(&event);
	assert_int_equal(query_event(blob, NULL, 5, true, &event), 0);
	assert_non_null(strstr(event.data, "\"stream\":true"));
	assert_non_null(strstr(event.data, "\"deflate\":true"));
	blob_unref(blob);
}

static int parse(const char *body, const char *function_error, struct query_reply *r, struct error *err)
{
	struct aws_reply reply = {.status = 200, .body = cJSON_Parse(body)};
	int result;

	strcpy(reply.function_error, function_error);
	result = query_parse_reply(&reply, r, err);
	cJSON_Delete(reply.body);
	return result;
}

static void test_replies(void **state)
{
	struct query_reply r = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(parse("{\"v\":1,\"exit_code\":3,\"stdout\":\"AAEC\",\"stderr\":\"\"}", "", &r, &err), 0);
	assert_int_equal(r.exit_code, 3);
	assert_int_equal(r.stdin_bytes, -1);
	assert_int_equal(r.result->len, 3);
	assert_memory_equal(r.result->data, "\0\1\2", 3);
	assert_int_equal(r.errors->len, 0);
	assert_string_equal(r.remark, "the command ended with exit status 3");
	query_reply_release(&r);
	assert_int_equal(
		parse("{\"exit_code\":137,\"stdin_bytes\":70000,\"stdout\":\"YQ==\",\"stderr\":\"Yg==\",\"signal\":9}",
		      "", &r, &err),
		0);
	assert_int_equal(r.stdin_bytes, 70000);
	assert_string_equal(r.result->data, "a");
	assert_string_equal(r.errors->data, "b");
	assert_non_null(strstr(r.remark, "signal 9"));
	query_reply_release(&r);
}

static void test_remarks(void **state)
{
	static const struct {
		const char *body, *remark;
	} rows[] = {
		{"{\"exit_code\":0,\"stdout\":\"\"}", ""},
		{"{\"exit_code\":137,\"stdout\":\"\",\"timed_out\":true}",
		 "the command was ended at the function's time limit"},
		{"{\"exit_code\":0,\"stdout\":\"\",\"truncated_stderr\":true}", "only the last part of stderr is kept"},
		{"{\"exit_code\":3,\"stdout\":\"\",\"truncated_stderr\":true}",
		 "the command ended with exit status 3; only the last part of stderr is kept"},
		{"{\"exit_code\":0,\"stdout\":\"\",\"stdin_bytes\":-2}", ""},
		{"{\"exit_code\":0,\"stdout\":\"\",\"stdin_bytes\":1e300}", ""},
	};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct query_reply r = {0};

		assert_int_equal(parse(rows[i].body, "", &r, &err), 0);
		assert_string_equal(r.remark, rows[i].remark);
		assert_int_equal(r.stdin_bytes, -1);
		query_reply_release(&r);
	}
}

/* The whole event and the whole reply, or an error. */
static void ask_and_parse(const void *arg)
{
	_buf_ struct buf text = BUF_INIT(100), data = BUF_INIT(100), event = BUF_INIT(1000);
	struct aws_reply reply = {.status = 200};
	struct query_reply parsed = {0};
	struct error err = {0};
	struct blob *command;
	int r;

	(void)arg;
	buf_puts(&data, "some input");
	command = buf_puts(&text, "cat") == 0 ? blob_from_buf(&text) : NULL;
	r = command && !data.error ? query_event_with_input(command, "h:1", 5, &data, &event) : -ENOMEM;
	assert_int_equal(r, failing_happened() ? -ENOMEM : 0);
	if (r == 0)
		assert_non_null(strstr(event.data, "\"stdin\":\"c29tZSBpbnB1dA==\"}"));
	blob_unref(command);
	reply.body = cJSON_Parse("{\"exit_code\":0,\"stdout\":\"YQ==\",\"stderr\":\"Yg==\"}");
	r = reply.body ? query_parse_reply(&reply, &parsed, &err) : -ENOMEM;
	if (r == 0)
		assert_string_equal(parsed.errors->data, "b");
	else
		assert_int_equal(r, -ENOMEM);
	query_reply_release(&parsed);
	cJSON_Delete(reply.body);
}

static void test_missing_memory_is_not_a_bad_reply(void **state)
{
	(void)state;
	assert_true(failing_each(ask_and_parse, NULL) > 20);
}

static void test_replies_that_make_no_sense_are_errors(void **state)
{
	static const char *const bodies[] = {"null",
					     "{}",
					     "[]",
					     "{\"exit_code\":\"0\",\"stdout\":\"\"}",
					     "{\"exit_code\":0}",
					     "{\"exit_code\":0,\"stdout\":\"no base64!\"}",
					     "<html>"};
	struct query_reply r = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(parse(bodies[i], "", &r, &err), -EBADMSG);
}

static void test_lambda_says_why(void **state)
{
	struct query_reply r = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(
		parse("{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"Task timed out after 3.00 seconds\"}",
		      "Unhandled", &r, &err),
		-EIO);
	assert_string_equal(err.code, "Sandbox.Timedout");
	assert_non_null(strstr(err.remedy, "lambda_timeout"));
}

static void test_only_what_did_not_start_is_sent_again(void **state)
{
	struct aws_reply reply = {.sent = true};

	(void)state;
	error_set(&reply.error, -EIO, "x");
	strcpy(reply.error.code, "TooManyRequestsException");
	assert_true(query_not_started(&reply));
	strcpy(reply.error.code, "ServiceException");
	assert_false(query_not_started(&reply));
	reply.error.code[0] = '\0';
	assert_false(query_not_started(&reply));
}

static int complete(const char *text, char **tail, struct error *err)
{
	return query_parse_complete(text, strlen(text), tail, err);
}

static void test_the_last_word_of_a_stream(void **state)
{
	struct error err;
	char *tail;

	(void)state;
	assert_int_equal(complete("{\"ErrorCode\":null,\"ErrorDetails\":null,\"LogResult\":\"YQ==\"}", &tail, &err), 0);
	assert_string_equal(tail, "YQ==");
	free(tail);
	assert_int_equal(complete("{}", &tail, &err), 0);
	assert_null(tail);
	assert_int_equal(
		complete("{\"ErrorCode\":\"Sandbox.Timedout\",\"ErrorDetails\":\"Task timed out\"}", &tail, &err),
		-EIO);
	assert_string_equal(err.code, "Sandbox.Timedout");
	assert_string_equal(err.message, "Task timed out");
	assert_non_null(strstr(err.remedy, "lambda_timeout"));
	assert_int_equal(
		complete("{\"ErrorCode\":\"X\",\"ErrorDetails\":\"{\\\"errorMessage\\\":\\\"why\\\"}\"}", &tail, &err),
		-EIO);
	assert_string_equal(err.message, "why");
	assert_int_equal(complete("", &tail, &err), -EBADMSG);
	assert_int_equal(complete("[]", &tail, &err), -EBADMSG);
}

static void test_a_stream_that_is_refused_at_the_door_is_asked_for_in_one_piece(void **state)
{
	static const struct {
		int status;
		const char *code;
		int errnum;
		bool refused;
	} rows[] = {
		{404, "UnknownOperationException", -EIO, true},
		{400, "UnknownOperationException", -EIO, true},
		{404, "", -EIO, true},
		{403, "", -EIO, true},
		{403, "AccessDeniedException", -EIO, true},
		{400, "InvalidParameterValueException", -EIO, true},
		{400, "ValidationException", -EIO, true},
		{400, "UnsupportedOperationException", -EIO, true},
		{405, "", -EIO, true},
		{415, "UnsupportedMediaTypeException", -EIO, true},
		{501, "", -EIO, true},
		/* the function may have run */
		{0, "", -ECONNRESET, false},
		{0, "", -ETIMEDOUT, false},
		{200, "", -EBADMSG, false},
		{408, "", -EIO, false},
		{410, "EFSIOException", -EIO, false},
		{500, "ServiceException", -EIO, false},
		{502, "InvalidRuntimeException", -EIO, false},
		{502, "", -EIO, false},
		{503, "", -EIO, false},
		{504, "", -EIO, false},
		/* a plain request would be refused, too, or the error is temporary */
		{404, "ResourceNotFoundException", -EIO, false},
		{403, "ExpiredTokenException", -ENOKEY, false},
		{429, "", -EIO, false},
		{429, "TooManyRequestsException", -EIO, false},
		{409, "ResourceConflictException", -EIO, false},
		{502, "ENINotReadyException", -EIO, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct aws_reply reply = {.status = rows[i].status};

		error_set(&reply.error, rows[i].errnum, "no");
		snprintf(reply.error.code, sizeof(reply.error.code), "%s", rows[i].code);
		if (query_stream_refused(&reply) != rows[i].refused)
			fail_msg("%d %s", rows[i].status, rows[i].code);
	}
}

static void test_partitions_without_streams(void **state)
{
	(void)state;
	assert_false(query_streams_in("aws-cn"));
	assert_true(query_streams_in("aws"));
	assert_true(query_streams_in("aws-us-gov"));
}

static char *of_lambda(const char *text)
{
	_buf_ struct buf bytes = BUF_INIT(1000);
	_cleanup_(blob_unref_cleanup) struct blob *tail = NULL, *kept = NULL;

	buf_puts(&bytes, text);
	tail = blob_from_buf(&bytes);
	kept = query_log_of_lambda(tail);
	return strdup(kept ? kept->data : "");
}

static void test_the_log_without_what_came_already(void **state)
{
	_free_ char *all = of_lambda("T RequestId: 1\nSTART RequestId: 1 Version: 2\nhello\nSTART here\n"
				     "END RequestId: 1\nREPORT RequestId: 1\tDuration: 3 ms");
	_free_ char *none = of_lambda("hello\nSTART\n\n"), *empty = of_lambda("");

	(void)state;
	assert_string_equal(all,
			    "START RequestId: 1 Version: 2\nEND RequestId: 1\nREPORT RequestId: 1\tDuration: 3 ms");
	assert_string_equal(none, "");
	assert_string_equal(empty, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_event_carries_any_bytes),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_remarks),
		cmocka_unit_test(test_missing_memory_is_not_a_bad_reply),
		cmocka_unit_test(test_replies_that_make_no_sense_are_errors),
		cmocka_unit_test(test_lambda_says_why),
		cmocka_unit_test(test_only_what_did_not_start_is_sent_again),
		cmocka_unit_test(test_the_last_word_of_a_stream),
		cmocka_unit_test(test_a_stream_that_is_refused_at_the_door_is_asked_for_in_one_piece),
		cmocka_unit_test(test_partitions_without_streams),
		cmocka_unit_test(test_the_log_without_what_came_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
