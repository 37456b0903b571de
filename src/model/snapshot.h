/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.h - the state of the stack at one moment: immutable and shared.
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
#include "stack/report.h"
#include "stack/service.h"
#include "stack/settings.h"
#include "stack/view.h"

/* The identity of the credentials in force, as reported by AWS. The texts are empty until AWS has replied. */
struct identity {
	char account[16];  /* 12 digits */
	char arn[768];	   /* the longest, of a user below a path, has 615 characters */
	char user_id[256]; /* "AIDA..."; of an assumed role "AROA...:session" */
};

enum snapshot_match { MATCH_UNKNOWN, MATCH_SAME, MATCH_DIFFERENT };

struct snapshot {
	struct ref ref;
	uint64_t generation;		 /* 1, 2, ... */
	struct settings *settings;	 /* the settings in force; NULL: none */
	struct blob *settings_text;	 /* the text of default.env on disk; never NULL */
	struct blob *settings_fault;	 /* why that text is not in force, without newline; NULL: it is in force */
	int64_t settings_changed_ms;	 /* wall clock */
	struct stack_view *stack;	 /* never NULL */
	struct task_list *tasks;	 /* never NULL */
	struct service service;		 /* the ECS service that keeps the server running */
	enum snapshot_match match;	 /* whether the stack was deployed with the settings in force */
	char default_task[64];		 /* ID of the server that queries are sent to; "": none */
	bool default_chosen;		 /* a user chose it (ln -sfn), not vastfs */
	int64_t default_changed_ms;	 /* wall clock: when default_task last changed */
	struct job_list *operations;	 /* never NULL, oldest first */
	struct job_list *queries;	 /* never NULL, oldest first */
	struct job_list *execs;		 /* never NULL, oldest first; of all tasks */
	struct job_list *checks;	 /* never NULL, oldest first */
	struct job_list *imports;	 /* never NULL, oldest first */
	int64_t storage_bytes;		 /* size of the database's file system; -1: there is none, or not known */
	int64_t storage_changed_ms;	 /* wall clock: when storage_bytes last changed */
	bool more_resources, more_tasks; /* AWS has more of them than vastfs reads */
	struct stack_report
		*reports[REPORT_MAX]; /* the last reports of this mount by enum stack_report_kind; NULL: none */
	struct identity identity;
	struct discovery *discovery; /* never NULL: the VPCs of the region */
	struct blob *elsewhere;	     /* stacks that other settings deployed, for people, without newline; NULL: none */
	int64_t contact_ms;	     /* wall clock of the last complete poll of AWS; 0: none yet */
	int64_t contact_monotonic_ms, contact_slept_ms; /* the same moment; see clock_slept_ms() */
	char denied[256]; /* actions of polls that the credentials do not allow, separated by blanks; "": none */
	struct error contact_error; /* why the last poll failed; errnum 0: it succeeded */
};

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);
DEFINE_CLEANUP(struct snapshot *, snapshot_unref)

/* Returns the time since the last complete poll of AWS, in which the machine may have slept; -1: there was none. */
int64_t snapshot_age_ms(const struct snapshot *s);

/* Returns whether the last complete poll of AWS is at most 30 s old. A decision may be certain only then. */
bool snapshot_is_current(const struct snapshot *s);

/*
 * These return the server that queries are sent to (NULL: none), and whether a task was started before the last deploy.
 */
const struct task *snapshot_default_task(const struct snapshot *s);
bool snapshot_task_is_outdated(const struct snapshot *s, const struct task *t);

enum snapshot_health { HEALTH_UNKNOWN, HEALTH_ANSWERS, HEALTH_SILENT };

/* Returns the result of the last check of a running task. *ret_job, if ret_job is not NULL, is that check or NULL. */
enum snapshot_health snapshot_health(const struct snapshot *s, const struct task *t, struct job **ret_job);

/* Returns the state of the stack in one word for people: "deployed", "none" (stack/states.h). */
const char *snapshot_stack_word(const struct snapshot *s);

/*
 * Computes the current cost. Returns false if it is not known: there are no settings, AWS has not replied, or vastfs
 * did not create the stack.
 */
bool snapshot_cost(const struct snapshot *s, struct cost *ret);

/* Return the operation in flight and the login beside it, or NULL. The snapshot owns the jobs. */
struct job *snapshot_running_operation(const struct snapshot *s);
/*
 * Whether the last operation failed because AWS gave no usable reply for too long. AWS may still go on with it, and the
 * same verb takes it up. Until another operation is accepted, a change of the stack counts as this mount's own.
 */
bool snapshot_lost_its_operation(const struct snapshot *s);
struct job *snapshot_running_beside(const struct snapshot *s);

#endif
