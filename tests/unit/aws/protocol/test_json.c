/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"
#include "aws/protocol/json.h"
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Expects that a JSON text represents these bytes. */
static void expect_bytes(const char *json, size_t json_len, const char *bytes, size_t len)
{
	_buf_ struct buf text = BUF_INIT(4096), raw = BUF_INIT(4096);
	cJSON *tree;

	buf_puts(&text, "{\"m\":\"");
	buf_append(&text, json, json_len);
	buf_puts(&text, "\"}");
	tree = aws_json_read(text.data, text.len);
	assert_non_null(tree);
	assert_int_equal(escape_raw(&raw, aws_text(tree, "m")), 0);
	assert_int_equal(raw.len, len);
	assert_memory_equal(buf_str(&raw), bytes, len);
	cJSON_Delete(tree);
}

#define EXPECT(json, bytes) expect_bytes(json, sizeof(json) - 1, bytes, sizeof(bytes) - 1)

static void test_every_character_is_there(void **state)
{
	(void)state;
	EXPECT("plain", "plain");
	EXPECT("one\\u0000two\\n", "one\0two\n");
	EXPECT("\\u0000", "\0");
	EXPECT("\\\\u0000", "\\u0000");
	EXPECT("\\u0001\\u001f\\u007f", "\x01\x1f\x7f");
	EXPECT("raw \x01\x02 and \0 and \xff\xfe", "raw \x01\x02 and \0 and \xff\xfe");
	EXPECT("\xc0\x80 \xc0\x81 \xc0", "\xc0\x80 \xc0\x81 \xc0");
	EXPECT("\\ud83d\\ude00", "\xf0\x9f\x98\x80");
	EXPECT("cut \\ud83d", "cut \xef\xbf\xbd");
	EXPECT("\\ude00\\ud83dx", "\xef\xbf\xbd\xef\xbf\xbdx");
	EXPECT("\\uD83D\\u0041", "\xef\xbf\xbd"
				 "A");
	EXPECT("\\\"\\u0000\\\"", "\"\0\"");
}

static void test_what_is_no_json_stays_none(void **state)
{
	static const char *const wrong[] = {"",	       "{\"a\":\"\\u00", "{\"a\":\"\\u0000", "{\"a\":\"\\",
					    "\\u0000", "{\"\\ud8"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_null(aws_json_read(wrong[i], strlen(wrong[i])));
}

static void test_what_is_printed_is_what_was_read(void **state)
{
	static const char text[] = "{\n\t\"a\":\t\"one\\u0000two \\u0001 \xc0\x80\"\n}\n";
	cJSON *tree = aws_json_read(text, sizeof(text) - 1);
	char *printed = aws_json_print(tree);

	(void)state;
	assert_string_equal(printed, text);
	free(printed);
	cJSON_Delete(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character_is_there),
		cmocka_unit_test(test_what_is_no_json_stays_none),
		cmocka_unit_test(test_what_is_printed_is_what_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
