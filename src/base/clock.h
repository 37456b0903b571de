/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - the two clocks and the time formats.
 *
 * Durations and deadlines use the monotonic clock, displayed times the wall clock; both in milliseconds.
 */
#ifndef VASTFS_BASE_CLOCK_H
#define VASTFS_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_TEXT_SIZE 32

int64_t clock_monotonic_ms(void);
int64_t clock_wall_ms(void);
/* How long the machine has been suspended since it started; the monotonic clock stands still meanwhile. */
int64_t clock_slept_ms(void);

struct timespec clock_timespec(int64_t wall_ms);

/* Formats wall clock milliseconds as "2026-11-23T21:40:00Z" into out and returns it; "" for 0. */
char *clock_format(int64_t wall_ms, char out[static CLOCK_TEXT_SIZE]);

/*
 * Parses a time to wall clock milliseconds: ISO 8601 ("2026-11-23T21:40:00.123+01:00"; seconds and fraction are
 * optional, a blank may replace T), its basic form ("20261123T214000Z") and the format of HTTP ("Mon, 23 Nov 2026
 * 21:40:00 GMT"). -EINVAL: another format, or a time without offset or zone.
 */
int64_t clock_parse(const char *text);

/*
 * Converts seconds since 1970 from the network to wall clock milliseconds. -EINVAL: not a number, before 1970 or after
 * the year 9999. (The conversion of a double outside of the range of an integer is undefined.)
 */
int64_t clock_of_seconds(double seconds);

/* Formats a duration like "4m 12s" into out and returns it. */
char *clock_duration(int64_t ms, char out[static CLOCK_TEXT_SIZE]);

#endif
