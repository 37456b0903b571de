/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests which URLs a redirect may lead to, and which hosts may get credentials. */
#include "base/cleanup.h"
#include "image/url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_location_is_relative_to_the_request(void **state _unused_)
{
	static const char base[] = "https://r.example/v2/a/blobs/uploads/?_state=1";
	static const struct {
		const char *reference, *url; /* NULL: refused */
	} rows[] = {
		{"https://other.example/x?y=1", "https://other.example/x?y=1"},
		{"http://other.example/x", "http://other.example/x"},
		{"/v2/a/blobs/uploads/2", "https://r.example/v2/a/blobs/uploads/2"},
		{"3", "https://r.example/v2/a/blobs/uploads/3"},
		{"//other.example/x", "https://other.example/x"},
		{"?_state=2", "https://r.example/v2/a/blobs/uploads/?_state=2"},
		{"", NULL},
		{"file:///etc/shadow", NULL},
		{"gopher://other.example/", NULL},
		{"ftp://other.example/x", NULL},
		{"https://", NULL},
		{"https://other example/", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *url = NULL;

		assert_int_equal(image_url_resolve(base, rows[i].reference, &url), rows[i].url ? 0 : -EINVAL);
		if (rows[i].url)
			assert_string_equal(url, rows[i].url);
		else
			assert_null(url);
	}
}

static void test_a_base_that_is_no_url(void **state _unused_)
{
	char *url;

	assert_int_equal(image_url_resolve("", "/x", &url), -EINVAL);
	assert_null(url);
}

static void test_parameters_are_encoded(void **state _unused_)
{
	_free_ char *one = image_url_with("https://r.example/token", "service", "a b&c");
	_free_ char *two = image_url_with(one, "scope", "repository:a/b:pull");

	assert_string_equal(two, "https://r.example/token?service=a+b%26c&scope=repository%3aa%2fb%3apull");
	assert_null(image_url_with("", "a", "b"));
}

static void test_an_origin_is_scheme_host_and_port(void **state _unused_)
{
	static const struct {
		const char *a, *b;
		int same;
	} rows[] = {
		{"https://r.example/a", "https://R.example:443/b?c", 1},
		{"http://r.example", "http://r.example:80/", 1},
		{"https://r.example", "http://r.example", 0},
		{"https://r.example", "https://r.example:8443", 0},
		{"https://r.example", "https://r.example.evil.example", 0},
		{"https://r.example", "https://evil.example/r.example", 0},
		{"https://r.example", "", 0},
		{"", "https://r.example", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(image_url_same_origin(rows[i].a, rows[i].b), rows[i].same);
}

static void test_where_nobody_between_can_read(void **state _unused_)
{
	static const struct {
		const char *url;
		int is_private;
	} rows[] = {
		{"https://r.example", 1}, {"http://127.0.0.1:5000/x", 1},  {"http://localhost", 1},
		{"http://r.example", 0},  {"http://127.0.0.1.example", 0}, {"", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(image_url_is_private(rows[i].url), rows[i].is_private);
	assert_true(image_url_weakens("HTTPS://a", "http://a"));
	assert_false(image_url_weakens("https://a", "https://b"));
	assert_false(image_url_weakens("http://a", "http://b"));
	assert_false(image_url_weakens("http://a", "https://b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_location_is_relative_to_the_request),
		cmocka_unit_test(test_a_base_that_is_no_url),
		cmocka_unit_test(test_parameters_are_encoded),
		cmocka_unit_test(test_an_origin_is_scheme_host_and_port),
		cmocka_unit_test(test_where_nobody_between_can_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
