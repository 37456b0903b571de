/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * internal.h - the inside of the model, for the files of this room only.
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
struct runner;
struct queries;
struct execs;
struct shells;
struct followers;
struct deployed;

struct model {
	struct engine *engine;
	struct failures *failures;
	struct stream *events, *api_log;
	struct journal *journal;
	char *config_dir, *cache_dir;

	pthread_mutex_t lock;	   /* guards the pointers of this block; held for a copy at most */
	struct snapshot *snapshot; /* the newest */
	struct aws *aws;	   /* the client for the settings in force; NULL without settings */
	uint64_t next_number[JOB_KIND_MAX];
	void (*changed)(void *arg);
	void *changed_arg;
	pthread_mutex_t save_lock; /* one writer of default.env at a time: what is on disk is what is in force */
	unsigned saving;	   /* threads that write the settings */
	pthread_cond_t saved;	   /* saving went down */
	_Atomic uint64_t generation;
	_Atomic bool stopping; /* the engine is ending or gone */

	bool giving_up;		     /* crash_loop.c: a server is being given up; engine thread */
	struct login *login;	     /* login.c: the one that waits for its confirmation; engine thread */
	struct aws *identifying;     /* identity.c: the client that is being asked for its identity; engine thread */
	struct attend *attend;	     /* attend.c: looks more often while somebody reads; engine thread */
	struct watch *watch;	     /* watch.c: reads AWS; engine thread */
	struct runner *runner;	     /* runner.c: the operation thread */
	struct queries *queries;     /* query.c: Lambda; engine thread */
	struct execs *execs;	     /* exec.c: in containers; engine thread */
	struct shells *shells;	     /* shell.c: for vastfs shell; engine thread */
	struct followers *followers; /* follow.c: logs; engine thread */
	struct deployed *deployed;   /* deployed.c: what is deployed, and where */
};

/* snapshot.c */
struct snapshot *snapshot_first(void);
struct snapshot *snapshot_copy(const struct snapshot *old);

/*
 * Publishes a changed copy of the newest snapshot: edit works on the copy, under the lock, and must be short. Any
 * thread. -ENOMEM: nothing was published.
 */
int model_publish(struct model *m, int (*edit)(struct snapshot *s, void *arg), void *arg);
void model_tell(struct model *m); /* calls the listener */

/* A reference to the client in force, NULL without settings. */
struct aws *model_aws(struct model *m);

/* One line of events.log. */
void model_event(struct model *m, const char *format, ...) _printf_(2, 3);

/* A number that was never given out before; of an operation, its journal entry keeps it. */
uint64_t model_take_number(struct model *m, enum job_kind kind);
/* Makes a job and publishes it. number 0: the next of its kind, noted in the journal. NULL without memory. */
struct job *model_job_new(struct model *m, enum job_kind kind, uint64_t number, const char *name, const char *argument,
			  struct blob *query, struct requester who);

/* After a command has ended or the settings have changed: forgets what history_keep and history_limit do not allow. */
void model_trim_history(struct model *m);

/* End the job with err, which has its line in /error before anybody can read that the job has ended. */
void model_job_fail(struct model *m, struct job *j, const struct error *err);
void model_job_unknown(struct model *m, struct job *j, const struct error *err); /* see JOB_UNKNOWN */

/* settings_file.c */
int settings_file_load(struct model *m, struct error *err);
/* Makes the client for the settings in force anew. */
void settings_apply(struct model *m, struct settings *settings, struct blob *text);

/* watch.c */
/* attend.c */
int attend_new(struct model *m, struct attend **ret);
void attend_free(struct attend *a);

int watch_new(struct model *m, struct watch **ret);
void watch_free(struct watch *watch);
/* Any thread: reads everything anew, soon. done (may be NULL) is called on the engine thread after the snapshot is
 * published or the attempt failed; it is also called when the model ends. */
void watch_now(struct model *m, void (*done)(void *arg), void *arg);

/* login.c: signing in and out, for struct verb */
struct login;
void login_begin(struct model *m, struct job *j);
void logout_begin(struct model *m, struct job *j);
/* When the engine has ended. */
void login_free(struct login *l);

/* crash_loop.c: gives a server up that ends again and again; tasks: DescribeTasks' records; engine thread */
void crash_loop_judge(struct model *m, const struct snapshot *s, const cJSON *tasks);

/* external.c: the name of an operation that somebody else began, and what is seen of it; engine thread */
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
/* What the journal says: ended operations are shown, others taken up again where that is right. */
void operations_resume(struct model *m);

/* resume.c, pure: what is to become of an operation that had not ended when its vastfs did */
enum resume { RESUME_NOW, RESUME_ELSEWHERE, RESUME_NEVER };
struct resume_facts {
	bool verb_known;
	struct settings *in_force; /* NULL: there are none */
	const char *accepted;	   /* text of the settings it was accepted with, NULL: the entry has none */
	struct place here;
	const char *credentials; /* hash of the access key ID at hand */
};
/* RESUME_NOW: *ret_settings is set, with a reference. Otherwise err says why not, and what to do. */
enum resume resume_decide(const struct journal_entry *e, const struct resume_facts *facts,
			  struct settings **ret_settings, struct error *err);
/* The account is known now: 0, or -EINTR with a message that the operation belongs to another one. */
int resume_check_account(const struct journal_entry *e, const struct place *here, struct error *err);
/* Whether the entry was never ended and is done with, now that a newer operation begins at that place. */
bool resume_is_superseded(const struct journal_entry *e, const struct journal_entry *newer,
			  const struct settings *settings);

/* identity.c: where this mount acts, as far as it is known from s and the client (NULL: none) */
void identity_here(const struct snapshot *s, const struct aws *aws, struct place *ret);
/* The credentials that would be used now. */
struct aws_config identity_config(const struct settings *settings);
/*
 * Any thread: asks AWS whose credentials are in force, publishes it, then calls deployed_refresh. A question that is on
 * its way already will do.
 */
void identity_refresh(struct model *m);
/* Engine thread, for struct aws_config: arg is the model. */
void identity_keys_changed(void *arg);
/* AWS has named the account, to a question that was asked with these settings. */
void identity_set(struct model *m, const struct settings *settings, const char *account);

/* deployed.c: which stacks of this configuration exist, for those that the settings in force no longer name */
int deployed_new(struct model *m, struct deployed **ret);
void deployed_free(struct deployed *d);
/* Any thread: compares what is known to be deployed with the settings in force; publishes and reports what is new. */
void deployed_refresh(struct model *m);
/* Engine thread: what a round of watch.c has seen. */
void deployed_follow(struct model *m, const struct snapshot *s);

/* query.c and exec.c, engine thread: a job that has been made is to be run, -ENOMEM, or to be ended early. */
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
/* Any thread: ends all of them, in the containers too, before the engine ends. */
void shells_end(struct shells *all);

/* Whether commands can be run in that task as far as s knows; -ENXIO, -EPERM with words. */
int exec_check(const struct snapshot *s, const char *task, struct error *err);
struct exec_form {
	enum command_kind kind;
	unsigned columns, rows;
};
/* A program in that task's container. A forgotten interactive shell is closed as AWS does it. NULL without memory. */
struct remote *exec_start(struct model *m, const struct snapshot *s, const struct task *t, const struct exec_form *form,
			  const struct remote_events *events, void *arg);

/* follow.c */
int followers_new(struct model *m, struct followers **ret);
void followers_free(struct followers *f);

/*
 * How far a log has been read, in its events. CloudWatch's tokens say the same, but expire; then reading goes on by
 * time, and the events of that very millisecond that have been read already are skipped.
 */
struct log_place {
	int64_t time_ms; /* of the last event read; 0: none was */
	unsigned seen;	 /* events of that time that were read */
	unsigned skip;	 /* of those, how many are still to come once more */
};

/* Where a part of a log is to be asked for: text of at and later comes with this token. Strings are the follower's. */
struct log_page {
	uint64_t at;
	char *stream, *token; /* token NULL: the first event of since_ms or later */
	int64_t since_ms;     /* goes together with the token */
	struct log_place place;
};
/* Engine thread: the last page that begins at or before offset. NULL: that log is not followed. */
const struct log_page *follow_page(struct followers *all, enum model_log kind, const char *key, uint64_t offset);
/* Appends a page's events as they stand in a log, each a line, and moves the place behind them. */
int follow_render(const cJSON *body, struct log_place *place, struct buf *out);
/* True if the reply means that the token which was sent has expired. */
bool follow_token_expired(const struct aws_reply *reply, const char *token);
/* The startTime with which to go on at the place without a token. */
int64_t follow_by_time(struct log_place *place);

/* plan.c: compares settings and stack, both of s. */
enum snapshot_match plan_match(const struct snapshot *s);

/* verbs.c */
bool verb_is_beside(const char *name); /* whether such an operation runs beside the others */
/* -EEXIST if the stack of that name is known to be somebody else's. What was read more than 30 s ago refuses nothing.
 */
int own_stack_check(const struct snapshot *s, struct error *err);
/* -ENOKEY if the credentials are known not to work; from memory. */
int credentials_check(struct model *m, struct error *err);

#endif
