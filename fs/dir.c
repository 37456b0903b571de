/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/dir.h"

#include "fs/cached.h"
#include "fs/names.h"
#include "fs/refuse.h"

#include <string.h>

/* The cookies of "." and "..", then those of the names in the table, then those of dynamic names. */
enum { COOKIE_SELF = 1, COOKIE_PARENT, COOKIE_TABLE };

#define NAMES_MAX (16 << 20)

/* -- making a listing ------------------------------------------------------------------------------------------ */

void dir_free_listing(struct dir_listing *l)
{
	free(l->items);
	buf_free(&l->names);
	*l = (struct dir_listing){0};
}

static int dir_grow(struct dir_listing *l)
{
	size_t room = l->room ? 2 * l->room : 32;
	struct dir_item *more = reallocarray(l->items, room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->items = more;
	l->room = room;
	return 0;
}

static int dir_add_item(struct dir_listing *l, uint64_t cookie, uint64_t ino, mode_t type, const char *name)
{
	if (l->n == l->room && dir_grow(l) < 0)
		return -ENOMEM;
	l->items[l->n++] = (struct dir_item){.cookie = cookie, .ino = ino, .type = type, .name = l->names.len};
	return buf_append(&l->names, name, strlen(name) + 1);
}

static mode_t dir_type_of(const struct row *row)
{
	return row->type == ROW_DIR ? S_IFDIR : row->type == ROW_LINK ? S_IFLNK : S_IFREG;
}

static int dir_add_name(void *arg, const struct row *row, const char *key, const char *name)
{
	uint64_t ino = node_number(row, key), cookie = tree_is_dynamic(row) ? ino : COOKIE_TABLE + tree_index(row);

	return dir_add_item(arg, cookie, ino, dir_type_of(row), name);
}

static int dir_compare(const void *a, const void *b)
{
	const struct dir_item *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static const char *dir_name(const struct dir_listing *l, const struct dir_item *item)
{
	return l->names.data + item->name;
}

static void dir_tell(const struct dir_listing *l, struct node *n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].cookie >= COOKIE_TABLE)
			sum += cached_hash_name(dir_name(l, &l->items[i]));
	cached_tell_listing(n, sum);
}

static int dir_take(struct call *c, struct node *n)
{
	_scope_ struct scope s = {0};
	struct dir_listing *l = &c->fs->listing;
	char above[TREE_KEY_MAX];
	int r = scope_open(&s, c->fs, c->snapshot, n->row, n->key);

	dir_free_listing(l);
	buf_init(&l->names, NAMES_MAX);
	if (r < 0)
		return r;
	tree_parent_key(n->row, n->key, above);
	r = dir_add_item(l, COOKIE_SELF, n->ino, S_IFDIR, ".");
	if (r >= 0)
		r = dir_add_item(l, COOKIE_PARENT, node_number(tree_parent(n->row), above), S_IFDIR, "..");
	if (r >= 0)
		r = names_list(&s, dir_add_name, l);
	if (r < 0)
		return r;
	qsort(l->items, l->n, sizeof(*l->items), dir_compare);
	l->ino = n->ino;
	dir_tell(l, n);
	return 0;
}

/* -- the requests ---------------------------------------------------------------------------------------------- */

/* ENOSYS makes the kernel skip OPENDIR from now on. It then caches every listing (Linux, fs/fuse/dir.c). */
void dir_open(fuse_req_t req, fuse_ino_t ino _unused_, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);

	fi->cache_readdir = fi->keep_cache = 1;
	if (fs->may_skip_opendir)
		fuse_reply_err(req, ENOSYS);
	else
		fuse_reply_open(req, fi);
}

/* Returns the number of bytes in out. */
static size_t dir_fill(fuse_req_t req, const struct dir_listing *l, uint64_t cookie, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct dir_item *item = &l->items[i];
		struct stat st = {.st_ino = item->ino, .st_mode = item->type};
		size_t n;

		if (item->cookie <= cookie)
			continue;
		n = fuse_add_direntry(req, out + used, size - used, dir_name(l, item), &st, (off_t)item->cookie);
		if (n > size - used)
			break;
		used += n;
	}
	return used;
}

/* The offset is the cookie of the last entry that the program has received. */
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi _unused_)
{
	_call_ struct call c = call_begin(req);
	struct node *n = node_get(&c.fs->nodes, ino);
	_free_ char *out = malloc(size);
	int r = !n ? -ENOENT : !out ? -ENOMEM : 0;

	if (r >= 0) {
		fs_attend(&c, n);
		r = offset == 0 || c.fs->listing.ino != ino ? dir_take(&c, n) : 0;
	}
	if (r < 0)
		refuse(&c, r, n, NULL);
	else
		fuse_reply_buf(req, out, dir_fill(req, &c.fs->listing, (uint64_t)offset, out, size));
}
