/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.h - the stack as it is known at one moment: immutable and shared.
 *
 * The loop thread renders the tree from the newest snapshot without any lock; the engine and the operation thread
 * publish new ones.
 */
#ifndef VASTFS_MODEL_SNAPSHOT_H
#define VASTFS_MODEL_SNAPSHOT_H

#include "base/blob.h"
#include "base/error.h"
#include "jobs/job.h"
#include "stack/cost.h"
#include "stack/discovery.h"
#include "stack/service.h"
#include "stack/settings.h"
#include "stack/view.h"

/* Whose credentials are in force, as AWS says; empty texts until it has said so. */
struct identity {
	char account[16];  /* 12 digits */
	char arn[768];	   /* the longest, of a user below a path, has 615 characters */
	char user_id[256]; /* "AIDA..."; of an assumed role "AROA...:session" */
};

enum snapshot_match { MATCH_UNKNOWN, MATCH_SAME, MATCH_DIFFERENT };

struct snapshot {
	struct ref ref;
	uint64_t generation;		 /* 1, 2, ... */
	struct settings *settings;	 /* in force; NULL if there are none */
	struct blob *settings_text;	 /* default.env as it is on disk; never NULL */
	struct blob *settings_fault;	 /* why that text is not in force, without newline; NULL: it is */
	int64_t settings_changed_ms;	 /* wall clock */
	struct stack_view *stack;	 /* never NULL */
	struct task_list *tasks;	 /* never NULL */
	struct service service;		 /* that keeps the server running */
	enum snapshot_match match;	 /* of the settings in force with what is deployed */
	char default_task[64];		 /* the server that queries go to, "" if there is none */
	bool default_chosen;		 /* by ln -sfn rather than by vastfs */
	struct job_list *operations;	 /* never NULL, oldest first */
	struct job_list *queries;	 /* likewise */
	struct job_list *execs;		 /* likewise, of all tasks */
	struct job_list *checks;	 /* likewise */
	struct job_list *imports;	 /* likewise */
	bool more_resources, more_tasks; /* AWS has more of them than are read */
	struct identity identity;
	struct discovery *discovery; /* never NULL: the VPCs of the region */
	struct blob *elsewhere; /* what is deployed under other settings, for people, without newline; NULL: nothing */
	int64_t contact_ms;	/* wall clock of the last time everything was read from AWS; 0: not yet */
	int64_t contact_monotonic_ms;
	struct error contact_error; /* why the last attempt to read failed; errnum 0: it did not */
};

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);
DEFINE_CLEANUP(struct snapshot *, snapshot_unref)

/* What may be said with certainty: false before the first contact and when it is more than 30 s ago. */
bool snapshot_is_current(const struct snapshot *s);

/* The server that queries go to, NULL if there is none; and whether it runs with what was deployed last. */
const struct task *snapshot_default_task(const struct snapshot *s);
bool snapshot_task_is_outdated(const struct snapshot *s, const struct task *t);

enum snapshot_health { HEALTH_UNKNOWN, HEALTH_ANSWERS, HEALTH_SILENT };

/* What the last check of a task that runs has found; job (may be NULL) is set to that check, NULL if there is none. */
enum snapshot_health snapshot_health(const struct snapshot *s, const struct task *t, struct job **ret_job);

/* What the stack is in one word, for people: "deployed", "none" (stack/states.h). */
const char *snapshot_stack_word(const struct snapshot *s);

/* What is paid for now. False: not known, because there are no settings, AWS has not been reached, or the stack is not
 * ours. */
bool snapshot_cost(const struct snapshot *s, struct cost *ret);

/* The operation in flight, or NULL; and the one that runs beside it: a login. No new reference. */
struct job *snapshot_running_operation(const struct snapshot *s);
struct job *snapshot_running_beside(const struct snapshot *s);

#endif
