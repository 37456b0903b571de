/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * touch.h - decides which changes of a file's times are a touch that makes the file act.
 *
 * A call of utimensat(2) without times is always a touch (FUSE_SET_ATTR_MTIME_NOW). The touch of uutils, Python's
 * os.utime and similar programs pass the current time explicitly. cp -p, rsync and tar use the same request to set the
 * times of a file that they have copied. So an explicit time is a touch only if the access time and the modification
 * time are equal and are the current time, and if the process has not opened the file for writing before. Loop thread
 * only.
 */
#ifndef VASTFS_FS_TOUCH_H
#define VASTFS_FS_TOUCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define TOUCH_WRITERS 64

/* A ring of the last processes that opened a file that acts for writing. */
struct touch_writers {
	struct {
		pid_t process;
		uint64_t inode;
	} last[TOUCH_WRITERS];
	unsigned next;
};

/* tid is a thread of the process. The thread's request must not have been answered yet. */
void touch_add_writer(struct touch_writers *w, pid_t tid, uint64_t inode);
bool touch_is_writer(const struct touch_writers *w, pid_t tid, uint64_t inode);

/*
 * Returns whether a SETATTR of attr, with the FUSE_SET_ATTR_ bits in what, sets explicit times that equal the current
 * time. Pure.
 */
bool touch_is_explicit_now(const struct stat *attr, int what, struct timespec now);

/*
 * Returns whether the SETATTR sets the modification time to the current time and the access time to shown, the file's
 * own. Only the touch -m of uutils means a touch by this; rsync does the same to a file that it does not transfer.
 * Pure.
 */
bool touch_keeps_access_time(const struct stat *attr, int what, struct timespec now, struct timespec shown);

#endif
