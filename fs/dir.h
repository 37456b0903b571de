/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dir.h - directory listings.
 *
 * The kernel lists a directory without OPENDIR and caches the result (cached.h), so a listing has no owner. The cookie
 * of an entry depends only on the entry, and the entries are in the order of their cookies. So a program that continues
 * after a cookie gets each entry that exists all the time exactly once, whatever appeared or disappeared in between.
 * Loop thread only.
 */
#ifndef VASTFS_FS_DIR_H
#define VASTFS_FS_DIR_H

#include "base/buf.h"

#include <fuse_lowlevel.h>
#include <stdint.h>

struct dir_item {
	uint64_t cookie; /* no two entries have the same cookie */
	uint64_t ino;
	mode_t type;
	size_t name; /* the position of its name in the listing's `names` */
};

/* The last listing of a directory. Programs read a long listing in parts, and all parts are from the same listing. */
struct dir_listing {
	uint64_t ino; /* inode of the directory; 0: there is no listing */
	struct dir_item *items;
	size_t n, room;
	struct buf names; /* each ends with a NUL */
};

void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void dir_free_listing(struct dir_listing *l); /* leaves an empty one */

#endif
