/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * links.h - symbolic links in tasks/ on their way to become "default": ln -sfn makes one under another name and
 * renames it. Those that nobody renames vanish after 10 s. Loop thread only.
 */
#ifndef VASTFS_FS_LINKS_H
#define VASTFS_FS_LINKS_H

#include <stdint.h>

#define LINKS_MAX     16
#define LINKS_KEEP_MS 10000

struct links {
	struct {
		char name[64];
		char target[64];
		int64_t made_ms; /* monotonic; 0: free */
	} all[LINKS_MAX];
};

int links_add(struct links *l, const char *name, const char *target); /* -ENOSPC, -ENAMETOOLONG */
const char *links_target(struct links *l, const char *name);	      /* NULL: none */
void links_remove(struct links *l, const char *name);
int links_list(struct links *l, int (*each)(void *arg, const char *name), void *arg);

#endif
