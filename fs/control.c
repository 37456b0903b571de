/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * control.c - files that run an operation: control/, the cancel file of a query, and the stop and check files of a
 * task.
 *
 * One WRITE, which is one complete command, or a touch starts the operation. Both call the model, which has either
 * refused the operation or made its job when it returns. OPEN refuses only an operation that would be refused with any
 * command.
 */
#include "fs/file.h"

#include <linux/fuse.h>
#include <poll.h>
#include <string.h>

static const struct verb *control_find_verb(const struct row *row)
{
	for (size_t i = 0; i < model_verbs_n; i++)
		if (strcmp(model_verbs[i].name, tree_name(row)) == 0)
			return &model_verbs[i];
	return NULL;
}

static bool control_is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

int command_word(const char *data, size_t len, char *word, size_t size, struct error *err)
{
	while (len && control_is_blank(*data)) {
		data++;
		len--;
	}
	while (len && control_is_blank(data[len - 1]))
		len--;
	if (len >= size || memchr(data, '\0', len))
		return error_set(err, -EINVAL,
				 "unknown command: write 1, or read the file to see which commands it takes");
	memcpy(word, data, len);
	word[len] = '\0';
	if (strcmp(word, "1") == 0)
		word[0] = '\0';
	return 0;
}

static int control_run_verb(struct call *c, const struct verb *verb, const char *argument, struct job **ret)
{
	if (!verb)
		return error_set(&c->err, -EPERM, "this version of vastfs does not have this operation");
	return model_verb_run(c->fs->model, verb, argument, c->who, ret, &c->err);
}

static int control_admit(struct call *c, const struct scope *s)
{
	const struct verb *verb = control_find_verb(s->row);
	int r;

	if (!verb)
		return error_set(&c->err, -EPERM, "this version of vastfs does not have this operation");
	r = model_verb_check(c->fs->model, verb, "", &c->err);
	if (r < 0 && verb->argument && model_verb_check(c->fs->model, verb, verb->argument, &(struct error){0}) == 0)
		return 0;
	return r;
}

/*
 * A handle that is open for reading and writing may wait for its own operation later. A handle that is only written to
 * stays seekable, because some programs (uutils' dd) seek to the start of their output.
 */
static int control_open(struct call *c _unused_, const struct scope *s _unused_, struct handle *h)
{
	if ((h->flags & O_ACCMODE) == O_RDWR)
		h->open_flags |= FOPEN_STREAM;
	return 0;
}

/* A text of several lines arrives in several writes. If one of its lines is no command, the others must not act. */
static int control_refuse_rest(struct call *c, const struct handle *h)
{
	c->is_explained = true;
	return error_set(&c->err, h->spoilt, "an earlier line was refused");
}

/* This FLUSH ends one echo >&3, so the next text is another command. */
static int control_flush(struct call *c _unused_, struct handle *h)
{
	h->spoilt = 0;
	return 0;
}

static int control_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset _unused_)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;
	char word[32];
	int r = h->spoilt ? control_refuse_rest(c, h) : command_word(data, len, word, sizeof(word), &c->err);

	if (r >= 0)
		r = control_run_verb(c, control_find_verb(h->node->row), word, &j);
	if (r == -EINVAL)
		h->spoilt = r;
	if (r < 0)
		return r;
	h->writes++;
	wait_bind(h, j);
	return 0;
}

static int control_read(struct call *c, struct handle *h, size_t size, off_t offset)
{
	if (!h->writes)
		return text_read(c, h, size, offset);
	if (h->job)
		return wait_read(c, h, WAIT_RESULT, size, offset);
	fuse_reply_buf(c->req, NULL, 0);
	return FILE_ANSWERED;
}

static int control_touch(struct call *c, const struct scope *s)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;

	return control_run_verb(c, control_find_verb(s->row), "", &j);
}

/* -- cancel and stop ------------------------------------------------------------------------------------------- */

static int control_cancel_touch(struct call *c, const struct scope *s)
{
	if (s->job)
		model_cancel_job(c->fs->model, s->job);
	return 0;
}

static int control_stop_touch(struct call *c, const struct scope *s)
{
	return model_task_stop(c->fs->model, s->key, c->who, &c->err);
}

static int control_check_touch(struct call *c, const struct scope *s)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;

	return model_task_check(c->fs->model, s->key, c->who, &j, &c->err);
}

/* Succeeds if the text is empty or 1, because both mean a touch. */
static int control_check_word(const char *data, size_t len, struct error *err)
{
	char word[32];
	int r = command_word(data, len, word, sizeof(word), err);

	return r < 0 || !*word ? r : error_set(err, -EINVAL, "unknown command %s: touch the file, or write 1", word);
}

int touch_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset _unused_)
{
	_scope_ struct scope s = {0};
	int r = control_check_word(data, len, &c->err);

	if (r == 0)
		r = scope_open(&s, c->fs, c->snapshot, h->node->row, h->node->key);
	return r < 0 ? r : h->class->touch(c, &s);
}

/* Works as in a control file: the process that writes can read the answer from the same handle. */
static int control_check_write(struct call *c, struct handle *h, const char *data, size_t len, off_t offset _unused_)
{
	_cleanup_(job_unref_cleanup) struct job *j = NULL;
	int r = control_check_word(data, len, &c->err);

	if (r == 0)
		r = model_task_check(c->fs->model, h->node->key, c->who, &j, &c->err);
	if (r < 0)
		return r;
	h->writes++;
	wait_bind(h, j);
	return 0;
}

/* Reports POLLIN once the answer to the written command is available. */
static unsigned control_answer_poll(const struct scope *s _unused_, struct handle *h)
{
	bool ready;

	pthread_mutex_lock(&h->lock);
	ready = !h->job || !wait_in_flight(h->job);
	pthread_mutex_unlock(&h->lock);
	return ready ? POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM : 0;
}

const struct file_class class_control = {.admit = control_admit,
					 .open = control_open,
					 .read = control_read,
					 .write = control_write,
					 .flush = control_flush,
					 .touch = control_touch,
					 .poll = control_answer_poll};
const struct file_class class_cancel = {.read = text_read, .write = touch_write, .touch = control_cancel_touch};
const struct file_class class_stop = {.read = text_read, .write = touch_write, .touch = control_stop_touch};
const struct file_class class_check = {.open = control_open,
				       .read = control_read,
				       .write = control_check_write,
				       .touch = control_check_touch,
				       .poll = control_answer_poll};
