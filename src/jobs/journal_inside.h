/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_inside.h - the journal's own: what journal.c (keeping and writing) and journal_load.c (reading) share.
 */
#ifndef VASTFS_JOBS_JOURNAL_INSIDE_H
#define VASTFS_JOBS_JOURNAL_INSIDE_H

#include "jobs/journal.h"
#include "jobs/journal_file.h"
#include "jobs/journal_record.h"

#include <pthread.h>

#define JOURNAL_ENTRIES_KEPT 100
#define JOURNAL_FILE_MAX     (64 << 20)

struct journal {
	pthread_mutex_t lock;
	struct journal_file file;
	struct error refusal;		/* why nothing can be written in this mount; errnum 0: it can */
	uint64_t last[JOB_KIND_MAX];	/* given out */
	uint64_t written[JOB_KIND_MAX]; /* the file says that these may have been given out; at least last */
	struct journal_entry entries[JOURNAL_ENTRIES_KEPT]; /* oldest first */
	cJSON *memory[JOURNAL_ENTRIES_KEPT];		    /* of the entry at the same index; NULL: nothing */
	size_t n;
	struct place deployed[JOURNAL_DEPLOYED_MAX]; /* oldest first */
	size_t deployed_n;
	size_t lines;	   /* that were read */
	size_t bad_lines;  /* of them, unreadable: the file is kept under another name before it is replaced */
	bool bad_previous; /* so is the previous version's file */
	bool stale;	   /* the file lacks something that is known here */
};

/* Replaces or adds the entry. Takes memory; an ended operation needs none. */
void journal_entry_set(struct journal *j, const struct journal_entry *e, cJSON *memory);

/* Writes all that is known as a new file. durable: the old one is given up only when the new one is on disk. */
int journal_write_all(struct journal *j, bool durable);

/* Says that the journal cannot be written; returns r. */
int journal_report(const struct journal *j, int r, struct error *err);

/* journal_load.c: reads what there is and makes it the file to append to; previous: path of the older file. */
void journal_load(struct journal *j, const char *previous, struct error *note);

#endif
