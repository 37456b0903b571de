/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * environment.h - the setting server_environment: NAME=value pairs, separated by commas. Pure; any thread.
 *
 *	A=1, B=two words,C=	blanks around a pair are ignored, those inside a value are part of it
 *
 * A name is [A-Za-z_][A-Za-z0-9_]* and occurs once. There is no escape: a value with a comma, or with blanks at its
 * ends, is written as an assignment before vast_command (FOO='a,b' vast start), where the shell interprets quotes.
 */
#ifndef VASTFS_STACK_ENVIRONMENT_H
#define VASTFS_STACK_ENVIRONMENT_H

#include "base/buf.h"
#include "base/error.h"

/* Length of the name before =, in bytes; 0 if the text does not start with a name and =. */
size_t environment_name_length(const char *text, size_t len);

/*
 * -EINVAL with a message if the value has a dynamic reference of CloudFormation (User Guide, "Get values stored in
 * other services using dynamic references").
 */
int environment_check_reference(const char *value, struct error *err);

/* -EINVAL with a message that names the pair that is wrong. */
int environment_check(const char *value, struct error *err);

/*
 * Appends the canonical form that the launcher in the image parses: NAME=value,NAME=value without blanks around the
 * pairs, so that the same variables always give the same parameter. The value has passed the check; "" gives "".
 */
int environment_write(const char *value, struct buf *out);

#endif
