/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the consequences of an invocation for its batch, for the pace, and for the report. */
#include "ingest/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_what_an_invocation_means(void **state)
{
	static const struct {
		struct outcome_facts facts;
		enum outcome outcome;
	} rows[] = {
		{{.answered = true, .stdin_bytes = 10, .status = 200, .sent = true}, OUTCOME_DELIVERED},
		{{.answered = true, .stdin_bytes = 0, .status = 200, .sent = true}, OUTCOME_DELIVERED},
		{{.answered = true, .exit_code = 1, .stdin_bytes = 10, .status = 200, .sent = true}, OUTCOME_DOUBTED},
		/* A runtime that ignores stdin succeeds without importing anything. */
		{{.answered = true, .stdin_bytes = -1, .status = 200, .sent = true}, OUTCOME_OLD_RUNTIME},
		{{.answered = true, .exit_code = 1, .stdin_bytes = -1, .status = 200, .sent = true},
		 OUTCOME_OLD_RUNTIME},
		/* A command that was killed has not judged its events, at first. */
		{{.answered = true, .exit_code = 137, .interrupted = true, .attempts = 1, .sent = true}, OUTCOME_LOST},
		{{.answered = true, .exit_code = 137, .stdin_bytes = 5, .attempts = 2, .sent = true}, OUTCOME_LOST},
		{{.answered = true, .exit_code = 137, .interrupted = true, .attempts = 3, .sent = true},
		 OUTCOME_DOUBTED},
		{{.answered = true, .exit_code = 124, .interrupted = true, .attempts = 1, .sent = true}, OUTCOME_LOST},
		{{.answered = true, .exit_code = 255, .attempts = 1, .sent = true}, OUTCOME_DOUBTED},
		{{.function_failed = true, .status = 200, .sent = true, .attempts = 1}, OUTCOME_LOST},
		{{.function_failed = true, .status = 200, .sent = true, .attempts = 3}, OUTCOME_DOUBTED},
		{{.not_started = true, .status = 409, .sent = true}, OUTCOME_THROTTLED},
		{{.status = 429, .sent = true}, OUTCOME_THROTTLED},
		{{.status = 413, .sent = true}, OUTCOME_TOO_LARGE},
		{{.status = 403, .sent = true}, OUTCOME_BLOCKED},
		{{.status = 404, .sent = true}, OUTCOME_BLOCKED},
		{{.status = 0, .sent = false}, OUTCOME_BLOCKED},
		{{.status = 0, .sent = true}, OUTCOME_LOST},
		{{.status = 500, .sent = true}, OUTCOME_LOST},
		{{.status = 503, .sent = true}, OUTCOME_LOST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(outcome_of(&rows[i].facts), rows[i].outcome);
}

static void test_which_outcomes_split_a_group(void **state)
{
	struct outcome_facts none = {0}, failed = {.function_failed = true},
			     killed = {.answered = true, .exit_code = 137, .interrupted = true};

	(void)state;
	assert_true(outcome_may_be_of_one(&none, OUTCOME_DOUBTED));
	assert_true(outcome_may_be_of_one(&none, OUTCOME_TOO_LARGE));
	assert_true(outcome_may_be_of_one(&failed, OUTCOME_LOST));
	assert_true(outcome_may_be_of_one(&killed, OUTCOME_LOST));
	assert_false(outcome_may_be_of_one(&none, OUTCOME_LOST));
	assert_false(outcome_may_be_of_one(&none, OUTCOME_THROTTLED));
	assert_false(outcome_may_be_of_one(&none, OUTCOME_DELIVERED));
}

static void test_the_pace_follows_throttling(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p);
	assert_int_equal(p.window, PACE_WINDOW_MAX);
	pace_take(&p, OUTCOME_THROTTLED, 1000);
	assert_int_equal(p.window, PACE_WINDOW_MAX / 2);
	assert_int_equal(p.resume_ms, 1500);
	assert_true(pace_resumes_soon(&p, 1499));
	assert_false(pace_resumes_soon(&p, 1500));
	/* Other requests in flight fail as well; they belong to the same pause. */
	pace_take(&p, OUTCOME_LOST, 1100);
	assert_int_equal(p.resume_ms, 1500);
	pace_take(&p, OUTCOME_THROTTLED, 1500);
	assert_int_equal(p.resume_ms, 2500);
	for (int i = 0; i < 20; i++)
		pace_take(&p, OUTCOME_THROTTLED, p.resume_ms);
	assert_int_equal(p.window, 1);
	assert_int_equal(p.pause_ms, 5000);
	assert_false(pace_resumes_soon(&p, p.resume_ms - 1));
	pace_take(&p, OUTCOME_BLOCKED, p.resume_ms);
	assert_int_equal(p.pause_ms, 10000);
	for (int i = 0; i < 20; i++)
		pace_take(&p, OUTCOME_BLOCKED, p.resume_ms);
	assert_int_equal(p.pause_ms, 30000);
	for (int i = 0; i < 20; i++)
		pace_take(&p, OUTCOME_DELIVERED, 0);
	assert_int_equal(p.window, PACE_WINDOW_MAX);
	assert_int_equal(p.pause_ms, 0);
}

static void test_the_result(void **state)
{
	struct import_counts c = {
		.events = 10, .bytes = 1000, .delivered = 7, .rejected = 2, .refused = 1, .batches = 3};
	_buf_ struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(report_result(&c, 12345, &out), 0);
	assert_string_equal(buf_str(&out), "events 10\ndelivered 7\nrejected 3\nbatches 3\nbytes 1000\nseconds 12.345\n"
					   "possible_duplicates 0\n");
	buf_clear(&out);
	c.doubtful = 5;
	strcpy(c.batches_doubtful, "1 3");
	report_result(&c, 0, &out);
	assert_non_null(strstr(buf_str(&out), "possible_duplicates 5 (batches 1 3)\n"));
}

static void test_a_clock_that_was_set_back(void **state)
{
	struct import_counts c = {.events = 1};
	_buf_ struct buf out = BUF_INIT(4096);

	(void)state;
	report_result(&c, -3600123, &out);
	assert_non_null(strstr(buf_str(&out), "\nseconds 0.000\n"));
}

static void test_the_remedy_of_a_failed_command(void **state)
{
	struct error err = {0};

	(void)state;
	report_remedy(7, 1, &err);
	assert_non_null(strstr(err.remedy, "cat import/history/7/rejected"));
	report_remedy(7, 127, &err);
	assert_non_null(strstr(err.remedy, "set import_command"));
	assert_non_null(strstr(err.remedy, "touch import/history/7/retry"));
}

static void test_the_progress(void **state)
{
	struct import_counts c = {.events = 1000, .bytes = 2000000, .delivered = 500, .delivered_bytes = 1000000};
	char text[160];

	(void)state;
	report_progress(&c, 0, "", text, sizeof(text));
	assert_string_equal(text, "1000 events (2.0 MB) in, 500 delivered, 500 waiting (1.0 MB)");
	c.is_written = true;
	report_progress(&c, 5000, "", text, sizeof(text));
	assert_string_equal(text,
			    "1000 events (2.0 MB) in, 500 delivered, 500 waiting (1.0 MB), 100 events/s, 5s left");
	report_progress(&c, 0, "no server", text, sizeof(text));
	assert_string_equal(text, "1000 events (2.0 MB) in, 500 delivered, 500 waiting (1.0 MB); waiting: no server");
}

static void test_messages_are_one_line(void **state)
{
	char text[16];

	(void)state;
	report_message("a\nb\r\n\n", 6, text, sizeof(text));
	assert_string_equal(text, "a / b ");
	report_message("", 0, text, sizeof(text));
	assert_string_equal(text, "");
	report_message("12345678901234567890", 20, text, sizeof(text));
	assert_string_equal(text, "123456789012");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_invocation_means),
		cmocka_unit_test(test_which_outcomes_split_a_group),
		cmocka_unit_test(test_the_pace_follows_throttling),
		cmocka_unit_test(test_the_result),
		cmocka_unit_test(test_a_clock_that_was_set_back),
		cmocka_unit_test(test_the_remedy_of_a_failed_command),
		cmocka_unit_test(test_the_progress),
		cmocka_unit_test(test_messages_are_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
