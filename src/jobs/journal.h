/*
 * journal.h - what this machine began, so that it can be taken up after a crash.
 *
 * One small JSON file below the state directory: the last operations (kind, verb, argument, token, settings hash, how
 * they ended) and the last numbers of all kinds. It is a convenience, never the truth: what exists is what AWS says.
 * Written atomically (write, fsync, rename); a file that cannot be read is set aside as journal.json.bad and a new one
 * begun. Not thread-safe by itself: every function takes the journal's own lock.
 */
#ifndef VASTFS_JOBS_JOURNAL_H
#define VASTFS_JOBS_JOURNAL_H

#include "jobs/job.h"

#include <cjson/cJSON.h>

struct journal;

struct journal_entry {
	uint64_t number;
	char name[32], argument[32];
	char token[64];	      /* the client token that makes a repeated request the same request */
	char settings[24];    /* hash of the settings that it began with */
	enum job_state state; /* JOB_RUNNING: it had not ended when this was written */
	int exit_code;
	int64_t created_ms, started_ms, ended_ms;
	char result[512], message[768];
};

/* Reads dir/journal.json. */
int journal_open(const char *dir, struct journal **ret, struct error *err);
void journal_close(struct journal *j);

/* The last number given out for a kind. */
uint64_t journal_last_number(struct journal *j, enum job_kind kind);
/* Remembers it; written with the next entry at the latest. */
void journal_set_last_number(struct journal *j, enum job_kind kind, uint64_t number);

/* Adds or replaces the entry of that number and writes the file. -ENOSPC and the like: the journal goes on in memory.
 */
int journal_put(struct journal *j, const struct journal_entry *entry);

/* The entries, oldest first; index below journal_size. */
size_t journal_size(struct journal *j);
bool journal_get(struct journal *j, size_t index, struct journal_entry *ret);

/*
 * What an operation has to know again after a crash: short texts by name, kept in its entry. journal_remember returns
 * when they are on disk (write, fsync, rename); -ENOENT: no such entry. Replaces the value of that key.
 */
int journal_remember(struct journal *j, uint64_t number, const char *key, const char *value);
/* All of it as one object of strings, the caller's; NULL: nothing is remembered, or no memory. */
cJSON *journal_memory(struct journal *j, uint64_t number);

/* An ended entry back into the queued job that stands for it. */
void journal_entry_restore(const struct journal_entry *e, struct job *j);

/* Writes what is only in memory. */
int journal_flush(struct journal *j);

#endif
