/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inotify_steps.h - what the helper of inotify.h has to do, in order: removals, creations, changes of files, and
 * directories last, for Dolphin lists a directory at its event and keeps dead links otherwise.
 */
#ifndef VASTFS_FS_INOTIFY_STEPS_H
#define VASTFS_FS_INOTIFY_STEPS_H

#include "fs/changes.h"
#include "fs/node.h"

struct step {
	enum change what;
	const struct row *row;
	char *key;
	char *path; /* in the tree */
};

struct steps {
	struct step *all;
	size_t n, room;
};

int steps_add(struct steps *s, enum change what, const struct row *row, const char *key); /* -ENOMEM */
void steps_sort(struct steps *s);
void steps_free(struct steps *s); /* it is empty then */

/* Whether a step is about this name. */
bool step_names(const struct step *s, const struct node *dir, const char *name);

#endif
