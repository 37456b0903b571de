/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.h - the thread that does all network I/O.
 *
 * It drives one libcurl multi handle, timers and an inbox. Functions marked "any thread" may be called on every thread;
 * all others only on the engine thread, which also runs every callback. No callback may block.
 */
#ifndef VASTFS_AWS_ENGINE_H
#define VASTFS_AWS_ENGINE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* Starts the thread. Call after fork(). */
int engine_start(struct engine **ret);

/*
 * Any other thread: cancels all transfers and timers (completions get -ECANCELED), ends the thread, frees the engine.
 */
void engine_stop(struct engine *e);

/* Any thread: queues fn(arg) for the engine thread; calls run in order. -ENOMEM, or -ESHUTDOWN after engine_stop(). */
int engine_post(struct engine *e, void (*fn)(void *arg), void *arg);

/* What waits for the engine thread; zeroed memory before it is posted. */
struct engine_posted {
	struct list link;
	void (*fn)(void *arg);
	void *arg;
	bool is_allocated; /* by engine_post() */
};

/*
 * As engine_post(), but needs no memory: for an outcome that somebody waits for. p is embedded in its owner, which may
 * free it, or post it again, when fn() is called, not before. 0 or -ESHUTDOWN.
 */
int engine_post_embedded(struct engine *e, struct engine_posted *p, void (*fn)(void *arg), void *arg);

bool engine_is_this_thread(const struct engine *e);

/*
 * A one-shot timer, embedded in its owner. Setting it again replaces the time; cancelling an idle timer does nothing.
 */
struct engine_timer {
	struct list link; /* member of the engine's list, sorted by when_ms; zeroed memory is an idle timer */
	int64_t when_ms;  /* monotonic */
	void (*fn)(void *arg);
	void *arg;
};

void engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg), void *arg);
void engine_timer_cancel(struct engine_timer *t);

/* A socket that the engine polls, embedded in its owner. ready() may change events, and unwatch any socket. */
struct engine_socket {
	struct list link;
	int fd;
	unsigned slot; /* for the engine; initially 0 */
	short events;  /* POLLIN, POLLOUT; may be changed at any time */
	void (*ready)(void *arg);
	void *arg;
};

void engine_watch(struct engine *e, struct engine_socket *s);
void engine_unwatch(struct engine_socket *s); /* may be called twice after engine_watch() */

#endif
