/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.c - accepts commands for Lambda and for containers: it checks a command, makes its job, and cancels it.
 */
#include "model/internal.h"

#include <string.h>

int model_query_check(struct model *m, const char *task, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	int r = task ? exec_check(s, task, err) : deployed_stack_check(s, "FunctionName", err);

	return r < 0 ? r : credentials_check(m, err);
}

int model_query_text(const void *text, size_t len, struct error *err)
{
	if (len > MODEL_QUERY_MAX) {
		error_set(err, -EFBIG, "a command may have at most %d bytes", MODEL_QUERY_MAX);
		error_remedy(err, "put data into files or S3 and let the command read it from there");
		return err->errnum;
	}
	if (memchr(text, '\0', len))
		return error_set(err, -EINVAL, "a command may not contain a NUL byte");
	return 0;
}

/* A request about a job, posted to the engine thread. */
struct command_request {
	struct model *model;
	struct job *job;
};

static int command_post(struct model *m, struct job *j, void (*fn)(void *arg))
{
	struct command_request *request = calloc(1, sizeof(*request));
	int r;

	if (!request)
		return -ENOMEM;
	*request = (struct command_request){m, job_ref(j)};
	r = engine_post(m->engine, fn, request);
	if (r < 0) {
		job_unref(j);
		free(request);
	}
	return r;
}

static void command_request_free(struct command_request *request)
{
	job_unref(request->job);
	free(request);
}

static void command_do_cancel(void *arg)
{
	struct command_request *request = arg;

	if (request->job->kind == JOB_EXEC)
		execs_cancel(request->model->execs, request->job);
	else
		queries_cancel(request->model->queries, request->job);
	command_request_free(request);
}

static void command_post_cancel(struct job *j, void *arg)
{
	command_post(arg, j, command_do_cancel);
}

static void command_do_begin(void *arg)
{
	struct command_request *request = arg;
	struct model *m = request->model;
	int r;

	job_on_cancel(request->job, command_post_cancel, m);
	r = request->job->kind == JOB_EXEC ? execs_begin(m->execs, request->job)
					   : queries_begin(m->queries, request->job);
	if (r < 0)
		model_job_fail(m, request->job, &(struct error){.errnum = r, .message = "out of memory"});
	command_request_free(request);
}

static void command_refuse_incomplete(struct model *m, struct job *j)
{
	struct error err;

	error_set(&err, -EINVAL, "incomplete, not run: the writer was cut short");
	error_remedy(&err, "end a command that is written in several pieces with a newline");
	model_job_fail(m, j, &err);
}

/* Makes the job. Takes ownership of text, which may be NULL. */
static int command_make_job(struct model *m, enum job_kind kind, const char *task, struct blob *text,
			    struct requester who, struct job **ret)
{
	static const char *const names[] = {[JOB_QUERY] = "query", [JOB_EXEC] = "exec", [JOB_CHECK] = "check"};
	struct job *j = text ? model_job_new(m, kind, 0, names[kind], task ? task : "", text, who) : NULL;

	blob_unref(text);
	*ret = j;
	return j ? 0 : -ENOMEM;
}

static void command_post_begin(struct model *m, struct job *j)
{
	if (command_post(m, j, command_do_begin) < 0)
		model_job_fail(m, j, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
}

int model_query(struct model *m, const char *task, struct buf *command, bool complete, struct requester who,
		struct job **ret, struct error *err)
{
	int r = model_query_text(buf_str(command), command->len, err);

	if (r == 0)
		r = command_make_job(m, task ? JOB_EXEC : JOB_QUERY, task, blob_from_buf(command), who, ret);
	if (r < 0)
		return r;
	if (complete)
		command_post_begin(m, *ret);
	else
		command_refuse_incomplete(m, *ret);
	return 0;
}

/*
 * The probe only connects. bash connects by itself. nc waits for data once it has connected, so if the timeout ends it,
 * the check has succeeded: a refused connection would have ended it earlier.
 */
const char command_probe[] =
	"h=${VAST_ENDPOINT%:*} p=${VAST_ENDPOINT##*:}\n"
	"if command -v bash >/dev/null 2>&1; then timeout 10 bash -c \"exec 3<>/dev/tcp/$h/$p\" 2>/dev/null; r=$?\n"
	"elif command -v nc >/dev/null 2>&1; then timeout 8 nc -w 5 \"$h\" \"$p\" </dev/null >/dev/null 2>&1; r=$?\n"
	"case $r in 124|143) r=0;; esac\n"
	"else echo 'cannot check: the image has neither bash nor nc'; exit 126; fi\n"
	"[ $r = 0 ] && echo \"port $p answers\" || echo \"port $p does not answer\"\n"
	"exit $((r != 0))\n";

static int command_check_task_runs(const struct snapshot *s, const char *id, struct error *err)
{
	const struct task *t = task_list_find(s->tasks, id);

	if (t && t->endpoint && t->status && strcmp(t->status, "RUNNING") == 0)
		return 0;
	return error_set(err, -ENXIO, "the task is %s, so its port does not answer",
			 t && t->status ? t->status : "not known");
}

int model_task_check(struct model *m, const char *id, struct requester who, struct job **ret, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	_buf_ struct buf text = BUF_INIT(sizeof(command_probe));
	int r = model_query_check(m, NULL, err);

	if (r == 0)
		r = command_check_task_runs(s, id, err);
	if (r == 0)
		r = buf_puts(&text, command_probe);
	if (r == 0)
		r = command_make_job(m, JOB_CHECK, id, blob_from_buf(&text), who, ret);
	if (r == 0)
		command_post_begin(m, *ret);
	return r;
}
