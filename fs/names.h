/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.h - the dynamic names of the tree: the lister of "{task}" and of similar parts, and the object that a name
 * denotes. Any thread may call these functions, because they read one immutable snapshot; a scope belongs to its
 * caller.
 */
#ifndef VASTFS_FS_NAMES_H
#define VASTFS_FS_NAMES_H

#include "fs/tree.h"
#include "model/model.h"

#include <stdbool.h>

struct fs;
struct observation;

/*
 * The input of a renderer: a row and its key, bound to the objects of one snapshot. A scope borrows the snapshot and
 * the key, and owns its reference to view.
 */
struct scope {
	struct fs *fs;
	const struct snapshot *snapshot;
	const struct observation *observation; /* NULL: the current state of the jobs */
	const struct row *row;
	const char *key;
	struct job *job; /* NULL: the scope has no job */
	struct job_view *view;
	const struct task *task;
	const struct pair *pair;
	const struct stack_resource *resource;
	const struct discovered_vpc *vpc;
};

struct lister {
	const char *name; /* for example "task" */
	/* Calls each with every name until each returns a negative errno, which this function returns. */
	int (*list)(const struct scope *s, int (*each)(void *arg, const char *name), void *arg);
	bool (*bind)(struct scope *s); /* sets the fields that s->key denotes; false: there is no such name */
};

const struct lister *names_lister(const char *name, size_t len); /* NULL: there is no such lister */

/*
 * Binds a scope. Returns -ENOENT if the key names nothing in this snapshot. The caller closes the scope also after an
 * error.
 */
int scope_open(struct scope *s, struct fs *fs, const struct snapshot *snapshot, const struct row *row, const char *key);
/* Binds a scope with the state of the jobs at the moment of the observation. NULL: the current state. */
int scope_open_at(struct scope *s, struct fs *fs, const struct snapshot *snapshot,
		  const struct observation *observation, const struct row *row, const char *key);
void scope_close(struct scope *s);

#define _scope_ _cleanup_(scope_close)

/* Calls each with every name in a directory: first the names of the table that exist now, then the dynamic names. */
int names_list(const struct scope *dir,
	       int (*each)(void *arg, const struct row *row, const char *key, const char *name), void *arg);

/* Finds the row and the key of a name in a directory. Returns -ENOENT if there is no such name. */
int names_lookup(const struct scope *dir, const char *name, const struct row **ret_row,
		 char ret_key[static TREE_KEY_MAX]);

#endif
