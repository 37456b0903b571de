/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the files of the spool: stored batches are found again, and faults are reported with a message. */
#include "ingest/spool.h"

#include "base/file.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

struct fixture {
	char dir[64], spool[PATH_MAX];
	struct spool *s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error note = {0};

	snprintf(f->dir, sizeof(f->dir), "/tmp/vastfs-spool-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->spool, sizeof(f->spool), "%s/state/spool", f->dir);
	assert_int_equal(spool_open(f->spool, &f->s, &note), 0);
	assert_int_equal(note.errnum, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[PATH_MAX + 16];

	spool_close(f->s);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct batch_facts facts_of(uint64_t import, uint32_t index)
{
	struct batch_facts f = {.import = import,
				.index = index,
				.format = "suricata",
				.events = 7,
				.bytes = 700,
				.inflated = 702,
				.events_before = 14,
				.bytes_before = 1400,
				.created_ms = 1700000000123,
				.pid = 42,
				.uid = 1000,
				.ordered = true,
				.place = {.account = "123456789012", .region = "eu-west-1", .stack = "vast-\"x\""}};

	return f;
}

static void put(struct fixture *f, uint64_t import, uint32_t index, enum spool_state state, const char *data)
{
	struct batch_facts facts = facts_of(import, index);
	_buf_ struct buf b = BUF_INIT(1 << 20);
	struct error err = {0};

	buf_puts(&b, data);
	facts.is_last_line = state == SPOOL_LAST_LINE;
	assert_int_equal(spool_put(f->s, state, &facts, &b, &err), 0);
}

struct found {
	struct spool_file files[16];
	struct batch_facts facts[16];
	size_t n;
};

static int take(const struct spool_file *file, const struct batch_facts *facts, uint64_t size, void *arg)
{
	struct found *all = arg;

	assert_true(size > 0);
	all->files[all->n] = *file;
	all->facts[all->n++] = *facts;
	return 0;
}

/* Reads the spool as the next mount does. */
static struct found recover(struct fixture *f, struct error *note)
{
	struct found found = {0};

	spool_close(f->s);
	*note = (struct error){0};
	assert_int_equal(spool_open(f->spool, &f->s, note), 0);
	assert_int_equal(spool_recover(f->s, take, &found, note), 0);
	return found;
}

static void path_of(struct fixture *f, const char *name, char path[static PATH_MAX])
{
	assert_true(snprintf(path, PATH_MAX, "%.4000s/%s", f->spool, name) < PATH_MAX);
}

static void test_what_was_put_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct batch_facts want = facts_of(12, 2), got;
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct error note;
	struct found found;

	put(f, 12, 2, SPOOL_WAITING, "second");
	put(f, 12, 1, SPOOL_SENT, "first");
	put(f, 3, 1, SPOOL_REJECTED, "bad");
	put(f, 12, 3, SPOOL_LAST_LINE, "last");
	put(f, 12, 4, SPOOL_LAST_LINE, "last of all");
	found = recover(f, &note);
	assert_int_equal(note.errnum, 0);
	assert_int_equal(found.n, 4);
	assert_int_equal(found.files[0].import, 3);
	assert_int_equal(found.files[0].state, SPOOL_REJECTED);
	assert_int_equal(found.files[1].state, SPOOL_LAST_LINE);
	assert_int_equal(found.files[1].index, 4);
	assert_int_equal(found.files[2].state, SPOOL_SENT);
	assert_int_equal(found.files[3].index, 2);
	assert_memory_equal(&found.facts[3], &want, sizeof(want));
	assert_int_equal(spool_load(f->s, &found.files[3], &data, &got, &note), 0);
	assert_string_equal(buf_str(&data), "second");
	assert_memory_equal(&got, &want, sizeof(want));
}

static void test_bytes_and_removal(void **state)
{
	struct fixture *f = *state;
	struct spool_file file = {1, 1, SPOOL_WAITING};
	struct error err = {0};

	assert_int_equal(spool_bytes(f->s), 0);
	put(f, 1, 1, SPOOL_WAITING, "data");
	assert_true(spool_bytes(f->s) > 4);
	assert_int_equal(spool_room(f->s, 1 << 20, 100), SPOOL_HAS_ROOM);
	assert_int_equal(spool_room(f->s, 100, 1), SPOOL_AT_LIMIT);
	assert_int_equal(spool_sync_file(f->s, &file, &err), 0);
	assert_int_equal(spool_sync_names(f->s, &err), 0);
	assert_int_equal(spool_move(f->s, &file, SPOOL_SENT, &err), 0);
	assert_int_equal(spool_remove(f->s, &file, &err), 0);
	assert_int_equal(spool_remove(f->s, &file, &err), 0);
	assert_int_equal(spool_bytes(f->s), 0);
}

static void test_a_rejected_batch_keeps_its_reason(void **state)
{
	struct fixture *f = *state;
	struct spool_file file = {5, 1, SPOOL_SENT};
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct error note;
	struct found found;

	put(f, 5, 1, SPOOL_SENT, "events");
	assert_int_equal(spool_reject(f->s, &file, "exit status 1: \"no\"", &note), 0);
	found = recover(f, &note);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.files[0].state, SPOOL_REJECTED);
	assert_string_equal(found.facts[0].why, "exit status 1: \"no\"");
	assert_int_equal(spool_load(f->s, &found.files[0], &data, &found.facts[1], &note), 0);
	assert_string_equal(buf_str(&data), "events");
}

/* A crash while the reason is appended leaves the batch unchanged. */
static void test_an_appendix_that_was_cut_short_is_ignored(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	struct error note;
	struct stat st;
	off_t whole;

	put(f, 5, 1, SPOOL_SENT, "events");
	path_of(f, "0000000005-000001.sent", path);
	stat(path, &st);
	whole = st.st_size;
	assert_int_equal(spool_reject(f->s, &(struct spool_file){5, 1, SPOOL_SENT}, "why", &note), 0);
	path_of(f, "0000000005-000001.rejected", path);
	stat(path, &st);
	for (off_t size = st.st_size - 1; size >= whole; size -= 13) {
		struct found found;

		assert_int_equal(truncate(path, size), 0);
		found = recover(f, &note);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.facts[0].why, "");
	}
}

static void test_damage_is_told_and_set_aside(void **state)
{
	struct fixture *f = *state;
	struct spool_file file = {2, 1, SPOOL_WAITING};
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct batch_facts facts;
	char path[PATH_MAX];
	struct error note = {0};
	struct found found;
	int fd;

	put(f, 2, 1, SPOOL_WAITING, "some events");
	path_of(f, "0000000002-000001.batch", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "X", 1, 3), 1);
	assert_int_equal(spool_load(f->s, &file, &data, &facts, &note), -EBADMSG);
	assert_non_null(strstr(note.message, "damaged"));
	assert_int_equal(ftruncate(fd, 20), 0);
	close(fd);
	found = recover(f, &note);
	assert_int_equal(found.n, 0);
	assert_int_equal(note.errnum, -EBADMSG);
	assert_non_null(strstr(note.remedy, ".damaged"));
	path_of(f, "0000000002-000001.batch.damaged", path);
	assert_int_equal(access(path, F_OK), 0);
	found = recover(f, &note);
	assert_int_equal(note.errnum, 0);
}

/* spool_load() would not find it under its own name. */
static void test_a_name_in_another_spelling_is_no_batch(void **state)
{
	struct fixture *f = *state;
	char own[PATH_MAX], other[PATH_MAX];
	struct error note;
	struct found found;

	put(f, 2, 1, SPOOL_WAITING, "some events");
	path_of(f, "0000000002-000001.batch", own);
	path_of(f, "2-1.batch", other);
	assert_int_equal(link(own, other), 0);
	found = recover(f, &note);
	assert_int_equal(note.errnum, 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(access(other, F_OK), 0);
}

static void test_half_written_files_are_dropped(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	struct error note;
	struct found found;

	path_of(f, ".new-0000000002-000001.batch", path);
	assert_int_equal(file_write_atomically(path, "half", 4), 0);
	found = recover(f, &note);
	assert_int_equal(found.n, 0);
	assert_int_equal(note.errnum, 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_removed_directory_is_made_anew(void **state)
{
	struct fixture *f = *state;
	_buf_ struct buf data = BUF_INIT(1 << 20);
	char command[PATH_MAX + 16];
	struct batch_facts facts;
	struct error err = {0};

	put(f, 1, 1, SPOOL_WAITING, "gone");
	snprintf(command, sizeof(command), "rm -rf %s/state", f->dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(spool_load(f->s, &(struct spool_file){1, 1, SPOOL_WAITING}, &data, &facts, &err), -ENOENT);
	assert_non_null(strstr(err.message, "removed"));
	put(f, 2, 1, SPOOL_WAITING, "here");
	assert_int_equal(spool_load(f->s, &(struct spool_file){2, 1, SPOOL_WAITING}, &data, &facts, &err), 0);
}

static void test_a_newer_spool_is_left_alone(void **state)
{
	struct fixture *f = *state;
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct batch_facts facts = facts_of(3, 1);
	char path[PATH_MAX];
	struct error note, err = {0};
	struct found found;

	put(f, 1, 1, SPOOL_WAITING, "events");
	path_of(f, "format", path);
	assert_int_equal(file_write_atomically(path, "vastfs spool 2\n", 15), 0);
	found = recover(f, &note);
	assert_int_equal(found.n, 0);
	assert_int_equal(note.errnum, -EPROTO);
	assert_non_null(strstr(note.message, "newer"));
	assert_int_equal(spool_check_version(f->s, &err), -EPROTO);
	assert_int_equal(spool_put(f->s, SPOOL_WAITING, &facts, &data, &err), -EPROTO);
}

static void test_a_spool_that_cannot_be_made_says_so(void **state)
{
	struct fixture *f = *state;
	struct batch_facts facts = facts_of(3, 1);
	_buf_ struct buf data = BUF_INIT(1 << 20);
	char path[PATH_MAX];
	struct error note = {0}, err = {0};
	struct spool *s;

	path_of(f, "format/spool", path);
	assert_int_equal(spool_open(path, &s, &note), 0);
	assert_int_equal(note.errnum, -ENOTDIR);
	assert_int_equal(spool_put(s, SPOOL_WAITING, &facts, &data, &err), -ENOTDIR);
	assert_non_null(strstr(err.message, path));
	spool_close(s);
}

/* Computes the checksums of facts that were changed. */
static void spool_test_reseal(struct buf *file)
{
	uint8_t *footer = (uint8_t *)file->data + file->len - BATCH_FOOTER_SIZE;
	uint32_t facts = htole32((uint32_t)crc32(0, (const Bytef *)file->data, (uInt)file->len - BATCH_FOOTER_SIZE)),
		 own;

	memcpy(footer + 24, &facts, sizeof(facts));
	own = htole32((uint32_t)crc32(0, footer, 28));
	memcpy(footer + 28, &own, sizeof(own));
}

static void test_numbers_that_do_not_fit_are_none(void **state)
{
	struct batch_facts f = facts_of(1, 2), got;
	struct batch_sizes sizes = {0};
	_buf_ struct buf file = BUF_INIT(1 << 16);
	char *pid;

	(void)state;
	f.pid = 1111111111;
	f.uid = 1111111111;
	assert_int_equal(batch_seal(&f, &sizes, &file), 0);
	while ((pid = memmem(file.data, file.len, "1111111111", 10)))
		memcpy(pid, "9999999999", 10);
	spool_test_reseal(&file);
	assert_int_equal(batch_read(file.data, file.len, file.len, &got, &sizes), 0);
	assert_int_equal(got.pid, 0);
	assert_int_equal(got.uid, 0);
}

/* A file whose checksums are right, but whose facts another program has written. */
static void test_facts_that_are_none(void **state)
{
	static const struct {
		const char *facts;
		int r;
	} rows[] = {
		{"{\"import\":1,\"index\":1,\"format\":\"json\"}", 0},
		{"{\"import\":1,\"index\":1,\"format\":\"json\",\"place\":7,\"why\":[]}", 0},
		{"no JSON", -EBADMSG},
		{"[]", -EBADMSG},
		{"{\"import\":-1,\"index\":1,\"format\":\"json\"}", -EBADMSG},
		{"{\"import\":\"1\",\"index\":1,\"format\":\"json\"}", -EBADMSG},
		{"{\"import\":1,\"index\":5000000000,\"format\":\"json\"}", -EBADMSG},
		{"{\"import\":1,\"index\":1,\"format\":\"../x\"}", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct batch_facts f = facts_of(1, 2), got;
		struct batch_sizes sizes = {0};
		_buf_ struct buf sealed = BUF_INIT(1 << 16), file = BUF_INIT(1 << 16);
		uint32_t len = htole32((uint32_t)strlen(rows[i].facts));

		assert_int_equal(batch_seal(&f, &sizes, &sealed), 0);
		buf_puts(&file, rows[i].facts);
		buf_append(&file, sealed.data + sealed.len - BATCH_FOOTER_SIZE, BATCH_FOOTER_SIZE);
		memcpy(file.data + file.len - BATCH_FOOTER_SIZE + 16, &len, sizeof(len));
		spool_test_reseal(&file);
		assert_int_equal(batch_read(file.data, file.len, file.len, &got, &sizes), rows[i].r);
		/* The lengths in the footer exceed the file. */
		assert_int_equal(batch_read(file.data + 1, file.len - 1, file.len - 1, &got, &sizes), -EBADMSG);
	}
}

/* Another program removes files, or the directory: the spool does not seem to be full for ever. */
static void test_room_after_files_were_removed(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	put(f, 1, 1, SPOOL_WAITING, "some data");
	put(f, 1, 2, SPOOL_WAITING, "some data");
	assert_int_equal(spool_room(f->s, spool_bytes(f->s), 0), SPOOL_HAS_ROOM);
	path_of(f, "0000000001-000001.batch", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(spool_room(f->s, spool_bytes(f->s), 1), SPOOL_HAS_ROOM);
	assert_int_equal(spool_room(f->s, 1, 1), SPOOL_AT_LIMIT);
}

static int put_one(struct fixture *f, struct error *err)
{
	struct batch_facts facts = facts_of(1, 1);
	_buf_ struct buf data = BUF_INIT(1 << 20);

	buf_puts(&data, "some data");
	return spool_put(f->s, SPOOL_WAITING, &facts, &data, err);
}

static int reject_one(struct fixture *f, struct error *err)
{
	return spool_reject(f->s, &(struct spool_file){1, 1, SPOOL_SENT}, "no", err);
}

static int load_one(struct fixture *f, struct error *err)
{
	_buf_ struct buf data = BUF_INIT(4096);
	struct batch_facts facts;

	return spool_load(f->s, &(struct spool_file){1, 1, SPOOL_SENT}, &data, &facts, err);
}

static int move_one(struct fixture *f, struct error *err)
{
	return spool_move(f->s, &(struct spool_file){1, 1, SPOOL_SENT}, SPOOL_WAITING, err);
}

static int sync_one(struct fixture *f, struct error *err)
{
	return spool_sync_file(f->s, &(struct spool_file){1, 1, SPOOL_SENT}, err);
}

static int sync_all(struct fixture *f, struct error *err)
{
	return spool_sync_names(f->s, err);
}

static int remove_one(struct fixture *f, struct error *err)
{
	return spool_remove(f->s, &(struct spool_file){1, 1, SPOOL_SENT}, err);
}

/* Another program has put something else there, or taken the directory away. The batch in the spool stays as it was. */
static void test_faults_of_the_disk(void **state)
{
	static const struct {
		const char *before; /* a shell command in the directory of the spool */
		int (*run)(struct fixture *f, struct error *err);
		int r;
		const char *what;
		bool left; /* the batch can still be read afterwards */
	} rows[] = {
		{"mkdir .new-0000000001-000001.batch", put_one, -EISDIR, "cannot write to the spool", true},
		{"mkdir 0000000001-000001.batch", put_one, -EISDIR, "cannot write to the spool", true},
		{"mkdir 0000000001-000001.batch", move_one, -EISDIR, "cannot rename a file of the spool", true},
		{"mkdir 0000000001-000001.rejected", reject_one, -EISDIR, "cannot rename a file of the spool", true},
		{"rm *.sent", reject_one, -ENOENT, "another program removed", false},
		{"rm *.sent; mkdir 0000000001-000001.sent", load_one, -EISDIR, "cannot read the spool", false},
		{"rm *.sent; mkdir 0000000001-000001.sent", remove_one, -EISDIR, "cannot remove a file of the spool",
		 false},
		{"truncate -s 5000 *.sent", load_one, -EBADMSG, "is damaged", false},
		{"rm *.sent", sync_one, 0, "", false},
		{"cd ..; rm -r spool; touch spool", sync_one, -ENOTDIR, "cannot write to the spool", false},
		{"cd ..; rm -r spool; touch spool", sync_all, -ENOTDIR, "cannot write to the spool", false},
		{"cd ..; rm -r spool; touch spool", put_one, -ENOTDIR, "cannot write to the spool", false},
		{"cd ..; rm -r spool; touch spool", remove_one, -ENOTDIR, "cannot remove a file of the spool", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = *state;
		char command[PATH_MAX + 128];
		struct error err = {0};

		put(f, 1, 1, SPOOL_SENT, "data");
		snprintf(command, sizeof(command), "cd %s && %s", f->spool, rows[i].before);
		assert_int_equal(system(command), 0);
		assert_int_equal(rows[i].run(f, &err), rows[i].r);
		assert_non_null(strstr(err.message, rows[i].what));
		assert_int_equal(load_one(f, &err) == 0, rows[i].left);
		snprintf(command, sizeof(command), "rm -rf %s", f->spool);
		assert_int_equal(system(command), 0);
	}
}

/* A write ends in the middle. What was written is removed, so it does not hide the batch. */
static void test_a_write_that_fails_in_the_middle(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, low;
	struct error err = {0};
	char path[PATH_MAX];
	struct stat st;

	put(f, 1, 1, SPOOL_SENT, "data");
	path_of(f, "0000000001-000001.sent", path);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){(rlim_t)st.st_size + 20, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &low);
	assert_int_equal(reject_one(f, &err), -EFBIG);
	low.rlim_cur = 5;
	setrlimit(RLIMIT_FSIZE, &low);
	assert_int_equal(put_one(f, &err), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(err.message, "cannot write to the spool"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, spool_bytes(f->s));
	path_of(f, ".new-0000000001-000001.batch", path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(load_one(f, &err), 0);
}

/* The rights of another user. The superuser gives his up for a moment. */
static void test_a_spool_without_rights_names_them(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};

	put(f, 1, 1, SPOOL_SENT, "data");
	assert_int_equal(chmod(f->spool, 0), 0);
	setfsuid(65534);
	assert_int_equal(put_one(f, &err), -EACCES);
	setfsuid(geteuid());
	assert_int_equal(chmod(f->spool, 0700), 0);
	assert_non_null(strstr(err.remedy, "give the user who mounted the rights"));
}

/* What cannot be read at a mount is told, and the batches beside it are found. */
static void test_a_mount_passes_over_what_it_cannot_read(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	struct error note;
	struct found found;

	put(f, 1, 2, SPOOL_WAITING, "data");
	path_of(f, "0000000001-000001.batch", path);
	assert_int_equal(mkdir(path, 0700), 0);
	found = recover(f, &note);
	assert_int_equal(found.n, 1);
	assert_int_equal(note.errnum, -EISDIR);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	found = recover(f, &note);
	assert_int_equal(found.n, 1);
	assert_int_equal(note.errnum, -ENOENT);
	assert_non_null(strstr(note.message, "cannot read the spool"));
}

static void test_a_spool_that_is_no_directory(void **state)
{
	struct fixture *f = *state;
	struct found found = {0};
	struct error note = {0};
	struct spool *s;
	char path[PATH_MAX];

	path_of(f, "format", path);
	assert_int_equal(spool_open(path, &s, &note), 0);
	note = (struct error){0};
	assert_int_equal(spool_recover(s, take, &found, &note), 0);
	assert_int_equal(note.errnum, -ENOTDIR);
	assert_non_null(strstr(note.message, "cannot read the spool"));
	assert_int_equal(spool_room(s, 0, 1), SPOOL_AT_LIMIT);
	spool_close(s);
	/* The last tenth of the disk stays free. */
	assert_int_equal(spool_room(f->s, UINT64_MAX, (size_t)1 << 60), SPOOL_DISK_FULL);
}

int main(void)
{
#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		SPOOL_TEST(test_what_was_put_is_found_again),
		SPOOL_TEST(test_bytes_and_removal),
		SPOOL_TEST(test_a_rejected_batch_keeps_its_reason),
		SPOOL_TEST(test_an_appendix_that_was_cut_short_is_ignored),
		SPOOL_TEST(test_damage_is_told_and_set_aside),
		SPOOL_TEST(test_a_name_in_another_spelling_is_no_batch),
		SPOOL_TEST(test_half_written_files_are_dropped),
		SPOOL_TEST(test_a_removed_directory_is_made_anew),
		SPOOL_TEST(test_a_newer_spool_is_left_alone),
		SPOOL_TEST(test_room_after_files_were_removed),
		SPOOL_TEST(test_a_spool_that_cannot_be_made_says_so),
		SPOOL_TEST(test_faults_of_the_disk),
		SPOOL_TEST(test_a_write_that_fails_in_the_middle),
		SPOOL_TEST(test_a_spool_without_rights_names_them),
		SPOOL_TEST(test_a_mount_passes_over_what_it_cannot_read),
		SPOOL_TEST(test_a_spool_that_is_no_directory),
		cmocka_unit_test(test_numbers_that_do_not_fit_are_none),
		cmocka_unit_test(test_facts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
