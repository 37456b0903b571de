/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing.h"

static void test_the_content_is_kept_up_to_the_maximum(void **state)
{
	struct buffer buffer = {.max = 10000};
	char piece[3000];

	(void)state;
	for (int i = 0; i < 3; i++) {
		memset(piece, 'a' + i, sizeof(piece));
		assert_int_equal(buffer_add(&buffer, piece, sizeof(piece)), 0);
	}
	assert_int_equal(buffer_add(&buffer, piece, 1001), -EFBIG);
	assert_int_equal(buffer_add(&buffer, piece, 1000), 0);
	assert_int_equal(buffer_add(&buffer, NULL, 0), 0);
	buffer_drop(&buffer, 0);
	buffer_drop(&buffer, 3000);
	assert_int_equal(buffer.len, 7000);
	assert_int_equal(buffer.data[0], 'b');
	assert_int_equal(buffer.data[6999], 'c');
	buffer_free(&buffer);
	buffer_drop(&buffer, 0);
}

static void add_without_memory(const void *arg)
{
	struct buffer buffer = {.max = 10000};
	char piece[5000];
	int err;

	(void)arg;
	memset(piece, 'a', sizeof(piece));
	err = buffer_add(&buffer, piece, 10);
	if (err == 0)
		err = buffer_add(&buffer, piece, sizeof(piece));
	assert_int_equal(err, failing_happened() ? -ENOMEM : 0);
	assert_true(buffer.len == (err ? 0 : 5010) || buffer.len == 10);
	buffer_free(&buffer);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_int_equal(failing_each(add_without_memory, NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_content_is_kept_up_to_the_maximum),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
