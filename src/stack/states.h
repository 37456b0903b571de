/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * states.h - the table of every status that a CloudFormation stack can have, and of how vastfs acts on each.
 *
 * Pure; any thread. Sources: CloudFormation User Guide, "Stack status codes" (which operations a status accepts), API
 * Reference of ContinueUpdateRollback and DeleteStack.
 */
#ifndef VASTFS_STACK_STATES_H
#define VASTFS_STACK_STATES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum stack_kind {
	STACK_NONE,	    /* does not exist, or is deleted */
	STACK_EMPTY,	    /* REVIEW_IN_PROGRESS: it has a change set but no resources yet; a create continues in it */
	STACK_BUSY,	    /* an operation runs: follow it */
	STACK_READY,	    /* can be updated, also after a failed update that was rolled back */
	STACK_DELETE_FIRST, /* its creation or deletion failed: delete, then create */
	STACK_STUCK,	    /* a rollback failed */
};

/* What deploy does with a stack in this status. */
enum stack_deploy {
	DEPLOY_CREATE,
	DEPLOY_UPDATE,
	DEPLOY_JOIN,	     /* somebody is deploying: follow, then compare what they applied */
	DEPLOY_WAIT,	     /* the end of an earlier operation: wait for it, then decide again */
	DEPLOY_DELETE_FIRST, /* AWS accepts only a deletion: delete, then create */
	DEPLOY_CONTINUE,     /* continue the failed rollback, then update */
	DEPLOY_BUSY,	     /* somebody is destroying it: EBUSY */
	DEPLOY_REFUSE,	     /* AWS offers no way back: destroy first */
};

/* What destroy does. */
enum stack_destroy {
	DESTROY_NOTHING, /* there is no stack */
	DESTROY_DELETE,
	DESTROY_WAIT, /* AWS refuses a deletion until the running operation has ended */
	DESTROY_JOIN, /* somebody is destroying it: follow to the same end */
	DESTROY_BUSY, /* somebody is deploying it: EBUSY */
};

/* What run-task and restart-task do. */
enum stack_run {
	RUN_ABSENT,  /* there is no cluster to run a server in: ENXIO */
	RUN_ALLOWED, /* allowed if the stack has the outputs that name the cluster */
	RUN_BUSY,    /* the server's network or storage may be replaced or removed: EBUSY */
};

struct stack_state {
	const char *status; /* CloudFormation's name; "" for a status that is not in the table */
	enum stack_kind kind;
	enum stack_deploy deploy;
	enum stack_destroy destroy;
	enum stack_run run;
	const char *word; /* the word after `state` in the file status */
	bool failed;	  /* an operation that ends in this status has failed */
	bool releasing;	  /* resources are being deleted, which the function's network interfaces may block */
};

/*
 * status "" or NULL: the stack does not exist. An unknown status counts as busy if it ends in _IN_PROGRESS, else as
 * stuck. Never NULL.
 */
const struct stack_state *stack_state(const char *status);

/* The table itself, for its unit test. */
extern const struct stack_state stack_states[];
extern const size_t stack_states_n;

/* Fills err with the refusal of an operation on a stack that is not deployed. Always returns -ENXIO. */
int stack_refuse_absent(const char *name, const char *status, struct error *err);

/*
 * 0 if a server may be started or restarted in a stack of this status; else -ENXIO or -EBUSY with message and remedy.
 */
int stack_check_run(const char *name, const char *status, struct error *err);

#endif
