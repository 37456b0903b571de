/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ini.h - parses ~/.aws/config and ~/.aws/credentials with the grammar of the AWS CLI.
 *
 * The AWS CLI reads its files with Python's configparser (RawConfigParser, strict), which defines this grammar:
 *
 * - "=" or ":" separates an option's name from its value. Option names are case-insensitive.
 * - "#" and ";" start a comment only as the first character of a line that is not blank.
 * - A line with a deeper indentation than the option above it continues the value of that option.
 * - Sections and options must not repeat.
 * - [DEFAULT], in capitals, gives its options to every section.
 * - A value that starts with a line break is a nested block of "name = value" lines.
 *
 * A file that configparser refuses is refused here too. The parser is pure, and any thread may call it.
 *
 * Source: Python's library reference, configparser; botocore, configloader.
 */
#ifndef VASTFS_AWS_CREDENTIALS_INI_H
#define VASTFS_AWS_CREDENTIALS_INI_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/*
 * Parses len bytes of text into an object of sections. A section is an object of options in the order of the file. An
 * option is a string, or an object of strings for a nested block. The caller owns *ret and frees it with
 * secret_free_json. Returns -EINVAL with "line N: ..." if configparser would refuse the text, if it contains a NUL, or
 * if it is not UTF-8, and -ENOMEM without memory.
 */
int ini_parse(const char *text, size_t len, cJSON **ret, struct error *err);

#endif
