/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_slept_ms(void)
{
	return clock_read(CLOCK_BOOTTIME) - clock_read(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return clock_read(CLOCK_REALTIME);
}

struct timespec clock_timespec(int64_t wall_ms)
{
	return (struct timespec){.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000};
}

char *clock_format(int64_t wall_ms, char out[static CLOCK_TEXT_SIZE])
{
	time_t seconds = wall_ms / 1000;
	struct tm tm;

	out[0] = '\0';
	if (wall_ms && gmtime_r(&seconds, &tm))
		strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

/* ".123456" to milliseconds; advances *p behind the digits. */
static int64_t clock_parse_fraction(const char **p)
{
	int64_t ms = 0, unit = 100;

	if (**p != '.')
		return 0;
	for (++*p; **p >= '0' && **p <= '9'; ++*p, unit /= 10)
		ms += (**p - '0') * unit;
	return ms;
}

/* "Z", "UTC", "+00:00", "-0130", "+02" to milliseconds east of UTC; -EINVAL for anything else. */
static int clock_parse_offset(const char *p, int64_t *ret_ms)
{
	static const char *const names[] = {"Z", "z", "UTC", "GMT"};
	int hours, minutes = 0, end = 0;

	*ret_ms = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(p, names[i]) == 0)
			return 0;
	if (*p != '+' && *p != '-')
		return -EINVAL;
	if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 &&
	    sscanf(p + 1, "%2d%2d%n", &hours, &minutes, &end) != 2)
		sscanf(p + 1, "%2d%n", &hours, &end);
	if (!end || p[1 + end])
		return -EINVAL;
	*ret_ms = (hours * 60 + minutes) * INT64_C(60000) * (*p == '-' ? -1 : 1);
	return 0;
}

int64_t clock_parse(const char *text)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dt%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					    "%Y-%m-%dT%H:%M",	 "%Y%m%dT%H%M%S",     "%a, %d %b %Y %H:%M:%S"};
	const char *p = NULL;
	int64_t fraction, offset;
	struct tm tm;

	for (size_t i = 0; i < ARRAY_SIZE(forms) && !p; i++) {
		tm = (struct tm){0};
		p = strptime(text, forms[i], &tm);
	}
	if (!p)
		return -EINVAL;
	fraction = clock_parse_fraction(&p);
	if (clock_parse_offset(p + strspn(p, " "), &offset) < 0)
		return -EINVAL;
	return (int64_t)timegm(&tm) * 1000 + fraction - offset;
}

int64_t clock_of_seconds(double seconds)
{
	const double end_of_9999 = 253402300800;

	return seconds >= 0 && seconds < end_of_9999 ? (int64_t)(seconds * 1000) : -EINVAL;
}

char *clock_duration(int64_t ms, char out[static CLOCK_TEXT_SIZE])
{
	int64_t s = ms / 1000;

	if (s >= 3600)
		snprintf(out, CLOCK_TEXT_SIZE, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, CLOCK_TEXT_SIZE, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else
		snprintf(out, CLOCK_TEXT_SIZE, "%" PRId64 "s", s);
	return out;
}
