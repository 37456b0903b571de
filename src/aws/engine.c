/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/engine.h"

#include "aws/transfer.h"
#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The longest sleep of the thread without timers. Every event wakes it earlier. */
#define LONGEST_SLEEP_MS 60000
#define SOCKETS_STEP	 64 /* the list for poll grows by this number of sockets */

struct engine {
	struct transfers transfers;
	struct list timers; /* sorted by when_ms, the next one first */
	struct list members;
	struct list sockets;
	struct curl_waitfd *fds; /* the sockets of this turn, for poll */
	unsigned fds_room;
	pthread_t thread;

	pthread_mutex_t lock; /* guards the following members */
	struct list inbox;
	bool stopping;
};

struct transfers *engine_transfers(struct engine *e)
{
	return &e->transfers;
}

void engine_join(struct engine *e, struct engine_member *g)
{
	list_append(&e->members, &g->link);
}

void engine_leave(struct engine_member *g)
{
	list_remove(&g->link);
}

bool engine_is_this_thread(const struct engine *e)
{
	return pthread_equal(e->thread, pthread_self());
}

int engine_post_embedded(struct engine *e, struct engine_posted *p, void (*fn)(void *arg), void *arg)
{
	bool stopping;

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&e->lock);
	stopping = e->stopping;
	if (!stopping)
		list_append(&e->inbox, &p->link);
	pthread_mutex_unlock(&e->lock);
	if (stopping)
		return -ESHUTDOWN;
	curl_multi_wakeup(e->transfers.multi);
	return 0;
}

int engine_post(struct engine *e, void (*fn)(void *arg), void *arg)
{
	struct engine_posted *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->is_allocated = true;
	r = engine_post_embedded(e, p, fn, arg);
	if (r < 0)
		free(p);
	return r;
}

/* Runs the posted functions; false after engine_stop(). */
static bool engine_run_inbox(struct engine *e)
{
	struct list posts = LIST_INIT(posts);
	bool wanted;

	pthread_mutex_lock(&e->lock);
	list_splice(&posts, &e->inbox);
	wanted = !e->stopping;
	pthread_mutex_unlock(&e->lock);
	while (!list_empty(&posts)) {
		struct engine_posted *p = container_of(posts.next, struct engine_posted, link), copy = *p;

		list_remove(&p->link);
		if (p->is_allocated)
			free(p);
		copy.fn(copy.arg);
	}
	return wanted;
}

void engine_timer_cancel(struct engine_timer *t)
{
	if (t->link.next)
		list_remove(&t->link);
}

void engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
	struct list *before;

	engine_timer_cancel(t);
	before = e->timers.prev;
	t->when_ms = clock_monotonic_ms() + (delay_ms > 0 ? delay_ms : 0);
	t->fn = fn;
	t->arg = arg;
	while (before != &e->timers && container_of(before, struct engine_timer, link)->when_ms > t->when_ms)
		before = before->prev;
	list_append(before->next, &t->link);
}

static struct engine_timer *engine_next_timer(struct engine *e)
{
	return list_empty(&e->timers) ? NULL : container_of(e->timers.next, struct engine_timer, link);
}

/* Runs the timers that are due; a timer that a callback sets again waits for the next turn. */
static void engine_run_timers(struct engine *e)
{
	int64_t now = clock_monotonic_ms();
	struct list due = LIST_INIT(due);
	struct engine_timer *t;

	while ((t = engine_next_timer(e)) && t->when_ms <= now) {
		list_remove(&t->link);
		list_append(&due, &t->link);
	}
	while (!list_empty(&due)) {
		t = container_of(due.next, struct engine_timer, link);
		list_remove(&t->link);
		t->fn(t->arg);
	}
}

void engine_watch(struct engine *e, struct engine_socket *s)
{
	s->slot = 0;
	list_append(&e->sockets, &s->link);
}

void engine_unwatch(struct engine_socket *s)
{
	list_remove(&s->link);
}

static bool engine_make_room(struct engine *e, unsigned n)
{
	struct curl_waitfd *larger;

	if (n < e->fds_room)
		return true;
	larger = realloc(e->fds, (e->fds_room + SOCKETS_STEP) * sizeof(*larger));
	if (!larger)
		return false; /* the last sockets are polled when others have been removed */
	e->fds = larger;
	e->fds_room += SOCKETS_STEP;
	return true;
}

static unsigned engine_list_sockets(struct engine *e)
{
	unsigned n = 0;

	list_for_each (l, &e->sockets) {
		struct engine_socket *s = container_of(l, struct engine_socket, link);

		s->slot = 0;
		if (!engine_make_room(e, n))
			continue;
		e->fds[n++] = (struct curl_waitfd){.fd = s->fd,
						   .events = (short)((s->events & POLLIN ? CURL_WAIT_POLLIN : 0) |
								     (s->events & POLLOUT ? CURL_WAIT_POLLOUT : 0))};
		s->slot = n;
	}
	return n;
}

/* Once per turn: a socket watched later in the turn has no slot yet. */
static bool engine_is_ready(const struct engine *e, struct engine_socket *s)
{
	unsigned slot = s->slot;

	s->slot = 0;
	return slot && e->fds[slot - 1].fd == s->fd && e->fds[slot - 1].revents != 0;
}

/* A callback may unwatch other sockets: so each socket is moved to the end of the list before its callback. */
static void engine_notify_sockets(struct engine *e)
{
	struct list waiting = LIST_INIT(waiting);

	list_splice(&waiting, &e->sockets);
	while (!list_empty(&waiting)) {
		struct engine_socket *s = container_of(waiting.next, struct engine_socket, link);

		list_remove(&s->link);
		list_append(&e->sockets, &s->link);
		if (engine_is_ready(e, s))
			s->ready(s->arg);
	}
}

static int engine_sleep_ms(struct engine *e)
{
	struct engine_timer *t = engine_next_timer(e);
	int64_t left = t ? t->when_ms - clock_monotonic_ms() : LONGEST_SLEEP_MS;

	if (left < 0 || transfers_can_start(&e->transfers))
		return 0;
	return left < LONGEST_SLEEP_MS ? (int)left : LONGEST_SLEEP_MS;
}

/* Stops every registered transfer, timer and socket, including those that a callback starts in the meantime. */
static void engine_notify_members(struct engine *e)
{
	while (!list_empty(&e->members)) {
		struct engine_member *g = container_of(e->members.next, struct engine_member, link);

		g->stopped(g);
	}
	while (!list_empty(&e->timers))
		list_remove(e->timers.next);
}

static void *engine_main(void *arg)
{
	struct engine *e = arg;
	unsigned n;

	while (engine_run_inbox(e)) {
		engine_run_timers(e);
		transfers_work(&e->transfers);
		n = engine_list_sockets(e);
		curl_multi_poll(e->transfers.multi, e->fds, n, engine_sleep_ms(e), NULL);
		engine_notify_sockets(e);
	}
	engine_notify_members(e);
	return NULL;
}

static void engine_free(struct engine *e)
{
	transfers_close(&e->transfers);
	free(e->fds);
	pthread_mutex_destroy(&e->lock);
	free(e);
	curl_global_cleanup();
}

int engine_start(struct engine **ret)
{
	struct engine *e;
	int r;

	/* libcurl makes copies of headers, which contain tokens and passwords, so its memory is overwritten when it is
	 * freed. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, secret_erasing_free, secret_erasing_realloc, strdup,
				 calloc) != CURLE_OK)
		return -ENOMEM;
	e = calloc(1, sizeof(*e));
	if (!e) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	list_init(&e->timers);
	list_init(&e->members);
	list_init(&e->sockets);
	list_init(&e->inbox);
	pthread_mutex_init(&e->lock, NULL);
	r = transfers_open(&e->transfers);
	if (!r)
		r = -pthread_create(&e->thread, NULL, engine_main, e);
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void engine_stop(struct engine *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_mutex_unlock(&e->lock);
	curl_multi_wakeup(e->transfers.multi);
	pthread_join(e->thread, NULL);
	engine_free(e);
}
