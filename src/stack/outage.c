/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack/outage.h"

#define PAUSE_FIRST_MS 500
#define PAUSE_MOST_MS  5000

static int64_t outage_limit_ms(const struct outage *o, enum error_duration duration)
{
	if (o->begun)
		return OUTAGE_LIMIT_MS;
	return duration == ERROR_TRANSIENT ? OUTAGE_FIRST_LIMIT_MS : 0;
}

static int64_t outage_next_pause_ms(const struct outage *o)
{
	int64_t pause_ms = o->pause_ms * 2;

	return pause_ms < PAUSE_MOST_MS ? pause_ms : PAUSE_MOST_MS;
}

enum outage_advice outage_failed(struct outage *o, enum error_duration duration, int64_t now_ms)
{
	bool first = !o->running;

	if (duration == ERROR_PERMANENT)
		return OUTAGE_NONE;
	if (duration == ERROR_OUTLASTED)
		return OUTAGE_TOO_LONG;
	if (first) {
		o->running = true;
		o->since_ms = now_ms;
	}
	if (now_ms - o->since_ms >= outage_limit_ms(o, duration))
		return OUTAGE_TOO_LONG;
	o->pause_ms = first ? PAUSE_FIRST_MS : outage_next_pause_ms(o);
	return first ? OUTAGE_BEGINS : OUTAGE_GOES_ON;
}

int64_t outage_answered(struct outage *o, int64_t now_ms)
{
	int64_t lasted_ms = o->running ? now_ms - o->since_ms : 0;

	o->begun = true;
	o->running = false;
	o->outlasted_ms += lasted_ms;
	return lasted_ms;
}
