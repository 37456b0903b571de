/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests which texts of the agent in the container are accepted. */
#include "session/crypt.h"
#include "session/handshake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ACTIONS(list) "{\"RequestedClientActions\":" list "}"
#define KMS(id)	      ACTIONS("[{\"ActionType\":\"KMSEncryption\",\"ActionParameters\":{\"KMSKeyId\":" id "}}]")

static void handshake_reads(const char *text, int expected, const char *key_id)
{
	struct handshake h = {0};

	if (handshake_read(&h, text, strlen(text)) != expected)
		fail_msg("%s", text);
	if (expected == 0)
		assert_string_equal(h.key_id, key_id);
	handshake_free(&h);
}

static void test_requests(void **state _unused_)
{
	char text[3000], id[2200];

	handshake_reads(ACTIONS("[]"), 0, "");
	handshake_reads(ACTIONS("[7,null,{}]"), 0, "");
	handshake_reads(KMS("\"arn:key\""), 0, "arn:key");
	handshake_reads("", -EBADMSG, "");
	handshake_reads("{}", -EBADMSG, "");
	handshake_reads("[]", -EBADMSG, "");
	handshake_reads(ACTIONS("{}"), -EBADMSG, "");
	handshake_reads(KMS("\"\""), -EBADMSG, "");
	handshake_reads(KMS("7"), -EBADMSG, "");
	memset(id, 'a', sizeof(id));
	snprintf(text, sizeof(text), KMS("\"%.2048s\""), id);
	handshake_reads(text, 0, strndupa(id, 2048));
	snprintf(text, sizeof(text), KMS("\"%.2049s\""), id);
	handshake_reads(text, -EBADMSG, "");
}

static void test_challenges(void **state _unused_)
{
	static const struct {
		const char *text, *sealed; /* NULL: invalid */
	} rows[] = {
		{"{\"Challenge\":\"YWJj\"}", "abc"},
		{"{\"Challenge\":\"YWI=\"}", "ab"},
		{"{\"Challenge\":\"YQ==\"}", "a"},
		{"{\"Challenge\":\"\"}", NULL},
		{"{\"Challenge\":\"YWJ\"}", NULL},
		{"{\"Challenge\":\"!!!!\"}", NULL},
		{"{\"Challenge\":7}", NULL},
		{"{}", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf sealed = BUF_INIT(100);

		assert_int_equal(handshake_read_challenge(rows[i].text, strlen(rows[i].text), &sealed),
				 rows[i].sealed ? 0 : -EBADMSG);
		assert_string_equal(buf_str(&sealed), rows[i].sealed ? rows[i].sealed : "");
	}
}

static void test_acknowledgements(void **state _unused_)
{
	static const struct {
		const char *number;
		int64_t sequence; /* -1: invalid */
	} rows[] = {{"0", 0},	   {"7", 7},	{"9000000000000000", 9000000000000000}, {"1e300", -1}, {"-1", -1},
		    {"\"1\"", -1}, {"null", -1}};
	char text[100];
	int64_t sequence;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "{\"AcknowledgedMessageSequenceNumber\":%s}", rows[i].number);
		sequence = -1;
		assert_int_equal(handshake_read_acknowledgement(text, strlen(text), &sequence),
				 rows[i].sequence < 0 ? -EBADMSG : 0);
		assert_true(sequence == rows[i].sequence);
	}
	assert_int_equal(handshake_read_acknowledgement("", 0, &sequence), -EBADMSG);
}

/* Every byte counts, and a text without room for nonce and tag is refused. */
static void test_a_sealed_text_that_was_changed(void **state _unused_)
{
	static const uint8_t key[CRYPT_KEY_SIZE] = {0};
	_buf_ struct buf sealed = BUF_INIT(100), plain = BUF_INIT(100);
	struct crypt c;

	crypt_set(&c, key);
	assert_int_equal(crypt_seal(&c, (const uint8_t *)"twelve bytes", "ab", 2, &sealed), 0);
	assert_int_equal(crypt_open(&c, sealed.data, sealed.len, &plain), 0);
	assert_string_equal(plain.data, "ab");
	for (size_t len = 0; len < sealed.len; len++)
		assert_int_equal(crypt_open(&c, sealed.data, len, &plain), -EBADMSG);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(crypt_open(&c, sealed.data, sealed.len, &plain), -EBADMSG);
		sealed.data[i] ^= 1;
	}
	assert_int_equal(plain.len, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_acknowledgements),
		cmocka_unit_test(test_a_sealed_text_that_was_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
