/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attr.h - attributes: true sizes, times of the last change, and how long the kernel may keep them.
 */
#ifndef VASTFS_FS_ATTR_H
#define VASTFS_FS_ATTR_H

#include "fs/names.h"

#include <fuse_lowlevel.h>

struct call;
struct node;

/* Seconds that entry and attributes may be kept. */
double attr_timeout(const struct row *row);

void attr_fill(const struct scope *s, uint64_t ino, struct stat *ret);

/* -ENOENT if the node is no longer there. */
int attr_of_node(struct call *c, const struct node *n, struct stat *ret);

/* Makes the node, counts a lookup, fills e. For every reply that carries an entry. */
int attr_entry(struct call *c, const struct row *row, const char *key, struct fuse_entry_param *e);

/* The entry of a name in a directory, as attr_entry. -ENOENT. */
int attr_find_entry(struct call *c, const struct node *dir, const char *name, struct fuse_entry_param *e);

/*
 * What statfs(2) says of the directory that a node is in: programs ask before they copy something there. config/ has
 * room for its temporary files, everything else as much as the largest consumer, the spool of imports.
 */
void attr_statfs(const struct call *c, const struct node *n, struct statvfs *ret);

/* The true size of what a scope stands for; a waiting file in flight has none. */
off_t attr_size(const struct scope *s);

#endif
