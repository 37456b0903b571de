/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node.h - the nodes that the kernel knows. The table maps an inode number to a row and its key.
 *
 * A number depends only on the row and the key. So a path keeps its number for the life of a mount, even if the kernel
 * forgets the node in between. Loop thread only, except node_number(), which any thread may call. The table owns the
 * nodes, and a node is freed when it has no lookups and no handles.
 */
#ifndef VASTFS_FS_NODE_H
#define VASTFS_FS_NODE_H

#include "base/blob.h"
#include "fs/tree.h"

#include <stdint.h>

struct node {
	struct node *next;
	uint64_t ino;
	const struct row *row;
	char *key;
	uint64_t lookups; /* lookups that the kernel has not forgotten yet */
	unsigned handles; /* open files */
	/* The node belongs to a program that may splice, so a waiting file has a size here (attr.c). */
	bool is_spliced;
	bool pretends_size; /* the last reply with attributes had a size for splice(2) (attr.c) */
	/* See cached.h. */
	struct blob *cached; /* NULL: the kernel caches no text */
	uint64_t names_hash; /* hash of the names in a directory */
	uint32_t version;    /* counts the changes of the text or the names */
};

#define NODE_BUCKETS 1024
#define NODE_DUMMY   (UINT64_C(1) << 63) /* a number that no node has */

struct nodes {
	struct node *buckets[NODE_BUCKETS];
	uint64_t own; /* the count of numbers from node_make_own() */
};

uint64_t node_number(const struct row *row, const char *key);
struct node *node_get(struct nodes *nodes, uint64_t ino); /* NULL: the number is unknown */
/*
 * Returns the node of a row and key, which is made if necessary. The caller counts a lookup or a handle. NULL: out of
 * memory.
 */
struct node *node_make(struct nodes *nodes, const struct row *row, const char *key);
/* Makes another node of a row and key, under a number of its own. NULL: out of memory. */
struct node *node_make_own(struct nodes *nodes, const struct row *row, const char *key);
/*
 * Returns the number that stat(2) and a listing show. All nodes of a path have the same one, because cp refuses to copy
 * a file whose number changes between stat and open.
 */
uint64_t node_shown_number(const struct node *n);
bool node_is_own(const struct node *n); /* made by node_make_own() */
void node_forget(struct nodes *nodes, struct node *n, uint64_t lookups);
void node_close(struct nodes *nodes, struct node *n);
void nodes_free(struct nodes *nodes);

#endif
