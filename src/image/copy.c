/* SPDX-License-Identifier: BSD-3-Clause */
#include "image/copy.h"

#include "image/flight.h"

void copy_report(struct copy_job *j, uint64_t more)
{
	j->done += more;
	if (j->copy->progress)
		j->copy->progress(j->copy->arg, j->done, j->total);
}

void copy_end(struct copy_job *j)
{
	if (j->ended)
		return;
	j->ended = true;
	for (size_t i = 0; i < COPY_AT_ONCE; i++) {
		flight_reset(&j->flights[i]);
		free(move_ptr(j->flights[i].ring.data));
	}
	if (!j->starting)
		awaited_end(&j->awaited);
}

static void copy_start(struct awaited *a)
{
	struct copy_job *j = container_of(a, struct copy_job, awaited);

	j->busy = COPY_AT_ONCE;
	j->starting = true;
	for (size_t i = 0; i < COPY_AT_ONCE && !j->ended; i++) {
		j->flights[i].job = j;
		flight_next_blob(&j->flights[i]);
	}
	j->starting = false;
	if (j->ended)
		awaited_end(a);
}

static void copy_cancel(struct awaited *a)
{
	struct copy_job *j = container_of(a, struct copy_job, awaited);

	error_set(&j->error, -ECANCELED, "cancelled");
	copy_end(j);
}

int copy_run(const struct copy *c, struct aws_cancel_token *token, uint64_t *ret_sent, struct error *err)
{
	struct copy_job j = {
		.awaited = {.start = copy_start, .cancel = copy_cancel}, .copy = c, .engine = c->target->engine};
	int r;

	for (size_t i = 0; i < c->n; i++)
		j.total += c->items[i].blob.size;
	r = await(j.engine, &j.awaited, token);
	*ret_sent = j.sent;
	if (r < 0)
		return error_set(err, r, "%s", await_explain(r));
	if (error_is(&j.error))
		*err = j.error;
	return j.error.errnum;
}
