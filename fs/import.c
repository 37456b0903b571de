/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * import.c - import/{format}: the bytes that are written between open and close are one import.
 *
 * A write that is too far ahead of the disk or of AWS is parked, as in a full pipe. The kernel locks a node during a
 * write, so parking is safe only if no other process uses the node. Therefore each lookup gives a separate node
 * (ROW_OWN_NODE). close(2) and fsync(2) are answered when the events are on disk.
 *
 * A read on a handle that was written to ends its import and waits for the outcome. The classes run on the loop thread.
 * The notifier answers parked requests, renders texts and calls the functions for poll and size.
 */
#include "fs/file.h"

#include "base/clock.h"
#include "fs/exiting.h"
#include "fs/notify.h"
#include "fs/refuse.h"
#include "fs/render.h"
#include "ingest/format.h"

#include <inttypes.h>
#include <linux/fuse.h>
#include <poll.h>
#include <string.h>

#define READ_AT_ONCE (1 << 20)
#define EXIT_WAIT_MS 30000 /* limit of the wait for the disk in a process that exits by itself */

/* -- writing --------------------------------------------------------------------------------------------------- */

static int import_admit(struct call *c, const struct scope *s _unused_)
{
	return model_import_check(c->fs->model, &c->err);
}

static int import_open(struct call *c _unused_, const struct scope *s _unused_, struct handle *h)
{
	if ((h->flags & O_ACCMODE) != O_RDONLY)
		h->open_flags |= FOPEN_STREAM;
	return 0;
}

/* Only the request uses this struct. The kernel releases the handle after the request. */
struct waiting_write {
	struct parked parked;
	struct import *import;
	struct requester who;
	const char *path;
	size_t len;
	char data[];
};

static bool import_has_room_now(struct parked *p)
{
	return import_is_writable(container_of(p, struct waiting_write, parked)->import);
}

static void import_answer_write(struct fs *fs, struct parked *p, int why)
{
	struct waiting_write *w = container_of(p, struct waiting_write, parked);
	struct error err = {0};
	int r = why == 0 ? import_write(w->import, w->data, w->len, &err) : -EINTR;

	if (r == -EAGAIN) {
		parked_again(fs, p);
		return;
	}
	if (r < 0 && error_is(&err))
		refuse_record(fs, w->who, w->path, &err);
	if (r < 0)
		fuse_reply_err(p->req, -r);
	else
		fuse_reply_write(p->req, w->len);
	import_unref(w->import);
	free(w);
}

static int import_park_write(struct call *c, struct handle *h, const char *data, size_t len)
{
	struct waiting_write *w = malloc(sizeof(*w) + len);

	if (!w)
		return -ENOMEM;
	*w = (struct waiting_write){
		.parked = {.req = c->req, .ready = import_has_room_now, .answer = import_answer_write},
		.import = import_ref(h->import),
		.who = c->who,
		.path = h->node->row->path,
		.len = len};
	memcpy(w->data, data, len);
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

/* The process has read the outcome of an import to its end, so a later write starts another import. */
static void import_start_over(struct handle *h)
{
	wait_bind(h, NULL);
	h->rendered = false;
}

static int import_write_begin(struct call *c, struct handle *h)
{
	if (h->job && !h->consumed) {
		error_set(&c->err, -EBUSY, "the result of the previous import has not been read to its end");
		error_remedy(&c->err, "read it, or open the file again");
		return -EBUSY;
	}
	if (h->job)
		import_start_over(h);
	return h->import ? 0 : model_import(c->fs->model, h->node->key, c->who, &h->import, &c->err);
}

static int class_import_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset _unused_)
{
	int r = len ? import_write_begin(c, h) : 0;

	if (r < 0 || !len)
		return r;
	h->dirty = true;
	h->writer = c->who;
	r = import_write(h->import, data, len, &c->err);
	if (r != -EAGAIN || h->flags & O_NONBLOCK)
		return r;
	return import_park_write(c, h, data, len);
}

/* -- durability ------------------------------------------------------------------------------------------------ */

/* The parked request and the import share this struct. The import may outlive the request, which can be interrupted. */
struct import_synced {
	struct ref ref;
	struct fs *fs;
	struct requester who;
	_Atomic bool done;
	int result;
};

struct waiting_sync {
	struct parked parked;
	struct import_synced *synced;
};

static void import_synced_unref(struct import_synced *s)
{
	if (ref_put(&s->ref))
		free(s);
}

/* A callback of import_sync(). Worker thread. */
static void import_take_synced(int result, const struct error *err, void *arg)
{
	struct import_synced *s = arg;

	if (result < 0)
		refuse_record(s->fs, s->who, "import", err);
	s->result = result;
	atomic_store(&s->done, true);
	notify_wake(s->fs->notifier);
	import_synced_unref(s);
}

static bool import_is_synced(struct parked *p)
{
	return atomic_load(&container_of(p, struct waiting_sync, parked)->synced->done);
}

static void import_answer_sync(struct fs *fs _unused_, struct parked *p, int why)
{
	struct waiting_sync *w = container_of(p, struct waiting_sync, parked);

	fuse_reply_err(p->req, why == 0 ? -w->synced->result : -why);
	import_synced_unref(w->synced);
	free(w);
}

static struct waiting_sync *import_new_sync(struct call *c)
{
	_free_ struct waiting_sync *w = calloc(1, sizeof(*w));
	struct import_synced *s = calloc(1, sizeof(*s));

	if (!w || !s) {
		free(s);
		return NULL;
	}
	*s = (struct import_synced){.fs = c->fs, .who = c->who};
	ref_init(&s->ref);
	ref_get(&s->ref); /* the reference of the import */
	*w = (struct waiting_sync){.parked = {.req = c->req, .ready = import_is_synced, .answer = import_answer_sync},
				   .synced = s};
	return move_ptr(w);
}

static int import_park_sync(struct call *c, struct handle *h, int64_t deadline_ms)
{
	struct waiting_sync *w = import_new_sync(c);

	if (!w)
		return -ENOMEM;
	if (import_sync(h->import, import_take_synced, w->synced) < 0) {
		import_synced_unref(w->synced);
		import_synced_unref(w->synced);
		free(w);
		return -ENOMEM;
	}
	h->dirty = false;
	w->parked.deadline_ms = deadline_ms;
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

static int class_import_fsync(struct call *c, struct handle *h)
{
	return h->import && h->dirty ? import_park_sync(c, h, 0) : 0;
}

/*
 * A child process closes descriptors that it inherited while its parent still writes. The parent closes the file later.
 * So the child need not wait until the events of its parent are on disk.
 */
static bool import_is_bystander(const struct call *c, const struct handle *h)
{
	pid_t writer;

	if (c->who.pid == h->writer.pid)
		return false;
	writer = exiting_process_of(h->writer.pid);
	return writer && writer != exiting_process_of(c->who.pid) && exiting_state(h->writer.pid) == EXITING_NOT;
}

static int class_import_flush(struct call *c, struct handle *h)
{
	enum exiting exiting;

	if (!h->import || !h->dirty || import_is_bystander(c, h))
		return 0;
	exiting = exiting_state(c->who.pid);
	if (exiting == EXITING_KILLED)
		return 0;
	return import_park_sync(c, h, exiting == EXITING_BY_ITSELF ? clock_monotonic_ms() + EXIT_WAIT_MS : 0);
}

/* -- the end --------------------------------------------------------------------------------------------------- */

static void import_finish(struct handle *h)
{
	if (h->import)
		import_end(h->import);
	import_unref(move_ptr(h->import));
	h->dirty = false;
}

static int class_import_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	if (h->import) {
		wait_bind(h, import_job(h->import));
		import_finish(h);
	}
	return h->job ? wait_read(c, h, WAIT_RESULT, size, offset) : text_read(c, h, size, offset);
}

static void class_import_release(struct call *c _unused_, struct handle *h)
{
	import_finish(h);
}

static unsigned import_poll(const struct scope *s _unused_, struct handle *h)
{
	unsigned events = !h->import || import_is_writable(h->import) ? POLLOUT | POLLWRNORM : 0;

	if (!h->import && wait_readable(h, WAIT_RESULT))
		events |= POLLIN | POLLRDNORM;
	return events;
}

const struct file_class class_import = {.admit = import_admit,
					.open = import_open,
					.read = class_import_read,
					.write = class_import_write,
					.flush = class_import_flush,
					.fsync = class_import_fsync,
					.release = class_import_release,
					.poll = import_poll};

/* -- rejected and retry ---------------------------------------------------------------------------------------- */

static struct import *import_of(const struct scope *s)
{
	return s->job ? model_import_find(s->fs->model, s->job) : NULL;
}

static int rejected_file_open(struct call *c _unused_, const struct scope *s, struct handle *h)
{
	_cleanup_(import_unref_cleanup) struct import *imp = import_of(s);

	if (!imp)
		return 0;
	h->rejected = rejected_open(imp);
	return h->rejected ? 0 : -ENOMEM;
}

static int rejected_file_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	size_t most = size < READ_AT_ONCE ? size : READ_AT_ONCE;
	_free_ char *bytes = malloc(most ? most : 1);
	ssize_t n = 0;

	if (!bytes)
		return -ENOMEM;
	if (h->rejected)
		n = rejected_read(h->rejected, (uint64_t)offset, bytes, most);
	if (n < 0)
		return (int)n;
	fuse_reply_buf(c->req, bytes, (size_t)n);
	return FILE_ANSWERED;
}

static void rejected_file_release(struct call *c _unused_, struct handle *h)
{
	rejected_close(h->rejected);
}

static off_t rejected_file_size(const struct scope *s)
{
	_cleanup_(import_unref_cleanup) struct import *imp = import_of(s);

	return imp ? (off_t)rejected_size(imp) : 0;
}

static int import_retry_touch(struct call *c, const struct scope *s)
{
	return model_import_retry(c->fs->model, s->job, c->who, &c->err);
}

const struct file_class class_rejected = {.open = rejected_file_open,
					  .read = rejected_file_read,
					  .release = rejected_file_release,
					  .size = rejected_file_size};
const struct file_class class_retry = {.read = text_read, .write = touch_write, .touch = import_retry_touch};

/* -- texts ----------------------------------------------------------------------------------------------------- */

int render_format(const struct scope *s, struct buf *out)
{
	const struct format *f = format_find(s->key);
	char reader[FORMAT_NAME_MAX + 1];

	if (f)
		buf_printf(out, "%s: %s.\n", f->name, f->help);
	else
		buf_printf(
			out,
			"%s: vastfs does not know where to cut this format, so it delivers each import as one batch of "
			"at most 4.5 MB after compression.\n",
			s->key);
	format_tenzir_name(s->key, reader);
	buf_printf(out, "import_command gets $format=%s (VAST's name) and $reader=%s (Tenzir's name).\n",
		   format_vast_name(s->key), reader);
	return buf_printf(out,
			  "\nWrite events to import them; gzip is recognised. close(2) returns when they are on disk:\n"
			  "cat FILE > %s/import/%s && cat %s/import/result\n",
			  s->fs->mountpoint, s->key, s->fs->mountpoint);
}

int render_job_format(const struct scope *s, struct buf *out)
{
	return buf_printf(out, "%s\n", s->job->argument);
}

int render_import_cancel(const struct scope *s, struct buf *out)
{
	_buf_ struct buf path = BUF_INIT(512);

	tree_path(s->row, s->key, &path);
	return buf_printf(out,
			  "Cancels the import: touch %s/%s\nThe events that wait on this machine are deleted. The "
			  "events that were sent stay on the server.\n",
			  s->fs->mountpoint, buf_str(&path));
}

int render_retry(const struct scope *s, struct buf *out)
{
	return buf_printf(out, "Sends the rejected events again, as another import: touch %s/import/history/%s/retry\n",
			  s->fs->mountpoint, s->key);
}

int import_put_totals(struct model *m, struct buf *out)
{
	struct ingest_totals t;

	model_import_totals(m, &t);
	if (!t.imports)
		return buf_printf(out, "import idle, %" PRIu64 " events delivered, %" PRIu64 " rejected\n", t.delivered,
				  t.rejected);
	return buf_printf(out,
			  "import running %u, %" PRIu64 " events waiting (%" PRIu64 " bytes), %" PRIu64
			  " delivered, %" PRIu64 " rejected\n",
			  t.imports, t.events_waiting, t.bytes_waiting, t.delivered, t.rejected);
}
