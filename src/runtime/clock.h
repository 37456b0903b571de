/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - reads clocks in milliseconds: the monotonic clock for waiting, and the wall clock because Lambda's
 * deadlines refer to it. Any thread.
 */
#ifndef VAST_RUNTIME_CLOCK_H
#define VAST_RUNTIME_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline int64_t clock_now_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

static inline int64_t clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

#endif
