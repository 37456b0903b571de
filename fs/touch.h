/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * touch.h - which changes of times are the touch that acts.
 *
 * utimensat(2) without times says so itself (FUSE_SET_ATTR_MTIME_NOW). The touch of uutils, Python's os.utime and the
 * like pass the present time explicitly instead, by the same request with which cp -p, rsync and tar set the times of
 * what they have copied. So an explicit time counts only if access and modification are equal and now, and if the
 * process has not opened the file for writing before. Loop thread only.
 */
#ifndef VASTFS_FS_TOUCH_H
#define VASTFS_FS_TOUCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define TOUCH_WRITERS 64

/* The last that opened a file that acts for writing, a ring. */
struct touch_writers {
	struct {
		pid_t process;
		uint64_t inode;
	} last[TOUCH_WRITERS];
	unsigned next;
};

/* tid: a thread of the process; as long as its request has not been answered. */
void touch_add_writer(struct touch_writers *w, pid_t tid, uint64_t inode);
bool touch_is_writer(const struct touch_writers *w, pid_t tid, uint64_t inode);

/* Whether a SETATTR of attr, with the FUSE_SET_ATTR_ bits what, sets explicit times that mean now. Pure. */
bool touch_is_explicit_now(const struct stat *attr, int what, struct timespec now);

#endif
