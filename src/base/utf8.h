/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * utf8.h - the little of Unicode that reading text files needs: what is a character, and what is a blank.
 *
 * Pure; any thread. Sources: RFC 3629; the characters for which Python's str.isspace() holds.
 */
#ifndef VASTFS_BASE_UTF8_H
#define VASTFS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the character that text begins with, at most len are looked at; 0 if there is none: no overlong forms, no
 * surrogates. ret_point (may be NULL) gets the character's number.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_point);
bool utf8_is_valid(const char *text, size_t len);

/* Bytes of the blank that text begins or ends with; 0 if there is none. text must be valid. */
size_t utf8_blank_at(const char *text, size_t len);
size_t utf8_blank_before(const char *text, size_t len);

#endif
