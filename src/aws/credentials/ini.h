/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ini.h - the grammar of ~/.aws/config and ~/.aws/credentials, as the AWS CLI reads them.
 *
 * The AWS CLI reads its files with Python's configparser (RawConfigParser, strict), so that is the grammar: "=" or ":"
 * separates, option names have no case, "#" and ";" begin a comment only as the first character of a line that is not
 * blank, a line that is indented deeper than the option above it continues that option's value, sections and options
 * must not repeat, [DEFAULT] in capitals gives every section its options. A value that begins with a line break is a
 * nested block of "name = value" lines. A file that configparser refuses is refused here.
 *
 * Pure; any thread. Source: Python's library reference, configparser; botocore, configloader.
 */
#ifndef VASTFS_AWS_CREDENTIALS_INI_H
#define VASTFS_AWS_CREDENTIALS_INI_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/*
 * text of len bytes becomes an object of sections, each an object of options in the order of the file; an option is a
 * string, or an object of strings for a nested block. The caller owns *ret. -EINVAL with "line N: ..." for what
 * configparser refuses, for a NUL, and for what is not UTF-8; -ENOMEM.
 */
int ini_parse(const char *text, size_t len, cJSON **ret, struct error *err);

#endif
