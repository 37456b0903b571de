/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The example in RFC 6455, section 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define GOOD                                                                                \
	"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: " ACCEPT " \r\n\r\n"

static int reply(const char *text, struct error *err)
{
	*err = (struct error){0};
	return upgrade_reply(text, strlen(text), KEY, err);
}

static void test_key(void **state)
{
	char key[UPGRADE_KEY_SIZE];

	(void)state;
	upgrade_key((const uint8_t *)"the sample nonce", key);
	assert_string_equal(key, KEY);
}

static void test_the_peer_agrees(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(reply(GOOD, &err), strlen(GOOD));
	assert_int_equal(reply(GOOD "\x82\x01x", &err), strlen(GOOD));
	for (size_t n = 0; n < strlen(GOOD); n++)
		assert_int_equal(upgrade_reply(GOOD, n, KEY, &err), 0);
}

static void test_the_peer_does_not(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 403 Forbidden\r\n\r\n",
		"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
		"HTTP/1.1 101 OK\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"HTTP/1.1 101 OK\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n\r\n",
		"\r\n\r\n",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_int_equal(reply(replies[i], &err), -EPROTO);
	reply(replies[0], &err);
	assert_int_equal(err.http_status, 403);
}

static void test_a_head_without_end(void **state)
{
	static char much[UPGRADE_REPLY_MAX];
	struct error err;

	(void)state;
	memset(much, 'x', sizeof(much));
	assert_int_equal(upgrade_reply(much, sizeof(much) - 1, KEY, &err), 0);
	assert_int_equal(upgrade_reply(much, sizeof(much), KEY, &err), -EPROTO);
}

static void test_addresses(void **state)
{
	_buf_ struct buf request = BUF_INIT(4096);
	struct upgrade_url u;
	struct error err;

	(void)state;
	assert_int_equal(
		upgrade_url_parse("wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/s?role=a", &u, &err), 0);
	assert_string_equal(u.connect, "https://ssmmessages.eu-west-1.amazonaws.com");
	assert_string_equal(u.target, "/v1/data-channel/s?role=a");
	assert_int_equal(upgrade_request(&u, KEY, &request), 0);
	assert_non_null(strstr(request.data, "GET /v1/data-channel/s?role=a HTTP/1.1\r\n"));
	assert_non_null(strstr(request.data, "\r\nHost: ssmmessages.eu-west-1.amazonaws.com\r\n"));
	upgrade_url_free(&u);
	assert_int_equal(upgrade_url_parse("ws://127.0.0.1:5000?a=b#c", &u, &err), 0);
	assert_string_equal(u.connect, "http://127.0.0.1:5000");
	assert_string_equal(u.target, "/?a=b");
	upgrade_url_free(&u);
}

static void test_what_is_no_address(void **state)
{
	static const char *const bad[] = {
		"", "wss://", "ftp://host/", "wss://host/a b", "wss://host/\r\nX: y", "wss://user@host/", "host/path"};
	struct upgrade_url u;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(upgrade_url_parse(bad[i], &u, &err), -EINVAL);
		upgrade_url_free(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_the_peer_agrees),
		cmocka_unit_test(test_the_peer_does_not),
		cmocka_unit_test(test_a_head_without_end),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
