/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inside.h - the inside of imports, for the files of this room only: ingest.c (life, the worker), intake.c (bytes to
 * batches), delivery.c (batches to acknowledgements), rejected.c.
 */
#ifndef VASTFS_INGEST_INSIDE_H
#define VASTFS_INGEST_INSIDE_H

#include "base/list.h"
#include "ingest/cutter.h"
#include "ingest/gunzip.h"
#include "ingest/ingest.h"
#include "ingest/packer.h"

#include <pthread.h>

/* What a writer has queued, in order. */
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
	struct list link; /* in its import */
	struct import *import;
	struct spool_file file;
	struct batch_facts facts;
	enum batch_state state;
	unsigned attempts;
	bool is_durable;
	bool may_be_there; /* an earlier attempt may have delivered it */
};

/* The part that only the worker touches. */
struct intake {
	struct gunzip gunzip;
	struct cutter cutter;
	struct cutter_sink sink;
	struct packer packer;
	struct buf header;	/* that every batch begins with now */
	struct list link;	/* in ingest.open while a batch is under way */
	int64_t opened_ms;	/* monotonic: when that began */
	uint32_t next_index;	/* of the next batch */
	uint64_t events, bytes; /* put into the spool */
	bool has_last_line;	/* in the spool */
	bool drops;		/* nothing more is put into the spool */
	bool is_made;
};

struct import {
	struct ref ref;
	struct ingest *ingest;
	struct list link; /* in ingest.imports until it has ended, then in ingest.kept while it keeps batches */
	struct list busy; /* in ingest.busy while pieces are queued */
	struct job *job;
	struct batch_facts facts; /* what its batches have in common */
	struct intake intake;

	/* under the lock */
	struct list pieces;
	size_t queued; /* bytes of data in them */
	bool is_full;  /* a writer was told so */
	struct list batches;
	struct import_counts counts;
	struct error fatal; /* why nothing more is taken; errnum 0: it is */
	int64_t blocked_ms; /* monotonic: there is no room in the spool, asked again then */
	bool has_ended;
};

/* Something else that the worker does. */
struct chore {
	struct list link;
	void (*run)(struct chore *t); /* frees it */
	struct batch *batch;
	struct import *import, *other;
	void (*loaded)(struct batch *b, struct buf *data, int result, void *arg);
	void *arg;
	int exit_code;
	char why[sizeof(((struct batch_facts *)0)->why)];
};

struct ingest {
	struct ingest_config config;
	struct spool *spool;
	_Atomic uint64_t limit;
	_Atomic bool is_delivering;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread, stopping;
	struct list imports, kept, busy, tasks; /* kept: ended, with rejected batches */
	size_t queued;				/* bytes of all imports */
	bool was_full;				/* a writer waits for room */
	uint64_t delivered, rejected;

	struct list open; /* worker: imports with a batch under way */
};

/* ingest.c */
void ingest_changed(struct ingest *in);
/* The worker runs the task; without a worker the caller does. */
void ingest_post(struct ingest *in, struct chore *t);
struct chore *chore_new(void (*run)(struct chore *t), struct batch *b, struct import *imp);
/* Ends the import if nothing of it is left to do. */
void import_settle(struct import *imp);
/* A line in the log; the first one is also the import's error. Takes the lock. */
void import_set_error(struct import *imp, const struct error *err);

/* intake.c, worker */
void intake_init(struct import *imp);
void intake_free(struct import *imp);
int intake_take(struct import *imp, const char *data, size_t len); /* an error is the import's from then on */
int intake_sync(struct import *imp, struct error *err);
void intake_end(struct import *imp);
/* Ends the batch under way, which can be delivered then. */
int intake_close(struct import *imp);
/* Whether data may be taken in: 1; 0: not now; a negative errno: never, which is the import's error. */
int intake_has_room(struct import *imp, size_t len);

/* Nothing more is taken from the writer. Takes the lock. */
void import_set_fatal(struct import *imp, const struct error *err);
/* A batch is gone: removes it from its import and frees it. Takes the lock. */
void batch_drop(struct batch *b);

/* delivery.c: a batch that is in the spool. NULL without memory. Takes the lock. */
struct batch *batch_add(struct import *imp, const struct batch_facts *facts, enum spool_state state);

#endif
