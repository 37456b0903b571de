/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - open files, and the classes of files that say what opening, reading and writing do.
 *
 * A class function runs on the loop thread and never waits. It returns 0 when all is well, FILE_ANSWERED when it has
 * answered the request itself or parked it, or a negative errno with a message in c->err: the caller refuses then.
 */
#ifndef VASTFS_FS_FILE_H
#define VASTFS_FS_FILE_H

#include "fs/fs.h"
#include "fs/names.h"

#include <pthread.h>

#define FILE_ANSWERED 1

struct memory_file;
struct log_follow;
struct import;
struct rejected;

struct handle {
	struct list link; /* of fs->open_files */
	struct node *node;
	const struct file_class *class;
	int flags;	     /* O_* */
	uint32_t open_flags; /* FOPEN_* for the kernel */

	struct buf text; /* text files: the rendering that reads go on in; queries and settings: what was written */
	bool rendered;

	/* Waiting files, and files that have written: the job they are bound to and how far they have read it. */
	struct job *job;
	bool is_past;	      /* one of history: no EIO at its end */
	bool sniffer;	      /* sees an empty file */
	pthread_mutex_t lock; /* guards the next two: the notifier answers too */
	size_t cursor;
	bool consumed;

	unsigned writes; /* queries: since the last commit */
	struct requester writer;
	bool dirty;	   /* settings: written since the last save */
	struct blob *base; /* settings: the text that the draft began with; NULL: with nothing */
	size_t written_to; /* settings: where what was written since then ends */
	int spoilt;	   /* why a write was refused, 0: none was; the rest of it is not taken for a whole */

	struct import *import;	   /* import/{format}: since the first write, until it is ended */
	struct rejected *rejected; /* what is read of a rejected batch */

	struct memory_file *memory;
	struct stream *stream;
	struct log_follow *follow;
	struct blob *page; /* an older part of the log, fetched again; under the lock */
	uint64_t page_at;

	struct poll_watch watch;
	struct handle *next_orphan;
};

struct file_class {
	/* Before a handle exists (open for writing, h NULL) and at a touch: may this be done now? */
	int (*admit)(struct call *c, const struct scope *s);
	int (*open)(struct call *c, const struct scope *s, struct handle *h);
	int (*read)(struct call *c, struct handle *h, size_t size, off_t offset);
	int (*write)(struct call *c, struct handle *h, const char *data, size_t len, off_t offset);
	int (*flush)(struct call *c, struct handle *h);
	int (*fsync)(struct call *c, struct handle *h);		       /* NULL: there is nothing to make durable */
	int (*truncate)(struct call *c, struct handle *h, off_t size); /* h NULL: by path */
	/* By path, for classes to which that is another thing than by handle; NULL: truncate is asked. */
	int (*truncate_path)(struct call *c, const struct scope *s, off_t size);
	int (*touch)(struct call *c, const struct scope *s);
	void (*release)(struct call *c, struct handle *h);
	/* The true size, where rendering is not the way to find it. */
	off_t (*size)(const struct scope *s);
	/* Events now; arms the handle's watch by setting what it has seen. NULL: always readable. */
	unsigned (*poll)(const struct scope *s, struct handle *h);
};

extern const struct file_class class_text;     /* rendered */
extern const struct file_class class_errors;   /* rendered; a write clears */
extern const struct file_class class_log;      /* append-only */
extern const struct file_class class_wait;     /* of a job: at its end, or as it grows */
extern const struct file_class class_control;  /* verbs */
extern const struct file_class class_cancel;   /* of a query */
extern const struct file_class class_stop;     /* of a task */
extern const struct file_class class_check;    /* of a task */
extern const struct file_class class_query;    /* a command, then its result */
extern const struct file_class class_import;   /* events, then the outcome */
extern const struct file_class class_rejected; /* events that were rejected */
extern const struct file_class class_retry;    /* of a rejected batch */
extern const struct file_class class_settings; /* default.env */
extern const struct file_class class_memory;   /* temporary files */

/* stderr does not wait: a reader of it wants to see what there is. */
enum wait_what { WAIT_RESULT, WAIT_EXIT_CODE, WAIT_NOT_STDERR };

/* Opens without asking admit again. Counts the node's handle. */
int file_open(struct call *c, struct node *n, int flags, struct handle **ret);
void file_free(struct call *c, struct handle *h);
/* Any thread: the kernel never got this handle; the loop thread frees it with its next call. */
void file_orphan(struct fs *fs, struct handle *h);
void file_free_orphans(struct call *c);
/* After the loop: what was open when the mount ended. A query that was never closed is not run. */
void file_free_all(struct fs *fs);
/*
 * Answers OPEN by hand: the library has no field for FOPEN_STREAM, without which a process that shares the open file
 * with a waiting reader sleeps beyond SIGKILL.
 */
int file_reply_open(fuse_req_t req, const struct handle *h);

/* Answers READ with a part of data. */
int file_reply_part(fuse_req_t req, const char *data, size_t len, off_t offset, size_t size);

int text_read(struct call *c, struct handle *h, size_t size, off_t offset);

/*
 * Reads of h->job: parks until there are bytes or it has ended; its bytes from the handle's cursor (stream) or from
 * offset, then EIO at the end if it could not be run or was cut short.
 */
int wait_read(struct call *c, struct handle *h, enum wait_what what, size_t size, off_t offset);
void wait_bind(struct handle *h, struct job *j); /* takes a reference; the cursor starts anew */
bool wait_in_flight(struct job *j);
/* Of class_wait: whether a read waits, or ends with EIO before the first byte; its size is 0 then. */
bool wait_is_pending(const struct scope *s);
/* Whether a read at the cursor would be answered at once. Any thread. */
bool wait_readable(struct handle *h, enum wait_what what);

/* Acts as a touch does when nothing or 1 is written. */
int touch_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset);

/* One command: blanks trimmed, "1" is none. -EINVAL if it does not fit into word. */
int command_word(const char *data, size_t len, char *word, size_t size, struct error *err);

#endif
