/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failures.h - the last failures, newest last, whose messages /error shows: 16 of each user, 16 of vastfs itself, and
 * 64 in total. A repeated failure is counted and moves to the end.
 *
 * Any thread. A short lock guards the copying of lines.
 */
#ifndef VASTFS_JOBS_FAILURES_H
#define VASTFS_JOBS_FAILURES_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

#define FAILURES_OF_USER 16
#define FAILURES_KEPT	 64

struct failures;

struct failures *failures_new(void);
void failures_free(struct failures *f);

struct failure_site {
	pid_t pid; /* 0: vastfs itself */
	uid_t uid;
	const char *path; /* path in the tree without the leading slash; NULL: none */
	const char *job;  /* "operations/3"; NULL: none */
};

/*
 * One line: "time=... pid=... uid=... path=... job=... errno=EBUSY what=\"...\" code=... request_id=... remedy=\"...\"
 * count=3 earlier=\"pid=... pid=...\"".
 */
void failures_add(struct failures *f, const struct failure_site *site, const struct error *err);
void failures_clear(struct failures *f);
int failures_render(struct failures *f, struct buf *out);

/* A failure as a plain value; texts that do not fit are truncated. */
struct failure_report {
	int64_t at_ms;	/* wall clock time of the last occurrence */
	unsigned count; /* number of occurrences */
	char path[256]; /* path and job are "" if there is none */
	char job[64];
	struct error error;
};

/* Copies the newest failures, newest first, at most max. Returns their number; *ret_all is the number of all. */
size_t failures_newest(struct failures *f, struct failure_report *out, size_t max, size_t *ret_all);
int64_t failures_changed(struct failures *f); /* wall clock ms of the last add or clear */

#endif
