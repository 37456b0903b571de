/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h - splits a line into words and parses integers, as the AWS CLI does for credential_process and section names.
 *
 * Blanks (space, tab, line ends) separate words. Inside '...' no character is special. Inside "..." a backslash escapes
 * a double quote and itself. Elsewhere a backslash escapes any character. Nothing is expanded.
 *
 * The functions are pure, and any thread may call them.
 *
 * Source: Python's library reference, shlex.split().
 */
#ifndef VASTFS_AWS_CREDENTIALS_WORDS_H
#define VASTFS_AWS_CREDENTIALS_WORDS_H

/*
 * *ret receives an array of strings with NULL at its end; the caller frees it with words_free. Returns the number of
 * words; -EINVAL for a quotation or an escape without an end; or -ENOMEM.
 */
int words_split(const char *line, char ***ret);
void words_free(char **words); /* words may be NULL */

/*
 * Parses an integer as Python's int(), and therefore the AWS CLI, does: with blanks around it, a sign, and single
 * underscores between digits. A number that is too large is replaced by the largest value that this function returns,
 * or its negative. Returns -EINVAL if text is not an integer.
 */
int words_integer(const char *text, long *ret);

#endif
