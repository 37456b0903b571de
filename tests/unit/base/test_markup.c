/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests that text of any origin stays text: no element, no attribute, nothing that XML excludes.
 */
#include "base/markup.h"

#include <errno.h>
#include <expat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void assert_markup(const char *text, const char *expected)
{
	_buf_ struct buf out = BUF_INIT(4096);

	assert_int_equal(markup(&out, "%s", text), 0);
	assert_string_equal(buf_str(&out), expected);
}

static void text_has_no_markup(void **state _unused_)
{
	const char *volatile none = NULL; /* volatile: gcc -O3 warns of a format's NULL that it can see */

	assert_markup("plain, \xc3\xa4 and \xe6\x97\xa5", "plain, \xc3\xa4 and \xe6\x97\xa5");
	assert_markup("<a b=\"c\" d='e'>&amp;]]>", "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;]]&gt;");
	assert_markup("a\x01\n\x7f", "a\\x01\\n\\x7f");
	assert_markup("\xef\xbf\xbe|\xef\xbf\xbf", "\xef\xbf\xbd|\xef\xbf\xbd");
	assert_markup("\xff<", "\\xff&lt;");
	assert_markup(none, "");
	assert_markup("100%s", "100%s");
}

static void every_character_is_valid_xml(void **state _unused_)
{
	_buf_ struct buf out = BUF_INIT(1 << 20);
	XML_Parser parser = XML_ParserCreate("UTF-8");
	char text[3] = "";

	markup(&out, "<a b=\"");
	for (int round = 0; round < 2; round++) {
		for (unsigned c = 1; c < 0x10000; c++) {
			text[0] = (char)(c & 0xff);
			text[1] = (char)(c >> 8);
			markup(&out, "%s", text);
		}
		markup(&out, round ? "</a>" : "\">");
	}
	assert_int_equal(out.error, 0);
	assert_int_equal(XML_Parse(parser, out.data, (int)out.len, true), XML_STATUS_OK);
	XML_ParserFree(parser);
}

static void assert_cut(int columns, const char *text, const char *expected)
{
	_buf_ struct buf out = BUF_INIT(4096);

	assert_int_equal(markup(&out, "%.*s", columns, text), 0);
	assert_string_equal(buf_str(&out), expected);
}

static void a_cut_is_between_characters(void **state _unused_)
{
	assert_cut(5, "hello", "hello");
	assert_cut(5, "hello!", "hell\xe2\x80\xa6");
	assert_cut(4, "<<<<<", "&lt;&lt;&lt;\xe2\x80\xa6");
	assert_cut(4, "\xe6\x97\xa5\xe6\x97\xa5", "\xe6\x97\xa5\xe6\x97\xa5"); /* two wide characters */
	assert_cut(4, "\xe6\x97\xa5\xe6\x97\xa5!", "\xe6\x97\xa5\xe2\x80\xa6");
	assert_cut(4, "a\x01\x01", "a\xe2\x80\xa6"); /* not in the middle of an escape sequence */
	assert_cut(0, "a", "");
	assert_cut(-1, "a", "");
	assert_cut(3, "", "");
}

static void numbers_and_trusted_markup(void **state _unused_)
{
	_buf_ struct buf out = BUF_INIT(4096), small = BUF_INIT(8);

	assert_int_equal(markup(&out, "<a x=\"%d\" y=\"%u%%\">%s</a>", -3, 7u, "<"), 0);
	assert_string_equal(buf_str(&out), "<a x=\"-3\" y=\"7%\">&lt;</a>");
	assert_int_equal(markup(&small, "%s", "<<<<<"), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_no_markup),
		cmocka_unit_test(every_character_is_valid_xml),
		cmocka_unit_test(a_cut_is_between_characters),
		cmocka_unit_test(numbers_and_trusted_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
