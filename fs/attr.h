/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attr.h - the attributes of files: their true sizes, the times of their last change, and the time for which the kernel
 * may cache them. The operations call this module on the loop thread; the notifier calls attr_size() as well. The
 * module keeps no state.
 */
#ifndef VASTFS_FS_ATTR_H
#define VASTFS_FS_ATTR_H

#include "fs/names.h"

#include <fuse_lowlevel.h>

struct call;
struct node;

/* Return the number of seconds for which the kernel may cache the attributes and the entry. */
double attr_timeout(const struct row *row);
double attr_entry_timeout(const struct row *row);

void attr_fill(const struct scope *s, uint64_t ino, struct stat *ret);

/*
 * Fills the attributes for a reply, which tells the kernel the version of the content (cached.h). Returns -ENOENT if
 * the node no longer exists.
 */
int attr_of_node(struct call *c, struct node *n, struct stat *ret);

/* Makes the node, counts one lookup of it and fills e. Every reply that carries an entry needs this function. */
int attr_entry(struct call *c, const struct row *row, const char *key, struct fuse_entry_param *e);

/* Recognizes a cat that asks for the attributes of its standard input, a waiting file that a shell has opened. */
void attr_recognize_splice(struct call *c, struct node *n);

/* Fills e as attr_entry() does, for a name in a directory. Returns -ENOENT if the directory has no such name. */
int attr_find_entry(struct call *c, const struct node *dir, const char *name, struct fuse_entry_param *e);

/*
 * Fills the answer to statfs(2) for the directory of a node, because programs check the free space before they copy a
 * file there. config/ has room for its temporary files. Every other directory reports the room of the largest consumer,
 * the spool of imports.
 */
void attr_statfs(const struct call *c, const struct node *n, struct statvfs *ret);

/* Returns the true size of the file that a scope describes. A waiting file has no size while its job is in flight. */
off_t attr_size(const struct scope *s);

#endif
