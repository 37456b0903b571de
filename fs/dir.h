/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dir.h - listing directories: a listing is taken at offset 0 and read on from there.
 */
#ifndef VASTFS_FS_DIR_H
#define VASTFS_FS_DIR_H

#include <fuse_lowlevel.h>

struct fs;

void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* At the end: the kernel need not have closed every directory that was open when the tree was unmounted. */
void dir_free_all(struct fs *fs);

#endif
