/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the parts of a client that need no network: its name, its log, and the words for failures of libcurl. */
#include "aws/client.h"

#include "aws/failure.h"
#include "aws/services/service.h"
#include "base/stream.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int without_home(void **state)
{
	(void)state;
	clearenv();
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_ACCESS_KEY_ID", "A", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	return setenv("HOME", "/nonexistent", 1);
}

static struct aws *new_client(void)
{
	struct aws_config config = {.region = "eu-west-1"};
	struct error err = {0};
	struct aws *a = NULL;
	int r = aws_new(NULL, &config, &a, &err);

	if (r < 0 && !(failing_happened() && r == -ENOMEM && err.errnum == -ENOMEM))
		fail_msg("%d, %s", r, err.message);
	return a;
}

/* A line feed would begin another header. */
static void test_the_name_of_the_program_is_one_header(void **state)
{
	struct aws *a = new_client();

	(void)state;
	assert_null(strstr(a->user_agent, " app/"));
	aws_unref(a);
	setenv("AWS_SDK_UA_APP_ID", "my\napp\x80", 1);
	a = new_client();
	assert_non_null(strstr(a->user_agent, " app/my_app_"));
	aws_unref(a);
	setenv("AWS_SDK_UA_APP_ID", "", 1);
	a = new_client();
	assert_null(strstr(a->user_agent, " app/"));
	aws_unref(a);
	aws_unref(NULL);
	assert_null(aws_ref(NULL));
}

static void test_another_region(void **state)
{
	struct aws_config config = {.region = "eu-west-1", .profile = "missing", .api_log = stream_new(1000)};
	struct error err = {0};
	struct aws *a, *there;

	(void)state;
	assert_int_equal(aws_new(NULL, &config, &a, &err), 0);
	assert_int_equal(aws_new_in_region(a, "us-west-2", &there, &err), 0);
	aws_unref(a);
	assert_string_equal(aws_region(there), "us-west-2");
	assert_string_equal(there->options.profile, "missing");
	assert_ptr_equal(there->api_log, config.api_log);
	assert_string_equal(aws_endpoint_override(there, "ec2"), "");
	assert_int_equal(aws_check_credentials(there, NULL), -ENOKEY);
	aws_unref(there);
	setenv("AWS_ENDPOINT_URL", "no url", 1);
	assert_int_equal(aws_new(NULL, &config, &a, &err), -EINVAL);
	stream_unref(config.api_log);
}

static void test_the_log_has_a_line_for_each_attempt(void **state)
{
	struct aws_config config = {.region = "eu-west-1", .api_log = stream_new(1000)};
	struct aws_request request = {.service = &aws_service_ec2, .operation = "Op"};
	struct aws_reply good = {.status = 200, .request_id = "r"}, refused = {.status = 403, .error = {.code = "No"}},
			 lost = {.error = {.errnum = -ECONNRESET}}, strange = {.error = {.errnum = -4000}};
	struct error err = {0};
	struct aws *a;
	char log[1000] = "";

	(void)state;
	assert_int_equal(aws_new(NULL, &config, &a, &err), 0);
	aws_client_log(a, &request, &good, 5, 1);
	aws_client_log(a, &request, &refused, 6, 2);
	aws_client_log(a, &request, &lost, 7, 3);
	aws_client_log(a, &request, &strange, 8, 4);
	stream_read(a->api_log, 0, log, sizeof(log) - 1);
	assert_non_null(strstr(log, " ec2 Op 200 - r 5 1\n"));
	assert_non_null(strstr(log, " ec2 Op 403 No - 6 2\n"));
	assert_non_null(strstr(log, " ec2 Op - ECONNRESET - 7 3\n"));
	assert_non_null(strstr(log, " ec2 Op - failed - 8 4\n"));
	aws_unref(a);
	stream_unref(config.api_log);
	a = new_client();
	aws_client_log(a, &request, &good, 5, 1); /* without a log nothing happens */
	aws_unref(a);
}

static void client_without_memory(const void *arg)
{
	struct aws *a = new_client();

	(void)arg;
	aws_unref(a);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(client_without_memory, NULL) > 5);
}

static void test_failures_of_libcurl(void **state)
{
	static const struct {
		CURLcode code;
		bool sent;
		const char *says, *message;
		int errnum;
		enum error_duration duration;
	} cases[] = {
		{CURLE_OPERATION_TIMEDOUT, true, "",
		 "the server: the server did not reply in time (Timeout was reached)", -ETIMEDOUT, ERROR_TRANSIENT},
		{CURLE_COULDNT_CONNECT, false, "why", "the server: cannot connect (why)", -ENETUNREACH,
		 ERROR_TRANSIENT},
		{CURLE_PEER_FAILED_VERIFICATION, false, "why",
		 "the server: the certificate of the server is not trusted (why)", -EPROTO, ERROR_FIXABLE},
		{CURLE_UNSUPPORTED_PROTOCOL, false, "why", "the server: not an http or https URL (why)", -EINVAL,
		 ERROR_PERMANENT},
		{CURLE_UNSUPPORTED_PROTOCOL, true, "why", "the server: the reply is not HTTP (why)", -EBADMSG,
		 ERROR_TRANSIENT},
		{CURLE_FTP_COULDNT_USE_REST, false, "why", "the server: the request failed (why)", -EIO,
		 ERROR_PERMANENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct transfer t = {.easy = curl_easy_init(), .sent = cases[i].sent};
		struct error err = {0};

		failure_explain(&t, cases[i].code, cases[i].says, &err);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.errnum, cases[i].errnum);
		assert_int_equal(err.duration, cases[i].duration);
		curl_easy_cleanup(t.easy);
	}
}

static void test_refusals_of_a_proxy(void **state)
{
	static const struct {
		const char *url;
		long status;
		const char *message;
		int errnum;
	} cases[] = {
		{"https://host/path?secret", 407, "host: the proxy requires credentials (HTTP status 407)", -EACCES},
		{"https://host:8443?secret", 403,
		 "host:8443: the proxy refuses to connect to this host (HTTP status 403)", -EACCES},
		{NULL, 502, "the server: the proxy cannot connect to this host (HTTP status 502)", -ENETUNREACH},
		{"host", 502, "the server: the proxy cannot connect to this host (HTTP status 502)", -ENETUNREACH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};

		failure_explain_proxy(cases[i].url, cases[i].status, &err);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.errnum, cases[i].errnum);
		assert_true(err.remedy[0]);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, without_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_name_of_the_program_is_one_header),
		TEST(test_another_region),
		TEST(test_the_log_has_a_line_for_each_attempt),
		TEST(test_without_memory),
		TEST(test_failures_of_libcurl),
		TEST(test_refusals_of_a_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
