/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the report to systemd, which names its socket in the environment. */
#include "supervisor.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0';
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	return fd;
}

static void test_ready_is_sent_to_the_socket(void **state)
{
	char paths[2][64], got[100];

	(void)state;
	snprintf(paths[0], sizeof(paths[0]), "/tmp/vastfs-notify-%d", (int)getpid());
	snprintf(paths[1], sizeof(paths[1]), "@vastfs-notify-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(paths[i]);
		ssize_t n;

		supervisor_report_ready(paths[i]);
		n = recv(fd, got, sizeof(got), 0);
		assert_int_equal(n, 8);
		assert_memory_equal(got, "READY=1\n", 8);
		close(fd);
	}
	unlink(paths[0]);
}

/* Nothing happens but a line of the log: the mount works without systemd. */
static void test_a_socket_that_cannot_be_reached(void **state)
{
	char text[300];

	(void)state;
	memset(text, '/', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	supervisor_report_ready(NULL);
	supervisor_report_ready("relative");
	supervisor_report_ready("vsock:2:1");
	supervisor_report_ready(text);
	supervisor_report_ready("/nonexistent/socket");
}

/* The programs that vastfs starts must not report to systemd. */
static void test_the_variable_is_taken(void **state)
{
	char *taken;

	(void)state;
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	taken = supervisor_take();
	assert_string_equal(taken, "/run/x");
	assert_null(getenv("NOTIFY_SOCKET"));
	free(taken);
	assert_null(supervisor_take());
	setenv("NOTIFY_SOCKET", "", 1);
	assert_null(supervisor_take());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready_is_sent_to_the_socket),
		cmocka_unit_test(test_a_socket_that_cannot_be_reached),
		cmocka_unit_test(test_the_variable_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
