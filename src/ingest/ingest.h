/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ingest.h - imports, from the bytes of a writer to acknowledged batches.
 *
 * An import is the data of one open, write and close of import/<format>. A writer on any thread queues its bytes and
 * never waits. One worker thread cuts and packs the bytes and stores batches in the spool; only this thread and readers
 * of rejected batches use the disk. The model takes batches on the engine thread and delivers them. One lock guards all
 * state. It is held for list operations only.
 *
 * The spool survives the end of vastfs. ingest_recover() makes imports from it again. Imports are counted by reference.
 */
#ifndef VASTFS_INGEST_INGEST_H
#define VASTFS_INGEST_INGEST_H

#include "ingest/spool.h"
#include "jobs/job.h"

#define INGEST_INPUT_MAX     (1 << 20)	/* bytes that one writer may be ahead of the worker */
#define INGEST_INPUT_ALL_MAX (16 << 20) /* the same limit for all writers together */
#define INGEST_BATCH_AGE_MS  1000	/* the age at which a batch is delivered, whatever its size */

struct ingest;
struct import;
struct batch;

struct ingest_config {
	const char *directory; /* directory of the spool */
	/*
	 * Is called when a batch can be delivered or a writer that waited can continue. It may run on any thread, must
	 * return quickly and must not call this module.
	 */
	void (*changed)(void *arg);
	/*
	 * Is called once when an import has ended: all its events were delivered or rejected, or it was cancelled. It
	 * runs on the worker, on the thread that called a delivery function, or on the thread that cancelled the
	 * import.
	 */
	void (*ended)(struct import *imp, void *arg);
	void *arg;
};

/* note gets a message for the user about the spool; see spool_open(). Returns -ENOMEM. No thread starts yet. */
int ingest_new(const struct ingest_config *config, struct ingest **ret, struct error *note);
/*
 * Makes imports from the batches in the spool. make returns a new reference to the job of an import, or NULL without
 * memory.
 */
int ingest_recover(struct ingest *in, struct job *(*make)(const struct batch_facts *facts, void *arg), void *arg,
		   struct error *note);
int ingest_start(struct ingest *in);
/*
 * Takes in the queued bytes of the writers, then ends the thread. Afterwards, the callers of the delivery functions do
 * the work of the worker.
 */
void ingest_stop(struct ingest *in);
void ingest_free(struct ingest *in); /* in may be NULL */

/* Sets the limit of the spool. Any thread. */
void ingest_set_limit(struct ingest *in, uint64_t bytes);
/*
 * ingest_set_delivering() tells whether batches are leaving the spool, so that writers wait when the disk is full.
 * ready is what ingest_ready() returned before the sender looked for batches: the number of those that had become ready
 * by then. Any thread.
 */
uint64_t ingest_ready(struct ingest *in);
void ingest_set_delivering(struct ingest *in, bool is_delivering, uint64_t ready);
int ingest_check(struct ingest *in, struct error *err); /* see spool_check_version() */

/* -- writers, any thread --------------------------------------------------------------------------------------- */

/*
 * Makes an import from these fields of facts: import, format, created_ms, pid, uid, ordered and place. Takes a
 * reference to j.
 */
struct import *import_new(struct ingest *in, struct job *j, const struct batch_facts *facts);
struct import *import_ref(struct import *imp);
void import_unref(struct import *imp);
DEFINE_CLEANUP(struct import *, import_unref)

struct job *import_job(struct import *imp); /* not a new reference */
uint64_t import_number(const struct import *imp);
const char *import_format(const struct import *imp);
const struct place *import_place(const struct import *imp); /* the destination of its events */
/* Returns a new reference to the import of that number if it has not ended or keeps rejected batches, else NULL. */
struct import *ingest_find(struct ingest *in, uint64_t number);

/*
 * Queues the bytes. Returns -EAGAIN if the writer is too far ahead of the worker. Another error with a message means
 * that the import takes no more bytes.
 */
int import_write(struct import *imp, const void *data, size_t len, struct error *err);
bool import_is_writable(struct import *imp); /* a write would not return -EAGAIN */
/* The worker calls done once: when all written bytes are durable, or with the reason why they are not. */
int import_sync(struct import *imp, void (*done)(int result, const struct error *err, void *arg), void *arg);
void import_end(struct import *imp); /* the writer has no more bytes */
void import_cancel(struct import *imp);

/* -- the state of imports, any thread -------------------------------------------------------------------------- */

struct import_counts {
	uint64_t events, bytes; /* accepted from the writer */
	uint64_t delivered, delivered_bytes;
	uint64_t rejected, rejected_bytes; /* kept */
	uint64_t refused;		   /* lines or packets that were not kept */
	uint64_t doubtful;		   /* events that may have been delivered twice */
	unsigned batches, batches_waiting, batches_in_flight, batches_rejected;
	bool is_recovered; /* an earlier vastfs ended before the import was delivered */
	bool is_written;   /* the writer has ended */
	bool is_cancelled;
	int exit_code;		    /* exit code of the command for the last batch that it rejected */
	char batches_doubtful[128]; /* the numbers of the batches with doubtful events, for messages */
};

void import_counts(struct import *imp, struct import_counts *ret);
void import_error(struct import *imp, struct error *ret); /* the first error; errnum 0: none */

struct ingest_totals {
	unsigned imports; /* imports that have not ended */
	uint64_t events_waiting,
		bytes_waiting;	      /* events in the spool that are not delivered, including batches in flight */
	uint64_t delivered, rejected; /* events since the mount */
	uint64_t spool_bytes;
};

void ingest_totals(struct ingest *in, struct ingest_totals *ret);

/* Calls each for every import that has not ended, in the order of their age and without the lock. */
void ingest_each(struct ingest *in, void (*each)(struct import *imp, void *arg), void *arg);

/* -- delivery, engine thread ----------------------------------------------------------------------------------- */

#define BATCH_GROUP_MAX 256

/*
 * The batches that one invocation delivers, in the order of their events in it. They belong to the caller of
 * ingest_take() until one of the functions below returns them.
 */
struct batch_group {
	size_t n;
	struct batch *batches[BATCH_GROUP_MAX];
	struct error failure; /* the reason why batches could not be read and were put back; errnum 0: none */
};

struct take_rules {
	bool (*may_go)(const struct place *place, void *arg); /* whether events for that place can be delivered */
	void *arg;
	bool delay_small; /* a group of small batches waits until it is full */
};

/*
 * Makes a group of the next batches. Small batches of one format go together if their streams can be concatenated, also
 * those of different imports. Any other batch is a group of its own. Returns false if no batch may be sent.
 */
bool ingest_take(struct ingest *in, const struct take_rules *rules, struct batch_group *ret);
bool batch_group_is_small(const struct batch_group *g); /* more batches could have joined the group */

struct batch_contents {
	uint64_t events, bytes, inflated; /* as in struct batch_facts */
};

uint32_t batch_index(const struct batch *b); /* number of the batch in its import, from 1 */
const struct batch_contents *batch_contents(const struct batch *b);
struct import *batch_import(struct batch *b); /* not a new reference */
unsigned batch_attempts(const struct batch *b);

/*
 * Marks the batches as sent and reads them. The worker calls loaded once. data is a gzip stream of one or more members,
 * and loaded may take its content. A batch that could not be read has left the group: it is lost if its file is missing
 * or damaged, else it was put back, and g->failure has the reason. g must stay valid until then.
 */
void batch_group_load(struct ingest *in, struct batch_group *g, void (*loaded)(struct buf *data, void *arg), void *arg);

void batch_acknowledge(struct batch *b);
/*
 * Returns the batch to the front of the waiting batches. may_be_there: the batch may have been delivered nevertheless.
 */
void batch_put_back(struct batch *b, bool may_be_there);
/*
 * The same, but from now on the batch shares no invocation with others, because one of them may be the cause of the
 * failure.
 */
void batch_put_back_alone(struct batch *b, bool may_be_there);
/* Keeps the batch for the user. exit_code is the exit code of the command, or 0 if no command ran. */
void batch_reject(struct batch *b, int exit_code, const char *why);

/* -- rejected batches, any thread ------------------------------------------------------------------------------ */

/*
 * A reader of the rejected events, inflated. A read may block on the disk, as reads of job output do (jobs/output.h).
 */
struct rejected;
struct rejected *rejected_open(struct import *imp); /* NULL: out of memory */
void rejected_close(struct rejected *r);	    /* r may be NULL */
uint64_t rejected_size(struct import *imp);
/*
 * Copies at most len bytes. Returns their number, 0 at the end, or -EIO with a line in the log. A read at a lower
 * offset inflates the data from the start.
 */
ssize_t rejected_read(struct rejected *r, uint64_t offset, void *out, size_t len);

/*
 * Moves the rejected batches to another import. The caller has made that import for this purpose, and this function
 * ends it. The worker does the work.
 */
int import_retry(struct import *from, struct import *to);
/* Deletes the rejected batches. The worker does the work. */
int import_forget(struct import *imp);

#endif
