/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wait.c - the output of a job. A read of result or exit_code waits for the job, as does a read of a control or query
 * file that was written to. stderr has the output so far and does not wait.
 *
 * While the job is in flight, the size of the waiting files is 0, so file managers do not open them. The size is the
 * true one when the job has ended. A result that grows while its command runs can be read as it grows. Loop thread, or
 * notifier for requests that waited.
 */
#include "fs/file.h"

#include "fs/history.h"
#include "fs/notify.h"
#include "fs/refuse.h"
#include "fs/sniff.h"

#include <linux/fuse.h>
#include <poll.h>

#define EXIT_CODE_SIZE 16

/* The current content of a job's file. data may point to small. */
struct content {
	const char *data;
	struct output *output; /* replaces data; owned by the view */
	size_t len;
	bool waits;	    /* more output may come, so a read waits */
	bool could_not_run; /* a read ends with EIO */
	char small[EXIT_CODE_SIZE];
};

static bool wait_could_not_run(const struct job *j, const struct job_view *v)
{
	return j->kind == JOB_OPERATION ? v->state != JOB_SUCCEEDED : !v->ran;
}

static void wait_fill_printed(struct content *c, struct output *growing, const struct blob *whole)
{
	c->output = growing;
	if (growing) {
		c->len = (size_t)output_size(growing);
	} else if (whole) {
		c->data = whole->data;
		c->len = whole->len;
	}
}

static void wait_fill_exit_code(struct content *c, const struct job *j, const struct job_view *v)
{
	if (c->waits || (j->kind != JOB_OPERATION && !v->ran))
		return;
	c->len = (size_t)snprintf(c->small, sizeof(c->small), "%d\n", v->exit_code);
	c->data = c->small;
	c->could_not_run = false;
}

static void wait_fill(struct content *c, enum wait_what what, const struct job *j, const struct job_view *v)
{
	*c = (struct content){
		.data = "", .waits = !job_state_ended(v->state), .could_not_run = wait_could_not_run(j, v)};
	switch (what) {
	case WAIT_RESULT:
		wait_fill_printed(c, v->output, v->result);
		break;
	case WAIT_EXIT_CODE:
		wait_fill_exit_code(c, j, v);
		break;
	case WAIT_NOT_STDERR:
		wait_fill_printed(c, v->stderr_output, v->errors);
		c->waits = c->could_not_run = false;
		break;
	}
}

bool wait_in_flight(struct job *j)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);

	return !job_state_ended(v->state);
}

void wait_bind(struct handle *h, struct job *j)
{
	struct job *old;

	pthread_mutex_lock(&h->lock);
	old = h->job;
	h->job = j ? job_ref(j) : NULL;
	h->cursor = 0;
	h->consumed = false;
	pthread_mutex_unlock(&h->lock);
	job_unref(old);
}

/*
 * The start of a read. A stream has no offsets, so each read continues at the end of the last one. The kernel splits a
 * large read into parts, and the offset of the second part is the length of the first. The second part must not wait,
 * or the bytes of the first part would be delayed.
 */
struct read_place {
	size_t offset;
	bool cursor;  /* use the handle's cursor instead of offset */
	bool further; /* a later part of one read */
};

static struct read_place wait_read_place_of(const struct call *c, const struct handle *h, off_t offset)
{
	bool cursor = h->open_flags & FOPEN_STREAM && !c->paged;

	return (struct read_place){.offset = (size_t)offset, .cursor = cursor, .further = cursor && offset > 0};
}

/* Returns whether this read has a reply now. *ret is the position of the bytes, and the cursor moves past them. */
static bool wait_take_range(struct handle *h, const struct content *c, size_t size, const struct read_place *p,
			    size_t *ret)
{
	size_t at = p->offset, left;

	pthread_mutex_lock(&h->lock);
	if (p->cursor)
		at = h->cursor;
	*ret = at = at < c->len ? at : c->len;
	left = c->len - at;
	if (p->cursor && (left || !c->waits)) {
		h->cursor = at + (left < size ? left : size);
		if (!left && !p->further)
			h->consumed = true;
	}
	pthread_mutex_unlock(&h->lock);
	return left || !c->waits || p->further;
}

static void wait_reply_output(fuse_req_t req, struct output *o, size_t at, size_t len)
{
	_free_ char *bytes = malloc(len ? len : 1);
	ssize_t n = bytes ? output_read(o, at, bytes, len) : -ENOMEM;

	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, bytes, (size_t)n);
}

/*
 * Returns false if there is no reply yet, because the job is in flight and has no new bytes. Any thread may call this
 * function.
 */
static bool wait_answer_read(fuse_req_t req, struct handle *h, struct job *j, enum wait_what what, size_t size,
			     const struct read_place *p)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	struct content content;
	size_t at, left;

	wait_fill(&content, what, j, v);
	if (!wait_take_range(h, &content, size, p, &at))
		return false;
	left = content.len - at;
	if (!left && content.could_not_run && !h->is_past && !p->further)
		fuse_reply_err(req, EIO);
	else if (content.output)
		wait_reply_output(req, content.output, at, left < size ? left : size);
	else
		file_reply_part(req, content.data, content.len, (off_t)at, size);
	return true;
}

/* Returns whether a read would be answered at once. Any thread may call this function. */
static bool wait_is_readable(struct handle *h, struct job *j, enum wait_what what, const struct read_place *p)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	struct content content;
	size_t at = p->offset;

	wait_fill(&content, what, j, v);
	if (!content.waits)
		return true;
	pthread_mutex_lock(&h->lock);
	if (p->cursor)
		at = h->cursor;
	pthread_mutex_unlock(&h->lock);
	return at < content.len;
}

bool wait_readable(struct handle *h, enum wait_what what)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;

	pthread_mutex_lock(&h->lock);
	j = h->job ? job_ref(h->job) : NULL;
	pthread_mutex_unlock(&h->lock);
	return !j || wait_is_readable(h, j, what, &(struct read_place){.cursor = h->open_flags & FOPEN_STREAM});
}

struct waiting_read {
	struct parked parked;
	struct handle *handle; /* remains valid, because the kernel releases it after the read */
	struct job *job;
	enum wait_what what;
	size_t size;
	struct read_place place;
};

static bool wait_has_something(struct parked *p)
{
	struct waiting_read *w = container_of(p, struct waiting_read, parked);

	return wait_is_readable(w->handle, w->job, w->what, &w->place);
}

/* Parks the request again if another read of the same open file has taken the bytes. */
static void wait_answer(struct fs *fs, struct parked *p, int why)
{
	struct waiting_read *w = container_of(p, struct waiting_read, parked);

	if (why == -EINTR) {
		fuse_reply_err(p->req, EINTR);
	} else if (!wait_answer_read(p->req, w->handle, w->job, w->what, w->size, &w->place)) {
		parked_again(fs, p);
		return;
	}
	job_unref(w->job);
	free(w);
}

int wait_read(struct call *c, struct handle *h, enum wait_what what, size_t size, off_t offset)
{
	struct read_place place = wait_read_place_of(c, h, offset);
	struct waiting_read *w;

	if (wait_answer_read(c->req, h, h->job, what, size, &place))
		return FILE_ANSWERED;
	if (h->flags & O_NONBLOCK)
		return -EAGAIN;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct waiting_read){.parked = {.req = c->req, .ready = wait_has_something, .answer = wait_answer},
				   .handle = h,
				   .job = job_ref(h->job),
				   .what = what,
				   .size = size,
				   .place = place};
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

/* -- result, exit_code and stderr ------------------------------------------------------------------------------ */

static enum wait_what wait_what_of(const struct row *row)
{
	return (enum wait_what)row->arg;
}

/*
 * Returns whether the scope is an entry of a history or an operation that is not the latest. There, the files of a job
 * that could not be run read as empty, so that programs can copy or pack the directory. The reason is in error beside
 * them.
 */
static bool wait_is_past(const struct scope *s)
{
	if (s->job->kind == JOB_OPERATION)
		return s->job != job_list_last(s->snapshot->operations);
	return history_is_entry(tree_parent(s->row));
}

static int wait_open(struct call *c, const struct scope *s, struct handle *h)
{
	if (!s->job)
		return 0;
	wait_bind(h, s->job);
	h->is_past = wait_is_past(s);
	/* sendfile(2) would take nothing from a file of size 0 and report success. It does not accept a stream. */
	if (wait_is_pending(s))
		h->open_flags |= FOPEN_STREAM;
	if (wait_what_of(s->row) != WAIT_NOT_STDERR && wait_in_flight(s->job))
		h->sniffer = sniff_is_sniffer(c->who.pid);
	return 0;
}

bool wait_is_pending(const struct scope *s)
{
	struct content content;

	if (!s->job || wait_what_of(s->row) == WAIT_NOT_STDERR)
		return false;
	wait_fill(&content, wait_what_of(s->row), s->job, s->view);
	return content.waits || (content.could_not_run && !content.len && !wait_is_past(s));
}

/* The kernel would cut the pages of an ended job at a pretended size. */
static bool wait_is_unreadable_page(struct handle *h)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(h->job);
	struct content content;

	wait_fill(&content, wait_what_of(h->node->row), h->job, v);
	return h->node->pretends_size || content.waits || (content.could_not_run && !content.len && !h->is_past);
}

static int class_wait_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	bool is_read = h->job && !h->sniffer;

	/*
	 * The EIO goes to splice(2), whose caller then uses read(2). A read for the page cache must not wait, because
	 * it could not be interrupted.
	 */
	if (is_read && c->paged && wait_is_unreadable_page(h))
		fuse_reply_err(c->req, EIO);
	else if (is_read)
		return wait_read(c, h, wait_what_of(h->node->row), size, offset);
	else
		fuse_reply_buf(c->req, NULL, 0);
	return FILE_ANSWERED;
}

static off_t wait_size(const struct scope *s)
{
	struct content content;

	if (!s->job)
		return 0;
	wait_fill(&content, wait_what_of(s->row), s->job, s->view);
	return content.waits ? 0 : (off_t)content.len;
}

static unsigned wait_poll(const struct scope *s _unused_, struct handle *h)
{
	return wait_readable(h, wait_what_of(h->node->row)) ? POLLIN | POLLRDNORM : 0;
}

const struct file_class class_wait = {.open = wait_open, .read = class_wait_read, .size = wait_size, .poll = wait_poll};
