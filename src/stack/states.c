/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/states.h"

#include <string.h>

/* clang-format off */
const struct stack_state stack_states[] = {
	/* status                             kind                deploy               destroy          run          word       failed releasing */
	{"CREATE_IN_PROGRESS",                STACK_BUSY,         DEPLOY_JOIN,         DESTROY_BUSY,    RUN_BUSY,    "creating",     false, false},
	{"CREATE_COMPLETE",                   STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "deployed",     false, false},
	{"CREATE_FAILED",                     STACK_DELETE_FIRST, DEPLOY_DELETE_FIRST, DESTROY_DELETE,  RUN_ABSENT,  "failed",       true,  false},
	{"ROLLBACK_IN_PROGRESS",              STACK_BUSY,         DEPLOY_WAIT,         DESTROY_WAIT,    RUN_BUSY,    "rolling-back", false, true},
	{"ROLLBACK_COMPLETE",                 STACK_DELETE_FIRST, DEPLOY_DELETE_FIRST, DESTROY_DELETE,  RUN_ABSENT,  "failed",       true,  false},
	{"ROLLBACK_FAILED",                   STACK_DELETE_FIRST, DEPLOY_DELETE_FIRST, DESTROY_DELETE,  RUN_ABSENT,  "failed",       true,  false},
	{"DELETE_IN_PROGRESS",                STACK_BUSY,         DEPLOY_BUSY,         DESTROY_JOIN,    RUN_BUSY,    "deleting",     false, true},
	{"DELETE_COMPLETE",                   STACK_NONE,         DEPLOY_CREATE,       DESTROY_NOTHING, RUN_ABSENT,  "not-deployed", false, false},
	{"DELETE_FAILED",                     STACK_DELETE_FIRST, DEPLOY_DELETE_FIRST, DESTROY_DELETE,  RUN_ABSENT,  "failed",       true,  false},
	{"REVIEW_IN_PROGRESS",                STACK_EMPTY,        DEPLOY_CREATE,       DESTROY_DELETE,  RUN_ABSENT,  "not-deployed", false, false},
	{"UPDATE_IN_PROGRESS",                STACK_BUSY,         DEPLOY_JOIN,         DESTROY_BUSY,    RUN_BUSY,    "updating",     false, false},
	{"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", STACK_BUSY,       DEPLOY_WAIT,         DESTROY_WAIT,    RUN_ALLOWED, "deployed",     false, true},
	{"UPDATE_COMPLETE",                   STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "deployed",     false, false},
	{"UPDATE_FAILED",                     STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "failed",       true,  false},
	{"UPDATE_ROLLBACK_IN_PROGRESS",       STACK_BUSY,         DEPLOY_WAIT,         DESTROY_WAIT,    RUN_BUSY,    "rolling-back", false, true},
	{"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", STACK_BUSY, DEPLOY_WAIT,      DESTROY_WAIT,    RUN_ALLOWED, "deployed",     false, true},
	{"UPDATE_ROLLBACK_COMPLETE",          STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "deployed",     true,  false},
	{"UPDATE_ROLLBACK_FAILED",            STACK_STUCK,        DEPLOY_CONTINUE,     DESTROY_DELETE,  RUN_ALLOWED, "failed",       true,  false},
	{"IMPORT_IN_PROGRESS",                STACK_BUSY,         DEPLOY_WAIT,         DESTROY_WAIT,    RUN_ALLOWED, "updating",     false, false},
	{"IMPORT_COMPLETE",                   STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "deployed",     false, false},
	{"IMPORT_ROLLBACK_IN_PROGRESS",       STACK_BUSY,         DEPLOY_WAIT,         DESTROY_WAIT,    RUN_ALLOWED, "rolling-back", false, true},
	{"IMPORT_ROLLBACK_COMPLETE",          STACK_READY,        DEPLOY_UPDATE,       DESTROY_DELETE,  RUN_ALLOWED, "deployed",     true,  false},
	{"IMPORT_ROLLBACK_FAILED",            STACK_STUCK,        DEPLOY_REFUSE,       DESTROY_DELETE,  RUN_ALLOWED, "failed",       true,  false},
};

/* Statuses that AWS may add: an operation is waited for; after anything else only destroy helps. */
static const struct stack_state states_absent =
	{"", STACK_NONE,  DEPLOY_CREATE, DESTROY_NOTHING, RUN_ABSENT,  "not-deployed", false, false};
static const struct stack_state states_some_progress =
	{"", STACK_BUSY,  DEPLOY_WAIT,   DESTROY_WAIT,    RUN_BUSY,    "updating",     false, false};
static const struct stack_state states_some_failure =
	{"", STACK_STUCK, DEPLOY_REFUSE, DESTROY_DELETE,  RUN_ALLOWED, "failed",       true,  false};
/* clang-format on */

const size_t stack_states_n = ARRAY_SIZE(stack_states);

const struct stack_state *stack_state(const char *status)
{
	static const char progress[] = "_IN_PROGRESS";
	size_t len = status ? strlen(status) : 0, tail = strlen(progress);

	if (!len)
		return &states_absent;
	for (size_t i = 0; i < ARRAY_SIZE(stack_states); i++)
		if (strcmp(stack_states[i].status, status) == 0)
			return &stack_states[i];
	return len >= tail && strcmp(status + len - tail, progress) == 0 ? &states_some_progress : &states_some_failure;
}

int stack_refuse_absent(const char *name, const char *status, struct error *err)
{
	error_set(err, -ENXIO, "the stack %s is not deployed%s%s", name, status && *status ? ": it is " : "",
		  status ? status : "");
	error_remedy(err, "run: touch control/deploy");
	return -ENXIO;
}

int stack_check_run(const char *name, const char *status, struct error *err)
{
	enum stack_run run = stack_state(status)->run;

	if (run == RUN_ALLOWED)
		return 0;
	if (run == RUN_BUSY) {
		error_set(err, -EBUSY,
			  "the stack %s is %s: a server that is started now might lose its network or storage", name,
			  status);
		error_remedy(err, "wait until stack/status has changed, then try again");
		return -EBUSY;
	}
	return stack_refuse_absent(name, status, err);
}
