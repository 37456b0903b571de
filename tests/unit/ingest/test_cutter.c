/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the cutter: it emits the same units for pieces of any size. */
#include "ingest/cutter.h"
#include "ingest/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ROOM (16 << 20)

/*
 * The output of the cutter: events joined, headers among them in "<...>", and refused units as "NUMBER: REASON" lines.
 */
struct record {
	struct buf events, headers, refused, kept, oversized;
	uint64_t n, header_n;
};

static int record_events(const char *data, size_t len, uint64_t n, void *arg)
{
	struct record *r = arg;

	r->n += n;
	return buf_append(&r->events, data, len);
}

static int record_header(const char *data, size_t len, void *arg)
{
	struct record *r = arg;

	r->header_n++;
	buf_puts(&r->events, "<");
	buf_append(&r->events, data, len);
	buf_puts(&r->events, ">");
	buf_clear(&r->headers);
	return buf_append(&r->headers, data, len);
}

static int record_oversized(const char *data, size_t len, void *arg)
{
	return buf_append(&((struct record *)arg)->oversized, data, len);
}

static int record_refused(uint64_t number, const char *why, const char *data, size_t len, void *arg)
{
	struct record *r = arg;

	if (data)
		buf_append(&r->kept, data, len);
	return buf_printf(&r->refused, "%llu: %s\n", (unsigned long long)number, why);
}

static void record_init(struct record *r)
{
	*r = (struct record){0};
	buf_init(&r->events, ROOM);
	buf_init(&r->headers, ROOM);
	buf_init(&r->refused, ROOM);
	buf_init(&r->kept, ROOM);
	buf_init(&r->oversized, ROOM);
}

static void record_free(struct record *r)
{
	buf_free(&r->events);
	buf_free(&r->headers);
	buf_free(&r->refused);
	buf_free(&r->kept);
	buf_free(&r->oversized);
}

/* Feeds the data in pieces of this size; 0: all at once. */
static int cut(const char *format, const char *data, size_t len, size_t piece, struct record *ret, struct error *err)
{
	struct cutter_sink sink = {record_events, record_header, record_oversized, record_refused, ret};
	struct cutter c;
	int r = 0;

	record_init(ret);
	cutter_init(&c, format_cutter(format), &sink);
	for (size_t at = 0; at < len && r == 0; at += piece ? piece : len)
		r = cutter_feed(&c, data + at, piece && piece < len - at ? piece : len - at, err);
	if (r == 0)
		r = cutter_end(&c);
	cutter_free(&c);
	return r;
}

struct expectation {
	const char *format, *in, *events, *refused;
	unsigned n;
};

static const struct expectation expectations[] = {
	{"suricata", "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}\n", "", 2},
	{"suricata", "", "", "", 0},
	{"json", "{\"a\":1}\r\n\r\n{\"b\":2}\r\n", "{\"a\":1}\r\n\r\n{\"b\":2}\r\n", "", 2},
	/* the last line */
	{"json", "{\"a\":1}\n{\"b\":2}", "{\"a\":1}\n{\"b\":2}\n", "", 2},
	{"json", "{\"a\":1}\n{\"b\":", "{\"a\":1}\n", "2: the last line is incomplete\n", 1},
	{"json", "{\"a\":1}\n{\"b\":2} x", "{\"a\":1}\n", "2: the last line is incomplete\n", 1},
	{"syslog", "<1>a\n<2>b", "<1>a\n", "2: the last line is incomplete\n", 1},
	{"csv", "a,b\n1,2\n3,4", "<a,b\n>1,2\n3,4\n", "", 2},
	{"csv", "a,b\n1,2\n3", "<a,b\n>1,2\n", "3: the last line is incomplete\n", 1},
	{"csv", "a,b\n1,\"x,", "<a,b\n>", "2: the last line is incomplete\n", 0},
	/* headers */
	{"csv", "\na,b\n1,2\n", "\n<a,b\n>1,2\n", "", 1},
	{"csv", "a,b\n1,2\na,b\n3,4\n", "<a,b\n>1,2\n3,4\n", "", 2},
	{"csv", "type,b\nx,2\ntype,c,d\ny,4,5\n", "<type,b\n>x,2\n<type,c,d\n>y,4,5\n", "", 2},
	{"csv", "a,b\n1,\"x\ny\"\n2,\"\"\"\n\"\n", "<a,b\n>1,\"x\ny\"\n2,\"\"\"\n\"\n", "", 2},
	{"csv", "a,b\n", "<a,b\n>", "", 0},
	{"tsv", "a\tb\n1\t\"\n", "<a\tb\n>1\t\"\n", "", 1},
	{"zeek", "#separator \\x09\n#fields\ta\tb\nx\ty\n#close\t1\n",
	 "<#separator \\x09\n#fields\ta\tb\n>x\ty\n#close\t1\n", "", 1},
	{"zeek", "#separator \\x09\n#fields\ta\tb\nx\ty", "<#separator \\x09\n#fields\ta\tb\n>x\ty\n", "", 1},
	{"zeek", "#separator \\x09\n#fields\ta\tb\nx", "<#separator \\x09\n#fields\ta\tb\n>",
	 "3: the last line is incomplete\n", 0},
	{"zeek", "#separator \\x09\n#fields\ta\nx\n#separator \\x09\n#fields\tb\tc\ny\tz\n",
	 "<#separator \\x09\n#fields\ta\n>x\n<#separator \\x09\n#fields\tb\tc\n>y\tz\n", "", 2},
	{"zeek", "#separator \\x09\n#path\tdns\n#fields\ta\nx\n#fields\tb\ny\n",
	 "<#separator \\x09\n#path\tdns\n#fields\ta\n>x\n<#separator \\x09\n#path\tdns\n#fields\tb\n>y\n", "", 2},
	/* a format whose content is not inspected */
	{"arrow", "any\0thing", "any", "", 0},
};

static void test_what_leaves_does_not_depend_on_the_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *e = &expectations[i];

		for (size_t piece = 0; piece < 20; piece++) {
			struct record got;
			struct error err = {0};

			if (piece == 1 && format_cutter(e->format)->is_text)
				continue; /* the encoding is detected from two bytes: see cutter_feed's caller */
			assert_int_equal(cut(e->format, e->in, strlen(e->in), piece, &got, &err), 0);
			assert_string_equal(buf_str(&got.events), e->events);
			assert_string_equal(buf_str(&got.refused), e->refused);
			assert_int_equal(got.n, e->n);
			record_free(&got);
		}
	}
}

static void test_an_incomplete_last_line_is_kept(void **state)
{
	struct record got;
	struct error err = {0};

	(void)state;
	cut("json", "{}\n{\"b\":", 8, 0, &got, &err);
	assert_string_equal(buf_str(&got.kept), "{\"b\":");
	record_free(&got);
}

static void test_a_line_over_the_limit_is_refused_by_number_and_the_rest_goes_on(void **state)
{
	_buf_ struct buf in = BUF_INIT(ROOM);
	static const size_t pieces[] = {0, 4096, 1 << 20};

	(void)state;
	buf_puts(&in, "{\"a\":1}\n");
	for (size_t i = 0; i < 10 << 20; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\n{\"a\":3}\n");
	for (size_t i = 0; i < 3; i++) {
		struct record got;
		struct error err = {0};

		assert_int_equal(cut("suricata", in.data, in.len, pieces[i], &got, &err), 0);
		assert_string_equal(buf_str(&got.events), "{\"a\":1}\n{\"a\":3}\n");
		assert_string_equal(buf_str(&got.refused), "2: a line of more than 4 MB\n");
		assert_int_equal(got.n, 2);
		assert_int_equal(got.oversized.len, (10 << 20) + 1);
		assert_memory_equal(got.oversized.data, in.data + 8, got.oversized.len);
		record_free(&got);

		/* Without its end, the line is refused at the end of the stream. */
		assert_int_equal(cut("suricata", in.data, 8 + (5 << 20), pieces[i], &got, &err), 0);
		assert_string_equal(buf_str(&got.refused), "2: a line of more than 4 MB\n");
		assert_int_equal(got.oversized.len, 5 << 20);
		record_free(&got);
	}
}

static void test_a_header_over_the_limit_ends_the_stream(void **state)
{
	_buf_ struct buf in = BUF_INIT(ROOM);
	static const size_t pieces[] = {0, 4096};

	(void)state;
	for (size_t i = 0; i < 300 << 10; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, ",b\n1,2\n");
	for (size_t i = 0; i < 2; i++) {
		struct record got;
		struct error err = {0};

		assert_int_equal(cut("csv", in.data, in.len, pieces[i], &got, &err), -EBADMSG);
		assert_string_equal(err.message, "the header at line 1 has more than 256 KiB");
		assert_int_equal(got.n, 0);
		record_free(&got);
	}
}

static void test_the_engines_names_of_formats(void **state)
{
	char name[FORMAT_NAME_MAX + 1];

	(void)state;
	assert_string_equal(format_vast_name("zeek-tsv"), "zeek");
	assert_string_equal(format_vast_name("ndjson"), "json");
	assert_string_equal(format_vast_name("arrow-ipc.v1"), "arrow-ipc.v1");
	format_tenzir_name("zeek", name);
	assert_string_equal(name, "zeek_tsv");
	format_tenzir_name("arrow-ipc.v1", name);
	assert_string_equal(name, "arrow_ipc_v1");
}

static void test_utf16_is_refused_with_words(void **state)
{
	static const char *const streams[] = {"\xff\xfe{\0}\0", "\xfe\xff\0{\0}", "{\0}\0\n\0", "\0{\0}\0\n"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct record got;
		struct error err = {0};

		assert_int_equal(cut("suricata", streams[i], 6, 0, &got, &err), -EILSEQ);
		assert_non_null(strstr(err.message, "UTF-16"));
		assert_non_null(strstr(err.remedy, "iconv"));
		record_free(&got);
	}
}

/* -- pcap ------------------------------------------------------------------------------------------------------ */

static void put_u32(struct buf *b, uint32_t v, bool swapped)
{
	v = swapped ? __builtin_bswap32(v) : v;
	buf_append(b, &v, sizeof(v));
}

static void put_u16(struct buf *b, uint16_t v, bool swapped)
{
	v = swapped ? __builtin_bswap16(v) : v;
	buf_append(b, &v, sizeof(v));
}

static void put_header(struct buf *b, uint32_t magic, bool swapped, uint32_t link)
{
	put_u32(b, magic, swapped);
	put_u16(b, 2, swapped);
	put_u16(b, 4, swapped);
	put_u32(b, 0, swapped);
	put_u32(b, 0, swapped);
	put_u32(b, 262144, swapped);
	put_u32(b, link, swapped);
}

static void put_packet(struct buf *b, bool swapped, uint32_t len)
{
	put_u32(b, 1700000000, swapped);
	put_u32(b, 1, swapped);
	put_u32(b, len, swapped);
	put_u32(b, len, swapped);
	for (uint32_t i = 0; i < len; i++)
		buf_putc(b, (char)i);
}

static void test_pcap_is_cut_at_packets_in_both_byte_orders_and_with_nanoseconds(void **state)
{
	static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d};

	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		bool swapped = variant & 1;
		_buf_ struct buf in = BUF_INIT(ROOM);

		put_header(&in, magics[variant / 2], swapped, 1);
		for (uint32_t len = 0; len < 40; len++)
			put_packet(&in, swapped, len);
		for (size_t piece = 0; piece < 60; piece++) {
			struct record got;
			struct error err = {0};

			assert_int_equal(cut("pcap", in.data, in.len, piece, &got, &err), 0);
			assert_int_equal(got.n, 40);
			assert_int_equal(got.header_n, 1);
			assert_int_equal(got.headers.len, 24);
			assert_int_equal(got.events.len, in.len + 2);
			assert_memory_equal(got.events.data + 26, in.data + 24, in.len - 24);
			record_free(&got);
		}
	}
}

static void test_pcap_cut_in_a_packet(void **state)
{
	_buf_ struct buf in = BUF_INIT(ROOM);
	struct record got;
	struct error err = {0};

	(void)state;
	put_header(&in, 0xa1b2c3d4, false, 1);
	put_packet(&in, false, 100);
	put_packet(&in, false, 100);
	assert_int_equal(cut("pcap", in.data, in.len - 1, 0, &got, &err), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(buf_str(&got.refused), "2: the last packet is incomplete\n");
	assert_int_equal(got.kept.len, 115);
	record_free(&got);
}

static void test_pcap_files_one_behind_the_other(void **state)
{
	_buf_ struct buf in = BUF_INIT(ROOM);

	(void)state;
	put_header(&in, 0xa1b2c3d4, false, 1);
	put_packet(&in, false, 10);
	put_header(&in, 0xa1b2c3d4, false, 1);
	put_packet(&in, false, 11);
	put_header(&in, 0xa1b23c4d, true, 113);
	put_packet(&in, true, 12);
	for (size_t piece = 0; piece < 60; piece++) {
		struct record got;
		struct error err = {0};

		assert_int_equal(cut("pcap", in.data, in.len, piece, &got, &err), 0);
		assert_int_equal(got.n, 3);
		assert_int_equal(got.header_n, 2);
		record_free(&got);
	}
}

static void test_what_is_no_pcap_is_refused_with_words(void **state)
{
	struct record got;
	struct error err = {0};
	_buf_ struct buf in = BUF_INIT(ROOM);

	(void)state;
	assert_int_equal(cut("pcap", "{\"a\": 1, \"b\": 2}", 16, 0, &got, &err), -EBADMSG);
	assert_non_null(strstr(err.message, "global header"));
	record_free(&got);
	assert_int_equal(cut("pcap", "\x0a\x0d\x0d\x0a\0\0\0\x1c\x4d\x3c\x2b\x1a", 12, 0, &got, &err), -EBADMSG);
	assert_non_null(strstr(err.remedy, "editcap"));
	record_free(&got);

	put_header(&in, 0xa1b2c3d4, false, 1);
	put_packet(&in, false, 5);
	put_u32(&in, 0, false);
	put_u32(&in, 0, false);
	put_u32(&in, 0x7fffffff, false);
	put_u32(&in, 0, false);
	assert_int_equal(cut("pcap", in.data, in.len, 0, &got, &err), -EBADMSG);
	assert_non_null(strstr(err.message, "packet 2"));
	assert_int_equal(got.n, 1);
	record_free(&got);
}

static void test_names_of_formats(void **state)
{
	(void)state;
	assert_true(format_name_is_valid("suricata"));
	assert_true(format_name_is_valid("a.b_c-d9"));
	assert_false(format_name_is_valid(""));
	assert_false(format_name_is_valid(".swp"));
	assert_false(format_name_is_valid("-x"));
	assert_false(format_name_is_valid("Suricata"));
	assert_false(format_name_is_valid("a b"));
	assert_false(format_name_is_valid("a;b"));
	assert_false(format_name_is_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	for (size_t i = 0; i < formats_n; i++)
		assert_true(format_name_is_valid(formats[i].name));
	assert_ptr_equal(format_cutter("suricata"), &cutter_json);
	assert_ptr_equal(format_cutter("unheard-of"), &cutter_whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_leaves_does_not_depend_on_the_pieces),
		cmocka_unit_test(test_an_incomplete_last_line_is_kept),
		cmocka_unit_test(test_a_line_over_the_limit_is_refused_by_number_and_the_rest_goes_on),
		cmocka_unit_test(test_a_header_over_the_limit_ends_the_stream),
		cmocka_unit_test(test_the_engines_names_of_formats),
		cmocka_unit_test(test_utf16_is_refused_with_words),
		cmocka_unit_test(test_pcap_is_cut_at_packets_in_both_byte_orders_and_with_nanoseconds),
		cmocka_unit_test(test_pcap_cut_in_a_packet),
		cmocka_unit_test(test_pcap_files_one_behind_the_other),
		cmocka_unit_test(test_what_is_no_pcap_is_refused_with_words),
		cmocka_unit_test(test_names_of_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
