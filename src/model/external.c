/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * external.c - shows a CloudFormation operation that somebody else started in control/, like an operation of vastfs.
 * Engine thread.
 */
#include "base/buf.h"
#include "model/internal.h"
#include "stack/changeset.h"

#include <string.h>

static struct job *external_running(const struct snapshot *s)
{
	struct job *j = snapshot_running_operation(s);

	return j && strcmp(j->name, OPERATION_EXTERNAL) == 0 ? j : NULL;
}

static void external_begin(struct model *m, const char *status)
{
	_cleanup_(job_unref_cleanup) struct job *j =
		model_job_new(m, JOB_OPERATION, 0, OPERATION_EXTERNAL, "", NULL, (struct requester){0});

	if (!j)
		return;
	job_start(j);
	job_log(j, "somebody else is changing the stack: %s", status);
	job_progress(j, 0, 0, "%s", status);
}

static void external_end(struct model *m, struct job *j, const char *status)
{
	_buf_ struct buf text = BUF_INIT(256);
	struct error err;

	job_log(j, "%s", status);
	if (!stack_state(status)->failed) {
		buf_printf(&text, "%s\n", status);
		job_succeed(j, blob_from_buf(&text));
		return;
	}
	error_set(&err, -EIO, "the operation of somebody else ended with %s", status);
	job_fail(j, &err);
	model_event(m, "operations/%llu external failed: %s", (unsigned long long)j->number, status);
}

void external_follow(struct model *m, const struct snapshot *s)
{
	struct job *running = snapshot_running_operation(s), *external = external_running(s);
	const char *status = s->stack->status ? s->stack->status : "DELETE_COMPLETE";
	bool moving = s->stack->exists && !s->stack->foreign && stack_state(status)->kind == STACK_BUSY;

	if (moving && !running && !snapshot_lost_its_operation(s))
		external_begin(m, status);
	else if (moving && external)
		job_progress(external, 0, 0, "%s", status);
	else if (external)
		external_end(m, external, status);
}
