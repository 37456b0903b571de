/* SPDX-License-Identifier: BSD-3-Clause */
#include "event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "failing.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Parses a copy in memory of exactly this size, so that a sanitizer detects a read beyond its end. */
static int parse(const char *json, size_t len, struct event *event, const char **why)
{
	char *copy = malloc(len ? len : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, json, len);
	err = event_parse(copy, len, event, why);
	free(copy);
	return err;
}

static void assert_event(const char *json, const char *command, const char *endpoint)
{
	struct event event;
	const char *why = "";

	if (parse(json, strlen(json), &event, &why) != 0)
		fail_msg("%s: %s", json, why);
	assert_string_equal(event.command, command);
	assert_string_equal(event.endpoint, endpoint);
	event_free(&event);
}

static void assert_refused(const char *json, size_t len, const char *reason)
{
	struct event event;
	const char *why = NULL;

	if (parse(json, len, &event, &why) != -EINVAL)
		fail_msg("%s was taken", json);
	if (!why || !strstr(why, reason))
		fail_msg("%s: \"%s\" instead of \"%s\"", json, why ? why : "no reason", reason);
}

static void test_good(void **state)
{
	(void)state;
	assert_event("{\"v\":1,\"cmd\":\"Zm9v\"}", "foo", "");
	assert_event("{\"v\":1,\"cmd\":\"\"}", "", "");
	assert_event(" { \"cmd\" : \"Zm8=\" , \"v\" : 1 } \r\n", "fo", "");
	assert_event("{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"10.0.0.1:42000\"}", "foo", "10.0.0.1:42000");
	assert_event("{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"\"}", "foo", "");
	assert_event("{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":null}", "foo", "");
	assert_event("{\"v\":1,\"cmd\":\"+\\/\\/+\"}", "\xfb\xff\xfe", "");
}

static void test_unknown_keys(void **state)
{
	(void)state;
	assert_event("{\"x\":{\"v\":2,\"cmd\":[1,{\"cmd\":\"\"}]},\"v\":1,\"deadline_ms\":5,\"cmd\":\"Zm9v\",\"y\":[]}",
		     "foo", "");
	assert_event("{\"v\":1,\"cmd\":\"Zm9v\",\"V\":2,\"cmd \":7,\"\":null}", "foo", "");
}

static void assert_input(const char *json, const char *input, size_t len)
{
	struct event event;
	const char *why = "";

	if (parse(json, strlen(json), &event, &why) != 0)
		fail_msg("%s: %s", json, why);
	assert_string_equal(event.command, "foo");
	assert_int_equal(event.input_len, len);
	if (input)
		assert_memory_equal(event.input, input, len);
	else
		assert_null(event.input);
	event_free(&event);
}

static void test_input(void **state)
{
	(void)state;
	assert_input("{\"v\":1,\"cmd\":\"Zm9v\"}", NULL, 0);
	assert_input("{\"v\":1,\"cmd\":\"Zm9v\",\"stdin_encoding\":\"gzip\"}", NULL, 0);
	assert_input("{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":null,\"stdin_encoding\":1}", NULL, 0);
	assert_input("{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"\",\"stdin_encoding\":\"gzip\"}", "", 0);
	assert_input("{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH/\",\"stdin_encoding\":\"gzip\"}", "\0\1\xff", 3);
	assert_input("{\"stdin\":\"+\\/\\/+\",\"stdin_encoding\":\"gzip\",\"cmd\":\"Zm9v\",\"v\":1}", "\xfb\xff\xfe",
		     3);
}

static void test_bad(void **state)
{
	static const struct {
		const char *json;
		const char *reason;
	} bad[] = {
		{"", "not valid JSON"},
		{" ", "not valid JSON"},
		{"{", "not valid JSON"},
		{"{\"v\":1,\"cmd\":\"Zm9v\"", "not valid JSON"},
		{"{\"v\" 1}", "not valid JSON"},
		{"{\"v\"}", "not valid JSON"},
		{"{\"v\":1 \"cmd\":\"Zm9v\"}", "not valid JSON"},
		{"[1]", "not a JSON object"},
		{"\"v\"", "not a JSON object"},
		{"{\"v\":1,\"cmd\":\"Zm9v\"}{}", "after its JSON object"},
		{"{\"v\":1,\"v\":1,\"cmd\":\"Zm9v\"}", "twice"},
		{"{}", "no version"},
		{"{\"v\":null,\"cmd\":\"Zm9v\"}", "no version"},
		{"{\"v\":2,\"cmd\":\"Zm9v\"}", "is not 1"},
		{"{\"v\":10,\"cmd\":\"Zm9v\"}", "is not 1"},
		{"{\"v\":\"1\",\"cmd\":\"Zm9v\"}", "is not 1"},
		{"{\"v\":{\"v\":1},\"cmd\":\"Zm9v\"}", "is not 1"},
		{"{\"v\":1}", "no text \"cmd\""},
		{"{\"v\":1,\"cmd\":1}", "no text \"cmd\""},
		{"{\"v\":1,\"cmd\":{\"cmd\":\"Zm9v\"}}", "no text \"cmd\""},
		{"{\"v\":1,\"cmd\":\"Zm9\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm9\\u0076\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm8AZg==\"}", "NUL"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH/\"}", "stdin_encoding"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH/\",\"stdin_encoding\":\"zstd\"}", "stdin_encoding"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH/\",\"stdin_encoding\":{}}", "stdin_encoding"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH\",\"stdin_encoding\":\"gzip\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":\"AAH\\n\",\"stdin_encoding\":\"gzip\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":1,\"stdin_encoding\":\"gzip\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"stdin\":[\"AAH/\"],\"stdin_encoding\":\"gzip\"}", "not base64"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":1}", "endpoint"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"host\"}", "endpoint"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"a:1 b\"}", "endpoint"},
		{"{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"a:1\\n\"}", "endpoint"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(bad[i].json, strlen(bad[i].json), bad[i].reason);
	assert_refused("{\"v\":1,\"cmd\":\"Zm9v\"}\0", 21, "NUL");
}

/* An event whose command consists of the letter x, repeated `len` times. */
static char *event_of(size_t len)
{
	static const char start[] = "{\"v\":1,\"cmd\":\"";
	size_t text_len = base64_encoded_len(len), at = sizeof(start) - 1;
	char *plain = malloc(len), *json = malloc(at + text_len + 3);

	assert_non_null(plain);
	assert_non_null(json);
	memset(plain, 'x', len);
	memcpy(json, start, at);
	base64_encode(json + at, plain, len);
	memcpy(json + at + text_len, "\"}", 3);
	free(plain);
	return json;
}

static void test_longest(void **state)
{
	char *fits = event_of(EVENT_COMMAND_MAX), *too_long = event_of(EVENT_COMMAND_MAX + 1);
	struct event event;
	const char *why;

	(void)state;
	assert_int_equal(parse(fits, strlen(fits), &event, &why), 0);
	assert_int_equal(strlen(event.command), EVENT_COMMAND_MAX);
	event_free(&event);
	assert_refused(too_long, strlen(too_long), "longer than 100 KiB");
	free(fits);
	free(too_long);
}

static void test_longest_endpoint(void **state)
{
	char json[400] = "{\"v\":1,\"cmd\":\"\",\"endpoint\":\"";
	size_t at = strlen(json);

	(void)state;
	memset(json + at, ':', EVENT_ENDPOINT_MAX);
	strcpy(json + at + EVENT_ENDPOINT_MAX, "\"}");
	json[at + EVENT_ENDPOINT_MAX - 1] = '7';
	assert_event(json, "", strndupa(json + at, EVENT_ENDPOINT_MAX));
	strcpy(json + at + EVENT_ENDPOINT_MAX, "7\"}");
	assert_refused(json, strlen(json), "endpoint");
}

/* Every prefix of an event, and every event with one changed byte, is either parsed or refused. */
static void test_damaged(void **state)
{
	static const char whole[] =
		"{\"x\":[1,{\"y\":null}],\"v\":1,\"stdin\":\"A\\/H\\/\",\"stdin_encoding\":\"gzip\","
		"\"cmd\":\"Zm9v\",\"endpoint\":\"a:1\"}";
	const size_t len = sizeof(whole) - 1;

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_refused(whole, i, "");
	for (size_t i = 0; i < len; i++) {
		for (int byte = 0; byte < 256; byte++) {
			char damaged[sizeof(whole)];
			struct event event;
			const char *why;

			memcpy(damaged, whole, sizeof(whole));
			damaged[i] = (char)byte;
			if (parse(damaged, len, &event, &why) == 0)
				event_free(&event);
			else
				assert_non_null(why);
		}
	}
}

static void parse_without_memory(const void *arg)
{
	static const char json[] = "{\"v\":1,\"cmd\":\"Zm9v\",\"endpoint\":\"h:1\"}";
	struct event event;
	const char *why = NULL;
	int err;

	(void)arg;
	failing_pause(true);
	char *copy = strdup(json);
	failing_pause(false);
	err = event_parse(copy, strlen(copy), &event, &why);
	assert_int_equal(err, failing_happened() ? -ENOMEM : 0);
	if (err == 0) {
		assert_string_equal(event.command, "foo");
		event_free(&event);
	}
	free(copy);
}

/* A lack of memory is not blamed on the event. */
static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(parse_without_memory, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_bad),	cmocka_unit_test(test_input),
		cmocka_unit_test(test_longest), cmocka_unit_test(test_longest_endpoint),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
