/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * markup.h - writes SVG and HTML. Text of any origin becomes character data or an attribute value in one place, here,
 * so no name, tag, query or error can add an element, end an attribute or make the document malformed. Pure.
 *
 * Text is first made printable as escape_line() does it (base/escape.h); XML 1.0 excludes most of the characters that
 * this replaces. The two noncharacters U+FFFE and U+FFFF, which XML excludes as well, become U+FFFD. Then & < > " '
 * become references, which HTML and XML share.
 */
#ifndef VASTFS_BASE_MARKUP_H
#define VASTFS_BASE_MARKUP_H

#include "base/buf.h"

/*
 * Appends the format, which is trusted markup, with its conversions: %s is text to be escaped, NULL is none; %.*s
 * likewise, cut to a number of columns, of which the last is an ellipsis if text was cut; %d, %u and %% are those of
 * printf. No other conversion is understood. Returns the error of the buffer.
 */
int markup(struct buf *out, const char *format, ...) _printf_(2, 3);

/* Appends escaped text of at most that many columns. A wide character, for example of Chinese, has two columns. */
int markup_text(struct buf *out, const char *text, size_t columns);

#endif
