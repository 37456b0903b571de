/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/engine.h"
#include "base/cleanup.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define DEADLINE_S 60

static sem_t done;
static char order[16];

static void wait_for_done(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE_S;
	assert_int_equal(sem_timedwait(&done, &deadline), 0);
}

static void note(void *letter)
{
	strcat(order, letter);
}

static void note_and_end(void *letter)
{
	note(letter);
	sem_post(&done);
}

static void posts_run_in_their_order(void **state)
{
	struct engine_posted second = {0}, fourth = {0};
	char letters[][2] = {"1", "2", "3", "4"};

	assert_int_equal(engine_post(*state, note, letters[0]), 0);
	assert_int_equal(engine_post_embedded(*state, &second, note, letters[1]), 0);
	assert_int_equal(engine_post(*state, note, letters[2]), 0);
	assert_int_equal(engine_post_embedded(*state, &fourth, note_and_end, letters[3]), 0);
	wait_for_done();
	assert_string_equal(order, "1234");
}

struct owner {
	struct engine *engine;
	struct engine_posted posted;
	int turns;
};

static void take_turn(void *arg)
{
	struct owner *o = arg;

	if (--o->turns > 0) {
		engine_post_embedded(o->engine, &o->posted, take_turn, o);
		return;
	}
	free(o);
	sem_post(&done);
}

static void an_owner_may_post_itself_again_and_free_itself(void **state)
{
	struct owner *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->engine = *state;
	o->turns = 3;
	assert_int_equal(engine_post_embedded(*state, &o->posted, take_turn, o), 0);
	wait_for_done();
}

static int start(void **state)
{
	struct engine *e;
	int r = engine_start(&e);

	*state = e;
	order[0] = '\0';
	return r < 0 ? r : sem_init(&done, 0, 0);
}

static int stop(void **state)
{
	engine_stop(*state);
	return sem_destroy(&done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(posts_run_in_their_order, start, stop),
		cmocka_unit_test_setup_teardown(an_owner_may_post_itself_again_and_free_itself, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
