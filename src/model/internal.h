/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - the struct model and the functions that the files of src/model share. Other rooms include model.h.
 *
 * Unless a comment names a thread, any thread may call a function. The functions whose names end in new, open, start,
 * stop, close and free are exceptions: model_start() and model_stop() call them.
 */
#ifndef VASTFS_MODEL_INTERNAL_H
#define VASTFS_MODEL_INTERNAL_H

#include "aws/aws.h"
#include "jobs/journal.h"
#include "model/model.h"
#include "session/remote.h"

#include <pthread.h>

#define OPERATIONS_KEPT 100 /* most operations in the history */
#define CHECKS_KEPT	100 /* most checks of tasks in their history */

#define CHECK_CANNOT_TELL 126 /* exit status of the probe */

struct watch;
struct attend;
struct discover;
struct runner;
struct queries;
struct execs;
struct shells;
struct followers;
struct deployed;
struct imports;
struct settings_disk;

#define MODEL_INSTALLATION_SIZE 17 /* 16 hexadecimal digits and a NUL */

struct model {
	struct engine *engine;
	struct failures *failures;
	struct stream *events, *api_log;
	struct journal *journal;
	char *config_dir, *cache_dir;
	char installation[MODEL_INSTALLATION_SIZE]; /* see operation.h */
	char *mount_settings;			    /* lines that override those of default.env; "": none */
	bool read_only;
	struct settings_disk *disk; /* settings_disk.c: default.env on disk; guarded by save_lock */

	pthread_mutex_t lock;	   /* guards the pointers of this block; held only for copying them */
	struct snapshot *snapshot; /* the newest snapshot */
	struct aws *aws;	   /* the client for the settings in force; NULL without settings */
	struct error client_error; /* why aws is NULL although settings are in force; errnum 0: aws is set */
	uint64_t next_number[JOB_KIND_MAX];
	void (*changed)(void *arg);
	void *changed_arg;
	uint64_t shown;		    /* the generation of the last call of model_shown() */
	pthread_cond_t shown_again; /* signalled when shown or the listener changes */
	pthread_mutex_t
		save_lock; /* one writer of default.env at a time, so that the file and the settings in force agree */
	unsigned saving;   /* number of threads that write the settings */
	pthread_cond_t saved; /* signalled when saving decreases */
	_Atomic uint64_t generation;
	_Atomic bool stopping; /* the engine is ending or has ended */

	_Atomic int64_t used_ms;  /* monotonic: the last use of the tree, see schedule.h */
	_Atomic int64_t slept_ms; /* clock_slept_ms() at the last use */
	_Atomic int holds;	  /* open logs and pending polls */
	struct tally *calls;	  /* counts the requests to AWS */

	bool giving_up;		     /* crash_loop.c: the restarts of a server are being stopped; engine thread */
	struct login *login;	     /* login.c: the login that waits for its confirmation; engine thread */
	struct aws *identifying;     /* identity.c: the client that is asking AWS for its identity; engine thread */
	struct discover *discover;   /* discover.c: reads the VPCs; engine thread */
	struct attend *attend;	     /* attend.c: polls more often while tasks/ is read; engine thread */
	struct watch *watch;	     /* watch.c: reads AWS; engine thread */
	struct runner *runner;	     /* runner.c: the operation thread */
	struct queries *queries;     /* query.c: Lambda; engine thread */
	struct execs *execs;	     /* exec.c: in containers; engine thread */
	struct shells *shells;	     /* shell.c: for vastfs shell; engine thread */
	struct followers *followers; /* follow.c: logs; engine thread */
	struct imports *imports;     /* import.c: events on their way to the server */
	struct deployed *deployed;   /* deployed.c: which stacks are deployed, and where */
};

/* snapshot.c */
struct snapshot *snapshot_first(void);
struct snapshot *snapshot_copy(const struct snapshot *old);

/*
 * Publishes a changed copy of the newest snapshot. edit changes the copy; it is called under the lock and must return
 * quickly. After -ENOMEM or the errno of edit, nothing was published.
 */
int model_publish(struct model *m, int (*edit)(struct snapshot *s, void *arg), void *arg);
void model_tell(struct model *m); /* notifies the listener */
/* Waits until the listener has shown the newest snapshot, at most 1 s. Does not wait if there is no listener. */
void model_wait_until_shown(struct model *m);

/* Returns 0 if the settings in force have a client, else a negative errno and the reason. */
int model_client_error(struct model *m, struct error *err);
/* Returns a new reference to the client in force, or NULL without settings. */
struct aws *model_aws(struct model *m);

/* Appends a line to events.log. */
void model_event(struct model *m, const char *format, ...) _printf_(2, 3);

/* Returns a number that was never used before. The journal entry of an operation records it. */
uint64_t model_take_number(struct model *m, enum job_kind kind);
/* Makes a job and publishes it. number 0: the next number of its kind, recorded in the journal. NULL: out of memory. */
struct job *model_job_new(struct model *m, enum job_kind kind, uint64_t number, const char *name, const char *argument,
			  struct blob *query, struct requester who);

/*
 * Removes the oldest commands beyond history_keep and the oldest results beyond history_limit. Called when a command
 * has ended or the settings have changed.
 */
void model_trim_history(struct model *m);

/* End the job with err. The line in /error appears before a process can read that the job has ended. */
void model_job_fail(struct model *m, struct job *j, const struct error *err);
void model_job_unknown(struct model *m, struct job *j, const struct error *err); /* see JOB_UNKNOWN */

/* Adds the line in /error and the event for a job that will end as failed. */
void model_job_tell_failure(struct model *m, struct job *j, const struct error *err);
/* Records that a number is in use. */
void model_number_is_taken(struct model *m, enum job_kind kind, uint64_t number);

/* settings_file.c */
/* Adds the default region, which it reads from ~/.aws. */
int settings_file_add_region(struct settings *settings);
/* Makes a new client for the settings and puts both in force. */
void settings_apply(struct model *m, struct settings *settings, struct blob *text);
/* Shows a text that is not in force, and the reason. */
void settings_show_fault(struct model *m, struct blob *text, struct blob *fault);

/* settings_disk.c */
int settings_disk_open(struct model *m, const char *state_dir); /* reads nothing yet */
/*
 * Reads the file, puts its settings in force and watches it. After an error, which is about the file, the model works.
 */
int settings_disk_start(struct model *m, struct error *err);
void settings_disk_close(struct model *m); /* call this after the engine has ended */
/* Replaces the file. -EBUSY: the file has changed since it was read. The caller holds save_lock. */
int settings_disk_write(struct model *m, const struct blob *text, struct error *err);
/* Parses the text followed by the lines of the mount options. Line numbers in messages refer to the text. */
int settings_disk_parse(const struct model *m, const char *text, size_t len, struct settings **ret, struct error *err);

/* report.c: events and failures that a poll has found; engine thread */
void report_changes(struct model *m, const struct snapshot *old, const struct snapshot *new);

/* attend.c */
int attend_new(struct model *m, struct attend **ret);
void attend_free(struct attend *a);

/* watch.c */
int watch_new(struct model *m, struct watch **ret);
void watch_free(struct watch *watch);
/*
 * Starts a round that reads everything again. done, which may be NULL, is called on the engine thread when the snapshot
 * is published, the round has failed or the model ends.
 */
void watch_now(struct model *m, void (*done)(void *arg), void *arg);

/* discover.c */
int discover_new(struct model *m, struct discover **ret);
void discover_free(struct discover *d);
/* Reads the VPCs of the region if they are not known. forced: reads them in any case. */
void discover_refresh(struct model *m, bool forced);
void discover_at_start(struct model *m); /* the environment may name a region; settings have asked by themselves */
/* Reads them again if the last attempt failed. Call it when the keys or the network have changed. */
void discover_retry(struct model *m);

/* login.c: the functions of the verbs login and logout (verb.beside) */
struct login;
void login_begin(struct model *m, struct job *j);
void logout_begin(struct model *m, struct job *j);
/* Call it when the engine has ended. */
void login_free(struct login *l);

/*
 * crash_loop.c: stops the restarts of a server that ends repeatedly. tasks are the records of DescribeTasks. Engine
 * thread.
 */
void crash_loop_judge(struct model *m, const struct snapshot *s, const cJSON *tasks);

/* external.c: shows an operation that somebody else started; engine thread */
#define OPERATION_EXTERNAL "external"
void external_follow(struct model *m, const struct snapshot *s);

/* runner.c */
int runner_new(struct model *m, struct runner **ret);
void runner_free(struct runner *o);
/* accept.c */
/*
 * Accepts an operation. When it returns 0, the operation is in the journal and its job is visible as queued. Otherwise
 * it returns a negative errno with a message.
 */
int operation_accept(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		     struct job **ret, struct error *err);
/* Shows the ended operations of the journal, and resumes the other operations of this account, region and stack. */
void operations_resume(struct model *m);

/* resume.c, pure: decides what happens to an operation that had not ended when its vastfs ended */
enum resume { RESUME_NOW, RESUME_ELSEWHERE, RESUME_NEVER };
struct resume_facts {
	bool verb_known;
	struct settings *in_force;     /* NULL: no settings are in force */
	const struct error *no_client; /* why the settings in force have no client; NULL: they have one */
	const char *accepted;	       /* settings with which the operation was accepted; NULL: not recorded */
	struct place here;
	bool read_only;		 /* this mount is read-only */
	const char *credentials; /* hash of the access key ID in use */
};
/* RESUME_NOW: *ret_settings is a new reference. Otherwise err has the reason and a remedy. */
enum resume resume_decide(const struct journal_entry *e, const struct resume_facts *facts,
			  struct settings **ret_settings, struct error *err);
/* Call it when the account is known. 0, or -EINTR with a message: the operation belongs to another account. */
int resume_check_account(const struct journal_entry *e, const struct place *here, struct error *err);
/* Returns whether the entry has not ended and is obsolete, because a newer operation starts at the same place. */
bool resume_is_superseded(const struct journal_entry *e, const struct journal_entry *newer,
			  const struct settings *settings);

/* identity.c */
/* Finds the place where this mount acts, as far as s and the client (which may be NULL) know it. */
void identity_here(const struct snapshot *s, const struct aws *aws, struct place *ret);
/* Returns the configuration of a client for these settings, which own its strings. */
struct aws_config identity_config(const struct settings *settings);
/*
 * Asks AWS for the identity of the credentials in force, publishes the reply, then calls deployed_refresh(). Has no
 * effect while such a request of the same client is in flight.
 */
void identity_refresh(struct model *m);
/* A callback of struct aws_config. arg is the model. Engine thread. */
void identity_keys_changed(void *arg);
/* Publishes the account that AWS has reported to a request with these settings. */
void identity_set(struct model *m, const struct settings *settings, const char *account);

/* deployed.c: remembers which stacks of this configuration exist, to report those that the settings no longer name */
int deployed_new(struct model *m, struct deployed **ret);
void deployed_free(struct deployed *d);
/* Compares the known stacks with the settings in force, and publishes and reports differences. */
void deployed_refresh(struct model *m);
/* Takes the result of a round of watch.c. Engine thread. */
void deployed_follow(struct model *m, const struct snapshot *s);

/* query.c and exec.c: run a job (0 or -ENOMEM), or cancel it. Engine thread. */
int queries_new(struct model *m, struct queries **ret);
void queries_free(struct queries *q);
int queries_begin(struct queries *q, struct job *j);
void queries_cancel(struct queries *q, struct job *j);

int execs_new(struct model *m, struct execs **ret);
void execs_free(struct execs *x);
int execs_begin(struct execs *x, struct job *j);
void execs_cancel(struct execs *x, struct job *j);
/* shell.c */
int shells_new(struct model *m, struct shells **ret);
void shells_free(struct shells *all);
/* Ends all shells, in the containers too. Call it before the engine ends. */
void shells_end(struct shells *all);

/* Checks whether the task can run commands according to s. 0, or -ENXIO or -EPERM with a message. */
int exec_check(const struct snapshot *s, const char *task, struct error *err);
struct exec_form {
	enum command_kind kind;
	unsigned columns, rows;
};
/* Starts a program in the container of a task. AWS closes an idle interactive shell. NULL: out of memory. */
struct remote *exec_start(struct model *m, const struct snapshot *s, const struct task *t, const struct exec_form *form,
			  const struct remote_events *events, void *arg);

/*
 * A command that checks whether the port of the server accepts connections. It exits with CHECK_CANNOT_TELL if the
 * image has neither bash nor nc.
 */
extern const char command_probe[];

/* import.c */
/* note gets a message for the user about the spool, or stays empty. */
int imports_new(struct model *m, const char *state_dir, struct imports **ret, struct error *note);
/*
 * Makes jobs from the imports that an earlier mount left, and starts to deliver. Call it when the settings have been
 * read.
 */
int imports_start(struct imports *all, struct error *note);
/* Accepts the queued bytes of writers. Call it before the engine ends. */
void imports_stop(struct imports *all);
void imports_free(struct imports *all);
/* Tries at once to deliver what waits after a failure. Engine thread; all may be NULL. */
void imports_retry(struct imports *all);

/* Deletes the rejected batches of the import of a job. */
void model_import_forget(struct model *m, const struct job *j);

/* deliver.c, engine thread */
struct delivery;
int delivery_new(struct model *m, struct ingest *ingest, struct delivery **ret);
void delivery_free(struct delivery *d);
/* Checks soon whether a batch can be sent. */
void delivery_wake(struct delivery *d);
/* The same, without waiting for the end of a pause: its cause may have passed. */
void delivery_retry(struct delivery *d);

/* follow.c */
int followers_new(struct model *m, struct followers **ret);
void followers_free(struct followers *f);

/*
 * A position in a log, as the time of an event and the number of events of that time. CloudWatch's tokens name a
 * position too, but they expire. Then reading continues by time, and skips the events that were read before.
 */
struct log_place {
	int64_t time_ms; /* time of the last event that was read; 0: none was read */
	unsigned seen;	 /* number of events of that time that were read */
	unsigned skip;	 /* number of events that the next pages will repeat */
};

/*
 * A request for a part of a log: with this token, CloudWatch returns the text from offset `at` on. The follower owns
 * the strings.
 */
struct log_page {
	uint64_t at;
	char *stream, *token; /* token NULL: the first event of since_ms or later */
	int64_t since_ms;     /* sent with the token */
	struct log_place place;
};
/* Returns the last page that begins at or before offset, or NULL if the log is not followed. Engine thread. */
const struct log_page *follow_page(struct followers *all, enum model_log kind, const char *key, uint64_t offset);
/* Appends the events of a page, one line each, and moves the place to the end of the page. */
int follow_render(const cJSON *body, struct log_place *place, struct buf *out);
/* Returns how long to wait until a log is polled again that has not grown for quiet_ms. */
int64_t follow_pace(int64_t quiet_ms);
/* Returns whether the reply means that the token of the request has expired. */
bool follow_token_expired(const struct aws_reply *reply, const char *token);
/* Returns the startTime for a request that continues at the place without a token. */
int64_t follow_by_time(struct log_place *place);

/* plan.c: compares the settings in s with the deployed stack */
enum snapshot_match plan_match(const struct snapshot *s);

/* verbs.c */
bool verb_is_beside(const char *name); /* the operation of this name runs on the engine thread */
/*
 * These checks use only memory, and refuse only for a known reason: a snapshot that is more than 30 s old refuses
 * nothing. -EEXIST: vastfs did not create the stack.
 */
int own_stack_check(const struct snapshot *s, struct error *err);
/* -ENXIO: the stack is not deployed, because it lacks this output. Includes own_stack_check(). */
int deployed_stack_check(const struct snapshot *s, const char *output, struct error *err);
/* -ENOKEY: the credentials do not work. */
int credentials_check(struct model *m, struct error *err);

#endif
