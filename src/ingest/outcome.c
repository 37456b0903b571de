/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/outcome.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

/* After this number of failures the events are treated as the cause, if the server accepts connections. */
#define FUNCTION_FAILURES 3
#define PAUSE_FIRST_MS	  500
#define PAUSE_MOST_MS	  5000
#define BLOCKED_MOST_MS	  30000

/* Exit codes of a shell (POSIX, Shell Command Language, 2.8.2 Exit Status for Commands). */
#define NOT_EXECUTABLE	  126
#define COMMAND_NOT_FOUND 127

/*
 * A command that was killed has not judged its events: memory may have been short, or the engine slow. A shell returns
 * the signal of its child as 128 + signal.
 */
static bool outcome_is_interruption(const struct outcome_facts *f)
{
	return f->function_failed ||
	       (f->answered && f->exit_code && (f->interrupted || (f->exit_code > 128 && f->exit_code <= 128 + 64)));
}

enum outcome outcome_of(const struct outcome_facts *f)
{
	if (f->answered && f->stdin_bytes < 0)
		return OUTCOME_OLD_RUNTIME;
	if (f->answered && f->exit_code == 0)
		return OUTCOME_DELIVERED;
	if (f->answered && !outcome_is_interruption(f))
		return OUTCOME_DOUBTED;
	if (outcome_is_interruption(f))
		return f->attempts < FUNCTION_FAILURES ? OUTCOME_LOST : OUTCOME_DOUBTED;
	if (f->not_started || f->status == 429)
		return OUTCOME_THROTTLED;
	if (f->status == 413)
		return OUTCOME_TOO_LARGE;
	if (!f->sent || (f->status >= 400 && f->status < 500))
		return OUTCOME_BLOCKED;
	return OUTCOME_LOST;
}

bool outcome_may_be_of_one(const struct outcome_facts *f, enum outcome o)
{
	return o == OUTCOME_DOUBTED || o == OUTCOME_TOO_LARGE || (o == OUTCOME_LOST && outcome_is_interruption(f));
}

void pace_init(struct pace *p)
{
	*p = (struct pace){.window = PACE_WINDOW_MAX};
}

static void outcome_pace_pause(struct pace *p, int64_t most_ms, int64_t now_ms)
{
	/* Several invocations that fail together make only one pause. */
	if (p->pause_ms && now_ms < p->resume_ms)
		return;
	p->pause_ms = p->pause_ms ? p->pause_ms * 2 : PAUSE_FIRST_MS;
	if (p->pause_ms > most_ms)
		p->pause_ms = most_ms;
	p->resume_ms = now_ms + p->pause_ms;
}

void pace_take(struct pace *p, enum outcome o, int64_t now_ms)
{
	switch (o) {
	case OUTCOME_DELIVERED:
	case OUTCOME_TOO_LARGE:
		p->pause_ms = 0;
		p->window += p->window < PACE_WINDOW_MAX;
		break;
	case OUTCOME_THROTTLED:
		p->window = p->window > 1 ? p->window / 2 : 1;
		outcome_pace_pause(p, PAUSE_MOST_MS, now_ms);
		break;
	case OUTCOME_LOST:
		outcome_pace_pause(p, PAUSE_MOST_MS, now_ms);
		break;
	case OUTCOME_BLOCKED:
	case OUTCOME_OLD_RUNTIME:
		outcome_pace_pause(p, BLOCKED_MOST_MS, now_ms);
		break;
	case OUTCOME_DOUBTED:
		break;
	}
}

bool pace_resumes_soon(const struct pace *p, int64_t now_ms)
{
	return p->pause_ms < PAUSE_MOST_MS && now_ms < p->resume_ms;
}

void report_remedy(uint64_t import, int exit_code, struct error *err)
{
	if (exit_code == COMMAND_NOT_FOUND || exit_code == NOT_EXECUTABLE)
		error_remedy(err,
			     "set import_command in config/default.env to a command of the image, or set vast_image "
			     "and touch control/deploy; then run: touch import/history/%" PRIu64 "/retry",
			     import);
	else
		error_remedy(err,
			     "run: cat import/history/%" PRIu64
			     "/rejected; to send the rejected events again: touch import/history/%" PRIu64 "/retry",
			     import, import);
}

int report_result(const struct import_counts *c, int64_t duration_ms, struct buf *out)
{
	/* The clock of the machine may have been set back. */
	if (duration_ms < 0)
		duration_ms = 0;
	buf_printf(out, "events %" PRIu64 "\n", c->events);
	buf_printf(out, "delivered %" PRIu64 "\n", c->delivered);
	buf_printf(out, "rejected %" PRIu64 "\n", c->rejected + c->refused);
	buf_printf(out, "batches %u\n", c->batches);
	buf_printf(out, "bytes %" PRIu64 "\n", c->bytes);
	buf_printf(out, "seconds %" PRId64 ".%03" PRId64 "\n", duration_ms / 1000, duration_ms % 1000);
	if (!c->doubtful)
		return buf_puts(out, "possible_duplicates 0\n");
	return buf_printf(out, "possible_duplicates %" PRIu64 " (batches %s)\n", c->doubtful, c->batches_doubtful);
}

static void outcome_put_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	size_t i = 0;
	double n = (double)bytes;

	for (; n >= 1000 && i + 1 < ARRAY_SIZE(units); i++)
		n /= 1000;
	buf_printf(out, i ? "%.1f %s" : "%.0f %s", n, units[i]);
}

/* Appends the rate and the remaining time, if they are known. */
static void outcome_put_rate(const struct import_counts *c, int64_t duration_ms, struct buf *out)
{
	uint64_t done = c->delivered + c->rejected, left = c->events > done ? c->events - done : 0;
	uint64_t rate = duration_ms > 0 ? c->delivered * 1000 / (uint64_t)duration_ms : 0;
	char text[CLOCK_TEXT_SIZE];

	if (!rate)
		return;
	buf_printf(out, ", %" PRIu64 " events/s", rate);
	if (c->is_written && left)
		buf_printf(out, ", %s left", clock_duration((int64_t)(left * 1000 / rate), text));
}

void report_progress(const struct import_counts *c, int64_t duration_ms, const char *waiting_for, char *out,
		     size_t size)
{
	_buf_ struct buf text = BUF_INIT(1024);
	uint64_t done = c->delivered + c->rejected;
	uint64_t done_bytes = c->delivered_bytes + c->rejected_bytes;

	buf_printf(&text, "%" PRIu64 " events (", c->events);
	outcome_put_size(&text, c->bytes);
	buf_printf(&text, ") in, %" PRIu64 " delivered, %" PRIu64 " waiting (", c->delivered,
		   c->events > done ? c->events - done : 0);
	outcome_put_size(&text, c->bytes > done_bytes ? c->bytes - done_bytes : 0);
	buf_puts(&text, ")");
	outcome_put_rate(c, duration_ms, &text);
	if (*waiting_for)
		buf_printf(&text, "; waiting: %s", waiting_for);
	snprintf(out, size, "%s", buf_str(&text));
}

void report_message(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;

	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	for (size_t i = 0; i < len && n + 4 < size; i++) {
		if (text[i] == '\n') {
			memcpy(out + n, " / ", 3);
			n += 3;
		} else {
			out[n++] = text[i] == '\0' || text[i] == '\r' ? ' ' : text[i];
		}
	}
	out[n] = '\0';
}
