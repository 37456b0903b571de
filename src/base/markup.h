/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * markup.h - writes SVG and HTML. Only this module turns text of any origin into character data or attribute values, so
 * no name, tag, query or error can add an element, end an attribute or make the document malformed. Pure.
 *
 * Text is first made printable as by escape_line() (base/escape.h), which replaces most of the characters that XML 1.0
 * excludes. The noncharacters U+FFFE and U+FFFF, which XML excludes as well, become U+FFFD. Then & < > " ' become
 * references that both HTML and XML define.
 */
#ifndef VASTFS_BASE_MARKUP_H
#define VASTFS_BASE_MARKUP_H

#include "base/buf.h"

/*
 * Appends the format, which is trusted markup, with its conversions: %s is text to be escaped, and NULL counts as "";
 * %.*s is the same, cut to a number of columns, with an ellipsis in the last column if text was cut; %d, %u and %% are
 * the same as in printf. No other conversion is supported. Returns the error of the buffer.
 */
int markup(struct buf *out, const char *format, ...) _printf_(2, 3);

/* Appends escaped text of at most that many columns. A wide character, for example of Chinese, has two columns. */
int markup_text(struct buf *out, const char *text, size_t columns);

#endif
