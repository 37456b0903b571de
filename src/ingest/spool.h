/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spool.h - the batches that wait on this machine: a directory with a file a batch (ingest/batch.h), below the state
 * directory of the configuration.
 *
 * A file is written under a temporary name and renamed when it is whole, so a file under its own name is never half
 * written. Its name tells what is known about its delivery, and is changed by rename: what a crash leaves behind is
 * exactly what was done. Removing the file is the acknowledgement. The file "format" has the version of all this.
 *
 * Every function may block on the disk; one thread at a time, but for spool_bytes. Errors have words that name the
 * directory and, where somebody can do something, the remedy.
 */
#ifndef VASTFS_INGEST_SPOOL_H
#define VASTFS_INGEST_SPOOL_H

#include "base/error.h"
#include "ingest/batch.h"

enum spool_state {
	SPOOL_WAITING,	 /* never sent */
	SPOOL_SENT,	 /* may have been sent: if it is sent again, its events may be there twice */
	SPOOL_REJECTED,	 /* kept for people */
	SPOOL_LAST_LINE, /* a last line without its end, one an import; see struct batch_facts.is_last_line */
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
 * Never fails but without memory: a spool that cannot be used says so, in note and whenever something is to be put into
 * it. note is also set if files were damaged; they are set aside under the name *.damaged.
 */
int spool_open(const char *directory, struct spool **ret, struct error *note);
void spool_close(struct spool *s); /* NULL is fine */

/* Calls found with every batch, in the order of imports and batches; size: of the file. Before anything is put. */
int spool_recover(struct spool *s,
		  int (*found)(const struct spool_file *file, const struct batch_facts *facts, uint64_t size,
			       void *arg),
		  void *arg, struct error *note);

/* Whether the spool was written by a newer vastfs: -EPROTO with a message. Any thread; from memory. */
int spool_check_version(const struct spool *s, struct error *err);

uint64_t spool_bytes(const struct spool *s); /* of all its files. Any thread */

enum spool_room {
	SPOOL_HAS_ROOM,
	SPOOL_AT_LIMIT,	 /* limit bytes are waiting */
	SPOOL_DISK_FULL, /* the last tenth of the disk is left alone */
};

/* Whether len more bytes may be put. */
enum spool_room spool_room(struct spool *s, uint64_t limit, size_t len);

/* Makes the file, not durable yet. Replaces the import's last line. */
int spool_put(struct spool *s, enum spool_state state, const struct batch_facts *facts, const struct buf *data,
	      struct error *err);
/* Waits until a file, or the names of all files, are on disk. A file that is gone needs no waiting. */
int spool_sync_file(struct spool *s, const struct spool_file *file, struct error *err);
int spool_sync_names(struct spool *s, struct error *err);

/* Appends the gzip data. -ENOENT: somebody removed the file; -EBADMSG: it is damaged. */
int spool_load(struct spool *s, const struct spool_file *file, struct buf *out, struct batch_facts *ret_facts,
	       struct error *err);
int spool_move(struct spool *s, struct spool_file *file, enum spool_state to, struct error *err);
/* Moves it to SPOOL_REJECTED with the reason in it, durably. */
int spool_reject(struct spool *s, struct spool_file *file, const char *why, struct error *err);
int spool_remove(struct spool *s, const struct spool_file *file, struct error *err);

#endif
