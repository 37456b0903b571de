/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs.c - the table of the verbs of control/ and stack/, and their admission check. Any thread.
 *
 * A verb is refused only for known reasons. If the last reply of AWS is more than 30 s old, or there was none, the
 * operation is accepted and makes the check itself.
 */
#include "model/internal.h"
#include "stack/changeset.h"
#include "stack/operation.h"
#include "stack/ownership.h"

#include <string.h>

/* -- conditions ------------------------------------------------------------------------------------------------ */

static int verb_need_settings(const struct snapshot *s, struct error *err)
{
	if (s->settings)
		return 0;
	error_set(err, -EINVAL, "there are no settings");
	error_remedy(
		err,
		"run: cp discover/suggested.env config/default.env, or write aws_region, vpc_id and subnet_cidr to it");
	return err->errnum;
}

int own_stack_check(const struct snapshot *s, struct error *err)
{
	if (!s->settings || !snapshot_is_current(s) || !s->stack->foreign)
		return 0;
	return stack_refuse_foreign(s->stack->name, settings_get(s->settings, SETTING_STAGE), err);
}

int deployed_stack_check(const struct snapshot *s, const char *output, struct error *err)
{
	if (own_stack_check(s, err) < 0)
		return err->errnum;
	if (s->settings && (!snapshot_is_current(s) || stack_view_output(s->stack, output)))
		return 0;
	error_set(err, -ENXIO, "the stack is not deployed%s%s", s->stack->status ? ": it is " : "",
		  s->stack->status ? s->stack->status : "");
	error_remedy(err, s->settings ? "touch control/deploy" : "write config/default.env, then touch control/deploy");
	return err->errnum;
}

static int verb_need_deployed(const struct snapshot *s, struct error *err)
{
	return deployed_stack_check(s, "ClusterName", err);
}

static int verb_need_idle_stack(const struct snapshot *s, struct error *err)
{
	int r = own_stack_check(s, err);

	if (r < 0 || !snapshot_is_current(s) || stack_state(s->stack->status)->kind != STACK_BUSY ||
	    snapshot_lost_its_operation(s))
		return r;
	error_set(err, -EBUSY, "somebody else is changing the stack, which is %s", s->stack->status);
	error_remedy(err, "run: cat operations/latest/result, which waits until the change has ended");
	return err->errnum;
}

static int verb_check_deploy(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	int r = verb_need_settings(s, err);

	if (r == 0)
		r = settings_check_complete(s->settings, err);
	return r < 0 ? r : verb_need_idle_stack(s, err);
}

static int verb_check_destroy(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	int r = verb_need_settings(s, err);

	return r < 0 ? r : verb_need_idle_stack(s, err);
}

static int verb_need_runnable(const struct snapshot *s, struct error *err)
{
	int r = verb_need_deployed(s, err);

	return r < 0 || !snapshot_is_current(s) ? r : stack_check_run(s->stack->name, s->stack->status, err);
}

static int verb_check_restart_task(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	return verb_need_runnable(s, err);
}

/* A server that is stopping may still write to the database. */
static const struct task *verb_unstopped_server(const struct snapshot *s)
{
	for (size_t i = 0; i < s->tasks->n; i++)
		if (s->tasks->tasks[i].server && s->tasks->tasks[i].status &&
		    strcmp(s->tasks->tasks[i].status, "STOPPED") != 0)
			return &s->tasks->tasks[i];
	return NULL;
}

static int verb_check_run_task(const struct snapshot *s, const char *argument, struct error *err)
{
	const struct task *server = verb_unstopped_server(s);
	bool force = strcmp(argument, "force") == 0;
	int r = verb_need_runnable(s, err);

	if (r < 0)
		return r;
	if (force && s->settings->efs) {
		error_set(err, -EINVAL,
			  "cannot start a second server with vast_storage=efs, because one database has one server");
		error_remedy(err, "touch control/restart-task to replace the server");
		return err->errnum;
	}
	if (force || !snapshot_is_current(s) || s->service.desired > 1 || (!server && !service_is_wanted(&s->service)))
		return 0;
	if (server)
		error_set(err, -EEXIST, "a server %s: task %s is %s",
			  task_is_live(server) ? "is already running" : "has not stopped yet", server->id,
			  server->status);
	else
		error_set(err, -EEXIST, "a server is starting already: the service %s has a desired count of 1",
			  SERVICE_NAME);
	error_remedy(err, "touch control/restart-task to replace the server");
	return err->errnum;
}

static int verb_check_deployed(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	return verb_need_deployed(s, err);
}

static int verb_check_drift(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	int r = verb_need_deployed(s, err);

	return r < 0 ? r : verb_need_idle_stack(s, err);
}

/* An operation of this mount may always be cancelled; the operation decides what the cancellation does to the stack. */
static int verb_check_cancel(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	return snapshot_running_operation(s) || snapshot_running_beside(s) ? 0 : own_stack_check(s, err);
}

static int verb_check_beside(const struct snapshot *s, const char *argument _unused_, struct error *err)
{
	struct job *running = snapshot_running_beside(s);

	if (!running)
		return 0;
	error_set(err, -EBUSY, "operation %llu (%s) is running", (unsigned long long)running->number, running->name);
	error_remedy(err, "run: cat operations/%llu/result, which shows what to do, or: touch control/cancel",
		     (unsigned long long)running->number);
	return err->errnum;
}

/* -- the table ------------------------------------------------------------------------------------------------- */

static void verb_refresh(struct model *m)
{
	struct aws *aws = model_aws(m);

	if (aws)
		aws_renew_credentials(aws);
	aws_unref(aws);
	identity_refresh(m);
	discover_refresh(m, true);
	watch_now(m, NULL, NULL);
}

static void verb_cancel(struct model *m)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct job *running = snapshot_running_operation(s), *beside = snapshot_running_beside(s);

	if (beside || running)
		model_cancel_job(m, beside ? beside : running);
}

const struct verb model_verbs[] = {
	{"deploy", "previous",
	 "create the stack, or update it to config/default.env; never restarts the server (previous: return to the "
	 "image deployed before)",
	 verb_check_deploy, operation_deploy, NULL, NULL, NULL},
	{"destroy", "purge",
	 "stop all tasks and delete the stack, but keep the database (purge: delete the database too)",
	 verb_check_destroy, operation_destroy, NULL, NULL, NULL},
	{"run-task", "force",
	 "start a VAST server, wait until it answers, and let ECS keep it running (force: start another server too; "
	 "not with vast_storage=efs)",
	 verb_check_run_task, operation_run_task, NULL, NULL, NULL},
	{"restart-task", NULL, "stop the server, wait until it has stopped, start a new one and wait until it answers",
	 verb_check_restart_task, operation_restart_task, NULL, NULL, NULL},
	{"stop-all-tasks", NULL, "stop the server permanently, and every other task of the stack", verb_check_deployed,
	 operation_stop_all_tasks, NULL, NULL, NULL},
	{"refresh", NULL, "read the credentials, the stack, the tasks and discover/ again", NULL, NULL, verb_refresh,
	 NULL, NULL},
	{"login", NULL,
	 "sign in to IAM Identity Center: operations/latest/result shows a URL and a code to confirm in a browser, and "
	 "waits; also while another operation runs",
	 verb_check_beside, NULL, NULL, login_begin, NULL},
	{"logout", NULL, "forget the token of IAM Identity Center, for the AWS CLI too", verb_check_beside, NULL, NULL,
	 logout_begin, NULL},
	{"cancel", NULL, "cancel the running login, or the running operation where AWS allows it", verb_check_cancel,
	 NULL, verb_cancel, NULL, NULL},
	{"replan", NULL,
	 "ask CloudFormation what deploy would change, then read stack/plan; the change set is deleted again",
	 verb_check_deploy, operation_replan, NULL, NULL, "stack"},
	{"drift-check", NULL,
	 "have CloudFormation compare the resources with the template, then read stack/drift; nothing is changed",
	 verb_check_drift, operation_drift_check, NULL, NULL, "stack"},
};
const size_t model_verbs_n = ARRAY_SIZE(model_verbs);

const char *model_verb_directory(const char *name)
{
	for (size_t i = 0; i < model_verbs_n; i++)
		if (model_verbs[i].directory && strcmp(model_verbs[i].name, name) == 0)
			return model_verbs[i].directory;
	return "control";
}

bool verb_is_beside(const char *name)
{
	for (size_t i = 0; i < model_verbs_n; i++)
		if (model_verbs[i].beside && strcmp(model_verbs[i].name, name) == 0)
			return true;
	return false;
}

/* -- admission ------------------------------------------------------------------------------------------------- */

static int verb_check_idle(const struct snapshot *s, struct error *err)
{
	struct job *running = snapshot_running_operation(s);

	if (!running)
		return 0;
	error_set(err, -EBUSY, "operation %llu (%s) is running", (unsigned long long)running->number, running->name);
	error_remedy(err, "run: cat operations/latest/result, which waits for it to end, or: touch control/cancel");
	return err->errnum;
}

/* The operation must use the settings that are on disk now, because older settings could name another stack. */
static int verb_check_settings(const struct snapshot *s, struct error *err)
{
	if (!s->settings_fault)
		return 0;
	error_set(err, -EINVAL, "config/default.env is not in force: %s", s->settings_fault->data);
	error_remedy(err, "repair config/default.env, then touch this file again");
	return err->errnum;
}

static int verb_check_argument(const struct verb *verb, const char *argument, struct error *err)
{
	if (!*argument || (verb->argument && strcmp(argument, verb->argument) == 0))
		return 0;
	error_set(err, -EINVAL, "unknown word '%.40s' for %s/%s", argument, model_verb_directory(verb->name),
		  verb->name);
	error_remedy(err, "touch the file, or write 1%s%s", verb->argument ? " or " : "",
		     verb->argument ? verb->argument : "");
	return err->errnum;
}

int credentials_check(struct model *m, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct aws *a;
	int r = verb_need_settings(s, err);

	if (r < 0)
		return r;
	a = model_aws(m);
	r = a ? aws_check_credentials(a, err) : model_client_error(m, err);
	aws_unref(a);
	return r;
}

/* If there is no client, the job checks the credentials. */
static int verb_check_login(struct model *m, struct error *err)
{
	struct aws *a = model_aws(m);
	int r = a ? aws_check_login(a, err) : 0;

	aws_unref(a);
	return r;
}

static int verb_admit(struct model *m, const struct snapshot *s, const struct verb *verb, const char *argument,
		      struct error *err)
{
	int r = verb_check_argument(verb, argument, err);

	if (r == 0 && verb->run)
		r = verb_check_settings(s, err);
	if (r == 0 && verb->run)
		r = verb_check_idle(s, err);
	if (r == 0 && verb->check)
		r = verb->check(s, argument, err);
	if (r == 0 && verb->beside)
		return verb_check_login(m, err);
	if (!verb->run)
		return r;
	return r < 0 ? r : credentials_check(m, err);
}

int model_verb_check(struct model *m, const struct verb *verb, const char *argument, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = NULL;

	model_settings_refresh(m);
	s = model_snapshot(m);
	return verb_admit(m, s, verb, argument, err);
}

struct verb_beside {
	struct model *model;
	const struct verb *verb;
	struct job *job;
};

static void verb_start_beside(void *arg)
{
	struct verb_beside *b = arg;

	job_start(b->job);
	job_log(b->job, "%s", b->job->name);
	b->verb->beside(b->model, b->job);
	free(b);
}

/* The operation is not in the journal and is not resumed after a crash. */
static int verb_begin_beside(struct model *m, const struct verb *verb, struct requester who, struct job **ret,
			     struct error *err)
{
	struct verb_beside *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	*b = (struct verb_beside){m, verb, model_job_new(m, JOB_OPERATION, 0, verb->name, "", NULL, who)};
	*ret = b->job ? job_ref(b->job)
		      : NULL; /* must precede engine_post, after which b belongs to the engine thread */
	r = b->job ? engine_post(m->engine, verb_start_beside, b) : -ENOMEM;
	if (r == 0)
		return 0;
	error_set(err, r, "cannot start %s: %s", verb->name, strerror(-r));
	if (b->job)
		job_fail(b->job, err);
	job_unref(*ret);
	*ret = NULL;
	job_unref(b->job);
	free(b);
	return r;
}

int model_verb_run(struct model *m, const struct verb *verb, const char *argument, struct requester who,
		   struct job **ret, struct error *err)
{
	int r = model_verb_check(m, verb, argument, err);

	*ret = NULL;
	if (r < 0)
		return r;
	if (verb->act) {
		verb->act(m);
		return 0;
	}
	r = verb->beside ? verb_begin_beside(m, verb, who, ret, err)
			 : operation_accept(m, verb, argument, who, ret, err);
	if (r == 0)
		model_event(m, "operations/%llu %s queued by pid %d", (unsigned long long)(*ret)->number, verb->name,
			    (int)who.pid);
	return r;
}
