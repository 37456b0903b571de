/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/aws.h"
#include "aws/protocol/xml.h"
#include "aws/protocol/xml_repair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *xml, const char *json)
{
	cJSON *tree = NULL;
	char *text;

	assert_int_equal(aws_xml_parse(xml, strlen(xml), &tree), 0);
	text = cJSON_PrintUnformatted(tree);
	assert_string_equal(text, json);
	cJSON_free(text);
	cJSON_Delete(tree);
}

static void test_shapes(void **state)
{
	(void)state;
	check("<a/>", "{\"a\":\"\"}");
	check("<a> x &amp; &lt;y&gt; </a>", "{\"a\":\" x & <y> \"}");
	check("<a>\n <b>1</b>\n <c/>\n</a>", "{\"a\":{\"b\":\"1\",\"c\":\"\"}}");
	check("<a><l><item>1</item></l><m><member><k>v</k></member></m></a>",
	      "{\"a\":{\"l\":[\"1\"],\"m\":[{\"k\":\"v\"}]}}");
	check("<a><b>1</b><c>2</c><b>3</b><b>4</b></a>", "{\"a\":{\"c\":\"2\",\"b\":[\"1\",\"3\",\"4\"]}}");
	check("<a><item>1</item><b>2</b><item>3</item></a>", "{\"a\":{\"item\":[\"1\",\"3\"],\"b\":\"2\"}}");
	check("<a><l><item>1</item></l><l><item>2</item></l></a>", "{\"a\":{\"l\":[[\"1\"],[\"2\"]]}}");
}

static void test_empty_lists(void **state)
{
	(void)state;
	check("<a><vpcSet/><Stacks>\n </Stacks><Status/><Address/><Name/></a>",
	      "{\"a\":{\"vpcSet\":[],\"Stacks\":[],\"Status\":\"\",\"Address\":\"\",\"Name\":\"\"}}");
}

static int parse(const char *xml)
{
	cJSON *tree = NULL;
	int e = aws_xml_parse(xml, strlen(xml), &tree);

	cJSON_Delete(tree);
	return e;
}

static void test_garbage(void **state)
{
	(void)state;
	assert_int_equal(parse(""), -EBADMSG);
	assert_int_equal(parse("{}"), -EBADMSG);
	assert_int_equal(parse("<a><b></a>"), -EBADMSG);
	assert_int_equal(parse("<a>"), -EBADMSG);
	assert_int_equal(parse("<!DOCTYPE html><html/>"), -EBADMSG);
	assert_int_equal(parse("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), -EBADMSG);
}

static void test_too_long(void **state)
{
	size_t len = ((size_t)16 << 20) + 1;
	char *text = malloc(len);
	cJSON *tree = NULL;

	(void)state;
	memset(text, ' ', len);
	assert_int_equal(aws_xml_parse(text, len, &tree), -EFBIG);
	free(text);
}

static void repeat(struct buf *b, const char *text, int n)
{
	while (n--)
		buf_puts(b, text);
}

/* Reasons repeat texts of resources and users, which may contain characters that XML 1.0 cannot represent. */
static void test_characters_that_xml_cannot_have(void **state)
{
	static const char with_nul[] = "<a>x\0y</a>";
	cJSON *tree = NULL;

	(void)state;
	check("<a>one\x01two\x1b[0m</a>", "{\"a\":\"one\\\\x01two\\\\x1b[0m\"}");
	check("<a>&#1;&#x1F;&#0;&#xFFFF;&#x9;</a>", "{\"a\":\"\\\\x01\\\\x1f\\\\x00\\\\xffff\\t\"}");
	check("<a>\xff\xc3 gr\xc3\xbc\xc3\x9f \xed\xa0\x80</a>",
	      "{\"a\":\"\\\\xff\\\\xc3 gr\xc3\xbc\xc3\x9f \\\\xed\\\\xa0\\\\x80\"}");
	assert_int_equal(aws_xml_parse(with_nul, sizeof(with_nul) - 1, &tree), 0);
	assert_string_equal(aws_text(tree, "a"), "x\\x00y");
	cJSON_Delete(tree);
	assert_int_equal(aws_xml_parse("<a>\x01", 4, &tree), -EBADMSG);
	assert_int_equal(aws_xml_parse("<a>&#;&#x;&nothing;\xff</a>", 24, &tree), -EBADMSG);
}

static void test_references_that_xml_cannot_have(void **state)
{
	static const struct {
		const char *text, *repaired; /* NULL: unchanged */
	} cases[] = {
		{"&#xD800;", "\\xd800"},
		{"&#xDFFF;", "\\xdfff"},
		{"&#xD7FF;", NULL},
		{"&#xE000;", NULL},
		{"&#xFFFE;", "\\xfffe"},
		{"&#xFFFD;", NULL},
		{"&#x10000;", NULL},
		{"&#x10FFFF;", NULL},
		{"&#x110000;", "\\x110000"},
		{"&#31;", "\\x1f"},
		{"&#32;", NULL},
		{"&#10;", NULL},
		{"&#13;", NULL},
		{"&#12", NULL},
		{"&#1x;", NULL},
		{"&#0000000000001;", NULL},
		{"&#x0;", "\\x00"},
		{"&#1;&#2;", "\\x01\\x02"},
		{"&", NULL},
		{"a&b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_buf_ struct buf out = BUF_INIT(100);

		assert_int_equal(aws_xml_repair(cases[i].text, strlen(cases[i].text), &out), cases[i].repaired ? 1 : 0);
		assert_string_equal(buf_str(&out), cases[i].repaired ? cases[i].repaired : cases[i].text);
	}
}

static void test_bounds(void **state)
{
	_buf_ struct buf deep = BUF_INIT(1000000), wide = BUF_INIT(10000000);

	(void)state;
	repeat(&deep, "<a>", 100);
	repeat(&deep, "</a>", 100);
	assert_int_equal(parse(deep.data), -EFBIG);
	buf_puts(&wide, "<r>");
	repeat(&wide, "<a/>", 500001);
	buf_puts(&wide, "</r>");
	assert_int_equal(parse(wide.data), -EFBIG);
	buf_clear(&wide);
	buf_puts(&wide, "<r>");
	for (int i = 0; i < 1100; i++)
		buf_printf(&wide, "<a%d/>", i);
	buf_puts(&wide, "</r>");
	assert_int_equal(parse(wide.data), -EFBIG);
}

static void test_paths(void **state)
{
	cJSON *t = cJSON_Parse("{\"a\":[{\"b\":\"x\",\"n\":\"42\",\"m\":7,\"ab\":\"y\"}],\"e\":\"\"}");

	(void)state;
	assert_string_equal(aws_text(t, "a.0.b"), "x");
	assert_string_equal(aws_text(t, "a.0.ab"), "y");
	assert_string_equal(aws_text(t, "a.1.b"), "");
	assert_string_equal(aws_text(t, "a.b"), "");
	assert_string_equal(aws_text(t, "a.0.m"), "");
	assert_string_equal(aws_text(NULL, "a"), "");
	assert_true(aws_number(t, "a.0.n", -1) == 42);
	assert_true(aws_number(t, "a.0.m", -1) == 7);
	assert_true(aws_number(t, "a.0.b", -1) == -1);
	assert_true(aws_number(t, "e", -1) == -1);
	assert_ptr_equal(aws_at(t, ""), t);
	cJSON_Delete(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_empty_lists),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_characters_that_xml_cannot_have),
		cmocka_unit_test(test_references_that_xml_cannot_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
