/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/dir.h"

#include "fs/names.h"
#include "fs/refuse.h"

#include <string.h>

#define LISTING_MAX (16 << 20)

/* A listing consists of packed struct item, each followed by its name. */
struct item {
	uint64_t ino;
	mode_t type;
	uint16_t name_len;
};

struct dir_listing {
	struct list link; /* in fs->listings */
	struct node *node;
	struct buf items;
};

static int dir_add_item(struct buf *items, uint64_t ino, mode_t type, const char *name)
{
	struct item item = {.ino = ino, .type = type, .name_len = (uint16_t)strlen(name)};

	buf_append(items, &item, sizeof(item));
	return buf_append(items, name, item.name_len + 1U);
}

static mode_t dir_type_of(const struct row *row)
{
	return row->type == ROW_DIR ? S_IFDIR : row->type == ROW_LINK ? S_IFLNK : S_IFREG;
}

static int dir_add_name(void *arg, const struct row *row, const char *key, const char *name)
{
	return dir_add_item(arg, node_number(row, key), dir_type_of(row), name);
}

static int dir_take_listing(struct call *c, struct dir_listing *l)
{
	_scope_ struct scope s = {0};
	char above[TREE_KEY_MAX];
	int r = scope_open(&s, c->fs, c->snapshot, l->node->row, l->node->key);

	if (r < 0)
		return r;
	tree_parent_key(l->node->row, l->node->key, above);
	buf_clear(&l->items);
	dir_add_item(&l->items, l->node->ino, S_IFDIR, ".");
	dir_add_item(&l->items, node_number(tree_parent(l->node->row), above), S_IFDIR, "..");
	return names_list(&s, dir_add_name, &l->items);
}

static void dir_listing_free(struct fs *fs, struct dir_listing *l)
{
	list_remove(&l->link);
	node_close(&fs->nodes, l->node);
	buf_free(&l->items);
	free(l);
}

void dir_free_all(struct fs *fs)
{
	while (!list_empty(&fs->listings))
		dir_listing_free(fs, container_of(fs->listings.next, struct dir_listing, link));
}

void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct node *n = node_get(&c.fs->nodes, ino);
	struct dir_listing *l = calloc(1, sizeof(*l));

	if (!n || !l) {
		free(l);
		refuse(&c, n ? -ENOMEM : -ENOENT, n, NULL);
		return;
	}
	fs_attend(&c, n);
	l->node = n;
	n->handles++;
	list_append(&c.fs->listings, &l->link);
	buf_init(&l->items, LISTING_MAX);
	fi->fh = (uintptr_t)l;
	fi->cache_readdir = fi->keep_cache = n->row->cache == CACHE_ALWAYS;
	if (fuse_reply_open(req, fi) < 0)
		dir_listing_free(c.fs, l);
}

void dir_read(fuse_req_t req, fuse_ino_t ino _unused_, size_t size, off_t offset, struct fuse_file_info *fi)
{
	_call_ struct call c = call_begin(req);
	struct dir_listing *l = (struct dir_listing *)(uintptr_t)fi->fh;
	_free_ char *out = malloc(size);
	size_t at = (size_t)offset, used = 0;
	int r = !out ? -ENOMEM : offset == 0 ? dir_take_listing(&c, l) : 0;

	if (r < 0) {
		refuse(&c, r, l->node, NULL);
		return;
	}
	/* The offset of an entry is the position of the next entry. */
	while (at < l->items.len) {
		struct item item;
		struct stat st = {0};
		const char *name = l->items.data + at + sizeof(item);
		size_t next, n;

		memcpy(&item, l->items.data + at, sizeof(item));
		next = at + sizeof(item) + item.name_len + 1U;
		st.st_ino = item.ino;
		st.st_mode = item.type;
		n = fuse_add_direntry(req, out + used, size - used, name, &st, (off_t)next);
		if (n > size - used)
			break;
		used += n;
		at = next;
	}
	fuse_reply_buf(req, out, used);
}

void dir_release(fuse_req_t req, fuse_ino_t ino _unused_, struct fuse_file_info *fi)
{
	dir_listing_free(fuse_req_userdata(req), (struct dir_listing *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}
