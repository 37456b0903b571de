/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forms.h - predicates for the syntax of settings' values. Pure; any thread; nothing is allocated.
 *
 * Regular expressions are avoided: without memory glibc's regexec reports "no match" and may free memory twice.
 */
#ifndef VASTFS_STACK_FORMS_H
#define VASTFS_STACK_FORMS_H

#include <stdbool.h>

bool form_is_number(const char *s);	   /* at most nine digits, without leading zeros */
bool form_is_region(const char *s);	   /* "eu-central-1", "us-gov-west-1" */
bool form_is_zone(const char *s);	   /* a region and a letter */
bool form_is_vpc_id(const char *s);	   /* "vpc-" and 8 or 17 hexadecimal digits */
bool form_is_stage(const char *s);	   /* lower-case letters and digits, with single dashes between them */
bool form_is_absolute_path(const char *s); /* a path of letters, digits and ._-, without a slash at its end */
bool form_has_dots(const char *path);	   /* one of its parts is . or .. */
/* Source: IAM API reference, CreatePolicy and "IAM identifiers". */
bool form_is_policy_arn(const char *s);

#endif
