/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests how a call that waits for its reply ends before the reply. */
#include "aws/http_call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A server that takes the request and never replies. When it has the request, something else happens. */
struct silent {
	int listener;
	char url[64];
	pthread_t thread;
	void (*then)(void *arg);
	void *arg;
};

static void *silent_run(void *arg)
{
	struct silent *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	char piece[1000];

	if (read(fd, piece, sizeof(piece)) > 0)
		s->then(s->arg);
	while (read(fd, piece, sizeof(piece)) > 0)
		;
	close(fd);
	return NULL;
}

static void silent_start(struct silent *s)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	getsockname(s->listener, (struct sockaddr *)&address, &len);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, silent_run, s), 0);
}

static void silent_stop(struct silent *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

static void fire(void *token)
{
	aws_cancel_token_fire(token);
}

static void test_a_cancellation_ends_the_call(void **state)
{
	struct aws_cancel_token *token = aws_cancel_token_new();
	struct silent server = {.then = fire, .arg = token};
	struct http_request request = {.method = "GET", .url = server.url, .timeout_ms = 60000};
	struct http_reply reply;
	struct error err = {0};
	struct engine *e;

	(void)state;
	assert_int_equal(engine_start(&e), 0);
	silent_start(&server);
	assert_int_equal(http_call(e, &request, token, &reply, &err), -ECANCELED);
	assert_string_equal(err.message, "cancelled");
	http_reply_free(&reply);
	silent_stop(&server); /* the connection is closed now, otherwise this would wait */
	assert_int_equal(http_call(e, &request, token, &reply, NULL), -ECANCELED);
	http_reply_free(&reply);
	engine_stop(e);
	aws_cancel_token_free(token);
}

static pthread_t stopper;

static void *stop(void *engine)
{
	engine_stop(engine);
	return NULL;
}

static void stop_elsewhere(void *engine)
{
	pthread_create(&stopper, NULL, stop, engine);
}

static void test_the_end_of_the_program_ends_the_call(void **state)
{
	struct silent server = {.then = stop_elsewhere};
	struct http_request request = {.method = "GET", .url = server.url, .timeout_ms = 60000};
	struct http_reply reply;
	struct error err = {0};
	struct engine *e;

	(void)state;
	assert_int_equal(engine_start(&e), 0);
	server.arg = e;
	silent_start(&server);
	assert_int_equal(http_call(e, &request, NULL, &reply, &err), -ECANCELED);
	assert_string_equal(err.message, "vastfs is shutting down");
	http_reply_free(&reply);
	silent_stop(&server);
	pthread_join(stopper, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cancellation_ends_the_call),
		cmocka_unit_test(test_the_end_of_the_program_ends_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
