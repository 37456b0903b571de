/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * links.h - symbolic links in tasks/ before they become "default". ln -sfn creates a link under another name and then
 * renames it. A link that is not renamed disappears after 10 s. Loop thread only. The table copies its strings.
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
		int64_t made_ms; /* monotonic; 0: unused */
	} all[LINKS_MAX];
};

int links_add(struct links *l, const char *name, const char *target); /* returns -ENOSPC or -ENAMETOOLONG */
const char *links_target(struct links *l, const char *name);	      /* NULL: no such link */
void links_remove(struct links *l, const char *name);
int links_list(struct links *l, int (*each)(void *arg, const char *name), void *arg);

#endif
