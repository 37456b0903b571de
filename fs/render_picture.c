/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * render_picture.c - renders the pictures (picture/picture.h). It collects everything that they show, from memory.
 */
#include "fs/render.h"

#include "base/clock.h"
#include "fs/fs.h"
#include "fs/picture/picture.h"

#define PICTURE_BLOCK 4096

static int (*const render_pictures[FS_PICTURES])(const struct picture *p, struct buf *out) = {
	[FS_STATUS_SVG] = picture_put_status,
	[FS_DIAGRAM_SVG] = picture_put_diagram,
	[FS_OVERVIEW_HTML] = picture_put_overview,
};

static void render_collect_picture(const struct scope *s, struct picture *ret)
{
	const struct snapshot *snapshot = s->snapshot;

	*ret = (struct picture){.snapshot = snapshot, .mountpoint = s->fs->mountpoint, .now_ms = clock_wall_ms()};
	ret->age_ms = snapshot_age_ms(snapshot);
	model_import_totals(s->fs->model, &ret->imports);
	model_credentials(s->fs->model, &ret->credentials);
	ret->failures_n = failures_newest(model_failures(s->fs->model), ret->failures, ARRAY_SIZE(ret->failures),
					  &ret->failures_all);
}

/*
 * Pads the document with blanks to a multiple of 4 KiB. A browser asks for the size first and then reads no more than
 * that. So a document that grows in between would lose its end, and an SVG could not be shown.
 */
static int render_pad_picture(struct buf *out)
{
	size_t size = (out->len + PICTURE_BLOCK) / PICTURE_BLOCK * PICTURE_BLOCK;

	while (!out->error && out->len < size - 1)
		buf_putc(out, ' ');
	buf_putc(out, '\n');
	return out->error;
}

int render_picture(const struct scope *s, struct buf *out)
{
	struct picture p;

	int r;

	render_collect_picture(s, &p);
	r = render_pictures[s->row->arg](&p, out);
	return r < 0 ? r : render_pad_picture(out);
}

/*
 * A duration that grows does not count as a change. Otherwise every process that watches the file would wake up every
 * second.
 */
int64_t changed_picture(const struct scope *s)
{
	_buf_ struct buf text = BUF_INIT(FS_TEXT_MAX);
	struct picture p;

	render_collect_picture(s, &p);
	p.now_ms = 0;
	render_pictures[s->row->arg](&p, &text);
	return memo_changed(&s->fs->picture_memos[s->row->arg], &text);
}
