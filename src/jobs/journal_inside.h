/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_inside.h - the struct shared by journal.c (memory and writing) and journal_load.c (reading). For these only.
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
	struct error refusal;		/* why the journal is read-only in this mount; errnum 0: it is writable */
	uint64_t last[JOB_KIND_MAX];	/* last numbers given out */
	uint64_t written[JOB_KIND_MAX]; /* numbers reserved in the file; at least last */
	struct journal_entry entries[JOURNAL_ENTRIES_KEPT]; /* oldest first */
	cJSON *memory[JOURNAL_ENTRIES_KEPT];		    /* memory of the entry at the same index; NULL: none */
	size_t n;
	struct place deployed[JOURNAL_DEPLOYED_MAX]; /* oldest first */
	size_t deployed_n;
	size_t lines;	  /* lines that were read */
	size_t bad_lines; /* unreadable lines: if any, the file is preserved under another name before it is replaced */
	bool bad_previous; /* the file of the previous version is unreadable */
	bool stale;	   /* memory has records that the file lacks */
};

/* Replaces or adds the entry. Takes ownership of memory, which is dropped for an ended operation. */
void journal_entry_set(struct journal *j, const struct journal_entry *e, cJSON *memory);

/* Writes all records to a new file. durable: the old file is removed only when the new one is on disk. */
int journal_write_all(struct journal *j, bool durable);

/* Sets the message that the journal cannot be written; returns r. */
int journal_report(const struct journal *j, int r, struct error *err);

/*
 * journal_load.c: reads the existing file and opens it for appending. previous: path of the file of the previous
 * version.
 */
void journal_load(struct journal *j, const char *previous, struct error *note);

#endif
