/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - open files, and the classes of files, which define what opening, reading and writing a file do.
 *
 * The functions of a class run on the loop thread and never wait; the notifier calls size and poll as well. They return
 * 0 on success, FILE_ANSWERED if they have answered or parked the request themselves, or a negative errno with a
 * message in c->err. The caller then refuses the request. A handle belongs to the kernel's open file and lives until
 * its RELEASE.
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
	struct list link; /* member of fs->open_files */
	struct node *node;
	const struct file_class *class;
	int flags;	     /* O_* */
	uint32_t open_flags; /* FOPEN_* for the kernel */

	/*
	 * Text files: the rendered text, which later reads continue. Queries and settings: the text that was written.
	 */
	struct buf text;
	bool rendered;

	/*
	 * Waiting files, and files that were written to, are bound to a job. cursor is the position up to which it was
	 * read.
	 */
	struct job *job;
	bool is_past; /* an entry of the history, which does not end with EIO */
	bool sniffer; /* opened by a sniffer (sniff.h), which reads an empty file */
	/* Guards the next two fields, because the notifier answers reads too. */
	pthread_mutex_t lock;
	size_t cursor;
	bool consumed;

	unsigned writes; /* queries: the number of writes since the last commit */
	struct requester writer;
	bool dirty;	   /* settings: written to since the last save */
	struct blob *base; /* settings: the text from which the draft started; NULL: an empty text */
	size_t written_to; /* settings: the end of the bytes that were written since then */
	/* The errno of a refused write, or 0. The remaining bytes are then not treated as a complete text. */
	int spoilt;

	struct import *import;	   /* import/{format}: set from the first write until the import ends */
	struct rejected *rejected; /* the reader of a rejected batch */

	struct memory_file *memory;
	struct stream *stream;
	struct log_follow *follow;
	struct blob *page; /* an older part of the log that was fetched again; guarded by the lock */
	uint64_t page_at;

	struct poll_watch watch;
	struct handle *next_orphan;
};

struct file_class {
	/*
	 * Returns whether the operation is possible now. The function is called before a handle exists (an open for
	 * writing, h is NULL) and at a touch.
	 */
	int (*admit)(struct call *c, const struct scope *s);
	int (*open)(struct call *c, const struct scope *s, struct handle *h);
	int (*read)(struct call *c, struct handle *h, size_t size, off_t offset);
	int (*write)(struct call *c, struct handle *h, const char *data, size_t len, off_t offset);
	int (*flush)(struct call *c, struct handle *h);
	/* NULL: the file has no data that must become durable */
	int (*fsync)(struct call *c, struct handle *h);
	int (*truncate)(struct call *c, struct handle *h, off_t size); /* h is NULL for a truncation by path */
	/*
	 * Classes set this function if a truncation by path differs from a truncation by handle. NULL: truncate is
	 * called.
	 */
	int (*truncate_path)(struct call *c, const struct scope *s, off_t size);
	int (*touch)(struct call *c, const struct scope *s);
	void (*release)(struct call *c, struct handle *h);
	/* Returns the true size if rendering is not the way to find it. */
	off_t (*size)(const struct scope *s);
	/*
	 * Returns the current events and arms the handle's watch by recording the state that the handle has seen. NULL:
	 * the file is always readable.
	 */
	unsigned (*poll)(const struct scope *s, struct handle *h);
};

extern const struct file_class class_text;     /* rendered */
extern const struct file_class class_errors;   /* rendered; a write clears the file */
extern const struct file_class class_log;      /* append-only */
extern const struct file_class class_wait;     /* output of a job; a read waits for the end or for more output */
extern const struct file_class class_control;  /* runs a verb */
extern const struct file_class class_cancel;   /* cancels a query */
extern const struct file_class class_stop;     /* stops a task */
extern const struct file_class class_check;    /* checks a task */
extern const struct file_class class_query;    /* takes a command, then returns its result */
extern const struct file_class class_import;   /* takes events, then returns the outcome */
extern const struct file_class class_rejected; /* events that were rejected */
extern const struct file_class class_retry;    /* retries a rejected batch */
extern const struct file_class class_settings; /* default.env */
extern const struct file_class class_memory;   /* temporary files */

/* A read of stderr does not wait, because it returns the output so far. */
enum wait_what { WAIT_RESULT, WAIT_EXIT_CODE, WAIT_NOT_STDERR };

/* Opens a node without another call of admit. The handle counts as a handle of the node. */
int file_open(struct call *c, struct node *n, int flags, struct handle **ret);
void file_free(struct call *c, struct handle *h);
/*
 * Any thread may call this function for a handle that the kernel never received. The next call on the loop thread frees
 * the handle.
 */
void file_orphan(struct fs *fs, struct handle *h);
void file_free_orphans(struct call *c);
/*
 * Frees the files that were open at the end of the mount, after the loop has ended. A query that was never closed does
 * not run.
 */
void file_free_all(struct fs *fs);
/*
 * Answers OPEN without the library's function, which has no field for FOPEN_STREAM. Without that flag, a process that
 * shares the open file with a waiting reader sleeps, and even SIGKILL does not wake it.
 */
int file_reply_open(fuse_req_t req, const struct handle *h);

/* Answers READ with a part of data. */
int file_reply_part(fuse_req_t req, const char *data, size_t len, off_t offset, size_t size);

int text_read(struct call *c, struct handle *h, size_t size, off_t offset);

/*
 * Reads the output of h->job. The request is parked until the job has new bytes or has ended. The reply has the bytes
 * from the handle's cursor (for a stream) or from offset. At the end, the reply is EIO if the job could not be run or
 * was cut short.
 */
int wait_read(struct call *c, struct handle *h, enum wait_what what, size_t size, off_t offset);
void wait_bind(struct handle *h, struct job *j); /* takes a new reference and resets the cursor */
bool wait_in_flight(struct job *j);
/*
 * Returns, for a file of class_wait, whether a read would wait or would fail with EIO before the first byte. The size
 * of the file is 0 then.
 */
bool wait_is_pending(const struct scope *s);
/* Returns whether a read at the cursor would be answered at once. Any thread may call this function. */
bool wait_readable(struct handle *h, enum wait_what what);

/* Acts like a touch if the written text is empty or 1. */
int touch_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset);

/*
 * Parses one command. Surrounding blanks are removed, and "1" counts as no command. Returns -EINVAL if the command does
 * not fit into word.
 */
int command_word(const char *data, size_t len, char *word, size_t size, struct error *err);

#endif
