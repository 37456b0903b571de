/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * utf8.h - the functions for Unicode that text files need: decoding, validation, blanks.
 *
 * Pure; any thread. Sources: RFC 3629; the characters for which Python's str.isspace() holds.
 */
#ifndef VASTFS_BASE_UTF8_H
#define VASTFS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The number of bytes of the character at text, of at most len bytes; 0 if invalid, including overlong forms and
 * surrogates. ret_point (may be NULL) gets the code point.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_point);
bool utf8_is_valid(const char *text, size_t len);

/* The number of bytes of the blank at the beginning or end of text; 0 if none. text must be valid UTF-8. */
size_t utf8_blank_at(const char *text, size_t len);
size_t utf8_blank_before(const char *text, size_t len);

#endif
