/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tree.h - the tree as one table.
 *
 * A row is a path pattern and everything there is to know about the files that match it. Lookup, listing, attributes,
 * open, the README in the mount and the tests derive from the table: to add a file, add a row.
 *
 * A pattern may have dynamic parts, "{task}"; the lister of the last one's name (names.h) binds the key: the names that
 * stand there in a real path, with slashes between. So a node of the tree is a row and a key ("" where the pattern has
 * no dynamic part).
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
	CACHE_NEVER,  /* a write or time changes it */
	CACHE_CLOUD,  /* AWS changes it: kept until a notification */
	CACHE_ALWAYS, /* never changes during a mount */
};

enum {
	ROW_LAST_QUERY = 1 << 0,  /* speaks of the last query or exec, without its number */
	ROW_STATE = 1 << 1,	  /* poll(2) tells of changes by POLLPRI */
	ROW_UNLISTED = 1 << 2,	  /* dynamic names that have no help of their own */
	ROW_LAST_IMPORT = 1 << 4, /* speaks of the last import, likewise */
	ROW_OWN_NODE = 1 << 5,	  /* each lookup gives a node of its own: a write to it may wait */
	ROW_HISTORY = 1 << 3,	  /* a command's directory, which rmdir removes; see history.h */
	ROW_LIVE = 1 << 6,	  /* dynamic, and it changes without a new snapshot or view of a job */
};

struct row {
	const char *path; /* without a leading slash; "" is the root */
	enum row_type type;
	mode_t mode;
	const struct file_class *class; /* what open, read, write and touch do; NULL for directories and links */
	int (*render)(const struct scope *s, struct buf *out); /* content of a file, target of a link */
	size_t arg;					       /* for render: mostly an offset */
	int64_t (*changed)(const struct scope *s); /* wall clock ms of the last change; NULL: since the mount */
	enum row_cache cache;
	unsigned flags;
	const char *help; /* one line */
};

extern const struct row tree_rows[];
extern const size_t tree_rows_n;

#define TREE_ROOT (&tree_rows[0])

/* Where the dynamic part is and who lists it; checks the table. Once, before all else; aborts on a bad table. */
void tree_init(void);

size_t tree_index(const struct row *row);
const struct row *tree_parent(const struct row *row);	 /* the root's is the root */
const char *tree_name(const struct row *row);		 /* the last part of the pattern, "{task}" if it is dynamic */
const struct lister *tree_lister(const struct row *row); /* of the pattern's last dynamic part, NULL without one */
bool tree_is_dynamic(const struct row *row);		 /* the last part is the dynamic one */

/* The next child of a directory after row (NULL: the first), in the order of the table; NULL at the end. */
const struct row *tree_next_child(const struct row *dir, const struct row *row);
/* The child whose name is written in the table, NULL if there is none. */
const struct row *tree_child(const struct row *dir, const char *name);
/* The row with this pattern, NULL. */
const struct row *tree_find(const char *path);

/* The key of a child of dir by that name. -ENAMETOOLONG. */
int tree_child_key(const struct row *child, const char *dir_key, const char *name, char key[static TREE_KEY_MAX]);
/* The key of the directory that a node is in. */
void tree_parent_key(const struct row *row, const char *key, char parent_key[static TREE_KEY_MAX]);
/* The real path: the pattern with the key in place. */
int tree_path(const struct row *row, const char *key, struct buf *out);

#endif
