/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"
#include "jobs/journal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char dir[64];

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/vastfs-journal-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_directory(void **state)
{
	DIR *d = opendir(dir);

	(void)state;
	for (const struct dirent *e; d && (e = readdir(d));)
		unlink(path_of(e->d_name));
	if (d)
		closedir(d);
	return rmdir(dir);
}

/* The number of files whose names start with this prefix. */
static unsigned count_files(const char *prefix)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	for (const struct dirent *e; (e = readdir(d));)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static struct journal *open_journal(int expected_note)
{
	struct error note = {0};
	struct journal *j;

	assert_int_equal(journal_open(dir, &j, &note), 0);
	assert_int_equal(note.errnum, expected_note);
	return j;
}

static struct journal_entry get_entry(struct journal *j, size_t i)
{
	struct journal_entry e;

	assert_true(journal_get(j, i, &e));
	return e;
}

static void add(struct journal *j, uint64_t number)
{
	struct journal_entry e = {.number = number, .name = "deploy", .token = "abc", .created_ms = 42};
	struct error err;

	assert_int_equal(journal_add(j, &e, "stage=x\n", &err), 0);
}

/* Reads the file as a crash leaves it: the journal is not closed. */
static void read_raw(struct buf *out)
{
	assert_int_equal(file_read(path_of("journal.jsonl"), out), 0);
}

static void write_raw(const char *text, size_t len)
{
	assert_int_equal(file_write_atomically(path_of("journal.jsonl"), text, len), 0);
}

static void test_what_was_added_is_there_after_a_crash(void **state)
{
	struct journal *crashed = open_journal(0), *j;
	struct journal_entry e;
	struct stat st;

	(void)state;
	add(crashed, 3);
	assert_int_equal(stat(path_of("journal.jsonl"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	j = open_journal(0);
	assert_int_equal(journal_size(j), 1);
	e = get_entry(j, 0);
	assert_string_equal(e.name, "deploy");
	assert_string_equal(e.token, "abc");
	assert_int_equal(e.state, JOB_QUEUED);
	assert_int_equal(e.created_ms, 42);
	assert_int_equal(journal_last_number(j, JOB_OPERATION), 3);
	journal_close(j);
	journal_close(crashed);
}

static void test_an_entry_has_its_place(void **state)
{
	struct journal_entry e = {.number = 1,
				  .name = "destroy",
				  .place = {.account = "123456789012",
					    .region = "eu-west-1",
					    .endpoint = "http://localhost:1",
					    .stack = "vast-x",
					    .profile = "p"},
				  .credentials = "00aa"};
	struct journal *j = open_journal(0);
	struct journal_entry read;
	struct error err;

	(void)state;
	assert_int_equal(journal_add(j, &e, "", &err), 0);
	journal_close(j);
	j = open_journal(0);
	read = get_entry(j, 0);
	assert_memory_equal(&read.place, &e.place, sizeof(e.place));
	assert_string_equal(read.credentials, "00aa");
	journal_close(j);
}

static void test_the_same_number_is_replaced_and_the_oldest_go(void **state)
{
	struct journal *j = open_journal(0);
	struct journal_entry e = {.name = "deploy", .state = JOB_SUCCEEDED};

	(void)state;
	add(j, 1); /* has not ended, so it is kept */
	for (e.number = 2; e.number <= 105; e.number++)
		assert_int_equal(journal_update(j, &e), 0);
	e.number = 105;
	assert_int_equal(journal_update(j, &e), 0);
	assert_int_equal(journal_size(j), 100);
	assert_int_equal(get_entry(j, 0).number, 1);
	assert_int_equal(get_entry(j, 1).number, 7);
	journal_close(j);
}

static void test_superseded_records_go_at_the_next_opening(void **state)
{
	struct journal *j = open_journal(0);
	struct journal_entry e = {.number = 1, .name = "deploy", .state = JOB_SUCCEEDED};
	struct stat before, after;

	(void)state;
	for (int i = 0; i < 50; i++)
		journal_update(j, &e);
	journal_close(j);
	stat(path_of("journal.jsonl"), &before);
	journal_close(open_journal(0));
	stat(path_of("journal.jsonl"), &after);
	assert_true(after.st_size * 10 < before.st_size);
	assert_int_equal(count_files("journal"), 1);
}

static void assert_remembers(struct journal *j, uint64_t number, const char *key, const char *value)
{
	cJSON *memory;

	assert_int_equal(journal_memory(j, number, &memory), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memory, key)), value);
	cJSON_Delete(memory);
}

static void assert_forgot(struct journal *j, uint64_t number)
{
	cJSON *memory;

	assert_int_equal(journal_memory(j, number, &memory), 0);
	assert_null(memory);
}

static void test_memory_outlives_the_process_but_not_the_operation(void **state)
{
	struct journal *crashed = open_journal(0), *j;
	struct journal_entry e;

	(void)state;
	assert_int_equal(journal_remember(crashed, 3, "change-set", "a"), -ENOENT);
	add(crashed, 3);
	assert_int_equal(journal_remember(crashed, 3, "change-set", "a"), 0);
	assert_int_equal(journal_remember(crashed, 3, "change-set", "b"), 0);
	assert_int_equal(journal_remember(crashed, 3, "try", "2"), 0);
	j = open_journal(0);
	assert_remembers(j, 3, "change-set", "b");
	assert_remembers(j, 3, JOURNAL_SETTINGS, "stage=x\n");
	e = get_entry(j, 0);
	e.state = JOB_RUNNING;
	assert_int_equal(journal_update(j, &e), 0);
	assert_remembers(j, 3, "try", "2");
	e.state = JOB_SUCCEEDED;
	assert_int_equal(journal_update(j, &e), 0);
	assert_forgot(j, 3);
	journal_close(j);
	journal_close(crashed);
}

static void test_no_number_is_given_out_twice(void **state)
{
	struct journal *crashed = open_journal(0), *j;
	uint64_t last;

	(void)state;
	journal_set_last_number(crashed, JOB_QUERY, 17);
	journal_set_last_number(crashed, JOB_OPERATION, 5);
	j = open_journal(0);
	last = journal_last_number(j, JOB_QUERY);
	assert_true(last >= 17 && last < 200);
	assert_int_equal(journal_last_number(j, JOB_OPERATION), 5);
	journal_set_last_number(j, JOB_QUERY, last + 1);
	journal_close(j);
	j = open_journal(0); /* closed cleanly, so no numbers are skipped */
	assert_int_equal(journal_last_number(j, JOB_QUERY), last + 1);
	journal_close(j);
	journal_close(crashed);
}

static void test_a_record_that_was_cut_short_costs_only_itself(void **state)
{
	_buf_ struct buf text = BUF_INIT(1 << 20);
	struct journal *j = open_journal(0);

	(void)state;
	add(j, 1);
	add(j, 2);
	journal_close(j);
	read_raw(&text);
	write_raw(text.data, (size_t)(strstr(text.data, "\"number\":2") + 20 - text.data));
	j = open_journal(-EBADMSG);
	assert_int_equal(journal_size(j), 1);
	assert_int_equal(count_files("journal.jsonl.damaged-"), 1);
	add(j, 2);
	journal_close(j);
	j = open_journal(0);
	assert_int_equal(journal_size(j), 2);
	journal_close(j);
}

/* A power failure can leave a block of zeros. The records after it are intact. */
static void test_a_hole_costs_only_what_was_there(void **state)
{
	_buf_ struct buf text = BUF_INIT(1 << 20);
	struct journal *j = open_journal(0);
	char *second;

	(void)state;
	add(j, 1);
	add(j, 2);
	journal_close(j);
	read_raw(&text);
	second = strstr(text.data, "\"number\":1");
	memset(second, 0, 10);
	write_raw(text.data, text.len);
	j = open_journal(-EBADMSG);
	assert_int_equal(journal_size(j), 1);
	assert_int_equal(get_entry(j, 0).number, 2);
	journal_close(j);
}

static void test_an_empty_file_is_reported(void **state)
{
	(void)state;
	write_raw("", 0);
	journal_close(open_journal(-EBADMSG));
	journal_close(open_journal(0));
}

static void test_a_newer_journal_is_not_touched(void **state)
{
	static const char newer[] = "{\"journal\":3}\n{\"unheard-of\":{}}\n";
	_buf_ struct buf text = BUF_INIT(1 << 20);
	struct journal *j;
	struct journal_entry e = {.number = 1, .name = "deploy"};
	struct error err = {0};

	(void)state;
	write_raw(newer, strlen(newer));
	j = open_journal(-EPROTONOSUPPORT);
	assert_int_equal(journal_add(j, &e, "", &err), -EPROTONOSUPPORT);
	assert_non_null(strstr(err.message, "newer"));
	assert_non_null(strstr(err.remedy, "move the file away"));
	assert_true(journal_update(j, &e) < 0);
	journal_set_last_number(j, JOB_QUERY, 7);
	journal_close(j);
	read_raw(&text);
	assert_string_equal(buf_str(&text), newer);
	assert_int_equal(count_files("journal"), 1);
}

static void test_what_cannot_be_read_is_not_touched(void **state)
{
	struct journal_entry e = {.number = 1, .name = "deploy"};
	struct error err = {0};
	struct journal *j;

	(void)state;
	assert_int_equal(mkdir(path_of("journal.jsonl"), 0700), 0);
	j = open_journal(-EISDIR);
	assert_int_equal(journal_add(j, &e, "", &err), -EISDIR);
	journal_close(j);
	assert_int_equal(rmdir(path_of("journal.jsonl")), 0);
}

static void test_a_directory_that_vanished_comes_back_with_all_that_is_known(void **state)
{
	struct journal *j = open_journal(0);

	(void)state;
	add(j, 1);
	remove_directory(NULL);
	add(j, 2);
	assert_int_equal(journal_sync(j), 0);
	unlink(path_of("journal.jsonl"));
	assert_int_equal(journal_remember(j, 2, "key", "value"), 0);
	journal_close(j);
	j = open_journal(0);
	assert_int_equal(journal_size(j), 2);
	assert_remembers(j, 2, "key", "value");
	journal_close(j);
}

/* A file is in place of the directory, so the directory can neither be created nor written. */
static void test_what_cannot_be_written_is_not_accepted(void **state)
{
	struct journal *j = open_journal(0);
	struct journal_entry e = {.number = 2, .name = "deploy"};
	struct error err = {0};

	(void)state;
	add(j, 1);
	remove_directory(NULL);
	assert_int_equal(file_write_atomically(dir, "x", 1), 0);
	assert_int_equal(journal_add(j, &e, "", &err), -ENOTDIR);
	assert_non_null(strstr(err.message, "cannot write the journal"));
	assert_int_equal(journal_remember(j, 1, "key", "value"), -ENOTDIR);
	assert_int_equal(journal_sync(j), -ENOTDIR);
	e = get_entry(j, 0);
	e.state = JOB_SUCCEEDED;
	assert_int_equal(journal_update(j, &e), -ENOTDIR);
	unlink(dir);
	journal_close(j); /* writing is possible again: the end is saved, and the refused record is absent */
	j = open_journal(0);
	assert_int_equal(journal_size(j), 1);
	assert_int_equal(get_entry(j, 0).state, JOB_SUCCEEDED);
	journal_close(j);
}

static void test_the_first_version_is_taken_over(void **state)
{
	static const char text[] =
		"{\"operations\": 7, \"queries\": 12, \"entries\": [{\"number\": 7, \"name\": \"deploy\", "
		"\"token\": \"abc\", \"settings\": \"0123456789abcdef\", \"state\": 1, \"created_ms\": 42}]}";
	struct journal *j;
	struct journal_entry e;

	(void)state;
	assert_int_equal(file_write_atomically(path_of("journal.json"), text, strlen(text)), 0);
	for (int i = 0; i < 2; i++) {
		j = open_journal(0);
		e = get_entry(j, 0);
		assert_int_equal(e.state, JOB_RUNNING);
		assert_string_equal(e.settings_hash, "0123456789abcdef");
		assert_forgot(j, 7);
		assert_int_equal(journal_last_number(j, JOB_OPERATION), 7);
		assert_int_equal(journal_last_number(j, JOB_QUERY), 12);
		journal_close(j);
	}
	assert_int_equal(count_files("journal.json.old"), 1);
	assert_int_equal(access(path_of("journal.json"), F_OK), -1);
}

static void test_garbage_of_the_first_version_is_set_aside(void **state)
{
	(void)state;
	assert_int_equal(file_write_atomically(path_of("journal.json"), "{\"operations\": 3, ", 18), 0);
	journal_close(open_journal(-EBADMSG));
	assert_int_equal(count_files("journal.json.old"), 1);
	journal_close(open_journal(0));
}

static void test_hostile_numbers_are_bounded(void **state)
{
	static const char text[] =
		"{\"journal\":2}\n{\"numbers\":{\"operations\":-5}}\n"
		"{\"entry\":{\"number\":1e300}}\n{\"entry\":{\"number\":2,\"state\":77,\"name\":5}}\n"
		"{\"entry\":{\"number\":3,\"state\":4294967297,\"exit_code\":8e15}}\n";
	struct journal *j;
	struct journal_entry e;

	(void)state;
	write_raw(text, strlen(text));
	j = open_journal(0);
	assert_int_equal(journal_size(j), 2);
	assert_int_equal(journal_last_number(j, JOB_OPERATION), 3);
	e = get_entry(j, 0);
	assert_int_equal(e.state, JOB_FAILED);
	assert_string_equal(e.name, "");
	e = get_entry(j, 1);
	assert_int_equal(e.state, JOB_FAILED);
	assert_int_equal(e.exit_code, INT_MAX);
	journal_close(j);
}

static void test_an_unknown_record_is_a_damaged_line(void **state)
{
	static const char text[] = "{\"entry\":{\"number\":2}}\n{\"colour\":1}\n[]\n{}\n{\"entry\":{\"number\":3}} x\n";
	struct journal *j;

	(void)state;
	write_raw(text, strlen(text));
	j = open_journal(-EBADMSG); /* also the first line is not that of a journal */
	assert_int_equal(journal_size(j), 1);
	assert_int_equal(count_files("journal.jsonl.damaged-"), 1);
	journal_close(j);
	journal_close(open_journal(0));
}

/* A hundred operations in flight: the oldest goes, so that the newest can be resumed. */
static void test_of_operations_in_flight_the_oldest_goes(void **state)
{
	struct journal *j = open_journal(0);

	(void)state;
	for (uint64_t n = 1; n <= 101; n++)
		add(j, n);
	assert_int_equal(journal_size(j), 100);
	assert_int_equal(get_entry(j, 0).number, 2);
	assert_remembers(j, 101, JOURNAL_SETTINGS, "stage=x\n");
	journal_close(j);
}

static void test_the_oldest_deployed_stacks_are_forgotten(void **state)
{
	struct place p = {.account = "1", .region = "r"}, found[JOURNAL_DEPLOYED_MAX];
	struct journal *j = open_journal(0);

	(void)state;
	for (int i = 0; i <= JOURNAL_DEPLOYED_MAX; i++) {
		snprintf(p.stack, sizeof(p.stack), "vast-%d", i);
		journal_deployed_add(j, &p);
	}
	strcpy(p.region, "elsewhere");
	journal_deployed_remove(j, &p);
	strcpy(p.endpoint, "http://localhost:1");
	journal_deployed_remove(j, &p);
	assert_int_equal(journal_deployed(j, found), JOURNAL_DEPLOYED_MAX);
	assert_string_equal(found[0].stack, "vast-1");
	assert_string_equal(found[JOURNAL_DEPLOYED_MAX - 1].stack, "vast-16");
	journal_close(j);
}

static void test_deployed_stacks_are_remembered(void **state)
{
	struct place a = {.account = "1", .region = "r", .stack = "vast-a"}, b = a, found[JOURNAL_DEPLOYED_MAX];
	struct journal *j = open_journal(0);

	(void)state;
	strcpy(b.account, "2");
	journal_deployed_add(j, &a);
	journal_deployed_add(j, &b);
	journal_deployed_add(j, &a);
	journal_close(j);
	j = open_journal(0);
	assert_int_equal(journal_deployed(j, found), 2);
	assert_memory_equal(&found[1], &a, sizeof(a));
	journal_deployed_remove(j, &a);
	journal_close(j);
	j = open_journal(0);
	assert_int_equal(journal_deployed(j, found), 1);
	assert_string_equal(found[0].account, "2");
	journal_close(j);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_added_is_there_after_a_crash),
		TEST(test_an_entry_has_its_place),
		TEST(test_the_same_number_is_replaced_and_the_oldest_go),
		TEST(test_superseded_records_go_at_the_next_opening),
		TEST(test_memory_outlives_the_process_but_not_the_operation),
		TEST(test_no_number_is_given_out_twice),
		TEST(test_a_record_that_was_cut_short_costs_only_itself),
		TEST(test_a_hole_costs_only_what_was_there),
		TEST(test_an_empty_file_is_reported),
		TEST(test_a_newer_journal_is_not_touched),
		TEST(test_what_cannot_be_read_is_not_touched),
		TEST(test_a_directory_that_vanished_comes_back_with_all_that_is_known),
		TEST(test_what_cannot_be_written_is_not_accepted),
		TEST(test_the_first_version_is_taken_over),
		TEST(test_garbage_of_the_first_version_is_set_aside),
		TEST(test_hostile_numbers_are_bounded),
		TEST(test_an_unknown_record_is_a_damaged_line),
		TEST(test_of_operations_in_flight_the_oldest_goes),
		TEST(test_the_oldest_deployed_stacks_are_forgotten),
		TEST(test_deployed_stacks_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
