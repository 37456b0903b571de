/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sections.h - writes the sections of overview.html. Each function appends one section, or nothing if it would be empty
 * and its absence is no news. Every list has a limit, and says how many entries it leaves out. Pure.
 */
#ifndef VASTFS_FS_PICTURE_SECTIONS_H
#define VASTFS_FS_PICTURE_SECTIONS_H

#include "fs/picture/parts.h"

#define SECTIONS_TASKS	 20
#define SECTIONS_QUERIES 8
#define SECTIONS_IMPORTS 5

void section_put_operation(const struct picture *p, struct buf *out);
void section_put_errors(const struct picture *p, struct buf *out);
void section_put_tasks(const struct picture *p, struct buf *out);
void section_put_queries(const struct picture *p, struct buf *out);
void section_put_imports(const struct picture *p, struct buf *out);
void section_put_cost(const struct picture *p, struct buf *out);

/* What sections share: the first line of an entry up to its state, which closes with "</div>"; a remedy. */
void section_begin_entry(struct buf *out, enum part_state state, const char *name, const char *word);
void section_put_time(struct buf *out, int64_t wall_ms); /* nothing for 0 */
void section_put_remedy(struct buf *out, const char *remedy);
void section_put_more(struct buf *out, size_t more, const char *place);

#endif
