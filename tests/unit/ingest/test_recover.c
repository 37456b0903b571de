/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests what the spool preserves: after a crash, without room, and when files are damaged or gone. */
#include "imports.h"

/* -- files that another program removed or damaged ------------------------------------------------------------- */

static void damage(struct fixture *f, const char *name, off_t at)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->spool, name);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	fputc('?', file);
	fclose(file);
}

static void test_a_batch_without_its_file_is_lost(void **state)
{
	static const struct {
		bool loaded, removed;
		const char *message;
	} rows[] = {
		{false, true, "batch 1 with 1 events is lost: another program removed "},
		{false, false, "batch 1 with 1 events is lost: "},
		{true, true, "batch 1 with 1 events was rejected: no"},
		{true, false, "batch 1 with 1 events was rejected: no"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import *imp = import_text(f, i + 1, "json", "{}\n");
		_buf_ struct buf got = BUF_INIT(ROOM);
		struct batch_group g;
		char name[64];

		assert_true(take(f, &g));
		if (rows[i].loaded)
			batch_group_load(f->in, &g, inflate_data, &got);
		snprintf(name, sizeof(name), "%010zu-000001.%s", i + 1, rows[i].loaded ? "sent" : "batch");
		if (rows[i].removed)
			run("rm %s/%s", f->spool, name);
		else
			damage(f, name, 10);
		if (rows[i].loaded)
			batch_reject(g.batches[0], 1, "no");
		else
			batch_group_load(f->in, &g, inflate_data, &got);
		assert_int_equal(g.n, rows[i].loaded);
		assert_memory_equal(error_of(imp).message, rows[i].message, strlen(rows[i].message));
		assert_int_equal(counts_of(imp).refused, 1);
		assert_int_equal(counts_of(imp).batches_in_flight, 0);
		assert_int_equal(f->ended, i + 1);
		import_unref(imp);
	}
}

/* The disk fails for a moment: the batch waits, and the next invocation takes it. */
static void test_a_batch_that_cannot_be_read_now_waits(void **state)
{
	struct fixture *f = *state;
	struct import *imp = import_text(f, 1, "json", "{}\n");
	_buf_ struct buf got = BUF_INIT(ROOM);
	struct batch_group g;

	run("mkdir %s/%s", f->spool, "0000000001-000001.sent");
	assert_true(take(f, &g));
	batch_group_load(f->in, &g, inflate_data, &got);
	assert_int_equal(g.n, 0);
	assert_int_equal(g.failure.errnum, -EISDIR);
	assert_int_equal(counts_of(imp).batches_waiting, 1);
	run("rmdir %s/%s", f->spool, "0000000001-000001.sent");
	assert_delivers(f, "{}\n|");
	import_unref(imp);
}

static void test_rejected_files_that_are_gone(void **state)
{
	struct fixture *f = *state;
	struct import *imp = import_text(f, 1, "json", "{\"b\":"), *again = begin(f, 2, "json", false);
	struct rejected *r = rejected_open(imp);
	char data[16];

	run("rm %s/%s", f->spool, "0000000001-000001.rejected");
	assert_int_equal(rejected_read(r, 0, data, 16), -EIO);
	rejected_close(r);
	assert_int_equal(import_retry(imp, again), 0);
	work(f);
	assert_non_null(strstr(error_of(again).message, "another program removed"));
	assert_int_equal(counts_of(imp).batches_rejected, 1);
	assert_int_equal(import_forget(imp), 0);
	assert_null(ingest_find(f->in, 1));
	import_unref(imp);
	import_unref(again);
}

/* -- no room --------------------------------------------------------------------------------------------------- */

static void test_a_writer_waits_for_room_in_the_spool(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "json", false);
	struct error err = {0};

	put(imp, "{}\n", 3);
	work(f);
	ingest_set_limit(f->in, 10);
	put(imp, "{\"a\":1}\n", 8);
	work(f);
	/* The first batch waits for its delivery, and the second write for room. */
	assert_int_equal(counts_of(imp).events, 1);
	assert_int_equal(counts_of(imp).batches_waiting, 1);
	assert_delivers(f, "{}\n|");
	ingest_set_limit(f->in, 1 << 20);
	imp->blocked_ms = 0;
	work(f);
	assert_delivers(f, "{\"a\":1}\n|");
	/* Nothing that could leave the spool fills it. */
	put(imp, "{\"b\":", 5);
	import_end(imp);
	work(f);
	import_unref(imp);
	imp = begin(f, 2, "json", false);
	ingest_set_limit(f->in, 10);
	put(imp, "{}\n", 3);
	work(f);
	assert_int_equal(import_write(imp, "{}\n", 3, &err), -ENOSPC);
	assert_non_null(strstr(err.message, "rejected events fill the spool"));
	assert_non_null(strstr(err.message, "0 events were accepted"));
	assert_non_null(strstr(err.remedy, "import_spool_limit"));
	import_unref(imp);
}

/* A write to the spool fails: the writer learns it, and what an fsync has accepted is delivered nevertheless. */
static void test_the_disk_fails(void **state)
{
	static const struct {
		const char *format, *first, *second, *blocked, *delivered;
	} rows[] = {
		{"json", "", "{}\n", ".new-%010zu-000001.batch", ""},
		{"json", "{}", "\n{}\n", ".new-%010zu-000001.batch", "{}|"},
		{"json", "{}\n{}", "\n{}\n", ".new-%010zu-000002.batch", "{}\n|{}|"},
		{"json", "", "{}", ".new-%010zu-000000.last-line", ""},
		{"csv", "type,a\nx,1", "\ntype,b\nx,2", ".new-%010zu-000001.batch", "type,a\nx,1|"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import *imp = begin(f, i + 1, rows[i].format, false);
		char name[64];

		put(imp, rows[i].first, strlen(rows[i].first));
		assert_int_equal(sync_import(f, imp), 0);
		snprintf(name, sizeof(name), rows[i].blocked, i + 1);
		run("mkdir %s/%s", f->spool, name);
		put(imp, rows[i].second, strlen(rows[i].second));
		assert_int_equal(sync_import(f, imp), -EISDIR);
		assert_int_equal(sync_import(f, imp), -EISDIR);
		assert_int_equal(import_write(imp, "x", 1, &(struct error){0}), -EISDIR);
		import_end(imp);
		work(f);
		assert_delivers(f, rows[i].delivered);
		assert_int_equal(f->ended, i + 1);
		import_unref(imp);
	}
}

/* -- after a crash --------------------------------------------------------------------------------------------- */

static struct job *make_job(const struct batch_facts *facts, void *arg)
{
	return arg ? NULL : job_new(JOB_IMPORT, facts->import, "import", NULL);
}

/* Mounts a copy of the spool as it is now. */
static void crash(struct fixture *f)
{
	run("cp -r %s %s", f->spool, f->crashed);
	open_spool(f, f->crashed);
	f->ended = 0;
	assert_int_equal(ingest_recover(f->in, make_job, NULL, &f->note), 0);
	assert_int_equal(f->note.errnum, 0);
}

static void recover_again(struct fixture *f)
{
	run("rm -rf %s%s", f->crashed, "");
	run("rm -rf %s%s", f->spool, "");
	open_spool(f, f->spool);
}

static void test_what_a_sync_accepted_survives_a_crash(void **state)
{
	static const struct {
		const char *format, *in, *delivered, *rejected;
		uint64_t events;
	} rows[] = {
		{"json", "{}\n{\"b\":1}", "{}\n|{\"b\":1}|", "", 2},
		{"json", "{}\n{\"b\":", "{}\n|", "{\"b\":", 2},
		{"csv", "a,b\n1,2\n3,4", "a,b\n1,2\n|a,b\n3,4|", "", 2},
		{"arrow", "any bytes", "any bytes|", "", 0},
		{"json", "{}\n", "{}\n|", "", 1},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import *imp = begin(f, 1, rows[i].format, false);

		put(imp, rows[i].in, strlen(rows[i].in));
		assert_int_equal(sync_import(f, imp), 0);
		import_unref(imp);
		crash(f);
		imp = ingest_find(f->in, 1);
		assert_non_null(imp);
		assert_true(counts_of(imp).is_recovered);
		assert_int_equal(counts_of(imp).events, rows[i].events);
		assert_rejected(imp, 16, rows[i].rejected);
		assert_int_equal(error_of(imp).errnum, *rows[i].rejected ? -EIO : 0);
		assert_delivers(f, rows[i].delivered);
		assert_int_equal(f->ended, 1);
		import_unref(imp);
		recover_again(f);
	}
}

/* vastfs is killed before it removes the last line that was followed by more data. */
static void test_a_last_line_that_was_replaced_is_not_delivered_twice(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "json", false);

	put(imp, "{\"a\"", 4);
	assert_int_equal(sync_import(f, imp), 0);
	run("cp %s/0000000001-000000.last-line %s/last-line", f->spool, f->dir);
	put(imp, ":1}\n{\"b\":2}\n", 12);
	assert_int_equal(sync_import(f, imp), 0);
	import_unref(imp);
	run("mv %s/last-line %s/0000000001-000000.last-line", f->dir, f->spool);
	crash(f);
	imp = ingest_find(f->in, 1);
	assert_int_equal(counts_of(imp).events, 2);
	assert_delivers(f, "{\"a\":1}\n{\"b\":2}\n|");
	assert_int_equal(counts_of(imp).delivered, 2);
	import_unref(imp);
}

/* One batch was delivered, one rejected, one was on its way, and one waited. */
static void test_the_states_of_batches_survive_a_crash(void **state)
{
	struct fixture *f = *state;
	struct import *imp = begin(f, 1, "csv", false);
	_buf_ struct buf got = BUF_INIT(ROOM);
	struct batch_group g[3];
	struct import_counts c;

	put(imp, "type,a\nx,1\ntype,b\nx,2\ntype,c\nx,3\ntype,d\nx,4\n", 44);
	assert_int_equal(sync_import(f, imp), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(take(f, &g[i]));
		batch_group_load(f->in, &g[i], inflate_data, &got);
	}
	batch_acknowledge(g[0].batches[0]);
	batch_reject(g[1].batches[0], 1, "no");
	import_unref(imp);
	crash(f);
	imp = ingest_find(f->in, 1);
	c = counts_of(imp);
	assert_int_equal(c.events, 4);
	assert_int_equal(c.delivered, 1);
	assert_int_equal(c.delivered_bytes, 4);
	assert_int_equal(c.rejected, 1);
	assert_int_equal(c.batches_waiting, 2);
	assert_string_equal(error_of(imp).message, "batch 2 was rejected: no");
	assert_rejected(imp, 16, "type,b\nx,2\n");
	assert_delivers(f, "type,c\nx,3\n|type,d\nx,4\n|");
	assert_int_equal(counts_of(imp).doubtful, 1);
	assert_string_equal(counts_of(imp).batches_doubtful, "3");
	assert_int_equal(f->ended, 1);
	import_unref(imp);
}

static void test_a_recovery_without_memory_is_an_error(void **state)
{
	struct fixture *f = *state;

	import_unref(import_text(f, 1, "json", "{}\n"));
	open_spool(f, f->spool);
	assert_int_equal(ingest_recover(f->in, make_job, f, &f->note), -ENOMEM);
}

int main(void)
{
#define IMPORT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		IMPORT_TEST(test_a_batch_without_its_file_is_lost),
		IMPORT_TEST(test_a_batch_that_cannot_be_read_now_waits),
		IMPORT_TEST(test_rejected_files_that_are_gone),
		IMPORT_TEST(test_a_writer_waits_for_room_in_the_spool),
		IMPORT_TEST(test_the_disk_fails),
		IMPORT_TEST(test_what_a_sync_accepted_survives_a_crash),
		IMPORT_TEST(test_a_last_line_that_was_replaced_is_not_delivered_twice),
		IMPORT_TEST(test_the_states_of_batches_survive_a_crash),
		IMPORT_TEST(test_a_recovery_without_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
