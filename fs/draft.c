/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * draft.c - config/default.env while somebody writes it, and the temporary files beside it.
 *
 * A draft belongs to one open file. Every line is looked at when its newline is written; FLUSH looks at a last line
 * without one and saves. What was refused in part is never saved.
 */
#include "fs/file.h"

#include "base/clock.h"
#include "fs/draft.h"
#include "fs/save.h"

#include <string.h>

int draft_check(const char *text, size_t len, size_t from, bool whole, struct error *err)
{
	unsigned lineno = 1;
	size_t start = 0;

	while (start < len) {
		const char *newline = memchr(text + start, '\n', len - start);
		size_t end = newline ? (size_t)(newline - text) : len;

		if (end >= from && (newline || whole)) {
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

static int draft_begin(struct handle *h, const struct snapshot *s)
{
	const struct blob *text = s->settings_text;

	buf_clear(&h->text);
	h->rendered = true;
	h->dirty = false;
	return h->flags & O_TRUNC ? 0 : buf_append(&h->text, text->data, text->len);
}

static int draft_settings_open(struct call *c, const struct scope *s _unused_, struct handle *h)
{
	if ((h->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	h->text.max = SETTINGS_MAX;
	return draft_begin(h, c->snapshot);
}

static int draft_settings_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset)
{
	size_t at = h->flags & O_APPEND ? h->text.len : (size_t)offset;
	int r;

	if (h->spoilt) {
		c->is_explained = true;
		return error_set(&c->err, h->spoilt, "a line before was refused");
	}
	/* After echo >> somebody else may have saved: an untouched draft follows. */
	r = h->dirty || h->flags & O_TRUNC ? 0 : draft_begin(h, c->snapshot);
	if (r >= 0 && h->flags & O_APPEND)
		at = h->text.len;
	if (r >= 0)
		r = text_write_at(&h->text, data, len, at);
	if (r == -EFBIG)
		error_set(&c->err, r, "the settings have at most %d bytes", SETTINGS_MAX);
	if (r >= 0)
		r = draft_check(buf_str(&h->text), h->text.len, at, false, &c->err);
	if (r < 0)
		h->spoilt = r;
	else
		h->dirty = true;
	return r;
}

static int draft_settings_flush(struct call *c, struct handle *h)
{
	_buf_ struct buf text = BUF_INIT(SETTINGS_MAX);
	bool dirty = h->dirty;
	int spoilt = h->spoilt, r;

	if (!dirty && !spoilt)
		return 0;
	h->dirty = false;
	h->spoilt = 0;
	if (spoilt) {
		draft_begin(h, c->snapshot);
		c->is_explained = true; /* the refusal of the line has its own */
		return error_set(&c->err, spoilt, "nothing was saved: %s",
				 spoilt == -ENOMEM ? "out of memory" : "a line was refused");
	}
	r = draft_check(buf_str(&h->text), h->text.len, 0, true, &c->err);
	if (r >= 0)
		r = buf_append(&text, buf_str(&h->text), h->text.len);
	return r < 0 ? r : save_settings(c, &text, NULL);
}

/* Of the draft only; by path nothing happens, as with O_TRUNC. */
static int draft_settings_truncate(struct call *c _unused_, struct handle *h, off_t size)
{
	if (!h || (h->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	h->flags |= O_TRUNC;
	return text_truncate(&h->text, (size_t)size);
}

static int draft_settings_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	if ((h->flags & O_ACCMODE) == O_RDONLY || !(h->dirty || h->flags & O_TRUNC))
		return text_read(c, h, size, offset);
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
		error_set(&c->err, r, "a temporary file has at most %d bytes", CONFIG_FILE_MAX);
	return r;
}

static int draft_memory_truncate(struct call *c, struct handle *h, off_t size)
{
	int r = h ? text_truncate(&h->memory->text, (size_t)size) : 0;

	if (r == -EFBIG)
		error_set(&c->err, r, "a temporary file has at most %d bytes", CONFIG_FILE_MAX);
	return r;
}

const struct file_class class_settings = {.open = draft_settings_open,
					  .read = draft_settings_read,
					  .write = draft_settings_write,
					  .flush = draft_settings_flush,
					  .truncate = draft_settings_truncate};
const struct file_class class_memory = {.open = draft_memory_open,
					.read = draft_memory_read,
					.write = draft_memory_write,
					.truncate = draft_memory_truncate};
