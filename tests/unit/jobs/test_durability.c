/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal when one allocation, or one call that writes to the disk, fails: what was accepted is there after a
 * crash, what was there before stays, and what was refused does not appear.
 */
#include "failing.h"
#include "jobs/journal.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* -- the disk: linked with --wrap for these functions ------------------------------------------------------------ */

static unsigned disk_calls, disk_fails;
static bool disk_happened;

ssize_t __real_write(int fd, const void *data, size_t len);
int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);

ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

static bool disk_is_full(void)
{
	if (!disk_fails || ++disk_calls != disk_fails)
		return false;
	disk_happened = true;
	errno = ENOSPC;
	return true;
}

/* Writes a part only, before the call that fails. */
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (disk_is_full())
		return -1;
	return __real_write(fd, data, disk_fails == disk_calls + 1 && len > 1 ? len / 2 : len);
}

int __wrap_fsync(int fd)
{
	(void)fd; /* nobody cuts the power, and waiting for the disk would take most of the test's time */
	return disk_is_full() ? -1 : 0;
}

int __wrap_rename(const char *from, const char *to)
{
	return disk_is_full() ? -1 : __real_rename(from, to);
}

int __wrap_link(const char *from, const char *to)
{
	return disk_is_full() ? -1 : __real_link(from, to);
}

static void disk_fails_each(void (*run)(const void *arg), const void *arg)
{
	unsigned n = 0;

	do {
		disk_calls = 0;
		disk_happened = false;
		disk_fails = ++n;
		run(arg);
		disk_fails = 0;
	} while (disk_happened);
	assert_true(n > 5);
}

static bool a_call_has_failed(void)
{
	return disk_happened || failing_happened();
}

/* -- the life of a journal --------------------------------------------------------------------------------------- */

#define OLD_ENTRY "{\"number\":1,\"name\":\"deploy\",\"state\":1,\"memory\":{\"try\":\"1\"}}"
#define OLD	  "{\"journal\":2}\n{\"entry\":" OLD_ENTRY "}\n"
#define SAME_10 \
	"{\"entry\":" OLD_ENTRY "}\n{\"entry\":" OLD_ENTRY "}\n{\"entry\":" OLD_ENTRY "}\n{\"entry\":" OLD_ENTRY "}\n"

struct start {
	const char *file, *previous; /* the content of the journal, and of that of the previous version; NULL: absent */
	int note;
	unsigned others; /* files beside the journal at the end */
};

static const struct start starts[] = {
	{OLD, NULL, 0, 0},
	{OLD SAME_10 SAME_10 SAME_10, NULL, 0, 0},
	{OLD "{\"entry\":{\"numb", NULL, -EBADMSG, 1},
	{NULL, "{\"operations\":1,\"entries\":[" OLD_ENTRY "]}", 0, 1},
	{NULL, NULL, 0, 0},
};

static char dir[] = "/tmp/vastfs-durability-XXXXXX";

static void path_of(char out[static 128], const char *name)
{
	snprintf(out, 128, "%s/%s", dir, name);
}

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Returns how many files there were. */
static unsigned empty_directory(void)
{
	DIR *d = opendir(dir);
	char path[128];
	unsigned n = 0;

	for (const struct dirent *e; (e = readdir(d));) {
		path_of(path, e->d_name);
		n += unlink(path) == 0;
	}
	closedir(d);
	return n;
}

struct accepted {
	bool opened, added, remembered;
};

static const struct place place = {.account = "1", .region = "r", .stack = "vast-a"};

static struct accepted live(struct journal **ret)
{
	struct journal_entry e = {.number = 3, .name = "destroy"};
	struct error note = {0}, err = {0};
	struct accepted done = {.opened = journal_open(dir, ret, &note) == 0};

	if (!done.opened)
		return done;
	done.added = journal_add(*ret, &e, "stage=x\n", &err) == 0;
	assert_true(done.added || strstr(err.message, "the journal of operations"));
	if (done.added)
		done.remembered = journal_remember(*ret, 3, "key", "value") == 0;
	e.state = JOB_RUNNING;
	if (done.added)
		journal_update(*ret, &e);
	journal_set_last_number(*ret, JOB_QUERY, 17);
	journal_deployed_add(*ret, &place);
	return done;
}

static bool has_memory(struct journal *j, uint64_t number, const char *key, const char *value)
{
	cJSON *memory;
	const char *found;
	bool equal;

	assert_int_equal(journal_memory(j, number, &memory), 0);
	found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memory, key));
	equal = found && strcmp(found, value) == 0;
	cJSON_Delete(memory);
	return equal;
}

static void expect(const struct start *s, struct accepted done, bool closed)
{
	struct place found[JOURNAL_DEPLOYED_MAX];
	struct error note = {0};
	struct journal *j;

	assert_int_equal(journal_open(dir, &j, &note), 0);
	assert_true(note.errnum == 0 || note.errnum == s->note);
	assert_int_equal(journal_size(j), (s->file || s->previous ? 1 : 0) + done.added);
	if (s->file || s->previous)
		assert_true(has_memory(j, 1, "try", "1"));
	if (done.added)
		assert_true(has_memory(j, 3, JOURNAL_SETTINGS, "stage=x\n"));
	if (done.remembered)
		assert_true(has_memory(j, 3, "key", "value"));
	if (closed && done.added) {
		assert_true(journal_last_number(j, JOB_QUERY) >= 17);
		assert_int_equal(journal_deployed(j, found), 1);
	}
	journal_close(j);
}

static void live_and_look(const void *arg)
{
	const struct start *s = arg;
	struct journal *j = NULL;
	struct accepted done;
	bool failed;

	empty_directory();
	if (s->file)
		put_file("journal.jsonl", s->file);
	if (s->previous)
		put_file("journal.json", s->previous);
	done = live(&j);
	failed = a_call_has_failed();
	if (failed)
		expect(s, done, false); /* as after a crash: it is not closed yet */
	journal_close(j);
	if (a_call_has_failed())
		expect(s, done, failed);
	else
		assert_true(done.remembered);
	if (failed && done.opened)
		assert_true(empty_directory() <= 2 + s->others);
}

static void test_nothing_is_lost_when_an_allocation_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		assert_true(failing_each(live_and_look, &starts[i]) > 100);
}

static void test_nothing_is_lost_when_the_disk_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		disk_fails_each(live_and_look, &starts[i]);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	empty_directory();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost_when_an_allocation_fails),
		cmocka_unit_test(test_nothing_is_lost_when_the_disk_fails),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
