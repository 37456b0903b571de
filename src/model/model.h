/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h - the model of the stack, and all that can be asked of it.
 *
 * The tree (fs/) sees nothing of AWS but this. Reading takes a snapshot; acting is a function below that decides at
 * once from the newest snapshot, queues the work and returns: none of them waits for the network. All may be called
 * from any thread. Those that can refuse return a negative errno and fill err; who calls puts it into model_failures.
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
	const char *config_dir; /* holds default.env */
	const char *state_dir;	/* the journal of operations */
	const char *cache_dir;	/* large results, in files without names */
	const char *settings;	/* lines of default.env that are stronger than the file's; "": none */
	bool read_only;		/* nothing is resumed; the tree refuses requests for a change */
};

/* Reads the settings and starts the threads; works without network. After fork(). */
int model_start(const struct model_config *config, struct model **ret, struct error *err);
/* Ends the threads. An operation in flight goes on in AWS and is taken up by the next mount. */
void model_stop(struct model *m);

/* The settings that this mount was given as options: lines of default.env, "" for none. Lives as long as m. */
const char *model_mount_settings(const struct model *m);

/* Called after each change of the snapshot or of a job, on any thread; must be quick and not call back. */
void model_set_listener(struct model *m, void (*changed)(void *arg), void *arg);

/*
 * The listener calls this function when no program can see anything older than the snapshot of this generation any
 * more. The end of an operation waits for it, so that a process that has read the result sees the new stack. Any
 * thread.
 */
void model_shown(struct model *m, uint64_t generation);

struct snapshot *model_snapshot(struct model *m); /* the newest, with a reference for the caller */
uint64_t model_generation(struct model *m);	  /* of the newest: one atomic load */

/* Somebody reads about tasks: for the next 3 s a server that ends or starts shows within 1 s. Cheap. */
void model_attend_tasks(struct model *m);

struct failures *model_failures(struct model *m);
struct stream *model_events(struct model *m);  /* events.log; no new reference */
struct stream *model_api_log(struct model *m); /* api.log */

struct model_credentials {
	bool known;	    /* there are keys, or have been */
	char source[256];   /* where they come from: "sso profile work" */
	int64_t expires_ms; /* wall clock, 0: never */
	struct error error; /* why they do not work; errnum 0: nothing is known against them */
};

/* Any thread: what is known of the credentials in use, from memory. */
void model_credentials(struct model *m, struct model_credentials *ret);
/* The name of the profile that they are looked for in, NULL if none is named. Lives as long as s and the environment.
 */
const char *model_profile(const struct snapshot *s);

struct requester {
	pid_t pid;
	uid_t uid;
};

struct operation;

/* control/: the verbs. To add one is to add a row to the table in verbs.c. */
struct verb {
	const char *name;     /* the file's name: "run-task" */
	const char *argument; /* the one word that may be written instead of 1: "force"; NULL: none */
	const char *help;     /* what the file does, for its reader */
	/* What is known to refuse it; NULL: nothing. */
	int (*check)(const struct snapshot *s, const char *argument, struct error *err);
	int (*run)(struct operation *op, struct error *err); /* an operation: one at a time, with a job; or NULL */
	void (*act)(struct model *m);			     /* acts at once, without a job; or NULL */
	/* An operation that runs beside the others, on the engine thread; must end the job, of which it takes a
	 * reference. */
	void (*beside)(struct model *m, struct job *j);
};

extern const struct verb model_verbs[];
extern const size_t model_verbs_n;

/* Whether verb (with argument, "" for none) would be accepted now: 0, -EBUSY, -EEXIST, -ENXIO, -ENOKEY, -EINVAL. */
int model_verb_check(struct model *m, const struct verb *verb, const char *argument, struct error *err);
/* Checks and acts. *ret gets a reference to the operation's job, NULL for a verb that acts at once. */
int model_verb_run(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		   struct job **ret, struct error *err);

/*
 * Commands, in Lambda (task NULL) or in a task's container by ECS Exec. The limit on one is MODEL_QUERY_MAX; NUL is
 * refused with -EINVAL at model_query_text.
 */
#define MODEL_QUERY_MAX (100 * 1024)
int model_query_check(struct model *m, const char *task, struct error *err); /* as at open: -ENXIO, -ENOKEY, -EPERM */
int model_query_text(const void *text, size_t len, struct error *err);
/*
 * Makes the job, visible as queued when this returns. complete false: the writer was cut short; the job is made and
 * fails with "incomplete, not run". A failure that comes too late for an errno (at RELEASE) is in the job.
 */
int model_query(struct model *m, const char *task, struct buf *command, bool complete, struct requester who,
		struct job **ret, struct error *err);

/*
 * Whether a task's port answers, asked from Lambda, which is where queries come from: AWS itself knows only that the
 * process lives. The job's result is one line in words. -ENXIO: nothing is deployed, or the task does not run.
 */
int model_task_check(struct model *m, const char *id, struct requester who, struct job **ret, struct error *err);

/* Wishes the end of a job. Ended ones are left alone. */
void model_cancel_job(struct model *m, struct job *j);

/*
 * A command in Lambda or a container is removed from its history, with all that it printed. -EBUSY with a message while
 * it is in flight; model_history_check asks only. -ENOENT: somebody was faster. Open files go on reading it.
 */
int model_history_check(struct job *j, struct error *err);
int model_history_remove(struct model *m, struct job *j, struct requester who, struct error *err);

/*
 * Shells for `vastfs shell` (shell/protocol.h), of the user that this process runs as. device: st_dev of the mount.
 * -EADDRINUSE and the like.
 */
int model_shells_listen(struct model *m, dev_t device);

/*
 * import/. What an import is, and what can be done with it, is in ingest/ingest.h; its job is one like the others.
 * model_import_check: as at open. -ENXIO: nothing is deployed, or by a vastfs that could not import; -EPROTO: see
 * spool_check_version.
 */
int model_import_check(struct model *m, struct error *err);
/* Begins an import; its job is visible as queued when this returns. *ret gets a reference. */
int model_import(struct model *m, const char *format, struct requester who, struct import **ret, struct error *err);
/* The import of a job that has not ended or keeps rejected batches, with a reference; NULL: there is none. */
struct import *model_import_find(struct model *m, const struct job *j);
/* Makes a new import of what j keeps as rejected. -ENODATA with a message: it keeps nothing. */
int model_import_retry(struct model *m, struct job *j, struct requester who, struct error *err);
void model_import_totals(struct model *m, struct ingest_totals *ret);

/* tasks/ */
int model_task_stop(struct model *m, const char *id, struct requester who, struct error *err);
int model_task_choose(struct model *m, const char *id, struct error *err); /* NULL or "": automatic again; -ENOENT */

/*
 * Before something is decided by config/default.env: puts in force what an editor or git have made of the file on disk.
 * Any thread; asks the disk for the file's attributes and does not wait for a save.
 */
void model_settings_refresh(struct model *m);

/*
 * config/default.env. model_settings_save checks the whole text, writes it (base/replace.h) off the calling thread and
 * puts it in force; done is called once, on another thread, with 0 or a negative errno and words. A text that does not
 * parse is refused at once (-EINVAL, done is not called). -EBUSY: the file was changed on disk at the same time. Takes
 * the buffer's content on success.
 */
int model_settings_save(struct model *m, struct buf *text, void (*done)(int result, const struct error *err, void *arg),
			void *arg, struct error *err);

/*
 * Following logs that live in CloudWatch. Opening gives the stream (a reference) and has it fetched while open and
 * 30 s longer; fetched is called once, on another thread, when the first page is there or its fetch has failed (at once
 * if it is fresh): *ret is set when this returns. kind tells the log; key is the task id or the query's number as text.
 * -ENOENT: no such log.
 */
enum model_log { MODEL_LOG_TASK, MODEL_LOG_SERVER, MODEL_LOG_QUERY };
struct stream *model_log_stream(struct model *m, enum model_log kind,
				const char *key); /* what is known, with a
										       reference; NULL: nothing */
int model_log_open(struct model *m, enum model_log kind, const char *key, void (*fetched)(void *arg), void *arg,
		   struct stream **ret, struct error *err);
void model_log_close(struct model *m, enum model_log kind, const char *key);
/*
 * A part of a log that is no longer kept (before stream_start), fetched again. done is called once, on another thread:
 * text, which it takes, begins at offset at and has the wanted offset in it; NULL with a message if the fetch failed.
 */
int model_log_fetch(struct model *m, enum model_log kind, const char *key, uint64_t offset,
		    void (*done)(struct blob *text, uint64_t at, const struct error *err, void *arg), void *arg);

/* Text of stack/plan: what deploy would change. Rendered from memory. */
int model_plan_render(const struct snapshot *s, struct buf *out);
/* Text of discover/suggested.env. Rendered from memory. */
int model_suggestion_render(const struct snapshot *s, struct buf *out);
const char *model_template_json(size_t *ret_len); /* stack/template.json */

#endif
