/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/file.h"

#include "fs/cached.h"
#include "fs/notify.h"
#include "fs/render.h"

#include <linux/fuse.h>
#include <poll.h>
#include <string.h>

/* -- handles --------------------------------------------------------------------------------------------------- */

static bool file_wants_to_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static struct handle *file_new_handle(struct fs *fs, struct node *n, int flags)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	*h = (struct handle){.node = n, .class = n->row->class, .flags = flags, .open_flags = FOPEN_DIRECT_IO};
	if (n->row->cache == CACHE_ALWAYS)
		h->open_flags = FOPEN_KEEP_CACHE;
	if ((flags & O_ACCMODE) == O_RDONLY)
		h->open_flags |= FOPEN_NOFLUSH; /* a FLUSH would have no effect, so the kernel need not send it */
	buf_init(&h->text, FS_TEXT_MAX);
	pthread_mutex_init(&h->lock, NULL);
	list_init(&h->watch.link);
	h->watch.handle = h;
	list_append(&fs->open_files, &h->link);
	n->handles++;
	return h;
}

void file_free(struct call *c, struct handle *h)
{
	list_remove(&h->link);
	poll_unwatch(c->fs, h);
	if (h->class->release)
		h->class->release(c, h);
	buf_free(&h->text);
	job_unref(h->job);
	memory_file_unref(h->memory);
	stream_unref(h->stream);
	blob_unref(h->page);
	blob_unref(h->base);
	pthread_mutex_destroy(&h->lock);
	node_close(&c->fs->nodes, h->node);
	free(h);
}

void file_orphan(struct fs *fs, struct handle *h)
{
	h->next_orphan = atomic_load(&fs->orphans);
	while (!atomic_compare_exchange_weak(&fs->orphans, &h->next_orphan, h))
		;
}

void file_free_orphans(struct call *c)
{
	struct handle *h = atomic_exchange(&c->fs->orphans, NULL);

	while (h) {
		struct handle *next = h->next_orphan;

		file_free(c, h);
		h = next;
	}
}

void file_free_all(struct fs *fs)
{
	struct call c = {.fs = fs};

	while (!list_empty(&fs->open_files)) {
		struct handle *h = container_of(fs->open_files.next, struct handle, link);

		h->writes = 0;
		file_free(&c, h);
	}
}

/*
 * Root passes the kernel's permission check. A write that would be refused is refused at open, because shells ignore
 * the result of close(2).
 */
static int file_admit(struct call *c, const struct scope *s, int flags)
{
	const struct file_class *class = s->row->class;

	if (!class->write && (file_wants_to_write(flags) || flags & O_TRUNC))
		return error_set(&c->err, -EPERM, "this file is read-only");
	return file_wants_to_write(flags) && class->admit ? class->admit(c, s) : 0;
}

int file_open(struct call *c, struct node *n, int flags, struct handle **ret)
{
	_scope_ struct scope s = {0};
	struct handle *h;
	int r = scope_open(&s, c->fs, c->snapshot, n->row, n->key);

	if (r < 0)
		return r;
	r = file_admit(c, &s, flags);
	if (r < 0)
		return r;
	h = file_new_handle(c->fs, n, flags);
	if (!h)
		return -ENOMEM;
	*ret = h;
	if (file_wants_to_write(flags) && h->class->touch)
		touch_add_writer(&c->fs->touch_writers, c->who.pid, n->ino);
	if (!file_wants_to_write(flags) && cached_is_current(&s, n))
		h->open_flags = (h->open_flags & ~(unsigned)FOPEN_DIRECT_IO) | FOPEN_KEEP_CACHE;
	r = h->class->open ? h->class->open(c, &s, h) : 0;
	if (r < 0)
		file_free(c, h);
	return r;
}

int file_reply_open(fuse_req_t req, const struct handle *h)
{
	struct fuse_open_out out = {.fh = (uintptr_t)h, .open_flags = h->open_flags};

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

int file_reply_part(fuse_req_t req, const char *data, size_t len, off_t offset, size_t size)
{
	size_t at = (size_t)offset < len ? (size_t)offset : len;

	return fuse_reply_buf(req, data + at, len - at < size ? len - at : size);
}

/* -- rendered text --------------------------------------------------------------------------------------------- */

static int file_render(struct call *c, struct handle *h)
{
	_scope_ struct scope s = {0};
	int r = scope_open(&s, c->fs, c->snapshot, h->node->row, h->node->key);

	/* The object no longer exists. The text that was read from it remains readable. */
	if (r < 0)
		return h->rendered ? 0 : r;
	buf_clear(&h->text);
	r = s.row->render ? s.row->render(&s, &h->text) : 0;
	if (r == 0 && h->text.error == -ENOMEM)
		r = -ENOMEM; /* a line in the middle is missing */
	h->rendered = true;
	if (s.row->flags & ROW_STATE)
		atomic_store(&h->watch.seen, job_token(&s));
	return r;
}

int text_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	const struct blob *page = h->open_flags & FOPEN_KEEP_CACHE ? cached_text(h->node) : NULL;
	bool stream = h->open_flags & FOPEN_STREAM;
	int r = 0;

	if (page) {
		file_reply_part(c->req, page->data, page->len, offset, size);
		return FILE_ANSWERED;
	}
	if (stream)
		offset = (off_t)h->cursor;
	if (offset == 0 || !h->rendered)
		r = file_render(c, h);
	if (r < 0)
		return r;
	if (stream)
		h->cursor += h->text.len - h->cursor < size ? h->text.len - h->cursor : size;
	file_reply_part(c->req, buf_str(&h->text), h->text.len, offset, size);
	return FILE_ANSWERED;
}

/* Only a file with ROW_STATE reports changes. */
static unsigned file_poll_text(const struct scope *s, struct handle *h)
{
	unsigned events = POLLIN | POLLRDNORM;

	if (s->row->flags & ROW_STATE && job_token(s) != atomic_load(&h->watch.seen))
		events |= POLLPRI | POLLERR;
	return events;
}

/* Before the first read, a handle counts as having seen the state at open. */
static int file_open_text(struct call *c _unused_, const struct scope *s, struct handle *h)
{
	if (s->row->flags & ROW_STATE)
		atomic_store(&h->watch.seen, job_token(s));
	return 0;
}

static int file_clear_errors(struct call *c)
{
	failures_clear(model_failures(c->fs->model));
	notify_changed(c->fs->notifier);
	return 0;
}

static int file_write_errors(struct call *c, struct handle *h _unused_, const char *data _unused_, size_t len _unused_,
			     off_t offset _unused_)
{
	return file_clear_errors(c);
}

/* The shell opens the file with O_TRUNC for ": > error" and writes nothing. */
static int file_open_errors(struct call *c, const struct scope *s _unused_, struct handle *h)
{
	return h->flags & O_TRUNC ? file_clear_errors(c) : 0;
}

static int file_truncate_errors(struct call *c, struct handle *h _unused_, off_t size)
{
	return size == 0 ? file_clear_errors(c) : 0;
}

const struct file_class class_text = {.open = file_open_text, .read = text_read, .poll = file_poll_text};
const struct file_class class_errors = {
	.open = file_open_errors, .read = text_read, .write = file_write_errors, .truncate = file_truncate_errors};
