/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * escape.h - escapes text of any origin, so that it is one line and safe for terminals, logs and scripts. Pure.
 *
 * Printable UTF-8 is unchanged. Line feed, tab and carriage return become \n, \t and \r; every other byte that is
 * not printable becomes \xNN: control characters, bytes that are not UTF-8, and the characters that break lines or
 * reverse the direction of writing. A backslash is unchanged, so escaping twice gives the same text.
 *
 * A C string cannot contain a NUL. In text from JSON it is represented by ESCAPE_NUL, two bytes that are not UTF-8; the
 * first of these two bytes, if it occurs alone, is represented by ESCAPE_LEAD.
 */
#ifndef VASTFS_BASE_ESCAPE_H
#define VASTFS_BASE_ESCAPE_H

#include "base/buf.h"

#define ESCAPE_NUL  "\xc0\x80"
#define ESCAPE_LEAD "\xc0\x81"

#define ESCAPE_PIECE_MAX 24 /* bytes: an escaped character of up to six bytes */

/* Appends the text as one line, without a newline at its end. */
int escape_line(struct buf *out, const char *text);

/*
 * Escapes the first character of the left bytes at s into piece, without a NUL; *ret_len: bytes written. Returns the
 * number of bytes consumed.
 */
size_t escape_next(const char *s, size_t left, char piece[static ESCAPE_PIECE_MAX], size_t *ret_len);

/* Escapes into out, truncated between two characters if needed; returns out. text and out must not overlap. */
char *escape_copy(char *out, size_t size, const char *text);

/* Appends the original bytes: replaces ESCAPE_NUL and ESCAPE_LEAD by the bytes that they represent. */
int escape_raw(struct buf *out, const char *text);

#endif
