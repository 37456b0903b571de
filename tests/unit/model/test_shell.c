/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests the daemon's side of vastfs shell: the test is both the client at the socket and the container. */
#include "scripted.h"

#include "shell/protocol.h"

#include <unistd.h>

struct client {
	int fd;
	char packet[SHELL_PACKET_MAX];
	ssize_t len;
};

static dev_t device;

static void listen_for_shells(struct script *s)
{
	device = makedev(4000, (unsigned)getpid() & 0xfffff);
	assert_int_equal(model_shells_listen(s->m, device), 0);
	script_settle();
}

static void connect_client(struct client *c)
{
	struct sockaddr_un address;
	socklen_t len = shell_address(getuid(), device, &address);

	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->fd, (const struct sockaddr *)&address, len), 0);
	script_settle();
}

static void send_packet(struct client *c, char kind, const void *data, size_t len)
{
	char packet[SHELL_PACKET_MAX];

	packet[0] = kind;
	memcpy(packet + 1, data, len);
	assert_int_equal(send(c->fd, packet, len + 1, 0), len + 1);
	script_settle();
}

static void open_shell(struct client *c, bool is_terminal, uint8_t version, const char *task)
{
	struct shell_open hello = {.version = version, .is_terminal = is_terminal, .size = {80, 24}};
	char data[512];

	memcpy(data, &hello, sizeof(hello));
	memcpy(data + sizeof(hello), task, strlen(task));
	send_packet(c, SHELL_OPEN, data, sizeof(hello) + strlen(task));
}

/* Checks the next packet from the daemon. */
static void assert_packet(struct client *c, char kind, const char *text)
{
	c->len = recv(c->fd, c->packet, sizeof(c->packet) - 1, MSG_DONTWAIT);
	assert_true(c->len > 0);
	c->packet[c->len] = '\0';
	assert_int_equal(c->packet[0], kind);
	assert_string_equal(c->packet + 1, text);
}

static void assert_end(struct client *c)
{
	assert_int_equal(recv(c->fd, c->packet, sizeof(c->packet), MSG_DONTWAIT), 0);
	close(c->fd);
}

static void with_server(struct script *s)
{
	script_task(s, "abc1", "RUNNING", ",\"enableExecuteCommand\":true");
	listen_for_shells(s);
}

static void test_a_session(void **state)
{
	struct script *s = *state;
	struct error busy = {.errnum = -EAGAIN, .message = "not connected"};
	struct shell_size size = {120, 50};
	struct client c;
	struct remote *r;

	with_server(s);
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	r = script_remote();
	assert_non_null(r);
	send_packet(&c, SHELL_OPEN + 1, "", 0); /* a letter of a later version */
	r->events->waiting(&busy, r->arg);
	r->events->waiting(&busy, r->arg);
	script_settle();
	assert_packet(&c, SHELL_WAITING, "waiting for the agent in the container: not connected");
	r->events->ready("", r->arg);
	script_settle();
	assert_packet(&c, SHELL_READY, "abc1");
	send_packet(&c, SHELL_INPUT, "ls\n", 3);
	assert_string_equal(buf_str(&r->written), "ls\n");
	send_packet(&c, SHELL_SIZE, &size, sizeof(size));
	assert_int_equal(r->columns, 120);
	send_packet(&c, SHELL_SIZE, &size, 1);
	r->events->output(false, "out", 3, r->arg);
	assert_true(r->paused);
	script_settle();
	assert_false(r->paused);
	assert_packet(&c, SHELL_OUTPUT, "out");
	r->full = true;
	r->events->drained(r->arg);
	script_settle();
	r->full = false;
	r->events->drained(r->arg);
	script_end_remote(0, &(struct error){0});
	assert_packet(&c, SHELL_EXIT, "");
	assert_end(&c);
	assert_non_null(strstr(script_events(s), "shell in task abc1: ended"));
}

static void test_a_script(void **state)
{
	struct script *s = *state;
	struct client c;
	struct remote *r;

	with_server(s);
	connect_client(&c);
	open_shell(&c, false, SHELL_VERSION, "abc");
	r = script_remote();
	r->events->ready("dd", r->arg);
	script_settle();
	assert_packet(&c, SHELL_WAITING, "the container lacks dd: the output of the script passes through a terminal");
	assert_packet(&c, SHELL_READY, "abc1");
	send_packet(&c, SHELL_INPUT, "true\n", 5);
	send_packet(&c, SHELL_END, "", 0);
	assert_true(r->wrote_end);
	r->events->output(true, "err", 3, r->arg);
	script_settle();
	assert_packet(&c, SHELL_ERRORS, "err");
	script_end_remote(
		0, &(struct error){.errnum = -EIO, .message = "the connection was lost", .remedy = "run it again"});
	assert_packet(&c, SHELL_FAILED, "the connection was lost; run it again");
	assert_end(&c);
}

/* What the container cannot run is refused, and its session ends. */
static void test_input_that_cannot_be_written(void **state)
{
	static const struct {
		int result;
		const char *message;
	} rows[] = {
		{-ENOMEM, "out of memory"},
		{-EINVAL, "the container lacks a program that a script with such lines needs"},
	};
	struct script *s = *state;

	with_server(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client c;

		connect_client(&c);
		open_shell(&c, false, SHELL_VERSION, "");
		script_remote()->result = rows[i].result;
		send_packet(&c, SHELL_INPUT, "\x1b\n", 2);
		assert_null(script_remote());
		assert_packet(&c, SHELL_FAILED, rows[i].message);
		assert_end(&c);
	}
}

static void test_shells_that_are_refused(void **state)
{
	static const struct {
		const char *task, *message;
		uint8_t version;
	} rows[] = {
		{"zz", "there is no task zz", SHELL_VERSION},
		{"", "vastfs shell and the mount are of different versions", SHELL_VERSION + 1},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "xxx"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "xxx",
		 "invalid first packet from vastfs shell", SHELL_VERSION},
	};
	struct script *s = *state;
	struct client c;

	with_server(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connect_client(&c);
		open_shell(&c, true, rows[i].version, rows[i].task);
		assert_packet(&c, SHELL_FAILED, rows[i].message);
		assert_end(&c);
	}
	connect_client(&c);
	send_packet(&c, SHELL_OPEN, "x", 1);
	assert_packet(&c, SHELL_FAILED, "invalid first packet from vastfs shell");
	assert_end(&c);
	script_refuse_remotes(true);
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	assert_packet(&c, SHELL_FAILED, "out of memory");
	assert_end(&c);
	script_refuse_remotes(false);
	script_task(s, "abc1", "STOPPED", "");
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	assert_packet(&c, SHELL_FAILED,
		      "no server is running; touch control/run-task, or name one of the tasks in tasks/");
	assert_end(&c);
}

/* After a pause the mount reads the tasks before it decides. */
static void test_a_shell_after_a_pause(void **state)
{
	struct script *s = *state;
	struct client c;

	with_server(s);
	script_pass(3600000);
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "abc1");
	assert_non_null(script_remote());
	/* The client leaves. */
	close(c.fd);
	script_settle();
	assert_null(script_remote());
	assert_non_null(strstr(script_events(s), "shell in task abc1: left"));
	/* A client that does not read its last packet is not waited for. */
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	script_remote()->events->output(false, "x", 1, script_remote()->arg);
	close(c.fd);
	script_settle();
	/* The mount ends with a shell. */
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	script_stop(s);
	assert_end(&c);
}

/* A client that does not read gets its last packet for five seconds. */
static void test_a_client_that_does_not_read(void **state)
{
	struct script *s = *state;
	char data[8000];
	struct client c;
	struct remote *r;

	memset(data, 'x', sizeof(data));
	with_server(s);
	connect_client(&c);
	open_shell(&c, true, SHELL_VERSION, "");
	r = script_remote();
	for (int i = 0; i < 100; i++) {
		r->events->output(false, data, sizeof(data), r->arg);
		script_settle();
	}
	assert_true(r->paused);
	script_end_remote(0, &(struct error){0});
	script_settle();
	script_fire(5000);
	/* What was sent can still be read, then the connection ends without an exit status. */
	while (recv(c.fd, c.packet, sizeof(c.packet), MSG_DONTWAIT) > 0)
		assert_int_equal(c.packet[0], SHELL_OUTPUT);
	assert_end(&c);
}

static void test_two_mounts_do_not_share_a_name(void **state)
{
	struct script *s = *state;
	struct sockaddr_un address;
	socklen_t len;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	script_start(s);
	device = makedev(4001, (unsigned)getpid() & 0xfffff);
	len = shell_address(getuid(), device, &address);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(model_shells_listen(s->m, device), -EADDRINUSE);
	close(fd);
}

static void test_too_many_shells(void **state)
{
	struct script *s = *state;
	struct client c[65];

	with_server(s);
	for (size_t i = 0; i < 65; i++)
		connect_client(&c[i]);
	assert_packet(&c[64], SHELL_FAILED, "too many shells are running");
	for (size_t i = 0; i < 65; i++)
		close(c[i].fd);
	script_settle();
}

int main(void)
{
#define SHELL_TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
	const struct CMUnitTest tests[] = {
		SHELL_TEST(test_a_session),
		SHELL_TEST(test_a_script),
		SHELL_TEST(test_input_that_cannot_be_written),
		SHELL_TEST(test_shells_that_are_refused),
		SHELL_TEST(test_a_shell_after_a_pause),
		SHELL_TEST(test_a_client_that_does_not_read),
		SHELL_TEST(test_two_mounts_do_not_share_a_name),
		SHELL_TEST(test_too_many_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
