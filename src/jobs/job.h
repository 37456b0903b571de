/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h - operations, queries and commands: everything that takes time.
 *
 * Operations (deploy, destroy, ...), Lambda queries and commands in a container are one type; they differ only in the
 * function that runs them.
 * A job has an identity that never changes (struct job: kind, number, text, log) and a current state (struct job_view),
 * which is immutable: every change makes a new view. So a reader takes the newest view and renders it without a lock.
 */
#ifndef VASTFS_JOBS_JOB_H
#define VASTFS_JOBS_JOB_H

#include "base/blob.h"
#include "base/error.h"
#include "base/ref.h"
#include "base/stream.h"
#include "jobs/output.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum job_kind { JOB_OPERATION, JOB_QUERY, JOB_EXEC, JOB_CHECK, JOB_IMPORT, JOB_KIND_MAX };

/*
 * JOB_UNKNOWN: an operation of an earlier mount in another account, region, endpoint or stack than this mount uses, so
 * its result is unknown. For this mount it has ended; its journal entry is unchanged.
 */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED, JOB_UNKNOWN };

#define JOB_LOG_KEEP (4 << 20)

struct job_view {
	struct ref ref;
	enum job_state state;
	bool ran;	       /* the command ran to its end: result and exit_code come from it */
	int exit_code;	       /* once ended and ran; operations: 0 or 1 */
	struct blob *result;   /* stdout of the command, or the outcome of the operation; NULL until there is one */
	struct blob *errors;   /* stderr of the command; NULL until there is one */
	struct output *output; /* stdout of a streamed command, instead of result; NULL: not streamed */
	struct output *stderr_output; /* stderr of a streamed command, instead of errors */
	/*
	 * Why it failed or was cancelled; or a warning of a job that continued (errnum 0, message set). Never NULL:
	 * without an error the message is empty. Views share it, because most jobs have none.
	 */
	const struct error *error;
	int64_t started_ms;   /* wall clock; 0 while queued */
	int64_t ended_ms;     /* wall clock; 0 while in flight */
	int64_t changed_ms;   /* wall clock time of this view */
	unsigned done, total; /* number of steps; total 0: unknown */
	char step[320];	      /* the current step */
	char request_id[64];
	bool keeps_data;     /* imports: rejected batches stay on the disk until the user removes them */
	int64_t duration_ms; /* duration of the command as measured by its runtime; -1: unknown */
};

struct job {
	struct ref ref;
	enum job_kind kind;
	uint64_t number;   /* counted for each kind, continued across mounts */
	char name[32];	   /* "deploy", "query" */
	char argument[64]; /* argument of the verb: "purge"; the task of an exec or check; "" if there is none */
	pid_t pid;	   /* the process that requested the job */
	uid_t uid;
	int64_t created_ms;
	struct blob *query;		/* the command; NULL for operations */
	struct stream *log;		/* operation.log or lambda.log */
	_Atomic uint64_t removed_files; /* files that the user removed from its directory: a bit for each, numbered by
					   fs/history.c */
	struct job_private *priv;
};

/* A queued job. query may be NULL; a reference is taken. NULL without memory. */
struct job *job_new(enum job_kind kind, uint64_t number, const char *name, struct blob *query);
struct job *job_ref(struct job *j);
void job_unref(struct job *j);
DEFINE_CLEANUP(struct job *, job_unref)

/* The newest view; the caller releases it with job_view_unref(). Any thread. */
struct job_view *job_view(struct job *j);
void job_view_unref(struct job_view *v);
DEFINE_CLEANUP(struct job_view *, job_view_unref)

static inline bool job_state_ended(enum job_state s)
{
	return s >= JOB_SUCCEEDED;
}

const char *job_state_name(enum job_state s);

/*
 * Changes the state: edit gets a private copy of the view, which becomes the newest view; then the listener is called.
 * An ended job never changes again (-ESTALE). Any thread; edits of one job are serialized.
 */
int job_edit(struct job *j, void (*edit)(struct job_view *v, void *arg), void *arg);

/* For the functions above: copies the error, or makes the text a warning, into the private copy of the view. */
void job_view_set_error(struct job_view *v, const struct error *err);
void job_view_set_warning(struct job_view *v, const char *text);

/* Common edits. Text is copied. */
void job_start(struct job *j);
void job_progress(struct job *j, unsigned done, unsigned total, const char *format, ...) _printf_(4, 5);
void job_log(struct job *j, const char *format, ...) _printf_(2, 3); /* one line with the time before it */
void job_succeed(struct job *j, struct blob *result);		     /* takes the reference */
void job_fail(struct job *j, const struct error *err);
void job_cancelled(struct job *j, const char *why);
void job_unknown(struct job *j, const struct error *why);
void job_remark(struct job *j, const char *text); /* adds a warning to the error file of the job, which continues */

/* Calls the listener because an output has grown. */
void job_grown(struct job *j);

/* Called after each change of any job, on the changing thread; must be quick. Set once, before the first job. */
void job_set_listener(void (*changed)(struct job *j, void *arg), void *arg);

/*
 * Cancellation is a request that the code that runs the job checks. on_cancel (may be NULL) is called once, on the
 * thread that requests it.
 */
void job_cancel(struct job *j);
bool job_cancel_wished(struct job *j);
void job_on_cancel(struct job *j, void (*on_cancel)(struct job *j, void *arg), void *arg);

/* An immutable, shared list, oldest first. */
struct job_list {
	struct ref ref;
	size_t n;
	struct job *jobs[];
};

/* The list with j added (j NULL: none), without the oldest ended ones beyond keep. NULL without memory. */
struct job_list *job_list_with(const struct job_list *old, struct job *j, size_t keep);
/* The list without j. NULL without memory. */
struct job_list *job_list_without(const struct job_list *old, const struct job *j);
/* The list without the jobs for which `drop` returns true; it is called for the oldest first. NULL without memory. */
struct job_list *job_list_filter(const struct job_list *old, bool (*drop)(struct job *j, void *arg), void *arg);
struct job_list *job_list_ref(struct job_list *l);
void job_list_unref(struct job_list *l);
struct job *job_list_find(const struct job_list *l, uint64_t number); /* no new reference; NULL: no such job */
struct job *job_list_last(const struct job_list *l);		      /* no new reference; NULL: the list is empty */
struct job *job_list_last_of(const struct job_list *l, const char *argument); /* no new reference; NULL: no such job */

#endif
