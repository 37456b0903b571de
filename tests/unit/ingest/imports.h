/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * imports.h - imports in a directory of their own, for tests: writers, deliveries without AWS, and readers.
 *
 * The worker runs only in work(): before it, bytes queue; after it, the test's thread does the work of the worker. So
 * nothing waits, and the results do not depend on the speed of the machine.
 */
#ifndef VASTFS_TEST_IMPORTS_H
#define VASTFS_TEST_IMPORTS_H

#include "ingest/gunzip.h"
#include "ingest/inside.h"

#include "base/file.h"

#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM (64 << 20)

struct fixture {
	char dir[64], spool[128], crashed[128];
	struct ingest *in;
	struct error note;
	unsigned changed, ended;
	unsigned under_way; /* imports under way when the last end was told, before and after the job had ended */
	unsigned still_under_way;
	int synced; /* result of the last sync; 1: it has not ended */
	char sync_message[1024];
};

static inline void on_changed(void *arg)
{
	__atomic_fetch_add(&((struct fixture *)arg)->changed, 1, __ATOMIC_SEQ_CST);
}

static inline void on_ended(struct import *imp, void *arg)
{
	struct fixture *f = arg;
	struct ingest_totals totals;

	ingest_totals(f->in, &totals);
	f->under_way = totals.imports;
	job_succeed(import_job(imp), NULL);
	ingest_totals(f->in, &totals);
	f->still_under_way = totals.imports;
	f->ended++;
}

static inline void open_spool(struct fixture *f, const char *directory)
{
	struct ingest_config config = {directory, on_changed, on_ended, f};

	ingest_free(f->in);
	f->note = (struct error){0};
	assert_int_equal(ingest_new(&config, &f->in, &f->note), 0);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/vastfs-imports-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->spool, sizeof(f->spool), "%s/spool", f->dir);
	snprintf(f->crashed, sizeof(f->crashed), "%s/crashed", f->dir);
	open_spool(f, f->spool);
	*state = f;
	return 0;
}

static inline void run(const char *format, const char *a, const char *b)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), format, a, b);
	assert_int_equal(system(command), 0);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	ingest_free(f->in);
	run("rm -rf %s%s", f->dir, "");
	free(f);
	return 0;
}

static inline struct import *begin(struct fixture *f, uint64_t number, const char *format, bool ordered)
{
	struct batch_facts facts = {.import = number, .created_ms = 1700000000000, .ordered = ordered};
	_cleanup_(job_unref_cleanup) struct job *j = job_new(JOB_IMPORT, number, "import", NULL);
	struct import *imp;

	snprintf(facts.format, sizeof(facts.format), "%s", format);
	snprintf(facts.place.stack, sizeof(facts.place.stack), "vast-%s", number < 100 ? "prod" : "test");
	imp = import_new(f->in, j, &facts);
	assert_non_null(imp);
	return imp;
}

static inline void put(struct import *imp, const char *data, size_t len)
{
	struct error err = {0};

	assert_int_equal(import_write(imp, data, len, &err), 0);
}

/* Lets the worker take in what is queued. */
static inline void work(struct fixture *f)
{
	assert_int_equal(ingest_start(f->in), 0);
	ingest_stop(f->in);
	f->in->stopping = false;
}

static inline struct import *import_text(struct fixture *f, uint64_t number, const char *format, const char *text)
{
	struct import *imp = begin(f, number, format, false);

	put(imp, text, strlen(text));
	import_end(imp);
	work(f);
	return imp;
}

static inline void on_synced(int result, const struct error *err, void *arg)
{
	struct fixture *f = arg;

	f->synced = result;
	snprintf(f->sync_message, sizeof(f->sync_message), "%s", err->message);
}

static inline int sync_import(struct fixture *f, struct import *imp)
{
	f->synced = 1;
	assert_int_equal(import_sync(imp, on_synced, f), 0);
	work(f);
	return f->synced;
}

static inline struct import_counts counts_of(struct import *imp)
{
	struct import_counts c;

	import_counts(imp, &c);
	return c;
}

static inline struct error error_of(struct import *imp)
{
	struct error err;

	import_error(imp, &err);
	return err;
}

/* -- delivery -------------------------------------------------------------------------------------------------- */

static inline bool any_place(const struct place *place, void *arg)
{
	return !arg || strcmp(place->stack, arg) == 0;
}

static inline bool take(struct fixture *f, struct batch_group *g)
{
	struct take_rules rules = {any_place, NULL, false};

	return ingest_take(f->in, &rules, g);
}

static inline int append_plain(const char *data, size_t len, void *arg)
{
	return buf_append(arg, data, len);
}

static inline void inflate_data(struct buf *data, void *arg)
{
	struct gunzip g;
	struct error err = {0};

	if (!data->len)
		return;
	gunzip_init(&g, append_plain, arg);
	assert_int_equal(gunzip_feed(&g, data->data, data->len, &err), 0);
	assert_int_equal(gunzip_end(&g, &err), 0);
	gunzip_free(&g);
}

/* The bytes that the commands of all invocations read, with a bar after each command. */
static inline void deliver_all(struct fixture *f, struct buf *out)
{
	struct batch_group g;

	while (take(f, &g)) {
		batch_group_load(f->in, &g, inflate_data, out);
		buf_puts(out, "|");
		for (size_t i = 0; i < g.n; i++)
			batch_acknowledge(g.batches[i]);
	}
}

static inline void assert_delivers(struct fixture *f, const char *want)
{
	_buf_ struct buf got = BUF_INIT(ROOM);

	deliver_all(f, &got);
	assert_string_equal(buf_str(&got), want);
}

/* What `cat rejected` shows, read in pieces of this size. */
static inline void assert_rejected(struct import *imp, size_t piece, const char *want)
{
	struct rejected *r = rejected_open(imp);
	_buf_ struct buf got = BUF_INIT(ROOM);
	char data[64];
	ssize_t n;

	while ((n = rejected_read(r, got.len, data, piece)) > 0)
		buf_append(&got, data, (size_t)n);
	assert_int_equal(n, 0);
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(rejected_size(imp), strlen(want));
	rejected_close(r);
}

#endif
