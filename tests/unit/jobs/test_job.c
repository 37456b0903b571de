/* SPDX-License-Identifier: BSD-3-Clause */
#include "failing.h"
#include "jobs/job.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define _job_	   _cleanup_(job_unref_cleanup)
#define _job_view_ _cleanup_(job_view_unref_cleanup)

static void test_a_view_does_not_change_under_its_reader(void **state)
{
	_job_ struct job *j = job_new(JOB_OPERATION, 7, "deploy", NULL);
	_job_view_ struct job_view *before = job_view(j);
	_job_view_ struct job_view *after = NULL;

	(void)state;
	job_start(j);
	job_progress(j, 1, 4, "step %d", 2);
	after = job_view(j);
	assert_int_equal(before->state, JOB_QUEUED);
	assert_int_equal(after->state, JOB_RUNNING);
	assert_string_equal(after->step, "step 2");
	assert_true(after->started_ms > 0);
}

static void test_an_ended_job_stays_as_it_is(void **state)
{
	_job_ struct job *j = job_new(JOB_OPERATION, 1, "deploy", NULL);
	_job_view_ struct job_view *v = NULL;
	struct error err;

	(void)state;
	error_set(&err, -EIO, "no");
	job_fail(j, &err);
	job_succeed(j, NULL);
	job_start(j);
	v = job_view(j);
	assert_int_equal(v->state, JOB_FAILED);
	assert_int_equal(v->exit_code, 1);
	assert_false(v->ran);
	assert_string_equal(v->error->message, "no");
	assert_true(v->ended_ms > 0);
}

static void count_call(struct job *j, void *arg)
{
	(void)j;
	++*(int *)arg;
}

static void test_cancel_is_told_once_whoever_comes_first(void **state)
{
	_job_ struct job *early = job_new(JOB_OPERATION, 1, "deploy", NULL);
	_job_ struct job *late = job_new(JOB_OPERATION, 2, "deploy", NULL);
	int calls = 0;

	(void)state;
	job_on_cancel(early, count_call, &calls);
	job_cancel(early);
	job_cancel(early);
	assert_int_equal(calls, 1);
	job_cancel(late);
	job_on_cancel(late, count_call, &calls);
	assert_int_equal(calls, 2);
	assert_true(job_cancel_wished(late));
}

static void test_the_list_forgets_only_what_has_ended(void **state)
{
	struct job_list *list = job_list_with(NULL, NULL, 2), *longer;
	struct error err = {.errnum = -EIO};

	(void)state;
	for (uint64_t n = 1; n <= 4; n++) {
		_job_ struct job *j = job_new(JOB_QUERY, n, "query", NULL);

		if (n != 1)
			job_fail(j, &err);
		longer = job_list_with(list, j, 2);
		job_list_unref(list);
		list = longer;
	}
	assert_int_equal(list->n, 2);
	assert_int_equal(list->jobs[0]->number, 1);
	assert_int_equal(job_list_last(list)->number, 4);
	assert_null(job_list_find(list, 3));
	assert_non_null(job_list_find(list, 1));
	job_list_unref(list);
}

static void test_remarks_are_collected(void **state)
{
	_job_ struct job *j = job_new(JOB_OPERATION, 1, "deploy", NULL);
	_job_view_ struct job_view *v = NULL;

	(void)state;
	job_remark(j, "no quota");
	job_remark(j, "no price");
	job_remark(j, "no quota"); /* of a second attempt */
	v = job_view(j);
	assert_string_equal(v->error->message, "no quota; no price");
	assert_false(error_is(v->error));
}

/* A reader that waits for the end would wait for ever. */
static void live_and_fail(const void *arg)
{
	_job_ struct job *j = job_new(JOB_OPERATION, 1, "deploy", NULL);
	_job_view_ struct job_view *v = NULL;
	struct error err;

	(void)arg;
	if (!j) {
		assert_true(failing_happened());
		return;
	}
	job_start(j);
	job_progress(j, 1, 2, "a step");
	job_log(j, "a line");
	error_set(&err, -EIO, "no");
	job_fail(j, &err);
	v = job_view(j);
	assert_int_equal(v->state, JOB_FAILED);
	assert_int_equal(v->exit_code, 1);
	assert_true(error_is(v->error));
	assert_true(strcmp(v->error->message, "no") == 0 || failing_happened());
	assert_true(v->ended_ms > 0);
}

static void test_a_job_can_end_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(live_and_fail, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_view_does_not_change_under_its_reader),
		cmocka_unit_test(test_an_ended_job_stays_as_it_is),
		cmocka_unit_test(test_cancel_is_told_once_whoever_comes_first),
		cmocka_unit_test(test_the_list_forgets_only_what_has_ended),
		cmocka_unit_test(test_remarks_are_collected),
		cmocka_unit_test(test_a_job_can_end_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
