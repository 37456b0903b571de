/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * operation.h - what deploy, destroy and the tasks' verbs have in common.
 *
 * An operation is plain sequential code on the operation thread: a table of steps, each a short function that first
 * looks at what AWS already has. So the same table resumes after a crash. Every function here returns 0 or a negative
 * errno with words; -ECANCELED means that somebody wished the end (or that vastfs ends) and needs no words.
 */
#ifndef VASTFS_STACK_OPERATION_H
#define VASTFS_STACK_OPERATION_H

#include "aws/aws.h"
#include "jobs/job.h"
#include "stack/outage.h"
#include "stack/settings.h"

#define EVENT_ID_SIZE 160

struct operation {
	struct aws *aws;
	struct engine *engine;
	const struct settings *settings;
	struct job *job;
	const char *argument;	  /* of the verb, "" for none */
	const char *token;	  /* stays the same when the operation is taken up again: makes requests idempotent */
	const char *default_task; /* id, "" if there is none */
	struct aws_cancel_token *cancel;       /* fired by the user's wish and by the end of vastfs */
	struct aws_cancel_token *stop;	       /* fired by the end of vastfs only */
	void (*refresh)(struct operation *op); /* has the tree show what AWS has now; returns at once */
	void (*warn)(struct operation *op, const struct error *err); /* a line in the tree's error; it goes on */
	/* Keeps a text in the operation's journal entry, on disk when it returns; see operation_remember. */
	int (*remember)(struct operation *op, const char *key, const char *value, struct error *err);
	cJSON *memory; /* what it remembers, also from before a crash; NULL: nothing; owned */
	void *model;   /* the callbacks' own */
	struct outage outage;
	struct buf result;		/* the outcome, for the job's result */
	char name[SETTINGS_STACK_SIZE]; /* of stack, repository and file system */
	unsigned step, steps;		/* for the progress bar */

	/* What the steps have found; all owned. */
	cJSON *stack;	   /* AWS's record; NULL: no such stack */
	char cluster[256]; /* name or ARN, "" until known */
	char *account;	   /* set before the first step */
	char *file_system; /* id, NULL: none */
	char *repository_uri;
	char *image;	  /* what task and function run, by its digest */
	char *base_image; /* what it was assembled from, NULL: what the settings name */
	char *zone;
	char *internet_gateway;
	cJSON *facts;		  /* of the VPC: replies by name, see vpc.c */
	char mark[EVENT_ID_SIZE]; /* the newest event before this operation changed anything */
	unsigned tries;		  /* of creating, for names that must not repeat */
	bool created;		  /* this operation creates the stack rather than updating it */
	bool executed;		  /* the change set was executed before a crash, and has succeeded */
};

void operation_release(struct operation *op); /* what the steps have found */

struct operation_step {
	const char *what; /* for progress: "checking the VPC" */
	int (*run)(struct operation *op, struct error *err);
};

/* Runs the steps in turn; a step may end the whole with success by OPERATION_DONE. */
#define OPERATION_DONE 1
int operation_run_steps(struct operation *op, const struct operation_step *steps, size_t n, struct error *err);

/*
 * One call of AWS; ret may be NULL. It outlasts outages (outage.h): a request that may be sent twice is sent again
 * until AWS answers or refuses, so whoever calls need not tell an outage from an answer. For what is only tried, and
 * is not worth waiting for, there is operation_try.
 */
int operation_call(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err);
int operation_try(struct operation *op, struct aws_request *request, cJSON **ret, struct error *err);

/*
 * For other work that can be begun anew: after it has ended with *r (and err, which is not NULL). True: an outage was
 * the cause and some time has passed, so it is worth another try. Else *r and err are its outcome: -ECANCELED if the
 * operation was cancelled meanwhile.
 */
bool operation_outlasts(struct operation *op, int *r, struct error *err);
int operation_sleep(struct operation *op, int64_t ms);

/* From here on only the end of vastfs cancels: for what must be finished once it is begun. */
void operation_commit(struct operation *op);

/* Says what is being done, in the log and in progress. */
void operation_say(struct operation *op, const char *format, ...) _printf_(2, 3);

/*
 * Durable memory: what a resumed operation has to recognize as its own work, for instance the name of a change set
 * before it is created. operation_remember returns when the text is on disk; it replaces an earlier value of the key.
 * If the journal cannot be written it fails with a message, and AWS must not be asked to write. value: at most
 * OPERATION_MEMORY_MAX bytes. operation_recall gives "" for a key without a value; the text is valid until that key
 * is remembered again. The memory ends with the operation.
 */
#define OPERATION_MEMORY_MAX 512
int operation_remember(struct operation *op, const char *key, const char *value, struct error *err);
const char *operation_recall(const struct operation *op, const char *key);

/* Asks AWS who this is, once: op->account. Before every operation's first step this has succeeded. */
int operation_identify(struct operation *op, struct error *err);

/* The message for a part of the stack that AWS no longer has, "the ECS cluster". -EIO; AWS's code stays. */
int operation_explain_deleted(const struct operation *op, const char *what, const char *name, struct error *err);

/* Reads the stack's record into op->stack (NULL: there is none). */
int operation_read_stack(struct operation *op, struct error *err);
int operation_read_stack_of_id(struct operation *op, const char *id, struct error *err);
/*
 * The same, but refuses with -EEXIST a stack that vastfs did not make for this stage (ownership.h). After it, the stack
 * is named by its id in every request: a stack that takes its place meanwhile is then never touched.
 */
int operation_read_own_stack(struct operation *op, struct error *err);
/* The reply of DescribeStackResources for op->stack. */
int operation_read_resources(struct operation *op, cJSON **ret, struct error *err);
/* The same by the stack's id, which also finds it once it is deleted. */
int operation_read_stack_by_id(struct operation *op, struct error *err);
/* Of op->stack: "" if it says nothing. */
const char *operation_status(const struct operation *op);
const char *operation_output(const struct operation *op, const char *key);
const char *operation_parameter(const struct operation *op, const char *key); /* as deployed */

/*
 * Waiting: calls check every so often (soon at first, then every few seconds) until it returns something else than 0,
 * which is returned: 1 or OPERATION_DONE, or a negative errno. -ETIMEDOUT with words after limit_ms, to which outages
 * do not count.
 */
int operation_wait(struct operation *op, int64_t limit_ms, const char *what,
		   int (*check)(struct operation *op, void *arg, struct error *err), void *arg, struct error *err);

/* The operations behind control/. */
int operation_deploy(struct operation *op, struct error *err);
int operation_destroy(struct operation *op, struct error *err);
int operation_run_task(struct operation *op, struct error *err);
int operation_restart_task(struct operation *op, struct error *err);
int operation_stop_all_tasks(struct operation *op, struct error *err);

/* -- parts that several operations use -------------------------------------------------------------------------- */

/* follow.c: the events of op->stack, newest first, at most some thousand */
int stack_read_events(struct operation *op, cJSON **ret, struct error *err);
/* remembers where the events end now, before something is begun */
int stack_mark(struct operation *op, struct error *err);
/* Follows what CloudFormation is doing to op->stack until it ends; err tells the first failing event. */
int stack_follow(struct operation *op, struct error *err);
/* Why an operation ended in the status: by the first of its events (newest first) that failed. -EIO, with a remedy. */
int stack_explain_failure(const struct operation *op, const char *status, const cJSON *events, struct error *err);

/* cancel.c: cancels what CloudFormation is doing, as far as it can be, and follows to the end: -ECANCELED with words */
int stack_cancel(struct operation *op, struct error *err);
/* whether the operation was being cancelled when vastfs was ended */
bool stack_cancel_was_begun(const struct operation *op);

/* rollback.c: continues an update's rollback that failed, and follows it; what would have to be skipped is named */
int stack_continue_rollback(struct operation *op, struct error *err);

/* apply.c: creates or updates the stack by a change set and follows it. The last steps of a deploy that need nothing
 * but the parameters; resumes what was executed before a crash */
int stack_apply(struct operation *op, struct error *err);
int stack_resume(struct operation *op, struct error *err);
/* somebody else deploys: follows to the end; 0 if what they apply is what this operation would, -EBUSY with the
 * difference */
int stack_join(struct operation *op, struct error *err);

/* destroy.c: deletes the stack, through DELETE_FAILED, until it is gone. The repository and the storage stay. */
int stack_delete(struct operation *op, struct error *err);

/* interfaces.c: deletes what Lambda left in the stack's subnet. Never fails the operation. */
void interfaces_release(struct operation *op);
/* Takes the function out of the VPC and waits for its interfaces; 0 whatever happens, or -ECANCELED. */
int interfaces_free_function(struct operation *op);

/* function.c: until the function is neither being created nor changed */
int function_wait_settled(struct operation *op, const char *function, struct error *err);
int function_leave_vpc(struct operation *op, const char *function, struct error *err);
/* into the VPC that the stack's outputs name, unless it is there */
int function_enter_vpc(struct operation *op, struct error *err);

/* tasks.c */
int tasks_list(struct operation *op, cJSON **ret_tasks,
	       struct error *err); /* of op->cluster, described, running or on their way */
int tasks_stop_all(struct operation *op, unsigned *ret_n, struct error *err); /* of op->cluster; and wait for STOPPED */

/* image.c: before a stack is created, whether the image can be had at all */
int image_check_first(struct operation *op, struct error *err);
/* the image is there, assembled and pushed if need be; afterwards those are removed that nothing uses */
int image_ensure(struct operation *op, struct error *err);
int image_clean(struct operation *op, struct error *err);

/* repository.c, storage.c, vpc.c: steps of deploy and what destroy needs of them */
int repository_ensure(struct operation *op, struct error *err);
int repository_delete(struct operation *op, struct error *err);
int storage_ensure(struct operation *op, struct error *err);
int storage_find(struct operation *op, cJSON **ret, struct error *err); /* the file system's record or NULL */
int storage_purge(struct operation *op, struct error *err);
int vpc_check(struct operation *op, struct error *err);

#endif
