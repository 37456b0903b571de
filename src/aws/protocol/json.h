/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.h - JSON as AWS sends it, with every character of its texts.
 *
 * cJSON keeps texts as C strings, which end at a \u0000, and refuses half a surrogate pair. Texts that are read here
 * have the marks of base/escape.h for what a C string cannot hold, and U+FFFD for half a pair. Pure.
 */
#ifndef VASTFS_AWS_JSON_H
#define VASTFS_AWS_JSON_H

#include "base/buf.h"

#include <cjson/cJSON.h>

/* text is followed by a NUL that does not count. NULL: not JSON, or no memory. */
cJSON *aws_json_read(const char *text, size_t len);

/* As JSON with indentation and a newline at its end, for files; to be freed, NULL without memory. */
char *aws_json_print(const cJSON *tree);

#endif
