/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_file.h - the journal's log on disk: appending a line, replacing the whole, making it durable.
 *
 * Not thread-safe: the journal's lock is held, but for journal_file_fsync.
 */
#ifndef VASTFS_JOBS_JOURNAL_FILE_H
#define VASTFS_JOBS_JOURNAL_FILE_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct journal_file {
	char *dir, *path; /* owned */
	int fd;		  /* open for appending; -1: the whole has to be written first */
	off_t size;
	bool renamed; /* the name is not durable yet */
};

int journal_file_init(struct journal_file *f, const char *dir);
void journal_file_free(struct journal_file *f);

/* Opens the file as it is, for appending; its content has been read and is good. */
int journal_file_open(struct journal_file *f);

/* Whether a line can be appended: the file is open, and it is the one under its name. Closes it if it is not. */
bool journal_file_is_ready(struct journal_file *f);

/* Appends text (whole lines), all or nothing. After a failure that left a part behind, the file is not ready. */
int journal_file_append(struct journal_file *f, const char *text, size_t len);

/*
 * Replaces the file by text, from then on the one that is appended to. Makes the directory if it is missing. durable:
 * the old content is given up only when the new one is on disk.
 */
int journal_file_replace(struct journal_file *f, const char *text, size_t len, bool durable);

/* Keeps what is in the file now under another name beside it: journal.jsonl.damaged-<time>. */
int journal_file_keep(const struct journal_file *f);

/* A descriptor for journal_file_fsync, or a negative errno; *ret_directory: -1, or the directory to sync as well. */
int journal_file_begin_sync(struct journal_file *f, int *ret_directory);
int journal_file_fsync(int fd, int directory); /* closes both */

#endif
