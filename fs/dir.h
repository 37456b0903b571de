/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dir.h - directory listings. A listing is taken when a program reads a directory at offset 0, and later reads continue
 * in the same listing. Loop thread only. An open directory owns its listing.
 */
#ifndef VASTFS_FS_DIR_H
#define VASTFS_FS_DIR_H

#include <fuse_lowlevel.h>

struct fs;

void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/*
 * Frees every listing after the loop has ended. The kernel may not have closed all directories when the tree was
 * unmounted.
 */
void dir_free_all(struct fs *fs);

#endif
