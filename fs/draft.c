/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.c - config/default.env while a process writes it, and the temporary files of editors beside it.
 *
 * A draft belongs to one open file. Each line is checked when its newline is written. FLUSH checks a last line without
 * a newline and saves the draft. After a refused write, the draft is not saved. Loop thread only.
 */
#include "fs/file.h"

#include "base/clock.h"
#include "fs/draft.h"
#include "fs/refuse.h"
#include "fs/save.h"

#include <string.h>

int draft_check(const char *text, size_t len, size_t from, size_t to, bool whole, struct error *err)
{
	unsigned lineno = 1;
	size_t start = 0;

	while (start < len && start < to) {
		const char *newline = memchr(text + start, '\n', len - start);
		size_t end = newline ? (size_t)(newline - text) : len;

		if (end >= from && ((newline && end < to) || (!newline && whole))) {
			int r = settings_check_line(text + start, end - start, lineno, err);

			if (r < 0)
				return r;
		}
		start = end + 1;
		lineno++;
	}
	return 0;
}

/* -- default.env ----------------------------------------------------------------------------------------------- */

/*
 * Starts the draft with the text on disk, or with the text that another program wrote over the file and left for
 * truncation.
 */
static int draft_begin(struct call *c, struct handle *h)
{
	const struct buf *overwritten = config_overwritten(&c->fs->config);
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = NULL;

	model_settings_refresh(c->fs->model);
	s = model_snapshot(c->fs->model);
	buf_clear(&h->text);
	h->rendered = true;
	h->dirty = false;
	h->written_to = 0;
	blob_unref(move_ptr(h->base));
	if (h->flags & O_TRUNC)
		return 0;
	h->base = blob_ref(s->settings_text);
	return overwritten ? buf_append(&h->text, buf_str(overwritten), overwritten->len)
			   : buf_append(&h->text, s->settings_text->data, s->settings_text->len);
}

static int draft_settings_open(struct call *c, const struct scope *s _unused_, struct handle *h)
{
	if ((h->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	h->text.max = SETTINGS_MAX;
	if (h->flags & O_TRUNC)
		config_keep_emptied(&c->fs->config);
	return draft_begin(c, h);
}

/* Checks the written lines. The lines after them belong to the old text and may still be truncated. */
static int draft_write(struct call *c, struct handle *h, const char *data, size_t len, size_t at)
{
	size_t from = h->flags & O_APPEND ? 0 : at; /* appending does not truncate, so all lines count */
	int r = text_write_at(&h->text, data, len, at);

	if (r == -EFBIG)
		return error_set(&c->err, r, "config/default.env can have at most %d bytes", SETTINGS_MAX);
	if (r >= 0)
		r = draft_check(buf_str(&h->text), h->text.len, from, at + len, false, &c->err);
	if (r >= 0)
		h->written_to = at + len;
	return r;
}

static int draft_settings_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset)
{
	int r;

	if (h->spoilt) {
		c->is_explained = true;
		return error_set(&c->err, h->spoilt, "an earlier line was refused");
	}
	/*
	 * Another process may have saved the file after this one opened it (echo >>). So a draft without changes is
	 * read again.
	 */
	r = h->dirty || h->flags & O_TRUNC ? 0 : draft_begin(c, h);
	if (r >= 0)
		r = draft_write(c, h, data, len, h->flags & O_APPEND ? h->text.len : (size_t)offset);
	h->dirty = h->dirty || r >= 0;
	if (r < 0) {
		h->spoilt = r;
		config_forget_overwritten(
			&c->fs->config); /* the settings stay as they were, also for the next writer */
	}
	return r;
}

/* Returns whether the written lines are valid and the bytes after them are not truncated yet. */
static bool draft_awaits_truncation(const struct handle *h)
{
	struct error ignored = {0};

	return !(h->flags & (O_TRUNC | O_APPEND)) && h->written_to > 0 && h->written_to < h->text.len &&
	       draft_check(buf_str(&h->text), h->written_to, 0, h->written_to, true, &ignored) == 0;
}

/* A program such as dd has finished its part, so close(2) succeeds and /error describes the missing step. */
static int draft_keep(struct call *c, struct handle *h)
{
	error_prefix(&c->err, "config/default.env is not saved yet: after byte %zu, the rest of the old text remains",
		     h->written_to);
	error_remedy(&c->err, "truncate -s %zu config/default.env within 10 seconds, or write the whole file again",
		     h->written_to);
	refuse_record(c->fs, c->who, "config/" CONFIG_SETTINGS, &c->err);
	config_keep_overwritten(&c->fs->config, buf_str(&h->text), h->text.len);
	return 0;
}

static bool draft_is_same_text(const struct blob *a, const struct blob *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/*
 * The lines were added to a text that is no longer in force. Saving them would lose the new text, so the save is
 * refused.
 */
static int draft_check_base(struct call *c, const struct handle *h)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = NULL;

	model_settings_refresh(c->fs->model);
	s = model_snapshot(c->fs->model);
	if (!h->base || draft_is_same_text(h->base, s->settings_text))
		return 0;
	error_set(&c->err, -EBUSY,
		  "another program changed config/default.env while it was being written; nothing was saved");
	error_remedy(&c->err, "read config/default.env again, then write it");
	return -EBUSY;
}

static int draft_save(struct call *c, struct handle *h)
{
	_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);
	int r = draft_check_base(c, h);

	if (r < 0)
		return r;
	r = draft_check(buf_str(&h->text), h->text.len, 0, h->text.len, true, &c->err);

	if (r == -EINVAL && draft_awaits_truncation(h))
		return draft_keep(c, h);
	if (r < 0)
		config_forget_overwritten(&c->fs->config);
	else
		r = buf_append(&text, buf_str(&h->text), h->text.len);
	return r < 0 ? r : save_settings(c, &text, NULL);
}

static int draft_settings_flush(struct call *c, struct handle *h)
{
	bool dirty = h->dirty;
	int spoilt = h->spoilt;

	if (!dirty && !spoilt)
		return 0;
	h->dirty = false;
	h->spoilt = 0;
	if (!spoilt)
		return draft_save(c, h);
	draft_begin(c, h);
	c->is_explained = true; /* the refusal of the line added a message already */
	return error_set(&c->err, spoilt, "nothing was saved: %s",
			 spoilt == -ENOMEM ? "out of memory" : "a line was refused");
}

/*
 * Handles truncate(2) by path. No file is open whose close could save the result. O_TRUNC changes nothing by itself, so
 * size 0 is accepted here.
 */
static int draft_settings_truncate_path(struct call *c, const struct scope *s _unused_, off_t size)
{
	if (size == 0)
		config_keep_emptied(&c->fs->config);
	if (size == 0 || (size_t)size == c->snapshot->settings_text->len)
		return 0;
	error_set(
		&c->err, -EINVAL,
		"truncate(2) by path cannot save the file, because the settings are saved when an open file is closed");
	error_remedy(&c->err, "open config/default.env, truncate it and close it: truncate -s %lld config/default.env",
		     (long long)size);
	return -EINVAL;
}

static int draft_settings_truncate(struct call *c, struct handle *h, off_t size)
{
	int r;

	if ((h->flags & O_ACCMODE) == O_RDONLY || ((size_t)size == h->text.len && !h->spoilt))
		return 0;
	if (size == 0)
		config_keep_emptied(&c->fs->config);
	r = text_truncate(&h->text, (size_t)size);
	if (r < 0)
		return r;
	h->flags |= O_TRUNC;
	h->dirty = h->dirty || size > 0;
	return 0;
}

/* Shows the text in force, even if an editor has renamed the file away. */
static int draft_show_text(struct call *c, struct handle *h)
{
	buf_clear(&h->text);
	h->rendered = true;
	return buf_append(&h->text, c->snapshot->settings_text->data, c->snapshot->settings_text->len);
}

/* A draft without a write shows the text in force, just as a write would start from that text. */
static int draft_settings_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	bool is_draft = (h->flags & O_ACCMODE) != O_RDONLY;
	int r = 0;

	if (!is_draft && (offset == 0 || !h->rendered))
		r = draft_show_text(c, h);
	else if (is_draft && offset == 0 && !h->dirty && !h->spoilt && !(h->flags & O_TRUNC))
		r = draft_begin(c, h);
	if (r < 0)
		return r;
	file_reply_part(c->req, buf_str(&h->text), h->text.len, offset, size);
	return FILE_ANSWERED;
}

/* -- temporary files ------------------------------------------------------------------------------------------- */

static int draft_memory_open(struct call *c, const struct scope *s, struct handle *h)
{
	h->memory = config_get(&c->fs->config, s->key);
	if (!h->memory)
		return -ENOENT;
	return h->flags & O_TRUNC ? text_truncate(&h->memory->text, 0) : 0;
}

static int draft_memory_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	file_reply_part(c->req, buf_str(&h->memory->text), h->memory->text.len, offset, size);
	return FILE_ANSWERED;
}

static int draft_memory_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset)
{
	size_t at = h->flags & O_APPEND ? h->memory->text.len : (size_t)offset;
	int r = text_write_at(&h->memory->text, data, len, at);

	h->memory->changed_ms = clock_wall_ms();
	if (r == -EFBIG)
		error_set(&c->err, r, "a temporary file can have at most %d bytes", CONFIG_FILE_MAX);
	return r;
}

static int draft_memory_resize(struct call *c, struct memory_file *f, off_t size)
{
	int r = text_truncate(&f->text, (size_t)size);

	f->changed_ms = clock_wall_ms();
	if (r == -EFBIG)
		error_set(&c->err, r, "a temporary file can have at most %d bytes", CONFIG_FILE_MAX);
	return r;
}

static int draft_memory_truncate(struct call *c, struct handle *h, off_t size)
{
	return draft_memory_resize(c, h->memory, size);
}

static int draft_memory_truncate_path(struct call *c, const struct scope *s, off_t size)
{
	_cleanup_(memory_file_unref_cleanup) struct memory_file *f = config_get(&c->fs->config, s->key);

	return f ? draft_memory_resize(c, f, size) : -ENOENT;
}

const struct file_class class_settings = {.open = draft_settings_open,
					  .read = draft_settings_read,
					  .write = draft_settings_write,
					  .flush = draft_settings_flush,
					  .truncate = draft_settings_truncate,
					  .truncate_path = draft_settings_truncate_path};
const struct file_class class_memory = {.open = draft_memory_open,
					.read = draft_memory_read,
					.write = draft_memory_write,
					.truncate = draft_memory_truncate,
					.truncate_path = draft_memory_truncate_path};
