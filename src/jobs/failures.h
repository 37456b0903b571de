/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failures.h - the last 16 failures with their messages, newest last, as the file /error of the tree shows them.
 *
 * Any thread. A short lock guards the copying of lines.
 */
#ifndef VASTFS_JOBS_FAILURES_H
#define VASTFS_JOBS_FAILURES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

#define FAILURES_KEPT 16

struct failures;

struct failures *failures_new(void);
void failures_free(struct failures *f);

struct failure_site {
	pid_t pid; /* 0: vastfs itself */
	uid_t uid;
	const char *path; /* in the tree, without the leading slash; NULL: none */
	const char *job;  /* "operations/3"; NULL: none */
};

/* One line: "time=... pid=... uid=... path=... job=... errno=EBUSY what=\"...\" code=... request_id=...
 * remedy=\"...\"". */
void failures_add(struct failures *f, const struct failure_site *site, const struct error *err);
void failures_clear(struct failures *f);
int failures_render(struct failures *f, struct buf *out);
int64_t failures_changed(struct failures *f); /* wall clock ms of the last add or clear */

#endif
