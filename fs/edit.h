/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * edit.h - the requests that create, remove or rename a name. config/ has temporary files and tasks/ has symbolic
 * links; every other request is refused. Loop thread only. Each function answers its request.
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
