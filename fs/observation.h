/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * observation.h - the state of the tree at one moment, for a comparison with its state at a later moment (changes.h).
 *
 * A snapshot is not enough, because its jobs continue to change and because some files (error, the logs) show data that
 * no snapshot contains. So an observation also holds the views of the jobs and notes about those files. The notifier
 * takes and owns observations.
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
	/* In the order of the snapshot's lists. NULL: the newest views. */
	struct job_view **views[JOB_KIND_MAX];
	struct note *notes; /* sorted by inode; a file that does not exist has no note */
	size_t notes_n, notes_room;
};

/* Notifier only. Returns -ENOMEM and leaves ret empty. */
int observation_take(struct fs *fs, struct observation *ret);
void observation_free(struct observation *o);

/* Returns a new reference to the view of a job at that moment. */
struct job_view *observation_view(const struct observation *o, struct job *j);

/* Returns whether changes of a row's files are found by notes instead of by the snapshot and the views. */
bool observation_is_noted(const struct row *row);
const struct note *observation_note(const struct observation *o, uint64_t inode); /* NULL: there is no note */

/* Binds a scope as scope_open() does, with the state at that moment. */
int observation_scope(struct scope *s, struct fs *fs, const struct observation *o, const struct row *row,
		      const char *key);

#endif
