/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests signatures against AWS's own test suite (awslabs/aws-c-auth), if it is in the directory VASTFS_VECTORS, and
 * against further cases whose expected signatures were generated with botocore.
 */
#include "aws/sign.h"
#include "failing.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SUITE "aws-signing-test-suite/v4"

struct vector {
	char method[8], path[512], query[512];
	struct buf text; /* text of the request; split in place */
	const char *headers[20];
	const char *body;
	cJSON *context;
};

static char *slurp(const char *dir, const char *name)
{
	char path[1024];
	static char text[20000];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* "GET /a b?c=d HTTP/1.1": the path may contain blanks. */
static void take_first_line(struct vector *v, char *line)
{
	char *target = strchr(line, ' ') + 1, *end = strrchr(line, ' '), *mark;

	*end = '\0';
	snprintf(v->method, sizeof(v->method), "%.*s", (int)(target - 1 - line), line);
	mark = strchr(target, '?');
	snprintf(v->query, sizeof(v->query), "%s", mark ? mark + 1 : "");
	if (mark)
		*mark = '\0';
	snprintf(v->path, sizeof(v->path), "%s", target);
}

static void read_vector(struct vector *v, const char *dir)
{
	char *rest, *line;
	size_t n = 0;

	memset(v, 0, sizeof(*v));
	v->context = cJSON_Parse(slurp(dir, "context.json"));
	buf_init(&v->text, 20000);
	buf_puts(&v->text, slurp(dir, "request.txt"));
	rest = v->text.data;
	take_first_line(v, strsep(&rest, "\n"));
	while ((line = strsep(&rest, "\n")) && *line) {
		if (*line == ' ') /* a folded line continues the header of the line before */
			line[-1] = ' ';
		else
			v->headers[n++] = line;
	}
	v->body = rest ? rest : "";
}

static const char *text_of(const struct vector *v, const char *name)
{
	const cJSON *in = cJSON_GetObjectItem(v->context, "credentials");
	const cJSON *node = cJSON_GetObjectItem(v->context, name);

	node = node ? node : cJSON_GetObjectItem(in, name);
	return node ? node->valuestring : "";
}

static bool flag_of(const struct vector *v, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItem(v->context, name));
}

static struct aws_to_sign to_sign(const struct vector *v)
{
	struct tm tm = {0};

	strptime(text_of(v, "timestamp"), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return (struct aws_to_sign){
		.method = v->method,
		.path = v->path,
		.query = v->query,
		.headers = v->headers,
		.body = v->body,
		.body_len = 0,
		.region = text_of(v, "region"),
		.service = text_of(v, "service"),
		.wall_ms = (int64_t)timegm(&tm) * 1000,
	};
}

/* Variants of signatures that only S3 and others need, which vastfs does not call. */
static bool is_other_variant(const struct vector *v)
{
	return !flag_of(v, "normalize") || flag_of(v, "sign_body") || flag_of(v, "omit_session_token");
}

/* Returns whether vastfs makes such signatures. */
static bool check_vector(const char *dir)
{
	struct vector v;
	struct aws_signed s;
	struct aws_to_sign r;
	struct aws_identity who;
	bool checked;

	read_vector(&v, dir);
	checked = !is_other_variant(&v);
	if (checked) {
		print_message("%s\n", dir);
		r = to_sign(&v);
		who = (struct aws_identity){text_of(&v, "access_key_id"), text_of(&v, "secret_access_key"),
					    text_of(&v, "token")};
		assert_int_equal(aws_sign(&r, &who, NULL, &s), 0);
		assert_string_equal(buf_str(&s.canonical), slurp(dir, "header-canonical-request.txt"));
		assert_string_equal(buf_str(&s.string_to_sign), slurp(dir, "header-string-to-sign.txt"));
		assert_string_equal(s.signature, slurp(dir, "header-signature.txt"));
		aws_signed_free(&s);
	}
	buf_free(&v.text);
	cJSON_Delete(v.context);
	return checked;
}

static void test_vectors_of_aws(void **state)
{
	const char *root = getenv("VASTFS_VECTORS");
	char suite[512], dir[1024];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)state;
	snprintf(suite, sizeof(suite), "%s/" SUITE, root ? root : ".");
	d = opendir(suite);
	if (!d) {
		print_message("AWS's test suite is not in %s: set VASTFS_VECTORS\n", suite);
		skip();
	}
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", suite, entry->d_name);
		n += check_vector(dir);
	}
	closedir(d);
	assert_true(n >= 28);
}

static const char *const host[] = {"Host: lambda.eu-west-1.amazonaws.com", NULL};
static const struct aws_identity example = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

static struct aws_to_sign tags_request(void)
{
	return (struct aws_to_sign){.method = "GET",
				    .path = "/2017-03-31/tags/arn%3Aaws%3Alambda",
				    .query = "b=2&a=x%20y&a=%2F&c",
				    .headers = host,
				    .region = "eu-west-1",
				    .service = "lambda",
				    .wall_ms = INT64_C(1440938160000)};
}

static void test_paths_are_encoded_once_more_and_queries_sorted(void **state)
{
	struct aws_to_sign r = tags_request();
	struct aws_signed s;

	(void)state;
	assert_int_equal(aws_sign(&r, &example, NULL, &s), 0);
	assert_non_null(
		strstr(s.canonical.data, "GET\n/2017-03-31/tags/arn%253Aaws%253Alambda\na=%2F&a=x%20y&b=2&c=\n"));
	aws_signed_free(&s);
}

static void test_canonical_requests(void **state)
{
	static const struct {
		const char *path, *query, *begin;
	} cases[] = {
		{"", "", "GET\n/\n\nhost:"},
		{"/a/./b//c/", "", "GET\n/a/b/c/\n\nhost:"},
		{"/a/b/../c", "", "GET\n/a/c\n\nhost:"},
		{"/../..", "", "GET\n/\n\nhost:"},
		{"/a/..", "", "GET\n/\n\nhost:"},
		{"/a b", "", "GET\n/a%20b\n\nhost:"},
		{"/", "a=%2f&A=1", "GET\n/\nA=1&a=%2F\nhost:"},
		{"/", "a=%zz&b=%f", "GET\n/\na=%25zz&b=%25f\nhost:"},
		{"/", "&&a&", "GET\n/\na=\nhost:"},
	};
	struct aws_to_sign r = tags_request();
	struct aws_signed s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		r.path = cases[i].path;
		r.query = cases[i].query;
		assert_int_equal(aws_sign(&r, &example, NULL, &s), 0);
		if (strncmp(s.canonical.data, cases[i].begin, strlen(cases[i].begin)) != 0)
			fail_msg("%s?%s gives %s", r.path, r.query, s.canonical.data);
		aws_signed_free(&s);
	}
}

static void test_headers_of_one_name_are_one_line(void **state)
{
	static const char *const headers[] = {"My-Header:  b  c ", "Host: x", "my-header: a", "Empty:", "None", NULL};
	struct aws_to_sign r = tags_request();
	struct aws_signed s;

	(void)state;
	r.headers = headers;
	assert_int_equal(aws_sign(&r, &example, NULL, &s), 0);
	assert_non_null(strstr(s.canonical.data, "\nempty:\nhost:x\nmy-header:b c,a\nnone:\nx-amz-date:"));
	assert_non_null(strstr(s.canonical.data, "\n\nempty;host;my-header;none;x-amz-date\n"));
	aws_signed_free(&s);
}

static void test_too_many_headers(void **state)
{
	const char *headers[42] = {NULL};
	struct aws_to_sign r = tags_request();
	struct aws_signed s;

	(void)state;
	for (size_t i = 0; i < 41; i++)
		headers[i] = "A: b";
	r.headers = headers;
	assert_int_equal(aws_sign(&r, &example, NULL, &s), -E2BIG);
	aws_signed_free(&s);
}

/* libcrypto can do without some of its allocations. */
static void sign_without_memory(const void *arg)
{
	static char right[AWS_SHA256_HEX];
	struct aws_key_cache cache = {0};
	struct aws_to_sign r = tags_request();
	struct aws_identity who = example;
	struct aws_signed s;
	int e;

	who.token = "token";
	r.path = "/a/../b/";
	e = aws_sign(&r, &who, arg ? &cache : NULL, &s);
	if (e != -ENOMEM || !failing_happened()) {
		if (!*right)
			memcpy(right, s.signature, sizeof(right));
		assert_int_equal(e, 0);
		assert_string_equal(s.signature, right);
		assert_non_null(
			strstr(s.headers.data, "X-Amz-Security-Token: token\nAuthorization: AWS4-HMAC-SHA256 "));
		assert_non_null(strstr(s.headers.data, right));
	}
	aws_signed_free(&s);
}

/* The reason why AWS refuses a request that is signed incompletely would be hard to find. */
static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(sign_without_memory, NULL) > 10);
	assert_true(failing_each(sign_without_memory, &example) > 10);
}

static void test_cached_keys_sign_alike(void **state)
{
	struct aws_key_cache cache = {0};
	struct aws_to_sign r = tags_request();
	struct aws_identity other = {"AKIDEXAMPLE", "another secret", ""};
	char first[AWS_SHA256_HEX];
	struct aws_signed s;

	(void)state;
	aws_sign(&r, &example, NULL, &s);
	memcpy(first, s.signature, sizeof(first));
	aws_signed_free(&s);
	for (int i = 0; i < 40; i++) {
		aws_sign(&r, i % 2 ? &other : &example, &cache, &s);
		assert_int_equal(strcmp(s.signature, first) == 0, i % 2 == 0);
		aws_signed_free(&s);
	}
	r.wall_ms += 86400000;
	aws_sign(&r, &example, &cache, &s);
	assert_string_not_equal(s.signature, first);
	aws_signed_free(&s);
	assert_int_equal(cache.next, 3);
	aws_key_cache_clear(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_of_aws),
		cmocka_unit_test(test_paths_are_encoded_once_more_and_queries_sorted),
		cmocka_unit_test(test_canonical_requests),
		cmocka_unit_test(test_headers_of_one_name_are_one_line),
		cmocka_unit_test(test_too_many_headers),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_cached_keys_sign_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
