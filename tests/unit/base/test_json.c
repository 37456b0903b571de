/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How many allocations succeed from now on; negative: all of them. */
static int allocations_left = -1;

static void *allocate(size_t size)
{
	if (allocations_left == 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (allocations_left > 0)
		allocations_left--;
	return malloc(size);
}

static char *build(int *r)
{
	_json_ cJSON *object = json_object(r);
	cJSON *array = json_array(r);

	json_add_text(r, object, "text", "x");
	json_add_number(r, object, "number", 7);
	json_add_true(r, object, "true");
	json_append_text(r, array, "y");
	json_append(r, array, cJSON_CreateNull());
	json_add(r, object, "array", array);
	return json_print(r, object);
}

static void test_an_object_is_whole_or_an_error(void **state)
{
	int made = 0;

	(void)state;
	for (int n = 0; n < 100 && !made; n++) {
		_free_ char *text = NULL;
		int r = 0;

		allocations_left = n;
		text = build(&r);
		allocations_left = -1;
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(text != NULL, r == 0);
		if (text)
			assert_string_equal(text, "{\"text\":\"x\",\"number\":7,\"true\":true,\"array\":[\"y\",null]}");
		made = text != NULL;
	}
	assert_true(made);
}

static void test_the_first_failure_stays(void **state)
{
	int r = -EINVAL;

	(void)state;
	assert_null(build(&r));
	assert_int_equal(r, -EINVAL);
}

static void test_what_is_not_json_differs_from_what_does_not_fit(void **state)
{
	static const char text[] = "{\"a\":[1,2]} rest";
	const char *end;
	cJSON *json;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &json, &end), 0);
	assert_string_equal(end, " rest");
	cJSON_Delete(json);
	for (int n = 0; n < 5; n++) {
		allocations_left = n;
		assert_int_equal(json_parse(text, strlen(text), &json, NULL), -ENOMEM);
		allocations_left = -1;
		assert_null(json);
	}
	assert_int_equal(json_parse("{\"a\"", 4, &json, NULL), -EBADMSG);
	assert_null(json);
	assert_int_equal(json_parse("", 0, &json, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_object_is_whole_or_an_error),
		cmocka_unit_test(test_the_first_failure_stays),
		cmocka_unit_test(test_what_is_not_json_differs_from_what_does_not_fit),
	};

	cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = free});
	return cmocka_run_group_tests(tests, NULL, NULL);
}
