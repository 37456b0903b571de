/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inotify_steps.h - the work of the helper of inotify.h, in order: removals, creations, changes of files, and changes
 * of directories. Directories come last because Dolphin lists a directory when its event arrives, and would otherwise
 * keep dead links. The list owns its strings. It has no lock; inotify.c guards it.
 */
#ifndef VASTFS_FS_INOTIFY_STEPS_H
#define VASTFS_FS_INOTIFY_STEPS_H

#include "fs/changes.h"
#include "fs/node.h"

struct step {
	enum change what;
	const struct row *row;
	char *key;
	char *path; /* relative to the root of the tree */
};

struct steps {
	struct step *all;
	size_t n, room;
};

int steps_add(struct steps *s, enum change what, const struct row *row, const char *key); /* returns -ENOMEM */
void steps_sort(struct steps *s);
void steps_free(struct steps *s); /* leaves an empty list */

/* Returns whether a step is about this name. */
bool step_names(const struct step *s, const struct node *dir, const char *name);

#endif
