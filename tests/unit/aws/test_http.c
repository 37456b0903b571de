/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The memory ends with the text of the header, so that the sanitizers detect a read behind it. */
static struct http_reply reply_of(const char *text)
{
	size_t len = strlen(text);
	struct http_reply reply = {.header = {.len = len, .cap = len + 1, .max = len}};

	reply.header.data = malloc(len + 1);
	assert_non_null(reply.header.data);
	memcpy(reply.header.data, text, len + 1);
	return reply;
}

static void expect_header(const char *text, const char *name, const char *first, const char *all)
{
	struct http_reply reply = reply_of(text);
	char value[64];

	assert_string_equal(http_header(&reply, name, value, sizeof(value)), first);
	assert_string_equal(http_header_all(&reply, name, value, sizeof(value)), all);
	http_reply_free(&reply);
}

static void test_headers_are_found(void **state)
{
	(void)state;
	expect_header("", "a", "", "");
	expect_header("Date: x\nA: 1\nAB: 2\na: 3\n", "a", "1", " 1,  3");
	expect_header("A: 1\nB: 2", "b", "2", " 2");
	expect_header("A:", "a", "", "");
}

/* The header is in a larger buffer, followed by another header, which is not part of the reply. */
static void test_a_last_line_without_newline_ends_the_text(void **state)
{
	static char text[] = "A: 1\0B: 2\n";
	const struct http_reply reply = {
		.header = {.data = text, .len = strlen(text), .cap = sizeof(text), .max = sizeof(text)}};
	char value[64];

	(void)state;
	assert_string_equal(http_header(&reply, "b", value, sizeof(value)), "");
	assert_string_equal(http_header_all(&reply, "b", value, sizeof(value)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_are_found),
		cmocka_unit_test(test_a_last_line_without_newline_ends_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
