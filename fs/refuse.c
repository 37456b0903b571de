/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/refuse.h"

#include "base/clock.h"
#include "base/log.h"
#include "fs/inotify.h"
#include "fs/noise.h"
#include "fs/notify.h"

#include <string.h>

/* The check is one atomic load. The model's lock is taken only if a newer snapshot exists. */
static struct snapshot *refuse_newest(struct fs *fs)
{
	if (!fs->newest || fs->newest->generation != model_generation(fs->model)) {
		snapshot_unref(fs->newest);
		fs->newest = model_snapshot(fs->model);
	}
	return snapshot_ref(fs->newest);
}

struct call call_begin(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fs *fs = fuse_req_userdata(req);

	/* A request of the inotify helper (inotify.h) is not a use of the tree by a user. */
	if (!inotify_is_own(notify_inotify(fs->notifier), ctx->pid))
		model_use(fs->model);
	return (struct call){
		.fs = fs, .req = req, .snapshot = refuse_newest(fs), .who = {.pid = ctx->pid, .uid = ctx->uid}};
}

void call_end(struct call *c)
{
	snapshot_unref(c->snapshot);
}

/*
 * These errors are part of normal operation and would displace the failures in the ring. A name that does not exist is
 * one, unless somebody has put into words what is missing.
 */
static bool refuse_is_ordinary(const struct call *c, int errnum)
{
	return errnum == -EINTR || errnum == -EAGAIN || (errnum == -ENOENT && !*c->err.message);
}

/* Sets a message for a refusal that has none. */
static void refuse_put_message(struct error *err, int errnum)
{
	struct error fresh = {0};

	if (err->errnum && *err->message)
		return;
	if (errnum == -EPERM) {
		error_set(&fresh, errnum,
			  "the tree does not allow this operation: vastfs itself creates and removes the files here");
		error_remedy(&fresh, "read README, which lists the files that can be written");
	} else {
		error_set(&fresh, errnum, "%s", strerror(-errnum));
	}
	*err = fresh;
}

/* touch sends OPEN and then SETATTR. Both refusals make only one line. */
static bool refuse_is_repeated(struct fs *fs, struct requester who, const char *path, const struct error *err)
{
	struct refusal now = {.pid = who.pid, .errnum = err->errnum, .at_ms = clock_monotonic_ms()};
	struct refusal last = fs->last_refusal;

	snprintf(now.path, sizeof(now.path), "%s", path);
	snprintf(now.message, sizeof(now.message), "%s", err->message);
	fs->last_refusal = now;
	return last.pid == now.pid && last.errnum == now.errnum && strcmp(last.path, now.path) == 0 &&
	       strcmp(last.message, now.message) == 0 && now.at_ms - last.at_ms < 100;
}

int refuse_change(struct call *c)
{
	if (!c->fs->read_only)
		return 0;
	error_set(&c->err, -EROFS, "vastfs is mounted read-only (-o ro)");
	error_remedy(&c->err, "mount without ro");
	return -EROFS;
}

void refuse_record(struct fs *fs, struct requester who, const char *path, const struct error *err)
{
	struct failure_site site = {.pid = who.pid, .uid = who.uid, .path = path};

	failures_add(model_failures(fs->model), &site, err);
	log_info("%s: pid %d: %s", path, (int)who.pid, err->message);
	notify_changed(fs->notifier);
}

void refuse(struct call *c, int errnum, const struct node *n, const char *name)
{
	_buf_ struct buf path = BUF_INIT(4096);

	if (!refuse_is_ordinary(c, errnum) && !c->is_explained && !(name && noise_is(name))) {
		if (n)
			tree_path(n->row, n->key, &path);
		if (name)
			buf_printf(&path, "%s%s", path.len ? "/" : "", name);
		refuse_put_message(&c->err, errnum);
		if (!refuse_is_repeated(c->fs, c->who, buf_str(&path), &c->err))
			refuse_record(c->fs, c->who, buf_str(&path), &c->err);
	}
	fuse_reply_err(c->req, -errnum);
}
