/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests `vastfs shell` against a daemon that is written here: what it prints, sends and returns. */
#include "shell/client.h"
#include "shell/protocol.h"

#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FAILED 255

static char point[64];	   /* stands for the mountpoint */
static int listener, peer; /* the sockets of the daemon */
static int standard[3];	   /* the other ends of the client's standard descriptors; of a terminal the first only */
static pid_t client;

static int listen_for_clients(void **state)
{
	struct sockaddr_un address;
	struct stat st;
	socklen_t len;

	(void)state;
	strcpy(point, "/tmp/vastfs-shell-XXXXXX");
	assert_non_null(mkdtemp(point));
	assert_int_equal(stat(point, &st), 0);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	len = shell_address(getuid(), st.st_dev, &address);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	return listen(listener, 1);
}

static int stop_listening(void **state)
{
	(void)state;
	close(listener);
	return rmdir(point);
}

static void daemon_sends(char kind, const void *data, size_t len)
{
	char packet[SHELL_PACKET_MAX];

	packet[0] = kind;
	memcpy(packet + 1, data, len);
	assert_int_equal(send(peer, packet, len + 1, 0), len + 1);
}

static void daemon_exits(int32_t status)
{
	daemon_sends(SHELL_EXIT, &status, sizeof(status));
}

/* Receives a packet that must be of this kind. Returns the length of its data. */
static size_t daemon_gets(char kind, char *data)
{
	char packet[SHELL_PACKET_MAX];
	ssize_t n = recv(peer, packet, sizeof(packet), 0);

	assert_true(n > 0);
	assert_int_equal(packet[0], kind);
	memcpy(data, packet + 1, (size_t)n - 1);
	data[n - 1] = '\0';
	return (size_t)n - 1;
}

static void accept_client(bool is_terminal)
{
	char data[SHELL_PACKET_MAX];
	struct shell_open open;

	peer = accept(listener, NULL, NULL);
	assert_true(peer >= 0);
	daemon_gets(SHELL_OPEN, data);
	memcpy(&open, data, sizeof(open));
	assert_int_equal(open.version, SHELL_VERSION);
	assert_int_equal(open.is_terminal, is_terminal);
	assert_string_equal(data + sizeof(open), "task");
}

static void start_with_pipes(void)
{
	int ends[3][2];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pipe(ends[i]), 0);
	client = fork();
	if (client == 0) {
		for (int i = 0; i < 3; i++) {
			dup2(ends[i][i > 0], i);
			close(ends[i][0]);
			close(ends[i][1]);
		}
		exit(shell_run(point, "task"));
	}
	for (int i = 0; i < 3; i++) {
		close(ends[i][i > 0]);
		standard[i] = ends[i][i == 0];
	}
	accept_client(false);
}

static void start_on_terminal(void)
{
	struct winsize size = {.ws_row = 30, .ws_col = 100};

	client = forkpty(&standard[0], NULL, NULL, &size);
	if (client == 0)
		exit(shell_run(point, "task"));
	accept_client(true);
}

static int status_of_client(void)
{
	int status;

	assert_int_equal(waitpid(client, &status, 0), client);
	close(peer);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Reads until the text contains what is expected. */
static void expect_text(int fd, const char *expected)
{
	char text[4096];
	size_t len = 0;

	for (text[0] = '\0'; !strstr(text, expected); text[len] = '\0') {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
}

static void test_a_script(void **state)
{
	char data[SHELL_PACKET_MAX];

	(void)state;
	start_with_pipes();
	daemon_sends(SHELL_WAITING, "the agent starts", 16);
	expect_text(standard[2], "vastfs: the agent starts\n");
	daemon_sends(SHELL_READY, "task", 4);
	daemon_sends('?', "of a later version", 18);
	assert_int_equal(write(standard[0], "echo a\n", 7), 7);
	assert_int_equal(daemon_gets(SHELL_INPUT, data), 7);
	close(standard[0]);
	assert_int_equal(daemon_gets(SHELL_END, data), 0);
	daemon_sends(SHELL_OUTPUT, "out", 3);
	daemon_sends(SHELL_ERRORS, "errors", 6);
	expect_text(standard[1], "out");
	expect_text(standard[2], "errors");
	daemon_exits(258); /* 256 is cut, as a shell does */
	assert_int_equal(status_of_client(), 2);
}

static void test_a_failure_has_words(void **state)
{
	(void)state;
	start_with_pipes();
	daemon_sends(SHELL_FAILED, "no such task", 12);
	expect_text(standard[2], "vastfs: no such task\n");
	assert_int_equal(status_of_client(), FAILED);
	start_with_pipes();
	close(peer);
	expect_text(standard[2], "the daemon of this mount has exited");
	assert_int_equal(status_of_client(), FAILED);
}

static void test_output_that_cannot_be_written(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* the client inherits it */
	start_with_pipes();
	close(standard[1]);
	daemon_sends(SHELL_OUTPUT, "out", 3);
	expect_text(standard[2], "cannot write the output of the shell: Broken pipe");
	assert_int_equal(status_of_client(), FAILED);
}

/* The client stops reading its input while the daemon takes none. */
static void test_a_daemon_that_is_slow(void **state)
{
	static char text[1000000];
	char data[SHELL_PACKET_MAX];
	size_t got = 0;
	pid_t writer;

	(void)state;
	start_with_pipes();
	daemon_sends(SHELL_READY, "", 0);
	writer = fork();
	if (writer == 0)
		_exit(write(standard[0], text, sizeof(text)) != sizeof(text));
	close(standard[0]);
	while (got < sizeof(text))
		got += daemon_gets(SHELL_INPUT, data);
	assert_int_equal(got, sizeof(text));
	waitpid(writer, NULL, 0);
	daemon_gets(SHELL_END, data);
	daemon_exits(0);
	assert_int_equal(status_of_client(), 0);
}

static void test_keys_of_a_terminal(void **state)
{
	char data[SHELL_PACKET_MAX];
	struct shell_size size;

	(void)state;
	start_on_terminal();
	daemon_sends(SHELL_READY, "", 0);
	assert_int_equal(write(standard[0], "\r~~", 3), 3);
	for (size_t got = 0; got < 2;)
		got += daemon_gets(SHELL_INPUT, data);
	assert_int_equal(write(standard[0], "\r~a", 3), 3); /* no escape: both keys are sent */
	for (size_t got = 0; got < 3;)
		got += daemon_gets(SHELL_INPUT, data);
	assert_int_equal(ioctl(standard[0], TIOCSWINSZ, &(struct winsize){.ws_row = 40, .ws_col = 120}), 0);
	daemon_gets(SHELL_SIZE, data);
	memcpy(&size, data, sizeof(size));
	assert_int_equal(size.columns, 120);
	assert_int_equal(size.rows, 40);
	daemon_sends(SHELL_WAITING, "a message", 9);
	expect_text(standard[0], "a message");
	assert_int_equal(write(standard[0], "\r~.", 3), 3);
	assert_int_equal(status_of_client(), FAILED);
	close(standard[0]);
}

static void test_who_may_not(void **state)
{
	char missing[100];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", point);
	assert_int_equal(shell_run(missing, NULL), FAILED);
	assert_int_equal(shell_run("/proc", NULL), FAILED); /* no vastfs */
	assert_int_equal(shell_run(point, (char[300]){[0 ... 298] = 'a'}), FAILED);
	if (getuid() != 0)
		return;
	assert_int_equal(chown(point, 65534, 65534), 0);
	assert_int_equal(shell_run(point, NULL), FAILED); /* only its owner */
	assert_int_equal(chown(point, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_script),
		cmocka_unit_test(test_a_failure_has_words),
		cmocka_unit_test(test_output_that_cannot_be_written),
		cmocka_unit_test(test_a_daemon_that_is_slow),
		cmocka_unit_test(test_keys_of_a_terminal),
		cmocka_unit_test(test_who_may_not),
	};

	return cmocka_run_group_tests(tests, listen_for_clients, stop_listening);
}
