/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h - anything that takes time.
 *
 * Operations (deploy, destroy, ...), Lambda queries and commands in a container are one type; they differ only in the
 * function that runs them.
 * A job has an identity that never changes (struct job: kind, number, text, log) and a present condition (struct
 * job_view), which is immutable: every change makes a new one. So a reader takes the newest view and renders it
 * without a lock.
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
 * JOB_UNKNOWN: an operation of an earlier mount that was begun where this mount does not look (another account, region,
 * endpoint or stack), so nothing can be said about it. For this mount it has ended; its journal entry stays as it was.
 */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED, JOB_UNKNOWN };

#define JOB_LOG_KEEP (4 << 20)

struct job_view {
	struct ref ref;
	enum job_state state;
	bool ran;	       /* the command ran to its end: result and exit_code are its own, whatever they are */
	int exit_code;	       /* once ended and ran; operations: 0 or 1 */
	struct blob *result;   /* what the command printed, or the operation's outcome; NULL until there is one */
	struct blob *errors;   /* what the command printed to stderr; NULL until there is one */
	struct output *output; /* what a streamed command prints, as it grows, in place of result; NULL: it is not */
	struct output *stderr_output; /* to stderr, likewise, in place of errors */
	struct error error;   /* why it failed or was cancelled; also a warning of a job that went on (errnum 0, message
				 set) */
	int64_t started_ms;   /* wall clock; 0 while queued */
	int64_t ended_ms;     /* wall clock; 0 while in flight */
	int64_t changed_ms;   /* wall clock, of this view */
	unsigned done, total; /* steps, for the progress bar; total 0: unknown */
	char step[160];	      /* what it is doing now */
	char request_id[64];
	bool keeps_data;     /* imports: rejected batches are kept on the disk until somebody removes them */
	int64_t duration_ms; /* of the command, as measured; -1 unknown */
};

struct job {
	struct ref ref;
	enum job_kind kind;
	uint64_t number;   /* counts per kind, goes on across mounts */
	char name[32];	   /* "deploy", "query" */
	char argument[64]; /* of the verb: "purge"; of an exec or check: the task; "" if none */
	pid_t pid;	   /* who asked for it */
	uid_t uid;
	int64_t created_ms;
	struct blob *query;		/* the command; NULL for operations */
	struct stream *log;		/* operation.log or lambda.log */
	_Atomic uint64_t removed_files; /* of its directory, by the user: a bit each, as fs/history.c counts them */
	struct job_private *priv;
};

/* A queued job. query may be NULL; a reference is taken. NULL without memory. */
struct job *job_new(enum job_kind kind, uint64_t number, const char *name, struct blob *query);
struct job *job_ref(struct job *j);
void job_unref(struct job *j);
DEFINE_CLEANUP(struct job *, job_unref)

/* The newest view, to be given back. Any thread. */
struct job_view *job_view(struct job *j);
void job_view_unref(struct job_view *v);
DEFINE_CLEANUP(struct job_view *, job_view_unref)

static inline bool job_state_ended(enum job_state s)
{
	return s >= JOB_SUCCEEDED;
}

const char *job_state_name(enum job_state s);

/*
 * Changes the condition: edit gets a private copy of the view; then it becomes the newest and the listener, if any,
 * is told. An ended job never changes again (-ESTALE). Any thread; edits of one job are serialized.
 */
int job_edit(struct job *j, void (*edit)(struct job_view *v, void *arg), void *arg);

/* Frequent edits. Text is copied. */
void job_start(struct job *j);
void job_progress(struct job *j, unsigned done, unsigned total, const char *format, ...) _printf_(4, 5);
void job_log(struct job *j, const char *format, ...) _printf_(2, 3); /* one line with the time before it */
void job_succeed(struct job *j, struct blob *result);		     /* takes the reference */
void job_fail(struct job *j, const struct error *err);
void job_cancelled(struct job *j, const char *why);
void job_unknown(struct job *j, const struct error *why);
void job_remark(struct job *j, const char *text); /* one more warning in its error file; the job goes on */

/* Tells the listener that an output has grown. */
void job_grown(struct job *j);

/* Called after each change of any job, on the changing thread; must be quick. Set once, before the first job. */
void job_set_listener(void (*changed)(struct job *j, void *arg), void *arg);

/* Cancelling: the wish, looked at by who runs the job. on_cancel (may be NULL) is called once, on the asking thread. */
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
struct job_list *job_list_ref(struct job_list *l);
void job_list_unref(struct job_list *l);
struct job *job_list_find(const struct job_list *l, uint64_t number);	      /* no new reference; NULL */
struct job *job_list_last(const struct job_list *l);			      /* likewise */
struct job *job_list_last_of(const struct job_list *l, const char *argument); /* likewise */

#endif
