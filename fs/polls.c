/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/polls.h"

#include "fs/file.h"

#include <poll.h>

void polls_init(struct polls *p)
{
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->watched);
}

static struct fuse_pollhandle *polls_exchange(struct fs *fs, struct handle *h, struct fuse_pollhandle *ph)
{
	struct fuse_pollhandle *old;

	pthread_mutex_lock(&fs->polls.lock);
	old = h->watch.kernel;
	h->watch.kernel = ph;
	list_remove(&h->watch.link);
	if (ph)
		list_append(&fs->polls.watched, &h->watch.link);
	pthread_mutex_unlock(&fs->polls.lock);
	if ((ph != NULL) != (old != NULL))
		model_hold(fs->model, ph != NULL);
	return old;
}

void poll_watch(struct fs *fs, struct handle *h, struct fuse_pollhandle *ph)
{
	struct fuse_pollhandle *old = polls_exchange(fs, h, ph);

	if (old)
		fuse_pollhandle_destroy(old);
}

void poll_unwatch(struct fs *fs, struct handle *h)
{
	poll_watch(fs, h, NULL);
}

unsigned poll_events(struct fs *fs, const struct snapshot *snapshot, struct handle *h)
{
	_scope_ struct scope s = {0};

	if (!h->class->poll)
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	scope_open(&s, fs, snapshot, h->node->row, h->node->key);
	return h->class->poll(&s, h);
}

/* Returns whether the handle has an event other than those that are always set. */
static bool polls_has_news(struct fs *fs, const struct snapshot *s, struct handle *h)
{
	unsigned events = poll_events(fs, s, h);

	if (h->node->row->flags & ROW_STATE)
		return events & POLLPRI;
	return events & (h->node->row->flags & ROW_OWN_NODE ? POLLIN | POLLOUT : POLLIN);
}

static struct fuse_pollhandle *polls_next_to_wake(struct fs *fs, const struct snapshot *s)
{
	struct fuse_pollhandle *ph = NULL;

	pthread_mutex_lock(&fs->polls.lock);
	list_for_each (at, &fs->polls.watched) {
		struct poll_watch *w = container_of(at, struct poll_watch, link);

		if (!polls_has_news(fs, s, w->handle))
			continue;
		ph = w->kernel;
		w->kernel = NULL;
		list_remove(at);
		break;
	}
	pthread_mutex_unlock(&fs->polls.lock);
	return ph;
}

void poll_wake(struct fs *fs, const struct snapshot *s)
{
	struct fuse_pollhandle *ph;

	while ((ph = polls_next_to_wake(fs, s))) {
		model_hold(fs->model, false);
		fuse_lowlevel_notify_poll(ph);
		fuse_pollhandle_destroy(ph);
	}
}
