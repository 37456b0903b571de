/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path.h - where the paths of the environment point to.
 *
 * A relative path in a variable means a file below the directory that vastfs was started in. The daemon leaves that
 * directory, so the variables are made absolute before, once; children inherit the absolute ones.
 */
#ifndef VASTFS_BASE_PATH_H
#define VASTFS_BASE_PATH_H

/*
 * Remembers the working directory and makes the path variables absolute that vastfs or its children read. Called once,
 * while the process has one thread. 0, or a negative errno: the working directory is unknown and a variable needs it.
 */
int path_fix_environment(void);

/* The path seen from the directory that vastfs was started in; to be freed, NULL without memory. */
char *path_absolute(const char *path);

/*
 * As the AWS CLI reads the names of its files: $NAME and ${NAME} are the environment's, "~" and "~user" at the
 * beginning are home directories; what does not exist stays as it is. To be freed; NULL without memory or over
 * PATH_MAX.
 */
char *path_expand(const char *path);

/* $HOME, else the home of the user in the password database; NULL if there is neither. Any thread. */
const char *path_home(void);

#endif
