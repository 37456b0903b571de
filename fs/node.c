/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/node.h"

#include <string.h>

#define DYNAMIC_BIT (UINT64_C(1) << 62)
#define OWN_BIT	    (UINT64_C(1) << 63)

/*
 * The number of a name from the table is its position there. The number of a dynamic name is a 62 bit hash (FNV-1a) of
 * position and key.
 */
uint64_t node_number(const struct row *row, const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ tree_index(row);

	if (!tree_lister(row))
		return tree_index(row) + 1;
	hash *= UINT64_C(0x100000001b3);
	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return (hash & (DYNAMIC_BIT - 1)) | DYNAMIC_BIT;
}

static struct node **node_bucket(struct nodes *nodes, uint64_t ino)
{
	return &nodes->buckets[(ino ^ ino >> 20) % NODE_BUCKETS];
}

struct node *node_get(struct nodes *nodes, uint64_t ino)
{
	for (struct node *n = *node_bucket(nodes, ino); n; n = n->next)
		if (n->ino == ino)
			return n;
	return NULL;
}

static struct node *node_add(struct nodes *nodes, uint64_t ino, const struct row *row, const char *key)
{
	struct node *n = calloc(1, sizeof(*n)), **head = node_bucket(nodes, ino);

	if (!n)
		return NULL;
	*n = (struct node){.next = *head, .ino = ino, .row = row, .key = strdup(key)};
	if (!n->key) {
		free(n);
		return NULL;
	}
	*head = n;
	return n;
}

struct node *node_make(struct nodes *nodes, const struct row *row, const char *key)
{
	uint64_t ino = node_number(row, tree_lister(row) ? key : "");
	struct node *n;

	key = tree_lister(row) ? key : "";
	/* If two paths have the same hash, the later one gets the next number. */
	for (; (n = node_get(nodes, ino)); ino++)
		if (n->row == row && strcmp(n->key, key) == 0)
			return n;
	return node_add(nodes, ino, row, key);
}

struct node *node_make_own(struct nodes *nodes, const struct row *row, const char *key)
{
	return node_add(nodes, ++nodes->own | OWN_BIT, row, key);
}

bool node_is_own(const struct node *n)
{
	return n->ino & OWN_BIT;
}

uint64_t node_shown_number(const struct node *n)
{
	return node_is_own(n) ? node_number(n->row, n->key) : n->ino;
}

static void node_free(struct node *n)
{
	blob_unref(n->cached);
	free(n->key);
	free(n);
}

static void node_drop_unused(struct nodes *nodes, struct node *n)
{
	struct node **at = node_bucket(nodes, n->ino);

	if (n->lookups || n->handles)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	node_free(n);
}

void node_forget(struct nodes *nodes, struct node *n, uint64_t lookups)
{
	n->lookups -= lookups < n->lookups ? lookups : n->lookups;
	node_drop_unused(nodes, n);
}

void node_close(struct nodes *nodes, struct node *n)
{
	n->handles--;
	node_drop_unused(nodes, n);
}

void nodes_free(struct nodes *nodes)
{
	for (size_t i = 0; i < NODE_BUCKETS; i++) {
		for (struct node *n = nodes->buckets[i], *next; n; n = next) {
			next = n->next;
			node_free(n);
		}
		nodes->buckets[i] = NULL;
	}
}
