/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * logs.c - append-only files: the logs that vastfs writes itself, and the logs that are stored in CloudWatch.
 *
 * The first open of a CloudWatch log may wait up to 2 s for the first page. The log is followed while a handle is open.
 * A part that is no longer in memory is fetched again for the reader. Loop thread only, except the functions that
 * answer parked requests (notifier) and the callbacks of the model.
 */
#include "fs/file.h"

#include "base/clock.h"
#include "fs/notify.h"
#include "fs/refuse.h"
#include "fs/render.h"

#include <string.h>

#define FIRST_PAGE_MS 2000
#define OLD_PART_MS   30000
#define READ_MAX      (1 << 20)

/*
 * Is set when the first page has arrived. The parked open and the model share this struct, and the model may use it
 * longer.
 */
struct log_follow {
	struct ref ref;
	struct fs *fs;
	enum model_log kind;
	char *key;
	_Atomic bool fetched;
};

/* Returns the CloudWatch log that a row shows, or -1 for a log that vastfs writes itself. */
static int logs_cloud_kind(const struct row *row)
{
	const char *name = tree_name(row);

	return strcmp(name, "task.log") == 0	 ? MODEL_LOG_TASK
	       : strcmp(name, "server.log") == 0 ? MODEL_LOG_SERVER
	       : strcmp(name, "lambda.log") == 0 ? MODEL_LOG_QUERY
						 : -1;
}

/* Returns a reference to the stream that is known now, or NULL if there is none. */
static struct stream *logs_find_stream(const struct scope *s)
{
	struct model *m = s->fs->model;
	const char *name = tree_name(s->row);
	int kind = logs_cloud_kind(s->row);
	struct stream *found;

	if (kind >= 0)
		return model_log_stream(m, (enum model_log)kind, s->key);
	if (s->job)
		found = s->job->log;
	else if (s->row->flags & ROW_LAST_IMPORT)
		return NULL; /* the stream does not exist yet */
	else
		found = strcmp(name, "api.log") == 0 ? model_api_log(m) : model_events(m);
	return stream_ref(found);
}

int64_t changed_log(const struct scope *s)
{
	_cleanup_(stream_unref_cleanup) struct stream *stream = logs_find_stream(s);

	/* An empty stream may exist only because a process has opened the log. */
	return stream && stream_size(stream) ? stream_changed(stream) : 0;
}

static off_t log_size(const struct scope *s)
{
	_cleanup_(stream_unref_cleanup) struct stream *stream = logs_find_stream(s);

	return stream ? (off_t)stream_size(stream) : 0;
}

/* -- opening --------------------------------------------------------------------------------------------------- */

static void logs_follow_unref(struct log_follow *f)
{
	if (!ref_put(&f->ref))
		return;
	free(f->key);
	free(f);
}

static void logs_fetched(void *arg)
{
	struct log_follow *f = arg;

	atomic_store(&f->fetched, true);
	notify_wake(f->fs->notifier);
	logs_follow_unref(f);
}

static struct log_follow *logs_new_follow(struct fs *fs, enum model_log kind, const char *key)
{
	struct log_follow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct log_follow){.fs = fs, .kind = kind, .key = strdup(key)};
	ref_init(&f->ref);
	if (f->key)
		return f;
	free(f);
	return NULL;
}

static int logs_follow(struct call *c, const struct scope *s, struct handle *h)
{
	struct log_follow *f = logs_new_follow(c->fs, (enum model_log)logs_cloud_kind(s->row), s->key);
	int r;

	if (!f)
		return -ENOMEM;
	ref_get(&f->ref);
	r = model_log_open(c->fs->model, f->kind, f->key, logs_fetched, f, &h->stream, &c->err);
	if (r < 0) {
		logs_follow_unref(f);
		logs_follow_unref(f);
		/* The log does not exist yet, so the file is empty. It is not missing. */
		return r == -ENOENT ? 0 : r;
	}
	h->follow = f;
	return 0;
}

struct waiting_open {
	struct parked parked;
	struct handle *handle;
};

static bool logs_has_first_page(struct parked *p)
{
	return atomic_load(&container_of(p, struct waiting_open, parked)->handle->follow->fetched);
}

/*
 * If the kernel no longer wants the file, the reply fails and the kernel will not release the handle. In this case and
 * after an interrupt, the next call on the loop thread frees the handle.
 */
static void logs_answer_open(struct fs *fs, struct parked *p, int why)
{
	struct waiting_open *w = container_of(p, struct waiting_open, parked);
	bool given = why != -EINTR;

	if (given)
		given = file_reply_open(p->req, w->handle) == 0;
	else
		fuse_reply_err(p->req, EINTR);
	if (!given)
		file_orphan(fs, w->handle);
	free(w);
}

static int logs_park_open(struct call *c, struct handle *h)
{
	struct waiting_open *w = calloc(1, sizeof(*w));

	if (!w)
		return 0; /* the open does not wait then */
	*w = (struct waiting_open){.parked = {.req = c->req,
					      .ready = logs_has_first_page,
					      .answer = logs_answer_open,
					      .deadline_ms = clock_monotonic_ms() + FIRST_PAGE_MS},
				   .handle = h};
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

static int log_open(struct call *c, const struct scope *s, struct handle *h)
{
	int r;

	model_hold(c->fs->model, true);
	h->stream = logs_find_stream(s);
	/* grep -r and other programs that scan a tree open files with O_NONBLOCK. Nothing is fetched for them. */
	if (logs_cloud_kind(s->row) < 0 || h->flags & O_NONBLOCK)
		return 0;
	if (!h->stream && !log_budget_take(&c->fs->log_budget, c->who.pid, clock_monotonic_ms()))
		return 0;
	stream_unref(move_ptr(h->stream));
	r = logs_follow(c, s, h);
	if (r < 0 || !h->follow || atomic_load(&h->follow->fetched) || h->flags & O_NONBLOCK)
		return r;
	return logs_park_open(c, h);
}

static void log_release(struct call *c, struct handle *h)
{
	model_hold(c->fs->model, false);
	if (!h->follow)
		return;
	model_log_close(c->fs->model, h->follow->kind, h->follow->key);
	logs_follow_unref(move_ptr(h->follow));
}

/* -- reading --------------------------------------------------------------------------------------------------- */

/* Answers from the page that the handle holds. Returns false if the page does not contain the offset. */
static bool logs_answer_from_page(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	_cleanup_(blob_unref_cleanup) struct blob *page = NULL;
	uint64_t at;

	pthread_mutex_lock(&h->lock);
	page = blob_ref(h->page);
	at = h->page_at;
	pthread_mutex_unlock(&h->lock);
	if (!page || (uint64_t)offset < at || (uint64_t)offset >= at + page->len)
		return false;
	file_reply_part(req, page->data, page->len, offset - (off_t)at, size);
	return true;
}

static void logs_answer_from_memory(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	size_t most = size < READ_MAX ? size : READ_MAX, n = 0;
	_free_ char *bytes = malloc(most ? most : 1);

	if (!bytes) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (h->stream)
		n = stream_read(h->stream, (uint64_t)offset, bytes, most);
	fuse_reply_buf(req, bytes, n);
}

/*
 * An older part that is fetched again. The parked read and the model share this struct, and the model may use it
 * longer.
 */
struct old_part {
	struct ref ref;
	struct fs *fs;
	struct blob *text;
	uint64_t at;
	struct error err;
	_Atomic bool fetched;
};

static void logs_old_part_unref(struct old_part *o)
{
	if (!ref_put(&o->ref))
		return;
	blob_unref(o->text);
	free(o);
}

static void logs_got_old_part(struct blob *text, uint64_t at, const struct error *err, void *arg)
{
	struct old_part *o = arg;

	o->text = text;
	o->at = at;
	o->err = *err;
	atomic_store(&o->fetched, true);
	notify_wake(o->fs->notifier);
	logs_old_part_unref(o);
}

struct waiting_part {
	struct parked parked;
	struct handle *handle;
	struct old_part *part;
	struct requester who;
	size_t size;
	off_t offset;
};

static bool logs_has_part(struct parked *p)
{
	return atomic_load(&container_of(p, struct waiting_part, parked)->part->fetched);
}

static void logs_keep_page(struct handle *h, struct blob *text, uint64_t at)
{
	struct blob *old;

	pthread_mutex_lock(&h->lock);
	old = h->page;
	h->page = blob_ref(text);
	h->page_at = at;
	pthread_mutex_unlock(&h->lock);
	blob_unref(old);
}

static void logs_answer_part(struct fs *fs, struct parked *p, int why)
{
	struct waiting_part *w = container_of(p, struct waiting_part, parked);
	struct old_part *o = w->part;

	if (why == 0 && o->text)
		logs_keep_page(w->handle, o->text, o->at);
	else if (why == 0)
		refuse_record(fs, w->who, w->handle->node->row->path, &o->err);
	if (why == -EINTR)
		fuse_reply_err(p->req, EINTR);
	else if (why < 0 || !logs_answer_from_page(p->req, w->handle, w->size, w->offset))
		fuse_reply_err(p->req, why < 0 ? -why : EIO);
	logs_old_part_unref(o);
	free(w);
}

static int logs_fetch_old_part(struct call *c, struct handle *h, size_t size, off_t offset)
{
	struct old_part *o = calloc(1, sizeof(*o));
	struct waiting_part *w = calloc(1, sizeof(*w));
	int r = o && w ? 0 : -ENOMEM;

	if (r == 0) {
		o->fs = c->fs;
		ref_init(&o->ref);
		ref_get(&o->ref);
		r = model_log_fetch(c->fs->model, h->follow->kind, h->follow->key, (uint64_t)offset, logs_got_old_part,
				    o);
	}
	if (r < 0) {
		free(o);
		free(w);
		return r;
	}
	*w = (struct waiting_part){.parked = {.req = c->req,
					      .ready = logs_has_part,
					      .answer = logs_answer_part,
					      .deadline_ms = clock_monotonic_ms() + OLD_PART_MS},
				   .handle = h,
				   .part = o,
				   .who = c->who,
				   .size = size,
				   .offset = offset};
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

static int log_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	bool dropped = h->follow && h->stream && (uint64_t)offset < stream_start(h->stream);

	if (!dropped || h->follow->kind == MODEL_LOG_QUERY)
		logs_answer_from_memory(c->req, h, size, offset);
	else if (!logs_answer_from_page(c->req, h, size, offset))
		return h->flags & O_NONBLOCK ? -EAGAIN : logs_fetch_old_part(c, h, size, offset);
	return FILE_ANSWERED;
}

const struct file_class class_log = {.open = log_open, .read = log_read, .release = log_release, .size = log_size};
