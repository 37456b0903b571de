/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - a line taken apart into words as the AWS CLI does it for credential_process and for names of sections.
 *
 * Blanks (space, tab, line ends) separate words; inside '...' nothing is special; inside "..." a backslash escapes a
 * double quote and itself; elsewhere a backslash escapes any character. Nothing is expanded.
 *
 * Pure; any thread. Source: Python's library reference, shlex.split().
 */
#ifndef VASTFS_AWS_CREDENTIALS_WORDS_H
#define VASTFS_AWS_CREDENTIALS_WORDS_H

/*
 * *ret gets an array of strings with NULL at its end, the caller's (words_free). How many there are; -EINVAL for a
 * quotation or an escape without an end, -ENOMEM.
 */
int words_split(const char *line, char ***ret);
void words_free(char **words); /* NULL is fine */

/*
 * A whole number as Python's int() reads it, and so the AWS CLI: blanks around it, a sign, single underscores between
 * digits. Numbers that are too large become the largest. -EINVAL.
 */
int words_integer(const char *text, long *ret);

#endif
