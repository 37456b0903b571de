/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - what the files of src/model share; for this room only.
 */
#ifndef VASTFS_MODEL_INTERNAL_H
#define VASTFS_MODEL_INTERNAL_H

#include "aws/aws.h"
#include "jobs/journal.h"
#include "model/model.h"
#include "session/remote.h"

#include <pthread.h>

#define OPERATIONS_KEPT 100
#define CHECKS_KEPT	100 /* likewise */

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

struct model {
	struct engine *engine;
	struct failures *failures;
	struct stream *events, *api_log;
	struct journal *journal;
	char *config_dir, *cache_dir;
	char *mount_settings; /* lines that are stronger than those of default.env; "" */
	bool read_only;
	struct settings_disk *disk; /* settings_disk.c: default.env on disk; guarded by save_lock */

	pthread_mutex_t lock;	   /* guards the pointers of this block; held only for copying them */
	struct snapshot *snapshot; /* the newest */
	struct aws *aws;	   /* the client for the settings in force; NULL without settings */
	struct error client_error; /* why aws is NULL though there are settings; errnum 0: no reason */
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

	bool giving_up;		     /* crash_loop.c: a server is being given up; engine thread */
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
 * Publishes a changed copy of the newest snapshot: edit changes the copy, under the lock, and must be short. Any
 * thread. -ENOMEM, or edit's errno: nothing was published.
 */
int model_publish(struct model *m, int (*edit)(struct snapshot *s, void *arg), void *arg);
void model_tell(struct model *m); /* calls the listener */
/* Waits until the listener has shown the newest snapshot, at most 1 s. Without a listener, there is nothing to wait
 * for. */
void model_wait_until_shown(struct model *m);

/* Why there is no client for the settings in force: a negative errno and a message, or 0. Any thread. */
int model_client_error(struct model *m, struct error *err);
/* A reference to the client in force, NULL without settings. */
struct aws *model_aws(struct model *m);

/* One line of events.log. */
void model_event(struct model *m, const char *format, ...) _printf_(2, 3);

/* A number that was never used before; the journal entry of an operation records it. */
uint64_t model_take_number(struct model *m, enum job_kind kind);
/* Makes a job and publishes it. number 0: the next of its kind, noted in the journal. NULL without memory. */
struct job *model_job_new(struct model *m, enum job_kind kind, uint64_t number, const char *name, const char *argument,
			  struct blob *query, struct requester who);

/* After a command has ended or the settings have changed: forgets what history_keep and history_limit do not allow. */
void model_trim_history(struct model *m);

/* End the job with err, which has its line in /error before anybody can read that the job has ended. */
void model_job_fail(struct model *m, struct job *j, const struct error *err);
void model_job_unknown(struct model *m, struct job *j, const struct error *err); /* see JOB_UNKNOWN */

/* The line in /error and the event of a job that is about to end as failed. */
void model_job_tell_failure(struct model *m, struct job *j, const struct error *err);
/* A number that was found in use. */
void model_number_is_taken(struct model *m, enum job_kind kind, uint64_t number);

/* settings_file.c */
/* Reads ~/.aws for the region that is the default. */
int settings_file_add_region(struct settings *settings);
/* Makes a new client for the settings and puts both in force. */
void settings_apply(struct model *m, struct settings *settings, struct blob *text);
/* Shows a text that is not in force, and why. */
void settings_show_fault(struct model *m, struct blob *text, struct blob *fault);

/* settings_disk.c */
int settings_disk_open(struct model *m, const char *state_dir); /* reads nothing yet */
/* Reads the file, puts it in force and watches it. An error is about the file, and leaves the model usable. */
int settings_disk_start(struct model *m, struct error *err);
void settings_disk_close(struct model *m); /* after the engine has ended */
/* Under save_lock: replaces the file. -EBUSY if it has changed since it was read. */
int settings_disk_write(struct model *m, const struct blob *text, struct error *err);
/* Parses the text with the mount's own lines behind it. Messages refer to the text alone. */
int settings_disk_parse(const struct model *m, const char *text, size_t len, struct settings **ret, struct error *err);

/* watch.c */
/* attend.c */
int attend_new(struct model *m, struct attend **ret);
void attend_free(struct attend *a);

int watch_new(struct model *m, struct watch **ret);
void watch_free(struct watch *watch);
/* Any thread: starts a round that reads everything again. done (may be NULL) is called on the engine thread after the
 * snapshot is published or the round has failed; it is also called when the model ends. */
void watch_now(struct model *m, void (*done)(void *arg), void *arg);

/* discover.c */
int discover_new(struct model *m, struct discover **ret);
void discover_free(struct discover *d);
/* Any thread: reads the VPCs of the region unless they are known; forced: in any case. */
void discover_refresh(struct model *m, bool forced);
/* Any thread: the same if the last attempt failed, because keys or the network have changed. */
void discover_retry(struct model *m);

/* login.c: signing in and out, for struct verb */
struct login;
void login_begin(struct model *m, struct job *j);
void logout_begin(struct model *m, struct job *j);
/* To be called when the engine has ended. */
void login_free(struct login *l);

/* crash_loop.c: gives up a server that ends repeatedly; tasks: DescribeTasks' records; engine thread */
void crash_loop_judge(struct model *m, const struct snapshot *s, const cJSON *tasks);

/* external.c: shows an operation that somebody else started; engine thread */
#define OPERATION_EXTERNAL "external"
void external_follow(struct model *m, const struct snapshot *s);

/* runner.c */
int runner_new(struct model *m, struct runner **ret);
void runner_free(struct runner *o);
/* accept.c */
/*
 * Accepts an operation: it is in the journal when this returns 0, and its job is visible as queued. Otherwise a
 * negative errno with a message.
 */
int operation_accept(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		     struct job **ret, struct error *err);
/* Shows the ended operations of the journal and resumes the others if their place is this one. */
void operations_resume(struct model *m);

/* resume.c, pure: what happens to an operation that had not ended when its vastfs did */
enum resume { RESUME_NOW, RESUME_ELSEWHERE, RESUME_NEVER };
struct resume_facts {
	bool verb_known;
	struct settings *in_force;     /* NULL: there are none */
	const struct error *no_client; /* why there is no client for them; NULL: there is one */
	const char *accepted;	       /* text of the settings it was accepted with, NULL: the entry has none */
	struct place here;
	bool read_only;		 /* this mount looks and never acts */
	const char *credentials; /* hash of the access key ID in use */
};
/* RESUME_NOW: *ret_settings is set, with a reference. Otherwise err says why not, and what to do. */
enum resume resume_decide(const struct journal_entry *e, const struct resume_facts *facts,
			  struct settings **ret_settings, struct error *err);
/* Called when the account is known: 0, or -EINTR with a message that the operation belongs to another account. */
int resume_check_account(const struct journal_entry *e, const struct place *here, struct error *err);
/* Whether the entry has not ended and is obsolete because a newer operation starts at the same place. */
bool resume_is_superseded(const struct journal_entry *e, const struct journal_entry *newer,
			  const struct settings *settings);

/* identity.c: where this mount acts, as far as it is known from s and the client (NULL: none) */
void identity_here(const struct snapshot *s, const struct aws *aws, struct place *ret);
/* The configuration of a client with these settings; its strings belong to them. */
struct aws_config identity_config(const struct settings *settings);
/*
 * Any thread: asks AWS whose credentials are in force, publishes the answer, then calls deployed_refresh. Does nothing
 * if the same client is being asked already.
 */
void identity_refresh(struct model *m);
/* Engine thread, for struct aws_config: arg is the model. */
void identity_keys_changed(void *arg);
/* Publishes the account that AWS has reported to a request with these settings. */
void identity_set(struct model *m, const struct settings *settings, const char *account);

/* deployed.c: remembers which stacks of this configuration exist, to report those that the settings no longer name */
int deployed_new(struct model *m, struct deployed **ret);
void deployed_free(struct deployed *d);
/* Any thread: compares the known stacks with the settings in force and publishes and reports differences. */
void deployed_refresh(struct model *m);
/* Engine thread: takes the result of a round of watch.c. */
void deployed_follow(struct model *m, const struct snapshot *s);

/* query.c and exec.c, engine thread: run a job (-ENOMEM), or cancel it. */
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
/* Any thread: ends all shells, also in the containers, before the engine ends. */
void shells_end(struct shells *all);

/* Whether commands can be run in that task according to s; -ENXIO or -EPERM with a message. */
int exec_check(const struct snapshot *s, const char *task, struct error *err);
struct exec_form {
	enum command_kind kind;
	unsigned columns, rows;
};
/* Starts a program in that task's container. AWS closes an idle interactive shell. NULL without memory. */
struct remote *exec_start(struct model *m, const struct snapshot *s, const struct task *t, const struct exec_form *form,
			  const struct remote_events *events, void *arg);

/* The text of a command that asks whether the server's port accepts connections; exits with CHECK_CANNOT_TELL if the
 * image lacks the means. */
extern const char command_probe[];

/* import.c */
/* note: what a person should know about the spool. */
int imports_new(struct model *m, const char *state_dir, struct imports **ret, struct error *note);
/* Makes jobs of what an earlier mount left, and begins to deliver. The settings have been read. */
int imports_start(struct imports *all, struct error *note);
/* Before the engine ends: takes in what was written. */
void imports_stop(struct imports *all);
void imports_free(struct imports *all);

/* Deletes what the import of that job keeps. */
void model_import_forget(struct model *m, const struct job *j);

/* deliver.c, engine thread */
struct delivery;
int delivery_new(struct model *m, struct ingest *ingest, struct delivery **ret);
void delivery_free(struct delivery *d);
/* Any thread: something may have to be sent. */
void delivery_wake(struct delivery *d);

/* follow.c */
int followers_new(struct model *m, struct followers **ret);
void followers_free(struct followers *f);

/*
 * The position in a log, in its events. CloudWatch's tokens express the same but expire; reading then continues by
 * time, and the events of the same millisecond that were read before are skipped.
 */
struct log_place {
	int64_t time_ms; /* of the last event that was read; 0: none */
	unsigned seen;	 /* number of events of that time that were read */
	unsigned skip;	 /* number of them that will come again */
};

/* Where to request a part of a log: text from offset `at` on comes with this token. Strings belong to the follower. */
struct log_page {
	uint64_t at;
	char *stream, *token; /* token NULL: the first event of since_ms or later */
	int64_t since_ms;     /* sent with the token */
	struct log_place place;
};
/* Engine thread: the last page that begins at or before offset. NULL: that log is not followed. */
const struct log_page *follow_page(struct followers *all, enum model_log kind, const char *key, uint64_t offset);
/* Appends a page's events, one line each, and moves the place behind them. */
int follow_render(const cJSON *body, struct log_place *place, struct buf *out);
/* Whether the reply means that the token that was sent has expired. */
bool follow_token_expired(const struct aws_reply *reply, const char *token);
/* The startTime for continuing at the place without a token. */
int64_t follow_by_time(struct log_place *place);

/* plan.c: compares the settings and the stack of s. */
enum snapshot_match plan_match(const struct snapshot *s);

/* verbs.c */
bool verb_is_beside(const char *name); /* whether an operation of this name runs beside the others */
/* -EEXIST if the stack is known to be foreign. Knowledge that is more than 30 s old refuses nothing.
 */
int own_stack_check(const struct snapshot *s, struct error *err);
/* -ENXIO if the stack is known not to be deployed: it lacks this output. Also refuses what own_stack_check refuses. */
int deployed_stack_check(const struct snapshot *s, const char *output, struct error *err);
/* -ENOKEY if the credentials are known not to work; asks nobody. */
int credentials_check(struct model *m, struct error *err);

#endif
