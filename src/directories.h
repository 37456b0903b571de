/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * directories.h - where a mount keeps its files: settings, state and cache, each mount's own.
 *
 * The configuration directory is the mount's identity; state (the journal) and cache belong to it. Those of the default
 * directory, $XDG_CONFIG_HOME/vastfs, are $XDG_STATE_HOME/vastfs and $XDG_CACHE_HOME/vastfs themselves; any other has
 * subdirectories there, named by an ID in its file .id, so that a directory that was renamed keeps its state and a copy
 * of it gets a state of its own. Only main() uses this, before there are threads; failures are reported on standard
 * error.
 */
#ifndef VASTFS_DIRECTORIES_H
#define VASTFS_DIRECTORIES_H

struct directories {
	char *config, *state, *cache; /* absolute, without symbolic links; owned */
	int lock;		      /* descriptor that holds the lock; inherited by the child of a fork */
};

/*
 * Makes the directories that are missing and takes the lock of the configuration directory: one mount at a time. A
 * vastfs that was just unmounted may hold it for up to 5 seconds more, which is waited for. config_dir NULL: the
 * default. 0 or a negative errno.
 */
int directories_open(const char *config_dir, struct directories *ret);

/* Writes this process's ID where one that wants the lock looks for it. After fork(). */
void directories_name_holder(const struct directories *d);

void directories_free(struct directories *d);

#endif
