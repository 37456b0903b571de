/*
 * world.h - the model of the world, and all that can be asked of it.
 *
 * The tree (fs/) sees nothing of AWS but this. Reading takes a snapshot; acting is a function below that decides at
 * once from the newest snapshot, queues the work and returns: none of them waits for the network. All may be called
 * from any thread. Those that can refuse return a negative errno and fill err; who calls puts it into world_failures.
 */
#ifndef VASTFS_WORLD_WORLD_H
#define VASTFS_WORLD_WORLD_H

#include "base/buf.h"
#include "jobs/failures.h"
#include "world/snapshot.h"

#include <sys/types.h>

struct world;

struct world_config {
	const char *config_dir; /* holds default.env */
	const char *state_dir;	/* the journal of operations */
	const char *cache_dir;	/* large results, in files without names */
};

/* Reads the settings and starts the threads; works without network. After fork(). */
int world_start(const struct world_config *config, struct world **ret, struct error *err);
/* Ends the threads. An operation in flight goes on in AWS and is taken up by the next mount. */
void world_stop(struct world *w);

/* Called after each change of the snapshot or of a job, on any thread; must be quick and not call back. */
void world_set_listener(struct world *w, void (*changed)(void *arg), void *arg);

struct snapshot *world_snapshot(struct world *w); /* the newest, with a reference for the caller */
uint64_t world_generation(struct world *w);	  /* of the newest: one atomic load */

/* Somebody reads about tasks: for the next 3 s a server that ends or starts shows within 1 s. Cheap. */
void world_attend_tasks(struct world *w);

struct failures *world_failures(struct world *w);
struct stream *world_events(struct world *w);  /* events.log; no new reference */
struct stream *world_api_log(struct world *w); /* api.log */

struct world_credentials {
	bool known;	    /* there are keys, or have been */
	char source[256];   /* where they come from: "sso profile work" */
	int64_t expires_ms; /* wall clock, 0: never */
	struct error error; /* why they do not work; errnum 0: nothing is known against them */
};

/* Any thread: what is known of the credentials in use, from memory. */
void world_credentials(struct world *w, struct world_credentials *ret);
/* The name of the profile that they are looked for in, NULL if none is named. Lives as long as s and the environment.
 */
const char *world_profile(const struct snapshot *s);

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
	void (*act)(struct world *w);			     /* acts at once, without a job; or NULL */
	/* An operation that runs beside the others, on the engine thread; must end the job, of which it takes a
	 * reference. */
	void (*beside)(struct world *w, struct job *j);
};

extern const struct verb world_verbs[];
extern const size_t world_verbs_n;

/* Whether verb (with argument, "" for none) would be accepted now: 0, -EBUSY, -EEXIST, -ENXIO, -ENOKEY, -EINVAL. */
int world_verb_check(struct world *w, const struct verb *verb, const char *argument, struct error *err);
/* Checks and acts. *ret gets a reference to the operation's job, NULL for a verb that acts at once. */
int world_verb_run(struct world *w, const struct verb *verb, const char *argument, struct requester who,
		   struct job **ret, struct error *err);

/*
 * Commands, in Lambda (task NULL) or in a task's container by ECS Exec. The limit on one is WORLD_QUERY_MAX; NUL is
 * refused with -EINVAL at world_query_text.
 */
#define WORLD_QUERY_MAX (100 * 1024)
int world_query_check(struct world *w, const char *task, struct error *err); /* as at open: -ENXIO, -ENOKEY, -EPERM */
int world_query_text(const void *text, size_t len, struct error *err);
/*
 * Makes the job, visible as queued when this returns. complete false: the writer was cut short; the job is made and
 * fails with "incomplete, not run". A failure that comes too late for an errno (at RELEASE) is in the job.
 */
int world_query(struct world *w, const char *task, struct buf *command, bool complete, struct requester who,
		struct job **ret, struct error *err);

/*
 * Whether a task's port answers, asked from Lambda, which is where queries come from: AWS itself knows only that the
 * process lives. The job's result is one line in words. -ENXIO: nothing is deployed, or the task does not run.
 */
int world_task_check(struct world *w, const char *id, struct requester who, struct job **ret, struct error *err);

/* Wishes the end of a job. Ended ones are left alone. */
void world_cancel_job(struct world *w, struct job *j);

/*
 * A command in Lambda or a container is removed from its history, with all that it printed. -EBUSY with words while it
 * is in flight; world_history_check asks only. -ENOENT: somebody was faster. Open files go on reading it.
 */
int world_history_check(struct job *j, struct error *err);
int world_history_remove(struct world *w, struct job *j, struct requester who, struct error *err);

/*
 * Shells for `vastfs shell` (shell/protocol.h), of the user that this process runs as. device: st_dev of the mount.
 * -EADDRINUSE and the like.
 */
int world_shells_listen(struct world *w, dev_t device);

/* tasks/ */
int world_task_stop(struct world *w, const char *id, struct requester who, struct error *err);
int world_task_choose(struct world *w, const char *id, struct error *err); /* NULL or "": automatic again; -ENOENT */

/*
 * config/default.env. world_settings_save checks the whole text, writes it (fsync, rename) off the calling thread and
 * puts it in force; done is called once, on another thread, with 0 or a negative errno and words. A text that does not
 * parse is refused at once (-EINVAL, done is not called). Takes the buffer's content on success.
 */
int world_settings_save(struct world *w, struct buf *text, void (*done)(int result, const struct error *err, void *arg),
			void *arg, struct error *err);

/*
 * Following logs that live in CloudWatch. Opening gives the stream (a reference) and has it fetched while open and
 * 30 s longer; fetched is called once, on another thread, when the first page is there or cannot be had (at once if it
 * is fresh): *ret is set when this returns. kind tells the log; key is the task id or the query's number as text.
 * -ENOENT: no such log.
 */
enum world_log { WORLD_LOG_TASK, WORLD_LOG_SERVER, WORLD_LOG_QUERY };
struct stream *world_log_stream(struct world *w, enum world_log kind,
				const char *key); /* what is known, with a
										       reference; NULL: nothing */
int world_log_open(struct world *w, enum world_log kind, const char *key, void (*fetched)(void *arg), void *arg,
		   struct stream **ret, struct error *err);
void world_log_close(struct world *w, enum world_log kind, const char *key);
/*
 * A part of a log that is no longer kept (before stream_start), fetched again. done is called once, on another thread:
 * text, which it takes, begins at offset at and has the wanted offset in it; NULL with words if it cannot be had.
 */
int world_log_fetch(struct world *w, enum world_log kind, const char *key, uint64_t offset,
		    void (*done)(struct blob *text, uint64_t at, const struct error *err, void *arg), void *arg);

/* Text of stack/plan: what deploy would change. Rendered from memory. */
int world_plan_render(const struct snapshot *s, struct buf *out);
const char *world_template_json(size_t *ret_len); /* stack/template.json */

#endif
