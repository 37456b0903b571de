/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - the table of formats of import/<format>: the name, the help text and the cutter of each format.
 *
 * A name that is not in the table is valid too and is passed to import_command. vastfs does not know where such a
 * stream can be cut, so it delivers the stream as a whole. Pure; any thread.
 */
#ifndef VASTFS_INGEST_FORMAT_H
#define VASTFS_INGEST_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#define FORMAT_NAME_MAX 31 /* bytes */

struct cutter_kind;

struct format {
	const char *name; /* name of the file in import/ */
	const char *vast; /* the name in "vast import NAME" */
	/* The name in Tenzir's operator read_NAME. */
	const char *tenzir;
	const struct cutter_kind *cutter;
	const char *help; /* one line: a description of the format and of its units */
};

extern const struct format formats[];
extern const size_t formats_n;

/* Returns the row of the table, or NULL if there is none. */
const struct format *format_find(const char *name);

/* Returns whether a name can be a format: [a-z0-9][a-z0-9_.-]*, at most FORMAT_NAME_MAX bytes. */
bool format_name_is_valid(const char *name);

/* Returns VAST's name of a format. A format that is not in the table has the same name there. */
const char *format_vast_name(const char *name);

/* Writes Tenzir's name of a format. Names that are not in the table get an underscore for each other punctuation. */
void format_tenzir_name(const char *name, char out[static FORMAT_NAME_MAX + 1]);

/* Returns the cutter of a format, which need not be in the table. Never NULL. */
const struct cutter_kind *format_cutter(const char *name);

#endif
