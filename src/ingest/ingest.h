/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ingest.h - imports: from a writer's bytes to acknowledged batches.
 *
 * An import is what one open-write-close of import/<format> wrote. Its bytes are queued by the writer (any thread,
 * never blocking), cut, packed and put into the spool by one worker thread, which is the only one that touches the
 * disk, and delivered by the model, which takes batches from here on the engine thread. One lock guards it all; it
 * is held for list operations only.
 *
 * What survives vastfs is in the spool; ingest_recover makes imports of it again.
 */
#ifndef VASTFS_INGEST_INGEST_H
#define VASTFS_INGEST_INGEST_H

#include "ingest/spool.h"
#include "jobs/job.h"

#define INGEST_INPUT_MAX     (1 << 20)	/* bytes that one writer may be ahead of the worker */
#define INGEST_INPUT_ALL_MAX (16 << 20) /* all writers together */
#define INGEST_BATCH_AGE_MS  1000	/* a batch under way is delivered then, however small it is */

struct ingest;
struct import;
struct batch;

struct ingest_config {
	const char *directory; /* of the spool */
	/* Something can be delivered, or a writer that waited can go on. Any thread; quick; no call back into here. */
	void (*changed)(void *arg);
	/* An import has ended: all of it was delivered or rejected, or it was cancelled. Once; the worker, the caller
	 * of a delivery function, or the canceller. */
	void (*ended)(struct import *imp, void *arg);
	void *arg;
};

/* note: what a person should know about the spool; see spool_open. -ENOMEM. Starts no thread yet. */
int ingest_new(const struct ingest_config *config, struct ingest **ret, struct error *note);
/* Makes the imports that are in the spool: make gives each its job (a reference), or NULL without memory. */
int ingest_recover(struct ingest *in, struct job *(*make)(const struct batch_facts *facts, void *arg), void *arg,
		   struct error *note);
int ingest_start(struct ingest *in);
/* Takes in what writers have handed over, then ends the thread; what the delivery says later is done at once. */
void ingest_stop(struct ingest *in);
void ingest_free(struct ingest *in); /* NULL is fine */

/* Any thread: the most that may be in the spool, and whether batches are leaving it at the moment. */
void ingest_set_limit(struct ingest *in, uint64_t bytes);
void ingest_set_delivering(struct ingest *in, bool is_delivering);
int ingest_check(struct ingest *in, struct error *err); /* spool_check_version */

/* -- writers, any thread ----------------------------------------------------------------------------------------- */

/* facts: import, format, created_ms, pid, uid, ordered and place are used. Takes a reference to j. */
struct import *import_new(struct ingest *in, struct job *j, const struct batch_facts *facts);
struct import *import_ref(struct import *imp);
void import_unref(struct import *imp);
DEFINE_CLEANUP(struct import *, import_unref)

struct job *import_job(struct import *imp); /* no new reference */
uint64_t import_number(const struct import *imp);
/* The import of that number that has not ended or keeps rejected batches, with a reference; NULL: there is none. */
struct import *ingest_find(struct ingest *in, uint64_t number);

/* Queues the bytes. -EAGAIN: too far ahead of the worker; else why nothing more is taken, with a message. */
int import_write(struct import *imp, const void *data, size_t len, struct error *err);
bool import_is_writable(struct import *imp); /* a write would not be -EAGAIN */
/* done is called once, on the worker, when all that was written is durable, or with the reason why it is not. */
int import_sync(struct import *imp, void (*done)(int result, const struct error *err, void *arg), void *arg);
void import_end(struct import *imp); /* nothing more will be written */
void import_cancel(struct import *imp);

/* -- what is known, any thread ------------------------------------------------------------------------------------ */

struct import_counts {
	uint64_t events, bytes; /* taken in */
	uint64_t delivered, delivered_bytes;
	uint64_t rejected, rejected_bytes; /* kept */
	uint64_t refused;		   /* lines or packets that were not kept */
	uint64_t doubtful;		   /* events that may be there twice */
	unsigned batches, batches_waiting, batches_in_flight, batches_rejected;
	bool is_recovered; /* vastfs ended before it was delivered */
	bool is_written;   /* nothing more comes from its writer */
	bool is_cancelled;
	int exit_code;		    /* of the last batch that was rejected by its command */
	char batches_doubtful[128]; /* their numbers, for people */
	struct error error;	    /* the first that went wrong */
};

void import_counts(struct import *imp, struct import_counts *ret);

struct ingest_totals {
	unsigned imports;			/* that have not ended */
	uint64_t events_waiting, bytes_waiting; /* in the spool, not delivered; in flight included */
	uint64_t delivered, rejected;		/* events since the mount */
	uint64_t spool_bytes;
};

void ingest_totals(struct ingest *in, struct ingest_totals *ret);

/* Calls each with every import that has not ended, oldest first, without the lock. */
void ingest_each(struct ingest *in, void (*each)(struct import *imp, void *arg), void *arg);

/* -- delivery, engine thread --------------------------------------------------------------------------------------- */

/* The next batch to send, which is the caller's until it gives it back below. NULL: none that may_go accepts. */
struct batch *ingest_take(struct ingest *in, bool (*may_go)(const struct batch_facts *facts, void *arg), void *arg);

const struct batch_facts *batch_facts(const struct batch *b); /* without place and why */
struct import *batch_import(struct batch *b);		      /* no new reference */
unsigned batch_attempts(const struct batch *b);

/*
 * Marks the batch as sent, and reads it. loaded is called once, on the worker: data is the gzip stream, which it may
 * take; a negative errno: the batch has been given back already, the file is gone or damaged.
 */
void batch_load(struct batch *b, void (*loaded)(struct batch *b, struct buf *data, int result, void *arg), void *arg);

void batch_acknowledge(struct batch *b);
/* It goes back to the others, before them; may_be_there: it may have been delivered all the same. */
void batch_put_back(struct batch *b, bool may_be_there);
/* It is kept for people. exit_code: of the command, 0 if none ran. */
void batch_reject(struct batch *b, int exit_code, const char *why);

/* -- rejected batches, any thread -----------------------------------------------------------------------------------
 */

/* Their events, inflated, are read like a file. Reading blocks on the disk as outputs of jobs do (jobs/output.h). */
struct rejected;
struct rejected *rejected_open(struct import *imp); /* NULL without memory */
void rejected_close(struct rejected *r);	    /* NULL is fine */
uint64_t rejected_size(struct import *imp);
/* Copies at most len bytes; how many, 0 at the end, -EIO with a line in the log. Reading backwards begins anew. */
ssize_t rejected_read(struct rejected *r, uint64_t offset, void *out, size_t len);

/* Hands them over to another import, which has been made for it and is ended by this. The worker does it. */
int import_retry(struct import *from, struct import *to);
/* Deletes what it keeps. The worker does it. */
int import_forget(struct import *imp);

#endif
