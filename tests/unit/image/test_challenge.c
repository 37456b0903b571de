/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/build.h"
#include "image/challenge.h"
#include "image/mirror.h"
#include "image/reference.h"
#include "image/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Expects the schemes of a list, one letter each: B is Basic, T is Bearer (token), - is another scheme. */
static void expect_schemes(const char *list, const char *letters)
{
	struct challenge c;
	char got[32] = "";
	size_t n = 0;

	while (n + 1 < sizeof(got) && challenge_next(&list, &c))
		got[n++] = "-BT"[c.scheme];
	got[n] = '\0';
	assert_string_equal(got, letters);
}

static void test_schemes_are_told_apart_from_parameters(void **state)
{
	(void)state;
	expect_schemes("", "");
	expect_schemes(" , ,", "");
	expect_schemes("Basic", "B");
	expect_schemes("basic realm=\"x\"", "B");
	expect_schemes("Basic realm=\"a, Bearer realm=b\"", "B");
	expect_schemes("Negotiate, Basic realm=\"x\"", "-B");
	expect_schemes("Negotiate YIIabc==, Basic realm=x", "-B");
	expect_schemes("Basic realm=\"x\", Bearer realm=\"https://t\",service=\"s\"", "BT");
	expect_schemes("Bearer realm=\"https://t\",service=\"s\",Basic realm=\"x\"", "TB");
	expect_schemes("Digest qop=\"auth,auth-int\", algorithm=MD5, NTLM, BEARER realm = https://t", "--T");
	expect_schemes("Bearer", "-");
	expect_schemes("Bearer service=\"s\"", "-");
	expect_schemes("BasicX realm=y, Bearerx realm=z", "--");
	expect_schemes("Basic realm=\"not closed, Bearer realm=x", "B");
}

static void test_parameters_lose_quotes_only(void **state)
{
	const char *list =
		"NTLM,Bearer realm=\"https://t/?a=1,2\" , Service=\"a \\\"b\\\"\",scope=repository:a/b:pull,error=x";
	struct challenge c;
	char long_list[3000];

	(void)state;
	assert_true(challenge_next(&list, &c));
	assert_true(challenge_next(&list, &c));
	assert_string_equal(c.realm, "https://t/?a=1,2");
	assert_string_equal(c.service, "a \"b\"");
	assert_string_equal(c.scope, "repository:a/b:pull");
	assert_false(challenge_next(&list, &c));
	/* A truncated realm would be a different realm. */
	memset(long_list, 'x', sizeof(long_list));
	memcpy(long_list, "Bearer realm=https://", strlen("Bearer realm=https://"));
	long_list[sizeof(long_list) - 1] = '\0';
	expect_schemes(long_list, "-");
}

static void expect_place(const char *mirror, enum mirror_kind asked, enum mirror_kind kind, const char *base,
			 const char *name)
{
	struct image_place p;
	struct error err = {0};
	int r = mirror_place(mirror, "tenzir/vast", asked, &p, &err);

	if (r < 0)
		fail_msg("%s", err.message);
	assert_int_equal(r, kind);
	assert_string_equal(p.base, base);
	assert_string_equal(p.name, name);
	image_place_free(&p);
}

static void test_a_mirror_may_be_below_a_path(void **state)
{
	(void)state;
	expect_place("https://m", MIRROR_UNSURE, MIRROR_PLAIN, "https://m", "tenzir/vast");
	expect_place("http://m:5000//", MIRROR_UNSURE, MIRROR_PLAIN, "http://m:5000", "tenzir/vast");
	expect_place("https://m/v2/", MIRROR_UNSURE, MIRROR_PLAIN, "https://m", "tenzir/vast");
	expect_place("https://m/a/v2", MIRROR_UNSURE, MIRROR_PLAIN, "https://m/a", "tenzir/vast");
	expect_place("https://m/v2/hub/", MIRROR_UNSURE, MIRROR_OF_SEVERAL, "https://m", "hub/tenzir/vast");
	expect_place("https://m/a/b/", MIRROR_UNSURE, MIRROR_UNSURE, "https://m/a/b", "tenzir/vast");
	expect_place("https://m/a/b/", MIRROR_OF_SEVERAL, MIRROR_OF_SEVERAL, "https://m", "a/b/tenzir/vast");
}

static void test_a_mirror_is_a_url(void **state)
{
	static const char *const wrong[] = {"mirror.example",	   "ftp://m",	    "https://",	   "https:///x",
					    "https://u:hunter2@m", "https://m?x",   "https://m#x", " https://m",
					    "https://m\n",	   "https://m/\x01"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct image_place p;
		struct error err = {0};

		assert_int_equal(mirror_place(wrong[i], "x", MIRROR_UNSURE, &p, &err), -EINVAL);
		assert_non_null(strstr(err.message, "VASTFS_REGISTRY_MIRROR"));
		assert_null(strstr(err.message, "hunter2"));
		assert_true(*err.remedy);
	}
}

static void test_only_this_machine_is_spoken_to_in_the_clear(void **state)
{
	static const char *const here[] = {"localhost", "LOCALHOST:5000", "127.0.0.1",		 "127.255.0.9:1",
					   "[::1]",	"[::1]:5000",	  "[0:0:0:0:0:0:0:1]:80"};
	static const char *const elsewhere[] = {"localhost.example.org",
						"127.0.0.1.example.org",
						"127.example.org:5000",
						"xlocalhost",
						"128.0.0.1",
						"[::2]",
						"127.0.0.1x",
						"1127.0.0.1",
						""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(here); i++)
		assert_true(image_host_is_loopback(here[i]));
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		assert_false(image_host_is_loopback(elsewhere[i]));
	assert_true(image_url_is_private("http://127.0.0.1:5000/v2/"));
	assert_true(image_url_is_private("http://[::1]:5000"));
	assert_true(image_url_is_private("https://example.org"));
	assert_false(image_url_is_private("http://localhost.example.org/"));
	assert_false(image_url_is_private("http://127.0.0.1@example.org/"));
	assert_false(image_url_is_private("http://localhost:5000@example.org/"));
}

static void expect_ecr(const char *image, const char *endpoint, const char *account, const char *url)
{
	struct image_reference base;
	_free_ char *got = NULL;

	assert_int_equal(image_reference_parse(image, &base, NULL), 0);
	got = image_ecr_registry(&base, endpoint, account);
	assert_string_equal(got, url);
}

static void test_images_of_ecr_are_read_from_their_own_host(void **state)
{
	(void)state;
	expect_ecr("123456789012.dkr.ecr.eu-west-1.amazonaws.com/x",
		   "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012",
		   "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com");
	expect_ecr("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/x",
		   "https://123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012",
		   "https://123456789012.dkr.ecr-fips.us-east-1.amazonaws.com");
	expect_ecr("210987654321.dkr.ecr.us-east-1.amazonaws.com/x",
		   "https://123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012",
		   "https://210987654321.dkr.ecr.us-east-1.amazonaws.com");
	/* An emulator of AWS serves the images of the account at its own address, but not those of other accounts. */
	expect_ecr("123456789012.dkr.ecr.us-east-1.amazonaws.com/x", "http://127.0.0.1:4566", "123456789012",
		   "http://127.0.0.1:4566");
	expect_ecr("210987654321.dkr.ecr.us-east-1.amazonaws.com/x", "http://127.0.0.1:4566", "123456789012",
		   "https://210987654321.dkr.ecr.us-east-1.amazonaws.com");
	expect_ecr("123456789012.dkr.ecr.us-east-1.amazonaws.com/x", "", "123456789012",
		   "https://123456789012.dkr.ecr.us-east-1.amazonaws.com");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemes_are_told_apart_from_parameters),
		cmocka_unit_test(test_parameters_lose_quotes_only),
		cmocka_unit_test(test_a_mirror_may_be_below_a_path),
		cmocka_unit_test(test_a_mirror_is_a_url),
		cmocka_unit_test(test_only_this_machine_is_spoken_to_in_the_clear),
		cmocka_unit_test(test_images_of_ecr_are_read_from_their_own_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
