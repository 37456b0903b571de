/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * The expected values repeat CloudFormation's documentation independently of the product: they list what the API
 * accepts in each status.
 */
enum accepts {
	NOTHING = 0,
	CREATE = 1,   /* CreateChangeSet of type CREATE */
	UPDATE = 2,   /* CreateChangeSet of type UPDATE */
	DELETE = 4,   /* DeleteStack */
	CONTINUE = 8, /* ContinueUpdateRollback */
};

static const struct {
	const char *status;
	int accepts;
	bool moving, outputs;
	const char *word;
} rows[] = {
	{"", CREATE, false, false, "not-deployed"},
	{"REVIEW_IN_PROGRESS", CREATE | DELETE, false, false, "not-deployed"},
	{"CREATE_IN_PROGRESS", DELETE, true, false, "creating"},
	{"CREATE_FAILED", DELETE, false, false, "failed"},
	{"CREATE_COMPLETE", UPDATE | DELETE, false, true, "deployed"},
	{"ROLLBACK_IN_PROGRESS", NOTHING, true, false, "rolling-back"},
	{"ROLLBACK_FAILED", DELETE, false, false, "failed"},
	{"ROLLBACK_COMPLETE", DELETE, false, false, "failed"},
	{"DELETE_IN_PROGRESS", DELETE, true, false, "deleting"},
	{"DELETE_FAILED", DELETE, false, false, "failed"},
	{"DELETE_COMPLETE", CREATE, false, false, "not-deployed"},
	{"UPDATE_IN_PROGRESS", NOTHING, true, false, "updating"},
	{"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NOTHING, true, true, "deployed"},
	{"UPDATE_COMPLETE", UPDATE | DELETE, false, true, "deployed"},
	{"UPDATE_FAILED", UPDATE | DELETE, false, true, "failed"},
	{"UPDATE_ROLLBACK_IN_PROGRESS", NOTHING, true, false, "rolling-back"},
	{"UPDATE_ROLLBACK_FAILED", DELETE | CONTINUE, false, true, "failed"},
	{"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", NOTHING, true, true, "deployed"},
	{"UPDATE_ROLLBACK_COMPLETE", UPDATE | DELETE, false, true, "deployed"},
	{"IMPORT_IN_PROGRESS", NOTHING, true, true, "updating"},
	{"IMPORT_COMPLETE", UPDATE | DELETE, false, true, "deployed"},
	{"IMPORT_ROLLBACK_IN_PROGRESS", NOTHING, true, true, "rolling-back"},
	{"IMPORT_ROLLBACK_FAILED", DELETE, false, true, "failed"},
	{"IMPORT_ROLLBACK_COMPLETE", UPDATE | DELETE, false, true, "deployed"},
	/* not in the documentation yet */
	{"REFACTOR_IN_PROGRESS", NOTHING, true, false, "updating"},
	{"SOMETHING_FAILED", DELETE, false, true, "failed"},
};

static void check_deploy(const struct stack_state *s, int accepts)
{
	switch (s->deploy) {
	case DEPLOY_CREATE:
		assert_true(accepts & CREATE);
		break;
	case DEPLOY_UPDATE:
		assert_true(accepts & UPDATE);
		break;
	case DEPLOY_DELETE_FIRST:
		assert_true(accepts == DELETE); /* a stack that can be updated is never deleted by a deploy */
		break;
	case DEPLOY_CONTINUE:
		assert_true(accepts & CONTINUE);
		break;
	case DEPLOY_JOIN:
	case DEPLOY_WAIT:
	case DEPLOY_BUSY:
		assert_int_equal(s->kind, STACK_BUSY);
		break;
	case DEPLOY_REFUSE:
		assert_false(accepts & (CREATE | UPDATE | CONTINUE));
		assert_int_equal(s->kind, STACK_STUCK);
		break;
	}
}

static void check_destroy(const struct stack_state *s, int accepts)
{
	if (s->destroy == DESTROY_DELETE)
		assert_true(accepts & DELETE);
	else if (s->destroy == DESTROY_NOTHING)
		assert_int_equal(s->kind, STACK_NONE);
	else
		assert_int_equal(s->kind, STACK_BUSY);
}

static void test_every_status(void **state)
{
	(void)state;
	assert_int_equal(stack_states_n, 23);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct stack_state *s = stack_state(rows[i].status);

		if (strcmp(s->word, rows[i].word) != 0)
			fail_msg("%s: %s", rows[i].status, s->word);
		assert_int_equal(s->kind == STACK_BUSY, rows[i].moving);
		assert_int_equal(s->run == RUN_ALLOWED, rows[i].outputs);
		check_deploy(s, rows[i].accepts);
		check_destroy(s, rows[i].accepts);
	}
}

static void test_no_row_is_without_a_test(void **state)
{
	(void)state;
	for (size_t i = 0; i < stack_states_n; i++) {
		bool found = false;

		for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
			found |= strcmp(rows[r].status, stack_states[i].status) == 0;
		if (!found)
			fail_msg("%s", stack_states[i].status);
	}
}

/* Checks the rows in which deploy and destroy differ from what the kind of the status suggests. */
static void test_what_somebody_else_does(void **state)
{
	(void)state;
	assert_int_equal(stack_state("CREATE_IN_PROGRESS")->deploy, DEPLOY_JOIN);
	assert_int_equal(stack_state("CREATE_IN_PROGRESS")->destroy, DESTROY_BUSY);
	assert_int_equal(stack_state("UPDATE_IN_PROGRESS")->deploy, DEPLOY_JOIN);
	assert_int_equal(stack_state("UPDATE_IN_PROGRESS")->destroy, DESTROY_BUSY);
	assert_int_equal(stack_state("DELETE_IN_PROGRESS")->deploy, DEPLOY_BUSY);
	assert_int_equal(stack_state("DELETE_IN_PROGRESS")->destroy, DESTROY_JOIN);
	assert_int_equal(stack_state("UPDATE_ROLLBACK_IN_PROGRESS")->deploy, DEPLOY_WAIT);
	assert_int_equal(stack_state("UPDATE_ROLLBACK_FAILED")->deploy, DEPLOY_CONTINUE);
	assert_int_equal(stack_state("IMPORT_ROLLBACK_FAILED")->deploy, DEPLOY_REFUSE);
}

/*
 * Checks which statuses end a failed operation, and in which ones the function's network interfaces may delay a
 * deletion.
 */
static void test_failures_and_deletions(void **state)
{
	(void)state;
	for (size_t i = 0; i < stack_states_n; i++) {
		const struct stack_state *s = &stack_states[i];
		bool failed = strstr(s->status, "FAILED") || strstr(s->status, "ROLLBACK_COMPLETE");
		bool deletes =
			strstr(s->status, "ROLLBACK") || strstr(s->status, "DELETE") || strstr(s->status, "CLEANUP");

		if (s->failed != (failed && s->kind != STACK_BUSY) ||
		    s->releasing != (deletes && s->kind == STACK_BUSY))
			fail_msg("%s", s->status);
	}
}

static void test_running_a_server(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(stack_check_run("vast-x", "CREATE_COMPLETE", &err), 0);
	assert_int_equal(stack_check_run("vast-x", "UPDATE_IN_PROGRESS", &err), -EBUSY);
	assert_non_null(strstr(err.message, "the stack vast-x is UPDATE_IN_PROGRESS"));
	assert_int_equal(stack_check_run("vast-x", "ROLLBACK_COMPLETE", &err), -ENXIO);
	assert_non_null(strstr(err.message, "ROLLBACK_COMPLETE"));
	assert_non_null(strstr(err.remedy, "touch control/deploy"));
	assert_int_equal(stack_check_run("vast-x", NULL, &err), -ENXIO);
	assert_string_equal(err.message, "the stack vast-x is not deployed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_status),
		cmocka_unit_test(test_no_row_is_without_a_test),
		cmocka_unit_test(test_what_somebody_else_does),
		cmocka_unit_test(test_failures_and_deletions),
		cmocka_unit_test(test_running_a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
