/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/page.h"
#include "aws/protocol/protocol.h"
#include "aws/services/service.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_form(const struct aws_service *s, const char *params, const char *token, const char *body)
{
	struct aws_request *r = aws_request_new(s, "Op");
	struct aws_message m = {.body = BUF_INIT(AWS_BODY_MAX)};

	cJSON_Delete(r->params);
	r->params = cJSON_Parse(params);
	aws_put_paging(r, "NextToken", "NextToken", "L");
	assert_int_equal(aws_protocol_of(s)->build(r, token, &m), 0);
	assert_string_equal(buf_str(&m.body), body);
	aws_message_free(&m);
	aws_request_free(r);
}

static void test_forms(void **state)
{
	(void)state;
	check_form(&aws_service_iam,
		   "{\"T\":[{\"Key\":\"a b\",\"Value\":\"\"},{\"Key\":\"c/\"}],\"E\":[],\"B\":true,\"N\":5}", NULL,
		   "Action=Op&Version=2010-05-08&T.member.1.Key=a%20b&T.member.1.Value=&T.member.2.Key=c%2F&E=&B=true&"
		   "N=5");
	check_form(&aws_service_ec2, "{\"Filter\":[{\"Name\":\"tag:k\",\"Value\":[\"v\",\"w\"]}],\"E\":[],\"D\":false}",
		   "t+",
		   "Action=Op&Version=2016-11-15&Filter.1.Name=tag%3Ak&Filter.1.Value.1=v&Filter.1.Value.2=w&D=false"
		   "&NextToken=t%2B");
}

static void test_json_and_its_pages(void **state)
{
	(void)state;
	check_form(&aws_service_ecs, "{\"a\":[1,null],\"NextToken\":\"old\"}", NULL,
		   "{\"a\":[1,null],\"NextToken\":\"old\"}");
	check_form(&aws_service_ecs, "{\"a\":[1,null],\"NextToken\":\"old\"}", "new",
		   "{\"a\":[1,null],\"NextToken\":\"new\"}");
}

static void check_rest(const char *query, const char *token, const char *expected_query)
{
	struct aws_request *r = aws_rest_new(&aws_service_lambda, "Op", "PUT", "/a/", "b c/", "/d");
	struct aws_message m = {.query = BUF_INIT(1000), .body = BUF_INIT(AWS_BODY_MAX)};

	aws_put_query(&r, "k", query);
	aws_put_query(&r, "l", query);
	aws_put_paging(r, "Marker", "NextMarker", "L");
	assert_int_equal(aws_protocol_rest.build(r, token, &m), 0);
	assert_string_equal(m.method, "PUT");
	assert_string_equal(m.path, "/a/b%20c%2F/d");
	assert_string_equal(buf_str(&m.query), expected_query);
	assert_null(m.content_type);
	aws_put_body(&r);
	aws_put_text(&r, "t", "x");
	assert_int_equal(aws_protocol_rest.build(r, token, &m), 0);
	assert_string_equal(buf_str(&m.body), "{\"t\":\"x\"}");
	aws_message_free(&m);
	aws_request_free(r);
}

static void test_rest_and_its_pages(void **state)
{
	(void)state;
	check_rest(NULL, NULL, "");
	check_rest("v+", NULL, "k=v%2B&l=v%2B");
	check_rest(NULL, "t/", "Marker=t%2F");
	check_rest("v", "t", "k=v&l=v&Marker=t");
}

/* Deep enough that the name of a member would be cut off. */
static void test_too_long_names(void **state)
{
	struct aws_request *r = aws_request_new(&aws_service_iam, "Op");
	struct aws_message m = {.body = BUF_INIT(AWS_BODY_MAX)};
	char name[500];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	aws_put_text(&r, name, "x");
	assert_int_equal(aws_protocol_query.build(r, NULL, &m), -EINVAL);
	aws_message_free(&m);
	aws_request_free(r);
}

static void build_without_memory(const void *service)
{
	struct aws_message m = {.query = BUF_INIT(AWS_BODY_MAX), .body = BUF_INIT(AWS_BODY_MAX)};
	struct aws_request *r;
	int e;

	failing_pause(true);
	r = aws_request_new(service, "Op");
	r->params = r->params ? r->params : cJSON_CreateObject();
	aws_put_texts(&r, "L", (const char *const[]){"a", "b"}, 2);
	aws_put_pairs(&r, "P", "Key", "Value", &(struct aws_pair){"k", "v"}, 1);
	aws_put_paging(r, "NextToken", "NextToken", "L");
	failing_pause(false);
	e = aws_protocol_of(service)->build(r, "token", &m);
	assert_int_equal(e, failing_happened() ? -ENOMEM : 0);
	aws_message_free(&m);
	aws_request_free(r);
}

static struct aws_reply reply_of(const struct aws_service *s, int status, const char *headers, const char *body)
{
	struct http_reply http = {.status = status, .header = BUF_INIT(1000)};
	struct aws_reply reply = {.status = status, .payload = BUF_INIT(100000)};
	struct aws_request *r;

	failing_pause(true);
	r = aws_request_new(s, "Op");
	buf_puts(&http.header, headers);
	buf_puts(&reply.payload, body);
	failing_pause(false);
	aws_reply_parse(r, &http, &reply);
	failing_pause(true);
	http_reply_free(&http);
	aws_request_free(r);
	return reply;
}

static const struct {
	const struct aws_service *service;
	int status;
	const char *headers, *body, *code, *message, *id;
	int errnum;
} errors[] = {
	{&aws_service_ec2, 400, "",
	 "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no.</Message></Error></"
	 "Errors><RequestID>r1</RequestID></Response>",
	 "InvalidVpcID.NotFound", "no", "r1", -EIO},
	{&aws_service_iam, 403, "",
	 "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>m</Message></"
	 "Error><RequestId>r2</RequestId></ErrorResponse>",
	 "InvalidClientTokenId", "m", "r2", -ENOKEY},
	{&aws_service_ecs, 400, "x-amzn-requestid: r3\n",
	 "{\"__type\":\"com.amazonaws#AccessDeniedException\",\"Message\":\"m\"}", "AccessDeniedException", "m", "r3",
	 -EIO},
	{&aws_service_ecs, 400, "", "{\"__type\":\"ThrottlingException:http://x/\",\"message\":\"m\"}",
	 "ThrottlingException", "m", "", -EIO},
	{&aws_service_ecs, 400, "x-amzn-query-error: Real;Sender\n", "{\"__type\":\"Other\"}", "Real", NULL, "", -EIO},
	{&aws_service_lambda, 404, "X-Amzn-ErrorType: ResourceNotFoundException:http://x\n", "{\"Message\":\"m\"}",
	 "ResourceNotFoundException", "m", "", -EIO},
	{&aws_service_efs, 409, "",
	 "{\"ErrorCode\":\"FileSystemAlreadyExists\",\"Message\":\"m\",\"FileSystemId\":\"fs-1\"}",
	 "FileSystemAlreadyExists", "m", "", -EIO},
	{&aws_service_ecs, 403, "",
	 "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>m</Message></Error></ErrorResponse>",
	 "SignatureDoesNotMatch", "m", "", -ENOKEY},
	{&aws_service_ecs, 502, "", "<html><h1>Bad\ngateway</h1></html>", "",
	 "ecs returned HTTP status 502 for Op: Bad gateway", "", -EIO},
	{&aws_service_ec2, 503, "", "", "", "ec2 returned HTTP status 503 for Op: no message", "", -EIO},
	{&aws_service_ec2, 200, "", "<html>hello</html>", "", "the reply of ec2 to Op is not XML: hello", "", -EBADMSG},
	{&aws_service_ecs, 200, "", "{\"a\":", "", "the reply of ecs to Op is not JSON: {\"a\":", "", -EBADMSG},
	{&aws_service_sts, 200, "", "", "", "the reply of sts to Op is not XML: it is empty", "", -EBADMSG},
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct aws_reply r = reply_of(errors[i].service, errors[i].status, errors[i].headers, errors[i].body);

		assert_string_equal(r.error.code, errors[i].code);
		if (errors[i].message)
			assert_string_equal(r.error.message, errors[i].message);
		assert_string_equal(r.error.request_id, errors[i].id);
		assert_int_equal(r.error.errnum, errors[i].errnum);
		assert_int_equal(r.error.http_status, errors[i].status);
		aws_reply_free(&r);
	}
}

/* Without memory an error stays an error, and a reply is not read as another one. */
static void parse_error_without_memory(const void *row)
{
	const __typeof__(*errors) *e = row;
	struct aws_reply r = reply_of(e->service, e->status, e->headers, e->body);

	assert_int_not_equal(r.error.errnum, 0);
	if (!failing_happened())
		assert_string_equal(r.error.code, e->code);
	else
		assert_true(!*r.error.code || strcmp(r.error.code, e->code) == 0);
	aws_reply_free(&r);
}

static const struct {
	const struct aws_service *service;
	const char *body, *path;
} replies[] = {
	{&aws_service_ec2, "<OpResponse><s><item><a>1</a></item><item><a>x</a></item></s></OpResponse>", "s.1.a"},
	{&aws_service_ec2, "<OpResponse><s>1</s><s>2</s><s>x</s></OpResponse>", "s.2"},
	{&aws_service_ec2, "<OpResponse><s><item>1</item><b>2</b><item>x</item></s></OpResponse>", "s.item.1"},
	{&aws_service_ec2, "<OpResponse><a>\x01</a><b>x</b></OpResponse>", "b"},
	{&aws_service_ecs, "{\"a\":[{\"b\":\"x\"}]}", "a.0.b"},
	{&aws_service_lambda, "{\"a\":\"\\u0000\",\"b\":\"x\"}", "b"},
};

static void parse_without_memory(const void *row)
{
	const __typeof__(*replies) *e = row;
	struct aws_reply r = reply_of(e->service, 200, "x-amz-log-result: tail\n", e->body);

	if (r.error.errnum == 0) {
		assert_string_equal(aws_text(r.body, e->path), "x");
		assert_true(failing_happened() || r.log_tail);
	} else {
		if (!failing_happened() || r.error.errnum != -ENOMEM)
			fail_msg("%s: %s", e->body, r.error.message);
		assert_null(r.body);
	}
	aws_reply_free(&r);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(build_without_memory, &aws_service_ecs) > 5);
	assert_true(failing_each(build_without_memory, &aws_service_iam) >= 1);
	assert_true(failing_each(build_without_memory, &aws_service_lambda) > 2);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		failing_each(parse_error_without_memory, &errors[i]);
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		assert_true(failing_each(parse_without_memory, &replies[i]) > 2);
}

static void test_a_reply_that_is_too_deep(void **state)
{
	_buf_ struct buf deep = BUF_INIT(1000);
	struct aws_reply r;

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "<a>");
	r = reply_of(&aws_service_sts, 200, "", deep.data);
	assert_int_equal(r.error.errnum, -EFBIG);
	assert_string_equal(r.error.message, "the reply of sts to Op is larger or deeper than allowed");
	aws_reply_free(&r);
}

static void test_replies_are_unwrapped(void **state)
{
	struct aws_reply r = reply_of(&aws_service_sts, 200, "",
				      "<OpResponse "
				      "xmlns='x'><OpResult><Arn>a</Arn></OpResult><ResponseMetadata><RequestId>r</"
				      "RequestId></ResponseMetadata></OpResponse>");

	(void)state;
	assert_string_equal(aws_text(r.body, "Arn"), "a");
	assert_string_equal(r.request_id, "r");
	aws_reply_free(&r);
	r = reply_of(&aws_service_sts, 200, "",
		     "<OpResponse><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></OpResponse>");
	assert_null(r.body);
	assert_int_equal(r.error.errnum, 0);
	aws_reply_free(&r);
}

static void test_hostile_words_stay_words(void **state)
{
	struct aws_reply r = reply_of(&aws_service_ecs, 400, "x-amzn-requestid: a b\n",
				      "{\"__type\":\"A B\\nC\",\"message\":\"x\\ny\\u0007\"}");

	(void)state;
	assert_string_equal(r.error.code, "ABC");
	assert_string_equal(r.error.message, "x\\ny\\x07");
	assert_string_equal(r.request_id, "ab");
	aws_reply_free(&r);
}

static void test_pages_join(void **state)
{
	struct aws_paging p = {"T", "T", "R.L", 0};
	cJSON *whole = cJSON_Parse("{\"R\":{\"L\":\"\"},\"T\":\"1\"}");
	cJSON *page = cJSON_Parse("{\"R\":{\"L\":[1,2]}}");
	char *text;

	(void)state;
	assert_string_equal(aws_page_next(&p, whole), "1");
	assert_string_equal(aws_page_next(&p, page), "");
	assert_int_equal(aws_page_join(&p, whole, page), 0);
	text = cJSON_PrintUnformatted(cJSON_GetObjectItem(whole, "R"));
	assert_string_equal(text, "{\"L\":[1,2]}");
	cJSON_free(text);
	cJSON_Delete(page);
	page = cJSON_Parse("{\"x\":1}");
	assert_int_equal(aws_page_join(&p, page, whole), -EBADMSG);
	cJSON_Delete(page);
	cJSON_Delete(whole);
}

static void test_lists_are_cut_down(void **state)
{
	struct aws_paging p = {NULL, NULL, "R.L", 2};
	cJSON *whole = cJSON_Parse("{\"R\":{\"L\":[1,2,3,4]},\"M\":5}");
	char *text;

	(void)state;
	assert_true(aws_page_bound(&p, whole));
	text = cJSON_PrintUnformatted(cJSON_GetObjectItem(whole, "R"));
	assert_string_equal(text, "{\"L\":[1,2]}");
	cJSON_free(text);
	assert_false(aws_page_bound(&p, whole));
	p.list = "M";
	assert_false(aws_page_bound(&p, whole));
	p.list = NULL;
	assert_false(aws_page_bound(&p, whole));
	cJSON_Delete(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_json_and_its_pages),
		cmocka_unit_test(test_rest_and_its_pages),
		cmocka_unit_test(test_too_long_names),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_a_reply_that_is_too_deep),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_replies_are_unwrapped),
		cmocka_unit_test(test_hostile_words_stay_words),
		cmocka_unit_test(test_pages_join),
		cmocka_unit_test(test_lists_are_cut_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
