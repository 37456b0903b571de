/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - the formats of import/<format>, one table: name, help, and how a stream of that format is cut.
 *
 * A name that is not in the table is passed on to import_command as well. Nothing is known about where such a stream
 * can be cut, so it is delivered whole. Pure; any thread.
 */
#ifndef VASTFS_INGEST_FORMAT_H
#define VASTFS_INGEST_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#define FORMAT_NAME_MAX 31 /* bytes */

struct cutter_kind;

struct format {
	const char *name;
	const struct cutter_kind *cutter;
	const char *help; /* one line: what the format is, and how it is cut */
};

extern const struct format formats[];
extern const size_t formats_n;

/* The row of the table, NULL if there is none. */
const struct format *format_find(const char *name);

/* Whether a name can be a format: [a-z0-9][a-z0-9_.-]*, at most FORMAT_NAME_MAX bytes. */
bool format_name_is_valid(const char *name);

/* How a stream of that format is cut, listed or not. Never NULL. */
const struct cutter_kind *format_cutter(const char *name);

#endif
