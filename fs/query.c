/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c - lambda/query and tasks/{task}/exec/query: the written text is one command, and later reads return its
 * result.
 *
 * The first READ after a WRITE on the same open file commits the command. Without such a READ, closing the file commits
 * it. The command is complete if it ends in a newline or arrived in one WRITE. Otherwise its writer was interrupted,
 * and the command does not run. Loop thread only, except query_poll(), which the notifier calls as well.
 */
#include "fs/file.h"

#include "fs/refuse.h"

#include <linux/fuse.h>
#include <poll.h>

/* Returns the task in whose container the command runs, or NULL for Lambda. */
static const char *query_file_task(const struct handle *h)
{
	return *h->node->key ? h->node->key : NULL;
}

static int query_admit(struct call *c, const struct scope *s)
{
	return model_query_check(c->fs->model, s->task ? s->task->id : NULL, &c->err);
}

static int query_open(struct call *c _unused_, const struct scope *s _unused_, struct handle *h)
{
	if ((h->flags & O_ACCMODE) != O_RDONLY)
		h->text.max = MODEL_QUERY_MAX;
	/* A handle that cannot be read never waits, and stays seekable for programs that seek in their output. */
	if ((h->flags & O_ACCMODE) == O_RDWR)
		h->open_flags |= FOPEN_STREAM;
	return 0;
}

static void query_file_start_over(struct handle *h)
{
	wait_bind(h, NULL);
	buf_clear(&h->text);
	h->writes = 0;
	h->rendered = false;
}

static int query_file_check_write(struct call *c, struct handle *h, const char *data, size_t len)
{
	int r;

	if (h->job && !h->consumed) {
		error_set(&c->err, -EBUSY, "the result of the previous query has not been read to its end");
		error_remedy(&c->err, "read it, or open the file again");
		return -EBUSY;
	}
	if (h->spoilt)
		return error_set(&c->err, -EINVAL, "an earlier part of this command was refused");
	r = model_query_check(c->fs->model, query_file_task(h), &c->err);
	return r < 0 ? r : model_query_text(data, len, &c->err);
}

static int query_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset _unused_)
{
	int r = query_file_check_write(c, h, data, len);

	if (r == -EBUSY)
		return r;
	if (h->job || h->rendered)
		query_file_start_over(h);
	if (r >= 0) {
		r = buf_append(&h->text, data, len);
		if (r == -EFBIG)
			error_set(&c->err, r, "a query has at most %d bytes", MODEL_QUERY_MAX);
	}
	if (r < 0) {
		/* The rest of a command of which a part was refused must not run. */
		buf_clear(&h->text);
		h->writes = 0;
		h->spoilt = r;
		return r;
	}
	h->writes++;
	h->writer = c->who; /* RELEASE does not identify its process */
	return 0;
}

static int query_file_commit(struct call *c, struct handle *h)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;
	bool complete = h->writes == 1 || h->text.data[h->text.len - 1] == '\n';
	int r = model_query(c->fs->model, query_file_task(h), &h->text, complete, h->writer, &j, &c->err);

	h->writes = 0;
	buf_clear(&h->text);
	if (r >= 0)
		wait_bind(h, j);
	return r;
}

static int query_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	int r = h->writes ? query_file_commit(c, h) : 0;

	if (r < 0)
		return r;
	return h->job ? wait_read(c, h, WAIT_RESULT, size, offset) : text_read(c, h, size, offset);
}

/* This FLUSH ends one echo >&3, so the next text is another command. */
static int query_flush(struct call *c _unused_, struct handle *h)
{
	h->spoilt = 0;
	return 0;
}

static void query_release(struct call *c, struct handle *h)
{
	if (h->writes && query_file_commit(c, h) < 0)
		refuse_record(c->fs, h->writer, h->node->row->path, &c->err);
}

static unsigned query_poll(const struct scope *s _unused_, struct handle *h)
{
	unsigned events = POLLOUT | POLLWRNORM;

	if (wait_readable(h, WAIT_RESULT))
		events |= POLLIN | POLLRDNORM;
	return events;
}

const struct file_class class_query = {.admit = query_admit,
				       .open = query_open,
				       .read = query_read,
				       .write = query_write,
				       .flush = query_flush,
				       .release = query_release,
				       .poll = query_poll};
