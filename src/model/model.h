/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h - the model of the stack: its state, and the functions that act on it.
 *
 * The tree (fs/) reaches AWS only through this module. To read, it takes a snapshot. To act, it calls a function below,
 * which decides at once from the newest snapshot, queues the work and returns. No function waits for the network, and
 * any thread may call any of them. A function that can refuse returns a negative errno and fills err; the caller adds
 * the refusal to model_failures().
 */
#ifndef VASTFS_MODEL_MODEL_H
#define VASTFS_MODEL_MODEL_H

#include "base/buf.h"
#include "ingest/ingest.h"
#include "jobs/failures.h"
#include "model/snapshot.h"

#include <sys/types.h>

struct model;

struct model_config {
	const char *config_dir; /* contains default.env */
	const char *state_dir;	/* the journal of operations */
	const char *cache_dir;	/* large results, in files without names */
	const char *settings;	/* lines that override those of default.env; "": none */
	bool read_only;		/* no operation is resumed; the tree refuses changes */
};

/*
 * Reads the settings and starts the threads. Needs no network. Call it after fork(), because threads do not survive it.
 */
int model_start(const struct model_config *config, struct model **ret, struct error *err);
/* Ends the threads. An operation in flight continues in AWS, and the next mount resumes it. */
void model_stop(struct model *m);

/* Returns the settings from the mount options as lines of default.env, or "". The model owns the text. */
const char *model_mount_settings(const struct model *m);

/*
 * changed is called after each change of the snapshot or of a job, on any thread. It must return quickly and must not
 * call this module.
 */
void model_set_listener(struct model *m, void (*changed)(void *arg), void *arg);

/*
 * The listener calls this function when no program can see anything older than the snapshot of this generation any
 * more. The end of an operation waits for it, so that a process that has read the result sees the new stack. Any
 * thread.
 */
void model_shown(struct model *m, uint64_t generation);

struct snapshot *model_snapshot(struct model *m); /* a new reference to the newest snapshot */
uint64_t model_generation(struct model *m);	  /* generation of the newest snapshot; one atomic load */

/*
 * Records that a process reads about tasks. For the next 3 s, the snapshot shows within 1 s that a server has started
 * or ended. The call is cheap.
 */
void model_attend_tasks(struct model *m);

/*
 * Any thread: the kernel has sent a request. The parts that are read from AWS, and how often, depend on this
 * (schedule.h). The call is cheap.
 */
void model_use(struct model *m);
/*
 * Any thread: a log was opened, or a process waits in poll(2). false: the log was closed, or the process no longer
 * waits.
 */
void model_hold(struct model *m, bool is_held);
unsigned model_calls(struct model *m); /* number of requests to AWS within the last hour */

struct failures *model_failures(struct model *m);
struct stream *model_events(struct model *m);  /* events.log; no new reference */
struct stream *model_api_log(struct model *m); /* api.log */

struct model_credentials {
	bool known;	    /* keys exist or have existed */
	char source[256];   /* the source of the keys: "sso profile work" */
	int64_t expires_ms; /* wall clock, 0: never */
	struct error error; /* why the keys do not work; errnum 0: no failure is known */
};

/* Returns from memory the state of the credentials in use. */
void model_credentials(struct model *m, struct model_credentials *ret);
/*
 * Returns the name of the profile in which vastfs looks for credentials, or NULL if no profile is set. The snapshot or
 * the environment owns the name.
 */
const char *model_profile(const struct snapshot *s);

struct requester {
	pid_t pid;
	uid_t uid;
};

struct operation;

/* A verb: a file of control/ or stack/. The table is in verbs.c. */
struct verb {
	const char *name;     /* the name of the file: "run-task" */
	const char *argument; /* the one word that may be written instead of 1: "force"; NULL: none */
	const char *help;     /* description of the verb for the user */
	/* Returns 0, or a negative errno for a known reason to refuse the verb. NULL: the verb is never refused. */
	int (*check)(const struct snapshot *s, const char *argument, struct error *err);
	int (*run)(struct operation *op,
		   struct error *err); /* runs as an operation, one at a time, with a job; or NULL */
	void (*act)(struct model *m);  /* acts at once, without a job; or NULL */
	/*
	 * Starts an operation on the engine thread, beside the operation thread. Takes a reference to j and must end
	 * it.
	 */
	void (*beside)(struct model *m, struct job *j);
	const char *directory; /* directory of the file: "stack"; NULL: "control" */
};

extern const struct verb model_verbs[];
extern const size_t model_verbs_n;

/* The directory that has the file of a verb: "control". */
const char *model_verb_directory(const char *name);

/* Checks whether the verb would be accepted now. argument may be "". 0, -EBUSY, -EEXIST, -ENXIO, -ENOKEY or -EINVAL. */
int model_verb_check(struct model *m, const struct verb *verb, const char *argument, struct error *err);
/*
 * Checks the verb and starts it. *ret is a reference to the job of the operation, or NULL for a verb that acts at once.
 */
int model_verb_run(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		   struct job **ret, struct error *err);

/*
 * Commands. They run in Lambda (task NULL), or in the container of a task by ECS Exec. A command has at most
 * MODEL_QUERY_MAX bytes. model_query_text() checks a part of a command and returns -EINVAL for a NUL byte.
 */
#define MODEL_QUERY_MAX (100 * 1024)
int model_query_check(struct model *m, const char *task, struct error *err); /* -ENXIO, -ENOKEY or -EPERM */
int model_query_text(const void *text, size_t len, struct error *err);
/*
 * Makes the job, which is visible as queued when the function returns. If complete is false, the writer was
 * interrupted, and the job fails with "incomplete, not run". RELEASE cannot return an errno, so its failures are in the
 * job.
 */
int model_query(struct model *m, const char *task, struct buf *command, bool complete, struct requester who,
		struct job **ret, struct error *err);

/*
 * Starts a job that checks from Lambda whether the port of a task accepts connections. ECS only knows that the process
 * is alive. The result of the job is one line for people. -ENXIO: no stack is deployed, or the task does not run.
 */
int model_task_check(struct model *m, const char *id, struct requester who, struct job **ret, struct error *err);

/* Requests the cancellation of a job. Has no effect on a job that has ended. */
void model_cancel_job(struct model *m, struct job *j);

/*
 * model_history_remove() removes a command and its output from the history. -EBUSY with a message: the command is in
 * flight, which model_history_check() checks too. -ENOENT: another process has removed it. Open files remain readable.
 */
int model_history_check(struct job *j, struct error *err);
int model_history_remove(struct model *m, struct job *j, struct requester who, struct error *err);

/*
 * Accepts clients of `vastfs shell` (shell/protocol.h) that belong to the user of this process. device is the st_dev of
 * the mount. Returns the errno of bind(2), for instance -EADDRINUSE.
 */
int model_shells_listen(struct model *m, dev_t device);

/*
 * Imports, which ingest/ingest.h describes. Each import has a job. model_import_check() checks whether an import can
 * start. -ENXIO: no stack is deployed, or an older vastfs without imports deployed it. -EPROTO: see
 * spool_check_version().
 */
int model_import_check(struct model *m, struct error *err);
/* Starts an import. Its job is visible as queued when the function returns. *ret is a new reference. */
int model_import(struct model *m, const char *format, struct requester who, struct import **ret, struct error *err);
/* Returns a new reference to the import of a job if it has not ended or has rejected batches, else NULL. */
struct import *model_import_find(struct model *m, const struct job *j);
/* Starts a new import with the rejected batches of j. -ENODATA with a message: j has no rejected batches. */
int model_import_retry(struct model *m, struct job *j, struct requester who, struct error *err);
void model_import_totals(struct model *m, struct ingest_totals *ret);

/* tasks/ */
int model_task_stop(struct model *m, const char *id, struct requester who, struct error *err);
int model_task_choose(struct model *m, const char *id,
		      struct error *err); /* NULL or "": vastfs chooses; -ENOENT: no such task */

/*
 * Reads config/default.env again if another program has changed it on disk. Call it before a decision that depends on
 * the settings. It reads the attributes of the file and does not wait for a save.
 */
void model_settings_refresh(struct model *m);

/*
 * Checks a text for config/default.env, writes it on another thread (base/replace.h) and puts it in force. done is
 * called once, on that thread, with 0 or with a negative errno and a message; -EBUSY: another program changed the file
 * at the same time. An invalid text is refused at once with -EINVAL, and done is not called. Takes the content of the
 * buffer on success.
 */
int model_settings_save(struct model *m, struct buf *text, void (*done)(int result, const struct error *err, void *arg),
			void *arg, struct error *err);

/*
 * Logs in CloudWatch. kind and key name the log; key is a task ID or the number of a query as text.
 *
 * model_log_open() sets *ret to a new reference to the stream and fetches the log while it is open and for 30 s after
 * that. fetched is called once, on another thread, when the first page has arrived or its fetch has failed; it is
 * called at once if the log is up to date. -ENOENT: no such log.
 *
 * model_log_stream() returns a new reference to the text in memory, or NULL if there is none.
 */
enum model_log { MODEL_LOG_TASK, MODEL_LOG_SERVER, MODEL_LOG_QUERY };
struct stream *model_log_stream(struct model *m, enum model_log kind, const char *key);
int model_log_open(struct model *m, enum model_log kind, const char *key, void (*fetched)(void *arg), void *arg,
		   struct stream **ret, struct error *err);
void model_log_close(struct model *m, enum model_log kind, const char *key);
/*
 * Fetches a part of a log again that is no longer in memory (before stream_start()). done is called once, on another
 * thread, and owns text, which starts at the offset at and contains the requested offset. text is NULL, with a message,
 * if the fetch failed.
 */
int model_log_fetch(struct model *m, enum model_log kind, const char *key, uint64_t offset,
		    void (*done)(struct blob *text, uint64_t at, const struct error *err, void *arg), void *arg);

/*
 * Render stack/plan, the changes that deploy would make, and stack/drift, the differences from the template, from
 * memory and the last report of CloudFormation.
 */
int model_plan_render(const struct snapshot *s, struct buf *out);
/* Text of discover/suggested.env. Rendered from memory. */
int model_suggestion_render(const struct snapshot *s, struct buf *out);
int model_drift_render(const struct snapshot *s, struct buf *out);
/* Wall clock times of the last change of these texts. */
int64_t model_plan_changed(const struct snapshot *s);
int64_t model_drift_changed(const struct snapshot *s);
const char *model_template_json(size_t *ret_len); /* stack/template.json */

#endif
