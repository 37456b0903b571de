/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/attr.h"

#include "base/clock.h"
#include "fs/cached.h"
#include "fs/file.h"
#include "fs/refuse.h"
#include "fs/sniff.h"

#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

#define KEEP_ALWAYS_S 600.0 /* not longer than SCHEDULE_USE_MS, after which an unused stack is rarely polled */
#define KEEP_CLOUD_S  60.0  /* notifications invalidate the cache earlier */
/*
 * While a program lists a directory repeatedly, the kernel sends a request at least once in this time. So fs_attend()
 * learns of the program, and a listing fails soon after vastfs has died.
 */
#define KEEP_DIR_S  1.0
#define BLOCK	    512
#define IO_SIZE	    4096
#define SPLICE_SIZE 4096

double attr_entry_timeout(const struct row *row)
{
	switch (row->cache) {
	case CACHE_ALWAYS:
		return KEEP_ALWAYS_S;
	case CACHE_CLOUD:
		return KEEP_CLOUD_S;
	case CACHE_NEVER:
		break;
	}
	return 0;
}

double attr_timeout(const struct row *row)
{
	return row->type == ROW_DIR && row->cache != CACHE_NEVER ? KEEP_DIR_S : attr_entry_timeout(row);
}

off_t attr_size(const struct scope *s)
{
	_buf_ struct buf text = BUF_INIT(FS_TEXT_MAX);

	if (s->row->type == ROW_DIR)
		return 0;
	if (s->row->class && s->row->class->size)
		return s->row->class->size(s);
	if (s->row->render)
		s->row->render(s, &text);
	return (off_t)text.len;
}

void attr_fill(const struct scope *s, uint64_t ino, struct stat *ret)
{
	static const mode_t types[] = {[ROW_DIR] = S_IFDIR, [ROW_FILE] = S_IFREG, [ROW_LINK] = S_IFLNK};
	int64_t changed = s->row->changed ? s->row->changed(s) : 0;

	memset(ret, 0, sizeof(*ret));
	ret->st_ino = ino;
	ret->st_mode = types[s->row->type] | (s->row->mode & ~s->fs->umask);
	ret->st_nlink = 1; /* the subdirectories are not counted */
	ret->st_uid = s->fs->uid;
	ret->st_gid = s->fs->gid;
	ret->st_size = attr_size(s);
	/*
	 * The block count must be true. Otherwise cp looks for holes with SEEK_DATA, which a stream does not support.
	 */
	ret->st_blocks = (ret->st_size + BLOCK - 1) / BLOCK;
	ret->st_blksize = IO_SIZE;
	ret->st_mtim = clock_timespec(changed ? changed : s->fs->mounted_ms);
	ret->st_ctim = ret->st_atim = ret->st_mtim;
}

/*
 * splice(2) takes nothing from a file of size 0 and reports its end. With a size, the kernel reads a page, gets EIO
 * (wait.c), and the program falls back to read(2), which waits.
 */
static void attr_pretend_size(const struct scope *s, struct node *n, struct stat *st)
{
	n->pretends_size = n->is_spliced && wait_is_pending(s);
	if (!n->pretends_size)
		return;
	st->st_size = SPLICE_SIZE;
	st->st_blocks = SPLICE_SIZE / BLOCK;
}

int attr_of_node(struct call *c, struct node *n, struct stat *ret)
{
	_scope_ struct scope s = {0};
	int r = scope_open(&s, c->fs, c->snapshot, n->row, n->key);

	if (r < 0)
		return r;
	attr_fill(&s, node_shown_number(n), ret);
	attr_pretend_size(&s, n, ret);
	cached_tell(&s, n, ret);
	return 0;
}

static bool attr_is_pending(struct call *c, const struct row *row, const char *key)
{
	_scope_ struct scope s = {0};

	return row->class == &class_wait && scope_open(&s, c->fs, c->snapshot, row, key) >= 0 && wait_is_pending(&s);
}

/*
 * A program that splices gets a node of its own. The size belongs to the node, so no other program sees it. A shell
 * gets one too, because its cat may splice from standard input.
 */
static struct node *attr_make_node(struct call *c, const struct row *row, const char *key)
{
	bool is_pending = attr_is_pending(c, row, key), is_spliced = is_pending && sniff_is_splicing_cat(c->who.pid);
	bool is_own = row->flags & ROW_OWN_NODE || is_spliced || (is_pending && sniff_is_shell(c->who.pid));
	struct node *n = is_own ? node_make_own(&c->fs->nodes, row, key) : node_make(&c->fs->nodes, row, key);

	if (n && is_spliced)
		n->is_spliced = true;
	return n;
}

void attr_recognize_splice(struct call *c, struct node *n)
{
	if (!n->is_spliced && node_is_own(n) && attr_is_pending(c, n->row, n->key))
		n->is_spliced = sniff_is_splicing_cat(c->who.pid);
}

int attr_entry(struct call *c, const struct row *row, const char *key, struct fuse_entry_param *e)
{
	struct node *n = attr_make_node(c, row, key);
	int r;

	if (!n)
		return -ENOMEM;
	*e = (struct fuse_entry_param){
		.ino = n->ino, .attr_timeout = attr_timeout(row), .entry_timeout = attr_entry_timeout(row)};
	r = attr_of_node(c, n, &e->attr);
	n->lookups += r >= 0;
	if (r < 0)
		node_forget(&c->fs->nodes, n, 0);
	return r;
}

int attr_find_entry(struct call *c, const struct node *dir, const char *name, struct fuse_entry_param *e)
{
	_scope_ struct scope s = {0};
	const struct row *row;
	char key[TREE_KEY_MAX];
	int r = scope_open(&s, c->fs, c->snapshot, dir->row, dir->key);

	if (r >= 0)
		r = names_lookup(&s, name, &row, key);
	return r < 0 ? r : attr_entry(c, row, key, e);
}

static bool attr_is_config(const struct node *n)
{
	return n && (strcmp(n->row->path, "config") == 0 || strncmp(n->row->path, "config/", strlen("config/")) == 0);
}

void attr_statfs(const struct call *c, const struct node *n, struct statvfs *ret)
{
	const struct settings *s = c->snapshot->settings;
	uint64_t config = (uint64_t)CONFIG_FILES * CONFIG_FILE_MAX,
		 spool = s ? (uint64_t)s->import_spool_limit << 30 : 0;
	uint64_t total = attr_is_config(n) || spool < config ? config : spool;
	uint64_t used = attr_is_config(n) ? config_used(&c->fs->config) : 0;

	*ret = (struct statvfs){.f_bsize = IO_SIZE, .f_frsize = IO_SIZE, .f_namemax = NAME_MAX};
	ret->f_blocks = total / IO_SIZE;
	ret->f_bfree = ret->f_bavail = (total - used) / IO_SIZE;
	ret->f_files = ret->f_ffree = CONFIG_FILES;
}
