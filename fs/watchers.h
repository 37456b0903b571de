/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watchers.h - finds the inodes of a file system that processes watch with inotify(7).
 *
 * The kernel does not report to a FUSE file system that it is watched. But /proc/PID/fdinfo lists the watches of each
 * inotify descriptor with device and inode number (proc_pid_fdinfo(5)). A user can read only the processes of the same
 * user; root can read all of them. The caller owns a struct watchers, which has no lock.
 */
#ifndef VASTFS_FS_WATCHERS_H
#define VASTFS_FS_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct watchers {
	uint64_t *inodes; /* sorted */
	size_t n, room;
	/* A process that vastfs cannot read may have watches. Every inode counts as watched then. */
	bool unknown;
};

/*
 * Searches all processes, which takes some milliseconds on a desktop. The function opens and closes descriptors.
 * Returns -ENOMEM.
 */
int watchers_find(struct watchers *w, dev_t device);
void watchers_free(struct watchers *w); /* leaves an empty list */
bool watchers_any(const struct watchers *w);
bool watchers_has(const struct watchers *w, uint64_t inode);

/* Parses one line of fdinfo. Returns true and sets *ret_inode if the line is a watch on this device. */
bool watchers_line(const char *line, dev_t device, uint64_t *ret_inode);

#endif
