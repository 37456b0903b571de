/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refetch.c - fetches parts of a log again that were dropped from memory: by CloudWatch's token, which is valid for a
 * day, and then by time. Engine thread.
 */
#include "aws/services/logs.h"
#include "model/internal.h"

#include <string.h>

#define PAGE_MAX   (16 << 20)
#define PAGES_MOST 100 /* most pages to read until the requested offset */

struct refetch {
	struct model *model;
	enum model_log kind;
	char key[64];
	uint64_t wanted, at;
	char *stream, *token;
	int64_t since_ms;
	struct log_place place; /* the position up to which the log was read */
	unsigned pages;
	bool by_time; /* the token has expired, so reading continues by time */
	void (*done)(struct blob *text, uint64_t at, const struct error *err, void *arg);
	void *arg;
};

static void refetch_conclude(struct refetch *r, struct blob *text, const struct error *err)
{
	r->done(text, r->at, err, r->arg);
	free(r->stream);
	free(r->token);
	free(r);
}

static void refetch_fail(struct refetch *r, const struct error *why)
{
	struct error err = *why;

	error_prefix(&err, "an older part of the log cannot be read again");
	refetch_conclude(r, NULL, &err);
}

static void refetch_fetch(struct refetch *r);

static void refetch_got_page(struct aws_reply *reply, void *arg)
{
	struct refetch *r = arg;
	_buf_ struct buf text = BUF_INIT(PAGE_MAX);
	const char *next = aws_text(reply->body, "nextForwardToken");
	struct error err = {0};

	if (follow_token_expired(reply, r->token) && !r->by_time) {
		r->by_time = true;
		free(move_ptr(r->token));
		r->since_ms = follow_by_time(&r->place);
		refetch_fetch(r);
	} else if (error_is(&reply->error)) {
		refetch_fail(r, &reply->error);
	} else if (follow_render(reply->body, &r->place, &text) == 0 && r->at + text.len > r->wanted) {
		refetch_conclude(r, blob_from_buf(&text), &err);
	} else if (text.error || !*next || (r->token && strcmp(next, r->token) == 0) || ++r->pages > PAGES_MOST) {
		error_set(&err, -EIO, "CloudWatch no longer has this part of the log");
		refetch_fail(r, &err);
	} else {
		r->at += text.len;
		free(r->token);
		r->token = strdup(next);
		if (r->token)
			refetch_fetch(r);
		else
			refetch_fail(r, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
	}
}

static void refetch_fetch(struct refetch *r)
{
	_cleanup_(snapshot_unref_cleanup) struct snapshot *s = model_snapshot(r->model);
	const char *group = stack_view_output(s->stack, "ServerLogGroup");
	struct aws *aws = model_aws(r->model);
	struct aws_request *request =
		aws && group ? logs_get_log_events(group, r->stream, r->token, r->since_ms) : NULL;

	if (!request || !aws_start(aws, request, refetch_got_page, r))
		refetch_fail(r, &(struct error){.errnum = -EIO, .message = "the stack no longer exists"});
	aws_unref(aws);
}

static void refetch_begin(void *arg)
{
	struct refetch *r = arg;
	const struct log_page *page = follow_page(r->model->followers, r->kind, r->key, r->wanted);

	if (!page) {
		refetch_fail(r, &(struct error){.errnum = -EIO, .message = "the log is no longer followed"});
		return;
	}
	r->at = page->at;
	r->since_ms = page->since_ms;
	r->place = page->place;
	r->stream = strdup(page->stream);
	r->token = page->token ? strdup(page->token) : NULL;
	if (r->stream && (r->token || !page->token))
		refetch_fetch(r);
	else
		refetch_fail(r, &(struct error){.errnum = -ENOMEM, .message = "out of memory"});
}

int model_log_fetch(struct model *m, enum model_log kind, const char *key, uint64_t offset,
		    void (*done)(struct blob *text, uint64_t at, const struct error *err, void *arg), void *arg)
{
	struct refetch *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	*r = (struct refetch){.model = m, .kind = kind, .wanted = offset, .done = done, .arg = arg};
	snprintf(r->key, sizeof(r->key), "%s", key);
	e = engine_post(m->engine, refetch_begin, r);
	if (e < 0)
		free(r);
	return e;
}
