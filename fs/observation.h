/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * observation.h - the tree at one moment, to be compared with the tree at a later one (changes.h).
 *
 * A snapshot alone does not do: its jobs go on changing, and some files show what is in no snapshot (error, the logs).
 * So an observation holds the views of the jobs too, and notes about those files.
 */
#ifndef VASTFS_FS_OBSERVATION_H
#define VASTFS_FS_OBSERVATION_H

#include "fs/names.h"
#include "jobs/job.h"

struct note {
	uint64_t inode;
	int64_t changed_ms;
	off_t size;
};

struct observation {
	struct snapshot *snapshot;
	struct job_view **views[JOB_KIND_MAX]; /* in the order of the snapshot's lists; NULL: the newest views */
	struct note *notes;		       /* sorted by inode; a file that is not there has none */
	size_t notes_n, notes_room;
};

/* The notifier. -ENOMEM: ret is empty then. */
int observation_take(struct fs *fs, struct observation *ret);
void observation_free(struct observation *o);

/* A new reference to the view of a job at that moment. */
struct job_view *observation_view(const struct observation *o, struct job *j);

/* Whether a row's files are told apart by notes rather than by the snapshot and the views. */
bool observation_is_noted(const struct row *row);
const struct note *observation_note(const struct observation *o, uint64_t inode); /* NULL: there is none */

/* As scope_open, at that moment. */
int observation_scope(struct scope *s, struct fs *fs, const struct observation *o, const struct row *row,
		      const char *key);

#endif
