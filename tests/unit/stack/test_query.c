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
	assert_int_equal(r.result->len, 3);
	assert_memory_equal(r.result->data, "\0\1\2", 3);
	assert_int_equal(r.errors->len, 0);
	assert_string_equal(r.remark, "the command ended with exit status 3");
	query_reply_release(&r);
	assert_int_equal(
		parse("{\"exit_code\":137,\"stdout\":\"YQ==\",\"stderr\":\"Yg==\",\"signal\":9}", "", &r, &err), 0);
	assert_string_equal(r.result->data, "a");
	assert_string_equal(r.errors->data, "b");
	assert_non_null(strstr(r.remark, "signal 9"));
	query_reply_release(&r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_event_carries_any_bytes),	      cmocka_unit_test(test_replies),
		cmocka_unit_test(test_replies_that_make_no_sense_are_errors), cmocka_unit_test(test_lambda_says_why),
		cmocka_unit_test(test_only_what_did_not_start_is_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
