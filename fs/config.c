/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/config.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

#define OVERWRITTEN_MS 10000 /* the longest time between two programs of one command line */

void config_init(struct config *c)
{
	pthread_mutex_init(&c->lock, NULL);
	buf_init(&c->overwritten, CONFIG_FILE_MAX);
}

void memory_file_unref(struct memory_file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	buf_free(&f->text);
	free(f->name);
	free(f);
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < CONFIG_FILES; i++)
		memory_file_unref(move_ptr(c->files[i]));
	buf_free(&c->overwritten);
	pthread_mutex_destroy(&c->lock);
}

bool config_has_settings(struct config *c)
{
	bool there;

	pthread_mutex_lock(&c->lock);
	there = !c->settings_gone;
	pthread_mutex_unlock(&c->lock);
	return there;
}

void config_show_settings(struct config *c, bool there)
{
	pthread_mutex_lock(&c->lock);
	c->settings_gone = !there;
	pthread_mutex_unlock(&c->lock);
}

/*
 * Returns the slot of a name, or a free slot if name is NULL. Returns NULL if there is none. The caller holds the lock.
 */
static struct memory_file **config_place(struct config *c, const char *name)
{
	for (size_t i = 0; i < CONFIG_FILES; i++) {
		struct memory_file *f = c->files[i];

		if (name ? f && strcmp(f->name, name) == 0 : !f)
			return &c->files[i];
	}
	return NULL;
}

struct memory_file *config_get(struct config *c, const char *name)
{
	struct memory_file **at, *f = NULL;

	pthread_mutex_lock(&c->lock);
	at = config_place(c, name);
	if (at) {
		f = *at;
		ref_get(&f->ref);
	}
	pthread_mutex_unlock(&c->lock);
	return f;
}

uint64_t config_used(struct config *c)
{
	uint64_t used = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CONFIG_FILES; i++)
		used += c->files[i] ? c->files[i]->text.len : 0;
	pthread_mutex_unlock(&c->lock);
	return used;
}

bool config_has(struct config *c, const char *name)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = config_get(c, name);

	return f != NULL;
}

int config_list(struct config *c, int (*each)(void *arg, const char *name), void *arg)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CONFIG_FILES && r >= 0; i++)
		if (c->files[i])
			r = each(arg, c->files[i]->name);
	pthread_mutex_unlock(&c->lock);
	return r;
}

static struct memory_file *config_new_file(const char *name)
{
	struct memory_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	ref_init(&f->ref);
	buf_init(&f->text, CONFIG_FILE_MAX);
	f->changed_ms = clock_wall_ms();
	f->name = strdup(name);
	if (!f->name) {
		free(f);
		return NULL;
	}
	return f;
}

/* Stores f in the slot of its name or in a free slot. A file that was there is returned. The caller holds the lock. */
static int config_put(struct config *c, struct memory_file *f, struct memory_file **ret_old)
{
	struct memory_file **at = config_place(c, f->name);

	if (!at)
		at = config_place(c, NULL);
	if (!at)
		return -ENOSPC;
	*ret_old = *at;
	*at = f;
	return 0;
}

int config_create(struct config *c, const char *name, struct memory_file **ret)
{
	struct memory_file *f = config_new_file(name), *old = NULL;
	int r;

	if (!f)
		return -ENOMEM;
	pthread_mutex_lock(&c->lock);
	r = config_put(c, f, &old);
	if (r == 0)
		ref_get(&f->ref);
	pthread_mutex_unlock(&c->lock);
	memory_file_unref(old);
	if (r < 0) {
		memory_file_unref(f);
		return r;
	}
	*ret = f;
	return 0;
}

int config_remove(struct config *c, const char *name)
{
	struct memory_file **at, *f = NULL;

	pthread_mutex_lock(&c->lock);
	at = config_place(c, name);
	if (at)
		f = move_ptr(*at);
	pthread_mutex_unlock(&c->lock);
	if (!f)
		return -ENOENT;
	memory_file_unref(f);
	return 0;
}

int config_rename(struct config *c, const char *name, const char *new_name)
{
	struct memory_file **from, **to, *replaced = NULL;
	char *own = strdup(new_name);
	int r = -ENOENT;

	if (!own)
		return -ENOMEM;
	pthread_mutex_lock(&c->lock);
	from = config_place(c, name);
	to = config_place(c, new_name);
	if (from) {
		if (to && to != from)
			replaced = move_ptr(*to);
		free((*from)->name);
		(*from)->name = move_ptr(own);
		r = 0;
	}
	pthread_mutex_unlock(&c->lock);
	memory_file_unref(replaced);
	free(own);
	return r;
}

void config_put_back(struct config *c, struct memory_file *f)
{
	pthread_mutex_lock(&c->lock);
	if (!config_place(c, f->name)) {
		struct memory_file **at = config_place(c, NULL);

		if (at) {
			*at = f;
			ref_get(&f->ref);
		}
	}
	pthread_mutex_unlock(&c->lock);
}

int text_truncate(struct buf *text, size_t size)
{
	static const char zeros[4096];
	int r = 0;

	if (size > text->max)
		return -EFBIG;
	if (size < text->len) {
		text->len = size;
		text->data[size] = '\0';
	}
	while (text->len < size && r >= 0) {
		size_t n = size - text->len;

		r = buf_append(text, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
	}
	return r;
}

int text_write_at(struct buf *text, const char *data, size_t len, size_t offset)
{
	size_t over;
	int r = 0;

	if (offset > text->max || len > text->max - offset)
		return -EFBIG;
	if (offset > text->len)
		r = text_truncate(text, offset);
	if (r < 0)
		return r;
	over = text->len - offset < len ? text->len - offset : len;
	if (over)
		memcpy(text->data + offset, data, over);
	return buf_append(text, data + over, len - over);
}

void config_keep_overwritten(struct config *c, const char *text, size_t len)
{
	config_forget_overwritten(c);
	if (buf_append(&c->overwritten, text, len) == 0)
		c->overwritten_ms = clock_monotonic_ms();
}

void config_keep_emptied(struct config *c)
{
	config_forget_overwritten(c);
	c->emptied = true;
	c->overwritten_ms = clock_monotonic_ms();
}

const struct buf *config_overwritten(struct config *c)
{
	if (clock_monotonic_ms() - c->overwritten_ms > OVERWRITTEN_MS)
		config_forget_overwritten(c);
	return c->overwritten.len || c->emptied ? &c->overwritten : NULL;
}

void config_forget_overwritten(struct config *c)
{
	buf_clear(&c->overwritten);
	c->emptied = false;
}
