/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/manifest.h"
#include "image/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect(const char *text, const char *host, const char *name, const char *tag, const char *digest)
{
	struct image_reference ref;
	struct error err = {0};

	assert_int_equal(image_reference_parse(text, &ref, &err), 0);
	assert_string_equal(ref.host, host);
	assert_string_equal(ref.name, name);
	assert_string_equal(ref.tag, tag);
	assert_string_equal(ref.digest, digest);
}

static void test_docker_hub_is_meant_without_a_registry(void **state)
{
	(void)state;
	expect("debian", "registry-1.docker.io", "library/debian", "latest", "");
	expect("tenzir/vast", "registry-1.docker.io", "tenzir/vast", "latest", "");
	expect("tenzir/vast:v2.0", "registry-1.docker.io", "tenzir/vast", "v2.0", "");
	expect("docker.io/debian", "registry-1.docker.io", "library/debian", "latest", "");
	expect("index.docker.io/a/b/c:1", "registry-1.docker.io", "a/b/c", "1", "");
	expect("Docker.IO/a/b", "registry-1.docker.io", "a/b", "latest", "");
	expect("debian:12_x.-", "registry-1.docker.io", "library/debian", "12_x.-", "");
}

static void test_other_registries_are_kept(void **state)
{
	(void)state;
	expect("ghcr.io/a/b", "ghcr.io", "a/b", "latest", "");
	expect("127.0.0.1:5000/x:y", "127.0.0.1:5000", "x", "y", "");
	expect("localhost/x", "localhost", "x", "latest", "");
	expect("localhost:5000/x@" DIGEST, "localhost:5000", "x", "", DIGEST);
	expect("[::1]:5000/x", "[::1]:5000", "x", "latest", "");
	expect("Host:5000/x", "host:5000", "x", "latest", "");
	expect("LocalHost/x", "localhost", "x", "latest", "");
	expect("a.b/c-d--e/f__g.h:T@" DIGEST, "a.b", "c-d--e/f__g.h", "T", DIGEST);
}

static void test_private_registries_of_aws_are_known(void **state)
{
	static const struct {
		const char *text;
		bool is_ecr;
		const char *region;
	} rows[] = {
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", true, "eu-west-1"},
		{"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a", true, "us-east-1"},
		{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a", true, "cn-north-1"},
		{"123456789012.dkr-ecr.eu-west-1.on.aws/a", true, "eu-west-1"},
		{"public.ecr.aws/a/b", false, ""},
		{"12345678901.dkr.ecr.eu-west-1.amazonaws.com/a", false, ""},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.org/a", false, ""},
		{"123456789012.dkr.ecr.eu.west.amazonaws.com/a", false, ""},
		{"x.123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", false, ""},
	};
	struct image_reference ref;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(image_reference_parse(rows[i].text, &ref, NULL), 0);
		assert_int_equal(ref.is_ecr, rows[i].is_ecr);
		assert_string_equal(ref.ecr_region, rows[i].region);
		assert_string_equal(ref.ecr_account, rows[i].is_ecr ? "123456789012" : "");
	}
}

static void test_what_is_no_reference_is_refused_in_words(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"A",
		"a b",
		"a:",
		"a:.x",
		"a:-x",
		"a:x y",
		"a@",
		"a@sha256:1",
		"a@sha512:" DIGEST,
		"/a",
		"a/",
		"a//b",
		"a..b",
		"a___b",
		"a._b",
		"-a",
		"a-",
		"https://a.b/c",
		"ghcr.io/",
		"a.b:x/c",
		"a.b:0/c",
		"a.b:70000/c",
		"a.b:/c",
		".b/c",
		"-a.b/c",
		"a..b.c/d",
		"[::1/c",
		"[]/c",
		"a/B",
		"ghcr.io/A/b",
		"Tenzir/vast",
		"user@localhost/x",
		"127.0.0.1@ghcr.io/x",
		"a@" DIGEST "0",
		"a:b:c",
		"a/../b",
		"a/b?c",
		"a\n/b",
		"a/%2e",
		"_a",
		&DIGEST[7],
	};
	struct image_reference ref;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		err = (struct error){0};
		if (image_reference_parse(wrong[i], &ref, &err) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
		assert_true(*err.message);
	}
}

static void test_length_has_an_end(void **state)
{
	char text[9000];
	struct image_reference ref;
	struct error err;

	(void)state;
	for (size_t len = 1; len < sizeof(text); len += 7) {
		memset(text, 'z', len);
		text[len] = '\0';
		assert_int_equal(image_reference_parse(text, &ref, &err), len < 255 - 27 ? 0 : -EINVAL);
		text[len / 2] = '/';
		text[len / 4] = '.';
		(void)image_reference_parse(text, &ref, &err);
		text[len / 2] = ':';
		(void)image_reference_parse(text, &ref, &err);
	}
}

static void test_a_tag_names_what_the_image_was_made_of(void **state)
{
	char a[64], b[64];

	(void)state;
	assert_int_equal(image_tag(DIGEST, "x86_64", DIGEST, a), 0);
	assert_int_equal(strlen(a), strlen("vastfs-") + 20);
	assert_int_equal(strspn(a + 7, "0123456789abcdef"), 20);
	assert_int_equal(image_tag(DIGEST, "x86_64", DIGEST, b), 0);
	assert_string_equal(a, b);
	assert_int_equal(image_tag(DIGEST, "arm64", DIGEST, b), 0);
	assert_string_not_equal(a, b);
}

static void test_a_digest_is_that_of_sha256sum(void **state)
{
	char digest[IMAGE_DIGEST_SIZE];

	(void)state;
	assert_int_equal(image_digest("abc", 3, digest), 0);
	assert_string_equal(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(image_digest_is_valid(digest));
	digest[10] = 'A';
	assert_false(image_digest_is_valid(digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_hub_is_meant_without_a_registry),
		cmocka_unit_test(test_other_registries_are_kept),
		cmocka_unit_test(test_private_registries_of_aws_are_known),
		cmocka_unit_test(test_what_is_no_reference_is_refused_in_words),
		cmocka_unit_test(test_length_has_an_end),
		cmocka_unit_test(test_a_tag_names_what_the_image_was_made_of),
		cmocka_unit_test(test_a_digest_is_that_of_sha256sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
