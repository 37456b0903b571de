/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - the two clocks and the time formats.
 *
 * Durations and deadlines use the monotonic clock, what people see uses the wall clock; both in milliseconds.
 */
#ifndef VASTFS_BASE_CLOCK_H
#define VASTFS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_TEXT_SIZE 32

int64_t clock_monotonic_ms(void);
int64_t clock_wall_ms(void);

struct timespec clock_timespec(int64_t wall_ms);

/* "2026-11-23T21:40:00Z" of wall clock milliseconds into out, which is returned; "" for 0. */
char *clock_format(int64_t wall_ms, char out[static CLOCK_TEXT_SIZE]);

/*
 * To wall clock milliseconds: ISO 8601 ("2026-11-23T21:40:00.123+01:00"; seconds and fraction may be missing, a blank
 * may stand for T), its basic form ("20261123T214000Z") and HTTP's ("Mon, 23 Nov 2026 21:40:00 GMT"). -EINVAL: none of
 * them, or one without an offset or zone, which is no point in time.
 */
int64_t clock_parse(const char *text);

/*
 * Seconds since 1970, which a peer sent, to wall clock milliseconds; a number before 1970 or after the year 9999, or
 * one that is none, is -EINVAL. (A double outside of an integer's range has no defined conversion.)
 */
int64_t clock_of_seconds(double seconds);

/* "4m 12s" and the like of a duration into out, which is returned. */
char *clock_duration(int64_t ms, char out[static CLOCK_TEXT_SIZE]);

#endif
