/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests what a failed reply of a registry means: the message, the remedy, and whether a retry may succeed. */
#include "base/cleanup.h"
#include "image/authenticate.h"
#include "image/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SAID(code, message) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

static struct http_reply reply_of(int status, const char *header, const char *body)
{
	struct http_reply reply = {.status = status, .header = BUF_INIT(1000), .body = BUF_INIT(1000)};

	assert_int_equal(buf_puts(&reply.header, header), 0);
	assert_int_equal(buf_puts(&reply.body, body), 0);
	return reply;
}

static void reply_release(struct http_reply *reply)
{
	buf_free(&reply->header);
	buf_free(&reply->body);
}

static void test_replies_are_explained(void **state _unused_)
{
	static const struct {
		int status;
		const char *header, *body;
		int errnum;
		const char *message, *remedy; /* parts */
		bool is_transient;
	} rows[] = {
		{401, "", "", -EACCES, "r/a: cannot read: access is denied (HTTP 401)", "docker login", false},
		{403, "", SAID("DENIED", "no"), -EACCES, "cannot read: no (HTTP 403)", "docker login", false},
		{403, "", SAID("AccessDenied", "u is not authorized to perform: ecr:BatchGetImage"), -EACCES,
		 "ecr:BatchGetImage", "ecr:BatchGetImage", false},
		{404, "", "<html>", -ENOENT, "not found (HTTP 404)", "name and tag of vast_image", false},
		{404, "", SAID("MANIFEST_UNKNOWN", "manifest unknown"), -ENOENT,
		 "not found: manifest unknown (HTTP 404)", "name and tag of vast_image", false},
		{404, "", SAID("BLOB_UPLOAD_UNKNOWN", "x"), -ENOENT, "not found: x", "touch control/deploy", false},
		{429, "", "", -EIO, "too many requests (HTTP 429)", "", true},
		{429, "Retry-After: 3600\n", "", -EIO, "too many requests (HTTP 429)", "", false},
		{408, "", "", -EIO, "the registry refused the request (HTTP 408)", "", true},
		{400, "", "", -EIO, "the registry refused the request (HTTP 400)", "", false},
		{503, "", "", -EIO, "the registry refused the request (HTTP 503)", "try again later", true},
		/* A proxy's page in place of the reply. */
		{200, "", "<html>", -EIO, "the reply is not from a registry (HTTP 200)", "", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_reply reply = reply_of(rows[i].status, rows[i].header, rows[i].body);
		struct error err = {0};

		assert_int_equal(registry_explain(&reply, "r/a", "cannot read", &err), rows[i].errnum);
		if (!strstr(err.message, rows[i].message) || !strstr(err.remedy, rows[i].remedy))
			fail_msg("%d %s: '%s', '%s'", rows[i].status, rows[i].body, err.message, err.remedy);
		assert_int_equal(err.http_status, rows[i].status);
		assert_int_equal(err.duration == ERROR_TRANSIENT, rows[i].is_transient);
		reply_release(&reply);
	}
}

static void test_a_connection_that_fails_keeps_its_reason(void **state _unused_)
{
	static const struct {
		int errnum;
		bool is_transient;
	} rows[] = {{-ECONNRESET, true}, {-ETIMEDOUT, true}, {-ECANCELED, false},
		    {-ENOMEM, false},	 {-EFBIG, false},    {-EPROTO, false}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_reply reply = reply_of(0, "", "");
		struct error err = {0};

		error_set(&reply.error, rows[i].errnum, "why");
		assert_int_equal(registry_is_transient(&reply), rows[i].is_transient);
		assert_int_equal(registry_explain(&reply, "r/a", "cannot read", &err), rows[i].errnum);
		assert_string_equal(err.message, "r/a: cannot read: why");
		reply_release(&reply);
	}
}

static void test_a_reply_that_is_cut_is_transient(void **state _unused_)
{
	struct http_reply reply = reply_of(200, "", "{");

	assert_false(registry_is_transient(&reply));
	error_set(&reply.error, -ECONNRESET, "cut");
	assert_true(registry_is_transient(&reply));
	reply_release(&reply);
}

static void test_names_of_a_repository(void **state _unused_)
{
	char label[100];
	struct registry r;
	_free_ char *url = NULL;

	assert_int_equal(registry_open(&r, NULL, NULL, "https://r.example/path//", "a/b", "YTpi", true), 0);
	assert_string_equal(registry_label(&r, label, sizeof(label)), "r.example/path/a/b");
	url = registry_url(&r, "manifests/1");
	assert_string_equal(url, "https://r.example/path/v2/a/b/manifests/1");
	assert_string_equal(r.authorization, "Authorization: Basic YTpi");
	registry_close(&r);
	assert_int_equal(registry_open(&r, NULL, NULL, "https://r.example", "a", "", true), 0);
	assert_null(r.authorization);
	registry_close(&r);
	assert_int_equal(registry_open(&r, NULL, NULL, "https://r.example", "a", "YTpi", false), 0);
	assert_null(r.authorization); /* only after a challenge */
	registry_close(&r);
}

/* What is decided without asking a token service. */
static void test_challenges_are_met(void **state _unused_)
{
	static const struct {
		const char *base, *basic, *challenges;
		int met;
	} rows[] = {
		{"https://r.example", "YTpi", "Basic realm=\"x\"", 1},
		{"https://r.example", "YTpi", "Negotiate, Basic realm=\"x\"", 1},
		{"https://r.example", "", "Basic realm=\"x\"", 0},
		{"https://r.example", "YTpi", "Negotiate", 0},
		{"https://r.example", "", "Bearer realm=\"http://token.example/\"",
		 -EBADMSG}, /* less secure than the registry */
		{"http://r.example", "YTpi", "Bearer realm=\"http://token.example/\"",
		 -EBADMSG}, /* the password would be read */
		{"https://r.example", "", "Bearer realm=\"ftp://token.example/\", Bearer realm=\"http://x.example/\"",
		 -EBADMSG},
		{"https://r.example", "YTpi", "Bearer realm=\"http://token.example/\", Basic realm=\"x\"", 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *challenges = rows[i].challenges;
		struct error err = {0};
		struct registry r;

		assert_int_equal(registry_open(&r, NULL, NULL, rows[i].base, "a", rows[i].basic, false), 0);
		assert_int_equal(registry_authenticate(&r, &challenges, &err), rows[i].met);
		assert_int_equal(r.authorization != NULL, rows[i].met == 1);
		if (rows[i].met < 0)
			assert_non_null(strstr(err.message, "less secure than the registry"));
		registry_close(&r);
	}
}

/* A password that the registry has refused is not sent again. */
static void test_a_refused_password_is_sent_once(void **state _unused_)
{
	static const char basic[] = "Basic realm=\"x\"";
	const char *challenges = basic;
	struct error err = {0};
	struct registry r;

	assert_int_equal(registry_open(&r, NULL, NULL, "https://r.example", "a", "YTpi", false), 0);
	assert_int_equal(registry_authenticate(&r, &challenges, &err), 1);
	challenges = basic;
	assert_int_equal(registry_authenticate(&r, &challenges, &err), 0);
	registry_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies_are_explained),
		cmocka_unit_test(test_a_connection_that_fails_keeps_its_reason),
		cmocka_unit_test(test_a_reply_that_is_cut_is_transient),
		cmocka_unit_test(test_names_of_a_repository),
		cmocka_unit_test(test_challenges_are_met),
		cmocka_unit_test(test_a_refused_password_is_sent_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
