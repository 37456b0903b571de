#include "base/file.h"
#include "jobs/journal.h"

#include <errno.h>
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
	(void)state;
	unlink(path_of("journal.json"));
	unlink(path_of("journal.json.bad"));
	return rmdir(dir);
}

static void test_what_was_put_is_there_after_opening_again(void **state)
{
	struct journal_entry e = {
		.number = 3, .name = "deploy", .token = "abc", .state = JOB_RUNNING, .created_ms = 42};
	struct journal_entry read;
	struct journal *j;
	struct stat st;

	(void)state;
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	journal_set_last_number(j, JOB_QUERY, 17);
	assert_int_equal(journal_put(j, &e), 0);
	journal_close(j);
	assert_int_equal(stat(path_of("journal.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	assert_int_equal(journal_last_number(j, JOB_QUERY), 17);
	assert_int_equal(journal_size(j), 1);
	assert_true(journal_get(j, 0, &read));
	assert_string_equal(read.name, "deploy");
	assert_string_equal(read.token, "abc");
	assert_int_equal(read.state, JOB_RUNNING);
	assert_int_equal(read.created_ms, 42);
	journal_close(j);
}

static void test_the_same_number_is_replaced_and_the_oldest_go(void **state)
{
	struct journal_entry e = {.name = "deploy"};
	struct journal *j;

	(void)state;
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	for (e.number = 1; e.number <= 105; e.number++)
		journal_put(j, &e);
	e.number = 105;
	journal_put(j, &e);
	assert_int_equal(journal_size(j), 100);
	assert_true(journal_get(j, 0, &e));
	assert_int_equal(e.number, 6);
	journal_close(j);
}

static void test_garbage_is_set_aside(void **state)
{
	struct journal *j;

	(void)state;
	assert_int_equal(file_write_atomically(path_of("journal.json"), "{\"operations\": 3, ", 18), 0);
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	assert_int_equal(journal_size(j), 0);
	assert_int_equal(access(path_of("journal.json.bad"), F_OK), 0);
	journal_close(j);
}

static void test_hostile_numbers_are_bounded(void **state)
{
	const char *text = "{\"operations\": -5, \"entries\": [{\"number\": 1e300, \"state\": 77, \"name\": 5}, 7]}";
	struct journal_entry e;
	struct journal *j;

	(void)state;
	assert_int_equal(file_write_atomically(path_of("journal.json"), text, strlen(text)), 0);
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	assert_int_equal(journal_last_number(j, JOB_OPERATION), 0);
	assert_true(journal_get(j, 0, &e));
	assert_int_equal(e.state, JOB_FAILED);
	assert_string_equal(e.name, "");
	journal_close(j);
}

static void assert_remembers(struct journal *j, uint64_t number, const char *key, const char *value)
{
	cJSON *memory = journal_memory(j, number);

	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(memory, key)), value);
	cJSON_Delete(memory);
}

static void test_memory_outlives_the_process_but_not_the_operation(void **state)
{
	struct journal_entry e = {.number = 3, .name = "deploy", .state = JOB_RUNNING};
	struct journal *j;

	(void)state;
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	assert_int_equal(journal_remember(j, 3, "change-set", "a"), -ENOENT);
	assert_int_equal(journal_put(j, &e), 0);
	assert_int_equal(journal_remember(j, 3, "change-set", "a"), 0);
	assert_int_equal(journal_remember(j, 3, "change-set", "b"), 0);
	assert_int_equal(journal_remember(j, 3, "try", "2"), 0);
	journal_close(j);
	assert_int_equal(journal_open(dir, &j, NULL), 0);
	assert_remembers(j, 3, "change-set", "b");
	assert_int_equal(journal_put(j, &e), 0);
	assert_remembers(j, 3, "try", "2");
	e.state = JOB_SUCCEEDED;
	assert_int_equal(journal_put(j, &e), 0);
	assert_null(journal_memory(j, 3));
	journal_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_put_is_there_after_opening_again, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(test_the_same_number_is_replaced_and_the_oldest_go, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(test_garbage_is_set_aside, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_memory_outlives_the_process_but_not_the_operation, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(test_hostile_numbers_are_bounded, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
