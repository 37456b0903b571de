/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * login.c - control/login and control/logout: operations that run on the engine thread, beside the operation of
 * runner.c, so that a user can sign in for an operation that waits for credentials.
 *
 * They are not in the journal: after a crash no process waits for the confirmation, so the displayed code is useless,
 * and the next login shows another code.
 */
#include "aws/credentials/sso_login.h"
#include "base/clock.h"
#include "model/internal.h"

#include <inttypes.h>
#include <string.h>

#define LOGIN_OUTPUT_MAX 65536
/* The region of a client without settings. Such a client is only used to sign in. */
#define LOGIN_REGION "us-east-1"

struct login {
	struct model *model;
	struct job *job;
	struct aws *aws;
	struct sso_login *sso;
	struct output *output; /* the text of result while the login waits */
	struct engine_timer ending;
	char prompt[512]; /* the text of progress while the login waits for the confirmation */
};

/* -- the job --------------------------------------------------------------------------------------------------- */

static void login_print(struct login *l, const char *text)
{
	if (l->output && output_append(l->output, text, strlen(text)) == 0)
		job_grown(l->job);
}

static void login_edit_output(struct job_view *v, void *arg)
{
	const struct login *l = arg;

	v->output = output_ref(l->output);
}

static void login_succeed(struct model *m, struct job *j, const char *text)
{
	_buf_ struct buf result = BUF_INIT(1024);

	buf_printf(&result, "%s\n", text);
	job_log(j, "%s", text);
	job_progress(j, 1, 1, "done");
	job_succeed(j, blob_from_buf(&result));
	model_event(m, "operations/%" PRIu64 " %s succeeded", j->number, j->name);
}

static void login_fail(struct model *m, struct job *j, const struct error *err)
{
	job_log(j, "failed: %s", err->message);
	if (*err->remedy)
		job_log(j, "what to do: %s", err->remedy);
	model_job_fail(m, j, err);
}

/* Returns the client in force, or a client that can only sign in. */
static struct aws *login_client(struct model *m, struct error *err)
{
	const struct aws_config config = {.region = LOGIN_REGION, .api_log = m->api_log, .calls = m->calls};
	struct aws *aws = model_aws(m);

	if (!aws && aws_new(m->engine, &config, &aws, err) < 0)
		return NULL;
	return aws;
}

/* Settings can be saved while a login waits, so the client in force may have changed. */
static void login_renew(struct model *m)
{
	struct aws *aws = model_aws(m);

	if (aws)
		aws_renew_credentials(aws);
	aws_unref(aws);
	identity_refresh(m);
	discover_retry(m);
	watch_now(m, NULL, NULL);
}

/* -- signing in ------------------------------------------------------------------------------------------------ */

void login_free(struct login *l)
{
	if (!l)
		return;
	job_on_cancel(l->job, NULL, NULL);
	engine_timer_cancel(&l->ending);
	sso_login_free(l->sso);
	output_unref(l->output);
	aws_unref(l->aws);
	job_unref(l->job);
	free(l);
}

static void login_end_login(void *arg)
{
	struct login *l = arg;

	if (l->model->login == l)
		l->model->login = NULL;
	login_free(l);
}

/* The caller still uses the login. */
static void login_end_soon(struct login *l)
{
	engine_timer_set(l->model->engine, &l->ending, 0, login_end_login, l);
}

static void login_show_prompt(const char *url, const char *code, int64_t valid_s, void *arg)
{
	struct login *l = arg;
	char text[1024], valid[CLOCK_TEXT_SIZE];

	snprintf(text, sizeof(text), "open %s in a browser and confirm the code %s within %s", url, code,
		 clock_duration(valid_s * 1000, valid));
	job_log(l->job, "%s", text);
	model_event(l->model, "operations/%" PRIu64 " login: %s", l->job->number, text);
	login_print(l, text);
	login_print(l, "\n");
	snprintf(l->prompt, sizeof(l->prompt), "open %s and confirm the code %s", url, code);
	job_progress(l->job, 0, 0, "%s", l->prompt);
}

static void login_show_trouble(const struct error *err, void *arg)
{
	struct login *l = arg;

	if (!err) {
		job_log(l->job, "AWS replies again");
		job_progress(l->job, 0, 0, "%s", l->prompt);
		return;
	}
	job_log(l->job, "no usable reply, retrying: %s", err->message);
	job_progress(l->job, 0, 0, "no usable reply, retrying; %s: %s", l->prompt, err->message);
}

static void login_done(const char *source, const struct error *err, void *arg)
{
	struct login *l = arg;
	char text[512];

	if (error_is(err)) {
		login_fail(l->model, l->job, err);
	} else {
		login_renew(l->model);
		snprintf(text, sizeof(text), "signed in: %s", source);
		login_print(l, text);
		login_print(l, "\n");
		login_succeed(l->model, l->job, text);
	}
	login_end_soon(l);
}

static const struct sso_login_events login_events = {login_show_prompt, login_show_trouble, login_done};

/* Engine thread. The login may have ended meanwhile, and another one may have started. */
static void login_cancel(void *arg)
{
	struct model *m = arg;
	struct login *l = m->login;

	if (!l || !job_cancel_wished(l->job))
		return;
	job_log(l->job, "cancelled");
	job_cancelled(l->job, "cancelled");
	model_event(m, "operations/%" PRIu64 " login cancelled", l->job->number);
	login_end_login(l);
}

static void login_cancel_wished(struct job *j _unused_, void *arg)
{
	struct model *m = arg;

	engine_post(m->engine, login_cancel, m);
}

static int login_start(struct login *l, struct error *err)
{
	l->aws = login_client(l->model, err);
	if (!l->aws)
		return err->errnum;
	l->output = output_new(l->model->cache_dir, LOGIN_OUTPUT_MAX);
	if (!l->output || job_edit(l->job, login_edit_output, l) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	job_on_cancel(l->job, login_cancel_wished, l->model);
	return sso_login_start(l->aws, &login_events, l, &l->sso, err);
}

/* Two touches at the same moment may both have been accepted. */
static int login_check_alone(const struct model *m, struct error *err)
{
	if (!m->login)
		return 0;
	error_set(err, -EBUSY, "operation %" PRIu64 " (login) is running", m->login->job->number);
	error_remedy(err, "run: cat operations/%" PRIu64 "/result, which shows what to do", m->login->job->number);
	return -EBUSY;
}

void login_begin(struct model *m, struct job *j)
{
	struct login *l = calloc(1, sizeof(*l));
	struct error err = {0};
	int r = l ? login_check_alone(m, &err) : error_set(&err, -ENOMEM, "out of memory");

	if (r == 0) {
		*l = (struct login){.model = m, .job = job_ref(j)};
		r = login_start(l, &err);
	}
	if (r < 0) {
		login_fail(m, j, &err);
		if (l && l->job)
			login_free(l);
		else
			free(l);
	} else {
		m->login = l;
		login_cancel(m); /* the login may have been cancelled before it started */
	}
	job_unref(j);
}

/* -- signing out ----------------------------------------------------------------------------------------------- */

void logout_begin(struct model *m, struct job *j)
{
	struct error err = {0};
	struct aws *aws = login_client(m, &err);
	_free_ char *source = NULL;
	char text[512];

	if (!aws || sso_logout(aws, &source, &err) < 0) {
		login_fail(m, j, &err);
	} else {
		snprintf(text, sizeof(text), "signed out: %s", source);
		login_succeed(m, j, text);
		login_renew(m);
	}
	aws_unref(aws);
	job_unref(j);
}
