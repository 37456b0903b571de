/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * directories.h - the directories of a mount: configuration, state and cache.
 *
 * The configuration directory is the mount's identity; a state directory (with the journal) and a cache directory
 * belong to it. For the default configuration directory, $XDG_CONFIG_HOME/vastfs, they are $XDG_STATE_HOME/vastfs and
 * $XDG_CACHE_HOME/vastfs. Any other configuration directory uses subdirectories of these, named by the ID in its file
 * .id, so that a renamed directory keeps its state and a copy gets a new one. Only main() uses this, before there are
 * threads; failures are reported on standard error.
 */
#ifndef VASTFS_DIRECTORIES_H
#define VASTFS_DIRECTORIES_H

struct directories {
	char *config, *state, *cache; /* absolute, without symbolic links; owned */
	int lock;		      /* descriptor with the lock; inherited by the child of a fork */
};

/*
 * Creates missing directories and takes the lock of the configuration directory, which allows one mount at a time.
 * Waits up to 5 s, because a vastfs that was just unmounted may still have the lock. config_dir NULL: the default. 0 or
 * a negative errno.
 */
int directories_open(const char *config_dir, struct directories *ret);

/* Writes the process ID to the lock file, for the message of a second mount. Call after fork(). */
void directories_name_holder(const struct directories *d);

void directories_free(struct directories *d);

#endif
