/*
 * wait.c - files that wait for their job: result and exit_code, and a control or query file that has been written.
 *
 * In flight their size is 0, so that file managers leave them alone; the true size is there when the job has ended.
 */
#include "fs/file.h"

#include "fs/notify.h"
#include "fs/refuse.h"
#include "fs/sniff.h"

#include <linux/fuse.h>
#include <poll.h>

#define EXIT_CODE_SIZE 16

/* What an ended job's file holds; small is memory for it. */
struct content {
	const char *data;
	size_t len;
	bool could_not_run; /* reading ends with EIO */
	char small[EXIT_CODE_SIZE];
};

static bool could_not_run(const struct job *j, const struct job_view *v)
{
	return j->kind == JOB_OPERATION ? v->state != JOB_SUCCEEDED : !v->ran;
}

static void fill(struct content *c, enum wait_what what, const struct job *j, const struct job_view *v)
{
	bool failed = could_not_run(j, v);

	*c = (struct content){.data = "", .could_not_run = failed};
	if (what == WAIT_RESULT) {
		if (v->result) {
			c->data = v->result->data;
			c->len = v->result->len;
		}
		return;
	}
	if (j->kind == JOB_OPERATION || !failed) {
		c->len = (size_t)snprintf(c->small, sizeof(c->small), "%d\n", v->exit_code);
		c->data = c->small;
		c->could_not_run = false;
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

/* Where this read begins. A stream has no offsets; what has one all the same is a page of a mapping. */
static size_t take_range(struct handle *h, size_t len, size_t size, off_t offset)
{
	size_t at = (size_t)offset, left;

	if (!(h->open_flags & FOPEN_STREAM) || offset > 0)
		return at < len ? at : len;
	pthread_mutex_lock(&h->lock);
	at = h->cursor < len ? h->cursor : len;
	left = len - at;
	h->cursor = at + (left < size ? left : size);
	if (!left)
		h->consumed = true;
	pthread_mutex_unlock(&h->lock);
	return at;
}

/* Any thread, once the job has ended. */
static void answer_read(fuse_req_t req, struct handle *h, struct job *j, enum wait_what what, size_t size, off_t offset)
{
	_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(j);
	struct content content;
	size_t at;

	fill(&content, what, j, v);
	at = take_range(h, content.len, size, offset);
	if (at == content.len && content.could_not_run)
		fuse_reply_err(req, EIO);
	else
		file_reply_part(req, content.data, content.len, (off_t)at, size);
}

struct waiting_read {
	struct parked parked;
	struct handle *handle; /* stays: the kernel releases it after the read */
	struct job *job;
	enum wait_what what;
	size_t size;
	off_t offset;
};

static bool has_ended(struct parked *p)
{
	return !wait_in_flight(container_of(p, struct waiting_read, parked)->job);
}

static void answer_waiting(struct fs *fs _unused_, struct parked *p, int why)
{
	struct waiting_read *w = container_of(p, struct waiting_read, parked);

	if (why == 0)
		answer_read(p->req, w->handle, w->job, w->what, w->size, w->offset);
	else
		fuse_reply_err(p->req, EINTR);
	job_unref(w->job);
	free(w);
}

int wait_read(struct call *c, struct handle *h, enum wait_what what, size_t size, off_t offset)
{
	struct waiting_read *w;

	if (!wait_in_flight(h->job)) {
		answer_read(c->req, h, h->job, what, size, offset);
		return FILE_ANSWERED;
	}
	if (h->flags & O_NONBLOCK)
		return -EAGAIN;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct waiting_read){.parked = {.req = c->req, .ready = has_ended, .answer = answer_waiting},
				   .handle = h,
				   .job = job_ref(h->job),
				   .what = what,
				   .size = size,
				   .offset = offset};
	parked_add(c->fs, &w->parked);
	return FILE_ANSWERED;
}

/* -- result and exit_code -------------------------------------------------------------------------------------- */

static int wait_open(struct call *c, const struct scope *s, struct handle *h)
{
	if (!s->job)
		return 0;
	wait_bind(h, s->job);
	if (!wait_in_flight(s->job))
		return 0;
	h->open_flags |= FOPEN_STREAM;
	h->sniffer = sniff_is_sniffer(c->who.pid);
	return 0;
}

static int class_wait_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	if (h->job && !h->sniffer)
		return wait_read(c, h, (enum wait_what)h->node->row->arg, size, offset);
	fuse_reply_buf(c->req, NULL, 0);
	return FILE_ANSWERED;
}

static off_t wait_size(const struct scope *s)
{
	struct content content;

	if (!s->job || !job_state_ended(s->view->state))
		return 0;
	fill(&content, (enum wait_what)s->row->arg, s->job, s->view);
	return (off_t)content.len;
}

static unsigned wait_poll(const struct scope *s _unused_, struct handle *h)
{
	return !h->job || !wait_in_flight(h->job) ? POLLIN | POLLRDNORM : 0;
}

const struct file_class class_wait = {.open = wait_open, .read = class_wait_read, .size = wait_size, .poll = wait_poll};
