/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node.h - the nodes that the kernel knows: inode number <-> row and key.
 *
 * Numbers follow from row and key alone, so a path keeps its number over the life of a mount, whether the kernel has
 * forgotten it meanwhile or not. Loop thread only, but for node_number.
 */
#ifndef VASTFS_FS_NODE_H
#define VASTFS_FS_NODE_H

#include "fs/tree.h"

#include <stdint.h>

struct node {
	struct node *next;
	uint64_t ino;
	const struct row *row;
	char *key;
	uint64_t lookups; /* that the kernel will forget one day */
	unsigned handles; /* open files */
	bool is_spliced;  /* of a program that splices: what waits has a size here (attr.h) */
};

#define NODE_BUCKETS 1024
#define NODE_DUMMY   (UINT64_C(1) << 63) /* a number that no node has */

struct nodes {
	struct node *buckets[NODE_BUCKETS];
	uint64_t own; /* numbers given out by node_make_own */
};

uint64_t node_number(const struct row *row, const char *key);
struct node *node_get(struct nodes *nodes, uint64_t ino); /* NULL: unknown */
/* The node of row and key, made if need be; the caller counts a lookup or handle. NULL without memory. */
struct node *node_make(struct nodes *nodes, const struct row *row, const char *key);
/* Another node of row and key, under a number that no other has. NULL without memory. */
struct node *node_make_own(struct nodes *nodes, const struct row *row, const char *key);
void node_forget(struct nodes *nodes, struct node *n, uint64_t lookups);
void node_close(struct nodes *nodes, struct node *n);
void nodes_free(struct nodes *nodes);

#endif
