/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/images.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Expects these outdated images, as a comma-separated list in order. */
static void expect_outdated_after(const char *previous, const char *details, const char *current, const char *used,
				  const char *expected)
{
	cJSON *list = cJSON_Parse(details), *in_use = cJSON_Parse(used);
	cJSON *outdated = images_outdated(list, current, previous, in_use);
	const cJSON *item;
	char text[200] = "";

	assert_non_null(list);
	assert_non_null(outdated);
	cJSON_ArrayForEach (item, outdated)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s,", item->valuestring);
	assert_string_equal(text, expected);
	cJSON_Delete(list);
	cJSON_Delete(in_use);
	cJSON_Delete(outdated);
}

static void expect_outdated(const char *details, const char *current, const char *used, const char *expected)
{
	expect_outdated_after("", details, current, used, expected);
}

#define IMAGE(digest, pushed) \
	"{\"imageDigest\":\"" digest "\",\"imageTags\":[\"vastfs-1\"],\"imagePushedAt\":" #pushed "}"

static void test_outdated(void **state)
{
	static const char four[] = "[" IMAGE("a", 1) "," IMAGE("b", 4) "," IMAGE("c", 3) "," IMAGE("d", 2) "]";

	(void)state;
	expect_outdated("[]", "a", "[]", "");
	expect_outdated("[" IMAGE("a", 1) "]", "a", "[]", "");
	/* the newest of the other images is kept for a rollback */
	expect_outdated(four, "b", "[]", "a,d,");
	/* the same after a rollback to an old image */
	expect_outdated(four, "a", "[]", "c,d,");
	expect_outdated(four, "b", "[\"a\"]", "d,");
	expect_outdated(four, "b", "[\"a\",\"d\",\"\"]", "");
}

static void test_what_was_deployed_before_is_kept(void **state)
{
	static const char tied[] = "[" IMAGE("a", 1) "," IMAGE("b", 1) "," IMAGE("c", 1) "]";

	(void)state;
	expect_outdated_after("b", tied, "c", "[]", "a,");
	/* the previous image is the current one; the previous image was deleted */
	expect_outdated_after("c", tied, "c", "[]", "b,");
	expect_outdated_after("gone", tied, "c", "[]", "b,");
}

static void test_what_is_not_ours_stays(void **state)
{
	(void)state;
	expect_outdated("[{\"imageDigest\":\"x\",\"imageTags\":[\"latest\"]},{\"imageDigest\":\"y\"},"
			"{\"imageTags\":[\"vastfs-1\"]},{\"imageDigest\":\"z\",\"imageTags\":[7]},7]",
			"b", "[]", "");
}

static void test_digest_of_task(void **state)
{
	static const char *const rows[][2] = {
		{"{\"containers\":[{\"image\":\"r@sha256:1\",\"imageDigest\":\"sha256:2\"}]}", "sha256:2"},
		{"{\"containers\":[{\"image\":\"r@sha256:1\"}]}", "sha256:1"},
		{"{\"containers\":[{\"image\":\"r:latest\"}]}", ""},
		{"{\"containers\":[]}", ""},
		{"{}", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *task = cJSON_Parse(rows[i][0]);

		assert_string_equal(images_digest_of_task(task), rows[i][1]);
		cJSON_Delete(task);
	}
}

static void test_progress(void **state)
{
	char text[96], small[8];

	(void)state;
	assert_string_equal(images_progress(0, 500000000, 0, text, sizeof(text)), "0 of 500 MB");
	assert_string_equal(images_progress(100000000, 500000000, 2500, text, sizeof(text)),
			    "100 of 500 MB, 40.0 MB/s, 10 s left");
	assert_string_equal(images_progress(500000000, 500000000, 2500, text, sizeof(text)),
			    "500 of 500 MB, 200.0 MB/s");
	assert_string_equal(images_progress(500000000, 500000000, 2500, small, sizeof(small)), "500 of ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outdated),
		cmocka_unit_test(test_what_was_deployed_before_is_kept),
		cmocka_unit_test(test_what_is_not_ours_stays),
		cmocka_unit_test(test_digest_of_task),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
