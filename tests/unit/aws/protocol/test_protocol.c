/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/page.h"
#include "aws/protocol/protocol.h"
#include "aws/services/service.h"

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

static struct aws_reply reply_of(const struct aws_service *s, int status, const char *headers, const char *body)
{
	struct aws_request *r = aws_request_new(s, "Op");
	struct http_reply http = {.status = status, .header = BUF_INIT(1000)};
	struct aws_reply reply = {.status = status, .payload = BUF_INIT(100000)};

	buf_puts(&http.header, headers);
	buf_puts(&reply.payload, body);
	aws_reply_parse(r, &http, &reply);
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
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_replies_are_unwrapped),
		cmocka_unit_test(test_hostile_words_stay_words),
		cmocka_unit_test(test_pages_join),
		cmocka_unit_test(test_lists_are_cut_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
