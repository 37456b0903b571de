/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "jobs/history.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEGABYTE (1 << 20)

static char directory[] = "/tmp/vastfs-test-history-XXXXXX";

static void edit_output(struct job_view *v, void *arg)
{
	v->output = output_ref(arg);
}

static void edit_end(struct job_view *v, void *arg)
{
	(void)arg;
	v->state = JOB_SUCCEEDED;
}

/*
 * A command with this number and creation time that has printed this many megabytes. It is still running unless
 * `ended`.
 */
static struct job *make(uint64_t number, int64_t created_ms, unsigned megabytes, bool ended)
{
	struct job *j = job_new(JOB_QUERY, number, "query", NULL);
	struct output *output = output_new(directory, UINT64_MAX);
	_free_ char *text = calloc(MEGABYTE, 1);

	assert_non_null(j);
	j->created_ms = created_ms;
	for (unsigned i = 0; i < megabytes; i++)
		assert_int_equal(output_append(output, text, MEGABYTE), 0);
	if (megabytes)
		assert_int_equal(output_append(output, "+", 1), 0); /* exceeds the part that is kept in memory */
	job_edit(j, edit_output, output);
	if (ended)
		job_edit(j, edit_end, NULL);
	output_unref(output);
	return j;
}

static void add(struct job_list **list, struct job *j)
{
	struct job_list *longer = job_list_with(*list, j, SIZE_MAX);

	job_unref(j);
	job_list_unref(*list);
	*list = longer;
}

/* The numbers of the remaining commands, as text. */
static const char *numbers(const struct job_list *l)
{
	static char text[2][100];
	static unsigned turn;
	char *out = text[turn = !turn];

	*out = '\0';
	for (size_t i = 0; i < l->n; i++)
		sprintf(out + strlen(out), "%s%d", i ? " " : "", (int)l->jobs[i]->number);
	return out;
}

static int trim(struct job_list **queries, struct job_list **execs, size_t keep, uint64_t megabytes)
{
	return history_trim((struct job_list **[HISTORY_LISTS]){queries, execs},
			    &(struct history_limits){keep, megabytes * MEGABYTE});
}

static void test_number(void **state)
{
	struct job_list *queries = job_list_with(NULL, NULL, 0), *execs = job_list_with(NULL, NULL, 0), *same;

	(void)state;
	assert_int_equal(trim(&queries, &execs, 0, 0), 0);
	for (uint64_t n = 1; n <= 6; n++)
		add(&queries, make(n, (int64_t)n, 0, n != 2 && n != 4));
	add(&execs, make(1, 1, 0, true));
	same = queries;
	assert_int_equal(trim(&queries, &execs, 6, 0), 0);
	assert_ptr_equal(queries, same);
	assert_int_equal(trim(&queries, &execs, 5, 0), 1);
	assert_string_equal(numbers(queries), "2 3 4 5 6");
	assert_string_equal(numbers(execs), "1");
	assert_int_equal(trim(&queries, &execs, 1, 0), 1);
	assert_string_equal(numbers(queries), "2 4 6"); /* two commands in flight, and the newest one */
	assert_int_equal(trim(&queries, &execs, 0, 0), 0);
	assert_string_equal(numbers(queries), "2 4 6");
	job_list_unref(queries);
	job_list_unref(execs);
}

static void test_disk(void **state)
{
	struct job_list *queries = job_list_with(NULL, NULL, 0), *execs = job_list_with(NULL, NULL, 0);

	(void)state;
	add(&queries, make(1, 10, 2, true));
	add(&queries, make(2, 20, 0, true)); /* has no output on the disk */
	add(&queries, make(3, 40, 2, true));
	add(&queries, make(4, 60, 2, true));
	add(&execs, make(1, 30, 2, true));
	add(&execs, make(2, 50, 2, true));
	assert_int_equal(trim(&queries, &execs, 100, 11), 0);
	assert_int_equal(trim(&queries, &execs, 100, 10), 1); /* each has one byte more than 2 MB */
	assert_string_equal(numbers(queries), "2 3 4");
	assert_int_equal(trim(&queries, &execs, 100, 5), 1);
	assert_string_equal(numbers(queries), "2 4");
	assert_string_equal(numbers(execs), "2");
	assert_int_equal(trim(&queries, &execs, 100, 0), 0); /* only the newest command of each list is left there */
	assert_string_equal(numbers(queries), "2 4");
	job_list_unref(queries);
	job_list_unref(execs);
}

/* A running command cannot be removed, but its output counts. */
static void test_in_flight(void **state)
{
	struct job_list *queries = job_list_with(NULL, NULL, 0), *execs = job_list_with(NULL, NULL, 0);

	(void)state;
	add(&queries, make(1, 10, 2, false));
	add(&queries, make(2, 20, 2, true));
	add(&queries, make(3, 30, 0, true));
	assert_int_equal(trim(&queries, &execs, 100, 1), 1);
	assert_string_equal(numbers(queries), "1 3");
	job_list_unref(queries);
	job_list_unref(execs);
}

static void trim_or_leave_unchanged(const void *arg)
{
	struct job_list *queries = job_list_ref(((struct job_list *const *)arg)[0]);
	struct job_list *execs = job_list_ref(((struct job_list *const *)arg)[1]);
	int r = trim(&queries, &execs, 1, 0);

	assert_int_equal(r, failing_happened() ? -ENOMEM : 1);
	assert_string_equal(numbers(queries), r == 1 ? "3" : "1 2 3");
	assert_string_equal(numbers(execs), r == 1 ? "2" : "1 2");
	job_list_unref(queries);
	job_list_unref(execs);
}

static void test_without_memory_the_lists_stay(void **state)
{
	struct job_list *lists[] = {job_list_with(NULL, NULL, 0), job_list_with(NULL, NULL, 0)};

	(void)state;
	for (uint64_t n = 1; n <= 3; n++)
		add(&lists[0], make(n, (int64_t)n, 0, true));
	for (uint64_t n = 1; n <= 2; n++)
		add(&lists[1], make(n, (int64_t)n, 0, true));
	assert_true(failing_each(trim_or_leave_unchanged, lists) > 2);
	job_list_unref(lists[0]);
	job_list_unref(lists[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_without_memory_the_lists_stay),
	};
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
