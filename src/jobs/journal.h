/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * journal.h - what this machine began, so that it is found again after a crash.
 *
 * A log of records below the state directory, journal.jsonl, each a JSON object on a line of its own; a later record
 * replaces an earlier one of the same kind and number:
 *
 *	{"journal":2}                      the format; always the first line
 *	{"numbers":{"operations":7,...}}   the last number of each kind that may have been given out
 *	{"entry":{"number":7,...}}         an operation as it is now
 *	{"deployed":[{"stack":...},...]}   the stacks that this configuration has deployed, and where
 *
 * Records are appended by write(2), which a kill of vastfs cannot undo; journal_sync makes them safe from a power cut.
 * The log is written anew (temporary file, rename) at mount where it has superseded or unreadable lines, and whenever
 * it is not the file under that name any more (the directory was removed). A last line that was cut short is left out;
 * other unreadable lines too, and the file is then kept under another name. A file of a newer vastfs, or one that
 * cannot be read, is not touched: its operations and numbers are not known, so new ones are refused. The previous
 * version's journal.json is taken over and renamed to journal.json.old.
 *
 * The journal is never the truth about AWS: what exists is what AWS says. Any thread: every function takes the
 * journal's own lock, which nobody holds during an fsync except at journal_open.
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
	struct place place;	/* where it acts; the account is known before the first call that changes anything */
	char credentials[20];	/* hash of the access key ID at hand when it was accepted; "": not known */
	char settings_hash[24]; /* only in an entry of the previous version, in place of place and settings */
	enum job_state state;	/* JOB_QUEUED, JOB_RUNNING: it had not ended when this was written */
	int exit_code;
	int64_t created_ms, started_ms, ended_ms;
	char result[512], message[768];
};

/*
 * Reads the journal in dir. Fails only without memory. note is set (errnum, message, remedy) if there is something that
 * a person should know: lines were unreadable, or new operations will be refused.
 */
int journal_open(const char *dir, struct journal **ret, struct error *note);
/* Writes what is only in memory, and closes. NULL is fine. */
void journal_close(struct journal *j);

/* The last number given out for a kind. */
uint64_t journal_last_number(struct journal *j, enum job_kind kind);
/* Remembers it, so that no number is given out twice, also after a crash. */
void journal_set_last_number(struct journal *j, enum job_kind kind, uint64_t number);

/*
 * Adds the entry of a new operation, with the text of the settings that it was accepted with. It is written when this
 * returns 0 (not synced). Otherwise a negative errno with a message: nothing was added, the operation must be refused.
 */
int journal_add(struct journal *j, const struct journal_entry *entry, const char *settings, struct error *err);

/* Replaces the entry of that number. A negative errno: it is known in memory, and written as soon as possible. */
int journal_update(struct journal *j, const struct journal_entry *entry);

/* Waits until all that was written is on disk. */
int journal_sync(struct journal *j);

/*
 * What an operation has to know again after a crash: short texts by name, kept in its entry until it ends.
 * journal_remember returns when they are on disk; -ENOENT: no such entry. Replaces the value of that key.
 */
int journal_remember(struct journal *j, uint64_t number, const char *key, const char *value);
/* All of it as one object of strings, the caller's; NULL: nothing is remembered, or no memory. */
cJSON *journal_memory(struct journal *j, uint64_t number);
#define JOURNAL_SETTINGS "settings" /* the key of journal_add's settings */

/* The entries, oldest first; index below journal_size. */
size_t journal_size(struct journal *j);
bool journal_get(struct journal *j, size_t index, struct journal_entry *ret);

/* An ended entry back into the queued job that stands for it. */
void journal_entry_restore(const struct journal_entry *e, struct job *j);

/* The stacks that this configuration has deployed and not seen deleted since. At most JOURNAL_DEPLOYED_MAX. */
void journal_deployed_add(struct journal *j, const struct place *p);	/* replaces the same place */
void journal_deployed_remove(struct journal *j, const struct place *p); /* the same account, region, endpoint, stack */
size_t journal_deployed(struct journal *j, struct place ret[static JOURNAL_DEPLOYED_MAX]);

#endif
