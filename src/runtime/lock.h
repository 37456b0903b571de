/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.h - one server for one database: an exclusive lock on a file beside it.
 *
 * flock(2). On EFS, Linux makes it an NFSv4.1 byte-range lock of the whole file (nfs(5); RFC 8881, chapter 9), which
 * the file server grants to one client at a time. It ends when the last copy of the descriptor is closed, or when
 * the file server has not heard of the client for the time of its lease (about 90 s). Linux does not claim such a
 * lost lock again: reads and writes through its descriptor return EIO from then on, while other files of the same
 * process are opened again behind its back and can be written. That is why the holder has to check.
 *
 * The lock belongs to the open file description, so processes that inherit the descriptor hold it too.
 * The file has one line that names the holder of the lock, for messages only. One thread.
 */
#ifndef VAST_RUNTIME_LOCK_H
#define VAST_RUNTIME_LOCK_H

#include <stdbool.h>

#define LOCK_HOLDER_SIZE 160 /* bytes of the line, and a NUL in its newline's place */

struct lock {
	const char *path; /* not owned */
	int fd;		  /* -1: not open; inherited over exec */
	char holder[LOCK_HOLDER_SIZE - 1];
};

/* Opens the file for writing and creates it if missing; negative errno. */
int lock_open(struct lock *lock, const char *path);

/*
 * 0: the lock is held, and the file names this server. -EAGAIN: another server has the lock, try again later; then
 * lock->holder is the content of the file, or "". Other negative errno: the file cannot be locked.
 */
int lock_try(struct lock *lock);

/*
 * 0 as long as the lock may be held, negative errno when it is lost: -EIO and the like from the file server, -ENOENT if
 * the file was removed or replaced, so that another server can lock a new one. Waits while the file server is out of
 * reach. Errors that say nothing about the lock (a full disk) are not reported.
 */
int lock_check(struct lock *lock);

#endif
