/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inside.h - the internals of imports, which only the files of this directory include: ingest.c (life of imports),
 * worker.c (the thread), intake.c (from bytes to batches), delivery.c (from batches to acknowledgements) and
 * rejected.c.
 *
 * The lock of struct ingest guards the lists, the counts and the states of batches. The worker alone uses struct intake
 * and ingest.open.
 */
#ifndef VASTFS_INGEST_INSIDE_H
#define VASTFS_INGEST_INSIDE_H

#include "base/list.h"
#include "ingest/cutter.h"
#include "ingest/gunzip.h"
#include "ingest/ingest.h"
#include "ingest/packer.h"

#include <pthread.h>

/* The pieces that a writer has queued, in order. */
enum piece_kind { PIECE_DATA, PIECE_SYNC, PIECE_END };
struct piece {
	struct list link;
	enum piece_kind kind;
	size_t len;
	void (*done)(int result, const struct error *err, void *arg); /* PIECE_SYNC */
	void *arg;
	char data[];
};

enum batch_state { BATCH_READY, BATCH_TAKEN, BATCH_KEPT };

struct batch {
	struct list link; /* member of the list of its import */
	struct import *import;
	struct spool_file file;
	struct batch_contents contents;
	uint64_t size; /* approximate number of bytes of the file */
	enum batch_state state;
	unsigned attempts;
	bool is_durable;
	bool goes_alone;    /* shares no invocation with other batches */
	bool may_be_there;  /* an earlier attempt may have delivered the batch */
	bool is_incomplete; /* recovery: a last line that would be rejected */
};

/* The part of an import that only the worker uses, and that exists until the writer has ended. */
struct intake {
	struct import *import;
	struct batch_facts facts; /* the facts that all its batches share */
	struct gunzip gunzip;
	struct cutter cutter;
	struct cutter_sink sink;
	struct packer packer;
	struct packer oversized;  /* the current unit, if it is longer than the cutter takes */
	bool oversized_is_lost;	  /* that unit is larger than a batch, so it is not kept */
	struct buf header;	  /* the current header of every batch */
	struct list link;	  /* member of ingest.open while a batch is being made */
	int64_t opened_ms;	  /* monotonic; the time at which the current batch started */
	uint32_t next_index;	  /* number of the next batch */
	uint64_t events, bytes;	  /* stored in the spool */
	bool has_last_line;	  /* the spool has a last line */
	uint32_t last_line_index; /* its number; data of that number or a later one has replaced it */
	bool drops;		  /* no more bytes are stored in the spool */
};

/* A place that imports share. */
struct shared_place {
	struct ref ref;
	struct place place;
};

/*
 * Thousands of imports may wait for a server, so the parts that most of them do not need are separate: struct intake,
 * errors and the place.
 */
struct import {
	struct ref ref;
	struct ingest *ingest;
	/* In ingest.imports until the import has ended, then in ingest.kept while it keeps batches. */
	struct list link;
	struct list busy; /* member of ingest.busy while pieces are queued */
	struct job *job;
	uint64_t number;
	char format[FORMAT_NAME_MAX + 1];
	bool is_ordered; /* the batches are delivered one after the other */
	struct shared_place *place;
	struct intake *intake; /* NULL after the writer has ended */

	/* guarded by the lock: */
	struct list pieces;
	size_t queued; /* bytes of data in the pieces */
	bool is_full;  /* a write returned -EAGAIN */
	struct list batches;
	struct import_counts counts;
	struct error *error;		  /* the first error; NULL: none */
	struct error *fatal;		  /* the reason why no more bytes are taken; NULL: bytes are taken */
	int64_t blocked_ms;		  /* monotonic; the spool has no room, and the worker tries again then */
	uint64_t seen_events, seen_bytes; /* recovery: those of all batches up to the last one in the spool */
	bool has_ended; /* nothing is left to do; the list still has the import until its end has been told */
};

/* A task of the worker. */
struct chore {
	struct list link;
	void (*run)(struct chore *t); /* frees the task */
	struct batch *batch;
	struct import *import, *other; /* import is NULL for a group */
	struct batch_group *group;
	void (*loaded)(struct buf *data, void *arg);
	void *arg;
	int exit_code;
	char why[sizeof(((struct batch_facts *)0)->why)];
};

struct ingest {
	struct ingest_config config;
	struct spool *spool;
	_Atomic uint64_t limit;
	_Atomic bool is_delivering;
	_Atomic uint64_t ready;	  /* batches that became ready so far */
	_Atomic uint64_t offered; /* of these, the ones that is_delivering takes into account */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread, stopping;
	struct list imports, kept, busy, tasks; /* kept: ended imports with rejected batches */
	struct shared_place *place;		/* the place of the newest import; NULL: none */
	size_t queued;				/* bytes of all imports */
	bool was_full;				/* a writer waits for room */
	uint64_t delivered, rejected;

	struct list open; /* worker only: imports with a batch under way */
};

/* worker.c. ingest_post() makes the worker run the task. Without a worker, the caller runs it. */
void ingest_post(struct ingest *in, struct chore *t);
struct chore *chore_new(void (*run)(struct chore *t), struct batch *b, struct import *imp);

/* ingest.c */
void ingest_changed(struct ingest *in);
/* Ends the import if none of its work is left. The caller has a reference. */
void import_settle(struct import *imp);
/* Makes the first error the error of the import. Returns whether this is the first one. Takes the lock. */
bool import_keep_error(struct import *imp, const struct error *err);
/* Adds a line to the log. The first error also becomes the error of the import. Takes the lock. */
void import_set_error(struct import *imp, const struct error *err);

/* intake.c, worker. intake_new() returns NULL without memory. */
struct intake *intake_new(struct import *imp, const struct batch_facts *facts);
void intake_free(struct import *imp);
int intake_take(struct import *imp, const char *data, size_t len); /* an error becomes the error of the import */
int intake_sync(struct import *imp, struct error *err);
void intake_end(struct import *imp);
/* Ends the current batch, so that it can be delivered. */
int intake_close(struct import *imp);
/*
 * Returns 1 if data may be taken in, 0 if the spool has no room at present, or a negative errno if no data can ever be
 * taken in. The errno becomes the error of the import.
 */
int intake_has_room(struct import *imp, size_t len);

/* Refuses all further bytes of the writer. Takes the lock. */
void import_set_fatal(struct import *imp, const struct error *err);
/* Removes a batch from its import and frees it. Takes the lock. */
void batch_drop(struct batch *b);

/*
 * delivery.c: removes a batch in flight, whose file is missing or damaged, from its import. err has the reason, and
 * becomes an error of the import. Takes the lock.
 */
void batch_lose(struct batch *b, struct error *err);

/*
 * delivery.c: adds a batch that is in the spool and has about size bytes there. Returns NULL without memory. Takes the
 * lock.
 */
struct batch *batch_add(struct import *imp, const struct batch_facts *facts, enum spool_state state, uint64_t size);

#endif
