/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"
#include "image/docker_config.h"
#include "image/helper.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define A_B "YTpi"	       /* a:b */
#define C_D "Yzpk"	       /* c:d */
#define U_P "dXNlcjpwYTpzcw==" /* user:pa:ss */

static char home[64];

static char *in_home(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f;

	f = fopen(in_home(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(in_home(name), mode), 0);
}

static void write_docker(const char *text)
{
	write_file(".docker/config.json", text, 0600);
}

/* Installs a credential helper, a shell script, on PATH. */
static void write_helper(const char *name, const char *script)
{
	char path[128], text[1024];

	snprintf(path, sizeof(path), "bin/docker-credential-%s", name);
	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(path, text, 0700);
}

static int fresh_home(void **state)
{
	static const char *const dirs[] = {".docker", "bin", "run", "run/containers", ".config", ".config/containers"};
	char path[128];

	(void)state;
	clearenv();
	strcpy(home, "/tmp/vastfs-docker-XXXXXX");
	assert_non_null(mkdtemp(home));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(mkdir(in_home(dirs[i]), 0700), 0);
	snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", home);
	setenv("PATH", path, 1);
	return setenv("HOME", home, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int remove_home(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void expect(const char *host, const char *name, const char *basic)
{
	_buf_ struct buf got = BUF_INIT(4096);
	struct error err = {0};
	int r = image_credentials(host, name, &got, NULL, &err);

	if (r != 0)
		fail_msg("%d: %s", r, err.message);
	assert_string_equal(buf_str(&got), basic);
}

static void expect_error(int errnum, const char *words)
{
	_buf_ struct buf got = BUF_INIT(4096);
	struct error err = {0};

	assert_int_equal(image_credentials("ghcr.io", "a/b", &got, NULL, &err), errnum);
	if (!strstr(err.message, words))
		fail_msg("'%s' does not say '%s'", err.message, words);
	assert_null(strstr(err.message, "hunter2"));
	assert_null(strstr(err.remedy, "hunter2"));
	assert_int_equal(got.len, 0);
}

/*
 * Expects a fault that does not prevent pulls of public images: no error, no credentials, and a warning with these
 * words.
 */
static void expect_warning(const char *words)
{
	_buf_ struct buf got = BUF_INIT(4096);
	struct error err = {0}, warning = {0};

	assert_int_equal(image_credentials("ghcr.io", "a/b", &got, &warning, &err), 0);
	if (!strstr(warning.message, words))
		fail_msg("'%s' does not say '%s'", warning.message, words);
	assert_null(strstr(warning.message, "hunter2"));
	assert_null(strstr(warning.remedy, "hunter2"));
	assert_int_equal(got.len, 0);
}

/* -- auths ------------------------------------------------------------------------------------------------------ */

static void test_without_files_there_are_none(void **state)
{
	(void)state;
	expect("ghcr.io", "a/b", "");
	unsetenv("HOME");
	expect("ghcr.io", "a/b", "");
}

static void test_docker_hub_is_kept_under_its_old_name(void **state)
{
	(void)state;
	write_docker("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" U_P "\"}}}");
	expect("registry-1.docker.io", "tenzir/vast", U_P);
	expect("docker.io", "tenzir/vast", U_P);
	expect("ghcr.io", "tenzir/vast", "");
	write_docker("{\"auths\":{\"docker.io\":{\"auth\":\"" A_B "\"}}}");
	expect("registry-1.docker.io", "tenzir/vast", A_B);
}

static void test_the_longest_key_wins(void **state)
{
	(void)state;
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"},\"ghcr.io/team\":{\"auth\":\"" C_D "\"},"
		     "\"ghcr.io/team/x\":{\"auth\":\"" U_P "\"},\"ghcr.io/team/x/y\":{},\"https://h.io:5/v2/\":"
		     "{\"auth\":\"" A_B "\"}}}");
	expect("ghcr.io", "other/x", A_B);
	expect("ghcr.io", "teammate/x", A_B);
	expect("ghcr.io", "team/other", C_D);
	expect("ghcr.io", "team/x", U_P);
	expect("ghcr.io", "team/x/y", U_P);
	expect("h.io:5", "x", A_B);
	expect("h.io", "x", "");
	expect("x.ghcr.io", "x", "");
	expect("ghcr.io.example.org", "x", "");
}

static void test_name_and_password_may_be_apart(void **state)
{
	(void)state;
	write_docker("{\"auths\":{\"GHCR.io\":{\"username\":\"user\",\"password\":\"pa:ss\"}}}");
	expect("ghcr.io", "a", U_P);
	/* "user:p" and three NULs, as some login programs store it */
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"dXNlcjpwAAAA\"}}}");
	expect("ghcr.io", "a", "dXNlcjpw");
}

static void test_the_first_file_that_has_some_wins(void **state)
{
	(void)state;
	write_file(".config/containers/auth.json", "{\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"}}}", 0600);
	expect("ghcr.io", "a", A_B);
	write_file("run/containers/auth.json", "{\"auths\":{\"ghcr.io\":{\"auth\":\"" C_D "\"}}}", 0600);
	setenv("XDG_RUNTIME_DIR", in_home("run"), 1);
	expect("ghcr.io", "a", C_D);
	write_file("named.json", "{\"auths\":{\"ghcr.io\":{\"auth\":\"" U_P "\"}}}", 0600);
	setenv("REGISTRY_AUTH_FILE", in_home("named.json"), 1);
	expect("ghcr.io", "a", U_P);
	write_docker("{\"auths\":{\"quay.io\":{\"auth\":\"" A_B "\"},\"ghcr.io\":{}}}");
	expect("ghcr.io", "a", U_P);
	expect("quay.io", "a", A_B);
	write_file("config.json", "{\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"}}}", 0600);
	setenv("DOCKER_CONFIG", home, 1);
	expect("ghcr.io", "a", A_B);
}

static void test_malformed_files_are_named(void **state)
{
	static const char *const wrong[] = {"{", "[]", "{\"auths\":\"hunter2\"", "hunter2", "{} {}", "nullx"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		write_docker(wrong[i]);
		expect_error(-EBADMSG, ".docker/config.json");
	}
	write_docker("{\"auths\":[7],\"credHelpers\":\"x\",\"credsStore\":7}");
	expect("ghcr.io", "a", "");
	write_docker("{\"auths\":{\"ghcr.io\":7,\"\":{\"auth\":\"" A_B "\"},\"/\":{\"auth\":\"" A_B "\"}}}");
	expect("ghcr.io", "a", "");
}

static void test_a_file_that_says_nothing_is_as_none(void **state)
{
	static const char *const nothing[] = {"", "\n", " \t\r\n", "null\n", "\xef\xbb\xbf", "\xef\xbb\xbf null"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++) {
		write_docker(nothing[i]);
		expect_warning(".docker/config.json is empty");
	}
	/* The later files still count, and there is only one warning. */
	write_file(".config/containers/auth.json", "{\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"}}}", 0600);
	expect("ghcr.io", "a", A_B);
	write_file(".config/containers/auth.json", "", 0600);
	expect_warning(".docker/config.json is empty");
	write_docker("\xef\xbb\xbf{\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"}}}");
	expect("ghcr.io", "a", A_B);
	write_docker("{\"auths\":null,\"credHelpers\":null}");
	expect("ghcr.io", "a", "");
	write_docker("{\"auths\":{\"ghcr.io\":null}}");
	expect("ghcr.io", "a", "");
}

static void test_base64_may_have_line_breaks(void **state)
{
	(void)state;
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"dXNlcjpw\\nYTpzcw==\\r\\n\"}}}");
	expect("ghcr.io", "a", U_P);
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\" dXN lcjpwYTpz\\tcw==\"}}}");
	expect("ghcr.io", "a", U_P);
}

static void test_what_is_no_file_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_home(".docker/config.json"), 0600), 0);
	expect_error(-EINVAL, "not a regular file");
	assert_int_equal(unlink(in_home(".docker/config.json")), 0);
	assert_int_equal(mkdir(in_home(".docker/config.json"), 0700), 0);
	expect_error(-EISDIR, "directory");
	assert_int_equal(rmdir(in_home(".docker/config.json")), 0);
	assert_int_equal(symlink("/dev/zero", in_home(".docker/config.json")), 0);
	expect_error(-EINVAL, "not a regular file");
	assert_int_equal(unlink(in_home(".docker/config.json")), 0);
	write_docker("");
	assert_int_equal(truncate(in_home(".docker/config.json"), 1 << 30), 0);
	expect_error(-EFBIG, "too large");
	setenv("REGISTRY_AUTH_FILE", "/dev/null", 1);
	assert_int_equal(unlink(in_home(".docker/config.json")), 0);
	expect_warning("/dev/null is empty");
}

static void test_malformed_entries_are_refused(void **state)
{
	(void)state;
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"hunter2\"}}}");
	expect_error(-EBADMSG, "base64");
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"aHVudGVyMg==\"}}}"); /* no colon */
	expect_error(-EBADMSG, "base64");
	write_docker("{\"auths\":{\"ghcr.io\":{\"auth\":\"Omh1bnRlcjI=\"}}}"); /* no user */
	expect_error(-EBADMSG, "user name");
	write_docker("{\"auths\":{\"ghcr.io\":{\"identitytoken\":\"hunter2\",\"auth\":\"" A_B "\"}}}");
	expect_error(-EOPNOTSUPP, "identity token");
	write_docker("{}");
	assert_int_equal(chmod(in_home(".docker/config.json"), 0), 0);
	if (geteuid() != 0)
		expect_warning(".docker/config.json");
}

/* -- helpers ---------------------------------------------------------------------------------------------------- */

#define ANSWER_IF(server)                                                                                             \
	"read s; [ \"$1 $s\" = \"get " server "\" ] && echo '{\"Username\":\"user\",\"Secret\":\"pa:ss\"}' && exit; " \
	"echo credentials not found in native keychain; exit 1"

static void test_a_helper_is_asked(void **state)
{
	(void)state;
	write_helper("one", ANSWER_IF("ghcr.io"));
	write_helper("two", ANSWER_IF("https://index.docker.io/v1/"));
	write_docker("{\"credHelpers\":{\"ghcr.io\":\"one\",\"quay.io\":\"one\"},\"credsStore\":\"two\","
		     "\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"},\"h.io\":{\"auth\":\"" C_D "\"}}}");
	expect("ghcr.io", "a", U_P);
	expect("quay.io", "a", "");
	expect("registry-1.docker.io", "a/b", U_P);
	expect("h.io", "a", C_D);
}

static void test_a_missing_helper_is_no_error(void **state)
{
	(void)state;
	write_docker("{\"credsStore\":\"desktop.exe\",\"auths\":{\"ghcr.io\":{\"auth\":\"" A_B "\"}}}");
	expect("ghcr.io", "a", A_B);
	write_docker("{\"credHelpers\":{\"ghcr.io\":\"gone\"}}");
	expect_warning("docker-credential-gone");
	write_docker("{\"credHelpers\":{\"ghcr.io\":\"gone\"},\"auths\":{\"ghcr.io\":{\"auth\":\"" C_D "\"}}}");
	expect("ghcr.io", "a", C_D);
}

static void test_the_name_of_a_helper_is_a_plain_word(void **state)
{
	static const char *const wrong[] = {"../x", "a b", "-x", ".x", "a;b", "a/b", "$x"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "{\"credHelpers\":{\"ghcr.io\":\"%s\"}}", wrong[i]);
		write_docker(text);
		expect_warning("not the name of a credential helper");
	}
}

static void test_helpers_that_fail_say_nothing_secret(void **state)
{
	(void)state;
	write_docker("{\"credHelpers\":{\"ghcr.io\":\"bad\"}}");
	write_helper("bad", "echo hunter2; echo hunter2 >&2; exit 1");
	expect_warning("docker-credential-bad failed");
	write_helper("bad", "echo hunter2");
	expect_warning("no JSON object");
	write_helper("bad", "echo '[\"hunter2\"]'");
	expect_warning("no JSON object");
	write_helper("bad", "echo '{\"Secret\":\"hunter2\"}'");
	expect_warning("user name");
	write_helper("bad", "echo '{\"Username\":\"<token>\",\"Secret\":\"hunter2\"}'");
	expect_error(-EOPNOTSUPP, "identity token");
	write_helper("bad", "while :; do echo hunter2; done");
	expect_warning("docker-credential-bad failed");
	write_helper("bad", "kill -9 $$");
	expect_warning("docker-credential-bad failed");
}

static void test_what_is_not_given_to_a_helper(void **state)
{
	static char answer[IMAGE_HELPER_MAX], server[5000];
	static const char *const names[] = {"", ".hidden", "-option", "a/b", "a b", "../x"};
	struct error err = {0};
	char name[70] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(image_helper_get(names[i], "ghcr.io", 1000, answer, &err), -EINVAL);
	memset(name, 'a', 64);
	assert_int_equal(image_helper_get(name, "ghcr.io", 1000, answer, &err), -EINVAL);
	write_helper("good", "cat");
	memset(server, 'a', sizeof(server) - 1); /* could fill the pipe before the helper starts */
	assert_int_equal(image_helper_get("good", server, 60000, answer, &err), -EINVAL);
	server[4000] = '\0';
	assert_int_equal(image_helper_get("good", server, 60000, answer, &err), 1);
	assert_int_equal(strlen(answer), 4001);
	write_helper("good", "printf 'a\\0b'");
	assert_int_equal(image_helper_get("good", "ghcr.io", 60000, answer, &err), -EBADMSG);
}

static void test_a_helper_need_not_read(void **state)
{
	(void)state;
	write_docker("{\"credHelpers\":{\"ghcr.io\":\"deaf\"}}");
	write_helper("deaf", "exec <&-; echo '{\"Username\":\"a\",\"Secret\":\"b\"}'");
	expect("ghcr.io", "a", A_B);
}

/* The script and its child are killed at the deadline. The script writes the PID of its child before it waits. */
static void expect_killed(const char *script)
{
	static char answer[IMAGE_HELPER_MAX];
	int64_t until;
	struct error err = {0};
	FILE *f;
	int pid = 0;

	write_helper("slow", script);
	setenv("PID_FILE", in_home("pid"), 1);
	assert_int_equal(image_helper_get("slow", "ghcr.io", 1000, answer, &err), -ETIMEDOUT);
	f = fopen(in_home("pid"), "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	/* A killed orphan may be a zombie for a moment: it no longer runs, but it still has a PID. */
	for (until = clock_monotonic_ms() + 5000; clock_monotonic_ms() < until;) {
		char path[64], state = 'X';

		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f)
			return;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 'X';
		fclose(f);
		if (state == 'Z' || state == 'X')
			return;
	}
	fail_msg("process %d still runs", pid);
}

static void test_a_helper_that_hangs_is_killed_with_its_children(void **state)
{
	(void)state;
	expect_killed("tail -f /dev/null & echo $! >\"$PID_FILE\"; wait");
	/* The helper closes its output and does not exit. */
	expect_killed("exec >/dev/null; tail -f /dev/null & echo $! >\"$PID_FILE\"; wait");
	/* The helper exits, and its child keeps the output open. */
	expect_killed("tail -f /dev/null & echo $! >\"$PID_FILE\"");
}

#define with_home(f) cmocka_unit_test_setup_teardown(f, fresh_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_home(test_without_files_there_are_none),
		with_home(test_docker_hub_is_kept_under_its_old_name),
		with_home(test_the_longest_key_wins),
		with_home(test_name_and_password_may_be_apart),
		with_home(test_the_first_file_that_has_some_wins),
		with_home(test_malformed_files_are_named),
		with_home(test_a_file_that_says_nothing_is_as_none),
		with_home(test_base64_may_have_line_breaks),
		with_home(test_what_is_no_file_is_refused_at_once),
		with_home(test_malformed_entries_are_refused),
		with_home(test_a_helper_is_asked),
		with_home(test_a_missing_helper_is_no_error),
		with_home(test_the_name_of_a_helper_is_a_plain_word),
		with_home(test_helpers_that_fail_say_nothing_secret),
		with_home(test_what_is_not_given_to_a_helper),
		with_home(test_a_helper_need_not_read),
		with_home(test_a_helper_that_hangs_is_killed_with_its_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
