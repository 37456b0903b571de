/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.h - parses and prints the JSON of AWS without loss of characters.
 *
 * cJSON keeps texts as C strings, which end at a \u0000, and refuses half a surrogate pair. Strings parsed here
 * have the marks of base/escape.h for characters that a C string cannot contain, and U+FFFD for half a pair. Pure.
 */
#ifndef VASTFS_AWS_JSON_H
#define VASTFS_AWS_JSON_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/* text is followed by a NUL that does not count. NULL: not JSON, or no memory. */
cJSON *aws_json_read(const char *text, size_t len);

/* Prints JSON with indentation and a final newline, for files. The caller frees it; NULL without memory. */
char *aws_json_print(const cJSON *tree);

#endif
