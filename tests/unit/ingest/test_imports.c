/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests imports from the bytes of a writer to the batches of an invocation, and what its result does to them. */
#include "imports.h"

/* -- writers --------------------------------------------------------------------------------------------------- */

static void test_the_bytes_of_a_writer_become_batches(void **state)
{
	static const struct {
		const char *format, *in, *delivered, *rejected, *message;
		unsigned events, refused;
	} rows[] = {
		{"json", "", "", "", "", 0, 0},
		{"json", "{\"a\":1}\n{\"b\":2}", "{\"a\":1}\n{\"b\":2}\n|", "", "", 2, 0},
		{"json", "{\"a\":1}\n{\"b\":", "{\"a\":1}\n|",
		 "{\"b\":", "line 2 was rejected: the last line is incomplete", 2, 0},
		{"csv", "type,b\nx,2\ntype,c\ny,4\n5", "type,b\nx,2\n|type,c\ny,4\n|", "type,c\n5",
		 "line 5 was rejected: the last line is incomplete", 3, 0},
		{"csv", "a,b\n", "", "", "", 0, 0},
		{"arrow", "any bytes", "any bytes|", "", "", 0, 0},
		{"json", "\xff\xfe{}", "", "", "the events are UTF-16 or binary, not UTF-8 text", 0, 0},
		{"pcap", "not a packet capture, is it?", "", "", NULL, 0, 0},
		/* A member of gzip with "{}\n", whose checksum is damaged; and one that is cut short. */
		{"json", "\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x03\xab\xae\xe5\x02", "{}\n|", "", NULL, 1, 0},
		{"json", "\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x03\xff\xff\xff\xff", "", "", NULL, 0, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import *imp = import_text(f, i + 1, rows[i].format, rows[i].in);
		struct import_counts c;
		struct error err;

		assert_delivers(f, rows[i].delivered);
		assert_rejected(imp, 1, rows[i].rejected);
		c = counts_of(imp);
		err = error_of(imp);
		assert_int_equal(c.events, rows[i].events);
		assert_int_equal(c.delivered + c.rejected, rows[i].events);
		assert_int_equal(c.refused, rows[i].refused);
		assert_int_equal(f->ended, i + 1);
		if (rows[i].message)
			assert_string_equal(err.message, rows[i].message);
		else
			assert_true(error_is(&err));
		import_unref(imp);
	}
}

/* A script that waits until no import is under way finds the result of the last one, and the other way round. */
static void test_an_import_is_under_way_until_its_job_has_ended(void **state)
{
	static const char *const texts[] = {"{\"a\":1}\n", "{\"a\":", ""};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct import *imp = import_text(f, i + 1, "json", texts[i]);

		assert_delivers(f, i == 0 ? "{\"a\":1}\n|" : "");
		assert_int_equal(f->ended, i + 1);
		assert_int_equal(f->under_way, 1);
		assert_int_equal(f->still_under_way, 0);
		import_unref(imp);
	}
}

/* Events that were not inspected before the error was found are not accepted later. */
static void test_after_an_error_in_the_content_a_write_fails(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "json", false);
	struct error err = {0};

	put(imp, "\xff\xfe{}", 4);
	put(imp, "{}\n", 3);
	work(f);
	assert_int_equal(import_write(imp, "{}\n", 3, &err), -EINVAL);
	assert_non_null(strstr(err.remedy, "iconv"));
	assert_true(import_is_writable(imp));
	assert_int_equal(sync_import(f, imp), -EINVAL);
	assert_non_null(strstr(f->sync_message, "UTF-16"));
	import_end(imp);
	work(f);
	assert_int_equal(counts_of(imp).events, 0);
	assert_int_equal(f->ended, 1);
	import_unref(imp);
}

/* One write of so many megabytes, which do not compress well if they are noise. The writer is too far ahead then. */
static void put_long_line(struct import *imp, size_t megabytes, bool noise)
{
	size_t len = megabytes << 20;
	char *data = malloc(len);
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = noise ? (char)('0' + (x >> 24) % 64) : 'x';
	}
	assert_true(import_is_writable(imp));
	put(imp, data, len);
	assert_false(import_is_writable(imp));
	assert_int_equal(import_write(imp, "x", 1, &(struct error){0}), -EAGAIN);
	free(data);
}

/* A line above 4 MB is kept for the user if it fits into a batch, else it is counted. The lines around it are events.
 */
static void test_lines_that_are_too_long(void **state)
{
	static const struct {
		size_t megabytes;
		bool noise, ends;
		const char *message;
		uint64_t refused, rejected, delivered;
	} rows[] = {
		{5, false, true, "line 2 was rejected: a line of more than 4 MB", 0, 1, 2},
		{5, false, false, "line 2 was rejected: a line of more than 4 MB", 0, 1, 1},
		{7, true, true, "line 2 was rejected and not kept: it is larger than one invocation takes", 1, 0, 2},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import *imp = begin(f, i + 1, "suricata", false);
		struct import_counts c;

		put(imp, "{\"a\":1}\n", 8);
		work(f);
		put_long_line(imp, rows[i].megabytes, rows[i].noise);
		assert_int_equal(sync_import(f, imp), 0);
		if (rows[i].ends)
			put(imp, "\n{\"a\":3}\n", 9);
		import_end(imp);
		work(f);
		assert_delivers(f, rows[i].ends ? "{\"a\":1}\n{\"a\":3}\n|" : "{\"a\":1}\n|");
		c = counts_of(imp);
		assert_string_equal(error_of(imp).message, rows[i].message);
		assert_int_equal(c.refused, rows[i].refused);
		assert_int_equal(c.rejected, rows[i].rejected);
		assert_int_equal(c.delivered, rows[i].delivered);
		assert_int_equal(rejected_size(imp), rows[i].rejected ? (rows[i].megabytes << 20) + rows[i].ends : 0);
		import_unref(imp);
	}
}

static void test_a_stream_that_cannot_be_cut_fits_into_a_batch_or_is_refused(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "arrow", false);
	struct batch_group g;
	struct error err;

	put(imp, "abc", 3);
	assert_int_equal(import_sync(imp, on_synced, f), 0);
	put_long_line(imp, 7, true);
	import_end(imp);
	work(f);
	assert_int_equal(f->synced, 0);
	err = error_of(imp);
	assert_int_equal(err.errnum, -EFBIG);
	assert_non_null(strstr(err.message, "does not know where to cut arrow"));
	assert_false(take(f, &g));
	assert_int_equal(counts_of(imp).bytes, 0);
	assert_int_equal(spool_bytes(f->in->spool), 0);
	import_unref(imp);
}

/* While many imports are open, their batches are small, and so is the memory that they take. */
static void test_many_writers_make_small_batches(void **state)
{
	struct fixture *f = *state;
	struct import *all[12];
	_buf_ struct buf lines = BUF_INIT(ROOM);
	uint32_t x = 1;

	while (lines.len < 400 << 10) {
		x = x * 1664525 + 1013904223;
		buf_printf(&lines, "{\"n\":%" PRIu32 ",\"m\":%" PRIu32 "}\n", x, x ^ 0x5a5a5a5a);
	}
	for (size_t i = 0; i < 12; i++) {
		all[i] = begin(f, i + 1, "json", false);
		put(all[i], "{}\n", 3);
	}
	put(all[0], lines.data, lines.len);
	put(all[0], lines.data, lines.len);
	work(f);
	assert_true(counts_of(all[0]).batches > 1);
	for (size_t i = 0; i < 12; i++)
		import_unref(all[i]);
}

/* -- groups and results ---------------------------------------------------------------------------------------- */

static void test_small_batches_of_one_format_share_an_invocation(void **state)
{
	struct fixture *f = *state;
	char prod[] = "vast-prod";
	struct take_rules rules = {any_place, prod, true};
	struct batch_group g;

	import_unref(import_text(f, 1, "json", "{\"i\":1}\n"));
	import_unref(import_text(f, 2, "csv", "a\n1\n"));
	import_unref(import_text(f, 3, "json", "{\"i\":3}\n"));
	import_unref(import_text(f, 4, "suricata", "{\"i\":4}\n"));
	import_unref(import_text(f, 104, "json", "{\"i\":104}\n"));
	/* The csv does not wait, because nothing can join it. */
	assert_true(ingest_take(f->in, &rules, &g));
	assert_int_equal(g.n, 1);
	assert_false(batch_group_is_small(&g));
	assert_string_equal(import_format(batch_import(g.batches[0])), "csv");
	batch_put_back(g.batches[0], false);
	rules.delay_small = false;
	assert_true(ingest_take(f->in, &rules, &g));
	assert_int_equal(g.n, 2);
	assert_true(batch_group_is_small(&g));
	batch_put_back(g.batches[0], false);
	batch_put_back(g.batches[1], false);
	assert_delivers(f, "{\"i\":1}\n{\"i\":3}\n{\"i\":104}\n|{\"i\":4}\n|a\n1\n|");
}

static void test_a_full_group_does_not_wait(void **state)
{
	struct fixture *f = *state;
	struct take_rules rules = {any_place, NULL, true};
	struct ingest_totals totals;
	struct batch_group g;

	for (uint64_t i = 1; i <= BATCH_GROUP_MAX + 1; i++)
		import_unref(import_text(f, i, "json", "{}\n"));
	assert_true(ingest_take(f->in, &rules, &g));
	assert_int_equal(g.n, BATCH_GROUP_MAX);
	for (size_t i = 0; i < g.n; i++)
		batch_acknowledge(g.batches[i]);
	assert_false(ingest_take(f->in, &rules, &g));
	ingest_totals(f->in, &totals);
	assert_int_equal(totals.imports, 1);
	assert_int_equal(totals.delivered, BATCH_GROUP_MAX);
	assert_int_equal(totals.events_waiting, 1);
	assert_int_equal(totals.bytes_waiting, 3);
}

static void test_an_ordered_import_has_one_batch_in_flight(void **state)
{
	struct fixture *f = *state;
	struct batch_group g, second;

	for (int ordered = 0; ordered < 2; ordered++) {
		struct import *imp = begin(f, (uint64_t)ordered + 1, "csv", ordered);

		put(imp, "type,a\nx,1\n", 11);
		put(imp, "type,b\nx,2\n", 11);
		import_end(imp);
		work(f);
		assert_true(take(f, &g));
		assert_int_equal(batch_index(g.batches[0]), 1);
		assert_int_equal(take(f, &second), !ordered);
		if (!ordered)
			batch_put_back(second.batches[0], false);
		batch_put_back(g.batches[0], false);
		assert_delivers(f, "type,a\nx,1\n|type,b\nx,2\n|");
		import_unref(imp);
	}
}

static void test_a_batch_that_was_doubtful_goes_alone(void **state)
{
	struct fixture *f = *state;
	struct import *imp = import_text(f, 1, "json", "{\"i\":1}\n"),
		      *other = import_text(f, 2, "json", "{\"i\":2}\n");
	struct batch_group g;

	assert_true(take(f, &g));
	assert_int_equal(g.n, 2);
	assert_int_equal(batch_attempts(g.batches[0]), 1);
	assert_int_equal(batch_contents(g.batches[0])->bytes, 8);
	batch_put_back_alone(g.batches[0], true);
	batch_put_back(g.batches[1], false);
	assert_delivers(f, "{\"i\":2}\n|{\"i\":1}\n|");
	assert_int_equal(counts_of(imp).doubtful, 1);
	assert_string_equal(counts_of(imp).batches_doubtful, "1");
	assert_int_equal(counts_of(other).doubtful, 0);
	import_unref(imp);
	import_unref(other);
}

/* The list of numbers ends with dots where it does not fit. */
static void test_many_doubtful_batches(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "csv", false);
	char text[64];

	for (int i = 0; i < 60; i++)
		put(imp, text, (size_t)snprintf(text, sizeof(text), "type,%d\nx,2\n", i));
	import_end(imp);
	work(f);
	for (int i = 0; i < 60; i++) {
		struct batch_group g;

		assert_true(take(f, &g));
		batch_put_back(g.batches[0], true);
		assert_true(take(f, &g));
		batch_acknowledge(g.batches[0]);
	}
	assert_int_equal(counts_of(imp).doubtful, 60);
	assert_memory_equal(counts_of(imp).batches_doubtful, "1 2 3 ", 6);
	assert_non_null(strstr(counts_of(imp).batches_doubtful, " ..."));
	assert_null(strstr(counts_of(imp).batches_doubtful, "... ..."));
	import_unref(imp);
}

/* A batch that the server rejects is kept, so that the user can read it, send it again or remove it. */
static void test_rejected_batches_are_read_sent_again_and_removed(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "csv", false), *again, *found;
	struct batch_group g;

	put(imp, "type,a\nx,1\ntype,b\nx,2\n", 22);
	import_end(imp);
	work(f);
	for (int i = 0; i < 2; i++) {
		assert_true(take(f, &g));
		batch_reject(g.batches[0], 3, "exit status 3: \"no\"");
	}
	assert_string_equal(error_of(imp).message, "batch 1 with 1 events was rejected: exit status 3: \"no\"");
	assert_int_equal(counts_of(imp).batches_rejected, 2);
	assert_int_equal(counts_of(imp).exit_code, 3);
	assert_int_equal(f->ended, 1);
	for (size_t piece = 1; piece < 30; piece++)
		assert_rejected(imp, piece, "type,a\nx,1\ntype,b\nx,2\n");

	again = begin(f, 2, "csv", true);
	assert_int_equal(import_retry(imp, again), 0);
	work(f);
	assert_rejected(imp, 8, "");
	assert_null(ingest_find(f->in, 1));
	found = ingest_find(f->in, 2);
	assert_ptr_equal(found, again);
	import_unref(found);
	assert_delivers(f, "type,a\nx,1\n|type,b\nx,2\n|");
	assert_int_equal(counts_of(again).delivered, 2);
	assert_int_equal(f->ended, 2);
	import_unref(again);
	import_unref(imp);

	imp = import_text(f, 3, "json", "{}");
	assert_true(take(f, &g));
	batch_reject(g.batches[0], 1, "no");
	found = ingest_find(f->in, 3);
	assert_ptr_equal(found, imp);
	import_unref(found);
	assert_int_equal(import_forget(imp), 0);
	assert_null(ingest_find(f->in, 3));
	assert_int_equal(spool_bytes(f->in->spool), 0);
	import_unref(imp);
}

/* An editor or a pager reads backwards, too. */
static void test_a_reader_of_rejected_batches_goes_back(void **state)
{
	struct fixture *f = *state;
	struct import *imp = import_text(f, 1, "json", "{\"a\":1}\n{\"b\":");
	struct rejected *r = rejected_open(imp);
	char data[16] = "";

	assert_int_equal(rejected_read(r, 3, data, 16), 2);
	assert_string_equal(data, "\":");
	assert_int_equal(rejected_read(r, 0, data, 3), 3);
	assert_memory_equal(data, "{\"b", 3);
	assert_int_equal(rejected_read(r, 5, data, 16), 0);
	assert_int_equal(rejected_read(r, 100, data, 16), 0);
	rejected_close(r);
	rejected_close(NULL);
	import_unref(imp);
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static void test_a_cancelled_import_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "csv", false);
	struct error err = {0};
	struct batch_group g;

	put(imp, "type,a\nx,1\ntype,b\nx,2\ntype,c\nx,3\n", 33);
	work(f);
	assert_true(take(f, &g));
	import_cancel(imp);
	assert_int_equal(f->ended, 0);
	assert_int_equal(import_write(imp, "x", 1, &err), -ECANCELED);
	batch_put_back(g.batches[0], true);
	assert_int_equal(f->ended, 1);
	assert_true(counts_of(imp).is_cancelled);
	assert_int_equal(spool_bytes(f->in->spool), 0);
	import_end(imp);
	work(f);
	assert_int_equal(f->ended, 1);
	import_unref(imp);
}

/* Then only the end that waits for the worker is left of the import. */
static void test_a_writer_that_closes_after_the_end_of_a_cancelled_import(void **state)
{
	for (int unmounted = 0; unmounted < 2; unmounted++) {
		struct fixture *f = *state;
		struct import *imp = begin(f, 1, "csv", false);
		unsigned before = f->ended;

		import_cancel(imp);
		assert_int_equal(f->ended, before + 1);
		import_end(imp);
		import_unref(imp);
		if (unmounted)
			open_spool(f, f->spool);
		work(f);
		assert_int_equal(f->ended, before + 1);
	}
}

/* The disk is full if a writer has too many bytes for it. Batches that leave make room, also if none has left yet. */
static void test_on_a_full_disk_a_writer_waits_while_room_comes(void **state)
{
	const size_t too_many = (size_t)1 << 60;
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "json", false);

	ingest_set_limit(f->in, UINT64_MAX);
	put(imp, "{\"a\":1}\n", 8);
	assert_int_equal(sync_import(f, imp), 0);
	assert_int_equal(intake_has_room(imp, too_many), 0);
	ingest_set_delivering(f->in, true, ingest_ready(f->in));
	assert_int_equal(intake_has_room(imp, too_many), 0);
	ingest_set_delivering(f->in, false, ingest_ready(f->in) - 1);
	assert_int_equal(intake_has_room(imp, too_many), 0);
	ingest_set_delivering(f->in, false, ingest_ready(f->in));
	assert_int_equal(intake_has_room(imp, 1), 1);
	assert_int_equal(intake_has_room(imp, too_many), -ENOSPC);
	assert_non_null(strstr(error_of(imp).message, "no space for more events: 1 events were accepted"));
	import_end(imp);
	work(f);
	assert_delivers(f, "{\"a\":1}\n|");
	import_unref(imp);
}

static void test_an_unmount_ends_a_sync(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "json", false);

	f->synced = 1;
	put(imp, "{}", 2);
	assert_int_equal(import_sync(imp, on_synced, f), 0);
	import_unref(imp);
	open_spool(f, f->spool);
	assert_int_equal(f->synced, -ECANCELED);
}

int main(void)
{
#define IMPORT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		IMPORT_TEST(test_the_bytes_of_a_writer_become_batches),
		IMPORT_TEST(test_an_import_is_under_way_until_its_job_has_ended),
		IMPORT_TEST(test_after_an_error_in_the_content_a_write_fails),
		IMPORT_TEST(test_lines_that_are_too_long),
		IMPORT_TEST(test_a_stream_that_cannot_be_cut_fits_into_a_batch_or_is_refused),
		IMPORT_TEST(test_many_writers_make_small_batches),
		IMPORT_TEST(test_small_batches_of_one_format_share_an_invocation),
		IMPORT_TEST(test_a_full_group_does_not_wait),
		IMPORT_TEST(test_an_ordered_import_has_one_batch_in_flight),
		IMPORT_TEST(test_a_batch_that_was_doubtful_goes_alone),
		IMPORT_TEST(test_many_doubtful_batches),
		IMPORT_TEST(test_rejected_batches_are_read_sent_again_and_removed),
		IMPORT_TEST(test_a_reader_of_rejected_batches_goes_back),
		IMPORT_TEST(test_a_cancelled_import_leaves_nothing),
		IMPORT_TEST(test_a_writer_that_closes_after_the_end_of_a_cancelled_import),
		IMPORT_TEST(test_on_a_full_disk_a_writer_waits_while_room_comes),
		IMPORT_TEST(test_an_unmount_ends_a_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
