/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal_record.h - makes and parses the records of the journal as JSON. Pure; a missing or wrong member reads as
 * empty.
 */
#ifndef VASTFS_JOBS_JOURNAL_RECORD_H
#define VASTFS_JOBS_JOURNAL_RECORD_H

#include "jobs/journal.h"

#define JOURNAL_FORMAT 2

/* Each appends one line. -ENOMEM: the buffer is unchanged. */
int journal_record_format(struct buf *out);
int journal_record_numbers(const uint64_t last[JOB_KIND_MAX], struct buf *out);
int journal_record_entry(const struct journal_entry *e, const cJSON *memory, struct buf *out);
int journal_record_deployed(const struct place *places, size_t n, struct buf *out);

/* A parsed line; the members point into the tree. */
void journal_parse_numbers(const cJSON *numbers, uint64_t last[JOB_KIND_MAX]);
void journal_parse_entry(const cJSON *o, struct journal_entry *e);
size_t journal_parse_deployed(const cJSON *array, struct place ret[static JOURNAL_DEPLOYED_MAX]);
int64_t journal_parse_number(const cJSON *o, const char *key); /* 0: not a number, or negative */

#endif
