/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sections.h - writes the sections of overview.html. Each function appends one section, or nothing if the section would
 * be empty and the reader does not need to know that. Every list has a limit and shows how many entries are left out.
 * Pure.
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

/*
 * Functions that the sections share. One appends the first line of an entry up to its state, which the caller closes
 * with "</div>"; another appends a remedy.
 */
void section_begin_entry(struct buf *out, enum part_state state, const char *name, const char *word);
void section_put_time(struct buf *out, int64_t wall_ms); /* appends nothing for 0 */
void section_put_remedy(struct buf *out, const char *remedy);
void section_put_more(struct buf *out, size_t more, const char *place);

#endif
