/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.h - the table that defines the tree.
 *
 * A row has a path pattern and all properties of the files that match it. Lookup, listing, attributes, open, the README
 * in the mount and the tests derive from the table. To add a file, add a row.
 *
 * A pattern may have dynamic parts such as "{task}". The key of a node consists of the real names at these parts,
 * separated by slashes. The lister of the last dynamic part (names.h) binds the key. So a node of the tree is a row and
 * a key, which is "" if the pattern has no dynamic part.
 *
 * tree_init() fills the index of the table before other threads start. Afterwards the table is constant, and any thread
 * may read it.
 */
#ifndef VASTFS_FS_TREE_H
#define VASTFS_FS_TREE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREE_KEY_MAX 512

struct scope;
struct lister;
struct file_class;

enum row_type { ROW_DIR, ROW_FILE, ROW_LINK };

enum row_cache {
	CACHE_NEVER,  /* a write or the passing time changes it */
	CACHE_CLOUD,  /* AWS changes it; the kernel caches it until a notification */
	CACHE_ALWAYS, /* never changes during a mount */
};

enum {
	ROW_LAST_QUERY = 1 << 0,  /* shows the last query or exec, without its number in the path */
	ROW_STATE = 1 << 1,	  /* poll(2) reports changes by POLLPRI */
	ROW_UNLISTED = 1 << 2,	  /* dynamic names that have no help text of their own */
	ROW_LAST_IMPORT = 1 << 4, /* shows the last import, without its number in the path */
	ROW_OWN_NODE = 1 << 5,	  /* every lookup gives a separate node, because a write to it may wait */
	ROW_HISTORY = 1 << 3,	  /* the directory of a command, which rmdir removes; see history.h */
	ROW_LIVE = 1 << 6,	  /* dynamic; changes without a new snapshot or view of a job */
};

struct row {
	const char *path; /* pattern without a leading slash; "" is the root */
	enum row_type type;
	mode_t mode;
	const struct file_class *class; /* defines open, read, write and touch; NULL for directories and links */
	int (*render)(const struct scope *s, struct buf *out); /* the content of a file or the target of a link */
	size_t arg;					       /* an argument for render, usually an offset */
	int64_t (*changed)(const struct scope *s); /* wall clock ms of the last change; NULL: the start of the mount */
	enum row_cache cache;
	unsigned flags;
	const char *help; /* one line */
};

extern const struct row tree_rows[];
extern const size_t tree_rows_n;

#define TREE_ROOT (&tree_rows[0])

/*
 * Finds the dynamic parts and their listers, and checks the table. Call it once, before any other function. It aborts
 * if the table is invalid.
 */
void tree_init(void);

size_t tree_index(const struct row *row);
const struct row *tree_parent(const struct row *row); /* the parent of the root is the root */
const char *tree_name(const struct row *row);	      /* the last part of the pattern, for example "{task}" */
const struct lister *
tree_lister(const struct row *row);	     /* the lister of the last dynamic part; NULL: there is no dynamic part */
bool tree_is_dynamic(const struct row *row); /* the last part is dynamic */

/*
 * Returns the child of a directory that follows row in the table. row NULL: the first child. Returns NULL at the end.
 */
const struct row *tree_next_child(const struct row *dir, const struct row *row);
/* Returns the child whose name is in the table, or NULL if there is none. */
const struct row *tree_child(const struct row *dir, const char *name);
/* Returns the row with this pattern, or NULL. */
const struct row *tree_find(const char *path);

/* Makes the key of the child of dir that has this name. Returns -ENAMETOOLONG if the key is too long. */
int tree_child_key(const struct row *child, const char *dir_key, const char *name, char key[static TREE_KEY_MAX]);
/* Makes the key of the directory that contains a node. */
void tree_parent_key(const struct row *row, const char *key, char parent_key[static TREE_KEY_MAX]);
/* Appends the real path, which is the pattern with the key in its dynamic parts. */
int tree_path(const struct row *row, const char *key, struct buf *out);

#endif
