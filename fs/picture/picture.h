/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * picture.h - draws the stack: status.svg, stack/diagram.svg and overview.html.
 *
 * Each renderer is a pure function from a struct picture, which the caller collects and owns, to the bytes of a file.
 * The files load nothing and contain no script, and all text from outside is escaped by base/markup.h. Their layout is
 * data: *.svg, *.html and *.css in this folder, embedded at build; slots.h fills them. Any thread.
 */
#ifndef VASTFS_FS_PICTURE_PICTURE_H
#define VASTFS_FS_PICTURE_PICTURE_H

#include "base/buf.h"
#include "model/model.h"

#define PICTURE_FAILURES 8 /* most failures that a page shows */

struct picture {
	const struct snapshot *snapshot;
	const char *mountpoint;
	/*
	 * Wall clock time of the picture. 0: durations that still grow are left out, so that two pictures are equal if
	 * only time has passed between them.
	 */
	int64_t now_ms;
	int64_t age_ms; /* time since the last complete poll of AWS; negative: there was none */
	struct ingest_totals imports;
	struct model_credentials credentials;
	struct failure_report failures[PICTURE_FAILURES]; /* newest first */
	size_t failures_n, failures_all;
};

int picture_put_status(const struct picture *p, struct buf *out);   /* status.svg */
int picture_put_diagram(const struct picture *p, struct buf *out);  /* stack/diagram.svg */
int picture_put_overview(const struct picture *p, struct buf *out); /* overview.html */

#endif
