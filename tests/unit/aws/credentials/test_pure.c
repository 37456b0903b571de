/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the decisions about credentials that need no request. */
#include "aws/credentials/keys.h"
#include "aws/credentials/role_limits.h"
#include "aws/credentials/sso_cache.h"
#include "aws/credentials/words.h"
#include "base/file.h"
#include "base/secret.h"
#include "failing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000)

static void test_renewal(void **state)
{
	(void)state;
	assert_int_equal(aws_credentials_renewal_ms(0, 60 * MINUTE), 45 * MINUTE);
	assert_int_equal(aws_credentials_renewal_ms(0, 30 * MINUTE), 15 * MINUTE);
	assert_int_equal(aws_credentials_renewal_ms(0, 15 * MINUTE), 15 * MINUTE / 2);
	assert_int_equal(aws_credentials_renewal_ms(59 * MINUTE, 60 * MINUTE), 59 * MINUTE + MINUTE / 2);
}

static void test_integer(void **state)
{
	static const char *const wrong[] = {"", " ", "+", "-", "1.5", "1__0", "_1", "1_", "0x10", "1 2", "one"};
	long n;

	(void)state;
	assert_int_equal(words_integer(" +1_800\n", &n), 0);
	assert_int_equal(n, 1800);
	assert_int_equal(words_integer("-5", &n), 0);
	assert_int_equal(n, -5);
	assert_int_equal(words_integer("99999999999999999999999", &n), 0);
	assert_true(n > 1000000000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(words_integer(wrong[i], &n), -EINVAL);
}

static void test_roles(void **state)
{
	static const char arn[] = "arn:aws:iam::1:role/r";
	struct error err = {0};
	int seconds;

	(void)state;
	assert_int_equal(role_check(arn, NULL, NULL, &err), 0);
	assert_int_equal(role_check(arn, "", "ab", &err), 0);
	assert_int_equal(role_check("arn:aws:iam::1", NULL, NULL, &err), -ENOKEY);
	assert_int_equal(role_check(arn, "x", NULL, &err), -ENOKEY);
	assert_int_equal(role_check(arn, NULL, "", &err), -ENOKEY);
	assert_int_equal(role_duration(NULL, &seconds, &err), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(role_duration("an hour", &seconds, &err), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(role_duration("900", &seconds, &err), 0);
	assert_int_equal(seconds, 900);
	assert_int_equal(role_duration("899", &seconds, &err), -ENOKEY);
}

static void expect_words(const char *line, int n, const char *joined)
{
	char **words, text[200] = "";

	assert_int_equal(words_split(line, &words), n);
	for (int i = 0; i < n; i++) {
		strcat(text, words[i]);
		strcat(text, "|");
	}
	if (n >= 0)
		assert_string_equal(text, joined);
	words_free(words);
}

static void test_words(void **state)
{
	(void)state;
	expect_words("", 0, "");
	expect_words(" \t a  'b c'\n", 2, "a|b c|");
	expect_words("\"a\\\"b\\\\c\\d\"", 1, "a\"b\\c\\d|");
	expect_words("'a\\'b", 1, "a\\b|");
	expect_words("a\\ b", 1, "a b|");
	expect_words("a\\", -EINVAL, NULL);
	expect_words("'a", -EINVAL, NULL);
	expect_words("\"a", -EINVAL, NULL);
	expect_words("\"a\\", -EINVAL, NULL);
	expect_words("''", 1, "|");
}

static void split_without_memory(const void *line)
{
	char **words;
	int n = words_split(line, &words);

	assert_int_equal(n, failing_happened() ? -ENOMEM : 2);
	words_free(words);
}

static const struct aws_credentials_names names = {"id", "secret", "token", "expiry"};

static void test_answers_of_sources(void **state)
{
	static const struct {
		const char *answer, *message; /* "": the credentials can be used */
		int64_t expires_ms;
	} cases[] = {
		{"{\"id\":\"A\",\"secret\":\"s\"}", "", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"token\":null,\"expiry\":null}", "", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"token\":\"t\",\"expiry\":1000}", "", 1000},
		{"{\"id\":\"A\",\"secret\":\"s\",\"expiry\":\"1970-01-01T00:00:01Z\"}", "", 1000},
		{"{\"id\":\"A\",\"secret\":\"s\",\"expiry\":\"soon\"}", "expiry in the reply is not a time", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"expiry\":0}", "expiry in the reply is not a time", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"expiry\":1e300}", "expiry in the reply is not a time", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"expiry\":true}", "expiry in the reply is not a time", 0},
		{"{\"id\":\"A\"}", "the reply has no string secret", 0},
		{"{\"id\":1,\"secret\":\"s\"}", "the reply has no string id", 0},
		{"{\"id\":\"A\",\"secret\":\"s\",\"token\":1}", "the reply has no string token", 0},
		{"{\"id\":\"\",\"secret\":\"s\"}", "id in the reply is empty or contains a control character", 0},
		{"{\"id\":\"A\",\"secret\":\"a\\u0007\"}",
		 "secret in the reply is empty or contains a control character", 0},
		{"{\"id\":\"A\",\"secret\":\"\xc3\xa4\"}",
		 "secret in the reply is empty or contains a control character", 0},
		{"[]", "the reply has no string id", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_credentials keys;
		struct error err = {0};
		cJSON *answer;

		assert_int_equal(aws_credentials_parse(cases[i].answer, &answer), 0);
		assert_int_equal(aws_credentials_take(answer, &names, &keys, &err), *cases[i].message ? -EBADMSG : 0);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(keys.expires_ms, *cases[i].message ? 0 : cases[i].expires_ms);
		assert_int_equal(keys.key_id != NULL, !*cases[i].message);
		aws_credentials_free(&keys);
		cJSON_Delete(answer);
	}
}

static void take_without_memory(const void *text)
{
	struct aws_credentials keys = {0};
	struct error err = {0};
	cJSON *answer;
	int r = aws_credentials_parse(text, &answer);

	if (r == 0)
		r = aws_credentials_take(answer, &names, &keys, &err);
	assert_int_equal(r, failing_happened() ? -ENOMEM : 0);
	if (r == 0)
		assert_string_equal(keys.token, "t");
	aws_credentials_free(&keys);
	cJSON_Delete(answer);
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(split_without_memory, "'a b' \"c\\\"\"") > 3);
	assert_true(failing_each(take_without_memory, "{\"id\":\"A\",\"secret\":\"s\",\"token\":\"t\"}") > 5);
}

/* -- the cache of tokens --------------------------------------------------------------------------------------- */

static const struct credential_source sso = {.kind = CREDENTIAL_SSO,
					     .label = (char *)(uintptr_t) "sso profile w",
					     .sso_session = (char *)(uintptr_t) "corp"};
static char home[] = "/tmp/test-sso-XXXXXX";

static int make_home(void **state)
{
	(void)state;
	strcpy(home + strlen(home) - 6, "XXXXXX");
	return mkdtemp(home) ? setenv("HOME", home, 1) : -1;
}

static int remove_home(void **state)
{
	static const char *const names_of[] = {"/.aws/sso/cache", "/.aws/sso", "/.aws", ""};
	char path[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names_of); i++) {
		snprintf(path, sizeof(path), "%s%s", home, names_of[i]);
		rmdir(path);
	}
	return 0;
}

static void write_cache(const char *text)
{
	_free_ char *path = sso_cache_path(&sso);

	assert_int_equal(file_write_atomically(path, text, strlen(text)), 0);
}

static void test_tokens_are_kept_where_the_aws_cli_finds_them(void **state)
{
	struct credential_source older = {.start_url = (char *)(uintptr_t) "https://x/start"};
	_free_ char *path = sso_cache_path(&sso), *other = sso_cache_path(&older);
	_secret_json_ cJSON *token = cJSON_Parse("{\"accessToken\":\"t\",\"expiresAt\":\"e\"}");
	struct error err = {0};
	cJSON *found;

	(void)state;
	assert_string_equal(strrchr(path, '/'), "/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
	assert_string_not_equal(path, other);
	assert_int_equal(sso_cache_read(&sso, &found, &err), -ENOKEY);
	assert_non_null(strstr(err.message, "does not exist: nobody has signed in"));
	assert_int_equal(sso_cache_remove(&sso, &err), -ENOENT);
	assert_int_equal(sso_cache_prepare(&sso, &err), 0);
	assert_int_equal(sso_cache_write(&sso, token, &err), 0);
	assert_int_equal(sso_cache_read(&sso, &found, &err), 0);
	assert_true(cJSON_Compare(found, token, true));
	secret_free_json(found);
	assert_int_equal(sso_cache_remove(&sso, &err), 0);
}

static void test_useless_tokens(void **state)
{
	static const char *const texts[] = {"",
					    "[]",
					    "{}",
					    "{\"accessToken\":\"t\"}",
					    "{\"accessToken\":\"\",\"expiresAt\":\"e\"}",
					    "{\"accessToken\":1}"};
	_free_ char *path = NULL;
	struct error err;
	cJSON *found;

	(void)state;
	assert_int_equal(sso_cache_prepare(&sso, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_cache(texts[i]);
		assert_int_equal(sso_cache_read(&sso, &found, &err), -ENOKEY);
		assert_non_null(strstr(err.message, "does not contain a token"));
		assert_null(found);
	}
	assert_int_equal(sso_cache_remove(&sso, &err), 0);
	path = sso_cache_path(&sso);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(sso_cache_read(&sso, &found, &err), -ENOKEY);
	assert_non_null(strstr(err.message, "it is a directory"));
	rmdir(path);
}

static void test_a_place_where_no_token_can_be_stored(void **state)
{
	_secret_json_ cJSON *token = cJSON_CreateObject();
	char path[100];
	struct error err = {0};

	(void)state;
	snprintf(path, sizeof(path), "%s/.aws", home);
	assert_int_equal(file_write_atomically(path, "", 0), 0);
	assert_int_equal(sso_cache_prepare(&sso, &err), -ENOTDIR);
	assert_non_null(strstr(err.message, "cannot write the token to "));
	assert_string_equal(err.remedy, "make that directory writable for you, then touch control/login");
	assert_int_equal(sso_cache_write(&sso, token, &err), -ENOTDIR);
	unlink(path);
}

static void cache_without_memory(const void *arg)
{
	struct error err = {0};
	cJSON *token, *found = NULL;
	int r;

	(void)arg;
	failing_pause(true);
	token = cJSON_Parse("{\"accessToken\":\"t\",\"expiresAt\":\"e\"}");
	failing_pause(false);
	r = sso_cache_prepare(&sso, &err);
	if (r == 0)
		r = sso_cache_write(&sso, token, &err);
	if (r == 0)
		r = sso_cache_read(&sso, &found, &err);
	if (r == 0)
		assert_true(cJSON_Compare(found, token, true));
	if (r == 0)
		r = sso_cache_remove(&sso, &err);
	assert_true(r == 0 || (failing_happened() && r == -ENOMEM && err.errnum == -ENOMEM));
	secret_free_json(found);
	secret_free_json(token);
	failing_pause(true);
	sso_cache_remove(&sso, &err);
}

static void test_the_cache_without_memory(void **state)
{
	(void)state;
	assert_true(failing_each(cache_without_memory, NULL) > 5);
}

#define AT_HOME(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_integer),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_answers_of_sources),
		cmocka_unit_test(test_without_memory),
		AT_HOME(test_tokens_are_kept_where_the_aws_cli_finds_them),
		AT_HOME(test_useless_tokens),
		AT_HOME(test_a_place_where_no_token_can_be_stored),
		AT_HOME(test_the_cache_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
