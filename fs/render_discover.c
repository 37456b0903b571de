/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_discover.c - renders discover/: the VPCs of the region, and a proposal for the settings.
 */
#include "fs/fs.h"
#include "fs/render.h"
#include "model/model.h"

int render_vpc_text(const struct scope *s, struct buf *out)
{
	return buf_puts(out, *(char *const *)((const char *)s->vpc + s->row->arg));
}

int render_discovery_status(const struct scope *s, struct buf *out)
{
	return discovery_write_status(s->snapshot->discovery, out);
}

int render_suggestion(const struct scope *s, struct buf *out)
{
	return model_suggestion_render(s->snapshot, out);
}

int64_t changed_discovery(const struct scope *s)
{
	return s->snapshot->discovery->changed_ms;
}

/* The text of status changes with each reading, because it contains the time of the reading. */
int64_t changed_discovery_status(const struct scope *s)
{
	const struct discovery *d = s->snapshot->discovery;

	return d->read_ms > d->changed_ms ? d->read_ms : d->changed_ms;
}

int64_t changed_vpc(const struct scope *s)
{
	return s->vpc ? s->vpc->changed_ms : 0;
}

/* The proposal also depends on the settings and the stack, and usually stays the same when they change. */
int64_t changed_suggestion(const struct scope *s)
{
	_buf_ struct buf text = BUF_INIT(FS_TEXT_MAX);

	render_suggestion(s, &text);
	return memo_changed(&s->fs->suggestion_memo, &text);
}
