/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path.h - resolves paths in environment variables and configuration files.
 *
 * A relative path in a variable is relative to the directory that vastfs was started in. The daemon leaves that
 * directory, so the variables are made absolute once at the start; child processes inherit the absolute paths.
 */
#ifndef VASTFS_BASE_PATH_H
#define VASTFS_BASE_PATH_H

/*
 * Remembers the working directory and makes the path variables absolute that vastfs or its children read. Called once,
 * while the process has one thread. 0, or a negative errno: the working directory is unknown and a variable needs it.
 */
int path_fix_environment(void);

/* The absolute path, relative to the directory that vastfs was started in. The caller frees it; NULL without memory. */
char *path_absolute(const char *path);

/*
 * Expands a path as the AWS CLI does: $NAME and ${NAME} are environment variables, "~" and "~user" at the beginning are
 * home directories; unknown names are unchanged. The caller frees it; NULL without memory or over PATH_MAX.
 */
char *path_expand(const char *path);

/* $HOME, else the home of the user in the password database; NULL if there is neither. Any thread. */
const char *path_home(void);

#endif
