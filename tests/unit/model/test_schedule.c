/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR 3600000

struct counts {
	unsigned all, of_cloudformation;
	int64_t longest_tasks_ms, longest_stack_ms;
};

/* An hour on a movable clock: the calls that the schedule asks for, each round taking 300 ms. */
static struct counts run_hour(struct schedule_facts f)
{
	static const unsigned calls[SCHEDULE_PARTS] = {1, 2, 1, 1, 1, 1};
	struct schedule s = {0};
	struct counts c = {0};
	int64_t tasks_ms, stack_ms, end = f.now_ms + HOUR;

	schedule_was_read(&s, SCHEDULE_ALL, f.now_ms);
	tasks_ms = stack_ms = f.now_ms;
	while (f.now_ms < end) {
		unsigned due = schedule_due(&s, &f);

		if (!due) {
			int64_t delay = schedule_delay(&s, &f);

			if (delay < 0)
				break;
			assert_true(delay > 0);
			f.now_ms += delay;
			continue;
		}
		for (int part = 0; part < SCHEDULE_PARTS; part++)
			c.all += due & 1u << part ? calls[part] : 0;
		c.of_cloudformation += due & SCHEDULE_STACK ? 1 : 0;
		f.now_ms += 300;
		if (due & SCHEDULE_TASKS) {
			if (f.now_ms - tasks_ms > c.longest_tasks_ms)
				c.longest_tasks_ms = f.now_ms - tasks_ms;
			tasks_ms = f.now_ms;
		}
		if (due & SCHEDULE_STACK) {
			if (f.now_ms - stack_ms > c.longest_stack_ms)
				c.longest_stack_ms = f.now_ms - stack_ms;
			stack_ms = f.now_ms;
		}
		schedule_was_read(&s, due, f.now_ms);
	}
	return c;
}

static const struct schedule_facts used = {.now_ms = 5 * HOUR, .used_ms = 5 * HOUR, .held = true, .exists = true};

static void test_a_used_hour(void **state)
{
	struct counts c = run_hour(used);

	(void)state;
	assert_in_range(c.all, 300, 380);
	assert_in_range(c.of_cloudformation, 55, 60);
	assert_true(c.longest_tasks_ms <= 30000);
	assert_true(c.longest_stack_ms <= 60500);
}

static void test_an_unused_hour(void **state)
{
	struct schedule_facts f = used;
	struct counts c;

	(void)state;
	f.held = false;
	f.used_ms = f.now_ms - SCHEDULE_USE_MS;
	c = run_hour(f);
	assert_in_range(c.all, 6, 60);
	f.tasks_change = f.stack_changes = true; /* a server that crashes for hours costs no more */
	assert_int_equal(run_hour(f).all, c.all);
}

static void test_without_a_stack_there_is_nothing_to_read(void **state)
{
	struct schedule_facts f = used;
	struct schedule s = {0};

	(void)state;
	f.exists = false;
	assert_int_equal(run_hour(f).all, 0);
	assert_int_equal(schedule_delay(&s, &f), -1);
}

static void test_what_changes_is_read_often_and_what_stays_less_and_less(void **state)
{
	struct schedule_facts f = used;
	struct schedule s = {0};

	(void)state;
	f.tasks_change = true;
	f.changed_ms = f.now_ms;
	schedule_was_read(&s, SCHEDULE_ALL, f.now_ms);
	assert_int_equal(schedule_delay(&s, &f), 1000);
	f.now_ms += 1000;
	assert_int_equal(schedule_due(&s, &f), SCHEDULE_TASKS | SCHEDULE_DETAILS | SCHEDULE_SERVICE);
	f.changed_ms = f.now_ms - 100000;
	schedule_was_read(&s, SCHEDULE_ALL, f.now_ms);
	assert_int_equal(schedule_delay(&s, &f), 5000);
	f.changed_ms = f.now_ms - HOUR;
	assert_int_equal(schedule_delay(&s, &f), 28500);
	f.tasks_change = false;
	f.stack_changes = true;
	f.changed_ms = f.now_ms;
	assert_int_equal(schedule_delay(&s, &f), 3000);
	f.now_ms += 3000;
	assert_int_equal(schedule_due(&s, &f), SCHEDULE_STACK | SCHEDULE_FUNCTION);
}

/* EFS measures a file system once an hour. */
static void test_the_storage_is_read_once_an_hour(void **state)
{
	struct schedule_facts f = used;
	struct schedule s = {0};

	(void)state;
	f.stack_changes = f.tasks_change = true;
	f.changed_ms = f.now_ms;
	schedule_was_read(&s, SCHEDULE_ALL, f.now_ms);
	f.now_ms += HOUR - 1;
	assert_int_equal(schedule_due(&s, &f) & SCHEDULE_STORAGE, 0);
	f.now_ms++;
	assert_int_equal(schedule_due(&s, &f), SCHEDULE_ALL);
	f.held = false;
	f.used_ms = f.now_ms - HOUR;
	assert_int_equal(schedule_due(&s, &f), SCHEDULE_ALL);
	f.now_ms--;
	assert_int_equal(schedule_due(&s, &f) & SCHEDULE_STORAGE, 0);
}

static void test_a_clock_that_was_set_back_makes_nothing_new(void **state)
{
	(void)state;
	assert_int_equal(schedule_age_ms(10 * HOUR, 9 * HOUR), HOUR);
	assert_int_equal(schedule_age_ms(HOUR, HOUR + 100), 0);
	assert_true(schedule_age_ms(HOUR, 9 * HOUR) >= HOUR);
}

static void test_use_lasts_ten_minutes(void **state)
{
	struct schedule_facts f = used;

	(void)state;
	f.held = false;
	assert_true(schedule_is_used(&f));
	f.now_ms += SCHEDULE_USE_MS - 1;
	assert_true(schedule_is_used(&f));
	f.now_ms++;
	assert_false(schedule_is_used(&f));
	f.held = true;
	assert_true(schedule_is_used(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_used_hour),
		cmocka_unit_test(test_an_unused_hour),
		cmocka_unit_test(test_without_a_stack_there_is_nothing_to_read),
		cmocka_unit_test(test_what_changes_is_read_often_and_what_stays_less_and_less),
		cmocka_unit_test(test_the_storage_is_read_once_an_hour),
		cmocka_unit_test(test_a_clock_that_was_set_back_makes_nothing_new),
		cmocka_unit_test(test_use_lasts_ten_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
