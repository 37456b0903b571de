/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/cached.h"

#include "fs/file.h"

#include <string.h>

/* The times of files are exact to milliseconds. The version is stored in the digits below them. */
#define VERSIONS 1000000

/* -- files ----------------------------------------------------------------------------------------------------- */

static bool cached_is_for_pages(const struct row *row)
{
	return row->type == ROW_FILE && row->cache == CACHE_CLOUD && row->class == &class_text;
}

/* Returns false if the text is too long for the page cache. */
static bool cached_render(const struct scope *s, struct buf *out)
{
	return s->row->render(s, out) >= 0 && out->len <= CACHED_TEXT_MAX;
}

static bool cached_is_same(const struct node *n, const struct buf *text)
{
	return n->cached && n->cached->len == text->len && memcmp(n->cached->data, buf_str(text), text->len) == 0;
}

static void cached_tell_text(const struct scope *s, struct node *n)
{
	_buf_ struct buf text = BUF_INIT(FS_TEXT_MAX);
	bool fits = cached_render(s, &text);

	if (fits ? cached_is_same(n, &text) : !n->cached)
		return;
	n->version++;
	cached_forget(n);
	if (fits)
		n->cached = blob_from_buf(&text);
}

bool cached_is_current(const struct scope *s, const struct node *n)
{
	_buf_ struct buf text = BUF_INIT(FS_TEXT_MAX);

	return n->cached && cached_render(s, &text) && cached_is_same(n, &text);
}

const struct blob *cached_text(const struct node *n)
{
	return n->cached;
}

void cached_forget(struct node *n)
{
	blob_unref(n->cached);
	n->cached = NULL;
}

/* -- directories ----------------------------------------------------------------------------------------------- */

/* Hashes a name: FNV-1a, 64 bits. */
uint64_t cached_hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash;
}

static int cached_hash_one(void *arg, const struct row *row _unused_, const char *key _unused_, const char *name)
{
	uint64_t *sum = arg;

	*sum += cached_hash_name(name);
	return 0;
}

void cached_tell_listing(struct node *n, uint64_t names_hash)
{
	n->version += n->names_hash != names_hash;
	n->names_hash = names_hash;
}

void cached_tell(const struct scope *s, struct node *n, struct stat *attr)
{
	uint64_t sum = 0;

	if (s->row->type == ROW_DIR && names_list(s, cached_hash_one, &sum) >= 0)
		cached_tell_listing(n, sum);
	else if (cached_is_for_pages(s->row))
		cached_tell_text(s, n);
	attr->st_mtim.tv_nsec += n->version % VERSIONS;
	attr->st_ctim = attr->st_atim = attr->st_mtim;
}
