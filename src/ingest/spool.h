/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spool.h - the batches that wait on this machine. They are stored in a directory below the state directory of the
 * configuration, one file per batch (ingest/batch.h).
 *
 * A file is written under a temporary name and renamed when it is complete, so a file under its own name is never
 * incomplete. The name shows the state of the delivery. A rename changes it, so the names after a crash show exactly
 * what was done. Removing the file is the acknowledgement. The file "format" has the version of the directory.
 *
 * Every function may block on the disk. One thread at a time may call them; spool_bytes() and spool_check_version() are
 * safe on any thread. Error messages name the directory and, where the user can solve the problem, the remedy. The
 * caller owns the struct spool.
 */
#ifndef VASTFS_INGEST_SPOOL_H
#define VASTFS_INGEST_SPOOL_H

#include "base/error.h"
#include "ingest/batch.h"

enum spool_state {
	SPOOL_WAITING,	/* never sent */
	SPOOL_SENT,	/* the batch may have been sent; another delivery may deliver its events twice */
	SPOOL_REJECTED, /* kept for the user */
	/* A last line without its end, one per import. See struct batch_facts.is_last_line. */
	SPOOL_LAST_LINE,
	SPOOL_STATES,
};

struct spool;

/* A file of the spool. */
struct spool_file {
	uint64_t import;
	uint32_t index;
	enum spool_state state;
};

/*
 * Opens the spool. The only failure is out of memory. If the spool cannot be used, note and every later spool_put()
 * have the reason. note is also set if files were damaged. Damaged files are renamed to *.damaged.
 */
int spool_open(const char *directory, struct spool **ret, struct error *note);
void spool_close(struct spool *s); /* s may be NULL */

/*
 * Calls found for every batch, sorted by import and batch. size is the size of the file. Call this function before
 * spool_put().
 */
int spool_recover(struct spool *s,
		  int (*found)(const struct spool_file *file, const struct batch_facts *facts, uint64_t size,
			       void *arg),
		  void *arg, struct error *note);

/*
 * Returns -EPROTO with a message if a newer vastfs wrote the spool. Any thread may call this function, because it uses
 * memory only.
 */
int spool_check_version(const struct spool *s, struct error *err);

uint64_t spool_bytes(const struct spool *s); /* bytes of all its files; any thread */

enum spool_room {
	SPOOL_HAS_ROOM,
	SPOOL_AT_LIMIT,	 /* the spool has limit bytes */
	SPOOL_DISK_FULL, /* only the last tenth of the disk is free */
};

/* Returns whether len more bytes may be stored. */
enum spool_room spool_room(struct spool *s, uint64_t limit, size_t len);

/* Makes the file, which is not durable yet. It replaces the last line of the import. */
int spool_put(struct spool *s, enum spool_state state, const struct batch_facts *facts, const struct buf *data,
	      struct error *err);
/*
 * These functions wait until a file, or the names of all files, are on disk. They succeed for a file that no longer
 * exists.
 */
int spool_sync_file(struct spool *s, const struct spool_file *file, struct error *err);
int spool_sync_names(struct spool *s, struct error *err);

/* Appends the gzip data. Returns -ENOENT if the file was removed, or -EBADMSG if it is damaged. */
int spool_load(struct spool *s, const struct spool_file *file, struct buf *out, struct batch_facts *ret_facts,
	       struct error *err);
int spool_move(struct spool *s, struct spool_file *file, enum spool_state to, struct error *err);
/* Moves the file to SPOOL_REJECTED with the reason in it. The change is durable. */
int spool_reject(struct spool *s, struct spool_file *file, const char *why, struct error *err);
int spool_remove(struct spool *s, const struct spool_file *file, struct error *err);

#endif
