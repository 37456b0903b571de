/* SPDX-License-Identifier: BSD-3-Clause */
#include "base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The vectors of RFC 4648, section 10, and the characters of the alphabet that are not letters. */
static const struct {
	const char *plain;
	const char *encoded;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void test_encode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		size_t len = strlen(vectors[i].plain);
		char text[16] = "";

		assert_int_equal(base64_encoded_len(len), strlen(vectors[i].encoded));
		base64_encode(text, vectors[i].plain, len);
		assert_string_equal(text, vectors[i].encoded);
	}
}

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		char plain[16] = "";

		assert_int_equal(base64_decode(plain, vectors[i].encoded, strlen(vectors[i].encoded)),
				 strlen(vectors[i].plain));
		assert_string_equal(plain, vectors[i].plain);
	}
}

static void test_decode_refuses(void **state)
{
	static const char *const bad[] = {
		"Z",	"Zg",	"Zg=",	"Zm9vYg", "Zg==Zg==", "Zm8=Zm9v", "====",    "Z===",	  "=m9v",
		"Zm=v", "Zh==", "Zm9=", "Zm 9",	  "Zm9\n",    "Zm-_",	  "Zm9\x80", "Z\xc3\xa4v"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char plain[16];

		if (base64_decode(plain, bad[i], strlen(bad[i])) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void test_round_trip_in_place(void **state)
{
	(void)state;
	for (size_t len = 0; len < 600; len++) {
		uint8_t plain[600];
		char *text = malloc(base64_encoded_len(len) + 1);

		assert_non_null(text);
		for (size_t i = 0; i < len; i++)
			plain[i] = (uint8_t)(i * 7 + len);
		base64_encode(text, plain, len);
		assert_int_equal(base64_decode(text, text, base64_encoded_len(len)), len);
		assert_memory_equal(text, plain, len);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_round_trip_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
