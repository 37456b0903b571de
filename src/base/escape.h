/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * escape.h - text of whatever origin as one line that a terminal, a log and a script can take.
 *
 * Printable UTF-8 stays as it is. Line feed, tab and carriage return become \n, \t and \r; every other byte that is
 * not printable becomes \xNN: control characters, what is no UTF-8, and the characters that break lines or reverse the
 * direction of writing. A backslash stays a backslash, so that escaped text can be escaped again and stays the same.
 *
 * A C string cannot hold a NUL. In text that came with JSON it is ESCAPE_NUL, two bytes that are no UTF-8, and the
 * first of these, should it come by itself, is ESCAPE_LEAD.
 */
#ifndef VASTFS_BASE_ESCAPE_H
#define VASTFS_BASE_ESCAPE_H

#include "base/buf.h"

#define ESCAPE_NUL  "\xc0\x80"
#define ESCAPE_LEAD "\xc0\x81"

/* Appends the text as one line, without a newline at its end. */
int escape_line(struct buf *out, const char *text);

/* The same into out, cut between two characters where it does not fit; returns out. text and out must not overlap. */
char *escape_copy(char *out, size_t size, const char *text);

/* Appends the bytes themselves: ESCAPE_NUL and ESCAPE_LEAD as what they stand for. */
int escape_raw(struct buf *out, const char *text);

#endif
