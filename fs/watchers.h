/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watchers.h - which inodes of a file system some process watches by inotify(7).
 *
 * Nobody tells a FUSE file system that it is watched, but /proc/PID/fdinfo lists the watches of each inotify descriptor
 * with device and inode number (proc_pid_fdinfo(5)). Only processes of the same user can be looked into; root sees all.
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
	bool unknown; /* somebody may watch whom we cannot look into: everything counts as watched */
};

/* Looks through all processes: some ms on a desktop. Descriptors are opened and closed. -ENOMEM. */
int watchers_find(struct watchers *w, dev_t device);
void watchers_free(struct watchers *w); /* it is empty then */
bool watchers_any(const struct watchers *w);
bool watchers_has(const struct watchers *w, uint64_t inode);

/* One line of fdinfo: true, and *ret_inode, if it is a watch on this device. */
bool watchers_line(const char *line, dev_t device, uint64_t *ret_inode);

#endif
