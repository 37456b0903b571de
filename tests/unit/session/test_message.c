/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The frames were created with the Go package of aws/session-manager-plugin. */
static const char input_frame[] =
	"00000074696e7075745f73747265616d5f64617461202020202020202020202020202020000000010000015e0baa7884"
	"00000000000000070000000000000000a508b5f073f31b16dd01e56bff48483e"
	"1d887ce0f8672e4914d9000e801cd74ecd805dd9366c0bc42dc16adc0197dc2f00000001000000036c730d";
static const char flag_frame[] =
	"00000074696e7075745f73747265616d5f64617461202020202020202020202020202020000000010000015e0baa7884"
	"00000000000000010000000000000000a508b5f073f31b16dd01e56bff48483e"
	"433ebf5bc03dffa38536673207a21281612cef5faa9bc7a4d5b9be2fdb12cf1a0000000a0000000400000002";
static const char uuid[] = "dd01e56b-ff48-483e-a508-b5f073f31b16";
static const uint8_t id[16] = {0xdd, 0x01, 0xe5, 0x6b, 0xff, 0x48, 0x48, 0x3e,
			       0xa5, 0x08, 0xb5, 0xf0, 0x73, 0xf3, 0x1b, 0x16};

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned byte;

	for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = (uint8_t)byte;
	return n;
}

static struct message example(void)
{
	struct message m = {
		.type = MESSAGE_INPUT, .created_ms = 1503434274948, .sequence = 7, .payload_type = PAYLOAD_OUTPUT};

	memcpy(m.id, id, sizeof(id));
	m.payload = "ls\r";
	m.len = 3;
	return m;
}

static void assert_encodes(const struct message *m, const char *hex)
{
	_buf_ struct buf out = BUF_INIT(MESSAGE_MAX);
	uint8_t expected[512];
	size_t len = from_hex(hex, expected);

	assert_int_equal(message_encode(m, &out), 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, expected, len);
}

static void test_frames_are_those_of_aws(void **state)
{
	struct message m = example();

	(void)state;
	assert_encodes(&m, input_frame);
	m.sequence = 1;
	m.payload_type = PAYLOAD_FLAG;
	m.payload = "\0\0\0\2";
	m.len = 4;
	assert_encodes(&m, flag_frame);
}

static void test_frames_of_aws_are_read(void **state)
{
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	char text[MESSAGE_UUID_SIZE];
	struct message m;

	(void)state;
	assert_int_equal(message_parse(frame, len, &m), 0);
	assert_string_equal(m.type, MESSAGE_INPUT);
	assert_int_equal(m.created_ms, 1503434274948);
	assert_int_equal(m.sequence, 7);
	assert_int_equal(m.payload_type, PAYLOAD_OUTPUT);
	assert_int_equal(m.len, 3);
	assert_memory_equal(m.payload, "ls\r", 3);
	message_uuid(m.id, text);
	assert_string_equal(text, uuid);
}

static void test_a_type_may_end_in_zeroes(void **state)
{
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	struct message m;

	(void)state;
	memset(frame + 4 + strlen(MESSAGE_INPUT), 0, 32 - strlen(MESSAGE_INPUT));
	assert_int_equal(message_parse(frame, len, &m), 0);
	assert_true(message_is(&m, MESSAGE_INPUT));
}

static void test_a_type_is_a_word(void **state)
{
	static const char bad[] = {'"', '\\', '\0', '\n', ' ', '\xff'};
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad); i++) {
		frame[4 + 5] = (uint8_t)bad[i];
		assert_int_equal(message_parse(frame, len, &m), -EBADMSG);
	}
}

static void test_what_is_cut_or_too_long_is_refused(void **state)
{
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	struct message m;

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(message_parse(frame, n, &m), -EBADMSG);
	assert_int_equal(message_parse(frame, len + 1, &m), -EBADMSG);
}

static void test_lengths_that_lie_are_refused(void **state)
{
	static const uint32_t lies[] = {0, 1, 115, 117, 120, 0x7fffffff, 0xffffffff};
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (size_t at = 0; at <= 116; at += 116) {
			uint8_t bad[512];

			memcpy(bad, frame, len);
			bad[at] = (uint8_t)(lies[i] >> 24);
			bad[at + 1] = (uint8_t)(lies[i] >> 16);
			bad[at + 2] = (uint8_t)(lies[i] >> 8);
			bad[at + 3] = (uint8_t)lies[i];
			assert_int_equal(message_parse(bad, len, &m), -EBADMSG);
		}
	}
}

static void test_every_changed_bit_of_payload_or_digest_is_noticed(void **state)
{
	uint8_t frame[512];
	size_t len = from_hex(input_frame, frame);
	struct message m;

	(void)state;
	for (size_t at = 80; at < len; at++) {
		if (at >= 112 && at < 116)
			continue; /* the payload's type is not covered by the digest */
		frame[at] ^= 1;
		assert_int_equal(message_parse(frame, len, &m), -EBADMSG);
		frame[at] ^= 1;
	}
}

static void test_publication_needs_no_more_than_its_name(void **state)
{
	uint8_t frame[36] = {0};
	struct message m;

	(void)state;
	memset(frame + 4, ' ', 32);
	memcpy(frame + 4, MESSAGE_PAUSE, strlen(MESSAGE_PAUSE));
	assert_int_equal(message_parse(frame, sizeof(frame), &m), 0);
	assert_true(message_is(&m, MESSAGE_PAUSE));
	assert_int_equal(message_parse(frame, sizeof(frame) - 1, &m), -EBADMSG);
}

/* Random changes cause no crash, and the payload of an accepted frame is inside the frame. */
static void test_mutations(void **state)
{
	uint8_t frame[512];
	size_t len = from_hex(flag_frame, frame);
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t bad[512];
		size_t n = (size_t)rand_r(&seed) % (len + 8);
		struct message m;

		memcpy(bad, frame, sizeof(bad));
		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			bad[(size_t)rand_r(&seed) % (len + 8)] = (uint8_t)rand_r(&seed);
		if (message_parse(bad, n, &m) == 0 && m.len)
			assert_true((const uint8_t *)m.payload >= bad && (const uint8_t *)m.payload + m.len == bad + n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_those_of_aws),
		cmocka_unit_test(test_frames_of_aws_are_read),
		cmocka_unit_test(test_a_type_may_end_in_zeroes),
		cmocka_unit_test(test_a_type_is_a_word),
		cmocka_unit_test(test_what_is_cut_or_too_long_is_refused),
		cmocka_unit_test(test_lengths_that_lie_are_refused),
		cmocka_unit_test(test_every_changed_bit_of_payload_or_digest_is_noticed),
		cmocka_unit_test(test_publication_needs_no_more_than_its_name),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
