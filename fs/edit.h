/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edit.h - making, removing and renaming names: temporary files in config/, links in tasks/; all else is refused.
 */
#ifndef VASTFS_FS_EDIT_H
#define VASTFS_FS_EDIT_H

#include <fuse_lowlevel.h>

void edit_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void edit_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void edit_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void edit_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void edit_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void edit_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void edit_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void edit_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		 unsigned flags);

#endif
