/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/picture/words.h"

#include "base/clock.h"
#include "base/markup.h"

#include <inttypes.h>
#include <stdio.h>

/* The model polls at least once a minute while a stack is in use. */
#define UP_TO_DATE_MS (2 * 60 * 1000)

const char *words_age(const struct picture *p, char out[static WORDS_SIZE])
{
	char when[CLOCK_TEXT_SIZE];

	if (p->age_ms < 0 || !p->snapshot->contact_ms) {
		snprintf(out, WORDS_SIZE, "not read yet");
	} else if (p->age_ms <= UP_TO_DATE_MS && !error_is(&p->snapshot->contact_error)) {
		snprintf(out, WORDS_SIZE, "up to date");
	} else {
		clock_format(p->snapshot->contact_ms, when);
		snprintf(out, WORDS_SIZE, "as of %.10s %.5s UTC", when, when + 11);
	}
	return out;
}

void words_put_origin(const struct picture *p, struct buf *out)
{
	const char *stage = words_setting(p, SETTING_STAGE);
	char age[WORDS_SIZE];

	if (*stage)
		markup(out, "%.*s \xc2\xb7 ", 14, stage);
	markup(out, "%s", words_age(p, age));
}

const char *words_time(int64_t wall_ms, char out[static WORDS_SIZE])
{
	char when[CLOCK_TEXT_SIZE];

	clock_format(wall_ms, when);
	snprintf(out, WORDS_SIZE, "%.10s %.8s UTC", when, when + 11);
	return out;
}

const char *words_setting(const struct picture *p, enum setting key)
{
	return p->snapshot->settings ? settings_get(p->snapshot->settings, key) : "";
}

unsigned words_live_tasks(const struct picture *p)
{
	const struct task_list *l = p->snapshot->tasks;
	unsigned live = 0;

	for (size_t i = 0; i < l->n; i++)
		live += task_is_live(&l->tasks[i]);
	return live;
}

unsigned words_in_flight(const struct job_list *l)
{
	unsigned n = 0;

	for (size_t i = 0; i < l->n; i++) {
		_cleanup_(job_view_unref_cleanup) struct job_view *v = job_view(l->jobs[i]);

		n += !job_state_ended(v->state);
	}
	return n;
}

const char *words_elapsed(const struct picture *p, const struct job_view *v, char out[static WORDS_SIZE])
{
	int64_t until = v->ended_ms ? v->ended_ms : p->now_ms, s = (until - v->started_ms) / 1000;

	*out = '\0';
	if (v->started_ms && until > 0)
		snprintf(out, WORDS_SIZE, "%" PRId64 ":%02d:%02d", s < 0 ? 0 : s / 3600, s < 0 ? 0 : (int)(s / 60 % 60),
			 s < 0 ? 0 : (int)(s % 60));
	return out;
}
