/* SPDX-License-Identifier: BSD-3-Clause */
#include "jobs/failures.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>

struct failures {
	pthread_mutex_t lock;
	char *lines[FAILURES_KEPT]; /* a ring: the oldest at next */
	unsigned next;
	int64_t changed_ms;
};

struct failures *failures_new(void)
{
	struct failures *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->changed_ms = clock_wall_ms();
	return f;
}

void failures_free(struct failures *f)
{
	if (!f)
		return;
	failures_clear(f);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Quoted so that a line can be split again: quotes inside become single ones. */
static void failures_put_quoted(struct buf *b, const char *key, const char *value)
{
	if (!*value)
		return;
	buf_printf(b, " %s=\"", key);
	for (const char *p = value; *p; p++)
		buf_putc(b, *p == '"' ? '\'' : *p);
	buf_putc(b, '"');
}

static const char *failures_errno_name(int errnum)
{
	const char *name = strerrorname_np(-errnum);

	return name ? name : "unknown";
}

static char *failures_format_line(const struct failure_site *site, const struct error *err)
{
	_buf_ struct buf b = BUF_INIT(4096);
	char when[CLOCK_TEXT_SIZE];

	buf_printf(&b, "time=%s", clock_format(clock_wall_ms(), when));
	if (site->pid)
		buf_printf(&b, " pid=%d uid=%u", (int)site->pid, (unsigned)site->uid);
	if (site->path)
		buf_printf(&b, " path=%s", site->path);
	if (site->job)
		buf_printf(&b, " job=%s", site->job);
	buf_printf(&b, " errno=%s", failures_errno_name(err->errnum));
	failures_put_quoted(&b, "what", err->message);
	if (*err->code)
		buf_printf(&b, " code=%s", err->code);
	if (*err->request_id)
		buf_printf(&b, " request_id=%s", err->request_id);
	failures_put_quoted(&b, "remedy", err->remedy);
	buf_putc(&b, '\n');
	return buf_take(&b);
}

void failures_add(struct failures *f, const struct failure_site *site, const struct error *err)
{
	char *line = failures_format_line(site, err);

	if (!line)
		return;
	pthread_mutex_lock(&f->lock);
	free(f->lines[f->next]);
	f->lines[f->next] = line;
	f->next = (f->next + 1) % FAILURES_KEPT;
	f->changed_ms = clock_wall_ms();
	pthread_mutex_unlock(&f->lock);
}

void failures_clear(struct failures *f)
{
	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < FAILURES_KEPT; i++) {
		free(f->lines[i]);
		f->lines[i] = NULL;
	}
	f->changed_ms = clock_wall_ms();
	pthread_mutex_unlock(&f->lock);
}

int failures_render(struct failures *f, struct buf *out)
{
	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < FAILURES_KEPT; i++) {
		const char *line = f->lines[(f->next + i) % FAILURES_KEPT];

		if (line)
			buf_puts(out, line);
	}
	pthread_mutex_unlock(&f->lock);
	return out->error;
}

int64_t failures_changed(struct failures *f)
{
	int64_t changed;

	pthread_mutex_lock(&f->lock);
	changed = f->changed_ms;
	pthread_mutex_unlock(&f->lock);
	return changed;
}
