/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mount.h - the mountpoint: may it be mounted on, is something stale there; and the life of a mount.
 */
#ifndef VASTFS_FS_MOUNT_H
#define VASTFS_FS_MOUNT_H

#include "base/error.h"
#include "model/model.h"

/*
 * The absolute path of a directory that can be mounted on (to be freed). What a killed vastfs of the same user left
 * there is unmounted. -EBUSY: a living mount; -ENOTEMPTY, -ENOTDIR, -ENOENT, -ENOMEM.
 */
int mount_prepare(const char *mountpoint, char **ret, struct error *err);

struct mount_options {
	const char *mountpoint; /* as mount_prepare made it */
	const char *source;	/* the file system's name in the list of mounts; NULL: vast-<stage> */
	const char *fuse;	/* libfuse's options, separated by commas; NULL: none */
	bool debug;		/* libfuse's trace of every message */
	bool read_only;		/* every request that would change something is refused with EROFS */
	uid_t uid;		/* of every file; -1: the process's own */
	gid_t gid;		/* likewise */
	mode_t umask;		/* bits that no file has */
};

/*
 * Mounts, calls ready once the kernel knows (requests are answered as soon as this goes on), serves until unmounted or
 * told to end by SIGTERM, SIGINT or SIGHUP, which must be blocked, and unmounts. Words of libfuse about bad options go
 * to standard error. Ends the model in any case.
 */
int mount_serve(struct model *m, const struct mount_options *options, void (*ready)(void *arg), void *arg,
		struct error *err);

#endif
