/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * import.c - imports as jobs: their start, their recovery after an earlier mount, and their end. deliver.c sends their
 * batches. The loop thread starts imports. imports_ended() may run on any thread.
 */
#include "base/clock.h"
#include "ingest/format.h"
#include "ingest/outcome.h"
#include "model/internal.h"
#include "stack/ownership.h"
#include "stack/template.h"

#include <inttypes.h>
#include <string.h>

#define SPOOL_DIRECTORY	     "spool"
#define HISTORY_KEEP_DEFAULT 100 /* the limit if no settings are in force */
#define LONG_LIST	     1000
/*
 * A long list is trimmed after this number of imports, because a search for each import would cost more time than it
 * saves.
 */
#define TRIM_EVERY 32

struct imports {
	struct model *model;
	struct ingest *ingest;
	struct delivery *delivery;
};

/* -- the end --------------------------------------------------------------------------------------------------- */

/* The imports that leave the history. */
struct imports_surplus {
	size_t n;
	const struct job *newest; /* stays in the history, so that its result can be read */
};

/* A callback of job_list_filter(). Imports that keep rejected batches stay. */
static bool imports_drop(struct job *j, void *arg)
{
	struct imports_surplus *surplus = arg;
	_cleanup_(job_view_unref_cleanup) struct job_view *v = surplus->n && j != surplus->newest ? job_view(j) : NULL;

	if (!v || !job_state_ended(v->state) || v->keeps_data)
		return false;
	surplus->n--;
	return true;
}

/* Removes ended imports beyond history_keep, oldest first. number is the number of the import that has just ended. */
static int imports_edit_trim(struct snapshot *s, void *number)
{
	size_t keep = s->settings ? s->settings->history_keep : HISTORY_KEEP_DEFAULT, n = s->imports->n;
	struct imports_surplus surplus = {.n = n > keep ? n - keep : 0, .newest = job_list_last(s->imports)};
	struct job_list *rest;

	if (!surplus.n || (n > LONG_LIST && *(uint64_t *)number % TRIM_EVERY != 0))
		return -EALREADY;
	rest = job_list_filter(s->imports, imports_drop, &surplus);
	if (!rest)
		return -ENOMEM;
	job_list_unref(s->imports);
	s->imports = rest;
	return 0;
}

struct import_end {
	struct import_counts counts;
	struct error error; /* errnum 0: none */
	struct blob *result;
	enum job_state state;
};

static void import_edit_end(struct job_view *v, void *arg)
{
	struct import_end *e = arg;

	v->state = e->state;
	v->ran = true;
	v->exit_code = e->state == JOB_SUCCEEDED ? 0 : e->counts.exit_code ? e->counts.exit_code : 1;
	if (error_is(&e->error)) /* otherwise the view may have a warning */
		job_view_set_error(v, &e->error);
	v->keeps_data = e->counts.batches_rejected != 0;
	blob_unref(v->result);
	v->result = blob_ref(e->result);
	v->step[0] = '\0';
}

static int64_t import_duration(const struct job *j)
{
	return clock_wall_ms() - j->created_ms;
}

static enum job_state import_state(const struct import_end *e)
{
	return e->counts.is_cancelled ? JOB_CANCELLED : error_is(&e->error) ? JOB_FAILED : JOB_SUCCEEDED;
}

static void import_log_end(struct job *j, const struct import_end *e)
{
	job_log(j, "%s: %" PRIu64 " of %" PRIu64 " events delivered, %" PRIu64 " rejected", job_state_name(e->state),
		e->counts.delivered, e->counts.events, e->counts.rejected + e->counts.refused);
	if (e->counts.doubtful)
		job_log(j,
			"%" PRIu64
			" events of batches %s may have been delivered twice: the reply to an attempt was lost",
			e->counts.doubtful, e->counts.batches_doubtful);
}

/* A callback of struct ingest_config, on any thread. */
static void imports_ended(struct import *imp, void *arg)
{
	struct imports *all = arg;
	struct job *j = import_job(imp);
	_buf_ struct buf text = BUF_INIT(4096);
	struct import_end end = {0};
	uint64_t number;

	import_counts(imp, &end.counts);
	import_error(imp, &end.error);
	end.state = import_state(&end);
	report_result(&end.counts, import_duration(j), &text);
	end.result = blob_from_buf(&text);
	import_log_end(j, &end);
	job_on_cancel(j, NULL, NULL);
	if (end.state == JOB_FAILED)
		model_job_tell_failure(all->model, j, &end.error);
	job_edit(j, import_edit_end, &end);
	blob_unref(end.result);
	number = import_number(imp);
	model_publish(all->model, imports_edit_trim, &number);
}

static void imports_changed(void *arg)
{
	struct imports *all = arg;

	if (all->delivery)
		delivery_wake(all->delivery);
	model_tell(all->model);
}

/* -- the start ------------------------------------------------------------------------------------------------- */

/* The function accepts events since this version of the template. */
static int import_check_version(const struct snapshot *s, struct error *err)
{
	const char *version = stack_view_output(s->stack, "TemplateVersion");

	if (!version || strtoul(version, NULL, 10) >= template_version())
		return 0;
	error_set(err, -ENXIO, "the stack was deployed by an older vastfs, whose function cannot import");
	error_remedy(err, "touch control/deploy");
	return err->errnum;
}

int model_import_check(struct model *m, struct error *err)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	int r = ingest_check(m->imports->ingest, err);

	if (r == 0)
		r = deployed_stack_check(s, "FunctionName", err);
	return r < 0 ? r : import_check_version(s, err);
}

static void import_wish_cancel(struct job *j, void *arg)
{
	struct imports *all = arg;
	struct import *imp = ingest_find(all->ingest, j->number);

	if (imp)
		import_cancel(imp);
	import_unref(imp);
}

static void import_fill_facts(struct model *m, const struct job *j, const char *format, struct batch_facts *f)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(m);
	struct aws *aws = model_aws(m);

	*f = (struct batch_facts){.import = j->number,
				  .created_ms = j->created_ms,
				  .pid = j->pid,
				  .uid = j->uid,
				  .ordered = s->settings && s->settings->import_ordered};
	snprintf(f->format, sizeof(f->format), "%s", format);
	identity_here(s, aws, &f->place);
	aws_unref(aws);
}

int model_import(struct model *m, const char *format, struct requester who, struct import **ret, struct error *err)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;
	struct batch_facts facts;
	int r = model_import_check(m, err);

	if (r < 0)
		return r;
	j = model_job_new(m, JOB_IMPORT, 0, "import", format, NULL, who);
	if (!j)
		return -ENOMEM;
	import_fill_facts(m, j, format, &facts);
	*ret = import_new(m->imports->ingest, j, &facts);
	if (!*ret) {
		model_job_fail(m, j, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
		return -ENOMEM;
	}
	job_on_cancel(j, import_wish_cancel, m->imports);
	return 0;
}

struct import *model_import_find(struct model *m, const struct job *j)
{
	return ingest_find(m->imports->ingest, j->number);
}

int model_import_retry(struct model *m, struct job *j, struct requester who, struct error *err)
{
	_cleanup_(import_unref_cleanup) struct import *from = ingest_find(m->imports->ingest, j->number), *to = NULL;
	struct import_counts counts = {0};
	int r;

	if (from)
		import_counts(from, &counts);
	if (!from || !rejected_size(from))
		return error_set(err, -ENODATA, "import/history/%" PRIu64 " has no rejected events", j->number);
	r = model_import(m, j->argument, who, &to, err);
	if (r == 0)
		r = import_retry(from, to);
	if (r == 0)
		job_log(j, "the rejected events are sent again as import/history/%" PRIu64, import_number(to));
	return r;
}

void model_import_forget(struct model *m, const struct job *j)
{
	_cleanup_(import_unref_cleanup) struct import *imp = ingest_find(m->imports->ingest, j->number);

	if (imp)
		import_forget(imp);
}

void model_import_totals(struct model *m, struct ingest_totals *ret)
{
	ingest_totals(m->imports->ingest, ret);
}

/* -- life ------------------------------------------------------------------------------------------------------ */

/* A callback of ingest_recover(). */
static struct job *imports_make_job(const struct batch_facts *facts, void *arg)
{
	struct imports *all = arg;
	struct job *j = model_job_new(all->model, JOB_IMPORT, facts->import, "import", facts->format, NULL,
				      (struct requester){.pid = facts->pid, .uid = facts->uid});

	if (!j)
		return NULL;
	j->created_ms = facts->created_ms;
	model_number_is_taken(all->model, JOB_IMPORT, facts->import);
	job_log(j, "found in the spool: vastfs ended before all events were delivered");
	job_on_cancel(j, import_wish_cancel, all);
	return j;
}

int imports_new(struct model *m, const char *state_dir, struct imports **ret, struct error *note)
{
	struct imports *all = calloc(1, sizeof(*all));
	_free_ char *directory = NULL;
	int r;

	if (!all)
		return -ENOMEM;
	all->model = m;
	*ret = all;
	if (asprintf(&directory, "%s/" SPOOL_DIRECTORY, state_dir) < 0)
		return -ENOMEM;
	r = ingest_new(
		&(struct ingest_config){
			.directory = directory, .changed = imports_changed, .ended = imports_ended, .arg = all},
		&all->ingest, note);
	return r < 0 ? r : delivery_new(m, all->ingest, &all->delivery);
}

int imports_start(struct imports *all, struct error *note)
{
	int r = ingest_recover(all->ingest, imports_make_job, all, note);

	return r < 0 ? r : ingest_start(all->ingest);
}

void imports_stop(struct imports *all)
{
	if (all)
		ingest_stop(all->ingest);
}

void imports_retry(struct imports *all)
{
	if (all && all->delivery)
		delivery_retry(all->delivery);
}

void imports_free(struct imports *all)
{
	if (!all)
		return;
	delivery_free(all->delivery);
	ingest_free(all->ingest);
	free(all);
}
