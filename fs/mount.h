/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mount.h - checks a mountpoint, removes a dead mount of an earlier vastfs from it, and serves a mount until it ends.
 * Main thread only. The caller owns the model and the options.
 */
#ifndef VASTFS_FS_MOUNT_H
#define VASTFS_FS_MOUNT_H

#include "base/error.h"
#include "model/model.h"

/*
 * Sets *ret to the absolute path of a directory that can be mounted on. The caller frees it. If a killed vastfs of the
 * same user left a mount there, that mount is removed. Returns -EBUSY if the mount is alive, or -ENOTEMPTY, -ENOTDIR,
 * -ENOENT or -ENOMEM.
 */
int mount_prepare(const char *mountpoint, char **ret, struct error *err);

struct mount_options {
	const char *mountpoint; /* the result of mount_prepare() */
	const char *source;	/* the name of the file system in the list of mounts; NULL: vast-<stage> */
	const char *fuse;	/* options for libfuse, separated by commas; NULL: none */
	bool debug;		/* prints libfuse's trace of every message */
	bool read_only;		/* refuses every request that would change something with EROFS */
	uid_t uid;		/* the owner of every file; -1: the user of the process */
	gid_t gid;		/* the group of every file; -1: the group of the process */
	mode_t umask;		/* permission bits that no file has */
};

/*
 * Mounts the tree and serves it until it is unmounted or until SIGTERM, SIGINT or SIGHUP arrives, then unmounts it.
 * These signals must be blocked. ready is called once the kernel knows the mount; requests are answered as soon as
 * ready has returned. libfuse prints its messages about invalid options to standard error. The function stops the model
 * in any case.
 */
int mount_serve(struct model *m, const struct mount_options *options, void (*ready)(void *arg), void *arg,
		struct error *err);

#endif
