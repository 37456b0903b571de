/*
 * command.c - the way in of commands, whether Lambda or a container runs them: checks, the job, its cancellation.
 */
#include "world/internal.h"

#include <string.h>

static int check_deployed(const struct snapshot *s, struct error *err)
{
	if (s->settings && (!snapshot_is_current(s) || stack_view_output(s->stack, "FunctionName")))
		return 0;
	error_set(err, -ENXIO, "the stack is not deployed%s%s", s->stack->status ? ": it is " : "",
		  s->stack->status ? s->stack->status : "");
	error_remedy(err, s->settings ? "touch control/deploy" : "write config/default.env, then touch control/deploy");
	return err->errnum;
}

int world_query_check(struct world *w, const char *task, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = world_snapshot(w);
	int r = task ? exec_check(s, task, err) : check_deployed(s, err);

	return r < 0 ? r : credentials_check(s, err);
}

int world_query_text(const void *text, size_t len, struct error *err)
{
	if (len > WORLD_QUERY_MAX) {
		error_set(err, -EFBIG, "a command may have %d bytes", WORLD_QUERY_MAX);
		error_remedy(err, "put data into files or S3 and let the command fetch them");
		return err->errnum;
	}
	if (memchr(text, '\0', len))
		return error_set(err, -EINVAL, "a command may not contain a NUL byte");
	return 0;
}

/* A wish about a job on its way to the engine thread. */
struct wish {
	struct world *world;
	struct job *job;
};

static int post(struct world *w, struct job *j, void (*fn)(void *arg))
{
	struct wish *wish = calloc(1, sizeof(*wish));
	int r;

	if (!wish)
		return -ENOMEM;
	*wish = (struct wish){w, job_ref(j)};
	r = engine_post(w->engine, fn, wish);
	if (r < 0) {
		job_unref(j);
		free(wish);
	}
	return r;
}

static void wish_free(struct wish *wish)
{
	job_unref(wish->job);
	free(wish);
}

static void do_cancel(void *arg)
{
	struct wish *wish = arg;

	if (wish->job->kind == JOB_EXEC)
		execs_cancel(wish->world->execs, wish->job);
	else
		queries_cancel(wish->world->queries, wish->job);
	wish_free(wish);
}

static void wish_cancel(struct job *j, void *arg)
{
	post(arg, j, do_cancel);
}

static void do_begin(void *arg)
{
	struct wish *wish = arg;
	struct world *w = wish->world;
	int r;

	job_on_cancel(wish->job, wish_cancel, w);
	r = wish->job->kind == JOB_EXEC ? execs_begin(w->execs, wish->job) : queries_begin(w->queries, wish->job);
	if (r < 0)
		job_fail(wish->job, &(struct error){.errnum = r, .message = "out of memory"});
	wish_free(wish);
}

static void refuse_incomplete(struct world *w, struct job *j)
{
	struct error err;

	error_set(&err, -EINVAL, "incomplete, not run: the writer was cut short");
	error_remedy(&err, "a command of several writes must end in a newline");
	job_fail(j, &err);
	world_job_failed(w, j);
}

int world_query(struct world *w, const char *task, struct buf *command, bool complete, struct requester who,
		struct job **ret, struct error *err)
{
	_cleanup_(blob_unref_cleanup) struct blob *text = NULL;
	struct job *j;
	int r = world_query_text(buf_str(command), command->len, err);

	if (r < 0)
		return r;
	text = blob_from_buf(command);
	j = text ? world_job_new(w, task ? JOB_EXEC : JOB_QUERY, 0, task ? "exec" : "query", task ? task : "", text,
				 who)
		 : NULL;
	if (!j)
		return -ENOMEM;
	if (!complete)
		refuse_incomplete(w, j);
	else if (post(w, j, do_begin) < 0)
		job_fail(j, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	*ret = j;
	return 0;
}
