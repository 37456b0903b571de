/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/wire.h"

#include "aws/services/service.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct aws_endpoint endpoint = {
	.url = "https://host", .host = "host", .prefix = "/behind", .region = "eu-west-1"};
static struct aws_request *request;

static int make(const struct aws_identity *who, struct aws_wire *ret)
{
	const struct aws_wire_input in = {.request = request,
					  .endpoint = &endpoint,
					  .identity = *who,
					  .user_agent = "User-Agent: vastfs",
					  .invocation_id = "id",
					  .attempt = 1,
					  .most_attempts = 3,
					  .wall_ms = INT64_C(1440938160000)};

	return aws_wire_make(&in, ret);
}

static void expect_headers(const struct aws_wire *w, const char *const *expected)
{
	size_t n = 0;

	for (; w->headers[n] && expected[n]; n++)
		if (strncmp(w->headers[n], expected[n], strlen(expected[n])) != 0)
			fail_msg("%s instead of %s", w->headers[n], expected[n]);
	assert_true(!w->headers[n] && !expected[n]);
}

static const struct aws_identity nobody = {NULL, NULL, NULL}, somebody = {"A", "s", "t"};
static const char *const signed_headers[] = {"Host: host",
					     "X-Amz-Invocation-Type: RequestResponse",
					     "X-Amz-Log-Type: Tail",
					     "amz-sdk-invocation-id: id",
					     "amz-sdk-request: attempt=1; max=3",
					     "X-Amz-Date: 20150830T123600Z",
					     "X-Amz-Security-Token: t",
					     "Authorization: AWS4-HMAC-SHA256 Credential=A/20150830/eu-west-1/lambda/",
					     "User-Agent: vastfs",
					     NULL};

static void prepare(void)
{
	request = aws_rest_new(&aws_service_lambda, "Invoke", "POST", "/f/", "a b", "/i");
	request->headers[0] = "X-Amz-Invocation-Type: RequestResponse";
	request->headers[1] = "X-Amz-Log-Type: Tail";
	aws_put_query(&request, "q", "x y");
}

static void test_a_signed_request(void **state)
{
	struct aws_wire w;

	(void)state;
	prepare();
	assert_int_equal(make(&somebody, &w), 0);
	assert_string_equal(buf_str(&w.url), "https://host/behind/f/a%20b/i?q=x%20y");
	expect_headers(&w, signed_headers);
	aws_wire_free(&w);
	aws_request_free(request);
}

static void test_an_unsigned_request(void **state)
{
	static const char *const expected[] = {"Host: host",
					       "Content-Type: application/x-amz-json-1.1",
					       "X-Amz-Target: AmazonSSM.Op",
					       "amz-sdk-invocation-id: id",
					       "amz-sdk-request: attempt=1; max=3",
					       "User-Agent: vastfs",
					       NULL};
	struct aws_wire w;

	(void)state;
	request = aws_request_new(&aws_service_ssm, "Op");
	assert_int_equal(make(&nobody, &w), 0);
	assert_string_equal(buf_str(&w.url), "https://host/behind/");
	expect_headers(&w, expected);
	aws_wire_free(&w);
	aws_request_free(request);
}

/* A line feed in a header would begin another one; more lines than fit are refused. */
static void test_too_many_lines(void **state)
{
	char lines[200] = "";
	struct aws_wire w;

	(void)state;
	prepare();
	for (int i = 0; i < 30; i++)
		strcat(lines, "a:b\n");
	request->headers[2] = lines;
	assert_int_equal(make(&nobody, &w), -E2BIG);
	aws_wire_free(&w);
	assert_int_equal(make(&somebody, &w), -E2BIG);
	aws_wire_free(&w);
	aws_request_free(request);
}

static void test_a_request_that_cannot_be_built(void **state)
{
	struct aws_wire w;
	char *query = malloc(40000);

	(void)state;
	prepare();
	memset(query, 'q', 39999);
	query[39999] = '\0';
	free(request->query);
	request->query = query;
	assert_int_equal(make(&nobody, &w), -EFBIG);
	aws_wire_free(&w);
	query[32000] = '\0';
	assert_int_equal(make(&nobody, &w), 0);
	aws_wire_free(&w);
	query[32760] = '\0';
	memset(query, 'q', 32760);
	assert_int_equal(make(&nobody, &w), -EFBIG);
	aws_wire_free(&w);
	aws_request_free(request);
}

static void make_without_memory(const void *who)
{
	struct aws_wire w;
	int e;

	failing_pause(true);
	prepare();
	failing_pause(false);
	e = make(who, &w);
	assert_true(e == 0 || (e == -ENOMEM && failing_happened()));
	if (e == 0 && who == &somebody)
		expect_headers(&w, signed_headers);
	aws_wire_free(&w);
	aws_request_free(request);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(make_without_memory, &somebody) > 10);
	assert_true(failing_each(make_without_memory, &nobody) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_signed_request), cmocka_unit_test(test_an_unsigned_request),
		cmocka_unit_test(test_too_many_lines),	 cmocka_unit_test(test_a_request_that_cannot_be_built),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
