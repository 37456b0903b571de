/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render.h - renders the texts of the files from one snapshot, and finds the times of their last change.
 *
 * A renderer appends the complete text of a file, and returns 0 or the error of the buffer. A value that AWS does not
 * report is an empty file. Times are wall clock milliseconds. The loop thread and the notifier call these functions.
 */
#ifndef VASTFS_FS_RENDER_H
#define VASTFS_FS_RENDER_H

#include "fs/names.h"

int render_readme(const struct scope *s, struct buf *out);
int render_whoami(const struct scope *s, struct buf *out);
int render_status(const struct scope *s, struct buf *out);
int render_picture(const struct scope *s, struct buf *out); /* row->arg: FS_STATUS_SVG, ... */
int render_errors(const struct scope *s, struct buf *out);
int render_settings(const struct scope *s, struct buf *out);
int render_memory(const struct scope *s, struct buf *out);
int render_format(const struct scope *s, struct buf *out);
int render_job_format(const struct scope *s, struct buf *out);
int render_import_cancel(const struct scope *s, struct buf *out);
int render_retry(const struct scope *s, struct buf *out);
int import_put_totals(struct model *m, struct buf *out); /* a line of status */
int render_control(const struct scope *s, struct buf *out);
int render_cancel(const struct scope *s, struct buf *out);
int render_check(const struct scope *s, struct buf *out);
int render_health(const struct scope *s, struct buf *out);
int render_stop(const struct scope *s, struct buf *out);
int render_template(const struct scope *s, struct buf *out);
int render_plan(const struct scope *s, struct buf *out);
int render_drift(const struct scope *s, struct buf *out);

/* row->arg is the offset of the string in a struct stack_view, stack_resource or task. */
int render_stack_text(const struct scope *s, struct buf *out);
int render_stack_json(const struct scope *s, struct buf *out);
int render_resource_text(const struct scope *s, struct buf *out);
int render_task_text(const struct scope *s, struct buf *out);
int render_task_json(const struct scope *s, struct buf *out);
int render_pair(const struct scope *s, struct buf *out);

int render_vpc_text(const struct scope *s, struct buf *out); /* row->arg: an offset in a struct discovered_vpc */
int render_discovery_status(const struct scope *s, struct buf *out);
int render_suggestion(const struct scope *s, struct buf *out);

int render_job_name(const struct scope *s, struct buf *out);
int render_job_state(const struct scope *s, struct buf *out);
int render_job_progress(const struct scope *s, struct buf *out);
int render_job_error(const struct scope *s, struct buf *out);
int render_job_started(const struct scope *s, struct buf *out);
int render_job_elapsed(const struct scope *s, struct buf *out);
int render_job_duration(const struct scope *s, struct buf *out);
int render_job_request_id(const struct scope *s, struct buf *out);
int render_job_query(const struct scope *s, struct buf *out);
uint64_t job_token(const struct scope *s); /* differs if the state differs or if another job is shown */

/*
 * These functions append lines of status: the account and the identity, and the source of the credentials with, on
 * request, their expiry.
 */
void identity_put(const struct snapshot *s, struct buf *out);
void credentials_put(struct model *m, bool with_expiry, struct buf *out);

/* Returns the last change of a text that is rendered from several sources. memo remembers the hash of the text. */
struct memo;
int64_t memo_changed(struct memo *memo, const struct buf *text);

/* These functions render the targets of links. If the text is empty, the link does not exist. */
int render_latest(const struct scope *s, struct buf *out);
int render_default_task(const struct scope *s, struct buf *out);
int render_stray(const struct scope *s, struct buf *out);

int64_t changed_mount(const struct scope *s);
int64_t changed_whoami(const struct scope *s);
int64_t changed_status(const struct scope *s);
int64_t changed_picture(const struct scope *s);
int64_t changed_plan(const struct scope *s);
int64_t changed_drift(const struct scope *s);
int64_t changed_errors(const struct scope *s);
int64_t changed_settings(const struct scope *s);
int64_t changed_memory(const struct scope *s);
int64_t changed_log(const struct scope *s);
int64_t changed_operations(const struct scope *s);
int64_t changed_queries(const struct scope *s);
int64_t changed_imports(const struct scope *s);
int64_t changed_execs(const struct scope *s);
int64_t changed_job(const struct scope *s);
int64_t changed_stack(const struct scope *s);
int64_t changed_tasks(const struct scope *s);
int64_t changed_task(const struct scope *s);
int64_t changed_discovery(const struct scope *s);
int64_t changed_discovery_status(const struct scope *s);
int64_t changed_suggestion(const struct scope *s);
int64_t changed_vpc(const struct scope *s);
int64_t changed_health(const struct scope *s);

#endif
