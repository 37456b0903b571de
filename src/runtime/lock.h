/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.h - ensures that only one server uses a database, with an exclusive lock on a file beside the database.
 *
 * The lock uses flock(2). On EFS, Linux maps it to an NFSv4.1 byte-range lock of the whole file (nfs(5); RFC 8881,
 * chapter 9), which the file server grants to one client at a time. The lock ends when the last copy of the descriptor
 * is closed, or when the client's lease has expired because the file server has not heard from the client for about 90
 * seconds. Linux does not reclaim such a lost lock: reads and writes through its descriptor return EIO from then on,
 * but the kernel silently reopens other files of the same process, which stay writable. The holder therefore has to
 * check the lock.
 *
 * The lock belongs to the open file description, so processes that inherit the descriptor hold it too. The file
 * contains one line that names the holder, which is used only in messages. One thread at a time uses a struct lock.
 */
#ifndef VAST_RUNTIME_LOCK_H
#define VAST_RUNTIME_LOCK_H

#include <stdbool.h>

#define LOCK_HOLDER_SIZE 160 /* bytes of the line, with a NUL in place of its newline */

struct lock {
	const char *path; /* not owned */
	int fd;		  /* -1: not open; inherited through exec */
	char holder[LOCK_HOLDER_SIZE - 1];
};

/* Opens the file for writing and creates it if it does not exist. Returns 0 or a negative errno. */
int lock_open(struct lock *lock, const char *path);

/*
 * Tries to take the lock. Returns 0 if it is held and the file names this server; -EAGAIN if another server has it, so
 * that the caller tries again later and lock->holder is the content of the file or ""; or another negative errno if the
 * file cannot be locked.
 */
int lock_try(struct lock *lock);

/*
 * Returns 0 as long as the lock may be held, or a negative errno when it is lost: -EIO and similar errors of the file
 * server, or -ENOENT if the file was removed or replaced, so that another server could lock a new file. Waits while the
 * file server is unreachable. Errors that are unrelated to the lock (a full disk) are not reported.
 */
int lock_check(struct lock *lock);

#endif
