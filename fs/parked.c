/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/parked.h"

#include "base/clock.h"
#include "fs/fs.h"
#include "fs/notify.h"

#include <errno.h>

void parked_init(struct parked_list *l)
{
	pthread_mutex_init(&l->lock, NULL);
	list_init(&l->waiting);
}

static struct parked *parked_take_request(struct parked_list *l, fuse_req_t req)
{
	struct parked *found = NULL;

	pthread_mutex_lock(&l->lock);
	list_for_each (at, &l->waiting) {
		struct parked *p = container_of(at, struct parked, link);

		if (p->req == req) {
			list_remove(at);
			found = p;
			break;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

/* The notifier may have answered the request already. The request is then no longer in the list. */
static void parked_interrupted(fuse_req_t req, void *arg)
{
	struct fs *fs = arg;
	struct parked *p = parked_take_request(&fs->parked, req);

	if (p)
		p->answer(fs, p, -EINTR);
}

/*
 * The loop thread handles interrupts, and it is the caller here. So no interrupt can arrive between the check and the
 * parking. The interrupt function is set before the parking, because the request may be answered and freed right
 * afterwards.
 */
void parked_add(struct fs *fs, struct parked *p)
{
	fuse_req_interrupt_func(p->req, parked_interrupted, fs);
	if (fuse_req_interrupted(p->req)) {
		p->answer(fs, p, -EINTR);
		return;
	}
	pthread_mutex_lock(&fs->parked.lock);
	list_append(&fs->parked.waiting, &p->link);
	pthread_mutex_unlock(&fs->parked.lock);
	/* The event may have happened before the request was in the list. */
	notify_wake(fs->notifier);
}

/* Interrupts arrive on another thread. The lock makes the check and the parking one step. */
void parked_again(struct fs *fs, struct parked *p)
{
	bool interrupted_before;

	pthread_mutex_lock(&fs->parked.lock);
	interrupted_before = fuse_req_interrupted(p->req);
	if (!interrupted_before)
		list_append(&fs->parked.waiting, &p->link);
	pthread_mutex_unlock(&fs->parked.lock);
	if (interrupted_before)
		p->answer(fs, p, -EINTR);
}

static bool parked_is_due(struct parked *p, int64_t now, bool ending)
{
	return ending || p->ready(p) || (p->deadline_ms && p->deadline_ms <= now);
}

int64_t parked_answer(struct fs *fs, bool ending)
{
	struct list due = LIST_INIT(due);
	int64_t now = clock_monotonic_ms(), next = 0;

	pthread_mutex_lock(&fs->parked.lock);
	list_for_each_safe (at, tmp, &fs->parked.waiting) {
		struct parked *p = container_of(at, struct parked, link);

		if (parked_is_due(p, now, ending)) {
			list_remove(at);
			list_append(&due, at);
		} else if (p->deadline_ms && (!next || p->deadline_ms < next)) {
			next = p->deadline_ms;
		}
	}
	pthread_mutex_unlock(&fs->parked.lock);
	list_for_each_safe (at, tmp, &due) {
		struct parked *p = container_of(at, struct parked, link);

		list_remove(at);
		p->answer(fs, p, ending ? -EINTR : p->ready(p) ? 0 : -ETIMEDOUT);
	}
	return next;
}
