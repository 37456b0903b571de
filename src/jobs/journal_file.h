/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_file.h - the file of the journal: appends a line, replaces the whole file, makes it durable.
 *
 * Not thread-safe: the caller holds the lock of the journal, except for journal_file_fsync().
 */
#ifndef VASTFS_JOBS_JOURNAL_FILE_H
#define VASTFS_JOBS_JOURNAL_FILE_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct journal_file {
	char *dir, *path; /* owned */
	int fd;		  /* open for appending; -1: the file must be replaced first */
	off_t size;
	bool renamed; /* the name is not durable yet */
};

int journal_file_init(struct journal_file *f, const char *dir);
void journal_file_free(struct journal_file *f);

/* Opens the existing file for appending; its content has been read and is valid. */
int journal_file_open(struct journal_file *f);

/* Whether a line can be appended: the file is open and still has its name. Otherwise closes it. */
bool journal_file_is_ready(struct journal_file *f);

/* Appends text (whole lines), all or nothing. After a failure that left a partial line, the file is not ready. */
int journal_file_append(struct journal_file *f, const char *text, size_t len);

/*
 * Replaces the file by text and opens the new file for appending. Creates the directory if it is missing. durable: the
 * old content is removed only after the new content is on disk.
 */
int journal_file_replace(struct journal_file *f, const char *text, size_t len, bool durable);

/* Preserves the current file under the name journal.jsonl.damaged-<time>. */
int journal_file_keep(const struct journal_file *f);

/* A descriptor for journal_file_fsync, or a negative errno; *ret_directory: -1, or the directory to sync as well. */
int journal_file_begin_sync(struct journal_file *f, int *ret_directory);
int journal_file_fsync(int fd, int directory); /* closes both */

#endif
