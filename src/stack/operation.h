/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * operation.h - the state and the functions that the operations of control/ and stack/ (deploy, destroy, run-task and
 * so on) share.
 *
 * An operation is plain sequential code on the operation thread: a table of steps, each a short function that first
 * reads what AWS already has, so that the same table resumes after a crash. Functions that return int return 0 or a
 * negative errno with a message; -ECANCELED means that the user cancelled (or that vastfs ends) and needs no message.
 */
#ifndef VASTFS_STACK_OPERATION_H
#define VASTFS_STACK_OPERATION_H

#include "aws/aws.h"
#include "jobs/job.h"
#include "stack/outage.h"
#include "stack/quota.h"
#include "stack/report.h"
#include "stack/settings.h"

#define EVENT_ID_SIZE 160

struct operation {
	struct aws *aws;
	struct engine *engine;
	const struct settings *settings;
	struct job *job;
	const char *argument;		       /* the argument of the verb, "" for none */
	const char *token;		       /* unchanged when the operation is resumed, so requests are idempotent */
	const char *directory;		       /* directory of the file that starts the operation: "control" */
	const char *installation;	       /* a hash that is the same for all operations of this state directory */
	const char *default_task;	       /* task ID, "" if there is none */
	struct aws_cancel_token *cancel;       /* fired when the user cancels and when vastfs ends */
	struct aws_cancel_token *stop;	       /* fired only when vastfs ends */
	void (*refresh)(struct operation *op); /* refreshes the tree from AWS; returns at once */
	void (*warn)(struct operation *op,
		     const struct error *err); /* adds a line to the tree's error; the operation continues */
	/* Stores a text in the operation's journal entry, on disk when it returns; see operation_remember. */
	int (*remember)(struct operation *op, const char *key, const char *value, struct error *err);
	/* Publishes CloudFormation's answer to replan or drift-check; takes over the report. */
	void (*publish)(struct operation *op, enum stack_report_kind kind, struct stack_report *report);
	cJSON *memory; /* the remembered texts by key, also those from before a crash; NULL: none; owned */
	void *model;   /* the callbacks' data */
	struct outage outage;
	struct buf result;		/* text of the outcome: the content of the job's result */
	char name[SETTINGS_STACK_SIZE]; /* name of the stack, the repository and the file system */
	unsigned step, steps;		/* position in the progress bar */

	/* The results of the steps; all owned. */
	cJSON *stack;	       /* AWS's record; NULL: no such stack */
	char cluster[256];     /* name or ARN of the cluster, "" until known */
	char *account;	       /* set before the first step */
	char *file_system;     /* ID of the file system, NULL: none */
	int64_t storage_bytes; /* size of the file system; 0 or less: not known */
	char *repository_uri;  /* NULL: there is no repository yet */
	char *image;	       /* the image that task and function run, with its digest */
	char *base_image;      /* the image that it was assembled from, NULL: vast_image */
	char *zone;
	char *internet_gateway;
	cJSON *facts;		  /* EC2's replies about the VPC by name, see vpc_check.c */
	char mark[EVENT_ID_SIZE]; /* the newest event before this operation changed anything */
	unsigned tries;		  /* attempts to create the stack, for names that must not repeat */
	bool created;		  /* this operation creates the stack rather than updating it */
	bool executed;		  /* the change set was executed before a crash, and has succeeded */
};

void operation_release(struct operation *op); /* frees the results of the steps */

struct operation_step {
	const char *what; /* the step's name in progress: "checking the VPC" */
	int (*run)(struct operation *op, struct error *err);
};

/* Runs the steps in turn; a step that returns OPERATION_DONE ends the operation with success. */
#define OPERATION_DONE 1
int operation_run_steps(struct operation *op, const struct operation_step *steps, size_t n, struct error *err);

/*
 * One call of AWS; ret may be NULL. It outlasts outages (outage.h): a request that may be sent twice is repeated until
 * AWS replies, so the caller need not distinguish an outage from a reply. operation_try is for requests that are not
 * worth waiting for.
 */
int operation_call(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err);
int operation_try(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err);
/*
 * For a request whose reply only serves a check that the operation can do without, for instance because the credentials
 * may not make it: a failure is logged as "<what> could not be checked". 0 (*ret stays NULL after a failure) or
 * -ECANCELED.
 */
int operation_try_or_skip(struct operation *op, struct aws_request *request, const char *what, cJSON **ret);

/*
 * The same for other work that can be repeated; called after the work has returned *r (and err, which is not NULL).
 * True: an outage was the cause and the pause has passed, so the caller tries again. Else *r and err are the outcome:
 * -ECANCELED if the operation was cancelled meanwhile.
 */
bool operation_outlasts(struct operation *op, int *r, struct error *err);
int operation_sleep(struct operation *op, int64_t ms);

/* From now on only the end of vastfs cancels the operation: for work that must be finished once it is started. */
void operation_commit(struct operation *op);

/* Writes the name of the current work to the log and to progress. */
void operation_say(struct operation *op, const char *format, ...) _printf_(2, 3);

/*
 * Durable memory: the data by which a resumed operation recognizes its own work, for instance the name of a change set
 * before it is created. operation_remember returns when the text is on disk; it replaces an earlier value of the key.
 * If the journal cannot be written it fails with a message, and AWS must not be asked to write. value: at most
 * OPERATION_MEMORY_MAX bytes. operation_recall gives "" for a key without a value; the text is valid until that key
 * is remembered again. The memory ends with the operation.
 */
#define OPERATION_MEMORY_MAX 512
int operation_remember(struct operation *op, const char *key, const char *value, struct error *err);
const char *operation_recall(const struct operation *op, const char *key);

/* Asks AWS once for the account of the credentials: op->account. Succeeds before the first step of every operation. */
int operation_identify(struct operation *op, struct error *err);

/*
 * Replaces err by the message that a part of the stack ("the ECS cluster") was deleted. Returns -EIO; AWS's code and
 * request ID stay.
 */
int operation_explain_deleted(const struct operation *op, const char *what, const char *name, struct error *err);

/* Reads the stack's record into op->stack (NULL: there is none). If that fails, op->stack stays as it was. */
int operation_read_stack(struct operation *op, struct error *err);
int operation_read_stack_of_id(struct operation *op, const char *id, struct error *err);
/*
 * The same, but refuses with -EEXIST a stack that vastfs did not create for this stage (ownership.h). From then on
 * every request names the stack by its ID, so that a stack which takes its place is never touched.
 */
int operation_read_own_stack(struct operation *op, struct error *err);
/* The reply of DescribeStackResources for op->stack. */
int operation_read_resources(struct operation *op, cJSON **ret, struct error *err);
/* Reads op->stack again by its ID, which also finds a deleted stack. */
int operation_read_stack_by_id(struct operation *op, struct error *err);
/* The status and an output of op->stack; "" if AWS reports none. */
const char *operation_status(const struct operation *op);
const char *operation_output(const struct operation *op, const char *key);
const char *operation_parameter(const struct operation *op, const char *key); /* the deployed value of a parameter */

/*
 * Calls check repeatedly (after 0.1 s at first, then after up to 3 s) until it returns OPERATION_DONE or a negative
 * errno, which is returned. -ETIMEDOUT with a message after limit_ms; outages do not count. what: a noun phrase, "the
 * change set".
 */
int operation_wait(struct operation *op, int64_t limit_ms, const char *what,
		   int (*check)(struct operation *op, void *arg, struct error *err), void *arg, struct error *err);

/* The operations behind control/. */
int operation_deploy(struct operation *op, struct error *err);
int operation_destroy(struct operation *op, struct error *err);
int operation_run_task(struct operation *op, struct error *err);
int operation_restart_task(struct operation *op, struct error *err);
int operation_stop_all_tasks(struct operation *op, struct error *err);
/* The operations behind stack/. */
int operation_replan(struct operation *op, struct error *err);
int operation_drift_check(struct operation *op, struct error *err);

/* -- parts that several operations use -------------------------------------------------------------------------- */

/* follow.c: the events of op->stack, newest first, at most some thousand */
int stack_read_events(struct operation *op, cJSON **ret, struct error *err);
/* stores the ID of the newest event in op->mark, before an operation is started */
int stack_mark(struct operation *op, struct error *err);
/* Follows CloudFormation's operation on op->stack to its end; err describes the first failed event. */
int stack_follow(struct operation *op, struct error *err);
/*
 * Explains why an operation ended in that status, by the first failed event of the operation. events: newest first.
 * -EIO, with a remedy.
 */
int stack_explain_failure(const struct operation *op, const char *status, const cJSON *events, struct error *err);

/* cancel.c: cancels CloudFormation's operation if AWS allows it and follows it to its end: -ECANCELED with a message */
int stack_cancel(struct operation *op, struct error *err);
/* whether the operation was being cancelled when vastfs ended */
bool stack_cancel_was_begun(const struct operation *op);

/*
 * rollback.c: continues the failed rollback of an update and follows it; the error names the resources that would have
 * to be skipped
 */
int stack_continue_rollback(struct operation *op, struct error *err);

/*
 * apply.c: creates or updates the stack by a change set and follows it; stack_resume follows a change set that was
 * executed before a crash
 */
int stack_apply(struct operation *op, struct error *err);
int stack_resume(struct operation *op, struct error *err);
/*
 * follows somebody else's deploy to its end: 0 if it applied what this operation would apply, else -EBUSY with the
 * parameters that differ
 */
int stack_join(struct operation *op, struct error *err);

/* destroy.c: deletes the stack, through DELETE_FAILED, until it is gone. The repository and the storage stay. */
int stack_delete(struct operation *op, struct error *err);
/* Fails if the credentials may not delete op->stack; call it before anything that prepares the deletion. */
int stack_check_may_delete(struct operation *op, struct error *err);

/* interfaces.c: deletes the network interfaces that Lambda has released. Never fails the operation. */
void interfaces_release(struct operation *op);
/*
 * Takes the function out of the VPC and waits until its interfaces are deleted; returns 0, also after a failure, or
 * -ECANCELED.
 */
int interfaces_free_function(struct operation *op);

/* function.c: waits until the function is neither being created nor changed */
int function_wait_settled(struct operation *op, const char *function, struct error *err);
int function_leave_vpc(struct operation *op, const char *function, struct error *err);
/* puts the function into the VPC that the stack's outputs name, unless it is there */
int function_enter_vpc(struct operation *op, struct error *err);

/* tasks.c */
int tasks_list(struct operation *op, cJSON **ret_tasks,
	       struct error *err); /* DescribeTasks' records of op->cluster's tasks that have not stopped */
int tasks_stop_all(struct operation *op, unsigned *ret_n,
		   struct error *err); /* stops all tasks of op->cluster and waits until they have stopped */

/* image.c: checks before a stack is created whether the image can be pulled */
int image_check_first(struct operation *op, struct error *err);
/* assembles and pushes the image unless it exists; image_clean removes the images that nothing uses */
int image_ensure(struct operation *op, struct error *err);
int image_clean(struct operation *op, struct error *err);
/* sets op->image to the image that image_ensure would take if it exists already; builds nothing */
int image_find(struct operation *op, struct error *err);

/*
 * quota_check.c: reads one quota of the account. QUOTA_UNKNOWN, and a line in the log, if it cannot be read; or
 * -ECANCELED
 */
int quota_read(struct operation *op, enum quota which, double *ret);
/* fails if the account's quotas do not allow the stack */
int quota_check(struct operation *op, struct error *err);

/* repository.c, storage.c, vpc_check.c: steps of deploy and the functions that destroy needs */
int repository_ensure(struct operation *op, struct error *err);
int repository_find(struct operation *op, struct error *err); /* sets op->repository_uri if there is a repository */
int repository_delete(struct operation *op, struct error *err);
int storage_ensure(struct operation *op, struct error *err);
int storage_find(struct operation *op, cJSON **ret,
		 struct error *err); /* *ret: the file system's record, NULL: there is none */
int storage_purge(struct operation *op, struct error *err);
int vpc_check(struct operation *op, struct error *err);

#endif
