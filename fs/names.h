/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.h - the dynamic names: who lists "{task}" and the like, and what a name stands for.
 */
#ifndef VASTFS_FS_NAMES_H
#define VASTFS_FS_NAMES_H

#include "fs/tree.h"
#include "model/model.h"

#include <stdbool.h>

struct fs;
struct observation;

/*
 * What a renderer sees: a row and its key, bound to the objects of one snapshot. Borrows the snapshot and the key;
 * view is its own reference.
 */
struct scope {
	struct fs *fs;
	const struct snapshot *snapshot;
	const struct observation *observation; /* NULL: the jobs as they are now */
	const struct row *row;
	const char *key;
	struct job *job; /* NULL: there is none */
	struct job_view *view;
	const struct task *task;
	const struct pair *pair;
	const struct stack_resource *resource;
};

struct lister {
	const char *name; /* "task" */
	/* Calls each with every name until it returns a negative errno, which is returned. */
	int (*list)(const struct scope *s, int (*each)(void *arg, const char *name), void *arg);
	bool (*bind)(struct scope *s); /* fills in what s->key stands for; false: there is no such name */
};

const struct lister *names_lister(const char *name, size_t len); /* NULL: none */

/* Binds; -ENOENT if the key names nothing in this snapshot. To be closed also then. */
int scope_open(struct scope *s, struct fs *fs, const struct snapshot *snapshot, const struct row *row, const char *key);
/* The same, with the jobs as they were at that moment; observation NULL: as they are now. */
int scope_open_at(struct scope *s, struct fs *fs, const struct snapshot *snapshot,
		  const struct observation *observation, const struct row *row, const char *key);
void scope_close(struct scope *s);

#define _scope_ _cleanup_(scope_close)

/* Calls each with every name in a directory: written ones that exist now, then the listers' ones. */
int names_list(const struct scope *dir,
	       int (*each)(void *arg, const struct row *row, const char *key, const char *name), void *arg);

/* What name is in a directory: its row and key. -ENOENT. */
int names_lookup(const struct scope *dir, const char *name, const struct row **ret_row,
		 char ret_key[static TREE_KEY_MAX]);

#endif
