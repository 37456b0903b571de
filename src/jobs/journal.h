/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.h - a record of the operations of this machine, so that they are found again after a crash.
 *
 * A log of records below the state directory, journal.jsonl, each a JSON object on a line of its own; a later record
 * replaces an earlier one of the same kind and number:
 *
 *	{"journal":2}                      the format; always the first line
 *	{"numbers":{"operations":7,...}}   the last number of each kind that may have been given out
 *	{"entry":{"number":7,...}}         the current state of an operation
 *	{"deployed":[{"stack":...},...]}   the stacks that this configuration has deployed, and where
 *
 * Records are appended by write(2), which a kill of vastfs cannot undo; journal_sync makes them safe from a power cut.
 * The log is rewritten (temporary file, rename) at mount if it has superseded or unreadable lines, and whenever the
 * open file is no longer the file under that name (the directory was removed). An incomplete last line is ignored;
 * other unreadable lines too, and then the old file is preserved under another name. A file of a newer vastfs, or one
 * that cannot be read, is not changed: its operations and numbers are unknown, so new operations are refused. The file
 * journal.json of the previous version is imported and renamed to journal.json.old.
 *
 * The journal is no evidence of what exists in AWS; operations always ask AWS. Any thread: every function takes the
 * lock of the journal, which is not held during an fsync except in journal_open().
 */
#ifndef VASTFS_JOBS_JOURNAL_H
#define VASTFS_JOBS_JOURNAL_H

#include "jobs/job.h"
#include "jobs/place.h"

#include <cjson/cJSON.h>

#define JOURNAL_DEPLOYED_MAX 16

struct journal;

struct journal_entry {
	uint64_t number;
	char name[32], argument[32];
	char token[64];		/* the client token that makes a repeated request the same request */
	struct place place;	/* account, region, endpoint and stack; the account is known before the first call that
				   changes anything */
	char credentials[20];	/* hash of the access key ID in use when the operation was accepted; "": unknown */
	char settings_hash[24]; /* only in an entry of the previous version, instead of place and settings */
	enum job_state state;	/* JOB_QUEUED, JOB_RUNNING: it had not ended when the record was written */
	int exit_code;
	int64_t created_ms, started_ms, ended_ms;
	char result[512], message[768];
};

/*
 * Reads the journal in dir. The only failure is missing memory. note is set (errnum, message, remedy) if lines were
 * unreadable, or new operations will be refused.
 */
int journal_open(const char *dir, struct journal **ret, struct error *note);
/* Writes records that are only in memory, and closes the journal. NULL is allowed. */
void journal_close(struct journal *j);

/* The last number given out for a kind. */
uint64_t journal_last_number(struct journal *j, enum job_kind kind);
/* Records the number, so that no number is given out twice, also after a crash. */
void journal_set_last_number(struct journal *j, enum job_kind kind, uint64_t number);

/*
 * Adds the entry of a new operation, with the text of the settings that it was accepted with. 0: it
 * was written (not synced). Otherwise a negative errno with err set: nothing was added, the operation must be refused.
 */
int journal_add(struct journal *j, const struct journal_entry *entry, const char *settings, struct error *err);

/* Replaces the entry of that number. A negative errno: it is only in memory, and written with the next record. */
int journal_update(struct journal *j, const struct journal_entry *entry);

/* Waits until all written records are on disk. */
int journal_sync(struct journal *j);

/*
 * These functions store the data that an operation needs after a crash: short texts by key, in the operation's entry
 * until it ends. journal_remember() replaces the value of the key and returns when it is on disk; -ENOENT: no such
 * entry.
 */
int journal_remember(struct journal *j, uint64_t number, const char *key, const char *value);
/* All texts as one object of strings, owned by the caller; NULL: there are none. 0 or -ENOMEM. */
int journal_memory(struct journal *j, uint64_t number, cJSON **ret);
#define JOURNAL_SETTINGS "settings" /* the key of journal_add's settings */

/* The entries, oldest first; index below journal_size. */
size_t journal_size(struct journal *j);
bool journal_get(struct journal *j, size_t index, struct journal_entry *ret);

/* Sets the state of a queued job from its ended entry. */
void journal_entry_restore(const struct journal_entry *e, struct job *j);

/* The stacks that this configuration has deployed and not deleted. At most JOURNAL_DEPLOYED_MAX. */
void journal_deployed_add(struct journal *j, const struct place *p); /* replaces an equal place */
void journal_deployed_remove(
	struct journal *j,
	const struct place *p); /* removes the place with the same account, region, endpoint and stack */
size_t journal_deployed(struct journal *j, struct place ret[static JOURNAL_DEPLOYED_MAX]);

#endif
