/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * engine.h - the one thread on which everything that waits for the network happens.
 *
 * It drives one libcurl multi handle, timers and an inbox. Functions marked "any thread" may be called from anywhere;
 * all others only on the engine thread, where also every callback runs. No callback may block.
 */
#ifndef VASTFS_AWS_ENGINE_H
#define VASTFS_AWS_ENGINE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* Starts the thread. Call after fork(). */
int engine_start(struct engine **ret);

/* Any other thread: abandons all transfers and timers (completions are called with -ECANCELED), ends the thread, frees.
 */
void engine_stop(struct engine *e);

/* Any thread: has fn(arg) called on the engine thread, in the order of posting. -ENOMEM, or -ESHUTDOWN after stop. */
int engine_post(struct engine *e, void (*fn)(void *arg), void *arg);

bool engine_is_this_thread(const struct engine *e);

/* A one-shot timer, embedded in its owner. Setting it again moves it; cancelling an idle one is harmless. */
struct engine_timer {
	struct list link; /* in the engine's list, ordered by when_ms; zeroed memory is an idle timer */
	int64_t when_ms;  /* monotonic */
	void (*fn)(void *arg);
	void *arg;
};

void engine_timer_set(struct engine *e, struct engine_timer *t, int64_t delay_ms, void (*fn)(void *arg), void *arg);
void engine_timer_cancel(struct engine_timer *t);

/* A socket that the engine waits for, embedded in its owner. ready() may change events, and unwatch any socket. */
struct engine_socket {
	struct list link;
	int fd;
	unsigned slot; /* the engine's; 0 at first */
	short events;  /* POLLIN, POLLOUT; may be changed at any time */
	void (*ready)(void *arg);
	void *arg;
};

void engine_watch(struct engine *e, struct engine_socket *s);
void engine_unwatch(struct engine_socket *s); /* twice is harmless after a watch */

#endif
