/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Renders a page of events "time:message" and returns its text. */
static char *render(const char *const *events, struct log_place *place)
{
	_buf_ struct buf out = BUF_INIT(1000);
	cJSON *page = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(page, "events");

	for (; *events; events++) {
		cJSON *event = cJSON_CreateObject();

		cJSON_AddNumberToObject(event, "timestamp", atoi(*events));
		cJSON_AddStringToObject(event, "message", strchr(*events, ':') + 1);
		cJSON_AddItemToArray(list, event);
	}
	assert_int_equal(follow_render(page, place, &out), 0);
	cJSON_Delete(page);
	return buf_take(&out);
}

#define PAGE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check(const char *const *page, struct log_place *place, const char *expected)
{
	_free_ char *text = render(page, place);

	assert_string_equal(text ? text : "", expected);
}

static void test_a_place_counts_the_events_of_its_time(void **state)
{
	struct log_place place = {0};

	(void)state;
	check(PAGE("5:a", "5:b\n", "6:c"), &place, "a\nb\nc\n");
	assert_int_equal(place.time_ms, 6);
	assert_int_equal(place.seen, 1);
	check(PAGE("6:d", "6:e"), &place, "d\ne\n");
	assert_int_equal(place.seen, 3);
	check(PAGE("4:late"), &place, "late\n");
	assert_int_equal(place.time_ms, 6);
	assert_int_equal(place.seen, 3);
}

/* A read by time returns the events of the last millisecond again, in one page or in several. */
static void test_nothing_is_lost_or_repeated_by_time(void **state)
{
	struct log_place place = {0};

	(void)state;
	check(PAGE("5:a", "6:b", "6:c"), &place, "a\nb\nc\n");
	assert_int_equal(follow_by_time(&place), 6);
	check(PAGE("6:b"), &place, "");
	check(PAGE("6:c", "6:d", "7:e"), &place, "d\ne\n");
	assert_int_equal(follow_by_time(&place), 7);
	check(PAGE("7:e", "8:f"), &place, "f\n");
	assert_int_equal(place.time_ms, 8);
	assert_int_equal(place.seen, 1);
}

/* The retention of the log group may have deleted events that were read before. */
static void test_events_that_do_not_come_again_hide_no_others(void **state)
{
	struct log_place place = {0};

	(void)state;
	check(PAGE("5:a", "5:b"), &place, "a\nb\n");
	follow_by_time(&place);
	check(PAGE("6:c", "6:d"), &place, "c\nd\n");
}

static void test_only_a_token_expires(void **state)
{
	struct aws_reply reply = {.status = 400};

	(void)state;
	error_set(&reply.error, -EIO, "whatever");
	snprintf(reply.error.code, sizeof(reply.error.code), "InvalidParameterException");
	assert_true(follow_token_expired(&reply, "f/1"));
	assert_false(follow_token_expired(&reply, NULL));
	snprintf(reply.error.code, sizeof(reply.error.code), "ResourceNotFoundException");
	assert_false(follow_token_expired(&reply, "f/1"));
}

static void test_a_quiet_log_is_polled_less_and_less(void **state)
{
	unsigned calls = 0;

	(void)state;
	assert_int_equal(follow_pace(0), 1000);
	assert_int_equal(follow_pace(50000), 5000);
	assert_int_equal(follow_pace(INT64_C(86400000)), 60000);
	for (int64_t quiet_ms = 600000; quiet_ms < 600000 + 3600000; quiet_ms += follow_pace(quiet_ms))
		calls++;
	assert_int_equal(calls, 60);
}

static void test_times_that_are_none(void **state)
{
	static const char *const times[] = {"9e300", "-9e300", "1e16", "\"x\"", "null"};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct log_place place = {.time_ms = 5};
		_buf_ struct buf out = BUF_INIT(1000);
		char text[128];
		cJSON *page;

		snprintf(text, sizeof(text), "{\"events\":[{\"timestamp\":%s,\"message\":\"a\"}]}", times[i]);
		page = cJSON_Parse(text);
		assert_int_equal(follow_render(page, &place, &out), 0);
		assert_string_equal(buf_str(&out), "a\n");
		assert_int_equal(place.time_ms, 5);
		cJSON_Delete(page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_place_counts_the_events_of_its_time),
		cmocka_unit_test(test_nothing_is_lost_or_repeated_by_time),
		cmocka_unit_test(test_events_that_do_not_come_again_hide_no_others),
		cmocka_unit_test(test_only_a_token_expires),
		cmocka_unit_test(test_times_that_are_none),
		cmocka_unit_test(test_a_quiet_log_is_polled_less_and_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
