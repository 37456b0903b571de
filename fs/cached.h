/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cached.h - the data of a node that the kernel caches: the text of a small file, or the names in a directory.
 *
 * The kernel keeps the pages of a file while its size and its modification time stay the same, and the entries of a
 * directory while its modification time stays the same (Linux, fs/fuse/inode.c and fs/fuse/readdir.c). Two changes can
 * happen in one millisecond. So each node counts its versions, and the nanoseconds of its times contain the count.
 *
 * Every reply with attributes tells the kernel the size of a text. Until the next such reply, a read for the page cache
 * returns that text, because the kernel cuts a newer and longer text at the old size. A process that opens the file
 * after the change never gets the old text: OPEN compares the texts, and if they differ, the process's reads bypass the
 * page cache. Loop thread only. The node owns the text.
 */
#ifndef VASTFS_FS_CACHED_H
#define VASTFS_FS_CACHED_H

#include "fs/names.h"
#include "fs/node.h"

#include <sys/stat.h>

#define CACHED_TEXT_MAX 4096 /* bytes; one page, so that one read(2) returns the whole text */

/*
 * Records the current content of the node that a scope describes, and puts its version into the times. Call it for
 * every reply with attributes. If memory is short, the kernel does not cache the text.
 */
void cached_tell(const struct scope *s, struct node *n, struct stat *attr);

/* Records the names of a directory that are about to be listed: the sum of their hashes, in any order. */
void cached_tell_listing(struct node *n, uint64_t names_hash);
uint64_t cached_hash_name(const char *name);

/* Returns whether a process that opens the file now may read the text from the page cache. */
bool cached_is_current(const struct scope *s, const struct node *n);
/* Returns the text for the page cache, or NULL if the kernel caches none. The node owns it. */
const struct blob *cached_text(const struct node *n);

void cached_forget(struct node *n); /* frees the text */

#endif
