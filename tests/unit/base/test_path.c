/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/secret_env.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static char dir[64];

static int fresh_directory(void **state)
{
	(void)state;
	clearenv();
	strcpy(dir, "/tmp/vastfs-path-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return chdir(dir);
}

static int remove_directory(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	return rmdir(dir);
}

static void expect_variable(const char *name, const char *value)
{
	assert_string_equal(getenv(name), value);
}

static void expect_expanded(const char *path, const char *wanted)
{
	_free_ char *expanded = path_expand(path);

	assert_string_equal(expanded, wanted);
}

static void test_paths_are_expanded_as_the_aws_cli_does(void **state)
{
	(void)state;
	setenv("HOME", "/home/me", 1);
	setenv("SOME", "some", 1);
	expect_expanded("/a/$SOME/${SOME}x", "/a/some/somex");
	expect_expanded("$NONE/${NONE}/$", "$NONE/${NONE}/$");
	expect_expanded("~", "/home/me");
	expect_expanded("~/x", "/home/me/x");
	expect_expanded("~root/x", "/root/x");
	expect_expanded("~nobody-of-that-name/x", "~nobody-of-that-name/x");
	expect_expanded("a~/${SOME", "a~/${SOME");
}

static void test_relative_paths_are_seen_from_the_start(void **state)
{
	char wanted[128];
	char *path;

	(void)state;
	setenv("AWS_CONFIG_FILE", "conf", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "~/creds", 1);
	setenv("DOCKER_CONFIG", "/etc/docker", 1);
	setenv("REGISTRY_AUTH_FILE", "", 1);
	setenv("XDG_CONFIG_HOME", "../xdg", 1);
	assert_int_equal(path_fix_environment(), 0);
	assert_int_equal(chdir("/"), 0);
	snprintf(wanted, sizeof(wanted), "%s/conf", dir);
	expect_variable("AWS_CONFIG_FILE", wanted);
	snprintf(wanted, sizeof(wanted), "%s/creds", path_home());
	expect_variable("AWS_SHARED_CREDENTIALS_FILE", wanted);
	expect_variable("DOCKER_CONFIG", "/etc/docker");
	expect_variable("REGISTRY_AUTH_FILE", "");
	snprintf(wanted, sizeof(wanted), "%s/../xdg", dir);
	expect_variable("XDG_CONFIG_HOME", wanted);
	snprintf(wanted, sizeof(wanted), "%s/bundle.pem", dir);
	path = path_absolute("bundle.pem");
	assert_string_equal(path, wanted);
	free(path);
}

static void test_home_is_that_of_the_password_database_without_the_variable(void **state)
{
	(void)state;
	setenv("HOME", "/somewhere", 1);
	assert_string_equal(path_home(), "/somewhere");
	unsetenv("HOME");
	assert_true(!path_home() || *path_home() == '/');
}

/* None of these may hang; the FIFO has no writer. */
static void test_only_regular_files_are_read(void **state)
{
	_buf_ struct buf out = BUF_INIT(64);
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(file_read("fifo", &out), -EINVAL);
	assert_int_equal(file_read("socket", &out), -EINVAL);
	assert_int_equal(file_read("/dev/zero", &out), -EINVAL);
	assert_int_equal(file_read("/dev/null", &out), -EINVAL);
	assert_int_equal(file_read(".", &out), -EISDIR);
	assert_int_equal(file_read("none", &out), -ENOENT);
	assert_int_equal(file_open_regular_or_null("/dev/zero"), -EINVAL);
	fd = file_open_regular_or_null("/dev/null");
	assert_true(fd >= 0);
	close(fd);
	close(s);
	unlink("fifo");
	unlink("socket");
}

static void test_a_secret_file_is_read_whole_up_to_its_limit(void **state)
{
	char *text;
	size_t len, size;
	int fd = open("secret", O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "key\0more", 8), 8);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(secret_read(fd, 8, &text, &len, &size), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(text, "key\0more", 9);
	secret_free(text, size);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(secret_read(fd, 7, &text, &len, &size), -EFBIG);
	close(fd);
	unlink("secret");
}

static void test_secrets_are_kept_with_and_without_the_heap(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		char *text = secret_printf("%s-%d", "key", i), *large = secret_alloc((size_t)1 << 20), *copy;

		copy = secret_strdup(text);
		assert_string_equal(copy, i ? "key-1" : "key-0");
		assert_int_equal(large[(1 << 20) - 1], 0);
		secret_free_text(copy);
		secret_free_text(text);
		secret_free(large, (size_t)1 << 20);
		secret_start(1);
	}
	secret_free_text(NULL);
}

static void test_secret_variables_leave_the_environment(void **state)
{
	char **child;
	bool found = false;

	(void)state;
	setenv("AWS_SESSION_TOKEN", "t", 1);
	secret_env_take();
	assert_null(getenv("AWS_SESSION_TOKEN"));
	assert_string_equal(secret_env_get("AWS_SESSION_TOKEN"), "t");
	assert_null(secret_env_get("AWS_SECRET_ACCESS_KEY"));
	setenv("OTHER", "o", 1);
	assert_string_equal(secret_env_get("OTHER"), "o");
	child = secret_env_for_child();
	for (size_t i = 0; child[i]; i++)
		found = found || strcmp(child[i], "AWS_SESSION_TOKEN=t") == 0;
	assert_true(found);
	secret_env_free_child(child);
}

#define in_directory(f) cmocka_unit_test_setup_teardown(f, fresh_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_are_expanded_as_the_aws_cli_does),
		in_directory(test_relative_paths_are_seen_from_the_start),
		in_directory(test_home_is_that_of_the_password_database_without_the_variable),
		in_directory(test_only_regular_files_are_read),
		in_directory(test_a_secret_file_is_read_whole_up_to_its_limit),
		in_directory(test_secrets_are_kept_with_and_without_the_heap),
		in_directory(test_secret_variables_leave_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
